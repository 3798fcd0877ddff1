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

#define SHADOW_ROOTS     16 /* that a vCPU holds: of the address spaces that it used last */
#define SHADOW_PSC       16
#define SHADOW_HASH_BITS 12

struct memslots_vm;
struct slot_pages;

/* What it needs of the machine. */
struct shadow_world {
    void *opaque;
    /* On return no vCPU can store to these frames without telling (page_track.h). Called with the
     * MMU's lock held, outside guest mode. */
    void (*protect)(void *opaque, const gfn_t *gfn, unsigned n);
    /* The per-frame data of a slot; made with it. */
    struct slot_pages *(*pages)(void *opaque, const struct memslot *slot);
    /* The vCPU (shadow_vcpu.opaque) leaves guest mode, where it may wait, and enters it again: what
     * was asked of it meanwhile is done then. NULL: there is but one thread. */
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
    struct shadow_page *free;            /* pages to be used again */
    unsigned used, limit;   /* active pages; the limit is soft: what one fault needs is had */
    _Atomic uint64_t reuse; /* goes up before a free page is used again; read without the lock */
    _Atomic uint64_t generation; /* of pages that may be used; read without the lock */
    _Atomic unsigned telling;    /* stores to tables that were made and are being told of */
    unsigned changing;           /* slot changes under way: nothing is remembered */
    union paging_role features;  /* what the processors have: phys_bits and the has_… bits */
    struct guest_paging reading; /* the role that entries were last judged by, without a vCPU */
    struct shadow_stats stats;
};

/* A table of level 1 that a look-up ended in: what silicon keeps in its paging-structure caches
 * (SDM 3A 4.10.3). */
struct shadow_psc {
    uint64_t tag; /* va >> 21, plus 1; 0: none */
    struct shadow_page *sp;
};

/* What a vCPU has: its paging state and the tables that it uses. Its thread's, but for `held`,
 * which changes with the lock held. */
struct shadow_vcpu {
    struct shadow_mmu *mmu;
    void *opaque; /* for the world */
    struct guest_paging paging;
    struct shadow_page *root[4]; /* [0], or by va >> 30 for 32-bit and PAE guests; NULL: none yet */
    struct {
        struct shadow_page *sp; /* with a reference; NULL: none */
        uint64_t used;          /* the greater the later */
    } held[SHADOW_ROOTS];
    uint64_t uses;
    struct shadow_psc psc[SHADOW_PSC];
    uint64_t psc_reuse; /* shadow_mmu.reuse when the first of them was noted */
    bool left;          /* guest mode, in the section that is locked now */
};

/* A translation, good until the vCPU is asked to flush. */
struct shadow_xlat {
    gpa_t gpa;
    unsigned shift; /* log2 of the size of the guest's page */
    /* Stores by the same privilege may go straight there, unless the frame is tracked; and they are
     * in the dirty log. */
    bool writable;
    bool global;
};

struct shadow_mmu *shadow_mmu_new(struct memslots_vm *slots, const struct shadow_world *world,
                                  union paging_role features, unsigned limit);

/* No vCPU is left. */
void shadow_mmu_free(struct shadow_mmu *m);

struct shadow_vcpu *shadow_vcpu_new(struct shadow_mmu *m, void *opaque);
void shadow_vcpu_free(struct shadow_vcpu *v);

/* ---- the vCPU's thread, inside guest mode, which it may leave meanwhile: nothing that was
 * translated before may be stored to afterwards, if anything was asked of it ---- */

/* Translates va for one access (enum walk_access but WALK_PROBE) with paging on. False with the
 * page fault's error code. */
bool shadow_translate(struct shadow_vcpu *v, gva_t va, unsigned access, struct shadow_xlat *out,
                      uint32_t *error);

/* The vCPU's paging state has changed: v->paging is new. Also after a load of CR3 with the same
 * value: what the guest wrote to its tables counts from here on. */
void shadow_new_paging(struct shadow_vcpu *v);

/* INVLPG: the same for one address. */
void shadow_invlpg(struct shadow_vcpu *v, gva_t va);

/* ---- any thread, without the lock ---- */

/* Somebody (v, or with NULL none of the vCPUs) stored `len` bytes at gpa, within a page that is
 * tracked as a table. After the store. */
void shadow_written(struct shadow_mmu *m, struct shadow_vcpu *v, gpa_t gpa, unsigned len);

/* Around a change of slots: from begin on nothing is remembered, and all that was is gone when it
 * returns, but for what TLBs have: the caller has the vCPUs flush before end. Calls may nest. */
void shadow_begin_change(struct shadow_mmu *m);
void shadow_end_change(struct shadow_mmu *m);

/* The same around a change of what is behind a few pages, of any numbers: only what maps these is
 * gone, large leaves over them wholly. Tables that map other pages stay, also those that shadow
 * one of these: a change of its contents is a store to it. Ends with shadow_end_change. */
void shadow_begin_drop(struct shadow_mmu *m, const gfn_t *gfn, unsigned n);

