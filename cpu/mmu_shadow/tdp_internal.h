/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the direct MMU share: changes of one entry and all that follows from them, long
 * walks that gather flushes and yield, and iteration over the roots. All of it is called with the
 * MMU lock held for reading at least.
 */
#ifndef CPU_MMU_SHADOW_TDP_INTERNAL_H
#define CPU_MMU_SHADOW_TDP_INTERNAL_H

#include "cpu/mmu_shadow/tdp_iter.h"
#include "cpu/mmu_shadow/tdp_mmu.h"

/* ---- one entry ---- */

/* The iterator's entry from `old` to `new` by compare-and-swap, with the accounting and the end of
 * a table that is no longer linked. False if another was faster: `old` is then what it is now. */
bool tdp_entry_set(struct tdp_mmu *mmu, struct tdp_iter *iter, uint64_t new);

/* The same to "absent", for an entry that points to a table: frozen until the table is empty. */
bool tdp_entry_unlink(struct tdp_mmu *mmu, struct tdp_iter *iter);

/* Puts `table` (zeroed, not seen by anybody) in the place of the leaf or absent entry, filled with
 * what the leaf said. False if another was faster: the table's content is then undefined. */
bool tdp_entry_split(struct tdp_mmu *mmu, struct tdp_iter *iter, pt_entry *table);

/* ---- long walks ---- */

/* The flushes that a walk owes: of the pages [lo, hi). */
struct tdp_walk {
    struct tdp_mmu *mmu;
    gfn_t lo, hi;
};

/* A leaf that vCPUs may have in their TLBs has changed. */
void tdp_walk_owes(struct tdp_walk *walk, const struct tdp_iter *iter);

/* Pays; to be called before the lock is let go. */
void tdp_walk_flush(struct tdp_walk *walk);

/* Someone wants the lock or the processor, and the walk has got further since it last yielded. */
bool tdp_walk_should_yield(const struct tdp_walk *walk, const struct tdp_iter *iter);

/* Yields if it should; true if it did: the caller then goes on with the next iteration, at the
 * root. The lock is held for reading. */
bool tdp_walk_yield(struct tdp_walk *walk, struct tdp_iter *iter);

/* ---- roots ---- */

enum tdp_which {
    TDP_VALID_ROOTS,
    TDP_INVALID_ROOTS,
    TDP_ALL_ROOTS, /* vCPUs may use an invalid one until they have got the next */
};

/* The root after `prev` (NULL: the first) with a reference; the one on prev is dropped. */
struct tdp_root *tdp_next_root(struct tdp_mmu *mmu, struct tdp_root *prev, enum tdp_which which);

#define tdp_for_each_root(root, mmu, which)                                                        \
    for ((root) = tdp_next_root(mmu, NULL, which); (root); (root) = tdp_next_root(mmu, root, which))

#endif
