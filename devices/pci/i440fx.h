/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host bridge, Intel 82441FX (PMC), 8086:1237 revision 2, at 00:00.0: it decides which of RAM
 * and PCI answers in the BIOS and SMRAM segments; the board does the switching.
 */
#ifndef DEVICES_PCI_I440FX_H
#define DEVICES_PCI_I440FX_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/device.h"
#include "devices/pci/pci_bus.h"

struct i440fx;

struct i440fx_config {
    struct pci_bus *bus;
    uint64_t ram_size; /* bytes of all RAM, for the row boundary registers */
    void *opaque;      /* of the two hooks */
    /* [start, start + len) below 1 MiB: whether reads and writes go to RAM (else to ROM/PCI).
     * Called for the 13 segments at each reset and load, and for those whose bits change. May be
     * NULL. */
    void (*pam_changed)(void *opaque, uint32_t start, uint32_t len, bool read_ram, bool write_ram);
    /* SMRAM control: `open` shows SMRAM (0xa0000-0xbffff) to all, `enabled` shows it to SMM,
     * `locked` holds both until reset. Called at each reset, load and change. May be NULL. */
    void (*smram_changed)(void *opaque, bool open, bool enabled, bool locked);
};

/* Attaches the bridge at 00:00.0; NULL with an error when the place is taken. */
struct i440fx *i440fx_new(const struct i440fx_config *config, GError **err);
struct device *i440fx_device(struct i440fx *s);

/* All BIOS segments (0xc0000-0xfffff) to RAM, read and write, as firmware leaves them while it
 * builds its tables; for boots without firmware, after each reset. */
void i440fx_open_shadow(struct i440fx *s);

#endif
