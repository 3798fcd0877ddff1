/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys by name, and what to press on a US keyboard to type a character. */
#ifndef FRONTENDS_HEADLESS_KEY_NAMES_H
#define FRONTENDS_HEADLESS_KEY_NAMES_H

#include <glib.h>
#include <stdbool.h>

#include "frontends/headless/step.h"

/* "ctrl-alt-delete", "f2", "a". False with an error that names the nearest known key. */
bool key_chord(const char *words, struct chord *out, GError **err);

/* False when the character cannot be typed. */
bool key_type(char c, struct chord *out);

#endif
