/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which keys of a PC keyboard write a character, in the guest's layout. */
#ifndef FRONTENDS_KEYBOARD_LAYOUT_H
#define FRONTENDS_KEYBOARD_LAYOUT_H

#include <glib.h>
#include <stdbool.h>

#include "devices/input/keys.h"

struct keyboard_layout;

/* A key, pressed and released while these modifiers are held. */
struct key_stroke {
    enum pkey key;
    bool shift, altgr;
    bool caps; /* Caps Lock turns what it writes into the other case */
};

#define KEYBOARD_MAX_STROKES 2 /* of one character: a dead key and a letter */

/* "us", "de", …, NULL. */
extern const char *const keyboard_layout_names[];

/* NULL: there is none of that name. */
const struct keyboard_layout *keyboard_layout_find(const char *name);

/* The strokes that write c, which is a control character for Enter, Tab, Escape and Backspace. How
 * many; 0 when the layout has no such character. */
unsigned keyboard_layout_type(const struct keyboard_layout *l, gunichar c,
                              struct key_stroke out[KEYBOARD_MAX_STROKES]);

#endif
