/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Delivery of interrupts and exceptions, privilege, segments, tasks: each test runs a few
 * instructions and looks at what Intel's SDM says must have happened.
 */
#include "tests/unit/cpu_fixture.h"

/* ---- real mode ---- */

static void real_mode_int(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_real(fx);
    fx->cpu->rflags |= FL_IF | FL_TF;
    FX_PUT(fx, FX_CODE, 0xcd, 0x21); /* int 0x21 */
    fx_run(fx, 1);
    fx_assert_vector(fx, 0x21);
    assert_int_equal(fx->cpu->gpr[REG_RSP], FX_STACK - 6);
    assert_int_equal(fx_rd(fx, FX_STACK - 6, 2), FX_CODE + 2);
    assert_int_equal(fx_rd(fx, FX_STACK - 4, 2), 0);
    assert_int_equal(fx_rd(fx, FX_STACK - 2, 2) & (FL_IF | FL_TF), FL_IF | FL_TF);
    assert_int_equal(fx->cpu->rflags & (FL_IF | FL_TF), 0);
    fx_free(fx);
}

static void unreal_mode(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 0);
    fx_ring(fx, FX_CS16, FX_DS0, 0);           /* 16-bit code, big data segments */
    FX_PUT(fx, FX_CODE, 0x0f, 0x20, 0xc0,      /* mov eax, cr0 */
           0x24, 0xfe,                         /* and al, 0xfe */
           0x0f, 0x22, 0xc0,                   /* mov cr0, eax */
           0xea, 0x0d, 0x80, 0x00, 0x00,       /* jmp 0:800d */
           0x31, 0xc0, 0x8e, 0xd8,             /* xor ax, ax; mov ds, ax */
           0x66, 0xbb, 0x00, 0x00, 0x20, 0x00, /* mov ebx, 0x200000 */
           0x67, 0xc6, 0x03, 0x5a);            /* mov byte [ebx], 0x5a */
    fx_run(fx, 8);
    assert_int_equal(fx->cpu->cr0 & CR0_PE, 0);
    assert_int_equal(fx_rd(fx, 0x200000, 1), 0x5a);
    assert_int_equal(fx->cpu->seg[SEG_DS].limit, 0xffffffff);
    fx_free(fx);
}

/* ---- gates ---- */

static void inner_gate_frame(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 3);
    fx->cpu->rflags |= FL_IF | FL_NT;
    FX_PUT(fx, FX_CODE, 0xcd, 0x30); /* int 0x30 */
    fx_run(fx, 1);
    fx_assert_vector(fx, 0x30);
    assert_int_equal(fx->cpu->cpl, 0);
    assert_int_equal(fx->cpu->gpr[REG_RSP], FX_ESP0 - 20);
    assert_int_equal(fx->cpu->seg[SEG_SS].sel, FX_DS0);
    assert_int_equal(fx->cpu->seg[SEG_CS].sel, FX_CS0);
    assert_int_equal(fx_stk4(fx, 0), FX_CODE + 2);
    assert_int_equal(fx_stk4(fx, 1), FX_CS3);
    assert_int_equal(fx_stk4(fx, 2) & (FL_IF | FL_NT), FL_IF | FL_NT);
    assert_int_equal(fx_stk4(fx, 3), FX_UST);
    assert_int_equal(fx_stk4(fx, 4), FX_DS3);
    assert_int_equal(fx->cpu->rflags & (FL_IF | FL_NT), 0);
    fx_free(fx);
}

static void gate_privilege(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 3);
    FX_PUT(fx, FX_CODE, 0xcd, 0x21); /* gate's DPL is 0 */
    fx_run(fx, 1);
    fx_assert_vector(fx, EXC_GP);
    assert_int_equal(fx_stk4(fx, 0), 0x21 * 8 + 2); /* no EXT: the program did it */
    assert_int_equal(fx_stk4(fx, 1), FX_CODE);      /* at the INT itself */
    assert_true(fx_stk4(fx, 3) & FL_RF);
    fx_free(fx);
}

