/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What pci.c (a function) and pci_bus.c (the bus it sits on) share and nobody else sees. */
#ifndef DEVICES_PCI_PCI_INTERNAL_H
#define DEVICES_PCI_PCI_INTERNAL_H

#include "devices/pci/pci_bus.h"

struct pci_bus {
    struct device dev;
    struct pci_bus_config config;
    struct pci_device *function[256];   /* by devfn */
    unsigned pirq_count[PCI_NUM_PIRQS]; /* functions that drive it; derived from them */
    struct bus_region ports;            /* 0xcf8-0xcff */
    struct pci_cf9_ops cf9;
    uint32_t address; /* state: CONFADD */
};

/* The guest's write to a function, masked in, with all that follows from it. */
void pci_function_write(struct pci_device *d, unsigned off, uint32_t val, unsigned size);

/* Maps every BAR on the bus that is enabled, not mapped, and now has room. */
void pci_bus_map_all(struct pci_bus *bus);

#endif
