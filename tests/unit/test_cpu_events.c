/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events at instruction boundaries: shadows, priorities, NMI blocking, HLT, interrupted strings,
 * faults on the way to a handler, shutdown, INIT and SIPI. Intel SDM volume 3A, chapter 6, 9.1 and
 * 10.4; volume 3C, chapter 31. Steps and breakpoints are in test_cpu_debug.c.
 */
#include <pthread.h>
#include <time.h>

#include "tests/unit/events_rig.h"

/* ---- shadows ---- */

/* After STI one instruction runs first; a second STI does not renew that. */
static void sti_shadows_one_instruction(void **state)
{
    static const struct {
        uint8_t code[4];
        int taken_at; /* offset of the return address, -1: not at all */
    } cases[] = {
        {{0xfb, 0x90, 0x90, 0x90}, 2},  /* sti; nop */
        {{0xfb, 0xfb, 0x90, 0x90}, 2},  /* sti; sti */
        {{0xfb, 0xfa, 0x90, 0x90}, -1}, /* sti; cli */
        {{0xfb, 0xf4, 0x90, 0x90}, 2},  /* sti; hlt: woken at once, behind it */
        {{0xfb, 0x40, 0xfa, 0x90}, 2},  /* sti; inc eax; cli */
    };

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        struct fx *fx = prot();

        memcpy(fx->ram + FX_CODE, cases[k].code, 4);
        cpu_set_event(fx->cpu, EV_INTR);
        fx_run(fx, cases[k].taken_at < 0 ? 4 : 2);
        if (cases[k].taken_at < 0)
            assert_int_equal(fx_rip(fx), FX_CODE + 4);
        else
            at_handler(fx, 0x21, FX_CODE + (unsigned)cases[k].taken_at);
        assert_int_equal(fx->vector, cases[k].taken_at < 0 ? 0x21 : -1);
        fx_free(fx);
    }
}

/* The same without single-stepping the CPU from outside. */
static void sti_hlt_at_full_speed(void **state)
{
    struct fx *fx = prot();

    (void)state;
    FX_PUT(fx, FX_CODE, 0xfb, 0xf4, 0x90, 0xf4);
    FX_PUT(fx, FX_HAND + 0x21 * 4, 0x43, 0xcf); /* inc ebx; iret */
    cpu_set_event(fx->cpu, EV_INTR);
    fx_run(fx, 0);
    assert_int_equal(fx_rip(fx), FX_CODE + 4);
    assert_int_equal(fx->cpu->gpr[REG_RBX], 1);
    fx_free(fx);
}

/* A fault in the shadow ends it; IF is clear in its handler. */
static void fault_in_shadow(void **state)
{
    struct fx *fx = prot();

    (void)state;
    FX_PUT(fx, FX_CODE, 0xfb, 0x0f, 0x0b);
    cpu_set_event(fx->cpu, EV_INTR);
    fx_run(fx, 2);
    at_handler(fx, EXC_UD, FX_CODE + 1);
    assert_true(fx_stk4(fx, 2) & FL_IF);
    assert_int_equal(fx->vector, 0x21);
    assert_int_equal(fx->cpu->inhibit, 0);
    fx_free(fx);
}

/* MOV SS and POP SS hold back everything for one instruction; LSS and loads of DS nothing. */
static void ss_shadow(void **state)
{
    static const struct {
        uint8_t code[3];
        uint8_t len;
        bool shadow;
    } cases[] = {
        {{0x8e, 0xd0}, 2, true},        /* mov ss, eax */
        {{0x17}, 1, true},              /* pop ss */
        {{0x0f, 0xb2, 0x23}, 3, false}, /* lss esp, [ebx] */
        {{0x8e, 0xd8}, 2, false},       /* mov ds, eax */
    };
    static const uint32_t events[] = {EV_INTR, EV_NMI, EV_SMI, EV_INTR | EV_NMI | EV_SMI};

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        for (unsigned e = 0; e < ARRAY_SIZE(events); e++) {
            struct fx *fx = prot();
            struct cpu *cpu = fx->cpu;
            unsigned first = cases[k].len, taken = first + (cases[k].shadow ? 1 : 0);

            memset(fx->ram + FX_CODE, 0x90, 8);
            memcpy(fx->ram + FX_CODE, cases[k].code, first);
            fx_wr(fx, FX_STACK - 4, FX_DS0, 4);
            cpu->gpr[REG_RSP] = FX_STACK - 4;
            cpu->gpr[REG_RAX] = FX_DS0;
            cpu->gpr[REG_RBX] = 0xb000;
            fx_wr(fx, 0xb000, FX_STACK, 4);
            fx_wr(fx, 0xb004, FX_DS0, 2);
            /* the event comes while the instruction runs */
            fx_run(fx, 1);
            if (!cases[k].shadow) {
                assert_int_equal(cpu->inhibit, 0);
                fx_free(fx);
                continue;
            }
            assert_int_equal(fx_rip(fx), FX_CODE + first);
            cpu->rflags |= FL_IF;
            cpu_set_event(cpu, events[e]);
            fx_run(fx, 1);
            if (events[e] & EV_SMI) {
                assert_true(cpu->in_smm);
                assert_int_equal(fx_rd(fx, 0x30000 + 0xff78, 8), FX_CODE + taken);
            } else {
                at_handler(fx, events[e] & EV_NMI ? EXC_NMI : 0x21, FX_CODE + taken);
            }
            fx_free(fx);
        }
    }
}

