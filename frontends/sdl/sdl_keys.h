/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SDL's scancodes, which name places on the keyboard, as the guest's keys. */
#ifndef FRONTENDS_SDL_SDL_KEYS_H
#define FRONTENDS_SDL_SDL_KEYS_H

#include "devices/input/keys.h"

/* The key at SDL scancode `code` (any int), or PKEY_NONE. */
enum pkey sdl_key(int code);

#endif