static void gate_not_present(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 0);
    fx_wr(fx, FX_IDT + EXC_UD * 8 + 5, 0x0e, 1);
    FX_PUT(fx, FX_CODE, 0x0f, 0x0b); /* ud2 */
    fx_run(fx, 1);
    fx_assert_vector(fx, EXC_NP);
    assert_int_equal(fx_stk4(fx, 0), EXC_UD * 8 + 3); /* EXT: from an exception */
    assert_int_equal(fx_stk4(fx, 1), FX_CODE);
    fx_free(fx);
}

static void trap_gate_keeps_if(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 0);
    fx_gate(fx, FX_IDT + 3 * 8, FX_CS0, FX_HAND + 12, SYS_TRAP32, 0, 0);
    fx->cpu->rflags |= FL_IF;
    FX_PUT(fx, FX_CODE, 0xcc);
    fx_run(fx, 1);
    fx_assert_vector(fx, EXC_BP);
    assert_true(fx->cpu->rflags & FL_IF);
    assert_int_equal(fx_stk4(fx, 0), FX_CODE + 1);
    assert_false(fx_stk4(fx, 2) & FL_RF);
    fx_free(fx);
}

static void gate16(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 0);
    fx_gate(fx, FX_IDT + 0x40 * 8, FX_CS0, 0x12340000 | (FX_HAND + 0x100), SYS_INT16, 0, 0);
    FX_PUT(fx, FX_CODE, 0xcd, 0x40);
    fx_run(fx, 1);
    assert_int_equal(fx_rip(fx), FX_HAND + 0x100); /* the upper half is not looked at */
    assert_int_equal(fx->cpu->gpr[REG_RSP], FX_STACK - 6);
    assert_int_equal(fx_rd(fx, FX_STACK - 6, 2), FX_CODE + 2);
    fx_free(fx);
}

static void double_then_triple(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 0);
    fx_gate(fx, FX_IDT + EXC_GP * 8, FX_NP, 0, SYS_INT32, 0, 0);  /* not code: #GP again */
    FX_PUT(fx, FX_CODE, 0xb8, 0xf8, 0x00, 0x00, 0x00, 0x8e, 0xd8, /* mov eax, f8; mov ds, eax */
           0xb8, 0xf8, 0x01, 0x00, 0x00, 0x8e, 0xd8);
    fx_run(fx, 2);
    fx_assert_vector(fx, EXC_DF);
    assert_int_equal(fx_stk4(fx, 0), 0);
    assert_int_equal(fx_stk4(fx, 1), FX_CODE + 5);
    fx_wr(fx, FX_IDT + EXC_DF * 8 + 5, 0, 1);
    fx_ring(fx, FX_CS0, FX_DS0, 0);
    fx_run(fx, 4);
    assert_int_equal(fx->why, CPU_EXIT_SHUTDOWN);
    assert_true(fx->cpu->shutdown);
    fx_free(fx);
}

static void benign_then_fault_is_serial(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 0);
    fx_gate(fx, FX_IDT + EXC_UD * 8, FX_DS0, 0, SYS_INT32, 0, 0); /* #UD's handler: not code */
    FX_PUT(fx, FX_CODE, 0x0f, 0x0b);
    fx_run(fx, 1);
    fx_assert_vector(fx, EXC_GP);
    assert_int_equal(fx_stk4(fx, 0), FX_DS0 | 1);
    fx_free(fx);
}

