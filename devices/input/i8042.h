/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 8042 keyboard and auxiliary device controller at ports 0x60 and 0x64. All calls with the
 * device lock held.
 */
#ifndef DEVICES_INPUT_I8042_H
#define DEVICES_INPUT_I8042_H

#include <glib.h>

#include "base/clock.h"
#include "devices/bus.h"
#include "devices/device.h"
#include "devices/input/ps2.h"
#include "devices/irq.h"

struct i8042_config {
    struct bus *ports;
    struct vclock *clock;
    struct ps2_port *kbd; /* may be NULL: nothing plugged in */
    struct ps2_port *aux; /* the mouse; may be NULL */
    struct irq_line irq1, irq12;
    struct irq_line a20;   /* high: address line 20 is let through */
    struct irq_line reset; /* a pulse resets the CPU */
};

struct i8042;

/* Everything in the configuration outlives the controller. NULL with an error when the ports are
 * taken. */
struct i8042 *i8042_new(const struct i8042_config *cfg, GError **err);
struct device *i8042_device(struct i8042 *c);

#endif
