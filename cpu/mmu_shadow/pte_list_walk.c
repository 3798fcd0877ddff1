/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Going through a frame's list of SPTEs: under the lock, and without any. See pte_list.h for what
 * is promised, and the top of pte_list.c for the order of stores that the second relies on.
 *
 * Why the walk without the lock misses no entry that stays in the list all the while: as long as
 * the walk is in descriptors that are its list's, entries only move to where it has yet to come. It
 * leaves the list without noticing only when a descriptor that it is in, or is about to enter, is
 * let go and used again. Then one of these is so, and the walk begins anew:
 *   - the descriptor is free or still being made: it has no `more`;
 *   - it became part of another list: that chain's nulls marker names the other list. (The walk
 *     cannot tell earlier, and visits SPTEs of other frames until it comes there.)
 *   - it became part of this list again while the walk was inside: its lives changed. The marker
 *     alone would not tell, and an entry that was in another descriptor may now be in this one,
 *     where the walk has been already.
 */
#include "cpu/mmu_shadow/pte_list.h"

#include "base/error.h"
#include "base/mutant.h"
#include "base/step.h"

static const struct pte_list_desc *desc_of(uintptr_t head)
{
    return (const struct pte_list_desc *)(head & ~PTE_LIST_TAG);
}

static uintptr_t read_head(const struct pte_list *list)
{
    return atomic_load_explicit(&list->head, memory_order_relaxed);
}

unsigned pte_list_count(const struct pte_list *list)
{
    uintptr_t head = read_head(list);

    if (!(head & PTE_LIST_TAG))
        return head != 0;
    return desc_of(head)->below + desc_of(head)->used;
}

static void check_desc(const struct pte_list_desc *d, bool is_head)
{
    invariant(is_head ? d->used >= 1 : d->used == PTE_LIST_ENTRIES);
    invariant(d->used <= PTE_LIST_ENTRIES);
    for (unsigned i = 0; i < PTE_LIST_ENTRIES; i++)
        invariant((atomic_load_explicit(&d->sptes[i], memory_order_relaxed) != NULL) ==
                  (i < d->used));
}

void pte_list_check(const struct pte_list *list)
{
    uintptr_t more = read_head(list);
    const struct pte_list_desc *d;
    unsigned left;

    if (!(more & PTE_LIST_TAG))
        return;
    left = pte_list_count(list);
    invariant(left > 1); /* a single entry needs no descriptor */
    more &= ~PTE_LIST_TAG;
    for (bool is_head = true; !(more & PTE_LIST_TAG); is_head = false) {
        invariant(more);
        d = (const struct pte_list_desc *)more;
        check_desc(d, is_head);
        invariant(left == d->below + d->used);
        left -= d->used;
        more = atomic_load_explicit(&d->more, memory_order_relaxed);
    }
    invariant(left == 0 && more == ((uintptr_t)list | PTE_LIST_TAG));
}

_Atomic uint64_t *pte_list_first(const struct pte_list *list, struct pte_list_iter *iter)
{
    uintptr_t head = read_head(list);

    *iter = (struct pte_list_iter){.desc = NULL};
    if (!(head & PTE_LIST_TAG))
        return (_Atomic uint64_t *)head;
    iter->desc = desc_of(head);
    iter->left = iter->desc->used;
    return pte_list_next(iter);
}

_Atomic uint64_t *pte_list_next(struct pte_list_iter *iter)
{
    _Atomic uint64_t *spte;

    if (iter->desc && !iter->left) {
        uintptr_t more = atomic_load_explicit(&iter->desc->more, memory_order_relaxed);

        invariant(more);
        iter->desc = more & PTE_LIST_TAG ? NULL : (const struct pte_list_desc *)more;
        iter->left = iter->desc ? iter->desc->used : 0;
    }
    if (!iter->desc)
        return NULL;
    invariant(iter->left && iter->left <= PTE_LIST_ENTRIES);
    spte = atomic_load_explicit(&iter->desc->sptes[--iter->left], memory_order_relaxed);
    invariant(spte);
    return spte;
}

/* Calls fn for one descriptor's entries and gives what it leads to. False when the descriptor
 * became a part of a list meanwhile. */
static bool walk_desc(const struct pte_list_desc *d, void (*fn)(_Atomic uint64_t *spte, void *arg),
                      void *arg, uintptr_t *more)
{
    uint64_t lives = atomic_load_explicit(&d->lives, memory_order_acquire);

    step("pte_list walk: lives read");
    for (unsigned n = 0; n < PTE_LIST_ENTRIES; n++) {
        /* downwards, because entries move downwards */
        unsigned i = MUTANT(walk_low_to_high) ? n : PTE_LIST_ENTRIES - 1 - n;
        _Atomic uint64_t *spte = atomic_load_explicit(&d->sptes[i], memory_order_acquire);

        step("pte_list walk: entry read");
        if (spte)
            fn(spte, arg);
    }
    *more = atomic_load_explicit(&d->more, memory_order_acquire);
    step("pte_list walk: more read");
    /* not before `more`, whose acquire keeps it behind: the new life is older than the new more */
    return atomic_load_explicit(&d->lives, memory_order_relaxed) == lives ||
           MUTANT(no_restart_on_new_life);
}

/* False when the walk has to begin anew. */
static bool walk(const struct pte_list *list, void (*fn)(_Atomic uint64_t *spte, void *arg),
                 void *arg)
{
    uintptr_t more = atomic_load_explicit(&list->head, memory_order_acquire);

    step("pte_list walk: head read");
    if (!(more & PTE_LIST_TAG)) {
        if (more)
            fn((_Atomic uint64_t *)more, arg);
        return true;
    }
    more &= ~PTE_LIST_TAG;
    do {
        if (!walk_desc((const struct pte_list_desc *)more, fn, arg, &more))
            return false;
        if (!more)
            return MUTANT(no_restart_on_half_made);
    } while (!(more & PTE_LIST_TAG));
    return more == ((uintptr_t)list | PTE_LIST_TAG) || MUTANT(no_restart_on_foreign_nulls);
}

unsigned pte_list_walk_lockless(const struct pte_list *list,
                                void (*fn)(_Atomic uint64_t *spte, void *arg), void *arg)
{
    unsigned restarts = 0;

    /* it ends: each time, another thread has changed the list or taken a descriptor from it */
    while (!walk(list, fn, arg))
        restarts++;
    return restarts;
}