static void bad_inner_stack(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 3);
    fx_wr(fx, FX_TSS + 8, FX_DS3, 2); /* wrong DPL for ring 0 */
    /* #TS has a task of its own */
    fx_gate(fx, FX_IDT + EXC_TS * 8, FX_TR2, 0, SYS_TASK_GATE, 0, 0);
    fx_wr(fx, FX_TSS2 + 0x20, FX_HAND, 4);
    fx_wr(fx, FX_TSS2 + 0x38, FX_STACK, 4);
    fx_wr(fx, FX_TSS2 + 0x4c, FX_CS0, 2);
    fx_wr(fx, FX_TSS2 + 0x50, FX_DS0, 2);
    FX_PUT(fx, FX_CODE, 0xcd, 0x30);
    fx_run(fx, 1);
    assert_int_equal(fx_rip(fx), FX_HAND);
    assert_int_equal(fx->cpu->seg[SEG_TR].sel, FX_TR2);
    assert_int_equal(fx_stk4(fx, 0), FX_DS3 & ~3);
    assert_int_equal(fx_rd(fx, FX_TSS + 0x20, 4), FX_CODE);
    fx_free(fx);
}

static void external_interrupt(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 3);
    fx->vector = 0x21;
    FX_PUT(fx, FX_CODE, 0x90, 0x90, 0x90);
    cpu_set_event(fx->cpu, EV_INTR);
    fx_run(fx, 1); /* IF is clear: not taken */
    assert_int_equal(fx_rip(fx), FX_CODE + 1);
    fx->cpu->rflags |= FL_IF;
    fx_run(fx, 1); /* the handler's first instruction, HLT, is this one */
    assert_int_equal(fx_rip(fx), FX_HAND + 0x21 * 4 + 1);
    assert_int_equal(fx_stk4(fx, 0), FX_CODE + 1);
    assert_int_equal(fx->vector, -1);
    fx_free(fx);
}

static void sti_shadow(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 0);
    fx->vector = 0x21;
    cpu_set_event(fx->cpu, EV_INTR);
    FX_PUT(fx, FX_CODE, 0xfb, 0x90, 0x90); /* sti; nop; nop */
    fx_run(fx, 2);
    fx_assert_vector(fx, 0x21);
    assert_int_equal(fx_stk4(fx, 0), FX_CODE + 2);
    fx_free(fx);
}

static void mov_ss_shadow(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 0);
    fx->vector = 0x21;
    fx->cpu->rflags |= FL_IF;
    fx->cpu->gpr[REG_RAX] = FX_DS0;
    FX_PUT(fx, FX_CODE, 0x8e, 0xd0, 0x90, 0x90); /* mov ss, eax; nop; nop */
    fx_run(fx, 1);
    cpu_set_event(fx->cpu, EV_INTR);
    cpu_set_event(fx->cpu, EV_NMI);
    fx_run(fx, 1);
    fx_assert_vector(fx, EXC_NMI); /* behind the NOP, not before it */
    assert_int_equal(fx_stk4(fx, 0), FX_CODE + 3);
    assert_true(fx->cpu->nmi_blocked);
    fx_free(fx);
}

static void iret_unblocks_nmi(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 3);
    FX_PUT(fx, FX_CODE, 0x90, 0x90);
    FX_PUT(fx, FX_HAND + 8, 0xcf); /* iret */
    cpu_set_event(fx->cpu, EV_NMI);
    fx_run(fx, 1);
    assert_int_equal(fx_rip(fx), FX_CODE);
    assert_int_equal(fx->cpu->cpl, 3);
    assert_int_equal(fx->cpu->gpr[REG_RSP], FX_UST);
    assert_false(fx->cpu->nmi_blocked);
    fx_free(fx);
}

/* ---- returns ---- */

static void iret_outer_drops_data(void **state)
{
    struct fx *fx = fx_new("max");
    uint32_t sp = FX_STACK - 20;

    (void)state;
    fx_prot(fx, 0);
    fx->cpu->gpr[REG_RSP] = sp;
    fx_wr(fx, sp, 0x8800, 4);
    fx_wr(fx, sp + 4, FX_CS3, 4);
    fx_wr(fx, sp + 8, FL_1 | FL_IF | FL_CF, 4);
    fx_wr(fx, sp + 12, FX_UST, 4);
    fx_wr(fx, sp + 16, FX_DS3, 4);
    fx_seg(fx, SEG_ES, FX_DS3);
    FX_PUT(fx, FX_CODE, 0xcf);
    fx_run(fx, 1);
    assert_int_equal(fx->cpu->cpl, 3);
    assert_int_equal(fx_rip(fx), 0x8800);
    assert_int_equal(fx->cpu->gpr[REG_RSP], FX_UST);
    assert_int_equal(fx->cpu->seg[SEG_DS].sel, 0); /* was ring 0's */
    assert_int_equal(fx->cpu->seg[SEG_ES].sel, FX_DS3);
    assert_true(flag_cf(fx->cpu));
    assert_true(fx->cpu->rflags & FL_IF);
    fx_free(fx);
}

