/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Long mode: gates, interrupt stacks, returns, page faults, and the fast system calls of both
 * worlds, against Intel's SDM volume 3A, 6.14, and volume 2.
 */
#include "tests/unit/cpu_fixture.h"

static void long_gate_frame(void **state)
{
    struct fx *fx = fx_new("max");
    struct cpu *cpu = fx->cpu;

    (void)state;
    fx_long(fx, 0);
    cpu->gpr[REG_RSP] = FX_STACK - 3; /* gets aligned */
    FX_PUT(fx, FX_CODE, 0xcd, 0x30);
    FX_PUT(fx, FX_HAND + 0x30 * 4, 0x48, 0xcf); /* iretq */
    fx_run(fx, 1);
    fx_assert_vector(fx, 0x30);
    assert_int_equal(cpu->gpr[REG_RSP], FX_STACK - 16 - 40);
    assert_int_equal(fx_stk8(fx, 0), FX_CODE + 2);
    assert_int_equal(fx_stk8(fx, 1), FX_CS64);
    assert_int_equal(fx_stk8(fx, 3), FX_STACK - 3);
    assert_int_equal(fx_stk8(fx, 4), FX_DS0); /* SS:RSP always, even without a change of level */
    fx_run(fx, 1);
    assert_int_equal(cpu->gpr[REG_RSP], FX_STACK - 3);
    assert_int_equal(fx_rip(fx), FX_CODE + 2);
    fx_free(fx);
}

static void long_ring_change_and_ist(void **state)
{
    struct fx *fx = fx_new("max");
    struct cpu *cpu = fx->cpu;

    (void)state;
    fx_long(fx, 3);
    fx_gate64(fx, 0x31, FX_CS64, FX_HAND + 0x31 * 4, SYS_INT32, 3, 2);
    fx_wr(fx, FX_TSS + 0x24 + 8, 0x4ff8, 8); /* IST2 */
    FX_PUT(fx, FX_CODE, 0xcd, 0x30);
    fx_run(fx, 1);
    assert_int_equal(cpu->gpr[REG_RSP], FX_ESP0 - 40);
    assert_int_equal(cpu->seg[SEG_SS].sel, 0); /* null */
    assert_int_equal(fx_stk8(fx, 3), FX_UST);
    assert_int_equal(fx_stk8(fx, 4), FX_DS3);
    fx_ring(fx, FX_CS64U, FX_DS3, 3);
    FX_PUT(fx, FX_CODE + 0x100, 0xcd, 0x31);
    cpu->gpr[REG_RIP] = FX_CODE + 0x100;
    fx_run(fx, 1);
    fx_assert_vector(fx, 0x31);
    assert_int_equal(cpu->gpr[REG_RSP], 0x4ff0 - 40);
    fx_free(fx);
}

static void long_page_fault_code(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_long(fx, 3);
    FX_PUT(fx, FX_CODE, 0xc6, 0x04, 0x25, 0x00, 0x00, 0x60, 0x00, 0x01); /* mov byte [600000], 1 */
    fx_run(fx, 1);
    fx_assert_vector(fx, EXC_PF);
    assert_int_equal(fx_stk8(fx, 0), PF_W | PF_U);
    assert_int_equal(fx->cpu->cr2, 0x600000);
    assert_true(fx_stk8(fx, 3) & FL_RF);
    fx_free(fx);
}

/* What ring 0 has run is cached by linear address; ring 3 must fault there all the same. */
static void user_jump_to_kernel_page(void **state)
{
    struct fx *fx = fx_new("max");
    struct cpu *cpu = fx->cpu;
    uint32_t sp = FX_STACK - 40;

    (void)state;
    fx_long(fx, 0);
    fx_wr(fx, FX_PML4 + 0x2000 + 8, 2u << 20 | 0xe3, 8); /* 200000 up: supervisor */
    cpu->gpr[REG_RSP] = sp;
    fx_wr(fx, sp, FX_CODE, 8);
    fx_wr(fx, sp + 8, FX_CS64U, 8);
    fx_wr(fx, sp + 16, FL_1, 8);
    fx_wr(fx, sp + 24, FX_UST, 8);
    fx_wr(fx, sp + 32, FX_DS3, 8);
    FX_PUT(fx, 0x200000, 0x90, 0x48, 0xcf);                        /* nop; iretq */
    FX_PUT(fx, FX_CODE, 0xb8, 0x00, 0x00, 0x20, 0x00, 0xff, 0xe0); /* jmp 200000 */
    cpu->gpr[REG_RIP] = 0x200000;
    fx_run(fx, 0); /* to the handler's HLT */
    assert_int_equal(fx_rip(fx), FX_HAND + EXC_PF * 4 + 1);
    assert_int_equal(fx_stk8(fx, 0), PF_P | PF_U);
    assert_int_equal(fx_stk8(fx, 1), 0x200000);
    assert_int_equal(cpu->cr2, 0x200000);
    fx_free(fx);
}

static void long_noncanonical_iret(void **state)
{
    struct fx *fx = fx_new("max");
    uint32_t sp = FX_STACK - 40;

    (void)state;
    fx_long(fx, 0);
    fx->cpu->gpr[REG_RSP] = sp;
    fx_wr(fx, sp, UINT64_C(0x0000800000000000), 8);
    fx_wr(fx, sp + 8, FX_CS64, 8);
    fx_wr(fx, sp + 16, FL_1, 8);
    fx_wr(fx, sp + 24, FX_STACK, 8);
    fx_wr(fx, sp + 32, FX_DS0, 8);
    FX_PUT(fx, FX_CODE, 0x48, 0xcf);
    fx_run(fx, 1);
    fx_assert_vector(fx, EXC_GP);
    assert_int_equal(fx_stk8(fx, 0), 0);
    fx_free(fx);
}

