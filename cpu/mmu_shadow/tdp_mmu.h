/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The direct MMU: page tables from gfn to host memory, shared by all vCPUs, for a guest whose
 * paging is off and, in EPT format, for hardware that nests. Entries change by compare-and-swap
 * while the MMU lock is held for reading, so vCPUs fault side by side, next to zapping, dirty
 * logging, splitting and recovery of huge pages.
 *
 * Rules for the owner (who fills struct tdp_ops):
 * - Slots, their flags, what they map and what is write-tracked change only within an invalidation:
 *   `begin` with the MMU lock held for writing (marks the range as in progress), the change and
 *   tdp_mmu_zap_leafs(), `end` (the sequence grows, the mark goes). Faults and recovery retry or
 *   skip in between: so what they learnt before is never installed after. The dirty logging flag
 *   needs no zap: with the lock held for writing it changes and the sequence grows; write
 *   protection of the slot follows. Nor does tracking: see tdp_mmu_write_track().
 * - A table given to `defer_free` may be read by those who found it before: it is freed only when
 *   every vCPU has acknowledged a flush asked for since, and the MMU lock has been held for writing
 *   (or free) at a moment since, so that no walk of this module still stands in it.
 * - A vCPU that waits for the MMU lock counts as having acknowledged every flush (else a flush under
 *   the lock would wait for it for ever): `leave`. So it uses no translation afterwards that it got
 *   before: having faulted, it looks the leaf up again.
 * - So a reader of slots that was published before is gone once, after publishing, every vCPU has
 *   acknowledged and the lock has been held for writing at some moment.
 */
#ifndef CPU_MMU_SHADOW_TDP_MMU_H
#define CPU_MMU_SHADOW_TDP_MMU_H

#include "base/lock.h"
#include "base/rwlock.h"
#include "cpu/mmu_shadow/pt_format.h"

/* What a memory slot says, as a copy. */
struct tdp_slot {
    gfn_t base;
    uint64_t npages;
    hva_t hva;       /* of base */
    unsigned rights; /* enum pt_right's; PT_READ is always among them */
    bool log_dirty;
};

/* What the MMU needs of the world. None takes the MMU lock; defer_free may be called under
 * roots_lock, table_new under either. */
struct tdp_ops {
    /* The slot that holds gfn; false if none does. */
    bool (*slot)(void *opaque, gfn_t gfn, struct tdp_slot *slot);
    /* The highest level at which gfn, which is in the slot, may be mapped: tdp_slot_level() reduced
     * where something (write tracking) wants smaller pages. */
    int (*max_level)(void *opaque, const struct tdp_slot *slot, gfn_t gfn);
    /* Does anybody track writes to any of these pages? */
    bool (*write_tracked)(void *opaque, gfn_t gfn, uint64_t npages);
    /* The pages were, or are about to be, written: their bits in the slot's bitmap, if there is
     * still a slot there and it logs. */
    void (*mark_dirty)(void *opaque, gfn_t gfn, uint64_t npages);
    /* Every vCPU forgets its translations of these pages; returns when all have acknowledged.
     * Called with the MMU lock held for reading or writing. */
    void (*flush)(void *opaque, gfn_t gfn, uint64_t npages);
    /* The number of ended invalidations; and whether one of any of these pages is in progress or
     * has ended since the number was `seq`. */
    uint64_t (*invalidate_seq)(void *opaque);
    bool (*invalidate_retry)(void *opaque, uint64_t seq, gfn_t gfn, uint64_t npages);
    /* Should a long walk let others have the processor or the lock? Besides contention. */
    bool (*need_resched)(void *opaque);
    /* A zeroed, page-aligned table, or NULL; its return, when nobody else ever saw it; and its
     * return when others may still read it (see above). */
    pt_entry *(*table_new)(void *opaque);
    void (*table_free)(void *opaque, pt_entry *table);
    void (*defer_free)(void *opaque, pt_entry *table);
    /* The vCPU (tdp_fault.vcpu) leaves guest mode, to wait for the lock; what it says is kept in
     * tdp_fault.left. NULL: nobody waits for vCPUs that wait. */
    bool (*leave)(void *opaque, void *vcpu);
};

/* Counters, each by itself right at any moment when nobody is in the module. */
struct tdp_stats {
    _Atomic uint64_t tables;                     /* linked, roots too */
    _Atomic uint64_t leafs[PT_LEVEL_HUGEST + 1]; /* by level */
    _Atomic uint64_t faults, retries, splits, recovered, flushes, yields;
};

/* One tree. Fields but `invalid` and `table` (constant): roots_lock. */
struct tdp_root {
    struct tdp_root *next;
    pt_entry *table;
    unsigned refs; /* one is the MMU's own until the root has been zapped */
    bool zapped;
    atomic_bool invalid; /* set with the MMU lock held for writing, never reset */
};

struct tdp_mmu {
    struct pt_space space;
    const struct tdp_ops *ops;
    void *opaque;           /* of the ops */
    struct rwlock *lock;    /* the MMU lock: the owner's, who has other uses for it */
    int levels;             /* 4 or 5 */
    struct lock roots_lock; /* innermost */
    struct tdp_root *roots;
    struct tdp_root *current; /* the valid one, or NULL */
    struct tdp_stats stats;
};

