/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Process-context identifiers against Intel's SDM volume 3A, 4.10: what a translation is tagged
 * with, what loads of CR3 keep and drop, INVPCID and INVLPG across PCIDs. Two address spaces map
 * rig.va to pages of their own; one more maps it nowhere. The TLB has one place for an address:
 * what both spaces are to keep stands at different ones.
 */
#include "tests/unit/tlb_rig.h"

#define KEEP   (UINT64_C(1) << 63)
#define OTHER  0x40000u /* PML4 of the second space, then its own PDPT, PD, PT */
#define NONE   0x44000u /* PML4 of the one without */
#define TAG_AT 0x40u    /* in either page: mov al, imm8; then hlt */

#define APART 0x7000u /* so far behind rig.va space 1 has its page once more */

static const uint32_t page_of[] = {RIG_TARGET, RIG_SECOND};
static const uint32_t root_of[] = {RIG_TABLES, OTHER};

static uint32_t leaf_of(const struct rig *r, unsigned space)
{
    return space ? OTHER + 0x3000 : r->at[r->n - 1];
}

static void map(struct rig *r, unsigned space, uint64_t more)
{
    uint64_t e = page_of[space] | RIG_P | RIG_W | RIG_U | more;

    fx_wr(r->fx, leaf_of(r, space), e, 8);
    if (space == 1)
        fx_wr(r->fx, leaf_of(r, space) + APART / 0x1000 * 8, e, 8);
}

static void unmap_in(struct rig *r, unsigned space)
{
    fx_wr(r->fx, leaf_of(r, space), 0, 8);
    if (space == 1)
        fx_wr(r->fx, leaf_of(r, space) + APART / 0x1000 * 8, 0, 8);
}

/* PCIDs on, in space 0 as PCID 0; global pages count. */
static struct rig *pcid_rig(void)
{
    struct rig *r = rig_new(RIG_64_4K, NULL);
    const uint64_t all = RIG_P | RIG_W | RIG_U;
    uint64_t low = fx_rd(r->fx, RIG_TABLES, 8);

    fx_wr(r->fx, OTHER, low, 8);
    fx_wr(r->fx, NONE, low, 8);
    fx_wr(r->fx, OTHER + 8, (OTHER + 0x1000) | all, 8);
    fx_wr(r->fx, OTHER + 0x1000, (OTHER + 0x2000) | all, 8);
    fx_wr(r->fx, OTHER + 0x2000 + 8, (OTHER + 0x3000) | all, 8);
    for (unsigned space = 0; space < 2; space++) {
        map(r, space, 0);
        fx_wr(r->fx, page_of[space] + TAG_AT, 0xf400b0 | (0x10 + space) << 8, 3);
        fx_wr(r->fx, page_of[space] + RIG_DATA, 0x10 + space, 1);
    }
    rig_insn(r, MOV_CR4_EAX, r->fx->cpu->cr4 | CR4_PCIDE | CR4_PGE, 0);
    return r;
}

static void go_to(struct rig *r, unsigned space, unsigned pcid, uint64_t keep)
{
    rig_insn(r, MOV_CR3_EAX, keep | root_of[space] | pcid, 0);
    assert_int_equal(r->fx->cpu->cr3, root_of[space] | pcid);
}

/* Which space's page a read of va sees: its number; -1: a page fault. */
static int read_from(struct rig *r, gva_t va)
{
    struct cpu *cpu = r->fx->cpu;

    rig_ring(r, 0);
    cpu->gpr[REG_RBX] = va + RIG_DATA;
    fx_run(r->fx, 1); /* mov al, [rbx] */
    return fx_rip(r->fx) == FX_CODE + 2 ? (int)(cpu->gpr[REG_RAX] & 0xff) - 0x10 : -1;
}

/* The same for code; run freely, not stepped, so that blocks are found by the block cache. */
static int runs(struct rig *r, gva_t va)
{
    struct cpu *cpu = r->fx->cpu;

    rig_ring(r, 0);
    cpu->gpr[REG_RIP] += 16; /* jmp rbx */
    cpu->gpr[REG_RBX] = va + TAG_AT;
    fx_run(r->fx, 0);
    assert_true(cpu->halted);
    cpu->halted = false;
    return fx_rip(r->fx) == va + TAG_AT + 3 ? (int)(cpu->gpr[REG_RAX] & 0xff) - 0x10 : -1;
}

static void assert_at(struct rig *r, gva_t va, int space)
{
    assert_int_equal(read_from(r, va), space);
    assert_int_equal(runs(r, va), space);
}

