/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See shadow_page.h. */
#include "cpu/mmu_shadow/shadow_page.h"

#include <glib.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mutant.h"
#include "cpu/mmu_shadow/memslots.h"
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

static struct shadow_page *usable(const struct shadow_mmu *m, struct shadow_page *sp, gfn_t gfn)
{
    while (sp && (sp->gfn != gfn || sp->role.direct || sp->generation != m->generation))
        sp = sp->hash_next;
    return sp;
}

struct shadow_page *shadow_first(const struct shadow_mmu *m, gfn_t gfn)
{
    return usable(m, *bucket(m, gfn), gfn);
}

struct shadow_page *shadow_next(const struct shadow_page *sp)
{
    struct shadow_page *p = sp->hash_next;

    while (p && (p->gfn != sp->gfn || p->role.direct || p->generation != sp->generation))
        p = p->hash_next;
    return p;
}

/* ---- the list of active pages ---- */

static void activate(struct shadow_mmu *m, struct shadow_page *sp)
{
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

void shadow_map(struct shadow_mmu *m, spte_t *sptep, const struct memslot *slot, gfn_t gfn,
                uint64_t spte)
{
    struct shadow_page *sp = shadow_page_of(sptep);

    invariant(!(spte_get(sptep) & SPTE_P));
    sp->leaf_gfn[sptep - sp->spt] = gfn;
    sp->present++;
    spte_put(sptep, spte);
    pte_list_add(&m->pool, slot_rmap(pages_of(m, slot), gfn, sp->role.level), sptep);
    m->stats.fills++;
}

void shadow_set_leaf(struct shadow_mmu *m, spte_t *sptep, const struct memslot *slot, gfn_t gfn,
                     uint64_t leaf, struct shadow_zapped *z)
{
    struct shadow_page *sp = shadow_page_of(sptep);
    uint64_t e = spte_get(sptep);

    if (!spte_is_leaf(e) || sp->leaf_gfn[sptep - sp->spt] != gfn) {
        shadow_drop(m, sptep, z);
        shadow_map(m, sptep, slot, gfn, leaf);
        return;
    }
    if (e == leaf)
        return;
    spte_put(sptep, leaf);
    /* a TLB may go on with more than the new one says */
    if ((e & ~leaf) & (SPTE_W | (uint64_t)RIGHT_ALL << SPTE_RIGHTS_SHIFT))
        z->flush = true;
    if (spte_key(e) != spte_key(leaf))
        z->flush = true;
}

void shadow_drop(struct shadow_mmu *m, spte_t *sptep, struct shadow_zapped *z)
{
    struct shadow_page *sp = shadow_page_of(sptep);
    uint64_t e = spte_get(sptep);

    if (!(e & SPTE_P))
        return;
    spte_put(sptep, 0);
    sp->present--;
    if (spte_is_leaf(e)) {
        gfn_t gfn = sp->leaf_gfn[sptep - sp->spt];

        pte_list_remove(&m->pool, slot_rmap(pages_of(m, slot_of(m, gfn)), gfn, sp->role.level),
                        sptep);
    } else {
        struct shadow_page *child = spte_host(e);

        pte_list_remove(&m->pool, &child->parents, sptep);
        shadow_clear_unsync_bit(sp, (unsigned)(sptep - sp->spt));
    }
    z->flush = true;
}

/* ---- tracking ---- */

static void take_write(spte_t *sptep, struct shadow_zapped *z)
{
    if (atomic_fetch_and(sptep, ~SPTE_W) & SPTE_W)
        z->flush = true;
}

void shadow_protect_gfn(struct shadow_mmu *m, const struct memslot *slot, gfn_t gfn,
                        struct shadow_zapped *z)
{
    struct slot_pages *p = pages_of(m, slot);
    struct pte_list_iter iter;
    spte_t *sptep;

    pte_list_for_each(slot_rmap(p, gfn, 1), &iter, sptep) take_write(sptep, z);
    for (unsigned level = 2; level <= SLOT_LEVELS; level++) {
        while ((sptep = pte_list_first(slot_rmap(p, gfn, level), &iter)))
            shadow_drop(m, sptep, z);
    }
}

static void count_shadowed(struct shadow_mmu *m, const struct shadow_page *sp, int n)
{
    const struct memslot *slot = slot_of(m, sp->gfn);

    if (!sp->role.direct && slot)
        slot_count_shadowed(pages_of(m, slot), sp->gfn, sp->role.level > 1, n);
}

/* ---- pages ---- */

struct shadow_page *shadow_page_get(struct shadow_mmu *m, gfn_t gfn, union shadow_role role,
                                    struct shadow_zapped *z)
{
    const struct memslot *slot = slot_of(m, gfn);
    struct shadow_page *sp, *next;

    for (sp = *bucket(m, gfn); sp; sp = next) {
        next = sp->hash_next;
        if (sp->gfn != gfn || sp->generation != m->generation || sp->role.direct != role.direct)
            continue;
        if (sp->role.word == role.word) {
            sp->floods = 0;
            if (sp->unsync)
                shadow_sync_page(m, sp, z);
            return sp;
        }
        /* what is now an upper table may not be behind as a leaf table */
        if (!role.direct && role.level > 1 && sp->unsync) {
            shadow_zap(m, sp, z);
            next = *bucket(m, gfn);
        }
    }
    sp = aligned_alloc(PAGE_SIZE, (sizeof(*sp) + PAGE_SIZE - 1) & PAGE_MASK);
    invariant(sp);
    memset(sp, 0, sizeof(*sp));
    sp->gfn = gfn;
    sp->role = role;
    sp->generation = m->generation;
    sp->hash_next = *bucket(m, gfn);
    *bucket(m, gfn) = sp;
    activate(m, sp);
    m->stats.pages_made++;
    count_shadowed(m, sp, 1);
    if (!role.direct && slot && !MUTANT(new_page_does_not_protect))
        shadow_protect_gfn(m, slot, gfn, z);
    return sp;
}

void shadow_zap(struct shadow_mmu *m, struct shadow_page *sp, struct shadow_zapped *z)
{
    struct pte_list_iter iter;
    spte_t *parent;

    if (sp->role.invalid)
        return;
    m->stats.pages_zapped++;
    for (unsigned k = 0; k < SPTES; k++)
        shadow_drop(m, &sp->spt[k], z);
    while ((parent = pte_list_first(&sp->parents, &iter)))
        shadow_drop(m, parent, z);
    count_shadowed(m, sp, -1);
    deactivate(m, sp);
    sp->unsync = false;
    sp->role.invalid = 1;
    z->flush = true;
    if (!sp->roots) {
        sp->next = z->first;
        z->first = sp;
    } else {
        atomic_fetch_add(&m->root_epoch, 1); /* who uses it looks for another */
    }
}

void shadow_root_put(struct shadow_mmu *m, struct shadow_page *sp, struct shadow_zapped *z)
{
    (void)m;
    invariant(sp->roots);
    if (!--sp->roots && sp->role.invalid) {
        sp->next = z->first;
        z->first = sp;
    }
}

void shadow_flush(struct shadow_mmu *m, struct shadow_zapped *z)
{
    if (!z->flush)
        return;
    m->stats.flushes++;
    m->world.flush(m->world.opaque);
    z->flush = false;
}

void shadow_commit(struct shadow_mmu *m, struct shadow_zapped *z)
{
    /* a page with no entries and no parents was never reached, but may be being read */
    z->flush |= z->first != NULL;
    shadow_flush(m, z);
    while (z->first) {
        struct shadow_page *sp = z->first;

        z->first = sp->next;
        free(sp);
    }
}

void shadow_make_room(struct shadow_mmu *m, unsigned n, struct shadow_zapped *z)
{
    struct shadow_page *sp = m->oldest, *next;

    for (; sp && m->used + n > m->limit; sp = next) {
        next = sp->next;
        if (sp->roots)
            continue;
        m->stats.pages_evicted++;
        shadow_zap(m, sp, z);
    }
}
