/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System control port A (0x92): fast A20 and fast CPU reset, and the gate where its A20 bit meets
 * the keyboard controller's. All calls with the device lock held.
 */
#ifndef DEVICES_PC_PORT92_H
#define DEVICES_PC_PORT92_H

#include <glib.h>

#include "devices/bus.h"
#include "devices/device.h"
#include "devices/irq.h"

struct port92_config {
    struct bus *ports;
    struct irq_line a20;   /* high: address line 20 is let through */
    struct irq_line reset; /* a pulse resets the CPU */
};

struct port92;

/* NULL with an error when the port is taken. */
struct port92 *port92_new(const struct port92_config *cfg, GError **err);
struct device *port92_device(struct port92 *p);

/* The keyboard controller's A20 output goes in here: A20 is let through when either asks for it. */
struct irq_line port92_a20_input(struct port92 *p);

#endif
