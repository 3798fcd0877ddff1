/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The direct MMU's roots, its faults and its look-up; see tdp_mmu.h. */
#include "cpu/mmu_shadow/tdp_mmu.h"

#include <string.h>

#include "base/mutant.h"
#include "base/step.h"
#include "cpu/mmu_shadow/tdp_internal.h"

/* ---- roots ---- */

void tdp_mmu_init(struct tdp_mmu *mmu, const struct pt_space *space, const struct tdp_ops *ops,
                  void *opaque, struct rwlock *lock, int levels)
{
    invariant(levels == 4 || levels == 5);
    memset(mmu, 0, sizeof(*mmu));
    mmu->space = *space;
    mmu->ops = ops;
    mmu->opaque = opaque;
    mmu->lock = lock;
    mmu->levels = levels;
    lock_init(&mmu->roots_lock);
}

void tdp_mmu_clear(struct tdp_mmu *mmu)
{
    rwlock_write(mmu->lock);
    tdp_mmu_invalidate_roots(mmu);
    rwlock_drop(mmu->lock);
    tdp_mmu_zap_invalid_roots(mmu);
    invariant(!mmu->roots);
    lock_clear(&mmu->roots_lock);
}

/* Under roots_lock. */
static struct tdp_root *new_root(struct tdp_mmu *mmu)
{
    pt_entry *table = mmu->ops->table_new(mmu->opaque);
    struct tdp_root *root;

    if (!table)
        return NULL;
    root = g_new0(struct tdp_root, 1);
    root->table = table;
    root->refs = 1;
    atomic_init(&root->invalid, false);
    root->next = mmu->roots;
    mmu->roots = root;
    atomic_fetch_add_explicit(&mmu->stats.tables, 1, memory_order_relaxed);
    return root;
}

struct tdp_root *tdp_mmu_root_get(struct tdp_mmu *mmu)
{
    struct tdp_root *root;

    lock_take(&mmu->roots_lock);
    if (!mmu->current)
        mmu->current = new_root(mmu);
    root = mmu->current;
    if (root)
        root->refs++;
    lock_drop(&mmu->roots_lock);
    return root;
}

/* Under roots_lock. The last reference is gone only after the MMU's own, so after the zap. */
static void unref(struct tdp_mmu *mmu, struct tdp_root *root)
{
    struct tdp_root **link = &mmu->roots;

    invariant(root->refs > 0);
    if (--root->refs)
        return;
    invariant(root->zapped && root != mmu->current);
    while (*link != root)
        link = &(*link)->next;
    *link = root->next;
    atomic_fetch_sub_explicit(&mmu->stats.tables, 1, memory_order_relaxed);
    mmu->ops->defer_free(mmu->opaque, root->table);
    g_free(root);
}

void tdp_mmu_root_put(struct tdp_mmu *mmu, struct tdp_root *root)
{
    lock_take(&mmu->roots_lock);
    unref(mmu, root);
    lock_drop(&mmu->roots_lock);
}

static bool is_wanted(const struct tdp_root *root, enum tdp_which which)
{
    bool invalid = atomic_load_explicit(&root->invalid, memory_order_acquire);

    if (MUTANT(tdp_zap_skips_invalid_roots) && which == TDP_ALL_ROOTS)
        return !invalid;
    return which == TDP_ALL_ROOTS || invalid == (which == TDP_INVALID_ROOTS);
}

struct tdp_root *tdp_next_root(struct tdp_mmu *mmu, struct tdp_root *prev, enum tdp_which which)
{
    struct tdp_root *root;

    lock_take(&mmu->roots_lock);
    root = prev ? prev->next : mmu->roots;
    while (root && !is_wanted(root, which))
        root = root->next;
    if (root)
        root->refs++;
    if (prev)
        unref(mmu, prev);
    lock_drop(&mmu->roots_lock);
    return root;
}

void tdp_mmu_invalidate_roots(struct tdp_mmu *mmu)
{
    lock_take(&mmu->roots_lock);
    if (mmu->current)
        atomic_store_explicit(&mmu->current->invalid, true, memory_order_release);
    mmu->current = NULL;
    lock_drop(&mmu->roots_lock);
}

