/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IDE function of Intel's PIIX3 (82371SB, 8086:7010) or PIIX4 (82371AB, 8086:7111, with Ultra
 * DMA): two channels in legacy mode at ports 1f0h/3f6h and 170h/376h with interrupts 14 and 15, and
 * a bus master behind BAR 4.
 *
 * As on the chip, the legacy ports answer only once the command register's I/O enable and the
 * decode enable bit of the channel's timing register (40h, 42h; bit 15) are set. SeaBIOS does that;
 * a board that boots without firmware must do it in its place (piix_ide_enable).
 *
 * All calls with the device lock held.
 */
#ifndef DEVICES_STORAGE_PIIX_IDE_H
#define DEVICES_STORAGE_PIIX_IDE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "backends/block.h"
#include "base/clock.h"
#include "devices/bus.h"
#include "devices/device.h"
#include "devices/irq.h"
#include "devices/pci/pci.h"

struct piix_ide;

enum piix_ide_model { PIIX3_IDE, PIIX4_IDE };
enum piix_ide_drive { PIIX_IDE_DISK, PIIX_IDE_CD };

struct piix_ide_config {
    struct pci_bus *pci;
    uint8_t devfn; /* PCI_DEVFN(1, 1) on the usual board */
    enum piix_ide_model model;
    struct bus *ports;
    struct vclock *clock;
    struct irq_line irq[2]; /* ISA interrupts 14 and 15 */
    /* The tray of a CD drive was opened or closed, by the guest or by piix_ide_change_medium. Only
     * notes it, with the device lock held; NULL: nobody wants to know. */
    void (*tray_moved)(void *opaque, unsigned channel, unsigned unit, bool open);
    void *opaque;
};

/* The function on its bus, without drives; reset it before use, as every device. NULL with an error
 * when the slot is taken. */
struct piix_ide *piix_ide_new(const struct piix_ide_config *config, GError **err);

/* For the board's list of devices; its destroy frees the function, and no block. */
struct device *piix_ide_device(struct piix_ide *ide);

/* Connects a drive as device `unit` (0 master, 1 slave) of `channel` (0, 1), before the machine
 * runs. `block` stays the caller's, who keeps it until the drive is destroyed or its medium
 * changed; it takes requests by then (block_attach). A disk must have a block of at least one
 * sector; a CD drive may have NULL, and never writes. `serial` is what the guest sees, up to 20
 * characters (copied), or NULL. False with an error when the place is taken or the image does not
 * do. */
bool piix_ide_attach(struct piix_ide *ide, unsigned channel, unsigned unit,
                     enum piix_ide_drive drive, struct block *block, const char *serial,
                     GError **err);

/* Opens the legacy ports of both channels the way firmware does: I/O, bus mastering, decode enable.
 */
void piix_ide_enable(struct piix_ide *ide);

/* Puts another medium into a CD drive, whose tray is closed then; NULL takes out what is there, and
 * leaves the tray open. *old (if not NULL) gets the block that was there, for the caller to free. When the guest has locked the tray
 * and `force` is false nothing is changed but the guest is told of the wish, and false is returned
 * with an error. */
bool piix_ide_change_medium(struct piix_ide *ide, unsigned channel, unsigned unit,
                            struct block *block, bool force, struct block **old, GError **err);

/* Is there a drive? */
bool piix_ide_taken(struct piix_ide *ide, unsigned channel, unsigned unit);

/* What is in the place; the tray (false for a disk); the guest's lock on it. */
struct block *piix_ide_block(struct piix_ide *ide, unsigned channel, unsigned unit);
bool piix_ide_tray_open(struct piix_ide *ide, unsigned channel, unsigned unit);
bool piix_ide_tray_locked(struct piix_ide *ide, unsigned channel, unsigned unit);

/* Counts up with every access to an image, for an activity light. Never goes back. */
uint64_t piix_ide_activity(struct piix_ide *ide);

#endif
