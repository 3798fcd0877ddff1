/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the guest does to its tables, seen: stores to a shadowed table, and INVLPG. An entry that
 * was written loses its SPTE; where the new value is a usable leaf it gets the new one at once,
 * since whoever writes an entry mostly uses it next. An upper table that is written again and again
 * without being used is no table any more, nor is one that is written and that nothing leads to:
 * they are zapped. A leaf table that is written again and again is left alone, unsync, until the
 * guest says that its writes count.
 */
#include "base/mutant.h"
#include "cpu/mmu_shadow/memslots.h"
#include "cpu/mmu_shadow/shadow_mmu.h"
#include "cpu/mmu_shadow/slot_pages.h"

#define FLOOD  3 /* writes without a use that make a page no table */
#define UNSYNC 8 /* writes to a leaf table after which reading all of it is cheaper */

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

static void entry_written(struct shadow_mmu *m, struct shadow_page *sp, unsigned at)
{
    unsigned first, n = sptes_of(sp, at, &first);

    for (unsigned k = first; k < first + n; k++) {
        if (sp->role.level == 1)
            shadow_reread(m, sp, k);
        else
            shadow_drop(m, &sp->spt[k]);
    }
}

/* Is it a table no more? */
static bool flooded(struct shadow_mmu *m, struct shadow_page *sp)
{
    if (!sp->roots && !pte_list_count(&sp->parents))
        return true;
    if (sp->role.level == 1 || ++sp->floods < FLOOD)
        return false;
    m->stats.floods++;
    return true;
}

void shadow_written(struct shadow_mmu *m, struct shadow_vcpu *v, gpa_t gpa, unsigned len)
{
    struct shadow_page *sp, *next;
    bool busy = false;

    atomic_fetch_add(&m->telling, 1);
    shadow_lock(m, v);
    m->stats.tracked_writes++;
    for (sp = shadow_first(m, gpa >> PAGE_SHIFT); sp; sp = next) {
        unsigned at = gpa & ~PAGE_MASK;

        next = shadow_next(sp);
        if (flooded(m, sp) || misaligned(sp, at, len)) {
            shadow_zap(m, sp);
            continue;
        }
        if (!MUTANT(written_keeps_entries))
            entry_written(m, sp, at);
        busy |= sp->role.level == 1 && ++sp->stores >= UNSYNC;
    }
    if (busy)
        shadow_unsync(m, gpa >> PAGE_SHIFT);
    atomic_fetch_sub(&m->telling, 1);
    shadow_unlock(m, v);
}

void shadow_invlpg(struct shadow_vcpu *v, gva_t va)
{
    struct shadow_mmu *m = v->mmu;
    struct shadow_page *sp = v->root[shadow_root_index(v, va)];

    shadow_psc_clear(v);
    /* as at a load of CR3: see shadow_root.c */
    if (!sp || !atomic_load_explicit(&sp->unsync_below, memory_order_acquire))
        return;
    shadow_lock(m, v);
    while (!sp->invalid) {
        unsigned index = spte_index(va, sp->role.level);
        uint64_t e = spte_get(&sp->spt[index]);

        if (!spte_is_table(e)) {
            if (sp->unsync) {
                m->stats.syncs++;
                shadow_reread(m, sp, index);
            }
            break;
        }
        sp = spte_host(e);
    }
    shadow_unlock(m, v);
}