/* ---- faults ---- */

int tdp_slot_level(const struct tdp_slot *slot, gfn_t gfn)
{
    int level = PT_LEVEL_4K;

    for (int up = PT_LEVEL_2M; up <= PT_LEVEL_HUGEST; up++) {
        uint64_t low = pt_pages(up) - 1;
        gfn_t first = gfn & ~low;

        if (first < slot->base || slot->npages < pt_pages(up) ||
            first - slot->base > slot->npages - pt_pages(up))
            break;
        if (((slot->hva >> PAGE_SHIFT) & low) != (slot->base & low))
            break;
        level = up;
    }
    return level;
}

static bool grants(const struct pt_format *f, uint64_t spte, int level, unsigned access)
{
    return pt_is_leaf(f, spte, level) && !(access & ~pt_rights(f, spte));
}

/* The leaf for this fault at this level: all that the slot grants, but no write access to what is
 * tracked, nor to what must be logged and is not being written. */
static uint64_t leaf_for(struct tdp_mmu *mmu, const struct tdp_slot *slot, unsigned access,
                         gfn_t gfn, int level)
{
    const struct pt_format *f = mmu->space.format;
    hva_t hva = slot->hva + ((gfn - slot->base) << PAGE_SHIFT);
    unsigned rights = slot->rights;
    uint64_t soft = 0;

    if (rights & PT_WRITE) {
        soft |= f->host_mayw;
        if (!mmu->ops->write_tracked(mmu->opaque, gfn, pt_pages(level)))
            soft |= f->mmu_mayw;
        else if (!MUTANT(tdp_map_tracked_writable))
            rights &= ~PT_WRITE;
        else
            soft |= f->mmu_mayw;
        if (!MUTANT(tdp_map_logged_writable) && slot->log_dirty && access != PT_WRITE)
            rights &= ~PT_WRITE;
    }
    if (access == PT_WRITE)
        soft |= f->dirty;
    return pt_make_leaf(f, mmu->space.frame(mmu->space.opaque, hva), level, rights) | soft;
}

static enum tdp_result install(struct tdp_mmu *mmu, const struct tdp_slot *slot,
                               struct tdp_iter *iter, struct tdp_fault *fault)
{
    const struct pt_format *f = mmu->space.format;
    uint64_t leaf = leaf_for(mmu, slot, fault->access, iter->gfn, iter->level);
    bool log = slot->log_dirty && (leaf & f->write);

    if (pt_present(f, iter->old)) {
        /* whoever changes what a gfn maps zaps it first, and keeps faults out until then */
        invariant(pt_frame(f, iter->old) == pt_frame(f, leaf));
        leaf |= iter->old & f->dirty;
    }
    if (MUTANT(tdp_dirty_before_writable) && log)
        mmu->ops->mark_dirty(mmu->opaque, fault->gfn, 1);
    if (!tdp_entry_set(mmu, iter, leaf))
        return TDP_RETRY;
    /* writable first, then dirty (mail 003): a harvest that takes the bit finds the entry to
     * protect. In between a write is not logged yet: the bit that follows is for the next harvest
     */
    step("tdp: writable, not yet dirty");
    if (!MUTANT(tdp_dirty_before_writable) && log)
        mmu->ops->mark_dirty(mmu->opaque, fault->gfn, 1);
    fault->spte = leaf;
    fault->level = iter->level;
    return TDP_MAPPED;
}

/* Puts a table in the place of an absent entry or of a leaf that is too large. */
static enum tdp_result make_way(struct tdp_mmu *mmu, struct tdp_iter *iter)
{
    pt_entry *table = mmu->ops->table_new(mmu->opaque);

    if (!table)
        return TDP_NO_MEMORY;
    if (tdp_entry_split(mmu, iter, table))
        return TDP_MAPPED;
    mmu->ops->table_free(mmu->opaque, table);
    return TDP_RETRY;
}

