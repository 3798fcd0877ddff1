/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Single steps, breakpoints on code, data and ports, RF, and the debug registers' part in them:
 * Intel SDM volume 3B, 18.2 and 18.3.
 */
#include "tests/unit/events_rig.h"

/* ---- repeated strings ---- */

/* A single step stops behind each iteration, with RF set in all images but the last. */
static void stepped_string(void **state)
{
    struct fx *fx = prot();
    struct cpu *cpu = fx->cpu;

    (void)state;
    FX_PUT(fx, FX_CODE, 0xf3, 0xaa, 0x90); /* rep stosb */
    FX_PUT(fx, FX_HAND + EXC_DB * 4, 0xcf);
    cpu->gpr[REG_RDI] = 0x100000;
    cpu->gpr[REG_RCX] = 3;
    cpu->rflags |= FL_TF;
    for (unsigned left = 3; left-- > 0;) {
        fx_run(fx, 1);
        at_handler(fx, EXC_DB, left ? FX_CODE : FX_CODE + 2);
        assert_int_equal(cpu->gpr[REG_RCX], left);
        assert_int_equal(!!(fx_stk4(fx, 2) & FL_RF), left != 0);
        fx_run(fx, 1);
    }
    fx_free(fx);
}

/* A breakpoint on a repeated string instruction strikes once, not at every iteration. */
static void breakpoint_on_a_string(void **state)
{
    struct fx *fx = prot();
    struct cpu *cpu = fx->cpu;

    (void)state;
    FX_PUT(fx, FX_CODE, 0xf3, 0xaa, 0x90, 0xf4);
    FX_PUT(fx, FX_HAND + EXC_DB * 4, 0x43, 0xcf); /* inc ebx; iret */
    cpu->dr[0] = FX_CODE;
    cpu->dr7 |= 2;
    cpu->gpr[REG_RDI] = 0x100000;
    cpu->gpr[REG_RCX] = 5;
    fx_run(fx, 1);
    at_handler(fx, EXC_DB, FX_CODE);
    assert_false(fx_stk4(fx, 2) & FL_RF); /* that is for the handler to do */
    assert_int_equal(cpu->dr6 & 15, 1);
    fx_wr(fx, (uint32_t)cpu->gpr[REG_RSP] + 8, fx_stk4(fx, 2) | FL_RF, 4);
    fx_run(fx, 0);
    assert_int_equal(fx_rip(fx), FX_CODE + 4);
    assert_int_equal(cpu->gpr[REG_RBX], 1);
    assert_int_equal(cpu->gpr[REG_RCX], 0);
    fx_free(fx);
}

/* ---- RF ---- */

/* RF from an IRET long ago does not hide a breakpoint set now. */
static void stale_rf(void **state)
{
    struct fx *fx = prot();
    struct cpu *cpu = fx->cpu;
    uint32_t sp = FX_STACK - 12;

    (void)state;
    cpu->gpr[REG_RSP] = sp;
    fx_wr(fx, sp, FX_CODE + 1, 4);
    fx_wr(fx, sp + 4, FX_CS0, 4);
    fx_wr(fx, sp + 8, FL_1 | FL_RF, 4);
    cpu->dr[0] = FX_CODE + 5;
    cpu->gpr[REG_RAX] = 2;
    FX_PUT(fx, FX_CODE, 0xcf, 0x90, 0x0f, 0x23, 0xf8, 0x90); /* iret; nop; mov dr7, eax; nop */
    fx_run(fx, 0); /* not stepping, so that RF is not looked after */
    assert_int_equal(fx_rip(fx), FX_HAND + EXC_DB * 4 + 1);
    assert_int_equal(fx_stk4(fx, 0), FX_CODE + 5);
    fx_free(fx);
}

/* An IRET under RF that pops RF again keeps what it popped. */
static void iret_pops_rf(void **state)
{
    struct fx *fx = prot();
    struct cpu *cpu = fx->cpu;
    uint32_t sp = FX_STACK - 12;

    (void)state;
    cpu->gpr[REG_RSP] = sp;
    fx_wr(fx, sp, FX_CODE + 1, 4);
    fx_wr(fx, sp + 4, FX_CS0, 4);
    fx_wr(fx, sp + 8, FL_1 | FL_RF, 4);
    cpu->dr[0] = FX_CODE + 1;
    cpu->dr[1] = FX_CODE + 2;
    cpu->dr7 |= 0xa;
    cpu->rflags |= FL_RF;
    FX_PUT(fx, FX_CODE, 0xcf, 0x90, 0x90);
    fx_run(fx, 3);
    at_handler(fx, EXC_DB,
               FX_CODE + 2); /* not at the first: RF was set; at the second it was clear */
    assert_int_equal(cpu->dr6 & 15, 2);
    fx_free(fx);
}

