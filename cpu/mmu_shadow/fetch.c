/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page fault path: the guest walk without the lock, then, under it, the shadow tables for what
 * it found (mail 002). Between the two the guest may have changed its tables, so each entry is read
 * again before the shadow is linked to say the same:
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

#define PREFETCH 8u /* guest entries around a faulting one that are looked at with it */

struct fetch {
    struct shadow_vcpu *v;
    struct shadow_mmu *m;
    struct shadow_zapped z;
    gva_t va;
    unsigned access;
    const struct guest_walk *gw;
    const struct memslot *slot;
};

/* Has the guest's entry of this level changed since the walk? */
static bool entry_changed(const struct fetch *f, unsigned level)
{
    union shadow_role role = {.guest_levels = f->v->paging.role.levels};

    return shadow_gpte_read(f->m, role, f->gw->gpte_gpa[level - 1]) != f->gw->gpte[level - 1];
}

/* ---- roots ---- */

static union shadow_role role_for(const struct shadow_vcpu *v, unsigned level, gva_t va)
{
    union paging_role p = v->paging.role;
    union shadow_role r = {
        .level = level & 7, .guest_levels = p.levels, .pse = p.pse, .nxe = p.nxe};

    if (p.levels == 2)
        r.quadrant = level == 1 ? va >> 21 & 1 : va >> 30 & 3;
    return r;
}

static unsigned root_index(const struct shadow_vcpu *v, gva_t va)
{
    return v->paging.role.levels >= 4 ? 0 : va >> 30 & 3;
}

static gfn_t root_gfn(const struct shadow_vcpu *v, gva_t va)
{
    const struct guest_paging *p = &v->paging;
    uint64_t base = p->role.levels == 3 ? p->pdpte[va >> 30 & 3] : p->cr3;

    base &= p->role.levels == 2 ? UINT64_C(0xfffff000) : UINT64_C(0x000ffffffffff000);
    return (base & p->a20_mask) >> PAGE_SHIFT;
}

/* A root that is gone or of another address space goes to the cache, in the place of the oldest. */
static void retire_root(struct fetch *f, unsigned k)
{
    struct shadow_vcpu *v = f->v;
    struct shadow_page *sp = v->root[k], *last;

    v->root[k] = NULL;
    if (!sp)
        return;
    if (sp->role.invalid || sp->generation != f->m->generation) {
        shadow_root_put(f->m, sp, &f->z);
        return;
    }
    last = v->cache[v->cache_next];
    v->cache[v->cache_next] = sp;
    v->cache_next = (v->cache_next + 1) % SHADOW_ROOT_CACHE;
    if (last)
        shadow_root_put(f->m, last, &f->z);
}

static struct shadow_page *root_for(struct fetch *f)
{
    struct shadow_vcpu *v = f->v;
    unsigned k = root_index(v, f->va);
    struct shadow_page *sp = v->root[k];
    union shadow_role role;

    if (sp && !sp->role.invalid && sp->generation == f->m->generation)
        return sp;
    retire_root(f, k);
    role = role_for(v, v->paging.role.levels >= 4 ? v->paging.role.levels : 2, f->va);
    role.rights = RIGHT_ALL;
    sp = shadow_page_get(f->m, root_gfn(v, f->va), role, &f->z);
    sp->roots++;
    if (sp->unsync_below && !MUTANT(cr3_load_does_not_sync))
        shadow_sync_below(f->m, sp, &f->z);
    shadow_flush(f->m, &f->z);
    v->root[k] = sp;
    return sp;
}

/* ---- down ---- */

/* The table below an entry; made and linked if there is none. NULL: the guest's entry changed. */
static struct shadow_page *descend(struct fetch *f, struct shadow_page *sp)
{
    unsigned level = sp->role.level;
    spte_t *sptep = &sp->spt[spte_index(f->va, level)];
    uint64_t e = spte_get(sptep);
    union shadow_role role = role_for(f->v, level - 1, f->va);
    struct shadow_page *child;

