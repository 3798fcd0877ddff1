/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See shadow_page.h. */
#include "cpu/mmu_shadow/shadow_page.h"

#include <glib.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mutant.h"
#include "base/step.h"
#include "cpu/mmu_shadow/memslots.h"
#include "cpu/mmu_shadow/page_track.h"
#include "cpu/mmu_shadow/shadow_mmu.h"
#include "cpu/mmu_shadow/slot_pages.h"

static void spte_put(spte_t *at, uint64_t e)
{
    atomic_store_explicit(at, e, memory_order_release);
}

static struct shadow_page **bucket(const struct shadow_mmu *m, gfn_t gfn)
{
    return (struct shadow_page **)&m
        ->hash[(gfn * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - SHADOW_HASH_BITS)];
}

static const struct memslot *slot_of(const struct shadow_mmu *m, gfn_t gfn)
{
    return memslots_find(m->slots, gfn);
}

static struct slot_pages *pages_of(const struct shadow_mmu *m, const struct memslot *slot)
{
    return m->world.pages(m->world.opaque, slot);
}

/* ---- finding ---- */

static struct shadow_page *usable(struct shadow_page *sp, gfn_t gfn, uint64_t generation)
{
    while (sp && (sp->gfn != gfn || sp->role.direct || sp->generation != generation))
        sp = sp->hash_next;
    return sp;
}

struct shadow_page *shadow_first(const struct shadow_mmu *m, gfn_t gfn)
{
    return usable(*bucket(m, gfn), gfn, m->generation);
}

struct shadow_page *shadow_next(const struct shadow_page *sp)
{
    return usable(sp->hash_next, sp->gfn, sp->generation);
}

/* ---- memory ---- */

/* An empty page. One that was used before may still be being read by who found it then. */
static struct shadow_page *page_alloc(struct shadow_mmu *m)
{
    struct shadow_page *sp = m->free;

    if (sp) {
        m->free = sp->next;
        if (!MUTANT(reuse_is_not_counted))
            atomic_fetch_add(&m->reuse, 1);
        memset((char *)sp + offsetof(struct shadow_page, gfn), 0,
               sizeof(*sp) - offsetof(struct shadow_page, gfn));
        return sp;
    }
    sp = aligned_alloc(PAGE_SIZE, (sizeof(*sp) + PAGE_SIZE - 1) & PAGE_MASK);
    invariant(sp);
    memset(sp, 0, sizeof(*sp));
    return sp;
}

static void page_release(struct shadow_mmu *m, struct shadow_page *sp)
{
    sp->next = m->free;
    m->free = sp;
}

void shadow_free_pages(struct shadow_mmu *m)
{
    while (m->free) {
        struct shadow_page *sp = m->free;

        m->free = sp->next;
        free(sp);
    }
}

/* ---- the list of active pages ---- */

static void activate(struct shadow_mmu *m, struct shadow_page *sp)
{
    struct shadow_page **at = bucket(m, sp->gfn);

    sp->hash_next = *at;
    *at = sp;
    sp->next = NULL;
    sp->prev = m->newest;
    if (m->newest)
        m->newest->next = sp;
    else
        m->oldest = sp;
    m->newest = sp;
    m->used++;
}

static void deactivate(struct shadow_mmu *m, struct shadow_page *sp)
{
    struct shadow_page **at = bucket(m, sp->gfn);

    while (*at != sp)
        at = &(*at)->hash_next;
    *at = sp->hash_next;
    if (sp->prev)
        sp->prev->next = sp->next;
    else
        m->oldest = sp->next;
    if (sp->next)
        sp->next->prev = sp->prev;
    else
        m->newest = sp->prev;
    m->used--;
}

/* ---- entries ---- */

void shadow_link(struct shadow_mmu *m, spte_t *sptep, struct shadow_page *child)
{
    struct shadow_page *sp = shadow_page_of(sptep);

    invariant(!(spte_get(sptep) & SPTE_P));
    pte_list_add(&m->pool, &child->parents, sptep);
    sp->present++;
    spte_put(sptep, SPTE_P | (uint64_t)(uintptr_t)child);
    if (child->unsync || child->unsync_below)
        shadow_mark_unsync_above(child);
}

