/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests/fuzz found in the CPU, each as a small case. */
#include "cpu/segments.h"
#include "cpu/state.h"
#include "tests/unit/cpu_fixture.h"

#define SMM_ENTRY 0x38000u
#define SMM_AREA  0x30000u /* offsets as in the manual are from here */
#define BAD_CR3   0x14000u

static void assert_same_checks(const struct cpu *a, const struct cpu *b)
{
    for (unsigned n = SEG_ES; n <= SEG_GS; n++) {
        assert_int_equal(a->seg[n].ok, b->seg[n].ok);
        assert_int_equal(a->seg[n].lo, b->seg[n].lo);
        assert_int_equal(a->seg[n].hi, b->seg[n].hi);
    }
}

/* In real mode types do not count: CS may be written to, also when INIT came in V86 mode. */
static void init_in_v86(void **state)
{
    struct fx *fx = fx_new("max"), *fresh = fx_new("max");

    (void)state;
    fx_prot(fx, 3);
    fx->cpu->rflags |= FL_VM;
    for (unsigned n = SEG_ES; n <= SEG_GS; n++)
        seg_set_v86(fx->cpu, n, 0x100);
    cpu_sync_mode(fx->cpu);
    cpu_reset(fx->cpu, true, true);
    assert_true(fresh->cpu->seg[SEG_CS].ok & ACC_W);
    assert_same_checks(fx->cpu, fresh->cpu);
    fx_free(fx);
    fx_free(fresh);
}

/* ---- RSM ---- */

/* In SMM, out of long mode, with RSM next. */
static struct fx *in_smm(void)
{
    struct fx *fx = fx_new("max");

    fx_long(fx, 0);
    FX_PUT(fx, SMM_ENTRY, 0x90, 0x0f, 0xaa);
    cpu_set_event(fx->cpu, EV_SMI);
    fx_run(fx, 1);
    assert_true(fx->cpu->in_smm);
    return fx;
}

/* SDM volume 3C, 31.3.2: shutdown, and nothing of that state has been loaded. */
static void rsm_to_illegal_state(void **state)
{
    static const struct {
        uint32_t at;
        uint64_t clear, set;
    } cases[] = {
        {0xff58, CR0_PG, 0},            /* LMA without paging */
        {0xfed0, EFER_LMA, 0},          /* paging and LME without LMA */
        {0xfed0, EFER_LME, 0},          /* LMA without LME */
        {0xfed0, 0, UINT64_C(1) << 20}, /* a reserved bit of EFER */
        {0xff48, CR4_PAE, 0},           /* long mode without PAE */
        {0xff48, 0, UINT64_C(1) << 40}, /* a reserved bit of CR4 */
        {0xff58, CR0_CD, CR0_NW},       /* NW without CD */
        {0xff70, 0, FL_VM},             /* V86 mode in long mode */
        {0xff58, 0, UINT64_C(1) << 32}, /* the upper half of CR0 */
        {0xff58, CR0_PE, 0},            /* paging without protection */
    };

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        struct fx *fx = in_smm();
        uint32_t at = SMM_AREA + cases[k].at;
        uint64_t base = fx->cpu->seg[SEG_DS].base;

        fx_wr(fx, at, (fx_rd(fx, at, 8) & ~cases[k].clear) | cases[k].set, 8);
        fx_wr(fx, SMM_AREA + 0xfff8, 0x77, 8);                      /* RAX */
        fx_wr(fx, SMM_AREA + 0xfe00 + SEG_DS * 16 + 8, 0x12345, 8); /* DS' base */
        fx_run(fx, 1);
        assert_true(fx->cpu->shutdown);
        assert_int_not_equal(fx->cpu->gpr[REG_RAX], 0x77);
        assert_int_equal(fx->cpu->seg[SEG_DS].base, base);
        fx_free(fx);
    }
}

/* PCIDs are long mode's. */
static void rsm_with_pcide_alone(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 0);
    FX_PUT(fx, SMM_ENTRY, 0x90, 0x0f, 0xaa);
    cpu_set_event(fx->cpu, EV_SMI);
    fx_run(fx, 1);
    fx_wr(fx, SMM_AREA + 0xff48, CR4_PCIDE, 8);
    fx_run(fx, 1);
    assert_true(fx->cpu->shutdown);
    fx_free(fx);
}