/* `levels` is 4 or 5. The tables exist from the first tdp_mmu_root_get() on. */
void tdp_mmu_init(struct tdp_mmu *mmu, const struct pt_space *space, const struct tdp_ops *ops,
                  void *opaque, struct rwlock *lock, int levels);

/* Zaps everything and gives all tables to defer_free. No vCPU has a root or runs. */
void tdp_mmu_clear(struct tdp_mmu *mmu);

/* The valid root, with a reference for the caller; NULL without memory. */
struct tdp_root *tdp_mmu_root_get(struct tdp_mmu *mmu);
void tdp_mmu_root_put(struct tdp_mmu *mmu, struct tdp_root *root);

/* ---- faults ---- */

enum tdp_result {
    TDP_MAPPED,     /* this fault made the entry, or made it grant more */
    TDP_SPURIOUS,   /* it is there already, thanks to another vCPU */
    TDP_RETRY,      /* lost a race, or an invalidation is in progress: run the guest again */
    TDP_NO_SLOT,    /* no memory there: MMIO */
    TDP_DENIED,     /* the slot does not grant such an access (ROM) */
    TDP_TRACKED,    /* a write to a tracked page: the owner does it and tells the trackers */
    TDP_STALE_ROOT, /* the root was invalidated: get the new one */
    TDP_NO_MEMORY,  /* the host has none for a table */
};

struct tdp_fault {
    gfn_t gfn;
    unsigned access; /* one enum pt_right */
    void *vcpu;      /* for `leave` */
    bool left;       /* the caller is to have it enter again */
    /* Set for TDP_MAPPED and TDP_SPURIOUS: the leaf as it was then. A vCPU that has counted as
     * acknowledging meanwhile fills its TLB from tdp_mmu_lookup() instead. */
    uint64_t spte;
    int level;
};

/* Maps gfn for this access. The MMU lock is not held. */
enum tdp_result tdp_mmu_map(struct tdp_mmu *mmu, struct tdp_root *root, struct tdp_fault *fault);

/* The leaf that maps gfn and its level, or 0. No lock: for a vCPU, between two acknowledgements. */
uint64_t tdp_mmu_lookup(const struct tdp_mmu *mmu, const struct tdp_root *root, gfn_t gfn,
                        int *level);

/* The highest level whose page around gfn lies within the slot and can be aligned on the host. */
int tdp_slot_level(const struct tdp_slot *slot, gfn_t gfn);

/* ---- the owner's changes; all but those that say otherwise take the MMU lock for reading ---- */

/* Removes every leaf that maps any of [start, end), of every root. Flushed on return. */
void tdp_mmu_zap_leafs(struct tdp_mmu *mmu, gfn_t start, gfn_t end);

/* Makes the current root invalid: faults through it end in TDP_STALE_ROOT. The MMU lock is held for
 * writing. The owner tells the vCPUs to get the new root, then calls tdp_mmu_zap_invalid_roots().
 */
void tdp_mmu_invalidate_roots(struct tdp_mmu *mmu);

/* Zaps the invalid roots' trees. Flushed on return. */
void tdp_mmu_zap_invalid_roots(struct tdp_mmu *mmu);

/* Dirty logging begins, or a part is harvested: takes away write access (which faults may give
 * back), of the whole range or of the pages base + n for the bits n of mask. Flushed on return. */
void tdp_mmu_write_protect(struct tdp_mmu *mmu, gfn_t start, gfn_t end);
void tdp_mmu_write_protect_mask(struct tdp_mmu *mmu, gfn_t base, uint64_t mask);

/* Write tracking of gfn begins: takes away write access for as long as write_tracked() says so,
 * which it does already. True if any vCPU may have had it; then flushed on return. The MMU lock is
 * held for writing. */
bool tdp_mmu_write_track(struct tdp_mmu *mmu, gfn_t gfn);

/* Logging by the entries' dirty bits: clears them; `report` tells mark_dirty of each page whose bit
 * was set. Flushed on return, so later writes set the bits anew. */
void tdp_mmu_clear_dirty(struct tdp_mmu *mmu, gfn_t start, gfn_t end, bool report);
void tdp_mmu_clear_dirty_mask(struct tdp_mmu *mmu, gfn_t base, uint64_t mask);

/* Was any of the pages used since tdp_mmu_age() last said so? That clears the accessed bits without
 * a flush: an answer may be wrong for a page that stays in a TLB. */
bool tdp_mmu_test_young(struct tdp_mmu *mmu, gfn_t start, gfn_t end);
bool tdp_mmu_age(struct tdp_mmu *mmu, gfn_t start, gfn_t end);

/* Dirty logging begins: no leaf above `target` that reaches into the range is left. -ENOMEM if the
 * host has no memory for tables; what is split by then is sound. */
int tdp_mmu_split_huge(struct tdp_mmu *mmu, gfn_t start, gfn_t end, int target);

/* Dirty logging of the slot at gfn ended: small pages become huge ones again where that is allowed.
 * Flushed on return. */
void tdp_mmu_recover_huge(struct tdp_mmu *mmu, const struct tdp_slot *slot);

/* NULL, or which invariant is broken, in words (in buf). The MMU lock is held for writing. */
const char *tdp_mmu_audit(struct tdp_mmu *mmu, char *buf, size_t size);

#endif
