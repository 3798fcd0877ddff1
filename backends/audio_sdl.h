/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The driver of the host's loudspeaker and microphone, by SDL. Apart from the others, so that only
 * the program with the window needs SDL's library. */
#ifndef BACKENDS_AUDIO_SDL_H
#define BACKENDS_AUDIO_SDL_H

#include "backends/audio.h"

extern const struct audio_driver audio_sdl_driver;

#endif
