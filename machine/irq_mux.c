/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ORing and fanning out of interrupt lines; see irq_mux.h. */
#include "machine/irq_mux.h"

#include <string.h>

#include "devices/pc/ioapic.h"
#include "devices/pc/pic.h"

static void drive(struct irq_mux *m, unsigned n)
{
    bool level = (m->level[n] & ~m->gated[n]) != 0;

    if (n < 16)
        irq_set(m->pic[n], level);
    irq_set(m->ioapic[n == 0 ? 2 : n], level);
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
    for (unsigned n = 0; n < 24; n++)
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
        m->gated[n] &= (uint8_t)~(1u << source);
    drive(m, n);
}

void irq_mux_reset(struct irq_mux *m)
{
    memset(m->level, 0, sizeof(m->level));
    memset(m->gated, 0, sizeof(m->gated));
}
