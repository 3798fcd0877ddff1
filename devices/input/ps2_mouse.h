/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PS/2 mouse that can become an IntelliMouse (wheel) or an IntelliMouse Explorer (wheel and five
 * buttons) when the guest's driver asks by its sample rates. All calls with the device lock held.
 */
#ifndef DEVICES_INPUT_PS2_MOUSE_H
#define DEVICES_INPUT_PS2_MOUSE_H

#include <stdint.h>

#include "base/clock.h"
#include "devices/device.h"
#include "devices/input/ps2.h"

enum {
    PS2_MOUSE_LEFT = 1 << 0,
    PS2_MOUSE_RIGHT = 1 << 1,
    PS2_MOUSE_MIDDLE = 1 << 2,
    PS2_MOUSE_SIDE = 1 << 3,
    PS2_MOUSE_EXTRA = 1 << 4,
};

struct ps2_mouse_config {
    struct vclock *clock; /* outlives the mouse */
};

struct ps2_mouse;

struct ps2_mouse *ps2_mouse_new(const struct ps2_mouse_config *cfg);
struct device *ps2_mouse_device(struct ps2_mouse *m);

/* The mouse's end of the cable, for the controller. */
struct ps2_port *ps2_mouse_port(struct ps2_mouse *m);

/* Relative movement in host pixels: dx to the right, dy down the screen. */
void ps2_mouse_move(struct ps2_mouse *m, int dx, int dy);

/* Detents of the wheel, positive away from the user (scrolls up). */
void ps2_mouse_wheel(struct ps2_mouse *m, int dz);

/* The buttons now held, PS2_MOUSE_*. Short clicks are not lost between reports. */
void ps2_mouse_buttons(struct ps2_mouse *m, unsigned held);

#endif