/* A DR6.BD that nobody cleared does not make a breakpoint's image have RF. */
static void old_bd_and_rf(void **state)
{
    struct fx *fx = prot();

    (void)state;
    fx->cpu->dr6 |= DR6_BD;
    fx->cpu->dr[0] = FX_CODE;
    fx->cpu->dr7 |= 2;
    FX_PUT(fx, FX_CODE, 0x90);
    fx_run(fx, 1);
    at_handler(fx, EXC_DB, FX_CODE);
    assert_false(fx_stk4(fx, 2) & FL_RF);
    fx_free(fx);
}

/* ---- single steps ---- */

/* Which boundary after setting TF traps, and what does away with a trap. */
static void single_steps(void **state)
{
    static const struct {
        uint8_t code[4];
        unsigned insns;
        bool tf; /* already at the start */
        unsigned vector;
        unsigned at; /* offset of the return address */
    } cases[] = {
        {{0x90}, 1, true, EXC_DB, 1},
        {{0x9d, 0x90}, 2, false, EXC_DB, 2}, /* popf sets TF: behind the next one */
        {{0xf4}, 1, true, EXC_DB, 1},        /* hlt is left again */
        {{0x0f, 0x0b}, 1, true, EXC_UD, 0},  /* a fault is no step */
        {{0xcd, 0x30}, 1, true, 0x30, 2},    /* nor is INT n */
        {{0xcc}, 1, true, EXC_BP, 1},
        {{0xf1}, 1, true, EXC_DB, 1},             /* int1, see below */
        {{0x8e, 0xd0, 0x90}, 2, true, EXC_DB, 3}, /* mov ss: behind the next one */
        {{0xfb, 0x90}, 1, true, EXC_DB, 1},       /* sti: no matter */
        {{0xe6, 0x80, 0x90}, 1, true, EXC_DB, 2},
        {{0xeb, 0x01, 0x90, 0x90}, 1, true, EXC_DB, 3},
    };

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        struct fx *fx = prot();
        struct cpu *cpu = fx->cpu;

        memcpy(fx->ram + FX_CODE, cases[k].code, 4);
        fx_wr(fx, FX_STACK - 4, FL_1 | FL_TF, 4);
        cpu->gpr[REG_RSP] = FX_STACK - 4;
        cpu->gpr[REG_RAX] = FX_DS0;
        if (cases[k].tf)
            cpu->rflags |= FL_TF;
        fx_run(fx, cases[k].insns);
        at_handler(fx, cases[k].vector, FX_CODE + cases[k].at);
        assert_true(fx_stk4(fx, 2) & FL_TF);
        assert_false(cpu->rflags & FL_TF);
        /* only a step says so in DR6; INT1 does not */
        assert_int_equal(!!(cpu->dr6 & DR6_BS),
                         cases[k].vector == EXC_DB && cases[k].code[0] != 0xf1);
        assert_false(cpu->halted);
        fx_free(fx);
    }
}

/* POPF that clears TF still traps behind itself, and not again. */
static void clearing_tf(void **state)
{
    struct fx *fx = prot();
    struct cpu *cpu = fx->cpu;

    (void)state;
    FX_PUT(fx, FX_CODE, 0x9d, 0x90, 0x90);
    FX_PUT(fx, FX_HAND + EXC_DB * 4, 0xcf);
    fx_wr(fx, FX_STACK - 4, FL_1, 4);
    cpu->gpr[REG_RSP] = FX_STACK - 4;
    cpu->rflags |= FL_TF;
    fx_run(fx, 1);
    at_handler(fx, EXC_DB, FX_CODE + 1);
    assert_false(fx_stk4(fx, 2) & FL_TF);
    fx_run(fx, 3);
    assert_int_equal(fx_rip(fx), FX_CODE + 3);
    fx_free(fx);
}

/* SYSCALL under TF: SFMASK decides whether the step shows in the kernel. */
static void step_over_syscall(void **state)
{
    (void)state;
    for (unsigned masked = 0; masked < 2; masked++) {
        struct fx *fx = fx_new("max");
        struct cpu *cpu = fx->cpu;

        fx_long(fx, 3);
        cpu->star = (uint64_t)FX_CS64 << 32;
        cpu->lstar = 0x8800;
        cpu->sfmask = masked ? FL_TF : 0;
        cpu->rflags |= FL_TF;
        FX_PUT(fx, FX_CODE, 0x0f, 0x05);
        fx_run(fx, 1);
        if (masked)
            assert_int_equal(fx_rip(fx), 0x8800);
        else
            fx_assert_vector(fx, EXC_DB);
        fx_free(fx);
    }
}

/* ---- data and port breakpoints ---- */

