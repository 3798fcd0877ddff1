/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IO-APIC: Intel 82093AA with the EOI register of its successors (version 0x20), 24 inputs, at
 * 0xfec00000. An input line is raised while the interrupt is asserted, whatever level the guest
 * thinks that is on the wire: the polarity bit of a redirection entry is kept but changes nothing.
 *
 * All calls with the device lock held.
 */
#ifndef DEVICES_PC_IOAPIC_H
#define DEVICES_PC_IOAPIC_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/bus.h"
#include "devices/device.h"
#include "devices/irq.h"
#include "devices/pc/apic_bus.h"

#define IOAPIC_DEFAULT_BASE UINT64_C(0xfec00000)
#define IOAPIC_PINS         24

struct ioapic;

struct ioapic_config {
    struct bus *mmio;
    struct apic_bus *bus;
    uint64_t base; /* 0 means IOAPIC_DEFAULT_BASE */
};

/* Maps its page; NULL with an error when it is taken. The ID register resets to 0. */
struct ioapic *ioapic_new(const struct ioapic_config *config, GError **err);
struct device *ioapic_device(struct ioapic *s);

/* Its state as lines of text for a person. */
void ioapic_describe(const struct ioapic *s, GString *out);

/* Input n (0..23): the global system interrupt. */
struct irq_line ioapic_input(struct ioapic *s, unsigned n);

#endif
