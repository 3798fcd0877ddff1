/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 5-level paging against Intel's SDM volume 3A (4.1.2: how CR4.LA57 may change) and volume 1
 * (3.3.7.1: canonical addresses). What uses an address goes by the paging mode; what only loads one
 * into a register, or invalidates, goes by the widest that the processor has.
 */
#include "cpu/cpuid.h"
#include "cpu/features.h"
#include "cpu/msr.h"
#include "tests/unit/tlb_rig.h"

#define MODEL "max,+la57"
#define BIT47 (UINT64_C(1) << 47)
#define BIT56 (UINT64_C(1) << 56)
#define NEG57 UINT64_C(0xff00000000000000) /* the lowest of the upper half with 57 bits */
#define NEG48 UINT64_C(0xffff800000000000)

/* With 48 or 57 bits in use; faults go to a stack that is mapped. */
static struct rig *la57_rig(bool wide)
{
    struct rig *r = rig_new(wide ? RIG_57_4K : RIG_64_4K, MODEL);
    static const unsigned vectors[] = {EXC_SS, EXC_GP, EXC_PF, EXC_NP};

    for (unsigned k = 0; k < ARRAY_SIZE(vectors); k++)
        fx_gate64(r->fx, vectors[k], FX_CS64, FX_HAND + vectors[k] * 4, SYS_INT32, 0, 1);
    fx_wr(r->fx, FX_TSS + 0x24, FX_STACK, 8);
    return r;
}

/* ---- CR4.LA57 ---- */

static void switched_outside_long_mode_only(void **state)
{
    static const enum rig_mode modes[] = {RIG_64_4K, RIG_57_4K};
    struct fx *fx;

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(modes); k++) {
        struct rig *r = rig_new(modes[k], MODEL);
        uint64_t cr4 = r->fx->cpu->cr4;

        assert_int_equal(rig_raises(r, 0, 0xe0220f, cr4 ^ CR4_LA57, 0), EXC_GP);
        assert_int_equal(r->fx->cpu->cr4, cr4);
        rig_insn(r, MOV_CR4_EAX, cr4 ^ CR4_PGE, 0); /* as long as it stays the same */
        rig_free(r);
    }
    for (unsigned has = 0; has < 2; has++) {
        fx = fx_new(has ? MODEL : "max,-la57");
        fx_prot(fx, 0);
        FX_PUT(fx, FX_CODE, 0x0f, 0x22, 0xe0, 0x0f, 0x22, 0xe1); /* mov cr4, eax; mov cr4, ecx */
        fx->cpu->gpr[REG_RAX] = CR4_LA57;
        fx->cpu->gpr[REG_RCX] = 0;
        fx_run(fx, 1);
        if (has)
            assert_int_equal(fx_rip(fx), FX_CODE + 3);
        else
            fx_assert_vector(fx, EXC_GP);
        assert_int_equal(fx->cpu->cr4, has ? CR4_LA57 : 0);
        fx_run(fx, has ? 1 : 0);
        assert_int_equal(fx->cpu->cr4, 0);
        fx_free(fx);
    }
}

static void shown_by_cpuid(void **state)
{
    struct rig *r = rig_new(RIG_64_4K, MODEL);

    (void)state;
    assert_true(cpuid_query(r->fx->cpu, 7, 0).ecx >> 16 & 1);
    assert_int_equal(cpuid_query(r->fx->cpu, 0x80000008, 0).eax >> 8 & 0xff, 57);
    rig_free(r);
    r = rig_new(RIG_64_4K, "max,-la57");
    assert_false(cpuid_query(r->fx->cpu, 7, 0).ecx >> 16 & 1);
    assert_int_equal(cpuid_query(r->fx->cpu, 0x80000008, 0).eax >> 8 & 0xff, 48);
    rig_free(r);
}

