/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of SPTEs by frame, as they are changed and gone through under the lock; see pte_list.h for
 * their shape, and pte_list_walk.c for the walk without the lock.
 *
 * What a walk relies on, and memory orders. All that a walk reads is stored with release and read
 * with acquire (plain moves on x86): a walk that has seen one store sees all that were made before
 * it. So it matters in which order a change makes its stores, and a walk may come between any two:
 *   - an entry stands in its new place before it goes from the old one;
 *   - a descriptor has its entries, then one life more, then its `more`, and then is led to: who
 *     has found the new life finds the entries, and who has not will see that it changed;
 *   - a descriptor that is let go is led to by nothing; then it loses its `more`, and then its
 *     entries: who misses these finds no `more` either.
 * From the head on, the chain is thus whole at every moment, and a walk that begins anew need not
 * wait for whoever has the lock.
 */
#include "cpu/mmu_shadow/pte_list.h"

#include <glib.h>

#include "base/error.h"
#include "base/mutant.h"
#include "base/step.h"

#define CHUNK 64 /* descriptors allocated at once */

void pte_list_pool_init(struct pte_list_pool *pool)
{
    *pool = (struct pte_list_pool){.n_chunks = 0};
}

unsigned pte_list_pool_used(const struct pte_list_pool *pool)
{
    return pool->n_chunks * CHUNK - pool->n_free;
}

void pte_list_pool_destroy(struct pte_list_pool *pool)
{
    invariant(pte_list_pool_used(pool) == 0);
    for (unsigned i = 0; i < pool->n_chunks; i++)
        g_aligned_free(pool->chunks[i]);
    g_free(pool->chunks);
    g_free(pool->free);
    pte_list_pool_init(pool);
}

static void pool_grow(struct pte_list_pool *pool)
{
    struct pte_list_desc *chunk = g_aligned_alloc0(CHUNK, sizeof(*chunk), sizeof(*chunk));

    pool->chunks = g_renew(struct pte_list_desc *, pool->chunks, pool->n_chunks + 1);
    pool->chunks[pool->n_chunks++] = chunk;
    pool->free = g_renew(struct pte_list_desc *, pool->free, pool->n_chunks * CHUNK);
    for (unsigned i = CHUNK; i-- > 0;)
        pool->free[pool->n_free++] = &chunk[i];
}

/* A descriptor without entries and without `more`. A walk may still be inside, from before it was
 * last freed. */
static struct pte_list_desc *desc_alloc(struct pte_list_pool *pool)
{
    struct pte_list_desc *d;

    if (!pool->n_free)
        pool_grow(pool);
    d = pool->free[--pool->n_free];
    invariant(!atomic_load_explicit(&d->more, memory_order_relaxed));
    invariant(!d->used && !atomic_load_explicit(&d->sptes[0], memory_order_relaxed));
    return d;
}

static void set_more(struct pte_list_desc *d, uintptr_t more)
{
    atomic_store_explicit(&d->more, more, memory_order_release);
    step("pte_list: more set");
}

static void set_entry(struct pte_list_desc *d, unsigned i, _Atomic uint64_t *spte)
{
    atomic_store_explicit(&d->sptes[i], spte, memory_order_release);
    step("pte_list: entry set");
}

static void set_head(struct pte_list *list, uintptr_t head)
{
    atomic_store_explicit(&list->head, head, memory_order_release);
    step("pte_list: head set");
}

static void begin_life(struct pte_list_desc *d)
{
    uint64_t lives = atomic_load_explicit(&d->lives, memory_order_relaxed);

    atomic_store_explicit(&d->lives, lives + 1, memory_order_release);
    step("pte_list: life begun");
}

/* Nothing leads to `d` any more, but walks may be inside. */
static void desc_free(struct pte_list_pool *pool, struct pte_list_desc *d)
{
    if (!MUTANT(entries_cleared_before_more))
        set_more(d, 0);
    for (unsigned i = 0; i < d->used; i++)
        set_entry(d, i, NULL);
    if (MUTANT(entries_cleared_before_more))
        set_more(d, 0);
    d->used = 0;
    d->below = 0;
    pool->free[pool->n_free++] = d;
}

/* Under the lock, which made what is read here: no order is needed. */
static uintptr_t read_head(const struct pte_list *list)
{
    return atomic_load_explicit(&list->head, memory_order_relaxed);
}

static struct pte_list_desc *head_desc(const struct pte_list *list)
{
    uintptr_t head = read_head(list);

    invariant(head & PTE_LIST_TAG);
    return (struct pte_list_desc *)(head & ~PTE_LIST_TAG);
}

static _Atomic uint64_t *entry(const struct pte_list_desc *d, unsigned i)
{
    return atomic_load_explicit(&d->sptes[i], memory_order_relaxed);
}

/* The descriptor after `d` in a chain that is whole; NULL for the last. */
static struct pte_list_desc *next_desc(const struct pte_list_desc *d)
{
    uintptr_t more = atomic_load_explicit(&d->more, memory_order_relaxed);

    invariant(more);
    return more & PTE_LIST_TAG ? NULL : (struct pte_list_desc *)more;
}

