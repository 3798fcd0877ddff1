/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page walks in every paging format against Intel's SDM volume 3A, chapter 4: access rights in all
 * combinations with the exact error code, reserved bits, accessed and dirty bits, addresses. What
 * is expected comes from rules written down here once more, not from the walker.
 */
#include "cpu/features.h"
#include "tests/unit/mmu_rig.h"

/* ---- 4.6 and 4.7 as an oracle ---- */

struct situation {
    bool wp, smep, smap, ac, nxe, cpl3;
    enum rig_access kind;
};

/* What the entries of one walk say together. */
struct page {
    bool user;     /* U/S is 1 in every entry: a user-mode address */
    bool writable; /* R/W is 1 in every entry */
    bool xd;       /* XD is 1 in some entry */
};

enum how { FETCH, LOAD, STORE };

static bool may_supervisor(const struct situation *s, const struct page *p, enum how how,
                           bool implicit)
{
    bool smap_stops = p->user && s->smap && (implicit || !s->ac);

    switch (how) {
    case LOAD: return !smap_stops;
    case STORE: return !smap_stops && (p->writable || !s->wp);
    case FETCH:
    default: return !(p->user && s->smep) && !(p->xd && s->nxe);
    }
}

static bool may_user(const struct situation *s, const struct page *p, enum how how)
{
    if (!p->user)
        return false;
    if (how == LOAD)
        return true;
    return how == STORE ? p->writable : !(p->xd && s->nxe);
}

/* Error code of a fault of that kind. */
static uint32_t code(const struct situation *s, enum how how, bool user, bool pae, uint32_t why)
{
    return why | (how == STORE ? 2u : 0u) | (user ? 4u : 0u) |
           (how == FETCH && ((pae && s->nxe) || s->smep) ? 16u : 0u);
}

/* -1: goes through; else the error code. *stored: a store came through. */
static int64_t expect(const struct situation *s, const struct page *p, bool pae)
{
    bool implicit = s->kind >= RIG_SYS_READ, user = s->cpl3 && !implicit;
    enum how steps[2] = {LOAD, STORE};
    unsigned n = 1;

    if (s->kind == RIG_WRITE)
        steps[0] = STORE;
    if (s->kind == RIG_EXEC)
        steps[0] = FETCH;
    if (s->kind == RIG_SYS_WRITE)
        n = 2;
    for (unsigned k = 0; k < n; k++) {
        if (pae && p->xd && !s->nxe) /* XD is reserved then */
            return code(s, steps[k], user, pae, 1 | 8);
        if (!(user ? may_user(s, p, steps[k]) : may_supervisor(s, p, steps[k], implicit)))
            return code(s, steps[k], user, pae, 1);
    }
    return -1;
}

static void apply(struct cpu *cpu, const struct situation *s)
{
    cpu->cr0 = s->wp ? cpu->cr0 | CR0_WP : cpu->cr0 & ~(uint64_t)CR0_WP;
    cpu->cr4 = (cpu->cr4 & ~(uint64_t)(CR4_SMEP | CR4_SMAP)) | (s->smep ? CR4_SMEP : 0u) |
               (s->smap ? CR4_SMAP : 0u);
    cpu->efer = s->nxe ? cpu->efer | EFER_NXE : cpu->efer & ~(uint64_t)EFER_NXE;
    cpu->rflags = FL_1 | (s->ac ? FL_AC : 0u);
    cpu_tlb_flush(cpu, true);
}

/* Rights as three bits, the way the matrix counts them: W, U, NX. */
static uint64_t without(uint64_t full, unsigned rights)
{
    full &= ~(RIG_W | RIG_U | RIG_NX);
    return full | (rights & 1 ? RIG_W : 0) | (rights & 2 ? RIG_U : 0) | (rights & 4 ? RIG_NX : 0);
}