/* An SMI between STI and HLT would lose the shadow, and the wake-up with it. */
static void smi_keeps_sti_hlt_together(void **state)
{
    struct fx *fx = prot();

    (void)state;
    FX_PUT(fx, FX_CODE, 0xfb, 0xf4, 0x90);
    fx_run(fx, 1);
    assert_int_equal(fx->cpu->inhibit, INHIBIT_INTR);
    cpu_set_event(fx->cpu, EV_SMI | EV_INTR);
    fx_run(fx, 1); /* hlt, SMI */
    assert_true(fx->cpu->in_smm);
    assert_int_equal(fx->vector, 0x21);
    fx_run(fx, 1); /* rsm, into the HLT, out of it */
    at_handler(fx, 0x21, FX_CODE + 2);
    fx_free(fx);
}

/* ---- priorities ---- */

/* Table 6-2: all at one boundary. SMI first; then, behind RSM, the trap; then the NMI; then, when
 * IF allows, the interrupt. */
static void all_at_once(void **state)
{
    struct fx *fx = prot();
    struct cpu *cpu = fx->cpu;

    (void)state;
    cpu->gpr[REG_RAX] = EV_SMI | EV_NMI | EV_INTR;
    FX_PUT(fx, FX_CODE, 0xe6, 0xe0, 0x90);
    FX_PUT(fx, FX_HAND + EXC_NMI * 4, 0x90, 0xcf);
    FX_PUT(fx, FX_HAND + EXC_DB * 4, 0xcf);
    cpu->rflags |= FL_IF | FL_TF;
    fx_run(fx, 1);
    assert_true(cpu->in_smm);
    assert_int_equal(cpu->gpr[REG_RIP], 0x8000);
    assert_int_equal(cpu->pending_db, 0); /* not inside SMM */
    fx_run(fx, 1);                        /* rsm */
    assert_false(cpu->in_smm);
    assert_true(cpu->dr6 & DR6_BS);
    at_handler(fx, EXC_DB, FX_CODE + 2);
    fx_run(fx, 1); /* the first instruction is that of NMI's handler */
    assert_int_equal(fx_rip(fx), FX_HAND + EXC_NMI * 4 + 1);
    assert_int_equal(fx_stk4(fx, 0), FX_HAND + EXC_DB * 4);
    assert_int_equal(fx_stk4(fx, 3), FX_CODE + 2);
    fx_run(fx, 1); /* iret, into #DB's handler with IF clear */
    assert_int_equal(fx_rip(fx), FX_HAND + EXC_DB * 4);
    fx_wr(fx, (uint32_t)cpu->gpr[REG_RSP] + 8, fx_stk4(fx, 2) & ~(uint32_t)FL_TF, 4);
    fx_run(fx, 1); /* iret: IF is set again */
    at_handler(fx, 0x21, FX_CODE + 2);
    fx_free(fx);
}

/* The same with the save area of 32-bit processors. */
static void trap_waits_for_rsm(void **state)
{
    struct fx *fx = fx_new("pentium3");

    (void)state;
    fx_prot(fx, 0);
    fx->cpu->hooks.port_write = port_events;
    fx->cpu->gpr[REG_RAX] = EV_SMI;
    FX_PUT(fx, SMM_ENTRY, 0x90, 0x0f, 0xaa);
    FX_PUT(fx, FX_CODE, 0xe6, 0xe0, 0x90);
    fx->cpu->rflags |= FL_TF;
    fx_run(fx, 2);
    assert_true(fx->cpu->in_smm);
    fx_run(fx, 1);
    at_handler(fx, EXC_DB, FX_CODE + 2);
    fx_free(fx);
}