static void iret_flags_by_privilege(void **state)
{
    struct fx *fx = fx_new("max");
    uint32_t sp = FX_UST - 12;

    (void)state;
    fx_prot(fx, 3);
    fx->cpu->gpr[REG_RSP] = sp;
    fx_wr(fx, sp, 0x8800, 4);
    fx_wr(fx, sp + 4, FX_CS3, 4);
    fx_wr(fx, sp + 8, FL_1 | FL_IF | FL_IOPL | FL_ZF, 4);
    FX_PUT(fx, FX_CODE, 0xcf);
    fx_run(fx, 1);
    assert_int_equal(fx->cpu->rflags & (FL_IF | FL_IOPL), 0);
    assert_true(flag_zf(fx->cpu));
    fx_free(fx);
}

static void iret_to_inner_is_gp(void **state)
{
    struct fx *fx = fx_new("max");
    uint32_t sp = FX_UST - 12;

    (void)state;
    fx_prot(fx, 3);
    fx->cpu->gpr[REG_RSP] = sp;
    fx_wr(fx, sp, 0x8800, 4);
    fx_wr(fx, sp + 4, FX_CS0, 4);
    fx_wr(fx, sp + 8, FL_1, 4);
    FX_PUT(fx, FX_CODE, 0xcf);
    fx_run(fx, 1);
    fx_assert_vector(fx, EXC_GP);
    assert_int_equal(fx_stk4(fx, 0), FX_CS0);
    assert_int_equal(fx_stk4(fx, 4), sp);
    fx_free(fx);
}

/* ---- far calls ---- */

static void call_gate_copies_parameters(void **state)
{
    struct fx *fx = fx_new("max");
    uint32_t sp = FX_UST - 8;

    (void)state;
    fx_prot(fx, 3);
    fx->cpu->gpr[REG_RSP] = sp;
    fx_wr(fx, sp, 0x11111111, 4);
    fx_wr(fx, sp + 4, 0x22222222, 4);
    FX_PUT(fx, FX_CODE, 0x9a, 0xef, 0xbe, 0xad, 0xde, FX_GATE | 3, 0x00); /* offset is ignored */
    FX_PUT(fx, FX_HAND, 0xca, 0x08, 0x00);                                /* retf 8 */
    fx_run(fx, 1);
    assert_int_equal(fx_rip(fx), FX_HAND);
    assert_int_equal(fx->cpu->cpl, 0);
    assert_int_equal(fx->cpu->gpr[REG_RSP], FX_ESP0 - 24);
    assert_int_equal(fx_stk4(fx, 0), FX_CODE + 7);
    assert_int_equal(fx_stk4(fx, 1), FX_CS3);
    assert_int_equal(fx_stk4(fx, 2), 0x11111111);
    assert_int_equal(fx_stk4(fx, 3), 0x22222222);
    assert_int_equal(fx_stk4(fx, 4), sp);
    assert_int_equal(fx_stk4(fx, 5), FX_DS3);
    fx_run(fx, 1);
    assert_int_equal(fx->cpu->cpl, 3);
    assert_int_equal(fx_rip(fx), FX_CODE + 7);
    assert_int_equal(fx->cpu->gpr[REG_RSP], FX_UST); /* parameters gone on both stacks */
    assert_int_equal(fx->cpu->seg[SEG_SS].sel, FX_DS3);
    fx_free(fx);
}

