/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The board's memory: RAM around the PCI hole, the firmware image below 4 GiB and its shadow below
 * 1 MiB, and the windows that the host bridge switches (PAM segments, SMRAM).
 *
 * Changes with the device lock held.
 */
#ifndef MACHINE_MEMORY_H
#define MACHINE_MEMORY_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "cpu/physmem.h"
#include "machine/e820.h"

struct memory {
    struct physmem *pm;
    struct guest_ram ram;
    uint8_t *bios; /* the image, NULL without firmware */
    uint64_t bios_size;
    bool smram_shown; /* 0xa0000-0xbffff is RAM now */
    bool smram_open, smram_enabled, in_smm;
};

/* Allocates `size` bytes of RAM (a multiple of 1 MiB) and maps it. False with an error when the
 * host has not that much. */
bool memory_init(struct memory *m, uint64_t size, GError **err);
void memory_destroy(struct memory *m);

/* Maps a firmware image (copied; a multiple of 64 KiB) to end at 4 GiB, and its last 128 KiB to end
 * at 1 MiB as long as the PAM registers say so. */
void memory_set_bios(struct memory *m, const uint8_t *image, uint64_t size);

/* Start..start+len-1 in 0xc0000-0xfffff: who answers reads and writes (82441FX, PAM registers).
 * Reads from ROM with writes to RAM, or the reverse, go by the side that is read; writes to a ROM
 * are lost. */
void memory_pam(struct memory *m, uint32_t start, uint32_t len, bool read_ram, bool write_ram);

/* Who sees SMRAM. */
void memory_smram(struct memory *m, bool open, bool enabled);
void memory_set_smm(struct memory *m, bool in_smm);

#endif
