/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel's 82540EM gigabit Ethernet controller, 8086:100e, as in its "PCI/PCI-X Family of Gigabit
 * Ethernet Controllers Software Developer's Manual" (317453), to whose sections the e1000_*.c
 * refer.
 *
 * All calls with the device lock held.
 */
#ifndef DEVICES_NET_E1000_H
#define DEVICES_NET_E1000_H

#include "devices/device.h"
#include "devices/net/nic.h"

struct e1000;

/* NULL with an error when the place on the bus is taken. */
struct e1000 *e1000_new(const struct nic_config *cfg, GError **err);
struct device *e1000_device(struct e1000 *s);
struct net_port *e1000_port(struct e1000 *s);

#endif
