/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Realtek's RTL8139C+ Fast Ethernet controller, 10ec:8139 revision 0x20 ("RTL8139C+ Fast Ethernet
 * Controller with Power Management" datasheet, revision 1.6): as an RTL8139 with four transmit
 * registers and a receive ring, and in C+ mode with descriptors, checksums and large sends.
 *
 * All calls with the device lock held.
 */
#ifndef DEVICES_NET_RTL8139_H
#define DEVICES_NET_RTL8139_H

#include "devices/device.h"
#include "devices/net/nic.h"

struct rtl8139;

/* NULL with an error when the place on the bus is taken. */
struct rtl8139 *rtl8139_new(const struct nic_config *cfg, GError **err);
struct device *rtl8139_device(struct rtl8139 *s);
struct net_port *rtl8139_port(struct rtl8139 *s);

#endif
