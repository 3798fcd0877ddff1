/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ORing and fanning out of interrupt lines; see irq_mux.h. */
#include "machine/irq_mux.h"

#include <string.h>

#include "devices/pc/ioapic.h"
#include "devices/pc/pic.h"

static bool is_high(const struct irq_mux *m, unsigned n)
{
    return (m->level[n] & ~m->gated[n]) != 0;
}

static void drive(struct irq_mux *m, unsigned n)
{
    if (n < 16)
        irq_set(m->pic[n], is_high(m, n));
    if (n == 0 || n == 2) /* share an input */
        irq_set(m->ioapic[2], is_high(m, 0) || is_high(m, 2));
    else
        irq_set(m->ioapic[n], is_high(m, n));
}

static void mux_set(void *opaque, int n, bool level)
{
    struct irq_mux *m = opaque;
    unsigned gsi = (unsigned)n / IRQ_SOURCES;
    uint8_t bit = (uint8_t)(1u << ((unsigned)n % IRQ_SOURCES));

    if (level)
        m->level[gsi] |= bit;
    else
        m->level[gsi] &= (uint8_t)~bit;
    drive(m, gsi);
}

void irq_mux_init(struct irq_mux *m, struct pic *pic, struct ioapic *ioapic)
{
    memset(m, 0, sizeof(*m));
    for (unsigned n = 0; n < 16; n++)
        m->pic[n] = pic_input(pic, (int)n);
    for (unsigned n = 0; n < IRQ_MUX_LINES; n++)
        m->ioapic[n] = ioapic_input(ioapic, n);
}

struct irq_line irq_mux_input(struct irq_mux *m, unsigned n, enum irq_source source)
{
    return (struct irq_line){mux_set, m, (int)(n * IRQ_SOURCES + source)};
}

void irq_mux_gate(struct irq_mux *m, unsigned n, enum irq_source source, bool off)
{
    if (off)
        m->gated[n] |= (uint8_t)(1u << source);
    else
        m->gated[n] &= (uint8_t) ~(1u << source);
    drive(m, n);
}

void irq_mux_reset(struct irq_mux *m)
{
    memset(m->level, 0, sizeof(m->level));
    memset(m->gated, 0, sizeof(m->gated));
    for (unsigned n = 0; n < IRQ_MUX_LINES; n++)
        drive(m, n);
}