/* An SMI leaves 5-level paging, PCIDs and keys, and RSM brings them back. */
static void through_smm(void **state)
{
    struct rig *r = rig_new(RIG_57_4K, "max,+la57,+pku");
    struct cpu *cpu = r->fx->cpu;
    uint64_t cr4;

    (void)state;
    rig_insn(r, MOV_CR4_EAX, cpu->cr4 | CR4_PCIDE | CR4_PKE, 0);
    rig_insn(r, MOV_CR3_EAX, RIG_TABLES | 3, 0);
    cr4 = cpu->cr4;
    for (unsigned k = 0; k < 2; k++) {
        assert_true(sees(r, r->va, RIG_TARGET));
        rig_ring(r, 0);
        FX_PUT(r->fx, 0x38000, 0x90, 0x0f, 0xaa); /* nop; rsm */
        cpu_set_event(cpu, EV_SMI);
        fx_run(r->fx, 1);
        assert_true(cpu->in_smm);
        assert_int_equal(cpu->cr4, 0);
        fx_run(r->fx, 1);
        assert_false(cpu->in_smm);
        assert_int_equal(fx_rip(r->fx), FX_CODE);
        assert_int_equal(cpu->cr4, cr4);
        assert_int_equal(cpu->cr3, RIG_TABLES | 3);
    }
    rig_set(r, 0, 0);
    rig_insn(r, MOV_CR3_EAX, RIG_TABLES | 3, 0);
    assert_false(sees(r, r->va, RIG_TARGET));
    rig_free(r);
}

/* ---- addresses that are used ---- */

/* Each as it is with 48 bits and with 57. */
static const struct {
    gva_t va;
    bool ok48, ok57;
} addresses[] = {
    {BIT47 - 0x1000, true, true},   {BIT47, false, true},
    {BIT56 - 0x1000, false, true},  {BIT56, false, false},
    {BIT56 | BIT47, false, false},  {UINT64_C(1) << 63, false, false},
    {NEG57 - 0x1000, false, false}, {NEG57, false, true},
    {NEG48 - 0x1000, false, true},  {NEG48, true, true},
};

static void data_and_branches(void **state)
{
    static const struct {
        uint64_t code;
        bool branch;
    } cases[] = {
        {0x038a, false},   /* mov al, [rbx] */
        {0x0388, false},   /* mov [rbx], al */
        {0x0300, false},   /* add [rbx], al */
        {0x03100f, false}, /* movups xmm0, [rbx] */
        {0x038a65, false}, /* mov al, gs:[rbx] */
        {0xe3ff, true},    /* jmp rbx */
        {0xd3ff, true},    /* call rbx */
    };

    (void)state;
    for (unsigned wide = 0; wide < 2; wide++) {
        struct rig *r = la57_rig(wide);

        r->fx->cpu->cr4 |= CR4_OSFXSR;
        for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
            for (unsigned a = 0; a < ARRAY_SIZE(addresses); a++) {
                bool ok = wide ? addresses[a].ok57 : addresses[a].ok48;
                int v;

                v = rig_raises(r, 0, cases[k].code, 0, addresses[a].va);
                if (ok && cases[k].branch) { /* the fault is the next instruction's */
                    assert_int_equal(v, -1);
                    assert_int_equal(fx_rip(r->fx), addresses[a].va);
                    fx_run(r->fx, 1);
                    fx_assert_vector(r->fx, EXC_PF);
                } else if (v != (ok ? EXC_PF : EXC_GP)) {
                    fail_msg("wide %u code %x address %llx: vector %d", wide,
                             (unsigned)cases[k].code, (unsigned long long)addresses[a].va, v);
                }
                if (ok)
                    assert_int_equal(r->fx->cpu->cr2, addresses[a].va);
            }
        }
        rig_free(r);
    }
}

/* Stacks: #SS. */
static void stacks(void **state)
{
    (void)state;
    for (unsigned wide = 0; wide < 2; wide++) {
        struct rig *r = la57_rig(wide);
        struct cpu *cpu = r->fx->cpu;

        fx_wr(r->fx, FX_CODE + 0x40, 0x50, 1); /* push rax */
        fx_wr(r->fx, FX_CODE + 0x48, 0x58, 1); /* pop rax */
        for (unsigned a = 0; a < ARRAY_SIZE(addresses); a++) {
            bool ok = wide ? addresses[a].ok57 : addresses[a].ok48;

            for (unsigned pop = 0; pop < 2; pop++) {
                rig_ring(r, 0);
                cpu->gpr[REG_RIP] = FX_CODE + 0x40 + pop * 8;
                cpu->gpr[REG_RSP] = addresses[a].va + (pop ? 0 : 8);
                fx_run(r->fx, 1);
                fx_assert_vector(r->fx, ok ? EXC_PF : EXC_SS);
            }
        }
        rig_free(r);
    }
}

