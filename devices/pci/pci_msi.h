/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Message-signalled interrupts of a PCI function: the capabilities MSI and MSI-X. PCI Local Bus
 * Specification 3.0, 6.8. A function that has one or both embeds the struct, lists its state, and
 * sends by number; where the guest has enabled neither it drives INTx itself (pci_set_intx, which
 * does nothing meanwhile).
 *
 * All calls with the device lock held.
 */
#ifndef DEVICES_PCI_PCI_MSI_H
#define DEVICES_PCI_PCI_MSI_H

#include "devices/pci/pci.h"

#define PCI_MSIX_MAX 64

struct pci_msi {
    struct pci_device *pci;
    unsigned cap;     /* offset of the capability */
    unsigned vectors; /* 1, 2, 4 … 32 */
};

struct pci_msix {
    struct pci_device *pci;
    unsigned cap, vectors;
    uint8_t table[PCI_MSIX_MAX][16]; /* state: as the guest sees it */
    uint64_t pending;                /* state: bit n is vector n's */
};

#define PCI_MSIX_STATE_FIELDS(type, member)                                                        \
    STATE_ARRAY(type, member.table), STATE_FIELD(type, member.pending)

/* Gives d the capability; before pci_attach. `vectors` is a power of two up to 32. */
void pci_msi_init(struct pci_device *d, struct pci_msi *m, unsigned vectors);

/* The same with a table in memory BAR `bar`, which this declares and which serves nothing else;
 * up to PCI_MSIX_MAX vectors. */
void pci_msix_init(struct pci_device *d, struct pci_msix *x, unsigned vectors, unsigned bar);

bool pci_msi_enabled(const struct pci_msi *m);
bool pci_msix_enabled(const struct pci_msix *x);

/* Sends vector n's message. MSI: of fewer vectors than it has, the guest may have enabled: then the
 * last of those. MSI-X: a masked one is pending until it is unmasked; n beyond the table sends
 * nothing. No effect while not enabled. */
void pci_msi_send(struct pci_msi *m, unsigned n);
void pci_msix_send(struct pci_msix *x, unsigned n);

/* ---- for pci.c ---- */

bool pci_uses_messages(const struct pci_device *d);
void pci_msi_config_written(struct pci_device *d, unsigned off, unsigned size);
void pci_msix_reset(struct pci_msix *x);

#endif