static void long_to_compat_and_interrupt(void **state)
{
    struct fx *fx = fx_new("max");
    struct cpu *cpu = fx->cpu;
    uint32_t sp = FX_STACK - 40;

    (void)state;
    fx_long(fx, 0);
    cpu->gpr[REG_RSP] = sp;
    fx_wr(fx, sp, 0x8800, 8);
    fx_wr(fx, sp + 8, FX_CS3, 8);
    fx_wr(fx, sp + 16, FL_1, 8);
    fx_wr(fx, sp + 24, FX_UST, 8);
    fx_wr(fx, sp + 32, FX_DS3, 8);
    FX_PUT(fx, FX_CODE, 0x48, 0xcf);
    FX_PUT(fx, 0x8800, 0x40, 0xcd, 0x30); /* inc eax (32-bit code); int 0x30 */
    fx_run(fx, 1);
    assert_false(cpu_code64(cpu));
    assert_int_equal(cpu->cpl, 3);
    fx_run(fx, 2);
    assert_int_equal(cpu->gpr[REG_RAX], 1);
    fx_assert_vector(fx, 0x30);
    assert_true(cpu_code64(cpu));
    assert_int_equal(fx_stk8(fx, 1), FX_CS3);
    fx_free(fx);
}

static void syscall_sysret(void **state)
{
    struct fx *fx = fx_new("max");
    struct cpu *cpu = fx->cpu;

    (void)state;
    fx_long(fx, 3);
    cpu->star = UINT64_C(0x3b) << 48 | (uint64_t)FX_CS64 << 32; /* user CS is 3b + 16 */
    cpu->lstar = 0x8800;
    cpu->sfmask = FL_IF;
    cpu->rflags |= FL_IF;
    FX_PUT(fx, FX_CODE, 0x0f, 0x05);
    FX_PUT(fx, 0x8800, 0x48, 0x0f, 0x07);
    fx_run(fx, 1);
    assert_int_equal(fx_rip(fx), 0x8800);
    assert_int_equal(cpu->cpl, 0);
    assert_int_equal(cpu->gpr[REG_RCX], FX_CODE + 2);
    assert_true(cpu->gpr[REG_R11] & FL_IF);
    assert_false(cpu->rflags & FL_IF);
    assert_int_equal(cpu->seg[SEG_SS].sel, FX_CS64 + 8);
    fx_run(fx, 1);
    assert_int_equal(fx_rip(fx), FX_CODE + 2);
    assert_int_equal(cpu->cpl, 3);
    assert_int_equal(cpu->seg[SEG_CS].sel, 0x4b);
    assert_int_equal(cpu->seg[SEG_SS].sel, 0x43);
    assert_true(cpu->rflags & FL_IF);

    fx_ring(fx, FX_CS64, FX_DS0, 0);
    cpu->gpr[REG_RIP] = 0x8800;
    cpu->gpr[REG_RCX] = UINT64_C(1) << 47;
    fx_run(fx, 1);
    fx_assert_vector(fx, EXC_GP); /* in ring 0, on its stack: Intel's way */
    assert_int_equal(fx_stk8(fx, 2), FX_CS64);
    fx_free(fx);
}

static void sysenter_sysexit(void **state)
{
    struct fx *fx = fx_new("pentium3");
    struct cpu *cpu = fx->cpu;

    (void)state;
    fx_prot(fx, 3);
    FX_PUT(fx, FX_CODE, 0x0f, 0x34);
    fx_run(fx, 1);
    fx_assert_vector(fx, EXC_GP); /* SYSENTER_CS is null */
    fx_ring(fx, FX_CS3, FX_DS3, 3);
    cpu->sysenter_cs = FX_CS0;
    cpu->sysenter_esp = FX_ESP0;
    cpu->sysenter_eip = 0x8800;
    cpu->gpr[REG_RDX] = FX_CODE + 2;
    cpu->gpr[REG_RCX] = FX_UST;
    FX_PUT(fx, 0x8800, 0x0f, 0x35);
    fx_run(fx, 1);
    assert_int_equal(fx_rip(fx), 0x8800);
    assert_int_equal(cpu->gpr[REG_RSP], FX_ESP0);
    assert_int_equal(cpu->seg[SEG_SS].sel, FX_DS0);
    fx_run(fx, 1);
    assert_int_equal(cpu->cpl, 3);
    assert_int_equal(fx_rip(fx), FX_CODE + 2);
    assert_int_equal(cpu->seg[SEG_CS].sel, FX_CS3);
    assert_int_equal(cpu->seg[SEG_SS].sel, FX_DS3);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_gate_frame),        cmocka_unit_test(long_ring_change_and_ist),
        cmocka_unit_test(long_page_fault_code),   cmocka_unit_test(user_jump_to_kernel_page),
        cmocka_unit_test(long_noncanonical_iret), cmocka_unit_test(long_to_compat_and_interrupt),
        cmocka_unit_test(syscall_sysret),         cmocka_unit_test(sysenter_sysexit),
    };

    return unit_main(tests);
}
