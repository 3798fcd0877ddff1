/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Takes mappings out of the direct MMU: the leaves of a range, when what the range maps changes;
 * and whole trees, whose roots were made invalid at one blow and are cleared up afterwards.
 */
#include "base/mutant.h"
#include "cpu/mmu_shadow/tdp_internal.h"

static void zap_range(struct tdp_walk *walk, struct tdp_root *root, gfn_t start, gfn_t end)
{
    struct tdp_mmu *mmu = walk->mmu;
    struct tdp_iter iter;

    tdp_for_each(iter, &mmu->space, root->table, mmu->levels, PT_LEVEL_4K, start, end)
    {
        if (tdp_walk_yield(walk, &iter))
            continue;
        while (pt_is_leaf(mmu->space.format, iter.old, iter.level)) {
            if (tdp_entry_set(mmu, &iter, 0))
                tdp_walk_owes(walk, &iter);
        }
    }
}

void tdp_mmu_zap_leafs(struct tdp_mmu *mmu, gfn_t start, gfn_t end)
{
    struct tdp_walk walk = {.mmu = mmu};
    struct tdp_root *root;

    rwlock_read(mmu->lock);
    tdp_for_each_root(root, mmu, TDP_ALL_ROOTS) zap_range(&walk, root, start, end);
    if (!MUTANT(tdp_zap_without_flush))
        tdp_walk_flush(&walk);
    rwlock_drop(mmu->lock);
}

/* One table at a time: from the lowest upwards, so that none takes long and yields are many. */
static void zap_level(struct tdp_walk *walk, struct tdp_root *root, int level)
{
    struct tdp_mmu *mmu = walk->mmu;
    const struct pt_format *f = mmu->space.format;
    struct tdp_iter iter;

    tdp_for_each(iter, &mmu->space, root->table, mmu->levels, level, 0, ~UINT64_C(0))
    {
        if (tdp_walk_yield(walk, &iter))
            continue;
        while (iter.level == level && pt_present(f, iter.old)) {
            if (pt_is_table(f, iter.old, level) ? tdp_entry_unlink(mmu, &iter)
                                                : tdp_entry_set(mmu, &iter, 0))
                tdp_walk_owes(walk, &iter);
        }
    }
}

static void zap_root(struct tdp_walk *walk, struct tdp_root *root)
{
    for (int level = PT_LEVEL_2M; level <= walk->mmu->levels; level++)
        zap_level(walk, root, level);
    tdp_walk_flush(walk);
}

/* Under the lock for reading. The MMU's own reference goes with the zap, once. */
static void zapped(struct tdp_mmu *mmu, struct tdp_root *root)
{
    lock_take(&mmu->roots_lock);
    if (!root->zapped) {
        root->zapped = true;
        invariant(root->refs > 1); /* the caller has one besides */
        root->refs--;
    }
    lock_drop(&mmu->roots_lock);
}

void tdp_mmu_zap_invalid_roots(struct tdp_mmu *mmu)
{
    struct tdp_walk walk = {.mmu = mmu};
    struct tdp_root *root;

    rwlock_read(mmu->lock);
    tdp_for_each_root(root, mmu, TDP_INVALID_ROOTS)
    {
        zap_root(&walk, root);
        zapped(mmu, root);
    }
    rwlock_drop(mmu->lock);
}