static void nmi_before_interrupt(void **state)
{
    struct fx *fx = prot();

    (void)state;
    FX_PUT(fx, FX_CODE, 0x90, 0x90);
    FX_PUT(fx, FX_HAND + EXC_NMI * 4, 0xcf);
    fx->cpu->rflags |= FL_IF;
    cpu_set_event(fx->cpu, EV_INTR | EV_NMI);
    fx_run(fx, 1); /* NMI; its IRET is this one instruction, and then the interrupt comes */
    at_handler(fx, 0x21, FX_CODE);
    assert_false(fx->cpu->nmi_blocked);
    fx_free(fx);
}

/* An interrupt comes before the next instruction's breakpoint and faults. */
static void interrupt_before_code_breakpoint(void **state)
{
    struct fx *fx = prot();

    (void)state;
    fx->cpu->dr[0] = FX_CODE;
    fx->cpu->dr7 |= 2;
    fx->cpu->rflags |= FL_IF;
    FX_PUT(fx, FX_CODE, 0x0f, 0x0b);
    FX_PUT(fx, FX_HAND + 0x21 * 4, 0xcf);
    FX_PUT(fx, FX_HAND + EXC_DB * 4, 0xcf);
    cpu_set_event(fx->cpu, EV_INTR);
    fx_run(fx, 1);
    assert_int_equal(fx->vector, -1);
    assert_int_equal(fx_rip(fx), FX_CODE);
    fx_run(fx, 1);
    at_handler(fx, EXC_DB, FX_CODE);
    fx_wr(fx, (uint32_t)fx->cpu->gpr[REG_RSP] + 8, fx_stk4(fx, 2) | FL_RF, 4);
    fx_run(fx, 2);
    at_handler(fx, EXC_UD, FX_CODE);
    fx_free(fx);
}

/* ---- NMI ---- */

static void nmi_blocked_until_iret(void **state)
{
    struct fx *fx = prot();
    struct cpu *cpu = fx->cpu;

    (void)state;
    FX_PUT(fx, FX_CODE, 0x90, 0x90, 0x90, 0xf4);
    FX_PUT(fx, FX_HAND + EXC_NMI * 4, 0x43, 0x90, 0xcf); /* inc ebx; nop; iret */
    cpu_set_event(cpu, EV_NMI);
    fx_run(fx, 1);
    assert_int_equal(fx_rip(fx), FX_HAND + EXC_NMI * 4 + 1);
    cpu_set_event(cpu, EV_NMI);
    cpu_set_event(cpu, EV_NMI); /* only one is remembered */
    fx_run(fx, 1);
    assert_int_equal(fx_rip(fx), FX_HAND + EXC_NMI * 4 + 2);
    fx_run(fx, 1); /* iret, and in again before the program gets to run */
    at_handler(fx, EXC_NMI, FX_CODE);
    fx_run(fx, 0);
    assert_int_equal(fx_rip(fx), FX_CODE + 4);
    assert_int_equal(cpu->gpr[REG_RBX], 2);
    fx_free(fx);
}

/* IRET unblocks even when it faults. */
static void faulting_iret_unblocks_nmi(void **state)
{
    struct fx *fx = prot();
    uint32_t sp = FX_STACK - 12;

    (void)state;
    fx->cpu->nmi_blocked = true;
    fx->cpu->gpr[REG_RSP] = sp;
    fx_wr(fx, sp + 4, 0x1f8, 4); /* no such segment */
    FX_PUT(fx, FX_CODE, 0xcf);
    fx_run(fx, 1);
    fx_assert_vector(fx, EXC_GP);
    assert_false(fx->cpu->nmi_blocked);
    fx_free(fx);
}

/* The NMI is begun, and others blocked, also when its delivery faults. */
static void nmi_that_faults_blocks(void **state)
{
    struct fx *fx = prot();

    (void)state;
    fx_wr(fx, FX_IDT + EXC_NMI * 8 + 5, 0x0e, 1); /* not present */
    FX_PUT(fx, FX_CODE, 0x90);
    FX_PUT(fx, FX_HAND + EXC_NP * 4, 0x90, 0x90);
    cpu_set_event(fx->cpu, EV_NMI);
    fx_run(fx, 1);
    assert_int_equal(fx_rip(fx), FX_HAND + EXC_NP * 4 + 1);
    assert_int_equal(fx_stk4(fx, 0), EXC_NMI * 8 + 3);
    assert_int_equal(fx_stk4(fx, 1), FX_CODE);
    assert_true(fx->cpu->nmi_blocked);
    fx_free(fx);
}

