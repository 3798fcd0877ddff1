/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A 16550A serial port on a character backend. Bytes leave as soon as the guest writes them,
 * whatever the divisor says; input is taken as fast as the guest makes room. All calls with the
 * device lock held.
 */
#ifndef DEVICES_PC_UART16550_H
#define DEVICES_PC_UART16550_H

#include <glib.h>
#include <stdint.h>

#include "backends/char.h"
#include "base/clock.h"
#include "devices/bus.h"
#include "devices/device.h"
#include "devices/irq.h"

struct uart16550_config {
    struct bus *ports;
    uint16_t base; /* 0x3f8, 0x2f8, 0x3e8, 0x2e8: eight ports */
    struct vclock *clock;
    struct irq_line irq;
    struct chardev *chr; /* NULL: nothing connected. Outlives the port. */
};

struct uart16550;

/* Takes over the backend's receiver. NULL with an error when the ports are taken. */
struct uart16550 *uart16550_new(const struct uart16550_config *cfg, GError **err);
struct device *uart16550_device(struct uart16550 *u);

#endif
