/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Takes away write access, dirty bits and accessed bits in the direct MMU: for dirty logging (mail
 * 003), for write tracking, and to tell used pages from others.
 */
#include "base/mutant.h"
#include "base/step.h"
#include "cpu/mmu_shadow/tdp_internal.h"

/* What a pass over leaves does. */
struct pass {
    uint64_t any;   /* it concerns leaves that have any of these bits, */
    uint64_t clear; /* of which it clears these */
    bool report;    /* and tells mark_dirty */
    bool flush;     /* and flushes */
};

/* True if the leaf was concerned. Loses no race: a bit set in between is seen at the next try. */
static bool clear_bits(struct tdp_walk *walk, struct tdp_iter *iter, const struct pass *pass)
{
    struct tdp_mmu *mmu = walk->mmu;

    while (pt_is_leaf(mmu->space.format, iter->old, iter->level) && (iter->old & pass->any)) {
        if (!tdp_entry_set(mmu, iter, iter->old & ~pass->clear))
            continue;
        if (pass->flush)
            tdp_walk_owes(walk, iter);
        if (pass->report)
            mmu->ops->mark_dirty(mmu->opaque, iter->gfn, pt_pages(iter->level));
        return true;
    }
    return false;
}

static bool pass_over_root(struct tdp_walk *walk, struct tdp_root *root, gfn_t start, gfn_t end,
                           const struct pass *pass)
{
    struct tdp_mmu *mmu = walk->mmu;
    struct tdp_iter iter;
    bool any = false;

    tdp_for_each(iter, &mmu->space, root->table, mmu->levels, PT_LEVEL_4K, start, end)
    {
        if (!tdp_walk_yield(walk, &iter))
            any |= clear_bits(walk, &iter, pass);
    }
    return any;
}

/* Over all roots: vCPUs may write through an invalid one until they have got the next. */
static bool pass_over(struct tdp_walk *walk, gfn_t start, gfn_t end, const struct pass *pass)
{
    struct tdp_root *root;
    bool any = false;

    tdp_for_each_root(root, walk->mmu, TDP_ALL_ROOTS) any |=
        pass_over_root(walk, root, start, end, pass);
    return any;
}

static bool whole_pass(struct tdp_mmu *mmu, gfn_t start, gfn_t end, const struct pass *pass)
{
    struct tdp_walk walk = {.mmu = mmu};
    bool any;

    rwlock_read(mmu->lock);
    any = pass_over(&walk, start, end, pass);
    if (!MUTANT(tdp_protect_without_flush))
        tdp_walk_flush(&walk);
    rwlock_drop(mmu->lock);
    return any;
}

/* The runs of ones in mask, as ranges. */
static void mask_pass(struct tdp_mmu *mmu, gfn_t base, uint64_t mask, const struct pass *pass)
{
    struct tdp_walk walk = {.mmu = mmu};

    rwlock_read(mmu->lock);
    while (mask) {
        unsigned first = (unsigned)__builtin_ctzll(mask);
        uint64_t rest = ~(mask >> first);
        unsigned n = rest ? (unsigned)__builtin_ctzll(rest) : 64;

        pass_over(&walk, base + first, base + first + n, pass);
        mask = first + n >= 64 ? 0 : mask & (~UINT64_C(0) << (first + n));
    }
    if (!MUTANT(tdp_harvest_without_flush))
        tdp_walk_flush(&walk);
    rwlock_drop(mmu->lock);
}

/* Write-protected is clean, too: the dirty bit must not speak of writes before. */
static struct pass write_protection(const struct pt_format *f)
{
    return (struct pass){.any = f->write, .clear = f->write | f->dirty, .flush = true};
}

void tdp_mmu_write_protect(struct tdp_mmu *mmu, gfn_t start, gfn_t end)
{
    struct pass pass = write_protection(mmu->space.format);

    whole_pass(mmu, start, end, &pass);
}

void tdp_mmu_write_protect_mask(struct tdp_mmu *mmu, gfn_t base, uint64_t mask)
{
    struct pass pass = write_protection(mmu->space.format);

    mask_pass(mmu, base, mask, &pass);
}

bool tdp_mmu_write_track(struct tdp_mmu *mmu, gfn_t gfn)
{
    const struct pt_format *f = mmu->space.format;
    /* those write-protected for logging, too: no fault may give write access back unasked */
    uint64_t takes = MUTANT(tdp_track_leaves_mayw) ? f->write : f->write | f->mmu_mayw;
    struct pass pass = {.any = takes, .clear = takes, .flush = true};
    struct tdp_walk walk = {.mmu = mmu};
    struct tdp_root *root;
    struct tdp_iter iter;
    bool had = false;

    tdp_for_each_root(root, mmu, TDP_ALL_ROOTS)
    {
        /* held for writing: nobody to yield to, and but one path to walk */
        tdp_for_each(iter, &mmu->space, root->table, mmu->levels, PT_LEVEL_4K, gfn, gfn + 1)
        {
            had |= clear_bits(&walk, &iter, &pass);
        }
    }
    tdp_walk_flush(&walk);
    return had;
}

void tdp_mmu_clear_dirty(struct tdp_mmu *mmu, gfn_t start, gfn_t end, bool report)
{
    uint64_t dirty = mmu->space.format->dirty;
    struct pass pass = {.any = dirty, .clear = dirty, .report = report, .flush = true};

    whole_pass(mmu, start, end, &pass);
}

void tdp_mmu_clear_dirty_mask(struct tdp_mmu *mmu, gfn_t base, uint64_t mask)
{
    uint64_t dirty = mmu->space.format->dirty;
    struct pass pass = {.any = dirty, .clear = dirty, .flush = true};

    mask_pass(mmu, base, mask, &pass);
}

bool tdp_mmu_test_young(struct tdp_mmu *mmu, gfn_t start, gfn_t end)
{
    struct pass pass = {.any = mmu->space.format->accessed};

    return whole_pass(mmu, start, end, &pass);
}

bool tdp_mmu_age(struct tdp_mmu *mmu, gfn_t start, gfn_t end)
{
    uint64_t accessed = mmu->space.format->accessed;
    struct pass pass = {.any = accessed, .clear = accessed};

    return whole_pass(mmu, start, end, &pass);
}
