/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mmu=walk: a plain walk of the guest's page tables at every TLB miss, nothing remembered. 32-bit
 * with PSE and PSE-36, PAE, 4-level and 5-level paging; NX, WP, SMEP, SMAP, protection keys,
 * reserved bits, A/D by compare-and-swap. Intel SDM volume 3A, chapter 4 (4.3 32-bit, 4.4 PAE, 4.5
 * 4- and 5-level, 4.6 access rights, 4.7 error codes). Also the oracle that the shadow MMU is
 * tested against.
 */
#include "cpu/mmu.h"

#include "base/mutant.h"
#include "cpu/features.h"

#define PTE_P         UINT64_C(0x001)
#define PTE_W         UINT64_C(0x002)
#define PTE_U         UINT64_C(0x004)
#define PTE_A         UINT64_C(0x020)
#define PTE_D         UINT64_C(0x040)
#define PTE_PS        UINT64_C(0x080)
#define PTE_PAT       UINT64_C(0x080) /* in the last level */
#define PTE_G         UINT64_C(0x100)
#define PTE_PAT_LARGE UINT64_C(0x1000)
#define PTE_NX        (UINT64_C(1) << 63)

enum paging { PAGING_32, PAGING_PAE, PAGING_4, PAGING_5 };

/* One walk in progress. */
struct walk {
    struct cpu *cpu;
    enum paging paging;
    gva_t va;
    unsigned acc;
    bool user, explicit_ac;
    uint64_t rights;    /* AND of W and U over the levels; NX is OR-ed in */
    unsigned key;       /* of the page */
    bool keyless;       /* keys do not count */
    uint64_t phys_rsvd; /* address bits above MAXPHYADDR */
};

static uint32_t fault_code(const struct walk *w, uint32_t why)
{
    uint32_t err = why;

    if (w->acc & ACC_W)
        err |= PF_W;
    if (w->user)
        err |= PF_U;
    if ((w->acc & ACC_X) && ((w->cpu->efer & EFER_NXE) || (w->cpu->cr4 & CR4_SMEP)) &&
        (w->paging != PAGING_32 || (w->cpu->cr4 & CR4_SMEP)))
        err |= PF_I;
    return err;
}

/* 4.6.2: does the page's key stop the access? With CR4.PKE in long mode, data accesses to user
 * pages are stopped by AD, writes by WD too, but those of a supervisor only with CR0.WP. */
static bool key_stops(const struct walk *w)
{
    const struct cpu *cpu = w->cpu;
    bool ad = cpu->pkru >> (w->key * 2) & 1, wd = cpu->pkru >> (w->key * 2 + 1) & 1;

    if (!(cpu->cr4 & CR4_PKE) || !(cpu->efer & EFER_LMA) || w->keyless)
        return false;
    if ((w->acc & ACC_X) || !(w->rights & PTE_U))
        return false;
    return ad || (wd && (w->acc & ACC_W) && (w->user || (cpu->cr0 & CR0_WP)));
}

/* 4.6.1: may an access with these rights go on? */
static bool allowed(const struct walk *w)
{
    const struct cpu *cpu = w->cpu;
    bool user_page = w->rights & PTE_U;

    if (w->user) {
        if (!user_page)
            return false;
        if ((w->acc & ACC_W) && !(w->rights & PTE_W))
            return false;
    } else {
        if (user_page) {
            if ((w->acc & ACC_X) && (cpu->cr4 & CR4_SMEP))
                return false;
            if (!(w->acc & ACC_X) && (cpu->cr4 & CR4_SMAP) && !w->explicit_ac)
                return false;
        }
        if ((w->acc & ACC_W) && !(w->rights & PTE_W) && (cpu->cr0 & CR0_WP))
            return false;
    }
    return !((w->acc & ACC_X) && (w->rights & PTE_NX) && (cpu->efer & EFER_NXE));
}

