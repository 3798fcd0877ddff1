/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of single entries of the direct MMU's tables, and walks that yield; see tdp_internal.h.
 *
 * A table is unlinked by the one compare-and-swap that replaces the entry pointing to it. Others
 * under the read side of the lock may stand in it at that moment, and would go on to put leaves in
 * it that nobody would ever find again. So its entries are frozen one by one: a compare-and-swap
 * that expects anything else fails, and who reads the frozen value starts over from the root.
 */
#include "cpu/mmu_shadow/tdp_internal.h"

#include <sched.h>

#include "base/mutant.h"
#include "base/step.h"

static void entry_changed(struct tdp_mmu *mmu, gfn_t gfn, int level, uint64_t old, uint64_t new);

static void count(_Atomic uint64_t *counter, int64_t n)
{
    atomic_fetch_add_explicit(counter, (uint64_t)n, memory_order_relaxed);
}

/* The entry's value, which becomes frozen. */
static uint64_t freeze(const struct pt_format *f, pt_entry *sptep)
{
    uint64_t old;

    if (MUTANT(tdp_no_frozen))
        return atomic_exchange_explicit(sptep, 0, memory_order_acq_rel);
    /* frozen already: another unlinks a table from here and writes "absent" when it is done */
    while ((old = atomic_exchange_explicit(sptep, f->frozen, memory_order_acq_rel)) == f->frozen) {
        step_spin("tdp: another's frozen entry");
        sched_yield();
    }
    return old;
}

/* Ends a table that was just unlinked; `gfn` is the first that it spans. */
static void tear_down(struct tdp_mmu *mmu, pt_entry *table, gfn_t gfn, int level)
{
    const struct pt_format *f = mmu->space.format;

    step("tdp: table unlinked");
    for (unsigned k = 0; k < PT_ENTRIES; k++)
        entry_changed(mmu, gfn + k * pt_pages(level), level, freeze(f, &table[k]), f->frozen);
    step("tdp: table torn down");
    count(&mmu->stats.tables, -1);
    if (!MUTANT(tdp_free_at_once))
        mmu->ops->defer_free(mmu->opaque, table);
    else
        mmu->ops->table_free(mmu->opaque, table);
}

static void entry_changed(struct tdp_mmu *mmu, gfn_t gfn, int level, uint64_t old, uint64_t new)
{
    const struct pt_format *f = mmu->space.format;

    if (pt_is_leaf(f, old, level)) {
        count(&mmu->stats.leafs[level], -1);
        /* its dirty bit is the only trace of a write where logging goes by dirty bits */
        if ((old & f->dirty) && !pt_present(f, new))
            mmu->ops->mark_dirty(mmu->opaque, gfn, pt_pages(level));
    }
    if (pt_is_leaf(f, new, level))
        count(&mmu->stats.leafs[level], 1);
    if (pt_is_table(f, new, level))
        count(&mmu->stats.tables, 1);
    if (pt_is_table(f, old, level))
        tear_down(mmu, (pt_entry *)mmu->space.host(mmu->space.opaque, pt_frame(f, old)), gfn,
                  level - 1);
}

/* True if it was `old`; or else `old` is what it is. Release: what the new value points to was
 * written before. Acquire: what the old one points to is read after. */
static bool compare_and_swap(struct tdp_iter *iter, uint64_t new)
{
    step("tdp: compare and swap");
    if (MUTANT(tdp_plain_store)) {
        atomic_store_explicit(iter->sptep, new, memory_order_release);
        return true;
    }
    return atomic_compare_exchange_strong_explicit(iter->sptep, &iter->old, new,
                                                   memory_order_acq_rel, memory_order_acquire);
}

bool tdp_entry_set(struct tdp_mmu *mmu, struct tdp_iter *iter, uint64_t new)
{
    const struct pt_format *f = mmu->space.format;
    uint64_t old = iter->old;

    invariant(MUTANT(tdp_map_over_frozen) || old != f->frozen);
    invariant(!pt_is_table(f, old, iter->level) || pt_is_leaf(f, new, iter->level));
    if (!compare_and_swap(iter, new))
        return false;
    iter->old = new;
    entry_changed(mmu, iter->gfn, iter->level, old, new);
    return true;
}

