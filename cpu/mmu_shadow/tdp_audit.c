/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks everything that must hold in the direct MMU while nobody changes it: each leaf maps what
 * its slot says and grants no more than slot, write tracking and dirty logging allow; the formats'
 * reserved bits are clear; the counters count what can be reached.
 */
#include <stdarg.h>
#include <stdio.h>

#include "cpu/mmu_shadow/tdp_internal.h"

struct audit {
    struct tdp_mmu *mmu;
    char *buf;
    size_t size;
    uint64_t tables, leafs[PT_LEVEL_HUGEST + 1];
    const char *broken; /* buf, or NULL */
};

__attribute__((format(printf, 2, 3))) static void broken(struct audit *a, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (!a->broken)
        vsnprintf(a->buf, a->size, format, args);
    va_end(args);
    a->broken = a->buf;
}

static void audit_leaf(struct audit *a, uint64_t spte, gfn_t gfn, int level)
{
    struct tdp_mmu *mmu = a->mmu;
    const struct pt_format *f = mmu->space.format;
    struct tdp_slot slot;
    hva_t hva;

    a->leafs[level]++;
    if (!mmu->ops->slot(mmu->opaque, gfn, &slot) || tdp_slot_level(&slot, gfn) < level) {
        broken(a, "gfn %#llx level %d: not within a slot", (unsigned long long)gfn, level);
        return;
    }
    hva = slot.hva + ((gfn - slot.base) << PAGE_SHIFT);
    if (pt_frame(f, spte) != mmu->space.frame(mmu->space.opaque, hva))
        broken(a, "gfn %#llx level %d: maps what its slot does not", (unsigned long long)gfn,
               level);
    if (pt_rights(f, spte) & ~slot.rights)
        broken(a, "gfn %#llx level %d: grants what its slot does not", (unsigned long long)gfn,
               level);
    if (!(spte & f->write) && !(spte & f->mmu_mayw))
        return;
    if (mmu->ops->write_tracked(mmu->opaque, gfn, pt_pages(level)))
        broken(a, "gfn %#llx level %d: writable though tracked", (unsigned long long)gfn, level);
    if ((spte & f->write) && slot.log_dirty && level > PT_LEVEL_4K)
        broken(a, "gfn %#llx level %d: huge and writable though logged", (unsigned long long)gfn,
               level);
}

static void audit_root(struct audit *a, struct tdp_root *root)
{
    struct tdp_mmu *mmu = a->mmu;
    const struct pt_format *f = mmu->space.format;
    bool invalid = atomic_load_explicit(&root->invalid, memory_order_acquire);
    struct tdp_iter iter;

    a->tables++;
    tdp_for_each(iter, &mmu->space, root->table, mmu->levels, PT_LEVEL_4K, 0, ~UINT64_C(0))
    {
        const char *fault = pt_fault(f, iter.old, iter.level);

        if (fault)
            broken(a, "gfn %#llx level %d: %s", (unsigned long long)iter.gfn, iter.level, fault);
        if (iter.old == f->frozen)
            broken(a, "gfn %#llx level %d: left frozen", (unsigned long long)iter.gfn, iter.level);
        if (pt_is_table(f, iter.old, iter.level))
            a->tables++;
        else if (pt_present(f, iter.old) && invalid)
            a->leafs[iter.level]++; /* nobody's any more: the slots may have changed since */
        else if (pt_present(f, iter.old))
            audit_leaf(a, iter.old, iter.gfn, iter.level);
    }
}

const char *tdp_mmu_audit(struct tdp_mmu *mmu, char *buf, size_t size)
{
    struct audit a = {.mmu = mmu, .buf = buf, .size = size};
    struct tdp_root *root;

    tdp_for_each_root(root, mmu, TDP_ALL_ROOTS) audit_root(&a, root);
    if (a.tables != atomic_load(&mmu->stats.tables))
        broken(&a, "%llu tables counted, %llu found",
               (unsigned long long)atomic_load(&mmu->stats.tables), (unsigned long long)a.tables);
    for (int level = PT_LEVEL_4K; level <= PT_LEVEL_HUGEST; level++) {
        uint64_t counted = atomic_load(&mmu->stats.leafs[level]);

        if (a.leafs[level] != counted)
            broken(&a, "level %d: %llu leaves counted, %llu found", level,
                   (unsigned long long)counted, (unsigned long long)a.leafs[level]);
    }
    return a.broken;
}
