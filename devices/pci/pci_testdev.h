/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PCI test device 1b36:0005 ("QEMU PCI test device", docs/specs/pci-testdev of QEMU): a memory
 * BAR and an I/O BAR, each with a header by which a guest picks a test, learns where and what to
 * write, and reads how many of its writes arrived.
 *
 * All calls with the device lock held.
 */
#ifndef DEVICES_PCI_PCI_TESTDEV_H
#define DEVICES_PCI_PCI_TESTDEV_H

#include <glib.h>

#include "devices/device.h"
#include "devices/pci/pci.h"

#define PCI_TESTDEV_MEM_SIZE 4096u
#define PCI_TESTDEV_IO_SIZE  256u

/* The header at the start of both BARs; all little-endian. */
enum {
    PCI_TESTDEV_TEST = 0,      /* byte, written: starts a test by its number; reads as zero */
    PCI_TESTDEV_WIDTH = 1,     /* byte: bytes of each write; 0: there is no such test */
    PCI_TESTDEV_OFFSET = 4,    /* 32 bits: where to write, from the BAR's start */
    PCI_TESTDEV_DATA = 8,      /* 32 bits: what to write */
    PCI_TESTDEV_COUNT = 12,    /* 32 bits: writes that arrived since the start */
    PCI_TESTDEV_NAME = 16,     /* a string with its zero */
    PCI_TESTDEV_NUM_TESTS = 3, /* on each BAR */
};

struct pci_testdev;

struct pci_testdev_config {
    struct pci_bus *bus;
    uint8_t devfn;
};

/* NULL with an error when the place is taken. */
struct pci_testdev *pci_testdev_new(const struct pci_testdev_config *cfg, GError **err);
struct device *pci_testdev_device(struct pci_testdev *t);

#endif