/* An access that begins canonical and ends beyond. */
static void the_edge(void **state)
{
    (void)state;
    for (unsigned wide = 0; wide < 2; wide++) {
        struct rig *r = la57_rig(wide);
        uint64_t edge = wide ? BIT56 : BIT47;

        for (unsigned into = 0; into < 8; into++)
            assert_int_equal(rig_raises(r, 0, 0x038948, 0, edge - 8 + into),
                             into ? EXC_GP : EXC_PF);
        rig_free(r);
    }
}

/* Bits 56..48 lead to tables of their own. */
static void top_level_is_walked(void **state)
{
    struct rig *r = rig_new(RIG_57_4K, MODEL);

    (void)state;
    assert_true(sees(r, r->va, RIG_TARGET));
    assert_false(sees(r, r->va ^ UINT64_C(1) << 48, RIG_TARGET));
    assert_false(sees(r, r->va ^ UINT64_C(1) << 55, RIG_TARGET));
    rig_set(r, 0, 0);
    rig_insn(r, INVLPG_EBX, 0, r->va);
    assert_int_equal(rig_go(r, 0, RIG_READ).vector, EXC_PF);
    rig_free(r);
}

/* ---- returns ---- */

static void returns(void **state)
{
    (void)state;
    for (unsigned wide = 0; wide < 2; wide++) {
        struct rig *r = la57_rig(wide);
        struct cpu *cpu = r->fx->cpu;

        cpu->star = UINT64_C(0x3b) << 48 | (uint64_t)FX_CS64 << 32;
        cpu->sysenter_cs = FX_CS64 - 16 * 2;
        for (unsigned a = 0; a < ARRAY_SIZE(addresses); a++) {
            bool ok = wide ? addresses[a].ok57 : addresses[a].ok48;
            gva_t va = addresses[a].va;
            uint64_t frame[] = {va, FX_CS64, FL_1, FX_STACK, FX_DS0};

            cpu->gpr[REG_R11] = FL_1;
            cpu->gpr[REG_RCX] = va;
            assert_int_equal(rig_raises(r, 0, 0x070f48, 0, 0), ok ? -1 : EXC_GP); /* sysretq */
            if (ok)
                assert_int_equal(fx_rip(r->fx), va);
            cpu->gpr[REG_RCX] = FX_UST;
            cpu->gpr[REG_RDX] = va;
            assert_int_equal(rig_raises(r, 0, 0x350f48, 0, 0), ok ? -1 : EXC_GP); /* sysexitq */
            cpu->gpr[REG_RCX] = va;
            cpu->gpr[REG_RDX] = RIG_UCODE;
            assert_int_equal(rig_raises(r, 0, 0x350f48, 0, 0), ok ? -1 : EXC_GP);

            rig_ring(r, 0);
            fx_wr(r->fx, FX_CODE + 0x40, 0xcf48, 2); /* iretq */
            cpu->gpr[REG_RIP] = FX_CODE + 0x40;
            cpu->gpr[REG_RSP] = 0xb000;
            for (unsigned k = 0; k < ARRAY_SIZE(frame); k++)
                fx_wr(r->fx, 0xb000 + k * 8, frame[k], 8);
            fx_run(r->fx, 1);
            if (ok)
                assert_int_equal(fx_rip(r->fx), va);
            else
                fx_assert_vector(r->fx, EXC_GP);
        }
        rig_free(r);
    }
}

/* ---- addresses that are loaded, or invalidated ---- */

static const struct {
    gva_t va;
    bool ok48, ok57; /* on a processor whose widest is that */
} loaded[] = {
    {BIT47 - 8, true, true}, {BIT47, false, true}, {BIT56 - 8, false, true},
    {BIT56, false, false},   {NEG57, false, true}, {NEG57 - 8, false, false},
    {NEG48, true, true},
};

static int write_msr(struct rig *r, uint32_t msr, uint64_t val)
{
    r->fx->cpu->gpr[REG_RCX] = msr;
    r->fx->cpu->gpr[REG_RDX] = val >> 32;
    return rig_raises(r, 0, 0x300f, (uint32_t)val, 0);
}

