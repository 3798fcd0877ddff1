/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's side of the one PCI bus (bus 0): what the board makes it of, configuration mechanism
 * #1 at ports 0xcf8-0xcff (PCI Local Bus Specification 3.0, 3.2.2.3.2), and the four PIRQ lines
 * that the slots' INTx pins are wired to.
 *
 * Wiring of the slots, as on all boards that SeaBIOS knows as i440FX: pin INTA..INTD (0..3) of slot
 * s goes to PIRQ (pin + s - 1) mod 4.
 *
 * All calls with the device lock held.
 */
#ifndef DEVICES_PCI_PCI_BUS_H
#define DEVICES_PCI_PCI_BUS_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/bus.h"
#include "devices/device.h"
#include "devices/dma.h"
#include "devices/irq.h"
#include "devices/pci/pci.h"

#define PCI_NUM_PIRQS 4

struct pci_bus_config {
    struct bus *ports;    /* where I/O BARs and 0xcf8 go */
    struct bus *mmio;     /* where memory BARs go */
    struct dma_space dma; /* guest memory for bus masters */
    struct msi_space msi;
    struct pci_ram_ops ram;  /* map == NULL: BARs of plain memory are served through handlers */
    struct irq_line pirq[4]; /* may be left zero and set later with pci_bus_set_pirq */
};

/* What answers byte accesses to port 0xcf9, which lies inside the address register. */
struct pci_cf9_ops {
    void *opaque;
    uint8_t (*read)(void *opaque);
    void (*write)(void *opaque, uint8_t val);
};

/* Makes the bus and claims ports 0xcf8-0xcff; NULL with an error when they are taken. */
struct pci_bus *pci_bus_new(const struct pci_bus_config *config, GError **err);

/* Functions still attached are detached first. */
void pci_bus_free(struct pci_bus *bus);

/* The bus as a device: its state is the configuration address register. */
struct device *pci_bus_device(struct pci_bus *bus);

/* Where PIRQ n (0..3) goes; the current level is driven at once. */
void pci_bus_set_pirq(struct pci_bus *bus, unsigned n, struct irq_line line);

/* Hands port 0xcf9 to its owner; NULL takes it back. */
void pci_bus_set_cf9(struct pci_bus *bus, const struct pci_cf9_ops *ops);

/* The function at devfn, or NULL. */
struct pci_device *pci_bus_find(struct pci_bus *bus, uint8_t devfn);

/* Calls fn for each function in order of devfn. */
void pci_bus_foreach(struct pci_bus *bus, void (*fn)(struct pci_device *d, void *opaque),
                     void *opaque);

/* Configuration accesses as the host bridge makes them: `size` 1, 2 or 4, off + size <= 256. Where
 * there is no function, reads answer ones and writes are dropped. */
uint32_t pci_config_read(struct pci_bus *bus, unsigned bus_no, uint8_t devfn, unsigned off,
                         unsigned size);
void pci_config_write(struct pci_bus *bus, unsigned bus_no, uint8_t devfn, unsigned off,
                      uint32_t val, unsigned size);

#endif
