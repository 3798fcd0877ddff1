/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A serial ATA controller as in Intel's ICH9 (8086:2922) with six ports and no legacy mode: Serial
 * ATA AHCI 1.3.1. Drives are those of the IDE cables (ide_unit.h): disks also queue (NCQ).
 *
 * All calls with the device lock held.
 */
#ifndef DEVICES_STORAGE_AHCI_H
#define DEVICES_STORAGE_AHCI_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "backends/block.h"
#include "base/clock.h"
#include "devices/device.h"
#include "devices/pci/pci.h"

#define AHCI_PORTS 6u

struct ahci;

enum ahci_drive { AHCI_DISK, AHCI_CD };

struct ahci_config {
    struct pci_bus *pci;
    uint8_t devfn;
    struct vclock *clock;
    bool staggered; /* ports stay silent until software spins them up (CAP.SSS) */
    /* The tray of a CD drive was opened or closed, by the guest or by ahci_change_medium. Only
     * notes it; NULL: nobody wants to know. */
    void (*tray_moved)(void *opaque, struct ahci *a, unsigned port, bool open);
    void *opaque;
};

/* The function on its bus, without drives. NULL with an error when the slot is taken. */
struct ahci *ahci_new(const struct ahci_config *cfg, GError **err);

/* For the board's list of devices; its destroy frees the function, and no block. */
struct device *ahci_device(struct ahci *a);

/* Connects a drive to a port below AHCI_PORTS, before the machine runs; block, serial and error as
 * in ide_drive_attach. */
bool ahci_attach(struct ahci *a, unsigned port, enum ahci_drive drive, struct block *block,
                 const char *serial, GError **err);
bool ahci_port_taken(const struct ahci *a, unsigned port);

/* As ide_drive_change, for a port with a CD drive. */
bool ahci_change_medium(struct ahci *a, unsigned port, struct block *block, bool force,
                        struct block **old, GError **err);

/* What is in the place; the tray (false for a disk); the guest's lock on it. */
struct block *ahci_block(const struct ahci *a, unsigned port);
bool ahci_tray_open(const struct ahci *a, unsigned port);
bool ahci_tray_locked(const struct ahci *a, unsigned port);

#endif