    sp->floods = 0;
    if (spte_is_table(e)) /* A */
        return spte_host(e);
    shadow_drop(f->m, sptep, &f->z);
    role.rights = f->gw->rights[level - 1];
    step("fetch: before B");
    child = shadow_page_get(f->m, f->gw->table_gfn[level - 2], role, &f->z); /* B */
    if (!MUTANT(fetch_no_flush_after_protecting))
        shadow_flush(f->m, &f->z);
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
    union shadow_role role = role_for(f->v, level - 1, f->va);
    struct shadow_page *child;

    role.quadrant = 0;
    role.direct = 1;
    role.rights = gw->rights[gw->level - 1];
    role.dirty = gw->dirty && !MUTANT(direct_pages_share_dirty);
    role.global = !!(gw->gpte[gw->level - 1] & GPTE_G);
    role.key = gw->pkey;
    if (spte_is_table(e)) {
        child = spte_host(e);
        if (child->role.word == role.word && child->gfn == base)
            return child;
    }
    shadow_drop(f->m, sptep, &f->z);
    child = shadow_page_get(f->m, base, role, &f->z);
    shadow_link(f->m, sptep, child);
    return child;
}

/* ---- the leaf, and its neighbours ---- */

static uint64_t set_leaf(struct fetch *f, struct shadow_page *sp)
{
    const struct guest_walk *gw = f->gw;
    unsigned level = sp->role.level;
    gfn_t gfn = gw->gfn & ~((UINT64_C(1) << (9 * (level - 1))) - 1);
    uint64_t leaf = shadow_leaf(f->slot, gfn, gw->rights[gw->level - 1], gw->dirty,
                                gw->gpte[gw->level - 1] & GPTE_G, gw->pkey);

    /* a large leaf has no shadowed table below it: slot_max_level saw to that */
    if (gw->dirty && !memslot_readonly(f->slot) &&
        (level > 1 || shadow_may_write(f->m, f->slot, gfn, f->access & WALK_WRITE)))
        leaf |= SPTE_W;
    shadow_set_leaf(f->m, &sp->spt[spte_index(f->va, level)], f->slot, gfn, leaf, &f->z);
    return leaf;
}

static void prefetch(struct fetch *f, struct shadow_page *sp)
{
    unsigned self = spte_index(f->va, 1), first = self & ~(PREFETCH - 1);

    for (unsigned k = first; k < first + PREFETCH; k++) {
        const struct memslot *slot;
        uint64_t leaf;
        gfn_t gfn;

        if (k == self || (spte_get(&sp->spt[k]) & SPTE_P))
            continue;
        leaf = shadow_leaf_of(f->m, sp, shadow_gpte_read(f->m, sp->role, shadow_gpte_gpa(sp, k)),
                              false, &gfn, &slot);
        if (!leaf)
            continue;
        f->m->stats.prefetched++;
        shadow_map(f->m, &sp->spt[k], slot, gfn, leaf);
    }
}

/* 0: the guest's tables are not what the walk saw; walk again. */
static uint64_t fetch(struct fetch *f)
{
    const struct guest_walk *gw = f->gw;
    unsigned most = gw->level < SLOT_LEVELS ? gw->level : SLOT_LEVELS;
    unsigned target;
    struct shadow_page *sp;
    uint64_t leaf;

    for (unsigned level = gw->top; MUTANT(fetch_checks_before_protecting) && level; level--) {
        if (level > gw->level && entry_changed(f, level))
            return 0;
    }
    sp = root_for(f);
    while (sp->role.level > gw->level) {
        sp = descend(f, sp);
        if (!sp)
            return 0;
    }
    step("fetch: before the last check");
    if (!MUTANT(fetch_no_last_check) && entry_changed(f, gw->level))
        return 0;
    target = slot_max_level(f->m->world.pages(f->m->world.opaque, f->slot), gw->gfn, most);
    while (sp->role.level > target)
        sp = descend_direct(f, sp);
    leaf = set_leaf(f, sp);
    if (sp->role.level == 1 && !sp->role.direct)
        prefetch(f, sp);
    return leaf;
}

