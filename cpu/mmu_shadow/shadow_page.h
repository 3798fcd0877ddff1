/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shadow pages: a table of 512 SPTEs that says what one guest page table (or half or a quarter of
 * one, for 32-bit guests) says. Found by the frame of the guest's table and a role; shared by all
 * address spaces and vCPUs that use that table.
 *
 * Everything here is done with the MMU's lock held, except reading SPTEs. A page that is zapped
 * stays readable until shadow_commit has seen every vCPU acknowledge a flush.
 */
#ifndef CPU_MMU_SHADOW_SHADOW_PAGE_H
#define CPU_MMU_SHADOW_SHADOW_PAGE_H

#include "cpu/mmu_shadow/guest_walk.h"
#include "cpu/mmu_shadow/pte_list.h"
#include "cpu/mmu_shadow/spte.h"

struct memslot;
struct shadow_mmu;

union shadow_role {
    struct {
        uint32_t level : 3;
        uint32_t guest_levels : 3; /* the format of the guest's entries: paging_role.levels */
        uint32_t pse : 1, nxe : 1; /* what decides how they read */
        uint32_t quadrant : 2;     /* 32-bit guests: which part of the guest's table */
        uint32_t rights : 3;       /* enum walk_right: of the entries above */
        uint32_t invalid : 1;      /* zapped; nobody may find it any more */
        /* No guest table: pieces of one large guest page at gfn, whose entry said the rest. */
        uint32_t direct : 1;
        uint32_t dirty : 1;
        uint32_t global : 1;
        uint32_t key : 4;
    };
    uint32_t word;
};

struct shadow_page {
    _Alignas(PAGE_SIZE) spte_t spt[SPTES]; /* first: a table's address is its page's */
    _Atomic gfn_t leaf_gfn[SPTES];         /* of each present leaf: the frame it maps */
    gfn_t gfn;                             /* of the guest's table */
    union shadow_role role;
    uint64_t generation; /* of the MMU when it was made: an older one is dead */
    struct pte_list parents;
    unsigned roots;        /* vCPUs' roots and cached roots that it is */
    unsigned floods;       /* guest writes since it was last used by a fault */
    unsigned present;      /* SPTEs that are */
    bool unsync;           /* level 1: the guest may write its table, this one may be behind */
    unsigned unsync_below; /* entries of this table under which there may be an unsync page */
    uint64_t unsync_map[SPTES / 64];
    struct shadow_page *hash_next;
    struct shadow_page *prev, *next; /* among the active ones, oldest first; or the zapped ones */
};

/* What stands in the audit's and the statistics' books. */
struct shadow_stats {
    uint64_t walks, fills, prefetched, pages_made, pages_zapped, pages_evicted, tracked_writes;
    uint64_t floods, unsyncs, syncs, flushes, retries;
};

/* Pages that were zapped and wait for a flush. */
struct shadow_zapped {
    struct shadow_page *first;
    bool flush; /* an SPTE that somebody's TLB may hold was taken away or lessened */
};

static inline struct shadow_page *shadow_page_of(const spte_t *sptep)
{
    return (struct shadow_page *)((uintptr_t)sptep & PAGE_MASK);
}

/* The page for the guest table at gfn with this role, made if need be: from then on guest writes to
 * the table are seen. */
struct shadow_page *shadow_page_get(struct shadow_mmu *m, gfn_t gfn, union shadow_role role,
                                    struct shadow_zapped *z);

/* Points an entry, not present now, to a page. */
void shadow_link(struct shadow_mmu *m, spte_t *sptep, struct shadow_page *child);

/* Makes an entry, not present now, a leaf for gfn of `slot`. */
void shadow_map(struct shadow_mmu *m, spte_t *sptep, const struct memslot *slot, gfn_t gfn,
                uint64_t spte);

/* Makes an entry not present: out of the rmap or of the child's parents. */
void shadow_drop(struct shadow_mmu *m, spte_t *sptep, struct shadow_zapped *z);

/* Takes a page out of use with all that it says and all that points to it. */
void shadow_zap(struct shadow_mmu *m, struct shadow_page *sp, struct shadow_zapped *z);

/* Has the vCPUs flush if something was taken away: what they do from here on, they do by the tables
 * as they are now. */
void shadow_flush(struct shadow_mmu *m, struct shadow_zapped *z);

/* The same, and frees what was zapped. */
void shadow_commit(struct shadow_mmu *m, struct shadow_zapped *z);

/* Lets go of a root. */
void shadow_root_put(struct shadow_mmu *m, struct shadow_page *sp, struct shadow_zapped *z);

/* The pages, with guest tables, at gfn: the first and the next; the order is any. */
struct shadow_page *shadow_first(const struct shadow_mmu *m, gfn_t gfn);
struct shadow_page *shadow_next(const struct shadow_page *sp);

/* Every W of gfn's leaves goes, and huge leaves over it go wholly. */
void shadow_protect_gfn(struct shadow_mmu *m, const struct memslot *slot, gfn_t gfn,
                        struct shadow_zapped *z);

/* Room for `n` more pages, by evicting the oldest if the limit says so. */
void shadow_make_room(struct shadow_mmu *m, unsigned n, struct shadow_zapped *z);

#endif
