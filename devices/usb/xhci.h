/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An xHCI controller (1b36:000d) with four USB 2 and as many USB 3 ports: eXtensible Host
 * Controller Interface 1.2. Contexts of 32 bytes, one interrupter, no streams, no hubs behind the
 * ports.
 *
 * All calls with the device lock held.
 */
#ifndef DEVICES_USB_XHCI_H
#define DEVICES_USB_XHCI_H

#include <glib.h>

#include "base/clock.h"
#include "devices/pci/pci.h"
#include "devices/usb/usb.h"

#define XHCI_USB2_PORTS 4u
#define XHCI_PORTS      8u /* those of USB 3 are behind */

struct xhci;

struct xhci_config {
    struct pci_bus *bus;
    uint8_t devfn;
    struct vclock *clock;
};

/* On its bus, with nothing plugged in. NULL with an error when the place is taken. */
struct xhci *xhci_new(const struct xhci_config *cfg, GError **err);
struct device *xhci_device(struct xhci *x);

/* Port n < XHCI_PORTS. Devices in it may be freed before or after the controller. */
struct usb_port *xhci_port(struct xhci *x, unsigned n);

#endif
