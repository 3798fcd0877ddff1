/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the guest does to its tables, seen: stores to a shadowed table, and INVLPG. An entry that
 * was written loses its SPTE; where the new value is a usable leaf it gets the new one at once,
 * since whoever writes an entry mostly uses it next. A page that is written again and again without
 * being used is no table any more, and is zapped.
 */
#include "base/mutant.h"
#include "cpu/mmu_shadow/memslots.h"
#include "cpu/mmu_shadow/shadow_mmu.h"
#include "cpu/mmu_shadow/slot_pages.h"

#define FLOOD 3 /* writes without a use that make a page no table */

/* Bytes at..at+len-1 of a page are not within one entry: no driver writes a table like that. */
static bool misaligned(const struct shadow_page *sp, unsigned at, unsigned len)
{
    unsigned size = sp->role.guest_levels == 2 ? 4 : 8;

    return (at & (size - 1)) + len > size || len < 4;
}

/* The SPTEs that guest entry `at` (bytes into the page) is behind: *first and how many; 0: another
 * quadrant's. */
static unsigned sptes_of(const struct shadow_page *sp, unsigned at, unsigned *first)
{
    unsigned entry = at / (sp->role.guest_levels == 2 ? 4 : 8);

    if (sp->role.guest_levels != 2) {
        *first = entry;
        return 1;
    }
    if (sp->role.level == 1) {
        *first = entry % 512;
        return entry / 512 == sp->role.quadrant;
    }
    *first = entry % 256 * 2;
    return entry / 256 == sp->role.quadrant ? 2 : 0;
}

static void entry_written(struct shadow_mmu *m, struct shadow_page *sp, unsigned at,
                          struct shadow_zapped *z)
{
    unsigned first, n = sptes_of(sp, at, &first);

    for (unsigned k = first; k < first + n; k++) {
        const struct memslot *slot;
        uint64_t leaf = 0;
        gfn_t gfn;

        if (!(spte_get(&sp->spt[k]) & SPTE_P))
            continue;
        if (sp->role.level == 1)
            leaf = shadow_leaf_of(m, sp, shadow_gpte_read(m, sp->role, shadow_gpte_gpa(sp, k)),
                                  false, &gfn, &slot);
        if (leaf)
            shadow_set_leaf(m, &sp->spt[k], slot, gfn, leaf, z);
        else
            shadow_drop(m, &sp->spt[k], z);
    }
}

/* Leaf tables are written often and rightly: these become unsync instead. */
static bool flooded(struct shadow_mmu *m, struct shadow_page *sp)
{
    if (sp->role.level == 1 || ++sp->floods < FLOOD)
        return false;
    m->stats.floods++;
    return true;
}

void shadow_written(struct shadow_mmu *m, gpa_t gpa, unsigned len)
{
    struct shadow_zapped z = {0};
    struct shadow_page *sp, *next;

    lock_take(&m->lock);
    m->stats.tracked_writes++;
    for (sp = shadow_first(m, gpa >> PAGE_SHIFT); sp; sp = next) {
        unsigned at = gpa & ~PAGE_MASK;

        next = shadow_next(sp);
        if (flooded(m, sp) || misaligned(sp, at, len))
            shadow_zap(m, sp, &z);
        else if (!MUTANT(written_keeps_entries))
            entry_written(m, sp, at, &z);
    }
    shadow_commit(m, &z);
    lock_drop(&m->lock);
}

void shadow_invlpg(struct shadow_vcpu *v, gva_t va)
{
    struct shadow_mmu *m = v->mmu;
    unsigned k = v->paging.role.levels >= 4 ? 0 : va >> 30 & 3;
    struct shadow_zapped z = {0};
    struct shadow_page *sp;

    lock_take(&m->lock);
    for (sp = v->root[k]; sp && !sp->role.invalid;) {
        unsigned index = spte_index(va, sp->role.level);
        uint64_t e = spte_get(&sp->spt[index]);
        const struct memslot *slot;
        uint64_t leaf;
        gfn_t gfn;

        if (spte_is_table(e)) {
            sp = spte_host(e);
            continue;
        }
        if (!spte_is_leaf(e) || !sp->unsync)
            break;
        leaf = shadow_leaf_of(m, sp, shadow_gpte_read(m, sp->role, shadow_gpte_gpa(sp, index)),
                              false, &gfn, &slot);
        m->stats.syncs++;
        if (leaf)
            shadow_set_leaf(m, &sp->spt[index], slot, gfn, leaf, &z);
        else
            shadow_drop(m, &sp->spt[index], &z);
        break;
    }
    shadow_commit(m, &z);
    lock_drop(&m->lock);
}
