/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shadow MMU's side of the dirty log (dirty_log.h): a slot whose log begins has no large and no
 * writable leaf left; what a harvest takes loses W without the lock; and when the log has ended,
 * pieces of large pages go, so that they are mapped large again.
 */
#include "cpu/mmu_shadow/memslots.h"
#include "cpu/mmu_shadow/shadow_mmu.h"
#include "cpu/mmu_shadow/slot_pages.h"

static void take_write(spte_t *sptep, void *arg)
{
    (void)arg;
    atomic_fetch_and(sptep, ~SPTE_W);
}

void shadow_write_protect(const struct slot_pages *p, uint64_t first, uint64_t mask)
{
    for (; mask; mask &= mask - 1) {
        gfn_t gfn = p->base + first + (unsigned)__builtin_ctzll(mask);

        /* logged slots have no huge leaves */
        pte_list_walk_lockless(slot_rmap(p, gfn, 1), take_write, NULL);
    }
}

void shadow_log_begun(struct shadow_mmu *m, const struct memslot *slot)
{
    const struct slot_pages *p;

    lock_take(&m->lock);
    p = m->world.pages(m->world.opaque, slot);
    for (unsigned level = 2; level <= SLOT_LEVELS; level++) {
        gfn_t step = UINT64_C(1) << (9 * (level - 1));

        for (gfn_t gfn = p->base; gfn < p->base + p->npages; gfn = (gfn & ~(step - 1)) + step) {
            struct pte_list_iter iter;
            spte_t *sptep;

            while ((sptep = pte_list_first(slot_rmap(p, gfn, level), &iter)))
                shadow_drop(m, sptep);
        }
    }
    for (gfn_t gfn = p->base; gfn < p->base + p->npages; gfn++)
        pte_list_walk_lockless(slot_rmap(p, gfn, 1), take_write, NULL);
    lock_drop(&m->lock);
}

void shadow_log_ended(struct shadow_mmu *m, const struct memslot *slot)
{
    const struct slot_pages *p;
    struct shadow_page *sp, *next;

    lock_take(&m->lock);
    p = m->world.pages(m->world.opaque, slot);
    for (sp = m->oldest; sp; sp = next) {
        next = sp->next;
        if (!sp->role.direct || !memslot_holds(slot, sp->gfn) ||
            slot_max_level(p, sp->gfn, sp->role.level + 1) <= sp->role.level)
            continue;
        m->stats.recoveries++;
        shadow_zap(m, sp);
    }
    lock_drop(&m->lock);
}