/* Takes W from every SPTE of the pages first + n of a slot, for the bits n of mask: for the dirty
 * log. Needs no lock; the slot does not change meanwhile. */
void shadow_write_protect(const struct slot_pages *p, uint64_t first, uint64_t mask);

/* The dirty log of a slot has begun (the vCPUs are to flush then), or ended, which is all that
 * changed: no other change is under way. */
void shadow_log_begun(struct shadow_mmu *m, const struct memslot *slot);
void shadow_log_ended(struct shadow_mmu *m, const struct memslot *slot);

/* Stops the VM unless every invariant holds. Takes the lock; waits until the stores that
 * shadow_written has been called for are done with, and no other may come meanwhile: no vCPU is in
 * guest mode, no device writes. */
void shadow_audit(struct shadow_mmu *m);

/* ---- between the files of the MMU ---- */

/* The lock, by a vCPU's thread (or v NULL): inside guest mode if nobody has it, outside to wait. A
 * section that is going to wait for others leaves guest mode itself; shadow_unlock enters again. */
void shadow_lock(struct shadow_mmu *m, struct shadow_vcpu *v);
void shadow_leave(struct shadow_vcpu *v);
void shadow_unlock(struct shadow_mmu *m, struct shadow_vcpu *v);

/* By the tables alone, without the lock. NO_WRITE: all is well but that the leaf's W is missing,
 * and the guest's entry is dirty: out tells what page it is. */
enum shadow_found { SHADOW_MISSED, SHADOW_FOUND, SHADOW_NO_WRITE };
enum shadow_found shadow_look_up(struct shadow_vcpu *v, gva_t va, unsigned access,
                                 struct shadow_xlat *out);

/* A vCPU forgets what shadow_look_up noted; what it notes for va is sp. */
void shadow_psc_clear(struct shadow_vcpu *v);
void shadow_psc_note(struct shadow_vcpu *v, gva_t va, struct shadow_page *sp);

/* Which of its roots a vCPU uses for va. */
static inline unsigned shadow_root_index(const struct shadow_vcpu *v, gva_t va)
{
    return v->paging.role.levels >= 4 ? 0 : va >> 30 & 3;
}

/* The root for va if the vCPU holds it, and all below it is in sync; without the lock. */
struct shadow_page *shadow_root_held(struct shadow_vcpu *v, gva_t va);

/* ---- lock held ---- */

/* The root for va, made if need be, in sync with all below it. */
struct shadow_page *shadow_root_get(struct shadow_vcpu *v, gva_t va, struct shadow_owed *o);

/* The vCPU holds no roots any more. */
void shadow_roots_drop(struct shadow_vcpu *v);

/* The role of a table of this level for va, but for its rights. */
union shadow_role shadow_role_for(const struct shadow_vcpu *v, unsigned level, gva_t va);

/* Puts what a walk found into the tables. The leaf, or 0: the guest's tables are not what the walk
 * saw. */
uint64_t shadow_fetch(struct shadow_vcpu *v, gva_t va, const struct guest_walk *gw,
                      const struct memslot *slot);

/* What a page's guest entries mean. */
union paging_role shadow_paging_role(const struct shadow_mmu *m, union shadow_role role);

/* Which guest entry SPTE `index` of a page says; where it stands. */
gpa_t shadow_gpte_gpa(const struct shadow_page *sp, unsigned index);

/* Reads an entry of a guest table of this role; all ones where there is no memory. */
uint64_t shadow_gpte_read(const struct shadow_mmu *m, union shadow_role role, gpa_t gpa);

/* The leaf that a guest leaf entry of level 1 makes of SPTE `index` of a page, and its frame; 0
 * when it makes none (not present, not accessed, reserved bits, no memory there). */
uint64_t shadow_leaf_of(struct shadow_mmu *m, const struct shadow_page *sp, uint64_t gpte,
                        gfn_t *gfn, const struct memslot **slot);

/* A leaf at `level` for gfn of `slot`, from what a guest entry says, without W. */
uint64_t shadow_leaf(const struct memslot *slot, gfn_t gfn, unsigned rights, bool dirty,
                     bool global, unsigned key);

/* SPTE `index` of a page becomes what its guest entry of level 1 says now. */
void shadow_reread(struct shadow_mmu *m, struct shadow_page *sp, unsigned index);

/* May leaves of gfn, at level 1, have W? */
bool shadow_may_write(const struct shadow_mmu *m, gfn_t gfn);

/* The leaf tables at gfn may be written from now on without being told. */
void shadow_unsync(struct shadow_mmu *m, gfn_t gfn);

/* A page is unsync, or has such below: its parents hear of it. */
void shadow_mark_unsync_above(struct shadow_page *sp);

/* Entry `index` leads to no unsync page any more. */
void shadow_clear_unsync_bit(struct shadow_page *sp, unsigned index);

/* Brings an unsync page up to date with its guest table, and all under a page. */
void shadow_sync_page(struct shadow_mmu *m, struct shadow_page *sp, struct shadow_owed *o);
void shadow_sync_below(struct shadow_mmu *m, struct shadow_page *sp, struct shadow_owed *o);

#endif
