/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 64 KiB that both processors have: what each page is, the host's copy at its own address, the
 * pattern that stands in it before each case, and how both copies are compared and put back.
 */
#ifndef TESTS_DIFF_MEMORY_H
#define TESTS_DIFF_MEMORY_H

#include "tests/diff/state.h"

enum diff_page { DIFF_PAGE_HOLE, DIFF_PAGE_CODE, DIFF_PAGE_DATA, DIFF_PAGE_ROM };

enum diff_page diff_page_kind(uint64_t linear);

struct diff_memory {
    uint8_t *host;              /* at DIFF_BASE in this process, protected as the pages are */
    uint8_t *host_rw;           /* the same memory, all of it to be written */
    uint8_t *guest;             /* in the emulator's RAM */
    uint8_t pattern[DIFF_SIZE]; /* what is there before pokes */
};

/* Maps the host's, fills both. False when the addresses are not to be had. */
bool diff_memory_init(struct diff_memory *m, uint8_t *guest);
void diff_memory_free(struct diff_memory *m);

/* Writes a case's pokes to both. */
void diff_memory_poke(struct diff_memory *m, const struct diff_case *c);

/* Linear address of the first byte that differs, 0 when none does. */
uint64_t diff_memory_differs(const struct diff_memory *m);

/* Both as they are before pokes. */
void diff_memory_restore(struct diff_memory *m);

/* What is at an address before the case runs, its pokes applied; a hole reads as 0. */
uint64_t diff_memory_before(const struct diff_memory *m, const struct diff_case *c, uint64_t linear,
                            unsigned size);

/* The page from which the host's IRET takes its frame, and the code by which a case leaves. */
#define DIFF_FRAME_PAGE (DIFF_ESP_HIGH + 0x1000)
#define DIFF_TRAMPOLINE (DIFF_BASE + 0x20000)

#endif
