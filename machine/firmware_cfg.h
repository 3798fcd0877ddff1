/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fills the firmware configuration device with everything SeaBIOS asks it for: memory map, ACPI and
 * SMBIOS tables, processor counts, boot order and menu.
 */
#ifndef MACHINE_FIRMWARE_CFG_H
#define MACHINE_FIRMWARE_CFG_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/pc/fw_cfg.h"
#include "machine/acpi.h"
#include "machine/smbios.h"

struct firmware_cfg {
    uint64_t low_size, high_size;          /* RAM below and above 4 GiB */
    unsigned cpus, max_cpus;               /* there are, and there is room for */
    const uint8_t *uuid;                   /* 16 bytes as written, or NULL */
    bool graphic;                          /* there is a display */
    const struct acpi_blobs *acpi;         /* NULL: no tables */
    const struct fw_cfg_hooks *acpi_hooks; /* of their three files, whose sizes stay; or NULL */
    const struct smbios_blobs *smbios;     /* NULL: SeaBIOS makes its own few */
    /* Open Firmware paths, first choice first, one a line ("/pci@i0cf8/ide@1,1/drive@0/disk@0"; see
     * firmware_ide_path); NULL: SeaBIOS' own order, by the CMOS bytes. */
    const char *bootorder;
    bool boot_menu;             /* offer SeaBIOS' boot menu */
    unsigned boot_menu_wait_ms; /* how long; 0: SeaBIOS' own 2.5 s; at most 65535 */
    unsigned boot_fail_wait_ms; /* reboot that long after nothing could be booted; 0: stay there */
};

/* Adds all items and files. False with an error when one cannot be added. */
bool firmware_cfg_fill(struct fw_cfg *f, const struct firmware_cfg *cfg, GError **err);

/* The path of an IDE unit for `bootorder`: channel 0..1, unit 0..1 of the function at slot.fn.
 * g_free it. */
char *firmware_ide_path(unsigned slot, unsigned fn, unsigned channel, unsigned unit);

/* The same of the drive at a port of an AHCI controller; of floppy drive 0 or 1. */
char *firmware_ahci_path(unsigned slot, unsigned fn, unsigned port);
char *firmware_floppy_path(unsigned drive);

/* The same of a disk at a port, from 1, of the USB controller at slot.fn. */
char *firmware_usb_path(unsigned slot, unsigned fn, unsigned port);

#endif
