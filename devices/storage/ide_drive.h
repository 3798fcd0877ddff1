/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands behind a place for an ATA drive, on an IDE cable or an AHCI port: its image, and
 * other media for CD drives. All calls with the device lock held. */
#ifndef DEVICES_STORAGE_IDE_DRIVE_H
#define DEVICES_STORAGE_IDE_DRIVE_H

#include <glib.h>

#include "devices/storage/ide_unit.h"

/* Makes a drive of an empty unit. `block` stays the caller's, who keeps it until the drive is
 * destroyed or its medium changed; it takes requests by then (block_attach). A disk must have a
 * block of at least one sector; a CD drive may have NULL, and never writes. `serial` is up to 20
 * characters (copied). False with an error when the image does not do. */
bool ide_drive_attach(struct ide_unit *u, enum ide_kind kind, struct block *block,
                      const char *serial, GError **err);

/* Puts another medium into a CD drive, NULL to leave it empty; the tray ends closed. *old (if not
 * NULL) gets the block that was there. When the guest has locked the tray and `force` is false
 * nothing is changed but the guest is told of the wish, and false is returned with an error. */
bool ide_drive_change(struct ide_unit *u, struct block *block, bool force, struct block **old,
                      GError **err);

#endif