/* What does not exist in the registers is not in them afterwards. */
static void rsm_drops_what_there_is_not(void **state)
{
    struct fx *fx = in_smm();
    uint32_t cs = SMM_AREA + 0xfe00 + SEG_CS * 16 + 2; /* attributes: L in bit 9, D in 10 */

    (void)state;
    fx_wr(fx, cs, (fx_rd(fx, cs, 2) & ~0x200u) | 0x400, 2);
    fx_wr(fx, SMM_AREA + 0xff78, UINT64_C(0x123400000000) | FX_CODE, 8);
    fx_wr(fx, SMM_AREA + 0xff50, UINT64_C(0xfff0000000000000) | FX_PML4, 8);
    fx_wr(fx, SMM_AREA + 0xff58, fx_rd(fx, SMM_AREA + 0xff58, 8) | 0x100, 8);
    FX_PUT(fx, FX_CODE, 0x90);
    fx_run(fx, 2); /* rsm, nop */
    assert_false(fx->cpu->shutdown);
    assert_int_equal(fx->cpu->mode & MODE_CODE, MODE_32);
    assert_int_equal(fx_rip(fx), FX_CODE + 1);
    assert_int_equal(fx->cpu->cr3, FX_PML4);
    assert_int_equal(fx->cpu->cr0 & 0x100, 0);
    fx_free(fx);
}

/* ---- a fault in a task that has only half begun ---- */

/* An NMI's task is in V86 mode, but its CR3 leads to PDPTEs with reserved bits: #GP, whose
 * handler's stack, expand-down, is checked as a stack of protected mode. */
static void fault_in_half_a_v86_task(void **state)
{
    const unsigned tss = FX_TSS2, stack = FX_ROM; /* a selector to be had */
    struct fx *fx = fx_new("max");
    struct cpu *cpu = fx->cpu;

    (void)state;
    fx_prot(fx, 0);
    fx_desc(fx, stack, 0, 0x3fff, FX_ATTR_DATA | SEG_T_DOWN | SEG_DB);
    fx_wr(fx, FX_PML4, (FX_PML4 + 0x1000) | 1, 8);
    for (unsigned k = 0; k < 2; k++)
        fx_wr(fx, FX_PML4 + 0x1000 + k * 8, k << 21 | 0xe7, 8);
    fx_wr(fx, BAD_CR3, (FX_PML4 + 0x1000) | 3, 8);
    cpu->cr4 |= CR4_PAE;
    cpu->cr0 |= CR0_PG;
    cpu->cr3 = FX_PML4;
    memcpy(cpu->pdpte, fx->ram + FX_PML4, 32);
    cpu_tlb_flush(cpu, true);
    cpu_sync_mode(cpu);
    fx_wr(fx, tss + 0x04, FX_ESP0, 4);
    fx_wr(fx, tss + 0x08, stack, 4);
    fx_wr(fx, tss + 0x1c, BAD_CR3, 4);
    fx_wr(fx, tss + 0x24, FL_VM | FL_1, 4);
    fx_gate(fx, FX_IDT + EXC_NMI * 8, FX_TR2, 0, SYS_TASK_GATE, 0, 0);
    cpu_set_event(cpu, EV_NMI);
    fx_run(fx, 1);
    assert_int_equal(fx_rip(fx), FX_HAND + EXC_GP * 4 + 1); /* its HLT is done, too */
    assert_int_equal(cpu->seg[SEG_SS].sel, stack);
    assert_int_equal(cpu->seg[SEG_SS].lo, 0x4000);
    assert_int_equal(cpu->seg[SEG_SS].ok, ACC_R | ACC_W);
    fx_free(fx);
}

/* ---- states that no processor is ever in ---- */

