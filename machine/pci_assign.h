/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gives PCI functions their resources where no firmware does: BARs, decoding, interrupt lines. PCI
 * Firmware Specification 3.0, 3.5: what an operating system may find set up.
 */
#ifndef MACHINE_PCI_ASSIGN_H
#define MACHINE_PCI_ASSIGN_H

#include <stdint.h>

#include "devices/pci/pci_bus.h"

struct pci_windows {
    uint64_t mem, mem_end; /* where memory BARs may go: [mem, mem_end) */
    uint32_t io, io_end;
    uint8_t irq[PCI_NUM_PIRQS]; /* that the PIRQ lines are routed to */
};

/* BARs that have an address keep it; one for which there is no room gets none. Expansion ROMs get
 * none: who wants one finds room for it. Device lock held. */
void pci_assign(struct pci_bus *bus, const struct pci_windows *windows);

#endif