/* A table that stands where a leaf could is left there: recovery replaces it, faults do not. */
static enum tdp_result map_walk(struct tdp_mmu *mmu, struct tdp_root *root,
                                const struct tdp_slot *slot, int goal, struct tdp_fault *fault)
{
    const struct pt_format *f = mmu->space.format;
    struct tdp_iter iter;
    enum tdp_result made;

    tdp_for_each(iter, &mmu->space, root->table, mmu->levels, PT_LEVEL_4K, fault->gfn,
                 fault->gfn + 1)
    {
        if (!MUTANT(tdp_map_over_frozen) && iter.old == f->frozen)
            return TDP_RETRY;
        if (pt_is_table(f, iter.old, iter.level))
            continue;
        if (grants(f, iter.old, iter.level, fault->access)) {
            fault->spte = iter.old;
            fault->level = iter.level;
            return TDP_SPURIOUS;
        }
        if (iter.level <= goal)
            return install(mmu, slot, &iter, fault);
        made = make_way(mmu, &iter);
        if (made != TDP_MAPPED)
            return made;
    }
    return TDP_RETRY; /* a table was replaced before the walk stepped down into it */
}

/* The lock is held for reading; what is known of the slot is as old as `seq`. */
static enum tdp_result map_locked(struct tdp_mmu *mmu, struct tdp_root *root,
                                  const struct tdp_slot *slot, uint64_t seq,
                                  struct tdp_fault *fault)
{
    const struct tdp_ops *ops = mmu->ops;
    int goal = PT_LEVEL_4K;

    if (!MUTANT(tdp_map_in_invalid_root) &&
        atomic_load_explicit(&root->invalid, memory_order_acquire))
        return TDP_STALE_ROOT;
    if (!slot->log_dirty)
        goal = ops->max_level(mmu->opaque, slot, fault->gfn);
    if (!MUTANT(tdp_map_without_retry) &&
        ops->invalidate_retry(mmu->opaque, seq, pt_align(fault->gfn, goal), pt_pages(goal)))
        return TDP_RETRY;
    if (fault->access == PT_WRITE && ops->write_tracked(mmu->opaque, fault->gfn, 1))
        return TDP_TRACKED;
    return map_walk(mmu, root, slot, goal, fault);
}

enum tdp_result tdp_mmu_map(struct tdp_mmu *mmu, struct tdp_root *root, struct tdp_fault *fault)
{
    struct tdp_slot slot;
    enum tdp_result result;
    uint64_t seq = mmu->ops->invalidate_seq(mmu->opaque); /* first: all below may be as old */

    step("tdp: the sequence is known");
    if (fault->gfn >> (9 * mmu->levels) || !mmu->ops->slot(mmu->opaque, fault->gfn, &slot))
        return TDP_NO_SLOT;
    if (fault->access & ~slot.rights)
        return TDP_DENIED;
    step("tdp: the slot is known");
    if (!rwlock_try_read(mmu->lock)) {
        if (mmu->ops->leave)
            fault->left = mmu->ops->leave(mmu->opaque, fault->vcpu);
        rwlock_read(mmu->lock);
    }
    result = map_locked(mmu, root, &slot, seq, fault);
    rwlock_drop(mmu->lock);
    atomic_fetch_add_explicit(&mmu->stats.faults, 1, memory_order_relaxed);
    if (result == TDP_RETRY)
        atomic_fetch_add_explicit(&mmu->stats.retries, 1, memory_order_relaxed);
    return result;
}

uint64_t tdp_mmu_lookup(const struct tdp_mmu *mmu, const struct tdp_root *root, gfn_t gfn,
                        int *level)
{
    const struct pt_format *f = mmu->space.format;
    const pt_entry *table = root->table;
    uint64_t spte = 0;

    if (gfn >> (9 * mmu->levels))
        return 0;
    for (*level = mmu->levels; *level >= PT_LEVEL_4K; --*level) {
        spte = atomic_load_explicit(&table[pt_index(gfn, *level)], memory_order_acquire);
        if (!pt_is_table(f, spte, *level))
            break;
        table = (const pt_entry *)mmu->space.host(mmu->space.opaque, pt_frame(f, spte));
    }
    return pt_is_leaf(f, spte, *level) ? spte : 0;
}
