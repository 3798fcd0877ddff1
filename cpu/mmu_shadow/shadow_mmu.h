/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shadow MMU: translates through tables of its own, made from the guest's as they are used and
 * kept true to them. cpu/mmu_shadow/README.md explains it.
 */
#ifndef CPU_MMU_SHADOW_SHADOW_MMU_H
#define CPU_MMU_SHADOW_SHADOW_MMU_H

#include "base/lock.h"
#include "cpu/mmu_shadow/guest_walk.h"
#include "cpu/mmu_shadow/shadow_page.h"

#define SHADOW_ROOT_CACHE 4
#define SHADOW_HASH_BITS  12

struct memslots_vm;

/* What it needs of the machine. */
struct shadow_world {
    void *opaque;
    /* Every vCPU drops all that its TLB has; returns when each has acknowledged or is where it will
     * do so before it uses a translation again. Called with the MMU's lock held. */
    void (*flush)(void *opaque);
    /* The per-frame data of a slot; made with it. */
    struct slot_pages *(*pages)(void *opaque, const struct memslot *slot);
    /* The vCPU (shadow_vcpu.opaque) leaves guest mode, before it waits for the lock, and enters it
     * again: flushes that it did not see meanwhile are done then. NULL: there is but one thread. */
    bool (*leave)(void *vcpu); /* false: it was outside, and is not to enter */
    void (*enter)(void *vcpu);
};

/* One a VM. */
struct shadow_mmu {
    struct lock lock; /* guards all but what says otherwise */
    struct memslots_vm *slots;
    struct shadow_world world;
    struct pte_list_pool pool;
    struct shadow_page *hash[1 << SHADOW_HASH_BITS];
    struct shadow_page *oldest, *newest; /* the active pages */
    unsigned used, limit;                /* pages; the limit is soft: what one fault needs is had */
    uint64_t generation;                 /* of pages that may be used */
    _Atomic uint64_t root_epoch;         /* goes up when roots may be dead; read without the lock */
    unsigned changing;                   /* slot changes under way: nothing is remembered */
    _Atomic uint64_t sequence;   /* goes up with each; a fault that began before begins anew */
    union paging_role features;  /* what the processors have: phys_bits and the has_… bits */
    struct guest_paging reading; /* the role that entries were last judged by, without a vCPU */
    struct shadow_stats stats;
};

/* What a vCPU has: its paging state and the tables that it uses. */
struct shadow_vcpu {
    struct shadow_mmu *mmu;
    void *opaque; /* for the world */
    struct guest_paging paging;
    struct shadow_page *root[4]; /* [0], or by va >> 30 for 32-bit and PAE guests; NULL: none yet */
    uint64_t root_epoch;         /* when they were last looked at */
    /* Roots of address spaces before this one, each with a reference; NULL at the end. */
    struct shadow_page *cache[SHADOW_ROOT_CACHE];
    unsigned cache_next;
};

/* A translation, good until the vCPU is asked to flush. */
struct shadow_xlat {
    gpa_t gpa;
    unsigned shift; /* log2 of the size of the guest's page */
    bool writable;  /* stores by the same privilege may go straight there */
    bool global;
    bool tracked; /* stores must be told to shadow_written */
};

struct shadow_mmu *shadow_mmu_new(struct memslots_vm *slots, const struct shadow_world *world,
                                  union paging_role features, unsigned limit);

/* No vCPU is left. */
void shadow_mmu_free(struct shadow_mmu *m);

struct shadow_vcpu *shadow_vcpu_new(struct shadow_mmu *m, void *opaque);
void shadow_vcpu_free(struct shadow_vcpu *v);

/* Translates va for one access (enum walk_access but WALK_PROBE) with paging on. False with the
 * page fault's error code. The vCPU's thread, inside guest mode, which it may leave meanwhile:
 * nothing that was translated before may be stored to afterwards, if there was a flush. */
bool shadow_translate(struct shadow_vcpu *v, gva_t va, unsigned access, struct shadow_xlat *out,
                      uint32_t *error);

/* The next three: outside guest mode, without the lock. */

/* The vCPU's paging state has changed: v->paging is new. Also after a load of CR3 with the same
 * value: what the guest wrote to its tables counts from here on. */
void shadow_new_paging(struct shadow_vcpu *v);

/* INVLPG: the same for one address. */
void shadow_invlpg(struct shadow_vcpu *v, gva_t va);

/* Somebody stored `len` bytes at gpa (within a page) whose translation was tracked. After the
 * store. */
void shadow_written(struct shadow_mmu *m, gpa_t gpa, unsigned len);

/* Around a change of slots: from begin on nothing is remembered, and all that was is gone when it
 * returns; the caller has the vCPUs flush once more before end. Calls may nest. */
void shadow_begin_change(struct shadow_mmu *m);
void shadow_end_change(struct shadow_mmu *m);

/* Stops the VM unless every invariant holds. Takes the lock; no store to a tracked page may be on
 * its way to shadow_written. */
void shadow_audit(struct shadow_mmu *m);

/* ---- between the files of the MMU; lock held ---- */

/* What a page's guest entries mean. */
union paging_role shadow_paging_role(const struct shadow_mmu *m, union shadow_role role);

/* Which guest entry SPTE `index` of a page says; where it stands. */
gpa_t shadow_gpte_gpa(const struct shadow_page *sp, unsigned index);

/* Reads an entry of a guest table of this role; all ones where there is no memory. */
uint64_t shadow_gpte_read(const struct shadow_mmu *m, union shadow_role role, gpa_t gpa);

/* The leaf that a guest leaf entry of level 1 makes of SPTE `index` of a page, and its frame; 0
 * when it makes none (not present, not accessed, reserved bits, no memory there). `unsync`: leaf
 * tables may be made unsync so that it gets W. */
uint64_t shadow_leaf_of(struct shadow_mmu *m, const struct shadow_page *sp, uint64_t gpte,
                        bool unsync, gfn_t *gfn, const struct memslot **slot);

/* A leaf at `level` for gfn of `slot`, from what a guest entry says. */
uint64_t shadow_leaf(const struct memslot *slot, gfn_t gfn, unsigned rights, bool dirty,
                     bool global, unsigned key);

/* May leaves of gfn have W? Makes leaf tables unsync for it if `unsync`. */
bool shadow_may_write(struct shadow_mmu *m, const struct memslot *slot, gfn_t gfn, bool unsync);

/* A page is unsync, or has such below: its parents hear of it. */
void shadow_mark_unsync_above(struct shadow_page *sp);

/* Entry `index` leads to no unsync page any more. */
void shadow_clear_unsync_bit(struct shadow_page *sp, unsigned index);

/* Brings an unsync page up to date with its guest table. */
void shadow_sync_page(struct shadow_mmu *m, struct shadow_page *sp, struct shadow_zapped *z);

/* The same for all under a page. */
void shadow_sync_below(struct shadow_mmu *m, struct shadow_page *sp, struct shadow_zapped *z);

/* Sets a leaf, whatever is there now. */
void shadow_set_leaf(struct shadow_mmu *m, spte_t *sptep, const struct memslot *slot, gfn_t gfn,
                     uint64_t leaf, struct shadow_zapped *z);

#endif
