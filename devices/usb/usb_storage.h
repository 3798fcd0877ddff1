/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk by USB: Mass Storage Class, Bulk-Only Transport 1.0, in front of a SCSI disk. It has full,
 * high and super speed.
 */
#ifndef DEVICES_USB_USB_STORAGE_H
#define DEVICES_USB_USB_STORAGE_H

#include "backends/block.h"
#include "devices/usb/usb.h"

struct usb_storage;

struct usb_storage_config {
    struct block *block; /* not owned; attached to an engine */
    const char *serial;  /* NULL: one of our own; 1 to 36 characters */
    bool removable;      /* the guest is told that the medium may change */
};

struct usb_storage *usb_storage_new(const struct usb_storage_config *cfg);
struct device *usb_storage_device(struct usb_storage *u);
struct usb_device *usb_storage_usb(struct usb_storage *u);

#endif