/* Stores by an SPTE are in the dirty log from when it has got W; by then it is in the rmap, where a
 * harvest that takes the bit finds it (mail 003). */
static void log_if_writable(const struct memslot *slot, gfn_t gfn, uint64_t leaf)
{
    if (leaf & SPTE_W)
        memslot_mark_dirty(slot, gfn);
}

void shadow_map(struct shadow_mmu *m, spte_t *sptep, const struct memslot *slot, gfn_t gfn,
                uint64_t spte)
{
    struct shadow_page *sp = shadow_page_of(sptep);

    invariant(!(spte_get(sptep) & SPTE_P));
    atomic_store_explicit(&sp->leaf_gfn[sptep - sp->spt], gfn, memory_order_relaxed);
    sp->present++;
    if (MUTANT(shadow_dirty_before_writable))
        log_if_writable(slot, gfn, spte);
    step("shadow: before writable");
    spte_put(sptep, spte);
    step("shadow: writable");
    if (MUTANT(shadow_dirty_before_rmap))
        log_if_writable(slot, gfn, spte);
    pte_list_add(&m->pool, slot_rmap(pages_of(m, slot), gfn, sp->role.level), sptep);
    step("shadow: in the rmap");
    if (!MUTANT(shadow_dirty_before_writable) && !MUTANT(shadow_dirty_before_rmap))
        log_if_writable(slot, gfn, spte);
    m->stats.fills++;
}

static gfn_t leaf_gfn(const spte_t *sptep)
{
    const struct shadow_page *sp = shadow_page_of(sptep);

    return atomic_load_explicit(&sp->leaf_gfn[sptep - sp->spt], memory_order_relaxed);
}

void shadow_set_leaf(struct shadow_mmu *m, spte_t *sptep, const struct memslot *slot, gfn_t gfn,
                     uint64_t leaf)
{
    uint64_t e = spte_get(sptep);

    if (spte_is_leaf(e) && leaf_gfn(sptep) == gfn) {
        if ((e & ~SPTE_PREFETCHED) == leaf)
            return;
        spte_put(sptep, leaf);
        log_if_writable(slot, gfn, leaf);
        return;
    }
    m->stats.recoveries += spte_is_table(e) && shadow_page_of(sptep)->role.level > 1;
    shadow_drop(m, sptep);
    shadow_map(m, sptep, slot, gfn, leaf);
}

void shadow_drop(struct shadow_mmu *m, spte_t *sptep)
{
    struct shadow_page *sp = shadow_page_of(sptep);
    uint64_t e = spte_get(sptep);

    if (!(e & SPTE_P))
        return;
    spte_put(sptep, 0);
    sp->present--;
    if (spte_is_leaf(e)) {
        gfn_t gfn = leaf_gfn(sptep);

        pte_list_remove(&m->pool, slot_rmap(pages_of(m, slot_of(m, gfn)), gfn, sp->role.level),
                        sptep);
    } else {
        struct shadow_page *child = spte_host(e);

        pte_list_remove(&m->pool, &child->parents, sptep);
        shadow_clear_unsync_bit(sp, (unsigned)(sptep - sp->spt));
    }
}

/* ---- tracking ---- */

/* Every W of gfn's leaves goes, and huge leaves over it go wholly. */
static void take_write(struct shadow_mmu *m, const struct memslot *slot, gfn_t gfn)
{
    struct slot_pages *p = pages_of(m, slot);
    struct pte_list_iter iter;
    spte_t *sptep;

    pte_list_for_each(slot_rmap(p, gfn, 1), &iter, sptep) atomic_fetch_and(sptep, ~SPTE_W);
    for (unsigned level = 2; level <= SLOT_LEVELS; level++) {
        while ((sptep = pte_list_first(slot_rmap(p, gfn, level), &iter)))
            shadow_drop(m, sptep);
    }
}

void shadow_pay(struct shadow_mmu *m, struct shadow_owed *o)
{
    if (!o->n)
        return;
    m->stats.flushes++;
    if (!MUTANT(fetch_no_flush_after_protecting)) {
        if (o->v)
            shadow_leave(o->v);
        m->world.protect(m->world.opaque, o->gfn, o->n);
    }
    while (o->n)
        page_track_seal(o->word[--o->n]);
}

