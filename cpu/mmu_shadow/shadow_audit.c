/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every invariant of the shadow MMU, looked at one by one; the VM stops at the first that does not
 * hold. Slow; run at named points in debug and fuzz builds, and by tests after each step.
 */
#include <sched.h>

#include "base/error.h"
#include "base/step.h"
#include "cpu/mmu_shadow/memslots.h"
#include "cpu/mmu_shadow/page_track.h"
#include "cpu/mmu_shadow/shadow_mmu.h"
#include "cpu/mmu_shadow/slot_pages.h"

static unsigned occurrences(const struct pte_list *list, const spte_t *sptep)
{
    struct pte_list_iter iter;
    spte_t *at;
    unsigned n = 0;

    pte_list_check(list);
    pte_list_for_each(list, &iter, at) n += at == sptep;
    return n;
}

static void audit_leaf(struct shadow_mmu *m, const struct shadow_page *sp, unsigned k, uint64_t e)
{
    gfn_t gfn = sp->leaf_gfn[k];
    const struct memslot *slot = memslots_find(m->slots, gfn);
    struct slot_pages *p;
    unsigned level = sp->role.level;

    invariant(slot);
    p = m->world.pages(m->world.opaque, slot);
    invariant(spte_host(e) == memslot_hva(slot, gfn << PAGE_SHIFT));
    invariant(occurrences(slot_rmap(p, gfn, level), &sp->spt[k]) == 1);
    invariant(!(spte_rights(e) & ~sp->role.rights));
    invariant(spte_guest_level(e) == (sp->role.direct ? sp->role.size : level));
    invariant(level == 1 || slot_max_level(p, gfn, level) == level);
    if (!(e & SPTE_W))
        return;
    invariant((e & SPTE_RAM) && (e & SPTE_DIRTY) && !memslot_readonly(slot));
    for (uint64_t n = 0; n < UINT64_C(1) << (9 * (level - 1)); n++) {
        invariant(!(page_tracked(slot, gfn + n) & TRACK_TABLES));
        for (const struct shadow_page *t = shadow_first(m, gfn + n); t; t = shadow_next(t))
            invariant(t->unsync);
    }
}

/* A page that is not behind says what its guest table says now. */
static void audit_truth(const struct shadow_mmu *m, const struct shadow_page *sp, unsigned k,
                        uint64_t e)
{
    union paging_role role = shadow_paging_role(m, sp->role);
    uint64_t gpte = shadow_gpte_read(m, sp->role, shadow_gpte_gpa(sp, k));
    unsigned level = sp->role.level;
    bool leaf = guest_entry_is_leaf(role, gpte, level);
    const struct shadow_page *child = spte_is_table(e) ? spte_host(e) : NULL;
    unsigned rights = sp->role.rights & guest_entry_rights(role, gpte);
    gfn_t gfn;

    if (sp->role.direct || sp->unsync)
        return;
    invariant(gpte & GPTE_P);
    if (leaf) {
        uint64_t pages = UINT64_C(1) << (guest_level_shift(role, level) - PAGE_SHIFT);

        gfn = child ? child->gfn : sp->leaf_gfn[k];
        invariant(!child || child->role.direct);
        invariant((gfn & ~(pages - 1)) ==
                  shadow_frame(sp->role, guest_leaf_gfn(role, gpte, level)));
        invariant((child ? child->role.rights : spte_rights(e)) == rights);
    } else {
        /* a table's frame stands where a 4 KiB page's does */
        gfn = shadow_frame(sp->role, guest_leaf_gfn(role, gpte & ~GPTE_PS, 1));
        invariant(child && !child->role.direct);
        invariant(child->gfn == gfn && child->role.rights == rights);
    }
}

static void audit_page(struct shadow_mmu *m, const struct shadow_page *sp)
{
    unsigned present = 0, unsync = 0;

    invariant(!sp->invalid);
    invariant(!sp->unsync || (sp->role.level == 1 && !sp->role.direct));
    for (unsigned k = 0; k < SPTES; k++) {
        uint64_t e = spte_get(&sp->spt[k]);
        bool marked = sp->unsync_map[k / 64] >> (k % 64) & 1;

        unsync += marked;
        invariant(!marked || spte_is_table(e));
        if (!(e & SPTE_P)) {
            invariant(!e);
            continue;
        }
        present++;
        audit_truth(m, sp, k, e);
        if (spte_is_leaf(e)) {
            audit_leaf(m, sp, k, e);
        } else {
            const struct shadow_page *child = spte_host(e);

            invariant(child->role.level == sp->role.level - 1 && !child->invalid);
            invariant(occurrences(&child->parents, &sp->spt[k]) == 1);
            invariant(!(child->unsync || child->unsync_below) || marked);
        }
    }
    invariant(present == sp->present && unsync == sp->unsync_below);
}

/* What the slot's books say is what the active pages are. */
static void audit_counts(struct shadow_mmu *m, const struct shadow_page *sp)
{
    const struct memslot *slot = memslots_find(m->slots, sp->gfn);
    unsigned in_sync = 0;

    if (sp->role.direct || !slot)
        return;
    for (const struct shadow_page *t = shadow_first(m, sp->gfn); t; t = shadow_next(t))
        in_sync += !t->unsync;
    invariant((page_tracked(slot, sp->gfn) & TRACK_TABLES) == in_sync * TRACK_TABLE);
}

void shadow_audit(struct shadow_mmu *m)
{
    unsigned used = 0;

    while (atomic_load(&m->telling)) {
        step_spin("audit: stores are being told of");
        sched_yield();
    }
    lock_take(&m->lock);
    for (struct shadow_page *sp = m->oldest; sp; sp = sp->next) {
        invariant(sp->next ? sp->next->prev == sp : m->newest == sp);
        audit_page(m, sp);
        audit_counts(m, sp);
        used++;
    }
    invariant(used == m->used);
    lock_drop(&m->lock);
}
