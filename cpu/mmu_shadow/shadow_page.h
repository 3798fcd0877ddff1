/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shadow pages: a table of 512 SPTEs that says what one guest page table (or half or a quarter of
 * one, for 32-bit guests) says. Found by the frame of the guest's table and a role; shared by all
 * address spaces and vCPUs that use that table.
 *
 * Everything here is done with the MMU's lock held, except reading SPTEs. Their memory stays a
 * shadow page's until the MMU dies: one that was zapped is empty, and is used again at once. Who
 * reads without the lock compares shadow_mmu.reuse before and after.
 *
 * What TLBs have of an SPTE that goes stays there: so it is on silicon, where the guest must flush
 * after it changed its tables. Only who must hear of stores has TLBs told (page_track.h).
 */
#ifndef CPU_MMU_SHADOW_SHADOW_PAGE_H
#define CPU_MMU_SHADOW_SHADOW_PAGE_H

#include "cpu/mmu_shadow/guest_walk.h"
#include "cpu/mmu_shadow/pte_list.h"
#include "cpu/mmu_shadow/spte.h"

struct memslot;
struct shadow_mmu;
struct shadow_vcpu;

union shadow_role {
    struct {
        uint32_t level : 3;
        uint32_t guest_levels : 3; /* the format of the guest's entries: paging_role.levels */
        uint32_t pse : 1, nxe : 1; /* what decides how they read */
        uint32_t quadrant : 2;     /* 32-bit guests: which part of the guest's table */
        uint32_t rights : 3;       /* enum walk_right: of the entries above */
        uint32_t a20_shut : 1;     /* address line 20 is masked in all that it says */
        /* No guest table: pieces of one large guest page at gfn, whose entry said the rest. */
        uint32_t direct : 1;
        uint32_t dirty : 1;
        uint32_t global : 1;
        uint32_t key : 4;
        uint32_t size : 2; /* that entry's level */
    };
    uint32_t word;
};

struct shadow_page {
    _Alignas(PAGE_SIZE) spte_t spt[SPTES]; /* first: a table's address is its page's */
    _Atomic gfn_t leaf_gfn[SPTES];         /* of each present leaf: the frame it maps */
    /* The next three and `roots` are constant while somebody holds the page as a root. */
    gfn_t gfn; /* of the guest's table */
    union shadow_role role;
    uint64_t generation;  /* of the MMU when it was made: an older one is dead */
    _Atomic bool invalid; /* zapped; nobody may find it any more. Read without the lock */
    struct pte_list parents;
    unsigned roots;                /* references of vCPUs that use it, or may soon, as a root */
    unsigned floods;               /* guest writes since it was last used by a fault */
    unsigned stores;               /* level 1: guest writes since it was last in sync */
    unsigned present;              /* SPTEs that are */
    bool unsync;                   /* level 1: the guest may write its table, this may be behind */
    _Atomic unsigned unsync_below; /* entries of this table under which there may be an unsync
                                    * page. Read without the lock */
    uint64_t unsync_map[SPTES / 64];
    struct shadow_page *hash_next;
    struct shadow_page *prev, *next; /* among the active ones, oldest first; or the free ones */
};

/* The frame that a guest entry leads to which names gfn. */
static inline gfn_t shadow_frame(union shadow_role role, gfn_t gfn)
{
    return role.a20_shut ? gfn & ~(UINT64_C(1) << (20 - PAGE_SHIFT)) : gfn;
}

/* What stands in the audit's and the statistics' books. */
struct shadow_stats {
    uint64_t walks, fills, prefetched, pages_made, pages_zapped, pages_evicted, tracked_writes;
    uint64_t floods, unsyncs, syncs, flushes, retries, recoveries;
    _Atomic uint64_t prefetch_hits; /* without the lock */
};

/* What a change owes before it may go on: frames whose stores must be told from now on. */
#define SHADOW_OWED 16
struct shadow_owed {
    struct shadow_vcpu *v; /* whose thread this is, or NULL */
    unsigned n;
    gfn_t gfn[SHADOW_OWED];
    _Atomic uint32_t *word[SHADOW_OWED];
};

static inline struct shadow_page *shadow_page_of(const spte_t *sptep)
{
    return (struct shadow_page *)((uintptr_t)sptep & PAGE_MASK);
}

/* The page for the guest table at gfn with this role, made if need be: once what is owed has been
 * paid, guest writes to the table are seen. */
struct shadow_page *shadow_page_get(struct shadow_mmu *m, gfn_t gfn, union shadow_role role,
                                    struct shadow_owed *o);

/* Points an entry, not present now, to a page. */
void shadow_link(struct shadow_mmu *m, spte_t *sptep, struct shadow_page *child);

/* Makes an entry, not present now, a leaf for gfn of `slot`. */
void shadow_map(struct shadow_mmu *m, spte_t *sptep, const struct memslot *slot, gfn_t gfn,
                uint64_t spte);

/* Sets a leaf, whatever is there now. */
void shadow_set_leaf(struct shadow_mmu *m, spte_t *sptep, const struct memslot *slot, gfn_t gfn,
                     uint64_t leaf);

/* Makes an entry not present: out of the rmap or of the child's parents. */
void shadow_drop(struct shadow_mmu *m, spte_t *sptep);

/* Takes a page out of use with all that it says and all that points to it. */
void shadow_zap(struct shadow_mmu *m, struct shadow_page *sp);

/* Pays what is owed, outside guest mode. */
void shadow_pay(struct shadow_mmu *m, struct shadow_owed *o);

/* A vCPU holds a page as a root, and lets go of it. */
void shadow_root_hold(struct shadow_page *sp);
void shadow_root_put(struct shadow_mmu *m, struct shadow_page *sp);

/* The pages, with guest tables, at gfn: the first and the next; the order is any. */
struct shadow_page *shadow_first(const struct shadow_mmu *m, gfn_t gfn);
struct shadow_page *shadow_next(const struct shadow_page *sp);

/* Once what is owed has been paid, stores to the page's guest table are seen; so far they were not
 * for its sake. */
void shadow_protect(struct shadow_mmu *m, struct shadow_page *sp, struct shadow_owed *o);

/* The page is not told of stores to its table any more. */
void shadow_unprotect(struct shadow_mmu *m, struct shadow_page *sp);

/* Room for `n` more pages, by evicting the oldest if the limit says so. */
void shadow_make_room(struct shadow_mmu *m, unsigned n);

/* Frees what no page uses; nobody reads any more. */
void shadow_free_pages(struct shadow_mmu *m);

#endif
