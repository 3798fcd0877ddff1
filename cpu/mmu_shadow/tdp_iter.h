/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Iterates over the entries of a tree of page tables, each before those of the table that it points
 * to, while other threads change them. The holder of the MMU lock may let go of it in between (a
 * "yield"): the iterator then starts from the root again, at the first gfn that it has not
 * finished, since any table below may be gone.
 *
 * Progress: `next_last_level_gfn` is the gfn up to which everything has been visited, `yielded_gfn`
 * what it was after the last yield. Who yields only while the two differ gets at least one gfn
 * further each time, however often he is asked to yield.
 */
#ifndef CPU_MMU_SHADOW_TDP_ITER_H
#define CPU_MMU_SHADOW_TDP_ITER_H

#include "cpu/mmu_shadow/pt_format.h"

struct tdp_iter {
    gfn_t next_last_level_gfn; /* the walk goes on towards this one */
    gfn_t yielded_gfn;         /* next_last_level_gfn at the start or after the last yield */
    gfn_t gfn;                 /* the first gfn that this entry spans */
    gfn_t end;                 /* the first that is not wanted */
    pt_entry *sptep;           /* this entry, */
    uint64_t old;              /* and what it was when last read: what a compare-and-swap expects */
    int level;                 /* of the table that the entry is in */
    int root_level, min_level; /* it goes neither above nor below these */
    pt_entry *table[PT_MAX_LEVELS + 1]; /* by level: those between the root and the entry */
    const struct pt_space *space;
    bool valid;   /* the fields above mean something */
    bool yielded; /* the caller let go of the lock at this entry */
};

/* Begins at the first entry in `root` (a table of level `root_level`, any table can be one) that
 * spans `start`. Not valid if [start, end) is empty or beyond what such a root can span. The caller
 * sees to it that no table is freed under the walk. */
void tdp_iter_start(struct tdp_iter *iter, const struct pt_space *space, pt_entry *root,
                    int root_level, int min_level, gfn_t start, gfn_t end);

/* The next entry: down, sideways or up; or after a yield from the root to where it was. */
void tdp_iter_next(struct tdp_iter *iter);

/* Reads the entry once more. */
void tdp_iter_reread(struct tdp_iter *iter);

/* The entry's child, or NULL if `old` does not point to a table. */
pt_entry *tdp_iter_child(const struct tdp_iter *iter);

#define tdp_for_each(iter, space, root, root_level, min_level, start, end)                         \
    for (tdp_iter_start(&(iter), space, root, root_level, min_level, start, end); (iter).valid;    \
         tdp_iter_next(&(iter)))

#endif
