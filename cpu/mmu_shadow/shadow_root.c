/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU's roots. Each of the address spaces that it used last has its root held, with a reference,
 * so that a load of CR3 finds it again without the lock; unless a leaf table somewhere below is
 * behind, which the load brings up to date.
 *
 * Looking at unsync_below without the lock is enough: a store of the guest's that such a table is
 * behind by was allowed only after the count had been raised under the lock, and whoever loads CR3
 * and has the right to see that store sees what came before it.
 */
#include "base/mutant.h"
#include "base/step.h"
#include "cpu/mmu_shadow/shadow_mmu.h"

union shadow_role shadow_role_for(const struct shadow_vcpu *v, unsigned level, gva_t va)
{
    union paging_role p = v->paging.role;
    union shadow_role r = {
        .level = level & 7, .guest_levels = p.levels, .pse = p.pse, .nxe = p.nxe};

    r.a20_shut = v->paging.a20_mask != ~UINT64_C(0) && !MUTANT(shadow_role_forgets_a20);
    if (p.levels == 2)
        r.quadrant = level == 1 ? va >> 21 & 1 : va >> 30 & 3;
    return r;
}

static union shadow_role root_role(const struct shadow_vcpu *v, gva_t va)
{
    unsigned levels = v->paging.role.levels;
    union shadow_role r = shadow_role_for(v, levels >= 4 ? levels : 2, va);

    r.rights = RIGHT_ALL;
    return r;
}

static gfn_t root_gfn(const struct shadow_vcpu *v, gva_t va)
{
    const struct guest_paging *p = &v->paging;
    uint64_t base = p->role.levels == 3 ? p->pdpte[va >> 30 & 3] : p->cr3;

    base &= p->role.levels == 2 ? UINT64_C(0xfffff000) : UINT64_C(0x000ffffffffff000);
    return (base & p->a20_mask) >> PAGE_SHIFT;
}

static bool alive(const struct shadow_mmu *m, const struct shadow_page *sp)
{
    return !atomic_load_explicit(&sp->invalid, memory_order_acquire) &&
           sp->generation == atomic_load_explicit(&m->generation, memory_order_acquire);
}

/* Among those held; NULL if it is not there or dead. */
static struct shadow_page *find_held(struct shadow_vcpu *v, gfn_t gfn, union shadow_role role)
{
    for (unsigned k = 0; k < SHADOW_ROOTS; k++) {
        struct shadow_page *sp = v->held[k].sp;

        if (sp && sp->gfn == gfn && sp->role.word == role.word && alive(v->mmu, sp)) {
            v->held[k].used = ++v->uses;
            return sp;
        }
    }
    return NULL;
}

struct shadow_page *shadow_root_held(struct shadow_vcpu *v, gva_t va)
{
    struct shadow_page *sp = find_held(v, root_gfn(v, va), root_role(v, va));

    if (!sp || (atomic_load_explicit(&sp->unsync_below, memory_order_acquire) &&
                !MUTANT(cr3_load_does_not_sync)))
        return NULL;
    v->root[shadow_root_index(v, va)] = sp;
    return sp;
}

/* ---- lock held ---- */

/* Lets go of the one held in place k. It may be used again as another table at once, so the vCPU's
 * look-ups may not begin in it any more. */
static void let_go(struct shadow_vcpu *v, unsigned k)
{
    struct shadow_page *sp = v->held[k].sp;

    for (unsigned r = 0; r < 4 && !MUTANT(roots_outlive_their_hold); r++) {
        if (v->root[r] == sp)
            v->root[r] = NULL;
    }
    v->held[k].sp = NULL;
    v->held[k].used = 0;
    shadow_root_put(v->mmu, sp);
}

/* In the place of one that is dead, or was used longest ago. */
static void hold(struct shadow_vcpu *v, struct shadow_page *sp)
{
    unsigned at = 0;

    for (unsigned k = 0; k < SHADOW_ROOTS; k++) {
        if (v->held[k].sp && !alive(v->mmu, v->held[k].sp))
            let_go(v, k);
        if (v->held[k].used < v->held[at].used)
            at = k;
    }
    if (v->held[at].sp)
        let_go(v, at);
    shadow_root_hold(sp);
    v->held[at].sp = sp;
    v->held[at].used = ++v->uses;
}

struct shadow_page *shadow_root_get(struct shadow_vcpu *v, gva_t va, struct shadow_owed *o)
{
    struct shadow_page **root = &v->root[shadow_root_index(v, va)];

    if (*root && alive(v->mmu, *root))
        return *root;
    *root = find_held(v, root_gfn(v, va), root_role(v, va));
    if (!*root) {
        struct shadow_page *sp = shadow_page_get(v->mmu, root_gfn(v, va), root_role(v, va), o);

        hold(v, sp);
        *root = sp;
    }
    if ((*root)->unsync_below && !MUTANT(cr3_load_does_not_sync))
        shadow_sync_below(v->mmu, *root, o);
    shadow_pay(v->mmu, o);
    return *root;
}

void shadow_roots_drop(struct shadow_vcpu *v)
{
    for (unsigned k = 0; k < SHADOW_ROOTS; k++) {
        if (v->held[k].sp)
            shadow_root_put(v->mmu, v->held[k].sp);
        v->held[k].sp = NULL;
    }
    for (unsigned k = 0; k < 4; k++)
        v->root[k] = NULL;
}

/* ---- the vCPU's thread ---- */

/* A root that is not held is got by the first fault: nothing is behind in what is not used. */
void shadow_new_paging(struct shadow_vcpu *v)
{
    shadow_psc_clear(v);
    for (unsigned k = 0; k < 4; k++)
        v->root[k] = NULL;
}