/* ---- HLT ---- */

enum { SLEEPS, WAKES };

static void hlt_wakes(void **state)
{
    static const struct {
        uint32_t events;
        bool intr_flag, nmi_blocked, in_smm;
        int wakes;
        unsigned vector;
    } cases[] = {
        {0, true, false, false, SLEEPS, 0},
        {EV_INTR, false, false, false, SLEEPS, 0},
        {EV_INTR, true, false, false, WAKES, 0x21},
        {EV_INTR, true, true, false, WAKES, 0x21},
        {EV_NMI, false, false, false, WAKES, EXC_NMI},
        {EV_NMI, true, true, false, SLEEPS, 0},
        {EV_SMI, false, true, true, SLEEPS, 0},
        {EV_INIT, true, false, true, SLEEPS, 0},
        {EV_SIPI, true, false, false, SLEEPS, 0},
        {EV_FLUSH | EV_CODE, true, false, false, SLEEPS, 0},
    };

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        for (unsigned speed = 0; speed < 2; speed++) {
            struct fx *fx = prot();
            struct cpu *cpu = fx->cpu;

            FX_PUT(fx, FX_CODE, 0xf4, 0x90);
            cpu->rflags |= cases[k].intr_flag ? FL_IF : 0u;
            cpu->nmi_blocked = cases[k].nmi_blocked;
            cpu->in_smm = cases[k].in_smm;
            fx_run(fx, 1);
            assert_true(cpu->halted);
            cpu_set_event(cpu, cases[k].events);
            fx_run(fx, speed ? 0 : 1);
            if (cases[k].wakes == WAKES) {
                /* the handler is a HLT as well */
                assert_int_equal(fx_rip(fx), FX_HAND + cases[k].vector * 4 + 1);
                assert_int_equal(fx_stk4(fx, 0), FX_CODE + 1);
            } else {
                assert_true(cpu->halted);
                assert_int_equal(fx_rip(fx), FX_CODE + 1);
                assert_int_equal(fx->why, speed ? CPU_EXIT_STOP : CPU_EXIT_STEPS);
            }
            fx_free(fx);
        }
    }
}

/* An interrupt that goes away before it is acknowledged wakes nobody. */
static void spurious_acknowledge(void **state)
{
    struct fx *fx = prot();

    (void)state;
    fx->vector = -1;
    fx->cpu->rflags |= FL_IF;
    FX_PUT(fx, FX_CODE, 0xf4);
    fx_run(fx, 1);
    cpu_set_event(fx->cpu, EV_INTR);
    fx_run(fx, 1);
    assert_true(fx->cpu->halted);
    assert_int_equal(fx_rip(fx), FX_CODE + 1);
    fx_free(fx);
}

/* ---- repeated strings ---- */

static unsigned writes_left;

static void count_write(void *o, gpa_t gpa, uint64_t val, unsigned size)
{
    (void)gpa, (void)val, (void)size;
    if (writes_left && !--writes_left)
        cpu_set_event(((struct fx *)o)->cpu, EV_INTR);
}

