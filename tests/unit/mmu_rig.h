/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rig for paging tests: the CPU fixture with page tables of one format. Low memory is mapped one
 * to one in 4 KiB pages, supervisor only, but for a page of user code and the user stack. One more
 * address, rig.va, stands alone under paging-structure entries of its own, which tests change at
 * will: it maps to RIG_TARGET. rig_go makes one access there with the CPU's own instructions.
 */
#ifndef TESTS_UNIT_MMU_RIG_H
#define TESTS_UNIT_MMU_RIG_H

#include "tests/unit/cpu_fixture.h"

#define RIG_P  UINT64_C(0x001)
#define RIG_W  UINT64_C(0x002)
#define RIG_U  UINT64_C(0x004)
#define RIG_A  UINT64_C(0x020)
#define RIG_D  UINT64_C(0x040)
#define RIG_PS UINT64_C(0x080)
#define RIG_G  UINT64_C(0x100)
#define RIG_NX (UINT64_C(1) << 63)

#define RIG_UCODE  0xa000u   /* user code; the kernel's is at FX_CODE */
#define RIG_TABLES 0x20000u  /* page tables, a page each, from here */
#define RIG_TARGET 0x200000u /* where rig.va points: code at +100, data at +800, an LDT at +c00 */
#define RIG_SECOND                                                                                 \
    0x201000u /* what the page behind rig.va maps to, where it has an entry of its own */
#define RIG_X    0x100u
#define RIG_DATA 0x800u
#define RIG_LDT  0xc00u
#define RIG_HOLE 0x10000000u /* physical, no memory there */

enum rig_mode {
    RIG_32_4K,
    RIG_32_4M,
    RIG_PAE_4K,
    RIG_PAE_2M,
    RIG_64_4K,
    RIG_64_2M,
    RIG_64_1G,
    RIG_57_4K, /* 5-level */
    RIG_57_1G,
    RIG_MODES
};

enum rig_access {
    RIG_READ,
    RIG_WRITE,
    RIG_EXEC,
    RIG_SYS_READ,  /* a descriptor is read: an implicit supervisor access */
    RIG_SYS_WRITE, /* … and its accessed bit is set */
    RIG_ACCESSES
};

#define RIG_LEVELS 5

struct rig {
    struct fx *fx;
    enum rig_mode mode;
    gva_t va;   /* page-aligned */
    unsigned n; /* entries that translate va, and in `at` and `full` the first is the highest */
    uint32_t at[RIG_LEVELS];   /* where they stand */
    uint64_t full[RIG_LEVELS]; /* each with all rights, A and D clear */
};

struct rig_result {
    int vector; /* -1: the access went through */
    uint64_t err, cr2, rip;
};

static inline bool rig_wide(const struct rig *r)
{
    return r->mode >= RIG_PAE_4K;
}

static inline bool rig_long(const struct rig *r)
{
    return r->mode >= RIG_64_4K;
}

static inline bool rig_57(const struct rig *r)
{
    return r->mode >= RIG_57_4K;
}

static inline bool rig_4k(const struct rig *r)
{
    return r->mode == RIG_32_4K || r->mode == RIG_PAE_4K || r->mode == RIG_64_4K ||
           r->mode == RIG_57_4K;
}

static inline unsigned rig_entry_size(const struct rig *r)
{
    return rig_wide(r) ? 8 : 4;
}

static inline uint64_t rig_get(const struct rig *r, unsigned level)
{
    return fx_rd(r->fx, r->at[level], rig_entry_size(r));
}

static inline void rig_set(struct rig *r, unsigned level, uint64_t e)
{
    fx_wr(r->fx, r->at[level], e, rig_entry_size(r));
}

/* All entries of va back to full rights; the TLB forgets everything. */
static inline void rig_fill(struct rig *r)
{
    for (unsigned k = 0; k < r->n; k++)
        rig_set(r, k, r->full[k]);
    cpu_tlb_flush(r->fx->cpu, true);
}

static inline void rig_chain(struct rig *r, uint32_t at, uint64_t full)
{
    r->at[r->n] = at;
    r->full[r->n++] = full;
}

