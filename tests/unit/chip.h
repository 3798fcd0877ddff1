/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests of single chips share: a port bus with a clock set by hand, and lines that remember.
 */
#ifndef TESTS_UNIT_CHIP_H
#define TESTS_UNIT_CHIP_H

#include "tests/unit/unit.h"

#include "base/clock.h"
#include "devices/bus.h"
#include "devices/irq.h"

/* The far end of an irq_line. */
struct probe_line {
    bool level;
    unsigned rises, falls;
};

static inline void probe_line_set(void *opaque, int n, bool level)
{
    struct probe_line *l = opaque;

    (void)n;
    l->rises += level && !l->level;
    l->falls += !level && l->level;
    l->level = level;
}

static inline struct irq_line probe_line(struct probe_line *l)
{
    return (struct irq_line){.set = probe_line_set, .opaque = l};
}

static inline uint8_t inb(struct bus *b, unsigned port)
{
    return (uint8_t)bus_read(b, port, 1);
}

static inline void outb(struct bus *b, unsigned port, unsigned val)
{
    bus_write(b, port, val, 1);
}

#define MS INT64_C(1000000)

#endif