/* An interrupt in mid-run finds exact registers and RF set in the image, and the string goes on. */
static void interrupted_string(void **state)
{
    (void)state;
    for (unsigned when = 1; when <= 300; when += when < 70 ? 1 : 23) {
        struct fx *fx = prot();
        struct cpu *cpu = fx->cpu;
        uint32_t cx, di, si;

        cpu->hooks.mmio_write = count_write;
        writes_left = when;
        cpu->rflags |= FL_IF;
        cpu->gpr[REG_RSI] = 0x100000;
        cpu->gpr[REG_RDI] = 0x10000000;
        cpu->gpr[REG_RCX] = 300;
        FX_PUT(fx, FX_CODE, 0xf3, 0x66, 0xa5, 0xf4, 0xf4); /* rep movsw; hlt; hlt */
        FX_PUT(fx, FX_HAND + 0x21 * 4, 0x90, 0xf4);
        fx_run(fx, 0); /* to the handler's HLT */
        assert_int_equal(fx_rip(fx), FX_HAND + 0x21 * 4 + 2);
        cx = (uint32_t)cpu->gpr[REG_RCX];
        si = (uint32_t)cpu->gpr[REG_RSI];
        di = (uint32_t)cpu->gpr[REG_RDI];
        assert_true(300 - cx >= when && 300 - cx <= when + 64);
        assert_int_equal(si, 0x100000 + 2 * (300 - cx));
        assert_int_equal(di, 0x10000000 + 2 * (300 - cx));
        if (cx) {
            assert_int_equal(fx_stk4(fx, 0), FX_CODE);
            assert_true(fx_stk4(fx, 2) & FL_RF);
        } else {
            assert_in_range(fx_stk4(fx, 0), FX_CODE + 3, FX_CODE + 4);
            assert_false(fx_stk4(fx, 2) & FL_RF);
        }
        FX_PUT(fx, FX_HAND + 0x21 * 4 + 2, 0xcf);
        cpu->halted = false;
        fx_run(fx, 0);
        assert_in_range(fx_rip(fx), FX_CODE + 4, FX_CODE + 5);
        assert_int_equal(cpu->gpr[REG_RCX], 0);
        assert_int_equal(cpu->gpr[REG_RDI], 0x10000000 + 600);
        fx_free(fx);
    }
}

/* A fault in mid-run likewise: what is done is done, the rest can be resumed. */
static void faulting_string(void **state)
{
    (void)state;
    for (unsigned step = 0; step < 2; step++) {
        struct fx *fx = fx_new("max");
        struct cpu *cpu = fx->cpu;

        fx_long(fx, 0);
        cpu->gpr[REG_RSI] = 0x100000;
        cpu->gpr[REG_RDI] = 0x400000 - 30; /* nothing at 400000 */
        cpu->gpr[REG_RCX] = 20;
        memset(fx->ram + 0x100000, 0x5a, 40);
        FX_PUT(fx, FX_CODE, 0xf3, 0x66, 0xa5);
        fx_run(fx, step ? 16 : 0);
        assert_int_equal(fx_rip(fx), FX_HAND + EXC_PF * 4 + !step);
        assert_int_equal(cpu->cr2, 0x400000);
        assert_int_equal(fx_stk8(fx, 0), PF_W);
        assert_int_equal(fx_stk8(fx, 1), FX_CODE);
        assert_true(fx_stk8(fx, 3) & FL_RF);
        assert_int_equal(cpu->gpr[REG_RCX], 5);
        assert_int_equal(cpu->gpr[REG_RSI], 0x100000 + 30);
        assert_int_equal(cpu->gpr[REG_RDI], 0x400000);
        assert_int_equal(fx_rd(fx, 0x400000 - 8, 8), UINT64_C(0x5a5a5a5a5a5a5a5a));
        fx_free(fx);
    }
}

/* ---- faults on the way to a handler ---- */

enum second { NOT_PRESENT, PAGE_FAULT };

/* In 64-bit mode: makes the delivery of `vector` fail in the given way. */
static void spoil_gate(struct fx *fx, unsigned vector, enum second how)
{
    if (how == NOT_PRESENT) {
        fx_wr(fx, FX_IDT + vector * 16 + 5, 0x0e, 1);
    } else {
        fx_wr(fx, FX_TSS + 0x24 + 6 * 8, 0x600000, 8); /* IST 7: no memory */
        fx_gate64(fx, vector, FX_CS64, FX_HAND + vector * 4, SYS_INT32, 0, 7);
    }
}