/* Bits that must be zero in an entry at `level` (1 is the last), given its PS bit. */
static uint64_t reserved_bits(const struct walk *w, unsigned level, bool large)
{
    const struct cpu *cpu = w->cpu;
    uint64_t rsvd = 0;

    if (w->paging == PAGING_32) {
        bool pat = cpu->features & FEAT(PAT);

        /* without CR4.PSE nothing is reserved (4.3) */
        if (level == 1)
            return (cpu->cr4 & CR4_PSE) && !pat ? PTE_PAT : 0;
        if (!large)
            return 0;
        if (!pat)
            rsvd |= PTE_PAT_LARGE;
        /* PSE-36: bits 20..13 are address bits 39..32, as many as there are; bit 21 is reserved */
        if (cpu->features & FEAT(PSE36)) {
            rsvd |= 1u << 21;
            for (unsigned bit = 32; bit < 40; bit++) {
                if (bit >= cpu->phys_bits)
                    rsvd |= 1u << (bit - 32 + 13);
            }
            return rsvd;
        }
        return rsvd | 0x3fe000;
    }
    rsvd = w->phys_rsvd;
    if (!(cpu->efer & EFER_NXE))
        rsvd |= PTE_NX;
    if (w->paging == PAGING_PAE)
        rsvd |= UINT64_C(0x7ff) << 52;
    if (level >= 4 || (level == 3 && w->paging >= PAGING_4 && !(cpu->features & FEAT(PDPE1GB))))
        rsvd |= PTE_PS;
    if (large)
        rsvd |= level == 3 ? UINT64_C(0x3fffe000) : UINT64_C(0x1fe000);
    return rsvd;
}

