/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ISA bridge, function 0 of Intel's 82371SB (PIIX3), 8086:7000, at 00:01.0: routes PIRQA-D to
 * the ISA interrupts and holds the reset control register at port 0xcf9. The chip's interrupt, DMA
 * and timer blocks are devices of their own, as is its IDE function.
 */
#ifndef DEVICES_PCI_PIIX3_H
#define DEVICES_PCI_PIIX3_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/device.h"
#include "devices/irq.h"
#include "devices/pci/pci_bus.h"

struct piix3;

struct piix3_config {
    struct pci_bus *bus;
    /* ISA interrupts 0..15 as PIRQs drive them (the level of the PIRQs routed there, ORed). Only
     * 3-7, 9-12, 14 and 15 are used. Where an ISA device shares the interrupt the board ORs the
     * two. */
    struct irq_line isa[16];
    void *opaque;
    /* Port 0xcf9 asked for a reset: hard (the whole machine) or soft (the CPUs). It is called from
     * inside a port write and so should only note the request. May be NULL. */
    void (*reset)(void *opaque, bool hard);
};

/* Attaches the bridge at 00:01.0, takes the bus's PIRQ lines and port 0xcf9. */
struct piix3 *piix3_new(const struct piix3_config *config, GError **err);
struct device *piix3_device(struct piix3 *s);

/* Routes PIRQA-D to the ISA interrupts irq[0..3] (SeaBIOS: 10, 10, 11, 11, and those
 * level-triggered in the ELCR); for boots without firmware, after each reset. */
void piix3_set_routes(struct piix3 *s, const uint8_t irq[4]);

#endif
