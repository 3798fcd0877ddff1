/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See guest_walk.h. SDM volume 3A: 4.3 (32-bit), 4.4 (PAE), 4.5 (4- and 5-level), 4.6 (access
 * rights), 4.7 (error codes), 4.8 (A and D).
 */
#include "cpu/mmu_shadow/guest_walk.h"

#include <stddef.h>

#include "base/mutant.h"
#include "base/step.h"
#include "cpu/x86.h"

#define FRAME_64       UINT64_C(0x000ffffffffff000)
#define FRAME_32       UINT64_C(0xfffff000)
#define GPTE_PAT_LARGE UINT64_C(0x1000)

/* ---- what the mode reserves ---- */

/* PSE-36: bits 20..13 of a large entry are address bits 39..32, as far as the processor has them.
 */
static uint64_t pse_reserved(union paging_role role)
{
    uint64_t rsvd = role.has_pat ? 0 : GPTE_PAT_LARGE;

    if (!role.has_pse36)
        return rsvd | 0x3fe000;
    rsvd |= UINT64_C(1) << 21;
    for (unsigned bit = 32; bit < 40; bit++) {
        if (bit >= role.phys_bits)
            rsvd |= UINT64_C(1) << (bit - 32 + 13);
    }
    return rsvd;
}

static uint64_t wide_reserved(union paging_role role, unsigned level, bool large)
{
    uint64_t rsvd = ((UINT64_C(1) << 52) - 1) & ~((UINT64_C(1) << role.phys_bits) - 1);

    if (!role.nxe)
        rsvd |= GPTE_NX;
    if (role.levels == 3)
        rsvd |= UINT64_C(0x7ff) << 52;
    if (level >= 4 || (level == 3 && role.levels >= 4 && !role.has_gbpages))
        rsvd |= GPTE_PS;
    if (large)
        rsvd |= level == 3 ? UINT64_C(0x3fffe000) : UINT64_C(0x1fe000);
    return rsvd;
}

/* 4.6.1, for an access of this kind to a page with these rights. */
static bool rights_permit(union paging_role role, unsigned rights, unsigned access)
{
    if (access & WALK_USER) {
        if (!(rights & RIGHT_U))
            return false;
        if ((access & WALK_WRITE) && !(rights & RIGHT_W))
            return false;
    } else {
        if (rights & RIGHT_U) {
            if ((access & WALK_EXEC) && role.smep)
                return false;
            if (!(access & (WALK_EXEC | WALK_AC)) && role.smap)
                return false;
        }
        if ((access & WALK_WRITE) && !(rights & RIGHT_W) && role.wp)
            return false;
    }
    return !(access & WALK_EXEC) || (rights & RIGHT_X);
}

void guest_paging_set_role(struct guest_paging *p, union paging_role role)
{
    p->role = role;
    for (unsigned access = 0; access < sizeof(p->allowed); access++) {
        p->allowed[access] = 0;
        for (unsigned rights = 0; rights <= RIGHT_ALL; rights++)
            p->allowed[access] |= (uint8_t)(rights_permit(role, rights, access) << rights);
    }
    for (unsigned level = 1; level <= WALK_MAX_LEVELS; level++) {
        for (unsigned large = 0; large < 2; large++) {
            uint64_t *rsvd = &p->rsvd[large][level - 1];

            if (role.levels != 2)
                *rsvd = wide_reserved(role, level, large && level > 1);
            else if (level == 1) /* without CR4.PSE nothing is reserved (4.3) */
                *rsvd = role.pse && !role.has_pat ? GPTE_PS : 0;
            else
                *rsvd = large && role.pse ? pse_reserved(role) : 0;
        }
    }
}

/* ---- rights ---- */

unsigned guest_entry_rights(union paging_role role, uint64_t gpte)
{
    unsigned rights = 0;

    if (gpte & GPTE_W)
        rights |= RIGHT_W;
    if (gpte & GPTE_U)
        rights |= RIGHT_U;
    if (role.levels == 2 || !role.nxe || !(gpte & GPTE_NX))
        rights |= RIGHT_X;
    return rights;
}

/* 4.6.2: keys limit data accesses to user pages, of user and supervisor alike. */
bool guest_key_permits(const struct guest_paging *p, unsigned rights, unsigned pkey,
                       unsigned access)
{
    unsigned bits = p->pkru >> (2 * pkey) & 3;

    if (!(rights & RIGHT_U) || (access & WALK_EXEC) || !bits)
        return true;
    if (bits & 1)
        return false;
    return !(access & WALK_WRITE) || !((access & WALK_USER) || p->role.wp);
}

uint32_t guest_walk_error(const struct guest_paging *p, unsigned access, uint32_t why)
{
    uint32_t error = why;

    if (access & WALK_WRITE)
        error |= PF_W;
    if (access & WALK_USER)
        error |= PF_U;
    if ((access & WALK_EXEC) && (p->role.smep || (p->role.nxe && p->role.levels > 2)))
        error |= PF_I;
    return error;
}

gfn_t guest_leaf_gfn(union paging_role role, uint64_t gpte, unsigned level)
{
    if (role.levels == 2) {
        if (level == 1)
            return (gpte & FRAME_32) >> PAGE_SHIFT;
        return ((gpte & 0xffc00000u) | (gpte & 0x1fe000) << 19) >> PAGE_SHIFT;
    }
    return (gpte & FRAME_64) >> guest_level_shift(role, level)
                                    << (guest_level_shift(role, level) - PAGE_SHIFT);
}

/* ---- the walks ---- */

enum outcome { WALKED, FAULTED, AGAIN };

#define GW(name)      name##_32
#define GW_ENTRY      uint32_t
#define GW_INDEX_BITS 10
#define GW_FRAME      FRAME_32
#define GW_KEYS       0
#include "cpu/mmu_shadow/guest_walk.def"

#define GW(name)      name##_pae
#define GW_ENTRY      uint64_t
#define GW_INDEX_BITS 9
#define GW_FRAME      FRAME_64
#define GW_KEYS       0
#include "cpu/mmu_shadow/guest_walk.def"

#define GW(name)      name##_long
#define GW_ENTRY      uint64_t
#define GW_INDEX_BITS 9
#define GW_FRAME      FRAME_64
#define GW_KEYS       1
#include "cpu/mmu_shadow/guest_walk.def"

static enum outcome walk_once(const struct guest_paging *p, const struct walk_memory *mem, gva_t va,
                              unsigned access, struct guest_walk *out)
{
    uint64_t pdpte;

    switch (p->role.levels) {
    case 2: return walk_32(p, mem, va, access, 2, p->cr3 & FRAME_32, out);
    case 3:
        pdpte = p->pdpte[va >> 30 & 3];
        out->top = 2;
        if (!(pdpte & GPTE_P)) {
            out->error = guest_walk_error(p, access, 0);
            return FAULTED;
        }
        return walk_pae(p, mem, va, access, 2, pdpte & FRAME_64, out);
    default: return walk_long(p, mem, va, access, p->role.levels, p->cr3 & FRAME_64, out);
    }
}

bool guest_walk(const struct guest_paging *p, const struct walk_memory *mem, gva_t va,
                unsigned access, struct guest_walk *out)
{
    enum outcome r;

    do {
        *out = (struct guest_walk){0};
        r = walk_once(p, mem, va, access, out);
    } while (r == AGAIN);
    return r == WALKED;
}
