/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the UHCI controller: uhci.c has its registers and ports, uhci_frame.c the
 * schedule in guest memory. */
#ifndef DEVICES_USB_UHCI_INT_H
#define DEVICES_USB_UHCI_INT_H

#include "devices/usb/uhci.h"

/* USBCMD (2.1.1), USBSTS (2.1.2), USBINTR (2.1.3). */
enum {
    UHCI_CMD_RS = 1 << 0,
    UHCI_CMD_HCRESET = 1 << 1,
    UHCI_CMD_GRESET = 1 << 2,
    UHCI_CMD_EGSM = 1 << 3,
    UHCI_CMD_FGR = 1 << 4,
    UHCI_CMD_SWDBG = 1 << 5,

    UHCI_STS_INT = 1 << 0,
    UHCI_STS_ERROR = 1 << 1,
    UHCI_STS_RESUME = 1 << 2,
    UHCI_STS_HOST_ERROR = 1 << 3,
    UHCI_STS_PROCESS_ERROR = 1 << 4,
    UHCI_STS_HALTED = 1 << 5,

    UHCI_INTR_ERROR = 1 << 0,
    UHCI_INTR_RESUME = 1 << 1,
    UHCI_INTR_IOC = 1 << 2,
    UHCI_INTR_SHORT = 1 << 3,
};

struct uhci_state {
    uint16_t cmd, sts, intr, frnum;
    uint32_t frbase;
    uint8_t sofmod;
    bool ioc, short_packet; /* what UHCI_STS_INT was set for */
    uint16_t portsc[UHCI_PORTS];
    int64_t next_frame; /* ns, while it runs */
};

struct uhci {
    struct device dev;
    struct pci_device pci;
    struct uhci_config cfg;
    struct usb_port port[UHCI_PORTS];
    struct timer frame;
    struct uhci_state s;
};

/* The device that answers to this address, on a port that is enabled; or NULL. */
struct usb_device *uhci_find(struct uhci *u, unsigned address);

/* Stops, with a reason in USBSTS. */
void uhci_stop(struct uhci *u, uint16_t why);
void uhci_update_irq(struct uhci *u);

/* Works through the list of the present frame. */
void uhci_run_frame(struct uhci *u);

#endif