static void check_case(struct rig *r, const struct situation *s, const struct page *p)
{
    struct rig_result res;
    uint64_t before[RIG_LEVELS];
    int64_t want = expect(s, p, rig_wide(r));
    bool stores = s->kind == RIG_WRITE || s->kind == RIG_SYS_WRITE;

    apply(r->fx->cpu, s);
    for (unsigned k = 0; k < r->n; k++)
        before[k] = rig_get(r, k);
    res = rig_go(r, s->cpl3 ? 3 : 0, s->kind);
    if (res.vector != (want < 0 ? -1 : EXC_PF) || (want >= 0 && res.err != (uint64_t)want))
        fail_msg("mode %d kind %d cpl3 %d wp %d smep %d smap %d ac %d nxe %d page u%d w%d xd%d: "
                 "vector %d error %x, not %d %x",
                 r->mode, s->kind, s->cpl3, s->wp, s->smep, s->smap, s->ac, s->nxe, p->user,
                 p->writable, p->xd, res.vector, (unsigned)res.err, want < 0 ? -1 : EXC_PF,
                 (unsigned)want);
    if (want >= 0) {
        uint32_t off = s->kind == RIG_EXEC ? RIG_X : s->kind >= RIG_SYS_READ ? RIG_LDT : RIG_DATA;

        /* setting the accessed bit is a store of one byte */
        if (s->kind == RIG_SYS_WRITE && (want & 2))
            off += 5;
        assert_int_equal(res.cr2, r->va + off);
        /* the read of SYS_WRITE went through and set A */
        if (s->kind != RIG_SYS_WRITE) {
            for (unsigned k = 0; k < r->n; k++)
                assert_int_equal(rig_get(r, k), before[k]);
        }
        return;
    }
    for (unsigned k = 0; k < r->n; k++)
        assert_int_equal(rig_get(r, k), before[k] | RIG_A | (stores && k == r->n - 1 ? RIG_D : 0));
}

/* Every situation for leaf rights `leaf` and rights `upper` in entry `level` above it. */
static void check_rights(struct rig *r, unsigned level, unsigned upper, unsigned leaf)
{
    struct page p = {
        .writable = upper & leaf & 1, .user = upper & leaf & 2, .xd = (upper | leaf) & 4};

    for (unsigned bits = 0; bits < 64; bits++) {
        for (unsigned kind = 0; kind < RIG_ACCESSES; kind++) {
            struct situation s = {.wp = bits & 1,
                                  .smep = bits & 2,
                                  .smap = bits & 4,
                                  .ac = bits & 8,
                                  .nxe = bits & 16,
                                  .cpl3 = bits & 32,
                                  .kind = (enum rig_access)kind};

            for (unsigned k = 0; k < r->n; k++)
                rig_set(r, k, r->full[k]);
            rig_set(r, level, without(r->full[level], upper));
            rig_set(r, r->n - 1,
                    without(r->full[r->n - 1], level == r->n - 1 ? upper & leaf : leaf));
            check_case(r, &s, &p);
        }
    }
}

static void rights_matrix(enum rig_mode mode)
{
    struct rig *r = rig_new(mode, NULL);
    unsigned kinds = rig_wide(r) ? 8 : 4; /* no XD in 32-bit entries */

    for (unsigned leaf = 0; leaf < kinds; leaf++) {
        if (r->n == 1)
            check_rights(r, 0, leaf, leaf);
        for (unsigned level = 0; level + 1 < r->n; level++) {
            for (unsigned upper = 0; upper < kinds; upper++)
                check_rights(r, level, upper, leaf);
        }
    }
    rig_free(r);
}

static void rights_32(void **state)
{
    (void)state;
    rights_matrix(RIG_32_4K);
    rights_matrix(RIG_32_4M);
}

static void rights_pae(void **state)
{
    (void)state;
    rights_matrix(RIG_PAE_4K);
    rights_matrix(RIG_PAE_2M);
}

static void rights_64(void **state)
{
    (void)state;
    rights_matrix(RIG_64_4K);
    rights_matrix(RIG_64_2M);
    rights_matrix(RIG_64_1G);
}

static void rights_57(void **state)
{
    (void)state;
    rights_matrix(RIG_57_4K);
    rights_matrix(RIG_57_1G);
}

/* P clear at each level: the code has P clear, and no entry is touched. */
static void not_present(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < RIG_MODES; mode++) {
        struct rig *r = rig_new((enum rig_mode)mode, NULL);

        r->fx->cpu->efer |= EFER_NXE;
        for (unsigned level = 0; level < r->n; level++) {
            for (unsigned kind = 0; kind <= RIG_EXEC; kind++) {
                struct rig_result res;
                uint32_t want =
                    (kind == RIG_WRITE ? PF_W : 0u) | (kind == RIG_EXEC && rig_wide(r) ? PF_I : 0u);

                rig_fill(r);
                /* nothing else in it counts, reserved bits either */
                rig_set(r, level, ~RIG_P);
                res = rig_go(r, 3, (enum rig_access)kind);
                assert_int_equal(res.vector, EXC_PF);
                assert_int_equal(res.err, want | PF_U);
                for (unsigned k = 0; k < r->n; k++) {
                    if (k != level)
                        assert_int_equal(rig_get(r, k), r->full[k]);
                }
            }
        }
        rig_free(r);
    }
}

