/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The floppy disk controller of a PC AT, Intel's 82077AA with what the 82078 adds to tell itself
 * by: ports 3f0h-3f5h and 3f7h, an interrupt, a channel of the ISA DMA controller, two drives.
 *
 * All calls with the device lock held.
 */
#ifndef DEVICES_STORAGE_FDC_H
#define DEVICES_STORAGE_FDC_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "backends/block.h"
#include "devices/bus.h"
#include "devices/device.h"
#include "devices/irq.h"
#include "devices/pc/dma8237.h"

#define FDC_DRIVES 2u

/* Kinds of drives, by their numbers in byte 10h of the CMOS memory. */
enum fdc_drive_type {
    FDC_NO_DRIVE,
    FDC_360K,
    FDC_1200K,
    FDC_720K,
    FDC_1440K,
    FDC_2880K,
};

struct fdc;

struct fdc_config {
    struct bus *ports;
    struct irq_line irq; /* 6 */
    struct dma8237 *dma; /* outlives the controller */
    unsigned channel;    /* 2 */
};

/* The controller without drives. NULL with an error when the ports are taken. */
struct fdc *fdc_new(const struct fdc_config *cfg, GError **err);
struct device *fdc_device(struct fdc *f);

/* Connects drive 0 or 1, before the machine runs. The image's size says which format it has, and
 * with that what drive it is; one of no format's size is a short one of the next larger. NULL: an
 * empty drive for 1.44M. The block stays the caller's and takes requests by then. False with an
 * error when it is too large for any. */
bool fdc_attach(struct fdc *f, unsigned drive, struct block *block, GError **err);

enum fdc_drive_type fdc_drive_type(const struct fdc *f, unsigned drive);

/* Another medium (NULL: none) for a drive; *old gets the block that was there. False with an error,
 * and nothing changed, when the drive does not read such media. */
bool fdc_change_medium(struct fdc *f, unsigned drive, struct block *block, struct block **old,
                       GError **err);

struct block *fdc_block(const struct fdc *f, unsigned drive);

#endif