static void conforming_keeps_cpl(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 3);
    FX_PUT(fx, FX_CODE, 0x9a, 0x00, 0x88, 0x00, 0x00, FX_CONF, 0x00);
    fx_run(fx, 1);
    assert_int_equal(fx->cpu->cpl, 3);
    assert_int_equal(fx->cpu->seg[SEG_CS].sel, FX_CONF | 3);
    assert_int_equal(fx_rip(fx), 0x8800);
    assert_int_equal(fx_stk4(fx, 0), FX_CODE + 7);
    fx_free(fx);
}

static void far_jump_inward_is_gp(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 3);
    FX_PUT(fx, FX_CODE, 0xea, 0x00, 0x88, 0x00, 0x00, FX_CS0, 0x00);
    fx_run(fx, 1);
    fx_assert_vector(fx, EXC_GP);
    assert_int_equal(fx_stk4(fx, 0), FX_CS0);
    fx_free(fx);
}

/* ---- segment loads ---- */

static void expect_load_fault(unsigned n_modrm, unsigned sel, unsigned vector, uint32_t err)
{
    struct fx *fx = fx_new("max");

    fx_prot(fx, 0);
    fx->cpu->gpr[REG_RAX] = sel;
    fx_wr(fx, FX_CODE, 0x8e | n_modrm << 8, 2); /* mov sreg, eax */
    fx_run(fx, 1);
    fx_assert_vector(fx, vector);
    assert_int_equal(fx_stk4(fx, 0), err);
    assert_int_equal(fx_stk4(fx, 1), FX_CODE);
    fx_free(fx);
}

static void segment_load_faults(void **state)
{
    (void)state;
    expect_load_fault(0xd8, FX_NP, EXC_NP, FX_NP);       /* DS not present */
    expect_load_fault(0xd8, 0x108, EXC_GP, 0x108);       /* beyond the limit */
    expect_load_fault(0xd8, 0x0c, EXC_GP, 0x0c);         /* no LDT */
    expect_load_fault(0xd8, FX_TR, EXC_GP, FX_TR);       /* a TSS */
    expect_load_fault(0xd8, FX_DS0 | 3, EXC_GP, FX_DS0); /* RPL > DPL */
    expect_load_fault(0xd0, 0, EXC_GP, 0);               /* SS null */
    expect_load_fault(0xd0, FX_NP, EXC_SS, FX_NP);
    expect_load_fault(0xd0, FX_DS3, EXC_GP, FX_DS3 & ~3u);
    expect_load_fault(0xd0, FX_ROM, EXC_GP, FX_ROM); /* not writable */
    expect_load_fault(0xd0, FX_CS0, EXC_GP, FX_CS0);
}

static void accessed_bit(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 0);
    fx->cpu->gpr[REG_RAX] = FX_ROM;
    FX_PUT(fx, FX_CODE, 0x8e, 0xd8);
    assert_false(fx_rd(fx, FX_GDT + FX_ROM + 5, 1) & 1);
    fx_run(fx, 1);
    assert_true(fx_rd(fx, FX_GDT + FX_ROM + 5, 1) & 1);
    assert_int_equal(fx->cpu->seg[SEG_DS].sel, FX_ROM);
    fx_free(fx);
}

static void null_ds_faults_when_used(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 0);
    fx->cpu->gpr[REG_RAX] = 0;
    FX_PUT(fx, FX_CODE, 0x8e, 0xd8, 0x8a, 0x00); /* mov ds, eax; mov al, [eax] */
    fx_run(fx, 2);
    fx_assert_vector(fx, EXC_GP);
    assert_int_equal(fx_stk4(fx, 0), 0);
    assert_int_equal(fx_stk4(fx, 1), FX_CODE + 2);
    fx_free(fx);
}

