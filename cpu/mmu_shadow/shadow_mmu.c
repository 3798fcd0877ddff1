/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The MMU's life, its lock, and what a change of the memory slots does to it; see shadow_mmu.h. */
#include "cpu/mmu_shadow/shadow_mmu.h"

#include <glib.h>

#include "base/error.h"
#include "cpu/mmu_shadow/memslots.h"
#include "cpu/mmu_shadow/slot_pages.h"

struct shadow_mmu *shadow_mmu_new(struct memslots_vm *slots, const struct shadow_world *world,
                                  union paging_role features, unsigned limit)
{
    struct shadow_mmu *m = g_new0(struct shadow_mmu, 1);

    lock_init(&m->lock);
    m->slots = slots;
    m->world = *world;
    m->features = features;
    m->limit = limit;
    pte_list_pool_init(&m->pool);
    return m;
}

/* ---- the lock ---- */

void shadow_leave(struct shadow_vcpu *v)
{
    struct shadow_mmu *m = v->mmu;

    if (!v->left && m->world.leave)
        v->left = m->world.leave(v->opaque);
}

void shadow_lock(struct shadow_mmu *m, struct shadow_vcpu *v)
{
    if (v && lock_try(&m->lock))
        return;
    if (v)
        shadow_leave(v);
    lock_take(&m->lock);
}

void shadow_unlock(struct shadow_mmu *m, struct shadow_vcpu *v)
{
    bool left = v && v->left;

    if (v)
        v->left = false;
    lock_drop(&m->lock);
    if (left)
        m->world.enter(v->opaque);
}

/* ---- everything at once ---- */

#define ZAP_BATCH 64

/* Everything is dead at one blow, since nobody finds a page of an earlier generation. Taking them
 * out, one by one, lets others have the lock now and then. */
static void zap_everything(struct shadow_mmu *m)
{
    m->generation++;
    for (unsigned n = 1; m->oldest; n++) {
        shadow_zap(m, m->oldest);
        if (n % ZAP_BATCH == 0) {
            lock_drop(&m->lock);
            lock_take(&m->lock);
        }
    }
}

void shadow_begin_change(struct shadow_mmu *m)
{
    lock_take(&m->lock);
    m->changing++;
    zap_everything(m);
    lock_drop(&m->lock);
}

/* Under the lock. */
static void drop_leaves(struct shadow_mmu *m, const struct memslot *slot, gfn_t gfn)
{
    struct slot_pages *p = m->world.pages(m->world.opaque, slot);

    for (unsigned level = 1; level <= SLOT_LEVELS; level++) {
        struct pte_list_iter iter;
        spte_t *sptep;

        while ((sptep = pte_list_first(slot_rmap(p, gfn, level), &iter)))
            shadow_drop(m, sptep);
    }
}

void shadow_begin_drop(struct shadow_mmu *m, const gfn_t *gfn, unsigned n)
{
    lock_take(&m->lock);
    m->changing++;
    for (unsigned k = 0; k < n; k++) {
        const struct memslot *slot = memslots_find(m->slots, gfn[k]);

        if (slot)
            drop_leaves(m, slot, gfn[k]);
    }
    lock_drop(&m->lock);
}

void shadow_end_change(struct shadow_mmu *m)
{
    lock_take(&m->lock);
    invariant(m->changing);
    m->changing--;
    lock_drop(&m->lock);
}

void shadow_mmu_free(struct shadow_mmu *m)
{
    if (!m)
        return;
    lock_take(&m->lock);
    m->changing++;
    zap_everything(m);
    invariant(!m->used && !pte_list_pool_used(&m->pool));
    shadow_free_pages(m);
    lock_drop(&m->lock);
    pte_list_pool_destroy(&m->pool);
    lock_clear(&m->lock);
    g_free(m);
}

/* ---- vCPUs ---- */

struct shadow_vcpu *shadow_vcpu_new(struct shadow_mmu *m, void *opaque)
{
    struct shadow_vcpu *v = g_new0(struct shadow_vcpu, 1);

    v->mmu = m;
    v->opaque = opaque;
    v->paging.a20_mask = ~UINT64_C(0);
    return v;
}

void shadow_vcpu_free(struct shadow_vcpu *v)
{
    if (!v)
        return;
    lock_take(&v->mmu->lock);
    shadow_roots_drop(v);
    lock_drop(&v->mmu->lock);
    g_free(v);
}
