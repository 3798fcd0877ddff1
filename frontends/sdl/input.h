/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys and mouse on their way to the guest. The devices want the device lock, which a vCPU may hold
 * for longer than a person would wait for a window: what the window has for them is put in a queue
 * and goes when the lock can be had; keys, as fast as the guest reads them. Text that is pasted
 * goes the same way, a key at a time as the guest takes them. The window's thread, without the
 * device lock.
 */
#ifndef FRONTENDS_SDL_INPUT_H
#define FRONTENDS_SDL_INPUT_H

#include <glib.h>
#include <stdbool.h>

#include "devices/input/keys.h"
#include "frontends/keyboard_layout.h"

/* How to reach the guest: called with the device lock held. */
struct input_ops {
    bool (*lock)(void *opaque); /* false: not now */
    void (*unlock)(void *opaque);
    void (*key)(void *opaque, enum pkey key, bool down);
    void (*release_keys)(void *opaque);
    void (*mouse)(void *opaque, int dx, int dy, int wheel, unsigned buttons);
    void (*place)(void *opaque, int x, int y);
    bool (*taken)(void *opaque); /* the guest has read all keys */
    bool (*caps)(void *opaque);  /* Caps Lock is on */
};

struct input;

struct input *input_new(const struct input_ops *ops, void *opaque);
void input_free(struct input *in); /* NULL: no effect */

void input_key(struct input *in, enum pkey key, bool down);
void input_release_keys(struct input *in);
/* Movement in pixels (right, down), wheel detents (up), the buttons now held (INPUT_*). */
void input_mouse(struct input *in, int dx, int dy, int wheel, unsigned buttons);
/* The pointer of a guest that is told places (input_router_absolute), 0 to INPUT_ABS_MAX; buttons
 * and wheel go by input_mouse. */
void input_place(struct input *in, int x, int y);
/* Keys go down one after the other, and up in the reverse order. */
void input_chord(struct input *in, const enum pkey *keys, unsigned n);

/* Types text (UTF-8; CR LF counts as one line's end) after what is being typed. How many of its
 * characters the layout does not have: these are left out. */
unsigned input_type(struct input *in, const struct keyboard_layout *layout, const char *text);
/* Keystrokes of text that are not typed yet, and forgetting them. */
unsigned input_typing(const struct input *in);
void input_stop_typing(struct input *in);

/* Hands over what can be: to be called some sixty times a second. */
void input_tick(struct input *in);

#endif