static uintptr_t nulls_marker(const struct pte_list *list)
{
    return (uintptr_t)list | PTE_LIST_TAG;
}

/* Makes a new head before `more`, with the entries `first` and, unless NULL, `second`. */
static void push_head(struct pte_list_pool *pool, struct pte_list *list, uintptr_t more,
                      uint32_t below, _Atomic uint64_t *first, _Atomic uint64_t *second)
{
    struct pte_list_desc *d = desc_alloc(pool);

    if (MUTANT(life_begun_before_entries))
        begin_life(d);
    d->used = second ? 2 : 1;
    d->below = below;
    set_entry(d, 0, first);
    if (second)
        set_entry(d, 1, second);
    if (!MUTANT(life_begun_before_entries))
        begin_life(d);
    if (MUTANT(head_set_before_desc_is_made))
        set_head(list, (uintptr_t)d | PTE_LIST_TAG);
    set_more(d, more);
    if (!MUTANT(head_set_before_desc_is_made))
        set_head(list, (uintptr_t)d | PTE_LIST_TAG);
}

unsigned pte_list_add(struct pte_list_pool *pool, struct pte_list *list, _Atomic uint64_t *spte)
{
    uintptr_t head = read_head(list);
    struct pte_list_desc *d;
    unsigned count;

    invariant(spte && !((uintptr_t)spte & PTE_LIST_TAG));
    if (!head) {
        count = 0;
        set_head(list, (uintptr_t)spte);
    } else if (!(head & PTE_LIST_TAG)) {
        invariant(head != (uintptr_t)spte);
        count = 1;
        push_head(pool, list, nulls_marker(list), 0, (_Atomic uint64_t *)head, spte);
    } else {
        d = head_desc(list);
        count = d->below + d->used;
        if (d->used == PTE_LIST_ENTRIES)
            push_head(pool, list, (uintptr_t)d, count, spte, NULL);
        else
            set_entry(d, d->used++, spte);
    }
    /* entries that stood before, not those that stand now */
    return MUTANT(count_after_instead_of_before) ? count + 1 : count;
}

/* The head has lost its last entry, or has one left: perhaps it is needed no more. */
static void shrink_head(struct pte_list_pool *pool, struct pte_list *list)
{
    struct pte_list_desc *head = head_desc(list);
    struct pte_list_desc *next = next_desc(head);

    if (!head->used) {
        invariant(next && head->below >= next->used); /* alone it would have become a single one */
        if (MUTANT(emptied_head_stays))
            return;
        set_head(list, (uintptr_t)next | PTE_LIST_TAG);
        desc_free(pool, head);
        head = next;
        next = next_desc(head);
    }
    if (head->used == 1 && !next && !MUTANT(last_entry_stays_in_desc)) {
        _Atomic uint64_t *single = entry(head, 0);

        if (MUTANT(desc_freed_before_head_is_set))
            desc_free(pool, head);
        set_head(list, (uintptr_t)single);
        if (!MUTANT(desc_freed_before_head_is_set))
            desc_free(pool, head);
    }
}

/* Entry `i` of `d` goes: the head's last takes its place. A walk that is past the place has been at
 * the head's last before; one that is not will find it here. */
static void remove_from_desc(struct pte_list_pool *pool, struct pte_list *list,
                             struct pte_list_desc *d, unsigned i)
{
    struct pte_list_desc *head = head_desc(list);
    struct pte_list_desc *from = MUTANT(hole_filled_from_same_desc) ? d : head;
    unsigned last = from->used - 1;

    invariant(head->used && head->used <= PTE_LIST_ENTRIES);
    invariant(d == head || d->used == PTE_LIST_ENTRIES); /* only the head has room */
    if (MUTANT(entry_cleared_before_it_is_moved)) {
        _Atomic uint64_t *moved = entry(from, last);

        set_entry(from, last, NULL);
        set_entry(d, i, from == d && i == last ? NULL : moved);
    } else {
        if (from != d || i != last)
            set_entry(d, i, entry(from, last));
        set_entry(from, last, NULL);
    }
    from->used--;
    shrink_head(pool, list);
}

static bool find_in_desc(const struct pte_list_desc *d, const _Atomic uint64_t *spte, unsigned *at)
{
    invariant(d->used <= PTE_LIST_ENTRIES);
    for (unsigned i = 0; i < d->used; i++) {
        invariant(entry(d, i));
        if (entry(d, i) == spte) {
            *at = i;
            return true;
        }
    }
    return false;
}

void pte_list_remove(struct pte_list_pool *pool, struct pte_list *list, _Atomic uint64_t *spte)
{
    uintptr_t head = read_head(list);
    bool found = false;
    unsigned i;

    invariant(spte);
    if (!(head & PTE_LIST_TAG)) {
        found = head == (uintptr_t)spte;
        if (found)
            set_head(list, 0);
    } else {
        struct pte_list_desc *d = head_desc(list);

        while (d && !find_in_desc(d, spte, &i))
            d = next_desc(d);
        found = d;
        if (found)
            remove_from_desc(pool, list, d, i);
    }
    /* a list that has lost an entry has left somebody able to write where the guest must not */
    if (!MUTANT(missing_entry_is_tolerated))
        invariant(found && "the SPTE is in its list");
}