/* ---- reserved bits ---- */

static uint64_t bit_range(unsigned hi, unsigned lo)
{
    return bits(~UINT64_C(0), hi - lo, 0) << lo;
}

/* Tables 4-14 to 4-20 (4- and 5-level), 4-9 to 4-11 (PAE), 4-4 to 4-6 (32-bit, here with CR4.PSE),
 * for physical addresses of m bits and EFER.NXE set. */
static uint64_t reserved_in(const struct rig *r, unsigned level, unsigned m, bool pat)
{
    bool leaf = level == r->n - 1;

    switch (r->mode) {
    case RIG_64_4K:
    case RIG_64_2M:
    case RIG_64_1G:
    case RIG_57_4K:
    case RIG_57_1G:
        return bit_range(51, m) | (level == 0 || (level == 1 && rig_57(r)) ? RIG_PS : 0) |
               (leaf && r->mode == RIG_64_2M ? bit_range(20, 13) : 0) |
               (leaf && r->mode != RIG_64_2M && !rig_4k(r) ? bit_range(29, 13) : 0);
    case RIG_PAE_4K:
    case RIG_PAE_2M:
        return bit_range(62, m) | (leaf && r->mode == RIG_PAE_2M ? bit_range(20, 13) : 0);
    case RIG_32_4M:
        /* m is 32 where there is no PSE-36 */
        return (m == 32 ? bit_range(21, 13) : bit_range(21, m - 19)) | (pat ? 0 : 1u << 12);
    default: return leaf && !pat ? RIG_PS : 0;
    }
}

/* Bits that a walk through the entry does not look at, or that lead it to the same place. */
static uint64_t ignored_in(const struct rig *r, unsigned level)
{
    bool leaf = level == r->n - 1;
    uint64_t same = bit_range(11, 9) | 0x18 | (leaf ? RIG_G : 0);

    return rig_long(r) ? same | bit_range(62, 52) : same;
}

static void check_reserved(enum rig_mode mode, const char *model, unsigned m, bool pat)
{
    struct rig *r = rig_new(mode, model);

    if (rig_wide(r))
        r->fx->cpu->efer |= EFER_NXE;
    else
        r->fx->cpu->cr4 |= CR4_PSE;
    for (unsigned level = 0; level < r->n; level++) {
        uint64_t rsvd = reserved_in(r, level, m, pat), ign = ignored_in(r, level);

        assert_int_equal(rsvd & ign, 0);
        for (unsigned bit = 0; bit < 8 * rig_entry_size(r); bit++) {
            struct rig_result res;

            if (!((rsvd | ign) >> bit & 1))
                continue;
            rig_fill(r);
            rig_set(r, level, r->full[level] | UINT64_C(1) << bit);
            res = rig_go(r, 0, RIG_READ);
            if (rsvd >> bit & 1) {
                if (res.vector != EXC_PF || res.err != (PF_P | PF_RSVD))
                    fail_msg("%s mode %d level %u bit %u is reserved: vector %d error %x",
                             model ? model : "max", mode, level, bit, res.vector,
                             (unsigned)res.err);
                assert_int_equal(rig_get(r, level), r->full[level] | UINT64_C(1) << bit);
            } else {
                assert_int_equal(res.vector, -1);
            }
        }
    }
    rig_free(r);
}

static void reserved_bits(void **state)
{
    (void)state;
    for (unsigned mode = RIG_32_4M; mode < RIG_MODES; mode++)
        check_reserved((enum rig_mode)mode, NULL, 40, true);
    check_reserved(RIG_32_4K, NULL, 40, true);
    check_reserved(RIG_64_2M, "x86-64-v1", 40, true);
    check_reserved(RIG_32_4K, "pentium3", 36, true);
    check_reserved(RIG_32_4M, "pentium3", 36, true);
    check_reserved(RIG_32_4K, "pentium", 32, false);
    check_reserved(RIG_32_4M, "pentium", 32, false);
}