static void assert_in(struct rig *r, int space)
{
    assert_at(r, r->va, space);
}

/* What a flush need not drop: it is still used, or else forgotten. */
static void assert_kept(struct rig *r, gva_t va, int space)
{
    int seen = read_from(r, va), run = runs(r, va);

    if (!FX_MAY_FORGET || seen != -1)
        assert_int_equal(seen, space);
    if (!FX_MAY_FORGET || run != -1)
        assert_int_equal(run, space);
}

/* ---- loads of CR3 ---- */

/* 4.10.1: a translation is used only with the PCID that it was made under. */
static void translations_belong_to_a_pcid(void **state)
{
    struct rig *r = pcid_rig();

    (void)state;
    go_to(r, 0, 1, 0);
    go_to(r, 1, 2, 0);
    for (unsigned k = 0; k < 6; k++) {
        assert_in(r, !(k & 1));
        go_to(r, k & 1, 1 + (k & 1), KEEP);
        assert_in(r, k & 1);
    }
    rig_free(r);
}

/* With bit 63 they are still there when their PCID comes back. */
static void bit_63_keeps(void **state)
{
    struct rig *r = pcid_rig();

    (void)state;
    go_to(r, 0, 1, 0);
    assert_in(r, 0);
    go_to(r, 1, 2, 0);
    assert_at(r, r->va + APART, 1);
    unmap_in(r, 0);
    go_to(r, 0, 1, KEEP);
    assert_kept(r, r->va, 0);
    go_to(r, 0, 1, KEEP); /* the same PCID again */
    assert_kept(r, r->va, 0);
    go_to(r, 0, 1, 0);
    assert_in(r, -1);
    rig_free(r);
}

/* Without it the PCID's own go, and nobody else's. */
static void no_bit_63_drops_its_own(void **state)
{
    struct rig *r = pcid_rig();

    (void)state;
    go_to(r, 0, 1, 0);
    assert_in(r, 0);
    go_to(r, 1, 2, 0);
    assert_at(r, r->va + APART, 1);
    unmap_in(r, 0);
    unmap_in(r, 1);
    go_to(r, 0, 1, 0);
    assert_in(r, -1);
    go_to(r, 1, 2, KEEP);
    assert_kept(r, r->va + APART, 1);
    go_to(r, 1, 2, 0);
    assert_at(r, r->va + APART, -1);
    rig_free(r);
}

/* A PCID is no address space: with bit 63 another root under it may use what there was, without bit
 * 63 it may not. */
static void one_pcid_two_roots(void **state)
{
    struct rig *r = pcid_rig();

    (void)state;
    for (unsigned k = 0; k < 4; k++) {
        go_to(r, k & 1, 5, 0);
        assert_in(r, k & 1);
        go_to(r, k & 1, 6, 0);
        go_to(r, !(k & 1), 5, 0);
        assert_in(r, !(k & 1));
    }
    rig_free(r);
}

/* More PCIDs than anybody remembers: none is taken for another. */
static void many_pcids(void **state)
{
    struct rig *r = pcid_rig();

    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned pcid = 0; pcid < 3 * TLB_SPACES; pcid++) {
            go_to(r, pcid & 1, pcid * 113 & 0xfff, KEEP);
            assert_in(r, pcid & 1);
        }
        for (unsigned pcid = 3 * TLB_SPACES; pcid-- > 0;) {
            go_to(r, pcid & 1, pcid * 113 & 0xfff, KEEP);
            assert_in(r, pcid & 1);
        }
    }
    rig_free(r);
}

/* The tags in the TLB are few and come round again, while a PCID is away. */
static void pcids_outlive_generations(void **state)
{
    (void)state;
    for (unsigned k = TLB_GENS - 4; k < TLB_GENS + 4; k++) {
        struct rig *r = pcid_rig();

        go_to(r, 0, 1, 0);
        assert_in(r, 0);
        for (unsigned n = 0; n < k; n++)
            go_to(r, 1, 2, 0);
        assert_in(r, 1);
        go_to(r, 0, 1, KEEP);
        assert_in(r, 0);
        rig_free(r);
    }
}

/* Global translations are every PCID's. */
static void global_pages_have_no_pcid(void **state)
{
    struct rig *r = pcid_rig();

    (void)state;
    map(r, 0, RIG_G);
    go_to(r, 0, 1, 0);
    assert_in(r, 0);
    rig_insn(r, MOV_CR3_EAX, NONE | 2, 0);
    if (!FX_MAY_FORGET)
        assert_int_equal(read_from(r, r->va), 0);
    go_to(r, 0, 1, KEEP);
    assert_in(r, 0);
    rig_free(r);
}