void shadow_protect(struct shadow_mmu *m, struct shadow_page *sp, struct shadow_owed *o)
{
    const struct memslot *slot = slot_of(m, sp->gfn);
    _Atomic uint32_t *word;

    if (!slot)
        return;
    word = page_track_word(slot, sp->gfn);
    if (MUTANT(new_page_does_not_protect)) {
        page_track_begin(word, TRACK_TABLE);
        return;
    }
    if (page_track_begin(word, TRACK_TABLE)) {
        if (o->n == SHADOW_OWED)
            shadow_pay(m, o);
        o->gfn[o->n] = sp->gfn;
        o->word[o->n++] = word;
    }
    take_write(m, slot, sp->gfn);
}

void shadow_unprotect(struct shadow_mmu *m, struct shadow_page *sp)
{
    const struct memslot *slot = slot_of(m, sp->gfn);

    if (slot)
        page_track_end(page_track_word(slot, sp->gfn), TRACK_TABLE);
}

static void count_shadowed(struct shadow_mmu *m, const struct shadow_page *sp, int n)
{
    const struct memslot *slot = slot_of(m, sp->gfn);

    if (slot)
        slot_count_shadowed(pages_of(m, slot), sp->gfn, n);
}

/* ---- pages ---- */

/* One that is there, in sync. */
static struct shadow_page *find(struct shadow_mmu *m, gfn_t gfn, union shadow_role role,
                                struct shadow_owed *o)
{
    struct shadow_page *sp, *next;

    for (sp = *bucket(m, gfn); sp; sp = next) {
        next = sp->hash_next;
        if (sp->gfn != gfn || sp->generation != m->generation || sp->role.direct != role.direct)
            continue;
        if (sp->role.word == role.word) {
            sp->floods = 0;
            if (sp->unsync)
                shadow_sync_page(m, sp, o);
            return sp;
        }
        /* what is now an upper table may not be behind as a leaf table */
        if (!role.direct && role.level > 1 && sp->unsync) {
            shadow_zap(m, sp);
            next = *bucket(m, gfn);
        }
    }
    return NULL;
}

struct shadow_page *shadow_page_get(struct shadow_mmu *m, gfn_t gfn, union shadow_role role,
                                    struct shadow_owed *o)
{
    struct shadow_page *sp = find(m, gfn, role, o);

    if (sp)
        return sp;
    sp = page_alloc(m);
    sp->gfn = gfn;
    sp->role = role;
    sp->generation = m->generation;
    activate(m, sp);
    m->stats.pages_made++;
    if (!role.direct) {
        count_shadowed(m, sp, 1);
        shadow_protect(m, sp, o);
    }
    return sp;
}

void shadow_zap(struct shadow_mmu *m, struct shadow_page *sp)
{
    struct pte_list_iter iter;
    spte_t *parent;

    if (sp->invalid)
        return;
    m->stats.pages_zapped++;
    for (unsigned k = 0; k < SPTES && sp->present; k++)
        shadow_drop(m, &sp->spt[k]);
    while ((parent = pte_list_first(&sp->parents, &iter)))
        shadow_drop(m, parent);
    if (!sp->role.direct) {
        if (!sp->unsync)
            shadow_unprotect(m, sp);
        count_shadowed(m, sp, -1);
    }
    deactivate(m, sp);
    sp->unsync = false;
    atomic_store_explicit(&sp->invalid, true, memory_order_release);
    if (!sp->roots)
        page_release(m, sp);
}

void shadow_root_hold(struct shadow_page *sp)
{
    sp->roots++;
}

void shadow_root_put(struct shadow_mmu *m, struct shadow_page *sp)
{
    invariant(sp->roots);
    if (!--sp->roots && sp->invalid)
        page_release(m, sp);
}

void shadow_make_room(struct shadow_mmu *m, unsigned n)
{
    struct shadow_page *sp = m->oldest, *next;

    for (; sp && m->used + n > m->limit; sp = next) {
        next = sp->next;
        if (sp->roots)
            continue;
        m->stats.pages_evicted++;
        shadow_zap(m, sp);
    }
}