static void impossible_states(void **state)
{
    struct fx *fx = fx_new("max");
    struct x86_state good, s;

    (void)state;
    fx_long(fx, 0);
    cpu_get_state(fx->cpu, &good);
    assert_true(cpu_set_state(fx->cpu, &good));
#define IMPOSSIBLE(change)                                                                         \
    do {                                                                                           \
        s = good;                                                                                  \
        change;                                                                                    \
        assert_false(cpu_set_state(fx->cpu, &s));                                                  \
    } while (0)
    IMPOSSIBLE(s.cr0 |= 0x100);
    IMPOSSIBLE(s.cr0 |= UINT64_C(1) << 32);
    IMPOSSIBLE(s.cr0 &= ~(uint64_t)CR0_PE);
    IMPOSSIBLE(s.cr3 |= UINT64_C(1) << 60);
    IMPOSSIBLE(s.cr4 &= ~(uint64_t)CR4_PAE);
    IMPOSSIBLE(s.cr4 |= UINT64_C(1) << 60);
    IMPOSSIBLE(s.efer |= 2);
    IMPOSSIBLE(s.efer &= ~(uint64_t)EFER_LME);
    IMPOSSIBLE(s.efer &= ~(uint64_t)EFER_LMA);
    IMPOSSIBLE(s.rflags |= 8);
    IMPOSSIBLE(s.rflags |= FL_VM);
    IMPOSSIBLE(s.cpl = 4);
    IMPOSSIBLE(s.seg[SEG_CS].attr &= (uint16_t)~SEG_L; s.rip = UINT64_C(1) << 32);
    IMPOSSIBLE(s.seg[SEG_DS].attr |= 0x100);
    IMPOSSIBLE(s.dr6 |= UINT64_C(1) << 32);
    IMPOSSIBLE(s.dr7 |= UINT64_C(1) << 32);
    IMPOSSIBLE(s.pending_db = 0x10);
    IMPOSSIBLE(s.inhibit = 4);
    IMPOSSIBLE(s.smbase = UINT64_C(1) << 32);
    IMPOSSIBLE(s.mxcsr = 0x10000);
    IMPOSSIBLE(s.gdtr.limit = 0x10000);
#undef IMPOSSIBLE
    fx_free(fx);

    fx = fx_new("max"); /* real mode */
    cpu_get_state(fx->cpu, &good);
    s = good;
    s.cpl = 3;
    assert_false(cpu_set_state(fx->cpu, &s));
    s = good;
    s.rflags |= FL_VM;
    assert_false(cpu_set_state(fx->cpu, &s));
    fx_free(fx);
}

/* ES and B follow from the flags and the masks; what executes next counts on it. */
static void state_with_a_summary_of_its_own(void **state)
{
    struct fx *fx = fx_new("max");
    struct x86_state s;

    (void)state;
    cpu_get_state(fx->cpu, &s);
    s.fcw = 0x37b;  /* division by zero is not masked, */
    s.fsw = 0x2804; /* and flagged */
    assert_true(cpu_set_state(fx->cpu, &s));
    cpu_get_state(fx->cpu, &s);
    assert_int_equal(s.fsw, 0xa884);
    s.fcw = 0x33f; /* bit 6 is always set, */
    s.fsw = 0xa884;
    assert_true(cpu_set_state(fx->cpu, &s));
    cpu_get_state(fx->cpu, &s);
    assert_int_equal(s.fcw, 0x37f);
    assert_int_equal(s.fsw, 0x2804);
    /* FERR# reports what is pending, IGNNE# ignores what is reported */
    s.ferr = s.ignne = 1;
    assert_true(cpu_set_state(fx->cpu, &s));
    cpu_get_state(fx->cpu, &s);
    assert_int_equal(s.ferr | s.ignne, 0);
    s.fcw = 0x37b;
    s.ignne = 1;
    assert_true(cpu_set_state(fx->cpu, &s));
    cpu_get_state(fx->cpu, &s);
    assert_int_equal(s.ignne, 0);
    s.ferr = s.ignne = 1;
    assert_true(cpu_set_state(fx->cpu, &s));
    cpu_get_state(fx->cpu, &s);
    assert_int_equal(s.ferr & s.ignne, 1);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(init_in_v86),
        cmocka_unit_test(rsm_to_illegal_state),
        cmocka_unit_test(rsm_with_pcide_alone),
        cmocka_unit_test(rsm_drops_what_there_is_not),
        cmocka_unit_test(fault_in_half_a_v86_task),
        cmocka_unit_test(impossible_states),
        cmocka_unit_test(state_with_a_summary_of_its_own),
    };

    return unit_main(tests);
}
