/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the shadow MMU knows about each frame of a memory slot: which SPTEs map it (the rmap, a list
 * a level), and whether a large page may cover it (who tracks it: page_track.h). Guarded by
 * the MMU's lock, but for what says otherwise.
 */
#ifndef CPU_MMU_SHADOW_SLOT_PAGES_H
#define CPU_MMU_SHADOW_SLOT_PAGES_H

#include <stdbool.h>

#include "cpu/mmu_shadow/pte_list.h"
#include "cpu/types.h"

#define SLOT_LEVELS 3 /* 4 KiB, 2 MiB, 1 GiB */

struct slot_pages {
    gfn_t base;
    uint64_t npages;
    struct pte_list *rmap[SLOT_LEVELS];
    /* By level - 2: shadowed tables in the region, for which it may not be mapped as one. */
    uint32_t *shadowed[SLOT_LEVELS - 1];
};

struct slot_pages *slot_pages_new(gfn_t base, uint64_t npages);

/* All lists are empty. */
void slot_pages_free(struct slot_pages *p);

/* Of gfn, which the slot holds, at a level (1 to SLOT_LEVELS): an index into that level's arrays.
 */
static inline uint64_t slot_index(const struct slot_pages *p, gfn_t gfn, unsigned level)
{
    return (gfn >> (9 * (level - 1))) - (p->base >> (9 * (level - 1)));
}

static inline struct pte_list *slot_rmap(const struct slot_pages *p, gfn_t gfn, unsigned level)
{
    return &p->rmap[level - 1][slot_index(p, gfn, level)];
}

/* The highest level at which one SPTE may map gfn: the region lies in the slot and no shadowed
 * guest table lies in the region. `most` bounds it. */
unsigned slot_max_level(const struct slot_pages *p, gfn_t gfn, unsigned most);

/* A guest table at gfn is shadowed once more (n = 1) or once less (-1). */
void slot_count_shadowed(struct slot_pages *p, gfn_t gfn, int n);

#endif
