/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Huge pages in the direct MMU: split before dirty logging needs them small, so that faults need
 * not do it one by one; and made huge again when logging has ended (mail 001).
 */
#include <errno.h>

#include "base/mutant.h"
#include "base/step.h"
#include "cpu/mmu_shadow/tdp_internal.h"

/* ---- splitting ---- */

/* Allocates with the lock let go, since that may take its time; the iterator starts over. */
static int spare_table(struct tdp_mmu *mmu, struct tdp_iter *iter, pt_entry **spare)
{
    rwlock_drop(mmu->lock);
    *spare = mmu->ops->table_new(mmu->opaque);
    rwlock_read(mmu->lock);
    /* no progress is asked for here: with a spare table in hand the next visit makes some */
    iter->yielded = true;
    return *spare ? 0 : -ENOMEM;
}

/* No flush: the small leaves say what the large one said. */
static int split_root(struct tdp_walk *walk, struct tdp_root *root, gfn_t start, gfn_t end,
                      int target, pt_entry **spare)
{
    struct tdp_mmu *mmu = walk->mmu;
    struct tdp_iter iter;

    tdp_for_each(iter, &mmu->space, root->table, mmu->levels, target + 1, start, end)
    {
        if (tdp_walk_yield(walk, &iter))
            continue;
        while (!iter.yielded && pt_is_leaf(mmu->space.format, iter.old, iter.level)) {
            if (!*spare) {
                if (spare_table(mmu, &iter, spare))
                    return -ENOMEM;
            } else if (tdp_entry_split(mmu, &iter, *spare)) {
                *spare = NULL;
            }
        }
    }
    return 0;
}

int tdp_mmu_split_huge(struct tdp_mmu *mmu, gfn_t start, gfn_t end, int target)
{
    struct tdp_walk walk = {.mmu = mmu};
    struct tdp_root *root;
    pt_entry *spare = NULL;
    int error = 0;

    invariant(target >= PT_LEVEL_4K && target < PT_LEVEL_HUGEST);
    rwlock_read(mmu->lock);
    tdp_for_each_root(root, mmu, TDP_VALID_ROOTS)
    {
        if (!error)
            error = split_root(&walk, root, start, end, target, &spare);
    }
    rwlock_drop(mmu->lock);
    if (spare)
        mmu->ops->table_free(mmu->opaque, spare);
    return error;
}

/* ---- recovery ---- */

/*
 * The huge leaf to replace the table that `parent` points to, made from the first leaf in it. This
 * second walk is rooted at that very table, so that the compare-and-swap, which expects what led
 * here, replaces what was looked at or nothing. -ENOENT if there is no leaf. -EAGAIN if the lock is
 * wanted: asked through the parent, for a walk that begins here has always progressed.
 */
static int make_huge(struct tdp_walk *walk, const struct tdp_iter *parent, uint64_t *huge)
{
    const struct pt_format *f = walk->mmu->space.format;
    struct tdp_iter iter;

    tdp_for_each(iter, &walk->mmu->space, tdp_iter_child(parent), parent->level - 1, PT_LEVEL_4K,
                 parent->gfn, parent->gfn + pt_pages(parent->level))
    {
        if (!MUTANT(tdp_second_walk_stays) &&
            tdp_walk_should_yield(walk, MUTANT(tdp_progress_of_child) ? &iter : parent))
            return -EAGAIN;
        if (!pt_is_leaf(f, iter.old, iter.level))
            continue;
        *huge = pt_make_huge(f, iter.old & ~f->dirty, iter.gfn, parent->level);
        /* only logging, which is off, had taken write access where both say that it may be */
        if ((*huge & f->host_mayw) && (*huge & f->mmu_mayw))
            *huge |= f->write;
        return 0;
    }
    return -ENOENT;
}

/* May the whole page of the iterator's level become a huge one? */
static bool may_be_huge(struct tdp_mmu *mmu, const struct tdp_slot *slot,
                        const struct tdp_iter *iter)
{
    const struct tdp_ops *ops = mmu->ops;
    uint64_t pages = pt_pages(iter->level);
    struct tdp_slot now;

    /* overlaps the slot without being within it: the slot may not even be asked about such a gfn */
    if (!MUTANT(tdp_no_slot_bounds) &&
        (iter->gfn < slot->base || iter->gfn + pages > slot->base + slot->npages))
        return false;
    /* the lock was let go since the caller looked: logging may have begun again */
    if (!MUTANT(tdp_recover_while_logging) &&
        (!ops->slot(mmu->opaque, iter->gfn, &now) || now.log_dirty))
        return false;
    if (!MUTANT(tdp_no_max_level) && ops->max_level(mmu->opaque, slot, iter->gfn) < iter->level)
        return false;
    if (!MUTANT(tdp_recover_tracked) && ops->write_tracked(mmu->opaque, iter->gfn, pages))
        return false;
    /* Its leaves may be zapped already and what they mapped is about to go. An invalidation that
     * ended long ago does not matter: everything here is learnt under the lock, now. */
    return MUTANT(tdp_no_invalidate_retry) ||
           !ops->invalidate_retry(mmu->opaque, ops->invalidate_seq(mmu->opaque), iter->gfn, pages);
}

static void recover_root(struct tdp_walk *walk, struct tdp_root *root, const struct tdp_slot *slot)
{
    struct tdp_mmu *mmu = walk->mmu;
    struct tdp_iter iter;
    uint64_t huge;
    int error;

    tdp_for_each(iter, &mmu->space, root->table, mmu->levels, PT_LEVEL_2M, slot->base,
                 slot->base + slot->npages)
    {
    restart:
        if (tdp_walk_yield(walk, &iter))
            continue;
        /* absent entries have nothing to recover, leaves are huge already */
        if (iter.level > PT_LEVEL_HUGEST || !tdp_iter_child(&iter) ||
            !may_be_huge(mmu, slot, &iter))
            continue;
        error = make_huge(walk, &iter, &huge);
        if (error == -EAGAIN)
            goto restart;
        if (error)
            continue;
        step("tdp: the huge leaf is made");
        if (MUTANT(tdp_recover_rereads))
            tdp_iter_reread(&iter);
        /* lost: the other knew better; no need for a second try */
        if (!tdp_entry_set(mmu, &iter, huge))
            continue;
        atomic_fetch_add_explicit(&mmu->stats.recovered, 1, memory_order_relaxed);
        tdp_walk_owes(walk, &iter);
    }
}

void tdp_mmu_recover_huge(struct tdp_mmu *mmu, const struct tdp_slot *slot)
{
    struct tdp_walk walk = {.mmu = mmu};
    struct tdp_root *root;

    invariant(!slot->log_dirty);
    rwlock_read(mmu->lock);
    tdp_for_each_root(root, mmu, TDP_VALID_ROOTS) recover_root(&walk, root, slot);
    tdp_walk_flush(&walk);
    rwlock_drop(mmu->lock);
}