/* PS where it means nothing, or must not be. */
static void page_size_bit(void **state)
{
    struct rig *r = rig_new(RIG_32_4K, NULL);

    (void)state;
    rig_set(r, 0, r->full[0] | RIG_PS); /* CR4.PSE is clear: ignored */
    assert_int_equal(rig_go(r, 0, RIG_READ).vector, -1);
    rig_free(r);

    r = rig_new(RIG_64_1G, "x86-64-v1"); /* no 1 GiB pages */
    assert_int_equal(rig_go(r, 0, RIG_READ).err, PF_P | PF_RSVD);
    rig_free(r);

    r = rig_new(RIG_32_4K,
                "pentium"); /* without CR4.PSE, bit 7 of a PTE is free even without PAT */
    rig_set(r, 1, r->full[1] | RIG_PS);
    assert_int_equal(rig_go(r, 0, RIG_READ).vector, -1);
    rig_free(r);
}

/* ---- addresses ---- */

static gpa_t where(struct rig *r, gva_t va)
{
    struct mmu_xlat x = {0};
    uint32_t err = 0;

    assert_int_equal(r->fx->cpu->mmu->translate(r->fx->cpu, va, ACC_R, false, false, &x, &err), 0);
    return x.gpa;
}

/* Each format's address bits, up to the top of the physical address space. */
static void addresses(void **state)
{
    static const struct {
        enum rig_mode mode;
        const char *model;
        uint64_t leaf; /* OR-ed in */
        gpa_t gpa;     /* of va + 0x234 */
    } cases[] = {
        {RIG_32_4K, "max", 0xffc00000, 0xffe00234},
        {RIG_32_4M, "max", 0xffc00000, 0xffe00234},
        {RIG_32_4M, "max", 0x001fe000, UINT64_C(0xff00200234)},      /* PSE-36, all of 39..32 */
        {RIG_32_4M, "pentium3", 0x0001e000, UINT64_C(0x0f00200234)}, /* 35..32 */
        {RIG_32_4M, "max", 0x1000, 0x00200234},                      /* PAT is no address */
        {RIG_PAE_4K, "max", UINT64_C(0xfffffff000), UINT64_C(0xfffffff234)},
        {RIG_PAE_2M, "max", UINT64_C(0xffffe01000), UINT64_C(0xffffe00234)},
        {RIG_64_4K, "max", UINT64_C(0xfffffff000), UINT64_C(0xfffffff234)},
        {RIG_64_2M, "max", UINT64_C(0xffffe01000), UINT64_C(0xffffe00234)},
        {RIG_64_1G, "max", UINT64_C(0xffc0001000), UINT64_C(0xffc0200234)},
        {RIG_57_4K, NULL, UINT64_C(0xfffffff000), UINT64_C(0xfffffff234)},
        {RIG_57_1G, NULL, UINT64_C(0xffc0001000), UINT64_C(0xffc0200234)},
    };

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        struct rig *r = rig_new(cases[k].mode, cases[k].model);

        assert_int_equal(where(r, r->va + 0x234), RIG_TARGET + 0x234);
        rig_set(r, r->n - 1, r->full[r->n - 1] | cases[k].leaf);
        assert_int_equal(where(r, r->va + 0x234), cases[k].gpa);
        rig_free(r);
    }
}

/* mmu.probe answers as a read would, but leaves no trace. */
static void probe_touches_nothing(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < RIG_MODES; mode++) {
        struct rig *r = rig_new((enum rig_mode)mode, NULL);
        gpa_t gpa = 0;

        r->fx->cpu->cr4 |= CR4_SMAP;
        assert_int_equal(r->fx->cpu->mmu->probe(r->fx->cpu, r->va + 5, &gpa), 0);
        assert_int_equal(gpa, RIG_TARGET + 5);
        for (unsigned k = 0; k < r->n; k++)
            assert_int_equal(rig_get(r, k), r->full[k]);
        rig_set(r, 0, 0);
        assert_int_equal(r->fx->cpu->mmu->probe(r->fx->cpu, r->va, &gpa), -1);
        rig_free(r);
    }
}

/* ---- accessed and dirty bits ---- */