/* Table 6-5. First events by kind, each followed by either second one. */
static void double_fault_table(void **state)
{
    static const struct {
        uint8_t code[8];
        unsigned vector;
        uint32_t events;
        bool df_if_np, df_if_pf;
    } cases[] = {
        {{0x31, 0xc9, 0xf7, 0xf1}, EXC_DE, 0, true, false},         /* div ecx: contributory */
        {{0x8e, 0xd8}, EXC_GP, 0, true, false},                     /* mov ds, eax: 1f8 */
        {{0x8a, 0x04, 0x25, 0, 0, 0x50, 0}, EXC_PF, 0, true, true}, /* mov al, [500000] */
        {{0x0f, 0x0b}, EXC_UD, 0, false, false},                    /* benign */
        {{0xf1}, EXC_DB, 0, false, false},
        {{0xcd, 0x0e}, EXC_PF, 0, false, false}, /* INT 14 is no page fault */
        {{0x90}, 0x21, EV_INTR, false, false},
        {{0x90}, 0x0e, EV_INTR, false, false}, /* nor is an interrupt of that vector */
        {{0x90}, EXC_NMI, EV_NMI, false, false},
    };

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        for (unsigned how = NOT_PRESENT; how <= PAGE_FAULT; how++) {
            struct fx *fx = fx_new("max");
            bool df = how == NOT_PRESENT ? cases[k].df_if_np : cases[k].df_if_pf;
            unsigned second = how == NOT_PRESENT ? EXC_NP : EXC_PF;
            unsigned at = cases[k].code[0] == 0x31 ? 2 : 0;
            /* the second fault uses the gate that the first one found spoilt */
            bool again = !df && cases[k].vector == second;
            struct cpu *cpu = fx->cpu;

            fx_long(fx, 0);
            fx->vector = (int)cases[k].vector;
            memcpy(fx->ram + FX_CODE, cases[k].code, 8);
            fx_gate64(fx, 0x0e, FX_CS64, FX_HAND + 0x0e * 4, SYS_INT32, 3, 0);
            spoil_gate(fx, cases[k].vector, (enum second)how);
            cpu->gpr[REG_RAX] = 0x1f8;
            cpu->rflags |= FL_IF;
            cpu_set_event(cpu, cases[k].events);
            /* an event is taken before the instruction; its handler's HLT is then the one that runs
             */
            fx_run(fx, at ? 2 : 1);
            if (df || again) {
                /* #PF in the delivery of #PF is a double fault as well */
                assert_int_equal(fx_rip(fx) & ~1u, FX_HAND + EXC_DF * 4);
                assert_int_equal(fx_stk8(fx, 0), 0);
            } else {
                assert_int_equal(fx_rip(fx) & ~1u, FX_HAND + second * 4);
                if (how == NOT_PRESENT) /* INT n alone is not an external event */
                    assert_int_equal(fx_stk8(fx, 0),
                                     cases[k].vector * 8 + 2 + (cases[k].code[0] != 0xcd));
                else
                    assert_int_equal(fx_stk8(fx, 0), PF_W);
            }
            assert_int_equal(fx_stk8(fx, 1), FX_CODE + at);
            if (cases[k].events & EV_INTR)
                assert_int_equal(fx->vector, -1); /* acknowledged, once */
            assert_false(cpu->shutdown);
            assert_int_equal(cpu->delivering, -1);
            fx_free(fx);
        }
    }
}

/* The interrupt whose delivery faulted is not delivered again: it is the fault handler's to deal
 * with. */
static void interrupt_lost_to_a_fault(void **state)
{
    struct fx *fx = prot();

    (void)state;
    FX_PUT(fx, FX_CODE, 0x90, 0xf4);
    /* add esp, 4; make the gate good; iret */
    FX_PUT(fx, 0xb800, 0x83, 0xc4, 0x04, 0xc6, 0x05, 0x0d, 0x21, 0x00, 0x00, 0x8e, 0xcf);
    fx_wr(fx, FX_IDT + 0x21 * 8 + 5, 0x0e, 1);
    fx_gate(fx, FX_IDT + EXC_NP * 8, FX_CS0, 0xb800, SYS_INT32, 0, 0);
    fx->cpu->rflags |= FL_IF;
    cpu_set_event(fx->cpu, EV_INTR);
    fx_run(fx, 0);
    assert_int_equal(fx_rip(fx), FX_CODE + 2);
    assert_int_equal(fx->vector, -1);
    assert_int_equal(fx->cpu->gpr[REG_RSP], FX_STACK);
    fx_free(fx);
}

/* ---- shutdown, INIT, SIPI ---- */

static void triple_fault(void **state)
{
    (void)state;
    for (unsigned how = NOT_PRESENT; how <= PAGE_FAULT; how++) {
        struct fx *fx = fx_new("max");

        fx_long(fx, 0);
        spoil_gate(fx, EXC_DE, NOT_PRESENT);
        spoil_gate(fx, EXC_DF, (enum second)how);
        FX_PUT(fx, FX_CODE, 0x31, 0xc9, 0xf7, 0xf1);
        fx_run(fx, 0);
        assert_int_equal(fx->why, CPU_EXIT_SHUTDOWN);
        assert_int_equal(fx_rip(fx), FX_CODE + 2);
        /* nothing but INIT gets it going again */
        fx->vector = 0x21;
        fx->cpu->rflags |= FL_IF;
        cpu_set_event(fx->cpu, EV_INTR | EV_NMI | EV_SMI);
        fx_run(fx, 0);
        assert_int_equal(fx->why, CPU_EXIT_SHUTDOWN);
        cpu_clear_event(fx->cpu, EV_INTR | EV_NMI | EV_SMI);
        slots_create(fx->slots, 1, 0xfffff000, 0x1000, fx->ram + 0x300000,
                     MEMSLOT_READONLY); /* reset vector */
        fx_wr(fx, 0x300ff0, 0xf490, 2);
        cpu_set_event(fx->cpu, EV_INIT);
        fx_run(fx, 0);
        assert_int_equal(fx->why, CPU_EXIT_STOP);
        assert_int_equal(fx_rip(fx), 0xfff2);
        fx_free(fx);
    }
}

