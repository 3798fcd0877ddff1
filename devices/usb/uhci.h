/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The USB controller of Intel's PIIX3 (function 2 of the 82371SB, 8086:7020): two ports of low and
 * full speed, Universal Host Controller Interface Design Guide 1.1.
 *
 * All calls with the device lock held.
 */
#ifndef DEVICES_USB_UHCI_H
#define DEVICES_USB_UHCI_H

#include <glib.h>

#include "base/clock.h"
#include "devices/pci/pci.h"
#include "devices/usb/usb.h"

#define UHCI_PORTS 2u

struct uhci;

struct uhci_config {
    struct pci_bus *bus;
    uint8_t devfn;
    struct vclock *clock;
};

/* On its bus, with nothing plugged in. NULL with an error when the place is taken. */
struct uhci *uhci_new(const struct uhci_config *cfg, GError **err);
struct device *uhci_device(struct uhci *u);

/* Port n < UHCI_PORTS. Devices in it may be freed before or after the controller. */
struct usb_port *uhci_port(struct uhci *u, unsigned n);

#endif
