/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's physical memory: ranges of host memory by guest address; what no range covers is
 * MMIO. Mapping changes happen with the device lock held while no vCPU translates (the changed hook
 * makes every vCPU drop what it cached); look-ups are made by vCPUs and by DMA.
 */
#ifndef CPU_PHYSMEM_H
#define CPU_PHYSMEM_H

#include <stdbool.h>
#include <stddef.h>

#include "cpu/types.h"

#define PHYSMEM_MAX_SLOTS 64

struct phys_slot {
    gpa_t gpa;     /* page-aligned */
    uint64_t size; /* bytes, page-aligned, > 0 */
    uint8_t *hva;
    bool readonly; /* guest writes are dropped (ROM) */
    uint8_t *code; /* a byte a page: not zero while decoded code of it is cached */
};

struct physmem;

struct physmem *physmem_new(void);
void physmem_free(struct physmem *pm);

/* Maps host memory, owned by the caller; everything page-aligned. False when the range overlaps
 * another or the table is full. */
bool physmem_map(struct physmem *pm, gpa_t gpa, uint64_t size, void *hva, bool readonly);

/* Removes gpa..gpa+size-1 from whatever slots cover it, splitting them where needed. */
void physmem_unmap(struct physmem *pm, gpa_t gpa, uint64_t size);

/* The slot that holds gpa, or NULL for MMIO. */
struct phys_slot *physmem_find(struct physmem *pm, gpa_t gpa);

/* Host address of gpa, valid to the end of its page; NULL for MMIO. */
void *physmem_ptr(struct physmem *pm, gpa_t gpa);

/* DMA: copy through RAM. False when a part is not RAM (reads as ones there) or, for writes,
 * read-only. A write over decoded code is told to the code hook. */
bool physmem_read(struct physmem *pm, gpa_t gpa, void *buf, size_t len);
bool physmem_write(struct physmem *pm, gpa_t gpa, const void *buf, size_t len);

/* Hooks of the CPU: the map changed (all cached translations are void); a page with decoded code
 * was written from outside the vCPU, `len` bytes at gpa, not crossing a page. */
void physmem_set_hooks(struct physmem *pm, void *opaque, void (*changed)(void *opaque),
                       void (*code_written)(void *opaque, gpa_t gpa, size_t len));

#endif
