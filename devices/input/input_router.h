/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where keys and the pointer go: a machine may have several keyboards and pointers (PS/2, USB), and
 * each event is for the one that the guest uses. Front ends speak to the router alone.
 *
 * The active keyboard is the one added last among those that the guest has set up; so is the active
 * pointer, but that one with absolute coordinates (a tablet) comes before those that only move, and
 * input_router_select has the first word. What was pressed on a device is released there.
 *
 * All calls with the device lock held.
 */
#ifndef DEVICES_INPUT_INPUT_ROUTER_H
#define DEVICES_INPUT_INPUT_ROUTER_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/input/keys.h"

#define INPUT_MAX      16u /* keyboards, pointers: of each */
#define INPUT_ABS_MAX  32767
#define INPUT_LED_CAPS 4u /* in what input_keyboard.leds gives: as PS2_LED_CAPS */

/* Buttons that are held. */
enum {
    INPUT_LEFT = 1 << 0,
    INPUT_RIGHT = 1 << 1,
    INPUT_MIDDLE = 1 << 2,
    INPUT_SIDE = 1 << 3,
    INPUT_EXTRA = 1 << 4,
};

/* Embedded in whoever owns the device; static names. */
struct input_keyboard {
    const char *name;
    void *self;
    bool (*ready)(void *self); /* the guest has set it up; NULL: it always has */
    void (*key)(void *self, enum pkey key, bool down);
    bool (*taken)(void *self);    /* the guest has read all keys */
    unsigned (*leds)(void *self); /* PS2_LED_* */
};

struct input_pointer {
    const char *name;
    void *self;
    bool absolute;
    bool (*ready)(void *self);
    /* Pixels to the right and down; or, absolute, the place itself, 0 to INPUT_ABS_MAX. */
    void (*move)(void *self, int x, int y);
    void (*wheel)(void *self, int detents); /* positive: away from the user */
    void (*buttons)(void *self, unsigned held);
};

struct input_router;

struct input_router *input_router_new(void);
void input_router_free(struct input_router *r); /* NULL: no effect */

/* The struct stays the device's, which outlives the router or is removed. At most INPUT_MAX of
 * each: false when there are as many. */
bool input_router_add_keyboard(struct input_router *r, struct input_keyboard *k);
bool input_router_add_pointer(struct input_router *r, struct input_pointer *p);
void input_router_remove_keyboard(struct input_router *r, struct input_keyboard *k);
void input_router_remove_pointer(struct input_router *r, struct input_pointer *p);

/* ---- for front ends ---- */

/* A key goes down or up. Repeated presses are the devices' own matter. */
void input_router_key(struct input_router *r, enum pkey key, bool down);
void input_router_release_keys(struct input_router *r);
bool input_router_taken(struct input_router *r);    /* by the active keyboard's guest */
unsigned input_router_leds(struct input_router *r); /* PS2_LED_* of it */

/* Does the guest have a pointer that is told places: is there no need to grab the host's? */
bool input_router_absolute(struct input_router *r);

/* Movement in pixels, for the active pointer if it is one that moves, or else the best of those. */
void input_router_move(struct input_router *r, int dx, int dy);

/* A place, 0 to INPUT_ABS_MAX of the screen's width and height (clamped); lost when no pointer is
 * told places. */
void input_router_place(struct input_router *r, int x, int y);

void input_router_wheel(struct input_router *r, int detents);

/* The buttons now held, INPUT_*. */
void input_router_buttons(struct input_router *r, unsigned held);
unsigned input_router_held(const struct input_router *r);

/* Pointer n, in the order of their making, NULL behind the last; which one is active, NULL with
 * none; makes n the active one from now on, as long as its guest uses it (false: there is no n). */
const struct input_pointer *input_router_pointer(const struct input_router *r, unsigned n);
const struct input_pointer *input_router_active(struct input_router *r);
bool input_router_select(struct input_router *r, unsigned n);

#endif