static void data_breakpoints(void **state)
{
    static const struct {
        uint8_t code[3];
        uint8_t kind, len; /* R/W and LEN fields of DR7 */
        uint32_t at;       /* EBX, against a breakpoint at B004 */
        bool hit;
    } cases[] = {
        {{0x88, 0x03}, 1, 0, 0xb004, true},  {{0x88, 0x03}, 1, 0, 0xb005, false},
        {{0x8a, 0x03}, 1, 0, 0xb004, false}, {{0x8a, 0x03}, 3, 0, 0xb004, true},
        {{0x89, 0x03}, 1, 0, 0xb001, true},  {{0x89, 0x03}, 1, 0, 0xb000, false},
        {{0x88, 0x03}, 1, 3, 0xb007, true},  {{0x88, 0x03}, 1, 3, 0xb008, false},
        {{0x88, 0x03}, 1, 1, 0xb005, true},  {{0x88, 0x03}, 1, 1, 0xb006, false},
        {{0x88, 0x03}, 1, 2, 0xb003, true}, /* 8 bytes, aligned: B000 to B007 */
        {{0xff, 0x03}, 1, 0, 0xb004, true},  {{0x85, 0x03}, 1, 0, 0xb004, false},
        {{0xff, 0x33}, 3, 0, 0xb004, true},  {{0x8d, 0x03}, 3, 0, 0xb004, false},
    };

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        struct fx *fx = prot();
        struct cpu *cpu = fx->cpu;

        memcpy(fx->ram + FX_CODE, cases[k].code, 2);
        cpu->dr[2] = 0xb004;
        cpu->dr7 |= 0x20 | (cases[k].kind | cases[k].len << 2) << 24;
        cpu->gpr[REG_RBX] = cases[k].at;
        fx_run(fx, 1);
        if (cases[k].hit) {
            at_handler(fx, EXC_DB, FX_CODE + 2);
            assert_int_equal(cpu->dr6 & 15, 4);
            assert_false(fx_stk4(fx, 2) & FL_RF);
        } else if (fx_rip(fx) != FX_CODE + 2) {
            fail_msg("case %u: at %llx", k, (unsigned long long)fx_rip(fx));
        }
        fx_free(fx);
    }
}

static void port_breakpoints(void **state)
{
    static const uint8_t codes[][3] = {{0xe6, 0x80}, {0xe4, 0x80}, {0x6e, 0x90}, {0xee, 0x90}};

    (void)state;
    for (unsigned k = 0; k < 2 * ARRAY_SIZE(codes); k++) {
        struct fx *fx = prot();
        struct cpu *cpu = fx->cpu;
        bool de = k & 1;

        memcpy(fx->ram + FX_CODE, codes[k / 2], 3);
        cpu->cr4 |= de ? CR4_DE : 0u;
        cpu->dr[0] = 0x80;
        cpu->dr7 |= 1 | 2u << 16;
        cpu->gpr[REG_RDX] = 0x80;
        cpu->gpr[REG_RSI] = 0xb000;
        fx_run(fx, 1);
        if (de)
            at_handler(fx, EXC_DB, FX_CODE + (k < 4 ? 2 : 1));
        else
            assert_int_equal(fx_rip(fx), FX_CODE + (k < 4 ? 2 : 1));
        fx_free(fx);
    }
}

/* A data breakpoint of MOV SS, m comes behind the next instruction. */
static void data_breakpoint_in_shadow(void **state)
{
    struct fx *fx = prot();

    (void)state;
    FX_PUT(fx, FX_CODE, 0x8e, 0x13, 0x90, 0x90); /* mov ss, [ebx]; nop */
    fx_wr(fx, 0xb000, FX_DS0, 2);
    fx->cpu->gpr[REG_RBX] = 0xb000;
    fx->cpu->dr[0] = 0xb000;
    fx->cpu->dr7 |= 1 | 3u << 16;
    fx_run(fx, 1);
    assert_int_equal(fx_rip(fx), FX_CODE + 2);
    fx_run(fx, 1);
    at_handler(fx, EXC_DB, FX_CODE + 3);
    assert_int_equal(fx->cpu->dr6 & 15, 1);
    fx_free(fx);
}

/* GD is cleared on the way to #DB's handler also when that way has a fault on it. */
static void general_detect_and_a_fault(void **state)
{
    struct fx *fx = prot();

    (void)state;
    fx_wr(fx, FX_IDT + EXC_DB * 8 + 5, 0x0e, 1);
    fx->cpu->dr7 |= DR7_GD;
    FX_PUT(fx, FX_CODE, 0x0f, 0x21, 0xc0); /* mov eax, dr0 */
    fx_run(fx, 1);
    fx_assert_vector(fx, EXC_NP);
    assert_int_equal(fx_stk4(fx, 0), EXC_DB * 8 + 3);
    assert_false(fx->cpu->dr7 & DR7_GD);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stepped_string),
        cmocka_unit_test(breakpoint_on_a_string),
        cmocka_unit_test(stale_rf),
        cmocka_unit_test(iret_pops_rf),
        cmocka_unit_test(old_bd_and_rf),
        cmocka_unit_test(single_steps),
        cmocka_unit_test(clearing_tf),
        cmocka_unit_test(step_over_syscall),
        cmocka_unit_test(data_breakpoints),
        cmocka_unit_test(port_breakpoints),
        cmocka_unit_test(data_breakpoint_in_shadow),
        cmocka_unit_test(general_detect_and_a_fault),
    };

    return unit_main(tests);
}
