/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a guest's entry to an SPTE: reading it, judging it, and what a leaf then says. */
#include <string.h>

#include "cpu/mmu_shadow/memslots.h"
#include "cpu/mmu_shadow/shadow_mmu.h"

union paging_role shadow_paging_role(const struct shadow_mmu *m, union shadow_role role)
{
    union paging_role r = m->features;

    r.levels = role.guest_levels;
    r.pse = role.pse;
    r.nxe = role.nxe;
    return r;
}

gpa_t shadow_gpte_gpa(const struct shadow_page *sp, unsigned index)
{
    gpa_t table = sp->gfn << PAGE_SHIFT;

    if (sp->role.guest_levels != 2)
        return table + index * 8;
    /* 1024 entries of 4 bytes: level 1 in halves, level 2 in quarters of two SPTEs an entry */
    if (sp->role.level == 1)
        return table + (sp->role.quadrant * 512u + index) * 4;
    return table + (sp->role.quadrant * 256u + index / 2) * 4;
}

uint64_t shadow_gpte_read(const struct shadow_mmu *m, union shadow_role role, gpa_t gpa)
{
    const void *at = memslots_ptr(m->slots, gpa);

    if (!at) /* as the walk sees it */
        return role.guest_levels == 2 ? UINT32_MAX : UINT64_MAX;
    return role.guest_levels == 2 ? __atomic_load_n((const uint32_t *)at, __ATOMIC_RELAXED)
                                  : __atomic_load_n((const uint64_t *)at, __ATOMIC_RELAXED);
}

uint64_t shadow_leaf(const struct memslot *slot, gfn_t gfn, unsigned rights, bool dirty,
                     bool global, unsigned key)
{
    uint64_t e = SPTE_P | SPTE_LEAF | (uint64_t)rights << SPTE_RIGHTS_SHIFT;

    e |= (uintptr_t)memslot_hva(slot, gfn << PAGE_SHIFT);
    if (dirty)
        e |= SPTE_DIRTY;
    if (global)
        e |= SPTE_G;
    if (!memslot_readonly(slot))
        e |= SPTE_RAM;
    return e | (uint64_t)key << SPTE_KEY_SHIFT;
}

/* The bits that are reserved for entries of a page. */
static uint64_t reserved(struct shadow_mmu *m, const struct shadow_page *sp)
{
    union paging_role role = shadow_paging_role(m, sp->role);

    if (m->reading.role.word != role.word)
        guest_paging_set_role(&m->reading, role);
    return m->reading.rsvd[0][0];
}

uint64_t shadow_leaf_of(struct shadow_mmu *m, const struct shadow_page *sp, uint64_t gpte,
                        gfn_t *gfn, const struct memslot **slot)
{
    union paging_role role = shadow_paging_role(m, sp->role);
    bool dirty = gpte & GPTE_D;
    uint64_t leaf;

    if (!(gpte & GPTE_P) || !(gpte & GPTE_A) || (gpte & reserved(m, sp)))
        return 0;
    *gfn = shadow_frame(sp->role, guest_leaf_gfn(role, gpte, 1));
    *slot = memslots_find(m->slots, *gfn);
    if (!*slot)
        return 0;
    leaf = shadow_leaf(*slot, *gfn, sp->role.rights & guest_entry_rights(role, gpte), dirty,
                       gpte & GPTE_G, role.levels >= 4 ? gpte >> 59 & 15 : 0);
    if (dirty && !memslot_readonly(*slot) && shadow_may_write(m, *gfn))
        leaf |= SPTE_W;
    return leaf;
}
