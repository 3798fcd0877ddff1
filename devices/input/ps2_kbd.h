/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PS/2 keyboard: scan code sets 1, 2 and 3, typematic repeat, and the command set of IBM's
 * 101/102 key keyboard. All calls with the device lock held.
 */
#ifndef DEVICES_INPUT_PS2_KBD_H
#define DEVICES_INPUT_PS2_KBD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "devices/device.h"
#include "devices/input/keys.h"
#include "devices/input/ps2.h"

enum {
    PS2_LED_SCROLL = 1 << 0,
    PS2_LED_NUM = 1 << 1,
    PS2_LED_CAPS = 1 << 2,
};

struct ps2_kbd_config {
    struct vclock *clock; /* outlives the keyboard */
    /* The guest changed the LEDs (PS2_LED_*); may be NULL. */
    void (*leds)(void *opaque, unsigned leds);
    void *leds_opaque;
};

struct ps2_kbd;

struct ps2_kbd *ps2_kbd_new(const struct ps2_kbd_config *cfg);
struct device *ps2_kbd_device(struct ps2_kbd *k);

/* The keyboard's end of the cable, for the controller. */
struct ps2_port *ps2_kbd_port(struct ps2_kbd *k);

/* A key goes down or up. A press of a key that is down already (the host's auto-repeat) and a
 * release of one that is up do nothing: the keyboard repeats keys itself. */
void ps2_kbd_key(struct ps2_kbd *k, enum pkey key, bool down);

/* Lets go of every key that is down, e.g. when the window loses the focus. */
void ps2_kbd_release_all(struct ps2_kbd *k);

/* Whether the guest has taken all that was pressed. */
bool ps2_kbd_taken(const struct ps2_kbd *k);

unsigned ps2_kbd_leds(const struct ps2_kbd *k);

#endif