/* The low megabytes, one to one: `pt` is the table of 4 KiB entries at that address. */
static inline void rig_identity(struct rig *r, uint32_t pt)
{
    for (unsigned k = 0; k < 0x200; k++) {
        uint64_t user = k == RIG_UCODE >> 12 || k == (FX_UST - 1) >> 12 ? RIG_U : 0;

        fx_wr(r->fx, pt + k * rig_entry_size(r), k << 12 | RIG_P | RIG_W | RIG_A | RIG_D | user,
              rig_entry_size(r));
    }
}

static inline void rig_tables_32(struct rig *r)
{
    const uint32_t pd = RIG_TABLES, pt = pd + 0x1000, own = pd + 0x2000;
    const uint64_t all = RIG_P | RIG_W | RIG_U;

    r->va = 0x40200000;
    rig_identity(r, pt);
    fx_wr(r->fx, pd, pt | all | RIG_A, 4);
    if (r->mode == RIG_32_4M) {
        rig_chain(r, pd + 0x100 * 4, all | RIG_PS);
    } else {
        rig_chain(r, pd + 0x100 * 4, own | all);
        rig_chain(r, own + 0x200 * 4, RIG_TARGET | all);
        fx_wr(r->fx, own + 0x201 * 4, RIG_SECOND | all, 4);
    }
}

/* PAE's and 4-level's lower tables: page directories `low` and `own`, page tables behind them. */
static inline void rig_tables_pd(struct rig *r, uint32_t low, uint32_t own, bool large)
{
    const uint64_t all = RIG_P | RIG_W | RIG_U;
    const uint32_t pt_low = low + 0x1000, pt_own = own + 0x1000;

    rig_identity(r, pt_low);
    fx_wr(r->fx, low, pt_low | all | RIG_A, 8);
    if (large) {
        rig_chain(r, own + 8, RIG_TARGET | all | RIG_PS);
    } else {
        rig_chain(r, own + 8, pt_own | all);
        rig_chain(r, pt_own, RIG_TARGET | all);
        fx_wr(r->fx, pt_own + 8, RIG_SECOND | all, 8);
    }
}

static inline void rig_tables_pae(struct rig *r)
{
    const uint32_t pdpt = RIG_TABLES, low = pdpt + 0x1000, own = pdpt + 0x3000;

    r->va = 0x40200000;
    fx_wr(r->fx, pdpt, low | RIG_P, 8);
    fx_wr(r->fx, pdpt + 8, own | RIG_P, 8);
    rig_tables_pd(r, low, own, r->mode == RIG_PAE_2M);
}

static inline void rig_tables_64(struct rig *r)
{
    const uint32_t top = RIG_TABLES, pdpt_low = top + 0x1000, pdpt = top + 0x2000;
    const uint32_t low = top + 0x3000, own = top + 0x5000, pml4_low = top + 0x8000;
    const uint64_t all = RIG_P | RIG_W | RIG_U;
    uint32_t pml4 = top;

    r->va = UINT64_C(0x8000200000);
    if (rig_57(r)) { /* one more level on top */
        pml4 = top + 0x9000;
        r->va |= UINT64_C(1) << 48;
        fx_wr(r->fx, top, pml4_low | all | RIG_A, 8);
        fx_wr(r->fx, pml4_low, pdpt_low | all | RIG_A, 8);
        rig_chain(r, top + 8, pml4 | all);
    } else {
        fx_wr(r->fx, pml4, pdpt_low | all | RIG_A, 8);
    }
    fx_wr(r->fx, pdpt_low, low | all | RIG_A, 8);
    rig_chain(r, pml4 + 8, pdpt | all);
    if (r->mode == RIG_64_1G || r->mode == RIG_57_1G) {
        rig_identity(r, low + 0x1000);
        fx_wr(r->fx, low, (low + 0x1000) | all | RIG_A, 8);
        rig_chain(r, pdpt, all | RIG_PS);
    } else {
        rig_chain(r, pdpt, own | all);
        rig_tables_pd(r, low, own, r->mode == RIG_64_2M);
    }
}

static inline void rig_target(struct rig *r)
{
    struct cpu *cpu = r->fx->cpu;

    fx_wr(r->fx, RIG_TARGET + RIG_X, 0x90, 1);
    cpu->seg[SEG_LDT] = (struct segment){
        .sel = FX_LDT, .attr = SEG_P | SYS_LDT, .base = r->va + RIG_LDT, .limit = 0xff};
    cpu_derive_segment(cpu, SEG_LDT, true);
}

