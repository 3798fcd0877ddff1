/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A world for the direct MMU's tests: a few memory slots over host memory that is never touched,
 * two vCPUs that are nothing but a TLB, invalidations by the rules of tdp_mmu.h, tables that are
 * freed after a grace period; and what must hold whatever happened, rig_check().
 */
#ifndef TESTS_UNIT_TDP_RIG_H
#define TESTS_UNIT_TDP_RIG_H

#include "cpu/mmu_shadow/tdp_internal.h"

#define RIG_VCPUS 2
#define RIG_SLOTS 4
#define RIG_PAGES 4096u /* gfns below this have TLB entries and dirty bits */
#define RIG_HVA   UINT64_C(0x7f0000000000)

/* What an access by a vCPU of the rig comes to. */
enum rig_access {
    RIG_DONE,
    RIG_REFUSED, /* no slot, denied or tracked */
};

struct rig {
    struct tdp_mmu mmu;
    struct rwlock lock;
    struct lock world; /* the fields from here to `ops`, where several threads of the host run */
    struct tdp_slot slots[RIG_SLOTS];
    unsigned n_slots;
    gfn_t tracked[8];
    unsigned n_tracked;
    int max_level; /* PT_LEVEL_HUGEST, or what a test wants at most */
    bool max_level_knows_tracking;
    bool invalidating;
    gfn_t inv_start, inv_end;
    uint64_t inv_seq;
    uint8_t dirty[RIG_PAGES];
    uint8_t written[RIG_PAGES]; /* since the last harvest, while the slot logged */
    uint64_t tlb[RIG_VCPUS][RIG_PAGES];
    struct tdp_root *root[RIG_VCPUS]; /* each its own thread's */
    pt_entry *retired[256];           /* waiting for the grace period */
    unsigned n_retired;
    pt_entry *grave[64]; /* freed to the MMU's knowledge, and poisoned */
    unsigned n_grave;
    int tables, tables_left; /* live; how many more there is memory for, negative: any number */
    /* counts of calls, and hooks into them */
    unsigned flushes, dirties, asked_level;
    gfn_t flush_lo, flush_hi; /* all of the pages flushed so far */
    unsigned resched_calls, resched_limit;
    bool always_resched;
    unsigned resched_for; /* 0, or so many calls only */
    void (*on_resched)(struct rig *r);
    void (*on_table_new)(struct rig *r);
    void (*on_slot)(struct rig *r);
    void (*on_dirty)(struct rig *r, gfn_t gfn);
    const char *broken; /* found inside a call, told by rig_check() */
};

/* levels: 4 or 5. No slot yet. */
void rig_init(struct rig *r, const struct pt_format *format, int levels);

/* Ends the MMU and checks that nothing is left of it. NULL, or what is wrong. */
const char *rig_end(struct rig *r);

struct tdp_slot *rig_slot(struct rig *r, gfn_t base, uint64_t npages, hva_t hva, unsigned rights);

/* One fault, and what vCPU `cpu` then has in its TLB. */
enum tdp_result rig_fault(struct rig *r, unsigned cpu, gfn_t gfn, unsigned access);

/* An access by a vCPU: through its TLB, or by as many faults as it takes. */
enum rig_access rig_access(struct rig *r, unsigned cpu, gfn_t gfn, unsigned access);

/* The owner's changes, by the rules. */
void rig_invalidate_begin(struct rig *r, gfn_t start, gfn_t end);
void rig_invalidate_end(struct rig *r);
void rig_remap(struct rig *r, struct tdp_slot *slot, hva_t hva); /* the slot is elsewhere now */
void rig_log(struct rig *r, struct tdp_slot *slot, bool on);     /* neither splits nor recovers */
void rig_track(struct rig *r, gfn_t gfn);
void rig_untrack(struct rig *r, gfn_t gfn);
void rig_new_root(struct rig *r); /* invalidates; the vCPUs get the new one when they fault */

/* Takes the dirty bits of 64 pages and protects these: what a harvest does. */
uint64_t rig_harvest(struct rig *r, gfn_t base);

/* The grace period: every vCPU acknowledges a flush, no walk stands anywhere. */
void rig_grace(struct rig *r);

/* NULL, or which invariant is broken: the MMU's audit; no TLB has what the tables do not say; no
 * page that was written while logged is missing in the dirty bits. Nobody is in the MMU. */
const char *rig_check(struct rig *r);

/* The leaf that maps gfn and its level in the current tree, or 0. */
uint64_t rig_lookup(struct rig *r, gfn_t gfn, int *level);

#endif