static void lar_lsl_verr(void **state)
{
    struct fx *fx = fx_new("max");
    struct cpu *cpu = fx->cpu;

    (void)state;
    fx_prot(fx, 3);
    cpu->gpr[REG_RAX] = FX_DS3;
    cpu->gpr[REG_RBX] = FX_DS0;
    FX_PUT(fx, FX_CODE, 0x0f, 0x02, 0xc8, /* lar ecx, eax */
           0x0f, 0x03, 0xd0,              /* lsl edx, eax */
           0x0f, 0x02, 0xf3,              /* lar esi, ebx: ring 0's */
           0x0f, 0x00, 0xe0,              /* verr ax */
           0x0f, 0x00, 0xed);             /* verw bp: null */
    fx_run(fx, 2);
    assert_true(flag_zf(cpu));
    assert_int_equal(cpu->gpr[REG_RCX], 0x00c0f200);
    assert_int_equal(cpu->gpr[REG_RDX], 0xffffffff);
    fx_run(fx, 1);
    assert_false(flag_zf(cpu));
    fx_run(fx, 1);
    assert_true(flag_zf(cpu));
    fx_run(fx, 1);
    assert_false(flag_zf(cpu));
    fx_free(fx);
}

static void ltr_marks_busy(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 0);
    fx->cpu->gpr[REG_RAX] = FX_TR2;
    FX_PUT(fx, FX_CODE, 0x0f, 0x00, 0xd8, 0x0f, 0x00, 0xd8); /* ltr ax, twice */
    fx_run(fx, 1);
    assert_int_equal(fx_rd(fx, FX_GDT + FX_TR2 + 5, 1), 0x8b);
    assert_int_equal(fx->cpu->seg[SEG_TR].base, FX_TSS2);
    fx_run(fx, 1);
    fx_assert_vector(fx, EXC_GP); /* busy now */
    assert_int_equal(fx_stk4(fx, 0), FX_TR2);
    fx_free(fx);
}

/* ---- tasks ---- */

static void make_task2(struct fx *fx)
{
    fx_wr(fx, FX_TSS2 + 0x20, 0x8800, 4);
    fx_wr(fx, FX_TSS2 + 0x24, FL_1 | FL_CF, 4);
    fx_wr(fx, FX_TSS2 + 0x28, 0xaaaaaaaa, 4);
    fx_wr(fx, FX_TSS2 + 0x38, FX_STACK, 4);
    fx_wr(fx, FX_TSS2 + 0x4c, FX_CS0, 2);
    fx_wr(fx, FX_TSS2 + 0x50, FX_DS0, 2);
    fx_wr(fx, FX_TSS2 + 0x54, FX_DS3, 2);
}

static void task_call_and_back(void **state)
{
    struct fx *fx = fx_new("max");
    struct cpu *cpu = fx->cpu;

    (void)state;
    fx_prot(fx, 0);
    make_task2(fx);
    cpu->gpr[REG_RBX] = 0x12345678;
    FX_PUT(fx, FX_CODE, 0x9a, 0, 0, 0, 0, FX_TR2, 0x00); /* call far TSS */
    FX_PUT(fx, 0x8800, 0xcf);                            /* iret */
    fx_run(fx, 1);
    assert_int_equal(fx_rip(fx), 0x8800);
    assert_int_equal(cpu->gpr[REG_RAX], 0xaaaaaaaa);
    assert_int_equal(cpu->gpr[REG_RBX], 0);
    assert_int_equal(cpu->seg[SEG_DS].sel, FX_DS3);
    assert_true(cpu->rflags & FL_NT);
    assert_true(flag_cf(cpu));
    assert_true(cpu->cr0 & CR0_TS);
    assert_int_equal(fx_rd(fx, FX_TSS2, 2), FX_TR); /* back link */
    assert_int_equal(fx_rd(fx, FX_GDT + FX_TR2 + 5, 1), 0x8b);
    assert_int_equal(fx_rd(fx, FX_GDT + FX_TR + 5, 1), 0x8b); /* the caller stays busy */
    assert_int_equal(fx_rd(fx, FX_TSS + 0x20, 4), FX_CODE + 7);
    assert_int_equal(fx_rd(fx, FX_TSS + 0x34, 4), 0x12345678);
    fx_run(fx, 1);
    assert_int_equal(fx_rip(fx), FX_CODE + 7);
    assert_int_equal(cpu->gpr[REG_RBX], 0x12345678);
    assert_int_equal(cpu->seg[SEG_TR].sel, FX_TR);
    assert_int_equal(fx_rd(fx, FX_GDT + FX_TR2 + 5, 1), 0x89);
    assert_false(cpu->rflags & FL_NT);
    assert_false(fx_rd(fx, FX_TSS2 + 0x24, 4) & FL_NT); /* cleared in the image */
    fx_free(fx);
}

