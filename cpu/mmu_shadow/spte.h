/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An entry of the shadow page tables. Only the interpreter reads them, so an entry says what the
 * guest's tables say together, as rights that are judged at each access; changes of CR0.WP, CPL,
 * SMEP, SMAP or PKRU need no other table.
 *
 *     0       P           present
 *     1       W           stores may go straight to the page: the guest's entry is dirty, the slot
 *                         is RAM, the page is no table in sync, and it is in the dirty log if there
 *                         is one
 *     2..4    rights      W, U, X of all guest entries on the way (enum walk_right)
 *     5       LEAF        maps a page; else a table
 *     6       G           global
 *     7       DIRTY       the guest's entry is dirty: W may be given back without a walk
 *     8..11   key         protection key
 *     12..51  frame       host address >> 12: of the page, or of the struct shadow_page
 *     52      RAM         the slot may be written
 *     53      PREFETCHED  nobody has used it yet
 *     54..55  size        a leaf's: level of the guest's entry, less 1. INVLPG is of that whole
 * page
 *
 * W and PREFETCHED may be taken away at any time by an atomic AND; all else changes under the MMU's
 * lock.
 */
#ifndef CPU_MMU_SHADOW_SPTE_H
#define CPU_MMU_SHADOW_SPTE_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "cpu/types.h"

#define SPTE_P          (UINT64_C(1) << 0)
#define SPTE_W          (UINT64_C(1) << 1)
#define SPTE_LEAF       (UINT64_C(1) << 5)
#define SPTE_G          (UINT64_C(1) << 6)
#define SPTE_DIRTY      (UINT64_C(1) << 7)
#define SPTE_RAM        (UINT64_C(1) << 52)
#define SPTE_PREFETCHED (UINT64_C(1) << 53)
#define SPTE_FRAME      UINT64_C(0x000ffffffffff000)

#define SPTE_RIGHTS_SHIFT 2
#define SPTE_KEY_SHIFT    8
#define SPTE_SIZE_SHIFT   54

#define SPTES 512

typedef _Atomic uint64_t spte_t;

static_assert(sizeof(spte_t) == 8, "a table is a page");

static inline bool spte_is_leaf(uint64_t e)
{
    return (e & (SPTE_P | SPTE_LEAF)) == (SPTE_P | SPTE_LEAF);
}

static inline bool spte_is_table(uint64_t e)
{
    return (e & (SPTE_P | SPTE_LEAF)) == SPTE_P;
}

static inline unsigned spte_rights(uint64_t e)
{
    return e >> SPTE_RIGHTS_SHIFT & 7;
}

static inline unsigned spte_key(uint64_t e)
{
    return e >> SPTE_KEY_SHIFT & 15;
}

/* The level of the guest's entry that a leaf is all or a piece of. */
static inline unsigned spte_guest_level(uint64_t e)
{
    return (e >> SPTE_SIZE_SHIFT & 3) + 1;
}

/* The host address in the entry: of the page, or of the table. */
static inline void *spte_host(uint64_t e)
{
    return (void *)(uintptr_t)(e & SPTE_FRAME);
}

static inline uint64_t spte_get(const spte_t *at)
{
    return atomic_load_explicit((spte_t *)at, memory_order_acquire);
}

/* log2 of the bytes that an entry of this level spans; its index for va. */
static inline unsigned spte_shift(unsigned level)
{
    return PAGE_SHIFT + 9 * (level - 1);
}

static inline unsigned spte_index(gva_t va, unsigned level)
{
    return va >> spte_shift(level) & (SPTES - 1);
}

#endif