static void check_loads(struct rig *r, gva_t va, bool ok)
{
    static const uint32_t msrs[] = {MSR_LSTAR,   MSR_CSTAR,   MSR_SYSENTER_ESP,  MSR_SYSENTER_EIP,
                                    MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE};
    struct cpu *cpu = r->fx->cpu;
    int want = ok ? -1 : EXC_GP;
    uint64_t gdt = cpu->gdtr.base, idt = cpu->idtr.base;

    for (unsigned k = 0; k < ARRAY_SIZE(msrs); k++)
        assert_int_equal(write_msr(r, msrs[k], va), want);
    assert_int_equal(rig_raises(r, 0, UINT64_C(0xd0ae0f48f3), va, 0), want); /* wrfsbase rax */
    assert_int_equal(rig_raises(r, 0, UINT64_C(0xd8ae0f48f3), va, 0), want); /* wrgsbase rax */
    fx_wr(r->fx, 0xb000, FX_GDT_LIMIT, 2);
    fx_wr(r->fx, 0xb002, va, 8);
    assert_int_equal(rig_raises(r, 0, 0x13010f, 0, 0xb000), want); /* lgdt [rbx] */
    cpu->gdtr.base = gdt;
    fx_wr(r->fx, 0xb000, 0x7ff, 2);
    if (ok) /* a fault would not find its handler */
        assert_int_equal(rig_raises(r, 0, 0x1b010f, 0, 0xb000), -1);
    cpu->idtr.base = idt;
    fx_desc(r->fx, 0xb0, (uint32_t)va, 0x1f, SEG_P | SYS_LDT);
    fx_wr(r->fx, FX_GDT + 0xb8, va >> 32, 8);
    assert_int_equal(rig_raises(r, 0, 0xd0000f, 0xb0, 0), want); /* lldt ax */
    fx_desc(r->fx, 0xb0, (uint32_t)va, 0x67, SEG_P | SYS_TSS32);
    fx_wr(r->fx, FX_GDT + 0xb8, va >> 32, 8);
    if (ok) { /* likewise: the IST is in the TSS */
        struct segment tr = cpu->seg[SEG_TR];

        assert_int_equal(rig_raises(r, 0, 0xd8000f, 0xb0, 0), -1); /* ltr ax */
        assert_int_equal(cpu->seg[SEG_TR].base, va);
        cpu->seg[SEG_TR] = tr;
    }
    assert_int_equal(rig_raises(r, 0, 0x3b010f, 0, va), -1); /* invlpg never faults */
    fx_wr(r->fx, 0xb000, 0, 8);
    fx_wr(r->fx, 0xb008, va, 8);
    assert_int_equal(rig_raises(r, 0, UINT64_C(0x0382380f66), 0, 0xb000), want); /* invpcid */
}

static void registers_take_the_widest(void **state)
{
    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(loaded); k++) {
        for (unsigned n = 0; n < 3; n++) {
            struct rig *r = rig_new(n == 2 ? RIG_57_4K : RIG_64_4K, n ? MODEL : "max,-la57");

            /* selectors 0xb0 and up are free in the rig's GDT; it ends in time */
            r->fx->cpu->cr4 |= CR4_FSGSBASE;
            check_loads(r, loaded[k].va, n ? loaded[k].ok57 : loaded[k].ok48);
            rig_free(r);
        }
    }
}

/* What was loaded faults when it is used with fewer bits. */
static void loaded_is_not_used(void **state)
{
    struct rig *r = la57_rig(false);
    struct cpu *cpu = r->fx->cpu;

    (void)state;
    assert_int_equal(write_msr(r, MSR_FS_BASE, BIT47), -1);
    assert_int_equal(rig_raises(r, 0, 0x038a64, 0, 0), EXC_GP); /* mov al, fs:[rbx] */
    assert_int_equal(rig_raises(r, 0, 0x038a64, 0, -BIT47 + 0xb000), -1);
    assert_int_equal(write_msr(r, MSR_LSTAR, BIT47), -1);
    cpu->star = (uint64_t)FX_CS64 << 32;
    assert_int_equal(rig_raises(r, 3, 0x050f, 0, 0), -1); /* syscall */
    assert_int_equal(fx_rip(r->fx), BIT47);
    fx_run(r->fx, 1);
    fx_assert_vector(r->fx, EXC_GP);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(switched_outside_long_mode_only),
        cmocka_unit_test(shown_by_cpuid),
        cmocka_unit_test(through_smm),
        cmocka_unit_test(data_and_branches),
        cmocka_unit_test(stacks),
        cmocka_unit_test(the_edge),
        cmocka_unit_test(top_level_is_walked),
        cmocka_unit_test(returns),
        cmocka_unit_test(registers_take_the_widest),
        cmocka_unit_test(loaded_is_not_used),
    };

    return unit_main(tests);
}