static void task_jump_frees_old(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 0);
    make_task2(fx);
    fx_wr(fx, FX_TSS2 + 0x64, 1, 2);                       /* T bit */
    FX_PUT(fx, FX_CODE, 0xea, 0, 0, 0, 0, FX_TGATE, 0x00); /* jmp through a task gate */
    fx_run(fx, 1);
    assert_int_equal(fx_rd(fx, FX_GDT + FX_TR + 5, 1), 0x89);
    fx_assert_vector(fx, EXC_DB); /* the T bit's trap */
    assert_true(fx->cpu->dr6 & DR6_BT);
    assert_int_equal(fx_stk4(fx, 0), 0x8800);
    assert_false(fx->cpu->rflags & FL_NT);
    fx_free(fx);
}

static void task_with_bad_ss(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_prot(fx, 0);
    make_task2(fx);
    fx_wr(fx, FX_TSS2 + 0x54, 0x1f8, 2); /* DS beyond the GDT */
    FX_PUT(fx, FX_CODE, 0xea, 0, 0, 0, 0, FX_TR2, 0x00);
    fx_run(fx, 1);
    assert_int_equal(fx->cpu->seg[SEG_TR].sel, FX_TR2); /* the switch is done */
    fx_assert_vector(fx, EXC_TS);
    assert_int_equal(fx_stk4(fx, 0), 0x1f8);
    fx_free(fx);
}

/* ---- virtual-8086 mode ---- */

static void enter_v86(struct fx *fx, unsigned iopl)
{
    struct cpu *cpu = fx->cpu;

    fx_prot(fx, 0);
    cpu->rflags |= FL_VM | iopl << FL_IOPL_SHIFT;
    for (unsigned n = SEG_ES; n <= SEG_GS; n++)
        seg_set_v86(cpu, n, (uint16_t)(0x100 + n));
    seg_set_v86(cpu, SEG_CS, 0);
    cpu->cpl = 3;
    cpu->gpr[REG_RSP] = 0x4000;
    cpu->gpr[REG_RIP] = FX_CODE;
    cpu_sync_mode(cpu);
}

static void v86_interrupt_and_back(void **state)
{
    struct fx *fx = fx_new("max");
    struct cpu *cpu = fx->cpu;

    (void)state;
    enter_v86(fx, 3);
    FX_PUT(fx, FX_CODE, 0xcd, 0x30);
    FX_PUT(fx, FX_HAND + 0x30 * 4, 0xcf); /* iret */
    fx_run(fx, 1);
    fx_assert_vector(fx, 0x30);
    assert_int_equal(cpu->gpr[REG_RSP], FX_ESP0 - 36);
    assert_int_equal(fx_stk4(fx, 0), FX_CODE + 2);
    assert_true(fx_stk4(fx, 2) & FL_VM);
    assert_int_equal(fx_stk4(fx, 3), 0x4000);
    assert_int_equal(fx_stk4(fx, 4), 0x100 + SEG_SS);
    assert_int_equal(fx_stk4(fx, 5), 0x100 + SEG_ES);
    assert_int_equal(fx_stk4(fx, 6), 0x100 + SEG_DS);
    assert_int_equal(fx_stk4(fx, 7), 0x100 + SEG_FS);
    assert_int_equal(fx_stk4(fx, 8), 0x100 + SEG_GS);
    assert_int_equal(cpu->seg[SEG_DS].sel, 0);
    assert_false(cpu->rflags & FL_VM);
    fx_run(fx, 1);
    assert_true(cpu->rflags & FL_VM);
    assert_int_equal(cpu->cpl, 3);
    assert_int_equal(cpu->seg[SEG_FS].sel, 0x100 + SEG_FS);
    assert_int_equal(cpu->seg[SEG_FS].base, (0x100 + SEG_FS) << 4);
    assert_int_equal(fx_rip(fx), FX_CODE + 2);
    fx_free(fx);
}

