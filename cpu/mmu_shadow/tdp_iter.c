/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Down, sideways and up in a tree of page tables that others change; see tdp_iter.h. */
#include "cpu/mmu_shadow/tdp_iter.h"

#include "base/error.h"
#include "base/mutant.h"
#include "base/step.h"

void tdp_iter_reread(struct tdp_iter *iter)
{
    iter->old = atomic_load_explicit(iter->sptep, memory_order_acquire);
    /* what stands here may change before anybody acts on it; of nothing there is nothing to lose */
    if (iter->old)
        step("tdp_iter: an entry was read");
}

static void at_gfn(struct tdp_iter *iter, int level)
{
    iter->level = level;
    iter->gfn = pt_align(iter->next_last_level_gfn, level);
    iter->sptep = &iter->table[level][pt_index(iter->gfn, level)];
    tdp_iter_reread(iter);
}

static void from_the_root(struct tdp_iter *iter)
{
    iter->yielded = false;
    iter->yielded_gfn = iter->next_last_level_gfn;
    at_gfn(iter, iter->root_level);
}

void tdp_iter_start(struct tdp_iter *iter, const struct pt_space *space, pt_entry *root,
                    int root_level, int min_level, gfn_t start, gfn_t end)
{
    gfn_t first = pt_align(start, root_level + 1);

    invariant(root_level >= 1 && root_level <= PT_MAX_LEVELS && min_level >= 1);
    *iter = (struct tdp_iter){.space = space, .root_level = root_level, .min_level = min_level};
    iter->table[root_level] = root;
    iter->next_last_level_gfn = start;
    /* a root of the whole tree spans from 0; one within it what its place in the tree says */
    iter->end = end - first > pt_pages(root_level + 1) ? first + pt_pages(root_level + 1) : end;
    iter->valid = start < end && min_level <= root_level;
    if (iter->valid)
        from_the_root(iter);
}

pt_entry *tdp_iter_child(const struct tdp_iter *iter)
{
    const struct pt_space *s = iter->space;

    if (!pt_is_table(s->format, iter->old, iter->level))
        return NULL;
    return (pt_entry *)s->host(s->opaque, pt_frame(s->format, iter->old));
}

static bool step_down(struct tdp_iter *iter)
{
    pt_entry *child;

    if (iter->level == iter->min_level)
        return false;
    /* read it again: the caller may have changed it, or another may have unlinked the table */
    tdp_iter_reread(iter);
    child = tdp_iter_child(iter);
    if (!child)
        return false;
    iter->table[iter->level - 1] = child;
    at_gfn(iter, iter->level - 1);
    return true;
}

static bool step_side(struct tdp_iter *iter)
{
    if (pt_index(iter->gfn, iter->level) == PT_ENTRIES - 1)
        return false;
    iter->next_last_level_gfn = iter->gfn + pt_pages(iter->level);
    at_gfn(iter, iter->level);
    return true;
}

static bool step_up(struct tdp_iter *iter)
{
    if (iter->level == iter->root_level)
        return false;
    /* only the place matters: what it says now may not be what led down, so it is not looked at */
    iter->level++;
    iter->gfn = pt_align(iter->gfn, iter->level);
    return true;
}

void tdp_iter_next(struct tdp_iter *iter)
{
    if (iter->yielded) {
        from_the_root(iter);
        return;
    }
    if (step_down(iter))
        return;
    do {
        if (iter->gfn + pt_pages(iter->level) >= iter->end)
            break;
        if (step_side(iter))
            return;
    } while (step_up(iter));
    iter->valid = false;
}