bool tdp_entry_unlink(struct tdp_mmu *mmu, struct tdp_iter *iter)
{
    const struct pt_format *f = mmu->space.format;
    uint64_t old = iter->old;

    invariant(pt_is_table(f, old, iter->level));
    if (!compare_and_swap(iter, f->frozen))
        return false;
    entry_changed(mmu, iter->gfn, iter->level, old, f->frozen);
    /* nobody but us may write a frozen entry in a table that is linked: a store will do; who tears
     * down the table that it is in waits for it (see freeze) */
    atomic_store_explicit(iter->sptep, 0, memory_order_release);
    iter->old = 0;
    return true;
}

bool tdp_entry_split(struct tdp_mmu *mmu, struct tdp_iter *iter, pt_entry *table)
{
    const struct pt_format *f = mmu->space.format;
    bool leaf = pt_is_leaf(f, iter->old, iter->level);

    invariant(iter->level > PT_LEVEL_4K);
    for (unsigned k = 0; leaf && k < PT_ENTRIES; k++)
        atomic_store_explicit(&table[k], pt_make_small(f, iter->old, iter->level, k),
                              memory_order_relaxed);
    if (leaf)
        count(&mmu->stats.leafs[iter->level - 1], PT_ENTRIES);
    if (tdp_entry_set(mmu, iter,
                      pt_make_table(f, mmu->space.frame(mmu->space.opaque, (hva_t)table)))) {
        count(&mmu->stats.splits, leaf);
        return true;
    }
    if (leaf)
        count(&mmu->stats.leafs[iter->level - 1], -PT_ENTRIES);
    return false;
}

void tdp_walk_owes(struct tdp_walk *walk, const struct tdp_iter *iter)
{
    gfn_t end = iter->gfn + pt_pages(iter->level);

    if (walk->lo == walk->hi) {
        walk->lo = iter->gfn;
        walk->hi = end;
        return;
    }
    walk->lo = iter->gfn < walk->lo ? iter->gfn : walk->lo;
    walk->hi = end > walk->hi ? end : walk->hi;
}

void tdp_walk_flush(struct tdp_walk *walk)
{
    struct tdp_mmu *mmu = walk->mmu;

    if (walk->lo == walk->hi)
        return;
    step("tdp: flush");
    count(&mmu->stats.flushes, 1);
    mmu->ops->flush(mmu->opaque, walk->lo, walk->hi - walk->lo);
    walk->lo = walk->hi = 0;
}

bool tdp_walk_should_yield(const struct tdp_walk *walk, const struct tdp_iter *iter)
{
    const struct tdp_mmu *mmu = walk->mmu;

    if (!MUTANT(tdp_no_progress) && iter->next_last_level_gfn == iter->yielded_gfn)
        return false;
    return rwlock_read_contended(mmu->lock) || mmu->ops->need_resched(mmu->opaque);
}

bool tdp_walk_yield(struct tdp_walk *walk, struct tdp_iter *iter)
{
    struct tdp_mmu *mmu = walk->mmu;

    invariant(!iter->yielded);
    if (!tdp_walk_should_yield(walk, iter))
        return false;
    /* what was taken away under the lock must be gone before another who takes it relies on that */
    if (!MUTANT(tdp_flush_after_unlock))
        tdp_walk_flush(walk);
    rwlock_drop(mmu->lock);
    tdp_walk_flush(walk);
    count(&mmu->stats.yields, 1);
    step("tdp: yielded");
    sched_yield();
    rwlock_read(mmu->lock);
    invariant(iter->gfn <= iter->next_last_level_gfn);
    if (!MUTANT(tdp_no_restart_after_yield))
        iter->yielded = true;
    return true;
}