/* ---- translation ---- */

static void fill_xlat(const struct shadow_vcpu *v, gfn_t gfn, unsigned shift, uint64_t leaf,
                      unsigned access, gva_t va, struct shadow_xlat *out)
{
    *out = (struct shadow_xlat){
        .gpa = gfn << PAGE_SHIFT | (va & ~PAGE_MASK),
        .shift = shift,
        .writable = (leaf & SPTE_W) && guest_walk_permits(&v->paging, spte_rights(leaf),
                                                          spte_key(leaf), access | WALK_WRITE),
        .global = (leaf & SPTE_G) && v->paging.role.pge,
        .tracked = (leaf & (SPTE_RAM | SPTE_DIRTY | SPTE_W)) == (SPTE_RAM | SPTE_DIRTY),
    };
}

/* By the tables alone. The vCPU's flush acknowledgements are what keeps them readable: none comes
 * between the first and the last line. */
static bool look_up(const struct shadow_vcpu *v, gva_t va, unsigned access, struct shadow_xlat *out)
{
    const struct shadow_page *sp = v->root[root_index(v, va)];
    uint64_t e;
    unsigned level, index;
    gfn_t gfn;

    if (!sp || v->root_epoch != atomic_load_explicit(&v->mmu->root_epoch, memory_order_acquire))
        return false;
    for (level = sp->role.level;; level--) {
        index = spte_index(va, level);
        e = spte_get(&sp->spt[index]);
        if (!spte_is_table(e))
            break;
        sp = spte_host(e);
    }
    if (!spte_is_leaf(e) || !guest_walk_permits(&v->paging, spte_rights(e), spte_key(e), access) ||
        ((access & WALK_WRITE) && !(e & SPTE_W)))
        return false;
    gfn = sp->leaf_gfn[index] + ((va >> PAGE_SHIFT) & ((UINT64_C(1) << (9 * (level - 1))) - 1));
    if (spte_get(&sp->spt[index]) != e) /* leaf_gfn may be the next one's */
        return false;
    fill_xlat(v, gfn, spte_shift(level), e, access, va, out);
    return true;
}

static void *walk_entry(void *opaque, gpa_t gpa, bool *writable)
{
    const struct shadow_mmu *m = opaque;
    const struct memslot *slot = memslots_find(m->slots, gpa >> PAGE_SHIFT);

    *writable = slot && !memslot_readonly(slot);
    return slot ? memslot_hva(slot, gpa) : NULL;
}

static void walk_dirtied(void *opaque, gpa_t gpa)
{
    const struct shadow_mmu *m = opaque;
    const struct memslot *slot = memslots_find(m->slots, gpa >> PAGE_SHIFT);

    if (slot)
        memslot_mark_dirty(slot, gpa >> PAGE_SHIFT);
}

/* Under the lock: drops what the vCPU has of dead roots. */
static void look_at_roots(struct fetch *f)
{
    struct shadow_vcpu *v = f->v;
    uint64_t epoch = atomic_load_explicit(&f->m->root_epoch, memory_order_relaxed);

    if (v->root_epoch == epoch)
        return;
    v->root_epoch = epoch;
    for (unsigned k = 0; k < 4; k++) {
        if (v->root[k] && (v->root[k]->role.invalid || v->root[k]->generation != f->m->generation))
            retire_root(f, k);
    }
    for (unsigned k = 0; k < SHADOW_ROOT_CACHE; k++) {
        struct shadow_page *sp = v->cache[k];

        if (sp && (sp->role.invalid || sp->generation != f->m->generation)) {
            v->cache[k] = NULL;
            shadow_root_put(f->m, sp, &f->z);
        }
    }
}

