/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unsync pages: a leaf table that the guest writes often is left unprotected, and its shadow may be
 * behind until the guest says that its writes count (INVLPG, a load of CR3). The tables above know
 * where such pages are, so that a load of CR3 finds them without looking at everything.
 */
#include "base/error.h"
#include "base/mutant.h"
#include "cpu/mmu_shadow/memslots.h"
#include "cpu/mmu_shadow/shadow_mmu.h"

/* Pages that are brought up to date together: their protection is one request to the vCPUs. */
#define BATCH SHADOW_OWED

struct batch {
    unsigned n;
    struct shadow_page *sp[BATCH];
};

/* ---- where they are ---- */

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

/* ---- becoming so ---- */

bool shadow_may_write(const struct shadow_mmu *m, gfn_t gfn)
{
    for (const struct shadow_page *sp = shadow_first(m, gfn); sp; sp = shadow_next(sp)) {
        if (!sp->unsync)
            return false;
    }
    return true;
}

void shadow_unsync(struct shadow_mmu *m, gfn_t gfn)
{
    for (struct shadow_page *sp = shadow_first(m, gfn); sp; sp = shadow_next(sp)) {
        if (sp->role.level > 1)
            return;
    }
    for (struct shadow_page *sp = shadow_first(m, gfn); sp; sp = shadow_next(sp)) {
        if (sp->unsync)
            continue;
        m->stats.unsyncs++;
        sp->unsync = true;
        shadow_mark_unsync_above(sp);
        shadow_unprotect(m, sp);
    }
}

/* ---- and back ---- */

void shadow_reread(struct shadow_mmu *m, struct shadow_page *sp, unsigned index)
{
    const struct memslot *slot;
    uint64_t leaf;
    gfn_t gfn;

    if (!(spte_get(&sp->spt[index]) & SPTE_P))
        return;
    leaf = shadow_leaf_of(m, sp, shadow_gpte_read(m, sp->role, shadow_gpte_gpa(sp, index)), &gfn,
                          &slot);
    if (leaf)
        shadow_set_leaf(m, &sp->spt[index], slot, gfn, leaf);
    else
        shadow_drop(m, &sp->spt[index]);
}

/* First all are protected, so that what is written from then on is seen; then they are read. */
static void sync_batch(struct shadow_mmu *m, const struct batch *b, struct shadow_owed *o)
{
    for (unsigned n = 0; n < b->n; n++)
        shadow_protect(m, b->sp[n], o);
    shadow_pay(m, o);
    for (unsigned n = 0; n < b->n; n++) {
        m->stats.syncs++;
        for (unsigned k = 0; k < SPTES && b->sp[n]->present; k++)
            shadow_reread(m, b->sp[n], k);
    }
}

static void add(struct batch *b, struct shadow_page *sp)
{
    sp->unsync = false;
    sp->stores = 0;
    b->sp[b->n++] = sp;
}

void shadow_sync_page(struct shadow_mmu *m, struct shadow_page *sp, struct shadow_owed *o)
{
    struct batch b = {0};

    add(&b, sp);
    sync_batch(m, &b, o);
}

/* Gathers what is behind below a page; false when there is no room for more. */
static bool gather(struct shadow_page *sp, struct batch *b)
{
    for (unsigned w = 0; w < SPTES / 64; w++) {
        for (uint64_t map = sp->unsync_map[w]; map; map &= map - 1) {
            unsigned k = w * 64 + (unsigned)__builtin_ctzll(map);
            struct shadow_page *child = spte_host(spte_get(&sp->spt[k]));

            invariant(spte_is_table(spte_get(&sp->spt[k])));
            if (b->n == BATCH || (!child->unsync && !gather(child, b)))
                return false;
            if (child->unsync)
                add(b, child);
        }
    }
    return true;
}

/* What was gathered has been read: the tables above need not lead there any more. Not before, since
 * others look at unsync_below without the lock, and then believe the SPTEs (shadow_root.c). */
static void settle(struct shadow_page *sp)
{
    for (unsigned w = 0; w < SPTES / 64; w++) {
        for (uint64_t map = sp->unsync_map[w]; map; map &= map - 1) {
            unsigned k = w * 64 + (unsigned)__builtin_ctzll(map);
            struct shadow_page *child = spte_host(spte_get(&sp->spt[k]));

            settle(child);
            if (!child->unsync && !child->unsync_below)
                shadow_clear_unsync_bit(sp, k);
        }
    }
}

void shadow_sync_below(struct shadow_mmu *m, struct shadow_page *sp, struct shadow_owed *o)
{
    bool all;

    do {
        struct batch b = {0};

        all = gather(sp, &b);
        if (MUTANT(sync_settles_before_reading))
            settle(sp);
        sync_batch(m, &b, o);
        settle(sp);
    } while (!all);
}
