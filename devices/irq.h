/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An interrupt line: what a device holds to raise a level at someone else's input. A value, copied
 * freely; a zeroed one goes nowhere.
 *
 * irq_set is called with the device lock held, and may be called again with an unchanged level.
 */
#ifndef DEVICES_IRQ_H
#define DEVICES_IRQ_H

#include <stdbool.h>

struct irq_line {
    void (*set)(void *opaque, int n, bool level);
    void *opaque;
    int n; /* the receiver's own number for this input */
};

static inline void irq_set(struct irq_line line, bool level)
{
    if (line.set)
        line.set(line.opaque, line.n, level);
}

/* A rising edge and back. */
static inline void irq_pulse(struct irq_line line)
{
    irq_set(line, true);
    irq_set(line, false);
}

#endif
