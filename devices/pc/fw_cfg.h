/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firmware configuration device: how the board hands SeaBIOS its memory map, ACPI and SMBIOS
 * tables, boot order and option ROMs. A 16-bit selector at port 0x510, a byte-wide data port at
 * 0x511 and a DMA interface at 0x514. Follows the public "QEMU Firmware Configuration (fw_cfg)
 * Device" specification, which is what every PC firmware for virtual machines speaks.
 *
 * Items are added while the board is built, before the guest runs. All calls with the device lock
 * held.
 */
#ifndef DEVICES_PC_FW_CFG_H
#define DEVICES_PC_FW_CFG_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/bus.h"
#include "devices/device.h"
#include "devices/dma.h"

#define FW_CFG_PORT     0x510
#define FW_CFG_PORT_DMA 0x514

/* Selectors with a fixed meaning. */
enum fw_cfg_key {
    FW_CFG_SIGNATURE = 0x00,
    FW_CFG_ID = 0x01,
    FW_CFG_UUID = 0x02,
    FW_CFG_RAM_SIZE = 0x03,
    FW_CFG_NOGRAPHIC = 0x04,
    FW_CFG_NB_CPUS = 0x05,
    FW_CFG_MACHINE_ID = 0x06,
    FW_CFG_KERNEL_ADDR = 0x07,
    FW_CFG_KERNEL_SIZE = 0x08,
    FW_CFG_KERNEL_CMDLINE = 0x09,
    FW_CFG_INITRD_ADDR = 0x0a,
    FW_CFG_INITRD_SIZE = 0x0b,
    FW_CFG_BOOT_DEVICE = 0x0c,
    FW_CFG_NUMA = 0x0d,
    FW_CFG_BOOT_MENU = 0x0e,
    FW_CFG_MAX_CPUS = 0x0f,
    FW_CFG_KERNEL_ENTRY = 0x10,
    FW_CFG_KERNEL_DATA = 0x11,
    FW_CFG_INITRD_DATA = 0x12,
    FW_CFG_CMDLINE_ADDR = 0x13,
    FW_CFG_CMDLINE_SIZE = 0x14,
    FW_CFG_CMDLINE_DATA = 0x15,
    FW_CFG_SETUP_ADDR = 0x16,
    FW_CFG_SETUP_SIZE = 0x17,
    FW_CFG_SETUP_DATA = 0x18,
    FW_CFG_FILE_DIR = 0x19,
    FW_CFG_FILE_FIRST = 0x20,

    /* the x86 board's own */
    FW_CFG_ACPI_TABLES = 0x8000,
    FW_CFG_SMBIOS_ENTRIES = 0x8001,
    FW_CFG_IRQ0_OVERRIDE = 0x8002,
    FW_CFG_E820_TABLE = 0x8003,
    FW_CFG_HPET = 0x8004,
};

#define FW_CFG_MAX_FILES 256
#define FW_CFG_NAME_SIZE 56 /* with the terminating NUL */

struct fw_cfg;

struct fw_cfg_config {
    struct bus *ports;
    struct dma_space dma; /* a NULL `read` leaves the DMA interface out */
};

/* What stands behind a file that is more than constant bytes. */
struct fw_cfg_hooks {
    void *opaque;
    /* The guest selected the file and is about to read or write it; may be NULL. It may call
     * fw_cfg_set_file() on that file. */
    void (*selected)(void *opaque);
    /* Non-NULL makes the file writable by DMA; called after `len` bytes at `off` (both inside the
     * file) were replaced by `data`. */
    void (*written)(void *opaque, size_t off, const void *data, size_t len);
};

/* Builds the device and claims its ports. NULL with an error when they are taken. */
struct fw_cfg *fw_cfg_new(const struct fw_cfg_config *cfg, GError **err);

struct device *fw_cfg_device(struct fw_cfg *f);

/* Sets the item of a fixed selector (not of the signature, the id or the directory); copies the
 * bytes. The numbers are stored little-endian, the string with its NUL. */
void fw_cfg_set_bytes(struct fw_cfg *f, uint16_t key, const void *data, size_t len);
void fw_cfg_set_u16(struct fw_cfg *f, uint16_t key, uint16_t v);
void fw_cfg_set_u32(struct fw_cfg *f, uint16_t key, uint32_t v);
void fw_cfg_set_u64(struct fw_cfg *f, uint16_t key, uint64_t v);
void fw_cfg_set_string(struct fw_cfg *f, uint16_t key, const char *s);

/* Adds a named file with a copy of `data`. `hooks` may be NULL and is copied. Selectors follow the
 * alphabet, so that they do not depend on the order of the calls. False with an error when the name
 * is empty, too long or taken, the data is 4 GiB or more, or the directory is full. */
bool fw_cfg_add_file(struct fw_cfg *f, const char *name, const void *data, size_t len,
                     const struct fw_cfg_hooks *hooks, GError **err);

/* Replaces the contents of an existing file; false when there is none of that name. */
bool fw_cfg_set_file(struct fw_cfg *f, const char *name, const void *data, size_t len);

/* The contents of a file, or NULL; `*len` gets its size. Valid until the file is set again. */
const void *fw_cfg_file(struct fw_cfg *f, const char *name, size_t *len);

#endif