/* The CPU in ring 0 of 32-bit or 64-bit code, paging on. NULL model: "max". */
static inline struct rig *rig_new(enum rig_mode mode, const char *model)
{
    struct rig *r = (struct rig *)calloc(1, sizeof(*r));
    struct cpu *cpu;

    r->fx = fx_new(model ? model : "max");
    r->mode = mode;
    cpu = r->fx->cpu;
    if (rig_long(r)) {
        fx_long(r->fx, 0);
        if (rig_57(r))
            cpu->cr4 |= CR4_LA57;
        cpu_sync_mode(cpu);
        rig_tables_64(r);
    } else {
        fx_prot(r->fx, 0);
        cpu->cr0 |= CR0_PG;
        if (mode == RIG_32_4M)
            cpu->cr4 |= CR4_PSE;
        if (rig_wide(r)) {
            cpu->cr4 |= CR4_PAE;
            rig_tables_pae(r);
        } else {
            rig_tables_32(r);
        }
    }
    cpu->cr3 = RIG_TABLES;
    if (mode == RIG_PAE_4K || mode == RIG_PAE_2M)
        assert_true(mmu_load_pdptes(cpu, RIG_TABLES));
    rig_fill(r);
    rig_target(r);
    for (unsigned k = 0; k < 2; k++) {
        uint32_t code = k ? RIG_UCODE : FX_CODE;

        fx_wr(r->fx, code, 0x038a, 2);      /* mov al, [rbx] */
        fx_wr(r->fx, code + 8, 0x0388, 2);  /* mov [rbx], al */
        fx_wr(r->fx, code + 16, 0xe3ff, 2); /* jmp rbx */
        fx_wr(r->fx, code + 24, 0xc08e, 2); /* mov es, ax */
    }
    return r;
}

static inline void rig_free(struct rig *r)
{
    fx_free(r->fx);
    free(r);
}

/* To ring `cpl` at the rig's code, all else as it is. */
static inline void rig_ring(struct rig *r, unsigned cpl)
{
    if (rig_long(r))
        fx_ring(r->fx, cpl == 3 ? FX_CS64U : FX_CS64, cpl == 3 ? FX_DS3 : FX_DS0, cpl);
    else
        fx_ring(r->fx, cpl == 3 ? FX_CS3 : FX_CS0, cpl == 3 ? FX_DS3 : FX_DS0, cpl);
    r->fx->cpu->gpr[REG_RIP] = cpl == 3 ? RIG_UCODE : FX_CODE;
}

/* What the last run ended in, given where it would have gone without a fault. */
static inline struct rig_result rig_result(const struct rig *r, uint64_t done_rip)
{
    struct rig_result res = {.vector = -1, .cr2 = r->fx->cpu->cr2};
    uint64_t rip = fx_rip(r->fx);

    if (rip == done_rip)
        return res;
    res.vector = (int)((rip - FX_HAND) / 4);
    res.err = rig_long(r) ? fx_stk8(r->fx, 0) : fx_stk4(r->fx, 0);
    res.rip = rig_long(r) ? fx_stk8(r->fx, 1) : fx_stk4(r->fx, 1);
    return res;
}

/* One access to rig.va at privilege level cpl. The TLB is not touched. */
static inline struct rig_result rig_go(struct rig *r, unsigned cpl, enum rig_access kind)
{
    static const uint8_t at[] = {0, 8, 16, 24, 24};
    struct cpu *cpu = r->fx->cpu;
    uint64_t start, done;

    rig_ring(r, cpl);
    start = cpu->gpr[REG_RIP] += at[kind];
    cpu->cr2 = 0;
    cpu->gpr[REG_RAX] = kind >= RIG_SYS_READ ? 7 : 0x5a; /* LDT, first entry, RPL 3 */
    cpu->gpr[REG_RBX] = r->va + (kind == RIG_EXEC ? RIG_X : RIG_DATA);
    done = kind == RIG_EXEC ? cpu->gpr[REG_RBX] + 1 : start + 2;
    if (kind >= RIG_SYS_READ)
        fx_wr(r->fx, RIG_TARGET + RIG_LDT,
              UINT64_C(0x00cff2000000ffff) | (kind == RIG_SYS_READ ? UINT64_C(1) << 40 : 0), 8);
    fx_run(r->fx, kind == RIG_EXEC ? 2 : 1);
    return rig_result(r, done);
}

#endif