/* A read that fills the TLB must not let a later write pass D by. */
static void dirty_after_read(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < RIG_MODES; mode++) {
        struct rig *r = rig_new((enum rig_mode)mode, NULL);
        unsigned leaf = r->n - 1;

        assert_int_equal(rig_go(r, 3, RIG_READ).vector, -1);
        assert_int_equal(rig_get(r, leaf), r->full[leaf] | RIG_A);
        assert_int_equal(rig_go(r, 3, RIG_EXEC).vector, -1);
        assert_int_equal(rig_get(r, leaf), r->full[leaf] | RIG_A);
        cpu_tlb_flush(r->fx->cpu, true);
        assert_int_equal(rig_go(r, 3, RIG_READ).vector, -1); /* found with A set */
        assert_int_equal(rig_go(r, 3, RIG_WRITE).vector, -1);
        assert_int_equal(rig_get(r, leaf), r->full[leaf] | RIG_A | RIG_D);
        /* cached with D: cleared in memory it stays clear until a flush */
        rig_set(r, leaf, r->full[leaf]);
        assert_int_equal(rig_go(r, 3, RIG_WRITE).vector, -1);
        cpu_tlb_flush(r->fx->cpu, true);
        assert_int_equal(rig_go(r, 3, RIG_WRITE).vector, -1);
        assert_int_equal(rig_get(r, leaf), r->full[leaf] | RIG_A | RIG_D);
        rig_free(r);
    }
}

/* Page tables in ROM translate; the A and D bits go nowhere. */
static void tables_in_rom(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < RIG_MODES; mode++) {
        struct rig *r = rig_new((enum rig_mode)mode, NULL);

        slots_delete(r->fx->slots, FX_SLOT);
        slots_create(r->fx->slots, 1, 0, RIG_TABLES, r->fx->ram, 0);
        slots_create(r->fx->slots, 2, RIG_TABLES, 0x10000, r->fx->ram + RIG_TABLES,
                     MEMSLOT_READONLY);
        slots_create(r->fx->slots, 3, RIG_TABLES + 0x10000, FX_RAM - RIG_TABLES - 0x10000,
                     r->fx->ram + RIG_TABLES + 0x10000, 0);
        cpu_tlb_flush(r->fx->cpu, true);
        assert_int_equal(rig_go(r, 0, RIG_WRITE).vector, -1);
        assert_int_equal(fx_rd(r->fx, RIG_TARGET + RIG_DATA, 1), 0x5a);
        for (unsigned k = 0; k < r->n; k++)
            assert_int_equal(rig_get(r, k), r->full[k]);
        rig_free(r);
    }
}

/* A table where there is no memory reads as ones: reserved bits, but in plain 32-bit entries. */
static void tables_in_a_hole(void **state)
{
    struct rig *r = rig_new(RIG_64_4K, NULL);

    (void)state;
    rig_set(r, 2, RIG_HOLE | RIG_P | RIG_W | RIG_U);
    assert_int_equal(rig_go(r, 0, RIG_READ).err, PF_P | PF_RSVD);
    rig_free(r);

    r = rig_new(RIG_32_4K, NULL);
    rig_set(r, 0, RIG_HOLE | RIG_P | RIG_W | RIG_U);
    assert_int_equal(where(r, r->va + 1), 0xfffff001);
    rig_free(r);
}

/* ---- PAE's page-directory pointers ---- */

/* They are read by MOV to CR3 and by nothing else; one with reserved bits is #GP and loads none. */
static void pdpte_loads(void **state)
{
    struct rig *r = rig_new(RIG_PAE_4K, NULL);
    struct cpu *cpu = r->fx->cpu;
    const uint64_t rsvd = bit_range(63, 40) | bit_range(8, 5) | bit_range(2, 1);
    uint64_t good = fx_rd(r->fx, RIG_TABLES + 8, 8);

    (void)state;
    fx_wr(r->fx, RIG_TABLES + 8, 0, 8);
    cpu_tlb_flush(cpu, true);
    assert_int_equal(rig_go(r, 0, RIG_READ).vector, -1); /* still the old ones */
    FX_PUT(r->fx, FX_CODE + 0x40, 0x0f, 0x22, 0xd8);     /* mov cr3, eax */
    for (unsigned bit = 1; bit < 64; bit++) {
        fx_wr(r->fx, RIG_TABLES + 16, RIG_P | UINT64_C(1) << bit, 8);
        rig_ring(r, 0);
        cpu->gpr[REG_RIP] = FX_CODE + 0x40;
        cpu->gpr[REG_RAX] = RIG_TABLES | 0x18; /* PWT and PCD may be set */
        fx_run(r->fx, 1);
        if (rsvd >> bit & 1) {
            fx_assert_vector(r->fx, EXC_GP);
            assert_int_equal(cpu->cr3, RIG_TABLES);
            assert_int_equal(cpu->pdpte[1], good);
        } else {
            assert_int_equal(fx_rip(r->fx), FX_CODE + 0x43);
            assert_int_equal(cpu->pdpte[1], 0);
            fx_wr(r->fx, RIG_TABLES + 8, good, 8);
            assert_true(mmu_load_pdptes(cpu, RIG_TABLES));
            fx_wr(r->fx, RIG_TABLES + 8, 0, 8);
            cpu->cr3 = RIG_TABLES;
        }
    }
    fx_wr(r->fx, RIG_TABLES + 16, 0x1e6, 8); /* not present: nothing is reserved */
    assert_true(mmu_load_pdptes(cpu, RIG_TABLES));
    assert_int_equal(rig_go(r, 3, RIG_WRITE).err, PF_W | PF_U); /* PDPTE not present */
    rig_free(r);
}

