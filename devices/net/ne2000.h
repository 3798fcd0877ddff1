/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The NE2000 on ISA, and on PCI as Realtek's RTL8029AS, 10ec:8029 (its datasheet of 1997).
 *
 * All calls with the device lock held.
 */
#ifndef DEVICES_NET_NE2000_H
#define DEVICES_NET_NE2000_H

#include "devices/device.h"
#include "devices/irq.h"
#include "devices/net/nic.h"

struct ne2k_pci;
struct ne2k_isa;

/* NULL with an error when the place on the bus is taken. */
struct ne2k_pci *ne2k_pci_new(const struct nic_config *cfg, GError **err);
struct device *ne2k_pci_device(struct ne2k_pci *s);
struct net_port *ne2k_pci_port(struct ne2k_pci *s);

/* At ports base to base + 31; NULL with an error when they are taken. */
struct ne2k_isa *ne2k_isa_new(const struct nic_config *cfg, struct bus *ports, uint16_t base,
                              struct irq_line irq, GError **err);
struct device *ne2k_isa_device(struct ne2k_isa *s);
struct net_port *ne2k_isa_port(struct ne2k_isa *s);

#endif
