/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU's translations: by the shadow tables alone, without a lock, where they say enough; else by
 * a walk of the guest's tables, whose result is fetched into the shadow.
 *
 * Look-ups read tables that others may be changing. A table that goes is emptied first, and its
 * memory stays a table's: who stands in it finds nothing there. Used again, it says something else,
 * which the count of reuses tells (shadow_mmu.reuse): it goes up before the first new entry is
 * stored, so that whoever has read such an entry finds the count changed.
 */
#include "base/mutant.h"
#include "base/step.h"
#include "cpu/mmu_shadow/memslots.h"
#include "cpu/mmu_shadow/page_track.h"
#include "cpu/mmu_shadow/shadow_mmu.h"

/* ---- paging-structure cache ---- */

static struct shadow_psc *psc_of(struct shadow_vcpu *v, gva_t va)
{
    return &v->psc[(va >> 21 ^ va >> 30) % SHADOW_PSC];
}

void shadow_psc_clear(struct shadow_vcpu *v)
{
    for (unsigned k = 0; k < SHADOW_PSC; k++)
        v->psc[k].tag = 0;
}

void shadow_psc_note(struct shadow_vcpu *v, gva_t va, struct shadow_page *sp)
{
    *psc_of(v, va) = (struct shadow_psc){.tag = (va >> 21) + 1, .sp = sp};
}

/* The table that a look-up may start in, and its level: the root, or one of level 1 that is known.
 */
static struct shadow_page *start_of(struct shadow_vcpu *v, gva_t va, uint64_t reuse,
                                    unsigned *level)
{
    const struct shadow_psc *c = psc_of(v, va);
    struct shadow_page *root;

    if (v->psc_reuse != reuse) { /* some may be other tables by now */
        if (!MUTANT(psc_outlives_reuse))
            shadow_psc_clear(v);
        v->psc_reuse = reuse;
    }
    *level = 1;
    if (c->tag == (va >> 21) + 1)
        return c->sp;
    *level = v->paging.role.levels >= 4 ? v->paging.role.levels : 2;
    root = v->root[shadow_root_index(v, va)];
    return root ? root : shadow_root_held(v, va);
}

/* ---- by the tables ---- */

static void use_prefetched(struct shadow_mmu *m, spte_t *sptep, uint64_t e)
{
    if (!(e & SPTE_PREFETCHED))
        return;
    atomic_fetch_and(sptep, ~SPTE_PREFETCHED);
    atomic_fetch_add_explicit(&m->stats.prefetch_hits, 1, memory_order_relaxed);
}

static void fill_xlat(const struct shadow_vcpu *v, gfn_t gfn, unsigned shift, uint64_t leaf,
                      unsigned access, gva_t va, struct shadow_xlat *out)
{
    *out = (struct shadow_xlat){
        .gpa = gfn << PAGE_SHIFT | (va & ~PAGE_MASK),
        .shift = shift,
        .writable = (leaf & SPTE_W) && guest_walk_permits(&v->paging, spte_rights(leaf),
                                                          spte_key(leaf), access | WALK_WRITE),
        .global = (leaf & SPTE_G) && v->paging.role.pge,
    };
}

enum shadow_found shadow_look_up(struct shadow_vcpu *v, gva_t va, unsigned access,
                                 struct shadow_xlat *out)
{
    struct shadow_mmu *m = v->mmu;
    uint64_t reuse = atomic_load_explicit(&m->reuse, memory_order_acquire), e;
    unsigned level, index;
    struct shadow_page *sp = start_of(v, va, reuse, &level);
    bool known = level == 1;
    gfn_t gfn;

    if (!sp)
        return SHADOW_MISSED;
    step("look-up: at a table");
    for (;; level--) {
        index = spte_index(va, level);
        e = spte_get(&sp->spt[index]);
        step("look-up: entry read");
        if (!spte_is_table(e))
            break;
        sp = spte_host(e);
    }
    gfn = atomic_load_explicit(&sp->leaf_gfn[index], memory_order_acquire);
    /* leaf_gfn may be the next one's; and see above */
    if (!spte_is_leaf(e) || ((spte_get(&sp->spt[index]) ^ e) & ~(SPTE_W | SPTE_PREFETCHED)) ||
        (atomic_load_explicit(&m->reuse, memory_order_relaxed) != reuse &&
         !MUTANT(look_up_ignores_reuse)))
        return SHADOW_MISSED;
    if (!guest_walk_permits(&v->paging, spte_rights(e), spte_key(e), access))
        return SHADOW_MISSED;
    if (level > 1)
        gfn += (va >> PAGE_SHIFT) & ((UINT64_C(1) << (9 * (level - 1))) - 1);
    else if (!known)
        shadow_psc_note(v, va, sp);
    fill_xlat(v, gfn, guest_level_shift(v->paging.role, spte_guest_level(e)), e, access, va, out);
    use_prefetched(m, &sp->spt[index], e);
    if (!(access & WALK_WRITE) || (e & SPTE_W))
        return SHADOW_FOUND;
    return (e & (SPTE_RAM | SPTE_DIRTY)) == (SPTE_RAM | SPTE_DIRTY) ? SHADOW_NO_WRITE
                                                                    : SHADOW_MISSED;
}