enum attempt { ATTEMPT_DONE, ATTEMPT_AGAIN, ATTEMPT_UNCACHED };

/* What a walk found goes into the tables. ATTEMPT_UNCACHED: there is no memory, or the slots are
 * changing; nothing is remembered. */
static enum attempt attempt(struct fetch *f, uint64_t sequence, uint64_t *leaf)
{
    struct shadow_mmu *m = f->m;
    enum attempt r = ATTEMPT_DONE;

    lock_take(&m->lock);
    m->stats.walks++;
    if (!MUTANT(fetch_ignores_slot_changes) &&
        sequence != atomic_load_explicit(&m->sequence, memory_order_relaxed)) {
        r = ATTEMPT_AGAIN;
    } else if (!f->slot || m->changing) {
        r = ATTEMPT_UNCACHED;
    } else {
        look_at_roots(f);
        shadow_make_room(m, WALK_MAX_LEVELS + 1, &f->z);
        *leaf = fetch(f);
        shadow_commit(m, &f->z);
        if (!*leaf)
            r = ATTEMPT_AGAIN;
    }
    m->stats.retries += r == ATTEMPT_AGAIN;
    lock_drop(&m->lock);
    return r;
}

/* By the walk alone. */
static void fill_uncached(const struct shadow_vcpu *v, gva_t va, unsigned access,
                          const struct guest_walk *gw, struct shadow_xlat *out)
{
    *out = (struct shadow_xlat){
        .gpa = gw->gfn << PAGE_SHIFT | (va & ~PAGE_MASK),
        .shift = guest_level_shift(v->paging.role, gw->level),
        .writable = gw->dirty && guest_walk_permits(&v->paging, gw->rights[gw->level - 1], gw->pkey,
                                                    access | WALK_WRITE),
        .global = gw->global,
    };
}

bool shadow_translate(struct shadow_vcpu *v, gva_t va, unsigned access, struct shadow_xlat *out,
                      uint32_t *error)
{
    struct shadow_mmu *m = v->mmu;
    const struct walk_memory mem = {.opaque = m, .entry = walk_entry, .dirtied = walk_dirtied};

    if (look_up(v, va, access, out))
        return true;
    for (;;) {
        struct guest_walk gw;
        struct fetch f = {.v = v, .m = m, .va = va, .access = access, .gw = &gw};
        uint64_t sequence = atomic_load_explicit(&m->sequence, memory_order_acquire), leaf = 0;
        enum attempt r;
        bool inside;

        if (!guest_walk(&v->paging, &mem, va, access, &gw)) {
            *error = gw.error;
            return false;
        }
        f.slot = memslots_find(m->slots, gw.gfn);
        inside = m->world.leave && m->world.leave(v->opaque);
        r = attempt(&f, sequence, &leaf);
        if (inside)
            m->world.enter(v->opaque);
        if (r == ATTEMPT_UNCACHED) {
            fill_uncached(v, va, access, &gw, out);
            return true;
        }
        if (r == ATTEMPT_AGAIN)
            continue;
        /* between the lock and guest mode W may have been taken away again */
        if (look_up(v, va, access, out))
            return true;
        if (!(leaf & SPTE_W) || !(access & WALK_WRITE)) {
            fill_xlat(v, gw.gfn, guest_level_shift(v->paging.role, gw.level), leaf & ~SPTE_W,
                      access, va, out);
            return true;
        }
    }
}

void shadow_new_paging(struct shadow_vcpu *v)
{
    struct shadow_mmu *m = v->mmu;
    struct fetch f = {.v = v, .m = m};

    lock_take(&m->lock);
    for (unsigned k = 0; k < 4; k++)
        retire_root(&f, k);
    look_at_roots(&f);
    if (v->paging.role.levels >= 4 && !m->changing)
        root_for(&f);
    shadow_commit(m, &f.z);
    lock_drop(&m->lock);
}