static void *stopper(void *arg)
{
    struct cpu *cpu = arg;

    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    cpu_set_event(cpu, EV_STOP);
    return NULL;
}

/* #AC is benign: one in the delivery of another is handled in its turn (6.15, table 6-5), which
 * goes on for ever where the handler's stack is not aligned either. The processor is lost, the
 * machine is not: it can be stopped, stepped and saved. */
static void alignment_faults_without_end(void **state)
{
    struct fx *fx = fx_new("max");
    struct cpu *cpu = fx->cpu;
    pthread_t thread;

    (void)state;
    fx_prot(fx, 3);
    fx_gate(fx, FX_IDT + EXC_AC * 8, FX_CS3, 0xb800, SYS_INT32, 0, 0);
    FX_PUT(fx, FX_CODE, 0x50); /* push eax */
    FX_PUT(fx, 0xb800, 0x90);
    cpu->cr0 |= CR0_AM;
    cpu->rflags |= FL_AC;
    cpu->gpr[REG_RSP] = FX_STACK - 1;
    fx_run(fx, 1);
    assert_int_equal(fx->why, CPU_EXIT_STEPS);
    assert_int_equal(pthread_create(&thread, NULL, stopper, cpu), 0);
    fx_run(fx, 0);
    pthread_join(thread, NULL);
    assert_int_equal(fx->why, CPU_EXIT_STOP);
    assert_int_equal(fx_rip(fx), FX_CODE);
    assert_int_equal(cpu->gpr[REG_RSP], FX_STACK - 1);
    cpu->gpr[REG_RSP] = FX_STACK; /* and goes on where that is mended */
    fx_run(fx, 1);
    assert_int_equal(fx_rip(fx), 0xb801);
    assert_int_equal(fx_rd(fx, FX_STACK - 12, 4), FX_CODE);
    fx_free(fx);
}

/* Table 9-1: what INIT sets, and what it leaves. */
static void init_state(void **state)
{
    struct fx *fx = prot();
    struct cpu *cpu = fx->cpu;

    (void)state;
    cpu->cr0 = (cpu->cr0 | CR0_CD | CR0_WP | CR0_TS) & ~(uint64_t)CR0_NW;
    cpu->cr4 = CR4_PAE;
    cpu->dr7 |= 2;
    cpu->gpr[REG_RBX] = 5;
    cpu->ymm[3].q[0] = 77;
    cpu->fpu.cw = 0x27f;
    cpu->mtrr_fixed[2] = 6;
    cpu->lstar = 0x1234;
    cpu->smbase = 0x50000;
    cpu->pending_db = DR6_BS;
    cpu->nmi_blocked = true;
    cpu_set_event(cpu, EV_INIT);
    fx_run(fx, 1); /* to the reset vector, where there is nothing: ff ff is #UD, at 0:IVT… */
    assert_int_equal(cpu->cr0, CR0_CD | CR0_ET);
    assert_int_equal(cpu->cr4, 0);
    assert_int_equal(cpu->dr7, DR7_FIXED);
    assert_int_equal(cpu->gpr[REG_RBX], 0);
    assert_false(cpu->nmi_blocked);
    assert_int_equal(cpu->pending_db, 0);
    assert_int_equal(cpu->ymm[3].q[0], 77);
    assert_int_equal(cpu->fpu.cw, 0x27f);
    assert_int_equal(cpu->mtrr_fixed[2], 6);
    assert_int_equal(cpu->lstar, 0x1234);
    assert_int_equal(cpu->smbase, 0x50000);
    fx_free(fx);
}