static void v86_iopl_and_vme(void **state)
{
    struct fx *fx = fx_new("max");
    struct cpu *cpu = fx->cpu;

    (void)state;
    enter_v86(fx, 0);
    FX_PUT(fx, FX_CODE, 0xcd, 0x30);
    fx_run(fx, 1);
    fx_assert_vector(fx, EXC_GP);
    assert_int_equal(fx_stk4(fx, 0), 0);
    assert_int_equal(fx_stk4(fx, 1), FX_CODE);

    cpu->cr0 &= ~(uint64_t)CR0_PE;
    enter_v86(fx, 0);
    cpu->cr4 |= CR4_VME;
    fx_wr(fx, FX_TSS + 0x66, 0x88, 2); /* redirection map at 0x68: all zero, all redirected */
    fx_wr(fx, 0x30 * 4, 0x00001234, 4);
    cpu->rflags |= FL_VIF;
    fx_run(fx, 1);
    assert_true(cpu->rflags & FL_VM);
    assert_int_equal(fx_rip(fx), 0x1234);
    assert_int_equal(cpu->gpr[REG_RSP], 0x4000 - 6);
    assert_int_equal(fx_rd(fx, (0x100 + SEG_SS) * 16 + 0x3ffa, 2), FX_CODE + 2);
    assert_int_equal(fx_rd(fx, (0x100 + SEG_SS) * 16 + 0x3ffe, 2) & (FL_IF | FL_IOPL),
                     FL_IF | FL_IOPL); /* IF shows VIF */
    assert_false(cpu->rflags & FL_VIF);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_mode_int),
        cmocka_unit_test(unreal_mode),
        cmocka_unit_test(inner_gate_frame),
        cmocka_unit_test(gate_privilege),
        cmocka_unit_test(gate_not_present),
        cmocka_unit_test(trap_gate_keeps_if),
        cmocka_unit_test(gate16),
        cmocka_unit_test(double_then_triple),
        cmocka_unit_test(benign_then_fault_is_serial),
        cmocka_unit_test(bad_inner_stack),
        cmocka_unit_test(external_interrupt),
        cmocka_unit_test(sti_shadow),
        cmocka_unit_test(mov_ss_shadow),
        cmocka_unit_test(iret_unblocks_nmi),
        cmocka_unit_test(iret_outer_drops_data),
        cmocka_unit_test(iret_flags_by_privilege),
        cmocka_unit_test(iret_to_inner_is_gp),
        cmocka_unit_test(call_gate_copies_parameters),
        cmocka_unit_test(conforming_keeps_cpl),
        cmocka_unit_test(far_jump_inward_is_gp),
        cmocka_unit_test(segment_load_faults),
        cmocka_unit_test(accessed_bit),
        cmocka_unit_test(null_ds_faults_when_used),
        cmocka_unit_test(lar_lsl_verr),
        cmocka_unit_test(ltr_marks_busy),
        cmocka_unit_test(task_call_and_back),
        cmocka_unit_test(task_jump_frees_old),
        cmocka_unit_test(task_with_bad_ss),
        cmocka_unit_test(v86_interrupt_and_back),
        cmocka_unit_test(v86_iopl_and_vme),
    };

    return unit_main(tests);
}