/* Sets bits in a guest entry unless it changed meanwhile; false: look again. */
static bool entry_update(void *p, bool wide, uint64_t old, uint64_t set)
{
    if (wide) {
        uint64_t expect = old;

        return __atomic_compare_exchange_n((uint64_t *)p, &expect, old | set, false,
                                           __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
    uint32_t expect = (uint32_t)old;

    return __atomic_compare_exchange_n((uint32_t *)p, &expect, (uint32_t)(old | set), false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static gpa_t large_base(const struct walk *w, uint64_t e, unsigned level)
{
    if (w->paging == PAGING_32)
        return (e & 0xffc00000u) | ((e & 0x1fe000) << 19);
    return e & (level == 3 ? UINT64_C(0x000fffffc0000000) : UINT64_C(0x000fffffffe00000));
}

enum outcome { WALK_OK, WALK_FAULT, WALK_AGAIN };

/* One attempt from the root; WALK_AGAIN when an entry changed under it. `touch`: set A and D. */
static enum outcome walk_once(struct walk *w, gpa_t table, unsigned level, bool touch,
                              struct mmu_xlat *out, uint32_t *why)
{
    struct cpu *cpu = w->cpu;
    bool wide = w->paging != PAGING_32;
    unsigned index_bits = wide ? 9 : 10;
    void *hosts[5];
    const struct memslot *slots[5];
    gfn_t tables[5];
    uint64_t entries[5];
    unsigned depth = 0;

    w->rights = PTE_W | PTE_U;
    for (;; level--) {
        unsigned shift = PAGE_SHIFT + (level - 1) * index_bits;
        uint64_t index = (w->va >> shift) & ((1u << index_bits) - 1);
        gpa_t at = table + index * (wide ? 8 : 4);
        const struct memslot *slot = memslots_find(cpu->slots, (at & cpu->a20_mask) >> PAGE_SHIFT);
        void *p = slot ? memslot_hva(slot, at & cpu->a20_mask) : NULL;
        uint64_t e = !p     ? ~UINT64_C(0)
                     : wide ? __atomic_load_n((uint64_t *)p, __ATOMIC_RELAXED)
                            : __atomic_load_n((uint32_t *)p, __ATOMIC_RELAXED);
        bool large;

        if (!(e & PTE_P)) {
            *why = 0;
            return WALK_FAULT;
        }
        large = level > 1 && (e & PTE_PS) && (wide || (cpu->cr4 & CR4_PSE)) && level < 4;
        if (e & reserved_bits(w, level, large)) {
            *why = PF_P | PF_RSVD;
            return WALK_FAULT;
        }
        w->rights = (w->rights & (e | PTE_NX)) | (wide ? e & PTE_NX : 0);
        hosts[depth] = slot && !memslot_readonly(slot) ? p : NULL; /* ROM drops the A and D bits */
        slots[depth] = slot;
        tables[depth] = (at & cpu->a20_mask) >> PAGE_SHIFT;
        entries[depth++] = e;
        if (level > 1 && !large) {
            table = e & (wide ? UINT64_C(0x000ffffffffff000) : UINT64_C(0xfffff000));
            continue;
        }
        w->key = e >> 59 & 15;
        if (!allowed(w) || key_stops(w)) {
            *why = PF_P | (key_stops(w) ? PF_PK : 0);
            return WALK_FAULT;
        }
        for (unsigned k = 0; touch && k < depth; k++) {
            uint64_t set = PTE_A | (k == depth - 1 && (w->acc & ACC_W) ? PTE_D : 0);

            if (!hosts[k] || (entries[k] & set) == set)
                continue;
            if (!entry_update(hosts[k], wide, entries[k], set))
                return WALK_AGAIN;
            if (!MUTANT(mmu_walk_marks_nothing))
                memslot_mark_dirty(slots[k], tables[k]);
        }
        out->gpa = large ? (large_base(w, e, level) | (w->va & ((UINT64_C(1) << shift) - 1)))
                         : (e & (wide ? UINT64_C(0x000ffffffffff000) : UINT64_C(0xfffff000))) |
                               (w->va & ~PAGE_MASK);
        out->global = (e & PTE_G) && (cpu->cr4 & CR4_PGE);
        out->shift = (uint8_t)shift;
        out->logged = false;
        w->acc = ACC_W; /* would a write pass too, with D already set? */
        out->writable = ((e & PTE_D) || (touch && (*why & PF_W))) && allowed(w) && !key_stops(w);
        return WALK_OK;
    }
}

static int walk(struct cpu *cpu, gva_t va, unsigned acc, bool user, bool explicit_ac, bool touch,
                struct mmu_xlat *out, uint32_t *err)
{
    struct walk w = {
        .cpu = cpu, .acc = acc, .user = user, .explicit_ac = explicit_ac, .keyless = !touch};
    uint32_t why;
    enum outcome r;

    if (!(cpu->cr0 & CR0_PG)) {
        *out = (struct mmu_xlat){
            .gpa = va & cpu->a20_mask, .writable = true, .global = true, .shift = PAGE_SHIFT};
        return 0;
    }
    w.va = va;
    w.phys_rsvd = ((UINT64_C(1) << 52) - 1) & ~((UINT64_C(1) << cpu->phys_bits) - 1);
    do {
        gpa_t table;
        unsigned level;

        w.acc = acc;
        if (cpu->efer & EFER_LMA) {
            w.paging = cpu->cr4 & CR4_LA57 ? PAGING_5 : PAGING_4;
            table = cpu->cr3 & UINT64_C(0x000ffffffffff000);
            level = w.paging == PAGING_5 ? 5 : 4;
        } else if (cpu->cr4 & CR4_PAE) {
            uint64_t pdpte = cpu->pdpte[(va >> 30) & 3];

            w.paging = PAGING_PAE;
            if (!(pdpte & PTE_P)) {
                *err = fault_code(&w, 0);
                return -1;
            }
            table = pdpte & UINT64_C(0x000ffffffffff000);
            level = 2;
        } else {
            w.paging = PAGING_32;
            table = cpu->cr3 & 0xfffff000u;
            level = 2;
        }
        why = acc & ACC_W ? PF_W : 0; /* in: whether D is being set */
        r = walk_once(&w, table, level, touch, out, &why);
    } while (r == WALK_AGAIN);
    out->gpa &= cpu->a20_mask;
    if (r == WALK_FAULT) {
        *err = fault_code(&w, why);
        return -1;
    }
    return 0;
}

static int walk_translate(struct cpu *cpu, gva_t va, unsigned acc, bool user, bool explicit_ac,
                          struct mmu_xlat *out, uint32_t *err)
{
    cpu->stat_walks += cpu->cr0 & CR0_PG ? 1 : 0;
    return walk(cpu, va, acc, user, explicit_ac, true, out, err);
}

static int walk_probe(struct cpu *cpu, gva_t va, gpa_t *out)
{
    struct mmu_xlat x;
    uint32_t err;

    if (walk(cpu, va, ACC_R, false, true, false, &x, &err))
        return -1;
    *out = x.gpa;
    return 0;
}

const struct mmu_ops mmu_walk_ops = {
    .name = "walk",
    .translate = walk_translate,
    .probe = walk_probe,
};

bool mmu_load_pdptes(struct cpu *cpu, uint64_t cr3)
{
    uint64_t rsvd = UINT64_C(0x1e6) | ~((UINT64_C(1) << cpu->phys_bits) - 1);
    uint64_t e[4];

    for (unsigned k = 0; k < 4; k++) {
        e[k] = 0;
        memslots_read(cpu->slots, ((cr3 & 0xffffffe0u) + k * 8) & cpu->a20_mask, &e[k], 8);
        if ((e[k] & PTE_P) && (e[k] & rsvd))
            return false;
    }
    memcpy(cpu->pdpte, e, sizeof(e));
    cpu->paging_new = true; /* also where CR0.CD or NW brought them, and no flush */
    return true;
}
