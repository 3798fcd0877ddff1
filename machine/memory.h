/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The board's memory: RAM around the PCI hole, the firmware image or flash below 4 GiB and its
 * shadow below 1 MiB, the windows that the host bridge switches (PAM segments, SMRAM), and BARs of
 * plain memory. Each is a memory slot of its own with a fixed id, or a hole: nothing is ever split.
 *
 * Changes with the device lock held.
 */
#ifndef MACHINE_MEMORY_H
#define MACHINE_MEMORY_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "cpu/mmu_shadow/memslots.h"
#include "machine/e820.h"

#define MEMORY_PAM_SEGMENTS 13
#define MEMORY_BARS         16
#define MEMORY_FLASHES      2

/* Ids of the board's slots. What is not always there is a hole meanwhile: the segments without ROM,
 * and the legacy VGA window, which is the slot of SMRAM when that is shown. */
enum memory_slot {
    MEMORY_SLOT_LOW,                                          /* 0-0x9ffff */
    MEMORY_SLOT_SMRAM,                                        /* 0xa0000-0xbffff */
    MEMORY_SLOT_PAM,                                          /* 0xc0000 on, in their order */
    MEMORY_SLOT_MAIN = MEMORY_SLOT_PAM + MEMORY_PAM_SEGMENTS, /* 1 MiB to the PCI hole */
    MEMORY_SLOT_HIGH,                                         /* from 4 GiB */
    MEMORY_SLOT_BIOS,                                         /* to 4 GiB */
    MEMORY_SLOT_FLASH,                                        /* the same, of chips */
    MEMORY_SLOT_BAR = MEMORY_SLOT_FLASH + MEMORY_FLASHES,     /* framebuffer, expansion ROMs */
    MEMORY_SLOT_END = MEMORY_SLOT_BAR + MEMORY_BARS,
};

struct memory {
    struct memslots_vm *slots;
    struct guest_ram ram;
    uint8_t *bios; /* the image; NULL without firmware, or with one in flash */
    uint64_t bios_size;
    uint8_t *low_end;   /* of what shows below 1 MiB; NULL: nothing does */
    uint64_t low_shown; /* how much */
    bool smram_shown;   /* 0xa0000-0xbffff is RAM now */
    bool smram_open, smram_enabled, in_smm;
    void *bar[MEMORY_BARS];       /* whose slot MEMORY_SLOT_BAR + n is, from the first mapping on */
    bool bar_logged[MEMORY_BARS]; /* writes to it are logged, when it is mapped */
    bool bar_lost[MEMORY_BARS];   /* its log went with its slot, since it was asked last */
};

/* Allocates `size` bytes of RAM (a multiple of 1 MiB) and maps it. False with an error when the
 * host has not that much. */
bool memory_init(struct memory *m, uint64_t size, GError **err);
void memory_destroy(struct memory *m);

/* Maps a firmware image (copied; a multiple of 64 KiB) to end at 4 GiB, and its last 128 KiB to end
 * at 1 MiB as long as the PAM registers say so. */
void memory_set_bios(struct memory *m, const uint8_t *image, uint64_t size);

/* In place of that: the end of `image` (of at least `size` bytes, a multiple of a page), which
 * stays the caller's, shows below 1 MiB. */
void memory_set_low_bios(struct memory *m, uint8_t *image, uint64_t size);

/* Flash chip n is memory `hva` of `size` bytes at gpa, which loads find; or it is not. Stores of
 * vCPUs go to the bus either way. */
void memory_flash_show(struct memory *m, unsigned n, uint64_t gpa, uint64_t size, uint8_t *hva);
void memory_flash_hide(struct memory *m, unsigned n);

/* Start..start+len-1, one of the segments in 0xc0000-0xfffff: who answers reads and writes
 * (82441FX, PAM registers). Reads from ROM with writes to RAM, or the reverse, go by the side that
 * is read; writes to a ROM are lost. */
void memory_pam(struct memory *m, uint32_t start, uint32_t len, bool read_ram, bool write_ram);

/* A BAR that is plain memory `hva`, its owner's, appears, moves with all that is known about its
 * pages, or goes. False, and as before, when it cannot be there (the range is in use). */
bool memory_bar_map(struct memory *m, uint64_t gpa, uint64_t len, void *hva, bool readonly);
bool memory_bar_move(struct memory *m, uint64_t from, uint64_t to, uint64_t len);
void memory_bar_unmap(struct memory *m, uint64_t gpa, uint64_t len);

/* Writes of the guest to the BAR `hva` are logged from now on (dirty_log.h), wherever it is mapped
 * and goes; or no longer. */
void memory_bar_log(struct memory *m, void *hva, bool on);

/* Of such a BAR of `len` bytes: sets the bits of those of its pages that were written since it was
 * asked last; of all, where that is not known. */
void memory_bar_harvest(struct memory *m, void *hva, uint64_t len, uint64_t *pages);

/* Who sees SMRAM. */
void memory_smram(struct memory *m, bool open, bool enabled);
void memory_set_smm(struct memory *m, bool in_smm);

#endif
