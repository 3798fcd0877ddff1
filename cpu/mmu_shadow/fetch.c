/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fetch: what a guest walk found, without the lock, goes into the shadow tables under it (mail
 * 002). Between the two the guest may have changed its tables, so each entry is read again before
 * the shadow is linked to say the same:
 *
 *   for each level down to the leaf
 *     A  there is a table already: what it says is being kept true, go on
 *     B  get the page for the guest's next table, which protects that table from being written
 *        unseen from here on
 *     C  read this level's entry again: it stands in a table that B of the level above (or the
 *        root's making) has protected, so that if it is still the same now, every later change
 *        will be seen
 *     D  link
 *   read the leaf's entry again, and set the leaf
 */
#include "base/mutant.h"
#include "base/step.h"
#include "cpu/mmu_shadow/memslots.h"
#include "cpu/mmu_shadow/shadow_mmu.h"
#include "cpu/mmu_shadow/slot_pages.h"

/* Entries around a faulting one that are looked at with it: the guest's, and pieces of one large
 * page, which need no reading. */
#define PREFETCH        8u
#define PREFETCH_DIRECT 16u

struct fetch {
    struct shadow_vcpu *v;
    struct shadow_mmu *m;
    struct shadow_owed owed;
    gva_t va;
    const struct guest_walk *gw;
    const struct memslot *slot;
};

/* Has the guest's entry of this level changed since the walk? */
static bool entry_changed(const struct fetch *f, unsigned level)
{
    union shadow_role role = {.guest_levels = f->v->paging.role.levels};

    return shadow_gpte_read(f->m, role, f->gw->gpte_gpa[level - 1]) != f->gw->gpte[level - 1];
}

/* ---- down ---- */

/* The table below an entry; made and linked if there is none. NULL: the guest's entry changed. */
static struct shadow_page *descend(struct fetch *f, struct shadow_page *sp)
{
    unsigned level = sp->role.level;
    spte_t *sptep = &sp->spt[spte_index(f->va, level)];
    uint64_t e = spte_get(sptep);
    union shadow_role role = shadow_role_for(f->v, level - 1, f->va);
    struct shadow_page *child;

    sp->floods = 0;
    role.rights = f->gw->rights[level - 1];
    if (spte_is_table(e)) { /* A */
        child = spte_host(e);
        if (MUTANT(fetch_takes_any_table) ||
            (child->gfn == f->gw->table_gfn[level - 2] && child->role.word == role.word))
            return child;
    }
    shadow_drop(f->m, sptep);
    step("fetch: before B");
    child = shadow_page_get(f->m, f->gw->table_gfn[level - 2], role, &f->owed); /* B */
    if (child->unsync_below && !MUTANT(fetch_links_unsync_below))
        shadow_sync_below(f->m, child, &f->owed); /* flushes while it was not linked passed it by */
    shadow_pay(f->m, &f->owed);
    step("fetch: between B and C");
    if (!MUTANT(fetch_no_check_when_linking) && !MUTANT(fetch_checks_before_protecting) &&
        entry_changed(f, MUTANT(fetch_checks_level_below) ? level - 1 : level)) /* C */
        return NULL;
    shadow_link(f->m, sptep, child); /* D */
    return child;
}

/* The same where one guest entry covers what several SPTEs say. */
static struct shadow_page *descend_direct(struct fetch *f, struct shadow_page *sp)
{
    const struct guest_walk *gw = f->gw;
    unsigned level = sp->role.level;
    spte_t *sptep = &sp->spt[spte_index(f->va, level)];
    uint64_t e = spte_get(sptep);
    gfn_t base = gw->gfn & ~((UINT64_C(1) << (9 * (level - 1))) - 1);
    union shadow_role role = shadow_role_for(f->v, level - 1, f->va);
    struct shadow_page *child;

    role.quadrant = 0;
    role.direct = 1;
    role.rights = gw->rights[gw->level - 1];
    role.dirty = gw->dirty && !MUTANT(direct_pages_share_dirty);
    role.global = !!(gw->gpte[gw->level - 1] & GPTE_G);
    role.key = gw->pkey;
    role.size = gw->level & 3;
    if (spte_is_table(e)) {
        child = spte_host(e);
        if (child->role.word == role.word && child->gfn == base)
            return child;
    }
    shadow_drop(f->m, sptep);
    child = shadow_page_get(f->m, base, role, &f->owed);
    shadow_link(f->m, sptep, child);
    return child;
}

/* ---- the leaf, and its neighbours ---- */