/* ---- what drops more than one PCID's ---- */

/* Space 0 is cached under PCID 1, space 1 under the current one, 2; neither is mapped any more. */
static struct rig *both_cached(void)
{
    struct rig *r = pcid_rig();

    go_to(r, 0, 1, 0);
    assert_in(r, 0);
    go_to(r, 1, 2, 0);
    assert_at(r, r->va + APART, 1);
    unmap_in(r, 0);
    unmap_in(r, 1);
    return r;
}

static void cr4_drops_all(void **state)
{
    static const uint64_t bits[] = {CR4_PGE, CR4_SMEP, CR4_PCIDE};

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(bits); k++) {
        struct rig *r = both_cached();
        uint64_t cr4 = r->fx->cpu->cr4;

        if (bits[k] == CR4_PCIDE) { /* set again with PCID 0 */
            rig_insn(r, MOV_CR4_EAX, cr4 ^ bits[k], 0);
            assert_at(r, r->va + APART, -1);
            rig_insn(r, MOV_CR3_EAX, OTHER, 0);
            rig_insn(r, MOV_CR4_EAX, cr4, 0);
            go_to(r, 1, 2, KEEP);
        } else {
            rig_insn(r, MOV_CR4_EAX, cr4 ^ bits[k], 0);
            rig_insn(r, MOV_CR4_EAX, cr4, 0);
        }
        assert_at(r, r->va + APART, -1);
        go_to(r, 0, 1, KEEP);
        assert_in(r, -1);
        rig_free(r);
    }
}

/* The host has changed what is behind: no PCID keeps anything. */
static void host_drops_all(void **state)
{
    struct rig *r = both_cached();

    (void)state;
    cpu_tlb_forget(r->fx->cpu, true);
    assert_at(r, r->va + APART, -1);
    go_to(r, 0, 1, KEEP);
    assert_in(r, -1);
    rig_free(r);
}

/* INVLPG drops a global page whoever cached it, for data and for code. */
static void invlpg_drops_global_ones_everywhere(void **state)
{
    struct rig *r = pcid_rig();

    (void)state;
    map(r, 0, RIG_G);
    go_to(r, 0, 1, 0);
    assert_in(r, 0);
    go_to(r, 0, 2, 0);
    unmap_in(r, 0);
    rig_insn(r, INVLPG_EBX, 0, r->va);
    go_to(r, 0, 1, KEEP);
    assert_in(r, -1);
    rig_free(r);
}

/* ---- INVPCID ---- */

static void invpcid_an_address(void **state)
{
    struct rig *r = both_cached();

    (void)state;
    rig_invpcid(r, 0, 1, r->va); /* of another PCID */
    go_to(r, 0, 1, KEEP);
    assert_in(r, -1);
    rig_free(r);

    r = both_cached();
    rig_invpcid(r, 0, 2, r->va + APART); /* of the current one */
    assert_at(r, r->va + APART, -1);
    rig_free(r);
}

static void invpcid_a_pcid(void **state)
{
    struct rig *r = both_cached();

    (void)state;
    rig_invpcid(r, 1, 1, 0);
    assert_kept(r, r->va + APART, 1); /* the current one's stay */
    go_to(r, 0, 1, KEEP);
    assert_in(r, -1);
    rig_free(r);

    r = both_cached();
    rig_invpcid(r, 1, 2, 0);
    assert_at(r, r->va + APART, -1);
    go_to(r, 0, 1, KEEP);
    assert_kept(r, r->va, 0);
    rig_free(r);
}

static void invpcid_all(void **state)
{
    (void)state;
    for (unsigned type = 2; type < 4; type++) {
        struct rig *r = both_cached();

        rig_invpcid(r, type, 0, 0);
        assert_at(r, r->va + APART, -1);
        go_to(r, 0, 1, KEEP);
        assert_in(r, -1);
        rig_free(r);
    }
}

/* Types 1 and 3 spare global translations; 2 does not. */
static void invpcid_and_global_pages(void **state)
{
    (void)state;
    for (unsigned type = 1; type < 4; type++) {
        struct rig *r = pcid_rig();

        map(r, 0, RIG_G);
        go_to(r, 0, 1, 0);
        assert_in(r, 0);
        unmap_in(r, 0);
        rig_invpcid(r, type, type == 1 ? 1 : 0, 0);
        if (type == 2)
            assert_in(r, -1);
        else if (!FX_MAY_FORGET)
            assert_int_equal(read_from(r, r->va), 0);
        rig_free(r);
    }
}