/* The SPTE of va; lock held. NULL: there is no leaf. */
static spte_t *leaf_at(struct shadow_vcpu *v, gva_t va, unsigned *level)
{
    struct shadow_page *sp = v->root[shadow_root_index(v, va)];
    spte_t *sptep;

    if (!sp)
        return NULL;
    for (*level = sp->role.level;; --*level) {
        sptep = &sp->spt[spte_index(va, *level)];
        if (!spte_is_table(spte_get(sptep)))
            return spte_is_leaf(spte_get(sptep)) ? sptep : NULL;
        sp = spte_host(spte_get(sptep));
    }
}

/* Gives W back where nothing is against it any more: the page was a table in sync, or was taken
 * from the dirty log. False: to be looked at anew. */
static bool grant_write(struct shadow_vcpu *v, gva_t va, gfn_t gfn)
{
    const uint64_t needs = SPTE_RAM | SPTE_DIRTY;
    struct shadow_mmu *m = v->mmu;
    unsigned level = 0;
    spte_t *sptep;
    bool granted = false;

    shadow_lock(m, v);
    sptep = leaf_at(v, va, &level);
    if (sptep && level == 1 && !m->changing && (spte_get(sptep) & needs) == needs &&
        shadow_page_of(sptep)->leaf_gfn[spte_index(va, 1)] == gfn && shadow_may_write(m, gfn)) {
        shadow_set_leaf(m, sptep, memslots_find(m->slots, gfn), gfn,
                        (spte_get(sptep) & ~SPTE_PREFETCHED) | SPTE_W);
        granted = true;
    }
    shadow_unlock(m, v);
    return granted;
}

/* A store to a page whose W is missing. It is given back, unless stores there are told. Where it is
 * taken again at once, as harvests of the log do, this store need not win that race: it is made
 * without W, and in the log by whoever makes it (mmu_xlat.logged). */
static bool store_without_w(struct shadow_vcpu *v, gva_t va, unsigned access,
                            struct shadow_xlat *out)
{
    gfn_t gfn = out->gpa >> PAGE_SHIFT;
    const struct memslot *slot = memslots_find(v->mmu->slots, gfn);
    enum shadow_found found;

    if (slot && (page_tracked(slot, gfn) & TRACK_TABLES))
        return true;
    if (!slot || !grant_write(v, va, gfn))
        return false;
    found = shadow_look_up(v, va, access, out);
    return found == SHADOW_FOUND || found == SHADOW_NO_WRITE;
}

/* ---- by a walk ---- */

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

enum attempt { ATTEMPT_DONE, ATTEMPT_AGAIN, ATTEMPT_UNCACHED };

/* What a walk found goes into the tables. ATTEMPT_UNCACHED: there is no memory, or the slots are
 * changing; nothing is remembered. */
static enum attempt attempt(struct shadow_vcpu *v, gva_t va, const struct guest_walk *gw,
                            uint64_t *leaf)
{
    struct shadow_mmu *m = v->mmu;
    const struct memslot *slot;
    enum attempt r = ATTEMPT_DONE;

    shadow_lock(m, v);
    m->stats.walks++;
    if (m->changing || !(slot = memslots_find(m->slots, gw->gfn))) {
        /* who was outside may have missed the flush after a change of slots: what was walked before
         * it may be gone */
        r = v->left && !MUTANT(uncached_after_leaving) ? ATTEMPT_AGAIN : ATTEMPT_UNCACHED;
    } else {
        *leaf = shadow_fetch(v, va, gw, slot);
        if (!*leaf)
            r = ATTEMPT_AGAIN;
    }
    m->stats.retries += r == ATTEMPT_AGAIN;
    shadow_unlock(m, v);
    return r;
}

/* By the walk alone. */
static void fill_uncached(const struct shadow_vcpu *v, gva_t va, const struct guest_walk *gw,
                          struct shadow_xlat *out)
{
    *out = (struct shadow_xlat){
        .gpa = gw->gfn << PAGE_SHIFT | (va & ~PAGE_MASK),
        .shift = guest_level_shift(v->paging.role, gw->level),
        .global = gw->global,
    };
}

bool shadow_translate(struct shadow_vcpu *v, gva_t va, unsigned access, struct shadow_xlat *out,
                      uint32_t *error)
{
    struct shadow_mmu *m = v->mmu;
    const struct walk_memory mem = {.opaque = m, .entry = walk_entry, .dirtied = walk_dirtied};
    const uint64_t needs = SPTE_RAM | SPTE_DIRTY;

    for (;;) {
        enum shadow_found found = shadow_look_up(v, va, access, out);
        struct guest_walk gw;
        uint64_t leaf = 0;
        enum attempt r;

        if (found == SHADOW_FOUND ||
            (found == SHADOW_NO_WRITE && store_without_w(v, va, access, out)))
            return true;
        if (!guest_walk(&v->paging, &mem, va, access, &gw)) {
            *error = gw.error;
            return false;
        }
        r = attempt(v, va, &gw, &leaf);
        if (r == ATTEMPT_UNCACHED) {
            fill_uncached(v, va, &gw, out);
            return true;
        }
        psc_of(v, va)->tag = 0; /* there may be another table now */
        /* The tables are asked again: between the lock and guest mode W may have been taken away.
         * Not where they will never have W: stores to ROM, or by a table in ROM that cannot say D.
         */
        if (r == ATTEMPT_DONE && (access & WALK_WRITE) && (leaf & needs) != needs) {
            fill_xlat(v, gw.gfn, guest_level_shift(v->paging.role, gw.level), leaf, access, va,
                      out);
            return true;
        }
    }
}