/* ---- A20 ---- */

/* The gate is at the pins: it masks the tables' addresses and the PDPTEs' as well as the page's. */
static void a20_masks_everything(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < RIG_MODES; mode++) {
        struct rig *r = rig_new((enum rig_mode)mode, NULL);
        struct cpu *cpu = r->fx->cpu;

        memcpy(r->fx->ram + 0x300000, r->fx->ram + RIG_TARGET, 0x1000);
        if (rig_4k(r)) {
            r->full[r->n - 1] |= 0x100000; /* 300000, seen at 200000 */
            r->full[r->n - 2] |= 0x100000; /* the table too */
        } else {
            r->va += 0x100000;
        }
        cpu->cr3 |= 0x100000;
        rig_fill(r);
        cpu_set_a20(cpu, false);
        if (r->mode == RIG_PAE_4K || r->mode == RIG_PAE_2M) {
            memset(cpu->pdpte, 0, sizeof(cpu->pdpte));
            assert_true(mmu_load_pdptes(cpu, cpu->cr3));
        }
        assert_int_equal(where(r, r->va + 0x345), RIG_TARGET + 0x345);
        fx_wr(r->fx, RIG_TARGET + RIG_DATA, 0, 1);
        assert_int_equal(rig_go(r, 0, RIG_WRITE).vector, -1);
        assert_int_equal(fx_rd(r->fx, RIG_TARGET + RIG_DATA, 1), 0x5a);
        assert_int_equal(fx_rd(r->fx, 0x300000 + RIG_DATA, 1), 0);
        rig_free(r);
    }
}

/* The gate opens and shuts with the same tables in use: what was translated through it before does
 * not count, in the page asked for, its neighbour, or the other half of a large page. */
static void a20_toggles(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < RIG_MODES; mode++) {
        struct rig *r = rig_new((enum rig_mode)mode, NULL);
        gva_t odd = rig_4k(r) ? r->va : r->va + 0x100000;

        if (rig_4k(r)) {
            r->full[r->n - 1] |= 0x100000; /* 300000, and the next page 301000 */
            fx_wr(r->fx, r->at[r->n - 1] + rig_entry_size(r),
                  0x301000 | RIG_P | RIG_W | RIG_U | RIG_A | RIG_D, rig_entry_size(r));
            rig_fill(r);
        }
        for (unsigned k = 0; k < 6; k++) {
            gpa_t base = k & 1 ? 0x300000 : 0x200000;

            cpu_set_a20(r->fx->cpu, k & 1);
            assert_int_equal(where(r, odd + 0x345), base + 0x345);
            assert_int_equal(where(r, odd + 0x1345), base + 0x1345);
            if (!rig_4k(r))
                assert_int_equal(where(r, r->va + 0x345), 0x200345);
            fx_wr(r->fx, 0x200000 + RIG_DATA, 0x20, 1);
            fx_wr(r->fx, 0x300000 + RIG_DATA, 0x30, 1);
            r->va = odd;
            assert_int_equal(rig_go(r, 0, RIG_READ).vector, -1);
            assert_int_equal(r->fx->cpu->gpr[REG_RAX] & 0xff, k & 1 ? 0x30 : 0x20);
            if (!rig_4k(r))
                r->va -= 0x100000;
        }
        rig_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rights_32),
        cmocka_unit_test(rights_pae),
        cmocka_unit_test(rights_64),
        cmocka_unit_test(rights_57),
        cmocka_unit_test(not_present),
        cmocka_unit_test(reserved_bits),
        cmocka_unit_test(page_size_bit),
        cmocka_unit_test(addresses),
        cmocka_unit_test(probe_touches_nothing),
        cmocka_unit_test(dirty_after_read),
        cmocka_unit_test(tables_in_rom),
        cmocka_unit_test(tables_in_a_hole),
        cmocka_unit_test(pdpte_loads),
        cmocka_unit_test(a20_masks_everything),
        cmocka_unit_test(a20_toggles),
    };

    return unit_main(tests);
}