/* ---- tables that the guest writes ---- */

/* By its own stores, again and again, which a shadow MMU may leave unseen until the guest says that
 * they count: here while another PCID is current, by each way to say so. */
static void stores_count_when_told(void **state)
{
    enum { INVPCID_TYPES = 4, BY_INVLPG = 4, BY_CR3, WAYS };

    (void)state;
    for (unsigned way = 0; way < WAYS; way++) {
        struct rig *r = pcid_rig();

        go_to(r, 0, 1, 0);
        assert_in(r, 0);
        for (unsigned k = 0; k < 8; k++) {
            unsigned to = !(k & 1);

            if (way != BY_INVLPG)
                go_to(r, 1, 2, KEEP);
            rig_insn(r, 0x038948, 3, /* mov [rbx], rax */
                     page_of[to] | RIG_P | RIG_W | RIG_U | RIG_A | RIG_D, leaf_of(r, 0));
            if (way < INVPCID_TYPES)
                rig_invpcid(r, way, way < 2 ? 1 : 0, way ? 0 : r->va);
            if (way == BY_INVLPG)
                rig_insn(r, INVLPG_EBX, 0, r->va);
            else
                go_to(r, 0, 1, way == BY_CR3 ? 0 : KEEP);
            assert_in(r, (int)to);
        }
        rig_free(r);
    }
}

/* ---- what is refused ---- */

static void cr3_and_cr4_checks(void **state)
{
    struct rig *r = rig_new(RIG_64_4K, NULL);
    struct cpu *cpu = r->fx->cpu;
    static const struct {
        uint64_t code, val;
        bool pcide;
    } bad[] = {
        {0xd8220f, KEEP | RIG_TABLES, false},             /* bit 63 is reserved then */
        {0xd8220f, UINT64_C(1) << 62 | RIG_TABLES, true}, /* … as are those above the address */
        {0xd8220f, KEEP | UINT64_C(1) << 40 | RIG_TABLES, true},
        {0xc0220f, CR0_PE, true}, /* paging cannot go before PCIDE */
    };

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(bad); k++) {
        if (bad[k].pcide && !(cpu->cr4 & CR4_PCIDE))
            rig_insn(r, MOV_CR4_EAX, cpu->cr4 | CR4_PCIDE, 0);
        rig_ring(r, 0);
        fx_wr(r->fx, FX_CODE + 0x40 + k * 16, bad[k].code, 8);
        cpu->gpr[REG_RIP] = FX_CODE + 0x40 + k * 16;
        cpu->gpr[REG_RAX] = bad[k].val;
        fx_run(r->fx, 1);
        fx_assert_vector(r->fx, EXC_GP);
        assert_int_equal(cpu->cr3, RIG_TABLES);
    }
    rig_free(r);

    /* PCIDE goes on with PCID 0 only: bits 11..0 of CR3 clear */
    r = rig_new(RIG_64_4K, NULL);
    cpu = r->fx->cpu;
    rig_insn(r, MOV_CR3_EAX, RIG_TABLES | 0x18, 0);
    rig_ring(r, 0);
    fx_wr(r->fx, FX_CODE + 0x40, 0xe0220f, 8);
    cpu->gpr[REG_RIP] = FX_CODE + 0x40;
    cpu->gpr[REG_RAX] = cpu->cr4 | CR4_PCIDE;
    fx_run(r->fx, 1);
    fx_assert_vector(r->fx, EXC_GP);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(translations_belong_to_a_pcid),
        cmocka_unit_test(bit_63_keeps),
        cmocka_unit_test(no_bit_63_drops_its_own),
        cmocka_unit_test(one_pcid_two_roots),
        cmocka_unit_test(many_pcids),
        cmocka_unit_test(pcids_outlive_generations),
        cmocka_unit_test(global_pages_have_no_pcid),
        cmocka_unit_test(cr4_drops_all),
        cmocka_unit_test(host_drops_all),
        cmocka_unit_test(invlpg_drops_global_ones_everywhere),
        cmocka_unit_test(invpcid_an_address),
        cmocka_unit_test(invpcid_a_pcid),
        cmocka_unit_test(invpcid_all),
        cmocka_unit_test(invpcid_and_global_pages),
        cmocka_unit_test(stores_count_when_told),
        cmocka_unit_test(cr3_and_cr4_checks),
    };

    return unit_main(tests);
}