static void init_then_sipi(void **state)
{
    struct fx *fx = prot();
    struct cpu *cpu = fx->cpu;

    (void)state;
    cpu->id = 1; /* not the bootstrap processor */
    FX_PUT(fx, 0x12000, 0x90, 0x90, 0xf4);
    fx_wr(fx, EXC_NMI * 4, 0x00009000, 4);
    cpu_set_event(cpu, EV_INIT);
    fx_run(fx, 0);
    assert_int_equal(fx->why, CPU_EXIT_STOP); /* it waited */
    assert_true(cpu->wait_sipi);
    assert_int_equal(cpu->icount, 0);
    /* NMI and SMI wait too, and interrupts */
    cpu_set_event(cpu, EV_SMI | EV_INTR);
    fx_run(fx, 0);
    assert_true(cpu->wait_sipi);
    assert_false(cpu->in_smm);
    cpu_clear_event(cpu, EV_SMI | EV_INTR);
    cpu->sipi_vector = 0x12;
    cpu_set_event(cpu, EV_SIPI);
    fx_run(fx, 1);
    assert_false(cpu->wait_sipi);
    assert_int_equal(cpu->seg[SEG_CS].sel, 0x1200);
    assert_int_equal(cpu->seg[SEG_CS].base, 0x12000);
    assert_int_equal(fx_rip(fx), 1);
    assert_int_equal(cpu->cr0 & CR0_PE, 0);
    /* the customary second SIPI is ignored, and not remembered either */
    cpu->sipi_vector = 0x13;
    cpu_set_event(cpu, EV_SIPI);
    fx_run(fx, 1);
    assert_int_equal(fx_rip(fx), 2);
    cpu_set_event(cpu, EV_INIT);
    fx_run(fx, 1);
    assert_true(cpu->wait_sipi);
    assert_int_equal(fx->why, CPU_EXIT_STEPS);
    /* an NMI that came meanwhile is taken behind the SIPI, at once */
    cpu->sipi_vector = 0x12;
    cpu_set_event(cpu, EV_NMI | EV_SIPI);
    fx_run(fx, 0);
    assert_true(cpu->nmi_blocked);
    assert_int_equal(fx_rip(fx), FX_HAND + 1);
    assert_int_equal(fx_rd(fx, (uint16_t)cpu->gpr[REG_RSP], 2),
                     0); /* before its first instruction */
    fx_free(fx);
}

/* In SMM, INIT is held back until RSM. */
static void init_waits_for_rsm(void **state)
{
    struct fx *fx = prot();
    struct cpu *cpu = fx->cpu;

    (void)state;
    cpu->id = 1;
    FX_PUT(fx, FX_CODE, 0x90, 0x90);
    FX_PUT(fx, SMM_ENTRY, 0x90, 0x0f, 0xaa);
    cpu_set_event(cpu, EV_SMI);
    fx_run(fx, 1);
    cpu_set_event(cpu, EV_INIT | EV_NMI | EV_SMI);
    assert_true(cpu->in_smm);
    assert_int_equal(fx_rip(fx), 0x8001);
    fx_run(fx, 1); /* rsm */
    assert_true(cpu->wait_sipi);
    assert_false(cpu->in_smm);
    assert_int_equal(fx->smm_calls, 2);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sti_shadows_one_instruction),
        cmocka_unit_test(sti_hlt_at_full_speed),
        cmocka_unit_test(fault_in_shadow),
        cmocka_unit_test(ss_shadow),
        cmocka_unit_test(smi_keeps_sti_hlt_together),
        cmocka_unit_test(all_at_once),
        cmocka_unit_test(trap_waits_for_rsm),
        cmocka_unit_test(nmi_before_interrupt),
        cmocka_unit_test(interrupt_before_code_breakpoint),
        cmocka_unit_test(nmi_blocked_until_iret),
        cmocka_unit_test(faulting_iret_unblocks_nmi),
        cmocka_unit_test(nmi_that_faults_blocks),
        cmocka_unit_test(hlt_wakes),
        cmocka_unit_test(spurious_acknowledge),
        cmocka_unit_test(interrupted_string),
        cmocka_unit_test(faulting_string),
        cmocka_unit_test(double_fault_table),
        cmocka_unit_test(interrupt_lost_to_a_fault),
        cmocka_unit_test(triple_fault),
        cmocka_unit_test(alignment_faults_without_end),
        cmocka_unit_test(init_state),
        cmocka_unit_test(init_then_sipi),
        cmocka_unit_test(init_waits_for_rsm),
    };

    return unit_main(tests);
}
