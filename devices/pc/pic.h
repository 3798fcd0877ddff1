/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PC's pair of 8259A interrupt controllers, slave on the master's input 2, with the edge/level
 * control registers of the PCI chipsets. All calls with the device lock held.
 *
 * A rising edge on an edge-triggered input is latched until it is acknowledged, as a pulse may be
 * over before the CPU looks.
 */
#ifndef DEVICES_PC_PIC_H
#define DEVICES_PC_PIC_H

#include <glib.h>
#include <stdbool.h>

#include "devices/bus.h"
#include "devices/device.h"
#include "devices/irq.h"

struct pic_config {
    struct bus *ports;
    struct irq_line intr; /* the master's INT output, a level */
};

struct pic;

/* NULL with an error when the ports are taken. */
struct pic *pic_new(const struct pic_config *cfg, GError **err);
struct device *pic_device(struct pic *p);

/* Input `irq`, 0..15. Input 2 is the cascade: its line goes nowhere. */
struct irq_line pic_input(struct pic *p, int irq);

/* The CPU's interrupt acknowledge: the vector (0..255) of the request that is then in service, or
 * of the spurious interrupt (7 of the chip that has lost its request). */
int pic_ack(struct pic *p);

/* The state of both chips as lines of text for a person. */
void pic_describe(const struct pic *p, GString *out);

/* The level of INTR. */
bool pic_pending(const struct pic *p);

#endif
