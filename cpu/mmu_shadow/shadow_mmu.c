/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The MMU's life, and what a change of the memory slots does to it; see shadow_mmu.h. */
#include "cpu/mmu_shadow/shadow_mmu.h"

#include <glib.h>

#include "base/error.h"
#include "cpu/mmu_shadow/memslots.h"

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

static void zap_everything(struct shadow_mmu *m)
{
    struct shadow_zapped z = {0};

    while (m->oldest)
        shadow_zap(m, m->oldest, &z);
    shadow_commit(m, &z);
}

void shadow_mmu_free(struct shadow_mmu *m)
{
    if (!m)
        return;
    lock_take(&m->lock);
    zap_everything(m);
    invariant(!m->used && !pte_list_pool_used(&m->pool));
    lock_drop(&m->lock);
    pte_list_pool_destroy(&m->pool);
    lock_clear(&m->lock);
    g_free(m);
}

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
    struct shadow_zapped z = {0};

    if (!v)
        return;
    lock_take(&v->mmu->lock);
    for (unsigned k = 0; k < 4; k++) {
        if (v->root[k])
            shadow_root_put(v->mmu, v->root[k], &z);
    }
    for (unsigned k = 0; k < SHADOW_ROOT_CACHE; k++) {
        if (v->cache[k])
            shadow_root_put(v->mmu, v->cache[k], &z);
    }
    shadow_commit(v->mmu, &z);
    lock_drop(&v->mmu->lock);
    g_free(v);
}

void shadow_begin_change(struct shadow_mmu *m)
{
    lock_take(&m->lock);
    m->changing++;
    m->generation++;
    atomic_fetch_add(&m->sequence, 1);
    atomic_fetch_add(&m->root_epoch, 1);
    zap_everything(m);
    lock_drop(&m->lock);
}

void shadow_end_change(struct shadow_mmu *m)
{
    lock_take(&m->lock);
    invariant(m->changing);
    m->changing--;
    atomic_fetch_add(&m->sequence, 1);
    lock_drop(&m->lock);
}
