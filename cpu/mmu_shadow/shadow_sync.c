/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unsync pages: a leaf table that the guest writes often is left unprotected, and its shadow may be
 * behind until the guest says that its writes count (INVLPG, a load of CR3). The tables above know
 * where such pages are, so that a load of CR3 finds them without looking at everything.
 */
#include "base/error.h"
#include "cpu/mmu_shadow/memslots.h"
#include "cpu/mmu_shadow/shadow_mmu.h"
#include "cpu/mmu_shadow/slot_pages.h"

void shadow_mark_unsync_above(struct shadow_page *sp)
{
    struct pte_list_iter iter;
    spte_t *parent;

    pte_list_for_each(&sp->parents, &iter, parent)
    {
        struct shadow_page *above = shadow_page_of(parent);
        unsigned k = (unsigned)(parent - above->spt);

        if (above->unsync_map[k / 64] >> (k % 64) & 1)
            continue;
        above->unsync_map[k / 64] |= UINT64_C(1) << (k % 64);
        if (!above->unsync_below++)
            shadow_mark_unsync_above(above);
    }
}

void shadow_clear_unsync_bit(struct shadow_page *sp, unsigned index)
{
    uint64_t bit = UINT64_C(1) << (index % 64);

    if (sp->unsync_map[index / 64] & bit) {
        sp->unsync_map[index / 64] &= ~bit;
        sp->unsync_below--;
    }
}

bool shadow_may_write(struct shadow_mmu *m, const struct memslot *slot, gfn_t gfn, bool unsync)
{
    struct slot_pages *p = m->world.pages(m->world.opaque, slot);
    struct shadow_page *sp;

    if (atomic_load_explicit(&p->tracked[gfn - p->base], memory_order_relaxed))
        return false;
    for (sp = shadow_first(m, gfn); sp && !unsync; sp = shadow_next(sp)) {
        if (!sp->unsync)
            return false;
    }
    for (sp = shadow_first(m, gfn); sp; sp = shadow_next(sp)) {
        if (sp->unsync)
            continue;
        m->stats.unsyncs++;
        sp->unsync = true;
        shadow_mark_unsync_above(sp);
    }
    return true;
}

void shadow_sync_page(struct shadow_mmu *m, struct shadow_page *sp, struct shadow_zapped *z)
{
    const struct memslot *slot = memslots_find(m->slots, sp->gfn);

    m->stats.syncs++;
    /* seen from here on: first protected, then read */
    sp->unsync = false;
    if (slot)
        shadow_protect_gfn(m, slot, sp->gfn, z);
    shadow_flush(m, z);
    for (unsigned k = 0; k < SPTES; k++) {
        const struct memslot *target;
        uint64_t leaf;
        gfn_t gfn;

        if (!(spte_get(&sp->spt[k]) & SPTE_P))
            continue;
        leaf = shadow_leaf_of(m, sp, shadow_gpte_read(m, sp->role, shadow_gpte_gpa(sp, k)), false,
                              &gfn, &target);
        if (leaf)
            shadow_set_leaf(m, &sp->spt[k], target, gfn, leaf, z);
        else
            shadow_drop(m, &sp->spt[k], z);
    }
}

void shadow_sync_below(struct shadow_mmu *m, struct shadow_page *sp, struct shadow_zapped *z)
{
    for (unsigned k = 0; k < SPTES && sp->unsync_below; k++) {
        struct shadow_page *child;

        if (!(sp->unsync_map[k / 64] >> (k % 64) & 1))
            continue;
        invariant(spte_is_table(spte_get(&sp->spt[k])));
        child = spte_host(spte_get(&sp->spt[k]));
        if (child->unsync)
            shadow_sync_page(m, child, z);
        else if (child->unsync_below)
            shadow_sync_below(m, child, z);
        shadow_clear_unsync_bit(sp, k);
    }
}
