/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the board tells every network adapter, and the option ROM that those on PCI have. */
#ifndef DEVICES_NET_NIC_H
#define DEVICES_NET_NIC_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/net.h"
#include "devices/net/ether.h"
#include "devices/pci/pci.h"

struct vclock;

struct nic_config {
    const char *name; /* of its port; copied */
    uint8_t mac[ETHER_ADDR];
    struct vclock *clock;
    struct pci_bus *bus; /* of those on PCI */
    uint8_t devfn;
    const void *rom; /* option ROM, copied; NULL: none */
    size_t rom_len;
    bool rom_adapts; /* it drives others of its maker's adapters, too: the copy shall name this one
                      */
};

/* Gives the function (before pci_attach) a copy of the ROM, which the caller frees; *mem is NULL
 * where there is none. False with an error when it is too large. */
bool nic_add_rom(struct pci_device *d, const struct nic_config *cfg, void **mem, GError **err);

#endif
