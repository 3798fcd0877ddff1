/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page write tracking: who wants to hear of stores to a frame. One word a frame, in the slot's arch
 * (memslot_arch.track), counts those who do; a vCPU's TLB asks it when it is filled, and while it
 * is not zero stores take the slow path and tell. There is no other check on a store's way.
 *
 * Clients are block caches (the page has decoded code) and shadow pages (the page is a guest table
 * whose shadow is in sync), and strict mode. Dirty logging wants the first store only, and goes by SPTEs that are
 * not writable (dirty_log.h).
 *
 * To hear of every store from some moment on:
 *     client                                     a vCPU that stores
 *     page_track_begin: count one more           fills its TLB: asks the word, or
 *     protect: all TLBs have the frame slow      acknowledges: its entry turns slow
 *     page_track_seal                            stores; tells
 *     reads the page
 * A TLB that was filled before the count is found by the protection, one that is filled later sees
 * the count. Sealed means that the second step is done for as long as anybody counts: who comes
 * next need not do it again.
 */
#ifndef CPU_MMU_SHADOW_PAGE_TRACK_H
#define CPU_MMU_SHADOW_PAGE_TRACK_H

#include "cpu/mmu_shadow/memslots.h"

#define TRACK_CODE   0x1u /* one block cache; at most a group's vCPUs, so that all fit below */
#define TRACK_SEALED 0x80u
#define TRACK_LINT   0x100u /* strict mode's notes of tables (lint_tables.h); one a page */
#define TRACK_TABLE  0x200u /* one shadow page */

#define TRACK_CODES  0x7fu
#define TRACK_TABLES (~0x1ffu)

/* The word of gfn, which the slot holds. */
static inline _Atomic uint32_t *page_track_word(const struct memslot *s, gfn_t gfn)
{
    return &s->arch->track[gfn - s->base_gfn];
}

/* Who tracks gfn right now, which the slot holds; 0: nobody. Any thread that may read the slot. */
static inline uint32_t page_tracked(const struct memslot *s, gfn_t gfn)
{
    return atomic_load_explicit(page_track_word(s, gfn), memory_order_relaxed);
}

/* One client more. True unless the frame is sealed already: then it is to be protected and, after
 * that, sealed. Any thread. */
static inline bool page_track_begin(_Atomic uint32_t *word, uint32_t client)
{
    return !(atomic_fetch_add(word, client) & TRACK_SEALED);
}

/* No vCPU can store to the frame without telling any more; the caller is one of the clients. */
static inline void page_track_seal(_Atomic uint32_t *word)
{
    atomic_fetch_or(word, TRACK_SEALED);
}

/* One client less; with the last the seal goes. */
static inline void page_track_end(_Atomic uint32_t *word, uint32_t client)
{
    uint32_t old = atomic_load(word), now;

    do {
        now = old - client;
        if (!(now & ~TRACK_SEALED))
            now = 0;
    } while (!atomic_compare_exchange_weak(word, &old, now));
}

#endif
