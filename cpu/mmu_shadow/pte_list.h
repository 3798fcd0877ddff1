/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rmap: for one guest frame, which SPTEs map it. Most frames are mapped once, so a list is one
 * word: nothing, one SPTE, or a chain of descriptors of which only the first, the head, has room.
 *
 *     list -> head [a b c . .] -> [d e f g h] -> [i j k l m] -> nulls marker "list"
 *
 * An entry that is removed leaves a hole, which the head's last entry fills; so entries only ever
 * move to where a walk that goes through the chain, and from high index to low in each descriptor,
 * has yet to come. That is what lets dirty logging walk without the lock: pte_list_walk_lockless().
 *
 * Everything but that walk is done under one lock (the MMU's), which guards lists and pool alike.
 * Descriptors are type-stable: memory that was one once stays one until the pool is destroyed, and
 * is used again at once, walkers or not. Corruption stops the VM.
 */
#ifndef CPU_MMU_SHADOW_PTE_LIST_H
#define CPU_MMU_SHADOW_PTE_LIST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* In a list's head: this is a descriptor. In a descriptor's `more`: this is the nulls marker. */
#define PTE_LIST_TAG ((uintptr_t)1)

/* Entries of a descriptor: what is left of two cache lines. */
#define PTE_LIST_ENTRIES 13

struct pte_list_desc {
    /* Used from 0 up without a gap, NULL above. Stored under the lock, read without. */
    _Atomic(_Atomic uint64_t *) sptes[PTE_LIST_ENTRIES];
    /* The next descriptor; at the chain's end the nulls marker, which is the list's address with
     * PTE_LIST_TAG; 0 while the descriptor is free or being made. Stored under the lock, read
     * without.
     */
    _Atomic uintptr_t more;
    /* How often this memory has been made part of a list. Stored under the lock, read without. */
    _Atomic uint64_t lives;
    uint32_t used;  /* entries here; under the lock */
    uint32_t below; /* entries in all descriptors after this one; under the lock */
};

_Static_assert(sizeof(struct pte_list_desc) == 128, "a descriptor is two cache lines");

/* A frame's list; zeroed it is empty. Its address names it in nulls markers: it may not move, and
 * while a walk without the lock may be inside, its memory may not become another list. */
struct pte_list {
    /* 0; or an SPTE's address; or the head descriptor's with PTE_LIST_TAG. Stored under
     * the lock, read without. */
    _Atomic uintptr_t head;
};

/* Where a VM's descriptors come from. */
struct pte_list_pool {
    struct pte_list_desc **chunks; /* arrays of descriptors, never freed before the pool */
    struct pte_list_desc **free;   /* a stack: the last that was freed is the next to be used */
    unsigned n_chunks, n_free;
};

void pte_list_pool_init(struct pte_list_pool *pool);

/* Every list is empty or in its single form, and nobody walks. */
void pte_list_pool_destroy(struct pte_list_pool *pool);

/* Descriptors in use; under the lock. */
unsigned pte_list_pool_used(const struct pte_list_pool *pool);

/* Adds `spte`, which is not in the list; under the lock. Returns how many entries stood in it
 * before. Whoever sees (by an acquire, or the lock) something stored after this call will find the
 * entry by a walk. */
unsigned pte_list_add(struct pte_list_pool *pool, struct pte_list *list, _Atomic uint64_t *spte);

/* Removes `spte`, which must be in the list: the VM stops if it is not. Under the lock. */
void pte_list_remove(struct pte_list_pool *pool, struct pte_list *list, _Atomic uint64_t *spte);

/* How many entries there are; under the lock. */
unsigned pte_list_count(const struct pte_list *list);

/* Stops the VM unless the list is what this file says it is; under the lock. For the audit. */
void pte_list_check(const struct pte_list *list);

/* Goes through a list under the lock, in the order of walks: the head's entries first, each
 * descriptor's from high index to low. The list may not change meanwhile, but an entry that was
 * just returned may be removed if the iteration then ends or is begun anew. */
struct pte_list_iter {
    const struct pte_list_desc *desc; /* NULL in the single form */
    unsigned left;                    /* entries of `desc` yet to come */
};

/* The first entry, and the next; NULL when there is none. */
_Atomic uint64_t *pte_list_first(const struct pte_list *list, struct pte_list_iter *iter);
_Atomic uint64_t *pte_list_next(struct pte_list_iter *iter);

#define pte_list_for_each(list, iter, spte)                                                        \
    for ((spte) = pte_list_first((list), (iter)); (spte); (spte) = pte_list_next(iter))

/* Calls fn(spte, arg) for the list's entries, without any lock. Each entry that is in the list from
 * before the call until it returns is visited at least once. An entry may be visited twice, and so
 * may SPTEs that are in the list no more, or in another: `fn` must be harmless to these, and SPTEs'
 * memory must stay SPTEs while somebody may walk. Returns how often it had to begin anew. */
unsigned pte_list_walk_lockless(const struct pte_list *list,
                                void (*fn)(_Atomic uint64_t *spte, void *arg), void *arg);

#endif
