/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where interrupt lines meet: each ISA interrupt has several sources (its chip, a PCI interrupt
 * routed to it, the HPET), which are ORed and go to both the PIC and the IO-APIC. The timer's
 * interrupt 0 is input 2 of the IO-APIC, as the MADT says.
 *
 * All calls with the device lock held.
 */
#ifndef MACHINE_IRQ_MUX_H
#define MACHINE_IRQ_MUX_H

#include <stdint.h>

#include "devices/irq.h"

struct pic;
struct ioapic;

enum irq_source { IRQ_CHIP, IRQ_CHIP2, IRQ_PIRQ, IRQ_HPET, IRQ_TEST, IRQ_SOUND, IRQ_SOURCES };

#define IRQ_MUX_LINES 24

struct irq_mux {
    struct irq_line pic[16];
    struct irq_line ioapic[IRQ_MUX_LINES]; /* 0 is not connected */
    uint8_t level[IRQ_MUX_LINES];          /* a bit a source */
    uint8_t gated[IRQ_MUX_LINES];          /* sources that are cut off for now */
};

void irq_mux_init(struct irq_mux *m, struct pic *pic, struct ioapic *ioapic);

/* The line for `source` of ISA interrupt (0..15) or further IO-APIC input (16..23) n. */
struct irq_line irq_mux_input(struct irq_mux *m, unsigned n, enum irq_source source);

/* Cuts a source off (its level counts as low), or lets it through again. */
void irq_mux_gate(struct irq_mux *m, unsigned n, enum irq_source source, bool off);

/* All sources low and let through, and so all outputs low. */
void irq_mux_reset(struct irq_mux *m);

#endif