/* The leaf for gfn, which stands in a table of this level. */
static uint64_t make_leaf(const struct fetch *f, unsigned level, gfn_t gfn)
{
    const struct guest_walk *gw = f->gw;
    uint64_t leaf = shadow_leaf(f->slot, gfn, gw->rights[gw->level - 1], gw->dirty,
                                gw->gpte[gw->level - 1] & GPTE_G, gw->pkey);

    if (!MUTANT(leaf_forgets_size))
        leaf |= (uint64_t)(gw->level - 1) << SPTE_SIZE_SHIFT;
    /* a large leaf has no shadowed table below it: slot_max_level saw to that */
    if (gw->dirty && !memslot_readonly(f->slot) && (level > 1 || shadow_may_write(f->m, gfn)))
        leaf |= SPTE_W;
    return leaf;
}

static uint64_t set_leaf(struct fetch *f, struct shadow_page *sp)
{
    unsigned level = sp->role.level;
    gfn_t gfn = f->gw->gfn & ~((UINT64_C(1) << (9 * (level - 1))) - 1);
    uint64_t leaf = make_leaf(f, level, gfn);

    shadow_set_leaf(f->m, &sp->spt[spte_index(f->va, level)], f->slot, gfn, leaf);
    return leaf;
}

static void prefetched(struct fetch *f, spte_t *sptep, const struct memslot *slot, gfn_t gfn,
                       uint64_t leaf)
{
    f->m->stats.prefetched++;
    shadow_map(f->m, sptep, slot, gfn, leaf | SPTE_PREFETCHED);
}

static void prefetch(struct fetch *f, struct shadow_page *sp)
{
    unsigned self = spte_index(f->va, 1), first = self & ~(PREFETCH - 1);

    for (unsigned k = first; k < first + PREFETCH; k++) {
        const struct memslot *slot;
        uint64_t leaf;
        gfn_t gfn;

        if (spte_get(&sp->spt[k]) & SPTE_P)
            continue;
        leaf = shadow_leaf_of(f->m, sp, shadow_gpte_read(f->m, sp->role, shadow_gpte_gpa(sp, k)),
                              &gfn, &slot);
        if (leaf)
            prefetched(f, &sp->spt[k], slot, gfn, leaf);
    }
}

/* Not of a logged slot, where W may be given for stores only. */
static void prefetch_direct(struct fetch *f, struct shadow_page *sp)
{
    unsigned first = spte_index(f->va, 1) & ~(PREFETCH_DIRECT - 1);

    for (unsigned k = first; k < first + PREFETCH_DIRECT; k++) {
        gfn_t gfn = shadow_frame(sp->role, (f->gw->gfn & ~(gfn_t)(SPTES - 1)) + k);

        if (!(spte_get(&sp->spt[k]) & SPTE_P) && memslot_holds(f->slot, gfn))
            prefetched(f, &sp->spt[k], f->slot, gfn, make_leaf(f, 1, gfn));
    }
}

uint64_t shadow_fetch(struct shadow_vcpu *v, gva_t va, const struct guest_walk *gw,
                      const struct memslot *slot)
{
    struct shadow_mmu *m = v->mmu;
    struct fetch f = {.v = v, .m = m, .owed = {.v = v}, .va = va, .gw = gw, .slot = slot};
    bool logged = slot->flags & MEMSLOT_LOG_DIRTY;
    unsigned most = gw->level < SLOT_LEVELS ? gw->level : SLOT_LEVELS, target;
    struct shadow_page *sp;
    uint64_t leaf;

    shadow_make_room(m, WALK_MAX_LEVELS + 1);
    for (unsigned level = gw->top; MUTANT(fetch_checks_before_protecting) && level; level--) {
        if (level > gw->level && entry_changed(&f, level))
            return 0;
    }
    sp = shadow_root_get(v, va, &f.owed);
    while (sp->role.level > gw->level) {
        sp = descend(&f, sp);
        if (!sp)
            return 0;
    }
    step("fetch: before the last check");
    if (!MUTANT(fetch_no_last_check) && entry_changed(&f, gw->level))
        return 0;
    if (logged || (sp->role.a20_shut && !MUTANT(shadow_large_pages_without_a20)))
        most = 1; /* the gate folds large pages */
    target = slot_max_level(m->world.pages(m->world.opaque, slot), gw->gfn, most);
    while (sp->role.level > target)
        sp = descend_direct(&f, sp);
    leaf = set_leaf(&f, sp);
    if (sp->role.level == 1 && !sp->role.direct)
        prefetch(&f, sp);
    else if (sp->role.level == 1 && !logged)
        prefetch_direct(&f, sp);
    return leaf;
}
