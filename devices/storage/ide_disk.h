/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An ATA hard disk on an IDE channel. */
#ifndef DEVICES_STORAGE_IDE_DISK_H
#define DEVICES_STORAGE_IDE_DISK_H

#include "devices/storage/ide_unit.h"

extern const struct ide_unit_ops ide_disk_ops;

#define IDE_DISK_MAX_MULTIPLE 16u

/* The CHS translation that IDENTIFY DEVICE gives as default. Every field at least 1. */
void ide_disk_default_geometry(uint64_t sectors, uint16_t *cylinders, uint16_t *heads,
                               uint16_t *spt);

/* Sends the 512 bytes in buf, which come from no sector. */
void ide_disk_reply(struct ide_unit *u);

/* DATA SET MANAGEMENT, and its ranges once they are in buf. READ LOG EXT. */
void ide_disk_trim(struct ide_unit *u, uint8_t flags);
void ide_disk_trim_received(struct ide_unit *u);
void ide_disk_read_log(struct ide_unit *u, uint8_t flags);

/* Fill u->buf with 512 bytes: IDENTIFY DEVICE, SMART READ DATA, SMART READ THRESHOLDS. */
void ide_disk_identify(struct ide_unit *u);
void ide_disk_smart_data(struct ide_unit *u);
void ide_disk_smart_thresholds(struct ide_unit *u);

#endif
