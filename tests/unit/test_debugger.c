/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The debugger's points (cpu/debugger.h): each stops the vCPU where it should, once, with exact
 * registers, and the program then goes on as if nobody had looked.
 */
#include "tests/unit/events_rig.h"

#include "cpu/debugger.h"

static struct debugger *set;

static void attach(struct fx *fx)
{
    set = debugger_new();
    debugger_attach(set, fx->cpu);
}

static void done(struct fx *fx)
{
    debugger_attach(NULL, fx->cpu);
    debugger_free(set);
    fx_free(fx);
}

static unsigned code(uint64_t at, bool phys)
{
    return debugger_add(
        set, &(struct debug_point){.kind = DEBUG_CODE, .first = at, .last = at, .phys = phys});
}

static unsigned point(enum debug_kind kind, uint64_t first, uint64_t last, unsigned access)
{
    return debugger_add(
        set, &(struct debug_point){.kind = kind, .first = first, .last = last, .access = access});
}

/* Runs to the next stop, without a limit; what it says. */
static struct debug_stop next_stop(struct fx *fx)
{
    struct debug_stop why = {0}, again;

    fx_run(fx, 0);
    assert_int_equal(fx->why, CPU_EXIT_DEBUG);
    assert_true(debugger_take(fx->cpu, &why));
    assert_false(debugger_take(fx->cpu, &again));
    return why;
}

static struct debug_stop stops(struct fx *fx, enum debug_kind kind, uint64_t rip)
{
    struct debug_stop why = next_stop(fx);

    assert_int_equal(why.kind, kind);
    assert_int_equal(fx_rip(fx), rip);
    return why;
}

/* To the HLT that ends the program: nothing else is told. */
static void ends(struct fx *fx, uint64_t rip)
{
    fx_run(fx, 0);
    assert_int_equal(fx->why, CPU_EXIT_STOP);
    assert_true(fx->cpu->halted);
    assert_int_equal(fx_rip(fx), rip);
}

/* ---- breakpoints ---- */

/* At a block's start, inside it and at its end; each once, in whatever order they were set. */
static void breakpoints_in_a_block(void **state)
{
    struct fx *fx = prot();

    (void)state;
    FX_PUT(fx, FX_CODE, 0x40, 0x43, 0x41, 0x42, 0xf4); /* inc eax, ebx, ecx, edx; hlt */
    fx->cpu->gpr[REG_RDX] = 0;
    attach(fx);
    code(FX_CODE + 2, false);
    code(FX_CODE, false);
    code(FX_CODE + 4, false);
    stops(fx, DEBUG_CODE, FX_CODE);
    assert_int_equal(fx->cpu->gpr[REG_RAX], 0);
    stops(fx, DEBUG_CODE, FX_CODE + 2);
    assert_int_equal(fx->cpu->gpr[REG_RBX], 1);
    assert_int_equal(fx->cpu->gpr[REG_RCX], 0);
    assert_int_equal(stops(fx, DEBUG_CODE, FX_CODE + 4).addr, FX_CODE + 4);
    assert_int_equal(fx->cpu->gpr[REG_RDX], fx->cpu->gpr[REG_RAX]);
    ends(fx, FX_CODE + 5);
    done(fx);
}

/* Instructions are counted as if nobody had looked. */
static void count_is_the_same(void **state)
{
    uint64_t count[2];

    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        struct fx *fx = prot();

        FX_PUT(fx, FX_CODE, 0xb9, 10, 0, 0, 0, 0x40, 0x43, 0x49, 0x75, 0xfb, 0xf4);
        attach(fx);
        if (k) {
            code(FX_CODE + 6, false);
            point(DEBUG_WATCH, 0x100000, 0x100000, ACC_W);
            for (unsigned n = 0; n < 10; n++)
                stops(fx, DEBUG_CODE, FX_CODE + 6);
        }
        ends(fx, FX_CODE + 11);
        count[k] = fx->cpu->icount;
        done(fx);
    }
    assert_int_equal(count[0], count[1]);
}

/* In a loop it is met each time round; taken away in the middle, it is not; nor are other
 * addresses of the same place in a page. */
static void breakpoint_in_a_loop(void **state)
{
    struct fx *fx = prot();
    unsigned number;

    (void)state;
    /* mov ecx, 100; again: inc eax; dec ecx; jnz again; hlt */
    FX_PUT(fx, FX_CODE, 0xb9, 100, 0, 0, 0, 0x40, 0x49, 0x75, 0xfc, 0xf4);
    attach(fx);
    number = code(FX_CODE + 6, false);
    code(FX_CODE + 0x1005, false);
    for (unsigned k = 1; k <= 50; k++) {
        assert_int_equal(stops(fx, DEBUG_CODE, FX_CODE + 6).number, number);
        assert_int_equal(fx->cpu->gpr[REG_RAX], k);
    }
    assert_true(debugger_remove(set, number));
    assert_false(debugger_remove(set, number));
    ends(fx, FX_CODE + 10);
    assert_int_equal(fx->cpu->gpr[REG_RAX], 100);
    done(fx);
}

/* On the very instruction a loop of one block jumps back to, already linked to itself. */
static void breakpoint_set_later(void **state)
{
    struct fx *fx = prot();

    (void)state;
    /* again: dec ecx; jnz again; jmp again */
    FX_PUT(fx, FX_CODE, 0x49, 0x75, 0xfd, 0xeb, 0xfb);
    fx->cpu->gpr[REG_RCX] = 1000000;
    attach(fx);
    fx_run(fx, 0 + 10);
    for (unsigned k = 0; k < 3; k++) {
        cpu_set_event(fx->cpu, EV_STOP);
        fx_run(fx, 0);
        assert_int_equal(fx->why, CPU_EXIT_STOP);
    }
    code(FX_CODE, false);
    stops(fx, DEBUG_CODE, FX_CODE);
    stops(fx, DEBUG_CODE, FX_CODE);
    done(fx);
}

/* One frame mapped twice: the linear address counts, or the physical one. */
static void breakpoint_in_a_page_mapped_twice(void **state)
{
    for (unsigned phys = 0; phys < 2; phys++) {
        struct fx *fx = fx_new("max");

        (void)state;
        fx_long(fx, 0);
        fx_wr(fx, FX_PML4 + 0x2000 + 8, 0xe7, 8);    /* the second 2 MiB are the first */
        FX_PUT(fx, FX_CODE, 0xff, 0xc0, 0xff, 0xe3); /* inc eax; jmp rbx */
        FX_PUT(fx, FX_CODE + 8, 0xf4);
        attach(fx);
        fx->cpu->gpr[REG_RBX] = FX_CODE + 0x200000;
        code(phys ? FX_CODE : FX_CODE + 0x200000, phys);
        if (phys)
            stops(fx, DEBUG_CODE, FX_CODE);
        stops(fx, DEBUG_CODE, FX_CODE + 0x200000);
        fx->cpu->gpr[REG_RBX] = FX_CODE + 8;
        ends(fx, FX_CODE + 9);
        assert_int_equal(fx->cpu->gpr[REG_RAX], 2);
        done(fx);
    }
}

/* An instruction that crosses into another page, one that is undefined, and real mode, where CS
 * has a base. */
static void breakpoints_at_odd_places(void **state)
{
    struct fx *fx = prot();

    (void)state;
    FX_PUT(fx, 0x8ffd, 0xb8, 1, 0, 0, 0, 0x0f, 0x0b); /* mov eax, 1; ud2 */
    fx->cpu->gpr[REG_RIP] = 0x8ffd;
    attach(fx);
    code(0x8ffd, false);
    code(0x9002, false);
    stops(fx, DEBUG_CODE, 0x8ffd);
    stops(fx, DEBUG_CODE, 0x9002);
    ends(fx, FX_HAND + EXC_UD * 4 + 1);
    done(fx);

    fx = fx_new("max");
    fx_real(fx);
    seg_set_real(fx->cpu, SEG_CS, 0x700);
    fx->cpu->gpr[REG_RIP] = 0x1000;
    cpu_sync_mode(fx->cpu);
    FX_PUT(fx, FX_CODE, 0x40, 0x43, 0xf4);
    attach(fx);
    code(FX_CODE + 1, false);
    assert_int_equal(stops(fx, DEBUG_CODE, 0x1001).addr, FX_CODE + 1);
    ends(fx, 0x1003);
    done(fx);
}

/* Code that is written anew keeps its breakpoint. */
static void breakpoint_outlives_code(void **state)
{
    struct fx *fx = prot();

    (void)state;
    /* again: inc eax; mov byte [FX_CODE], 0x43 (inc ebx); jmp again */
    FX_PUT(fx, FX_CODE, 0x40, 0xc6, 0x05, 0x00, 0x80, 0x00, 0x00, 0x43, 0xeb, 0xf6);
    attach(fx);
    code(FX_CODE, false);
    code(FX_CODE + 8, false);
    for (unsigned k = 0; k < 3; k++) {
        stops(fx, DEBUG_CODE, FX_CODE);
        assert_int_equal(fx->cpu->gpr[REG_RAX], k != 0);
        stops(fx, DEBUG_CODE, FX_CODE + 8);
    }
    assert_int_equal(fx->cpu->gpr[REG_RBX] & 0xff, 2);
    done(fx);
}

/* A repeated string that is interrupted and goes on has been told of once. */
static void breakpoint_on_a_string(void **state)
{
    struct fx *fx = prot();

    (void)state;
    FX_PUT(fx, FX_CODE, 0xf3, 0xaa, 0xf4); /* rep stosb; hlt */
    fx->cpu->gpr[REG_RDI] = 0x100000;
    fx->cpu->gpr[REG_RCX] = 0x20000;
    attach(fx);
    code(FX_CODE, false);
    stops(fx, DEBUG_CODE, FX_CODE);
    for (unsigned k = 0; k < 5; k++) {
        cpu_set_event(fx->cpu, EV_STOP);
        fx_run(fx, 0);
        assert_int_equal(fx->why, CPU_EXIT_STOP);
    }
    ends(fx, FX_CODE + 3);
    assert_int_equal(fx->cpu->gpr[REG_RCX], 0);
    done(fx);
}

/* Thousands. */
static void many_breakpoints(void **state)
{
    struct fx *fx = prot();

    (void)state;
    memset(fx->ram + 0x100000, 0x90, 0x2000);
    fx_wr(fx, 0x102000, 0xf4, 1);
    fx->cpu->gpr[REG_RIP] = 0x100000;
    attach(fx);
    for (unsigned k = 0; k < 0x2000; k += 2)
        assert_int_not_equal(code(0x100000 + k, false), 0);
    for (unsigned k = 0; k < 0x2000; k += 2)
        stops(fx, DEBUG_CODE, 0x100000 + k);
    debugger_remove_owned(set, 1);
    assert_non_null(debugger_point(set, 0xfff, NULL));
    assert_null(debugger_point(set, 0x1000, NULL));
    debugger_remove_owned(set, 0);
    assert_null(debugger_point(set, 0, NULL));
    ends(fx, 0x102001);
    done(fx);
}

/* ---- watchpoints ---- */

/* mov eax, [0x100ffe]; mov [0x100ffe], eax; inc dword [0x100ffe]; inc ebx; hlt: across a page */
#define TOUCHES                                                                                    \
    0xa1, 0xfe, 0x0f, 0x10, 0x00, 0xa3, 0xfe, 0x0f, 0x10, 0x00, 0xff, 0x05, 0xfe, 0x0f, 0x10,      \
        0x00, 0x43, 0xf4

static void expect_touches(struct fx *fx, unsigned access)
{
    if (access & ACC_R)
        assert_false(stops(fx, DEBUG_WATCH, FX_CODE + 5).write);
    if (access & ACC_W)
        assert_true(stops(fx, DEBUG_WATCH, FX_CODE + 10).write);
    stops(fx, DEBUG_WATCH, FX_CODE + 16);
    assert_int_equal(fx->cpu->gpr[REG_RBX], 0);
    assert_int_equal(fx_rd(fx, 0x100ffe, 4), 1);
    ends(fx, FX_CODE + 18);
}

/* Reading, writing, both; by the linear or the physical address; whatever byte of the access. */
static void watches(void **state)
{
    (void)state;
    for (unsigned access = ACC_R; access <= (ACC_R | ACC_W); access++) {
        for (uint64_t at = 0x100ffe; at < 0x101002; at++) {
            for (unsigned phys = 0; phys < 2; phys++) {
                struct fx *fx = prot();

                FX_PUT(fx, FX_CODE, TOUCHES);
                attach(fx);
                debugger_add(set, &(struct debug_point){.kind = DEBUG_WATCH,
                                                        .first = at,
                                                        .last = at,
                                                        .access = access,
                                                        .phys = phys});
                expect_touches(fx, access);
                done(fx);
            }
        }
    }
}

/* The bytes beside it, in the same pages, are nobody's business. */
static void watches_beside(void **state)
{
    struct fx *fx = prot();

    (void)state;
    FX_PUT(fx, FX_CODE, TOUCHES);
    attach(fx);
    point(DEBUG_WATCH, 0x100000, 0x100ffd, ACC_R | ACC_W);
    point(DEBUG_WATCH, 0x101002, 0x104fff, ACC_R | ACC_W);
    ends(fx, FX_CODE + 18);
    assert_int_equal(fx_rd(fx, 0x100ffe, 4), 1);
    done(fx);
}

/* In the middle of a block, of a pair that is fused otherwise, and at a block's end. */
static void watch_stops_right_behind(void **state)
{
    struct fx *fx = prot();

    (void)state;
    /* inc eax; cmp [0x100000], eax; jz +0; inc ebx; push ebx; pop ebx; call +0; hlt */
    FX_PUT(fx, FX_CODE, 0x40, 0x39, 0x05, 0x00, 0x00, 0x10, 0x00, 0x74, 0x00, 0x43, 0x53, 0x5b,
           0xe8, 0, 0, 0, 0, 0xf4);
    fx->cpu->gpr[REG_RSP] = 0x100804;
    attach(fx);
    point(DEBUG_WATCH, 0x100000, 0x100003, ACC_R);
    point(DEBUG_WATCH, 0x100800, 0x100803, ACC_R | ACC_W);
    stops(fx, DEBUG_WATCH, FX_CODE + 7);
    stops(fx, DEBUG_WATCH, FX_CODE + 11);
    stops(fx, DEBUG_WATCH, FX_CODE + 12);
    stops(fx, DEBUG_WATCH, FX_CODE + 17);
    assert_int_equal(fx->cpu->gpr[REG_RSP], 0x100800);
    ends(fx, FX_CODE + 18);
    done(fx);
}

/* Each iteration of a repeated string; what an exception pushes; a load of a segment register. */
static void watches_of_other_accesses(void **state)
{
    struct fx *fx = prot();

    (void)state;
    /* rep stosd; mov eax, FX_DS0; mov fs, eax; ud2 */
    FX_PUT(fx, FX_CODE, 0xf3, 0xab, 0xb8, FX_DS0, 0, 0, 0, 0x8e, 0xe0, 0x0f, 0x0b);
    fx->cpu->gpr[REG_RDI] = 0x100000;
    fx->cpu->gpr[REG_RCX] = 64;
    attach(fx);
    point(DEBUG_WATCH, 0x100020, 0x100027, ACC_W);
    point(DEBUG_WATCH, FX_GDT + FX_DS0, FX_GDT + FX_DS0, ACC_R);
    point(DEBUG_WATCH, FX_STACK - 4, FX_STACK - 1, ACC_W);
    stops(fx, DEBUG_WATCH, FX_CODE);
    assert_int_equal(fx->cpu->gpr[REG_RDI], 0x100024);
    stops(fx, DEBUG_WATCH, FX_CODE);
    assert_int_equal(fx->cpu->gpr[REG_RDI], 0x100028);
    stops(fx, DEBUG_WATCH, FX_CODE + 9);
    assert_int_equal(fx->cpu->gpr[REG_RCX], 0);
    stops(fx, DEBUG_WATCH, FX_HAND + EXC_UD * 4);
    ends(fx, FX_HAND + EXC_UD * 4 + 1);
    done(fx);
}

/* An access that faults was not made. */
static void watch_and_fault(void **state)
{
    struct fx *fx = fx_new("max");

    (void)state;
    fx_long(fx, 0);
    FX_PUT(fx, FX_CODE, 0x89, 0x03, 0xf4); /* mov [rbx], eax */
    fx->cpu->gpr[REG_RBX] = 0x8000000;
    attach(fx);
    point(DEBUG_WATCH, 0x8000000, 0x8000007, ACC_R | ACC_W);
    ends(fx, FX_HAND + EXC_PF * 4 + 1);
    done(fx);
}

/* ---- exceptions ---- */

/* A fault stops at its instruction, with nothing pushed, and is then delivered. */
static void exception(void **state)
{
    struct fx *fx = prot();
    struct debug_stop why;

    (void)state;
    FX_PUT(fx, FX_CODE, 0x40, 0x0f, 0x0b);
    attach(fx);
    point(DEBUG_VECTOR, EXC_UD, EXC_UD, 0);
    why = stops(fx, DEBUG_VECTOR, FX_CODE + 1);
    assert_int_equal(why.vector, EXC_UD);
    assert_int_equal(fx->cpu->gpr[REG_RSP], FX_STACK);
    ends(fx, FX_HAND + EXC_UD * 4 + 1);
    assert_int_equal(fx_stk4(fx, 0), FX_CODE + 1);
    done(fx);
}

/* INT n, INT3 and interrupts by their vectors; the first two at the instruction. */
static void other_vectors(void **state)
{
    struct fx *fx = prot();

    (void)state;
    FX_PUT(fx, FX_CODE, 0xcd, 0x33, 0xcc, 0xfb, 0x90, 0x90, 0xf4);
    FX_PUT(fx, FX_HAND + 0x33 * 4, 0xcf);
    FX_PUT(fx, FX_HAND + EXC_BP * 4, 0xcf);
    FX_PUT(fx, FX_HAND + 0x40 * 4, 0xcf);
    attach(fx);
    point(DEBUG_VECTOR, 0x33, 0x40, 0);
    point(DEBUG_VECTOR, EXC_BP, EXC_BP, 0);
    assert_int_equal(stops(fx, DEBUG_VECTOR, FX_CODE).vector, 0x33);
    assert_int_equal(stops(fx, DEBUG_VECTOR, FX_CODE + 2).vector, EXC_BP);
    fx->vector = 0x40;
    cpu_set_event(fx->cpu, EV_INTR);
    assert_int_equal(stops(fx, DEBUG_VECTOR, FX_CODE + 5).vector, 0x40);
    ends(fx, FX_CODE + 7);
    done(fx);
}

/* The way to a triple fault is remembered, and it is told of before the machine is. */
static void triple_fault(void **state)
{
    struct fx *fx = prot();
    struct debug_past past[DEBUG_HISTORY];

    (void)state;
    FX_PUT(fx, FX_CODE, 0x90, 0x0f, 0x0b);
    fx->cpu->idtr.limit = 0;
    attach(fx);
    point(DEBUG_TRIPLE, 0, 0, 0);
    stops(fx, DEBUG_TRIPLE, FX_CODE + 1);
    assert_int_equal(debugger_history(fx->cpu, past, DEBUG_HISTORY), 5);
    assert_int_equal(past[4].vector, EXC_UD);
    assert_int_equal(past[4].rip, FX_CODE + 1);
    assert_int_equal(past[3].vector, EXC_GP);
    assert_true(past[3].has_error);
    assert_int_equal(past[2].vector, EXC_GP);
    assert_int_equal(past[1].vector, EXC_DF);
    assert_int_equal(past[0].vector, EXC_GP);
    fx_run(fx, 0);
    assert_int_equal(fx->why, CPU_EXIT_SHUTDOWN);
    done(fx);
}

/* A PC that is set makes the fault there was to be forgotten. */
static void fault_is_skipped(void **state)
{
    struct fx *fx = prot();

    (void)state;
    FX_PUT(fx, FX_CODE, 0x0f, 0x0b, 0x40, 0xf4);
    attach(fx);
    point(DEBUG_VECTOR, 0, 31, 0);
    stops(fx, DEBUG_VECTOR, FX_CODE);
    debugger_set_pc(fx->cpu, FX_CODE + 2);
    ends(fx, FX_CODE + 4);
    assert_int_equal(fx->cpu->gpr[REG_RAX], 1);
    done(fx);
}

/* ---- CR3, ports, MMIO ---- */

static void cr3(void **state)
{
    struct fx *fx = prot();

    (void)state;
    /* mov cr3, eax; mov cr3, ebx; mov cr3, eax; hlt */
    FX_PUT(fx, FX_CODE, 0x0f, 0x22, 0xd8, 0x0f, 0x22, 0xdb, 0x0f, 0x22, 0xd8, 0xf4);
    fx->cpu->gpr[REG_RAX] = 0x12018;
    fx->cpu->gpr[REG_RBX] = 0x13000;
    attach(fx);
    point(DEBUG_CR3, 0x12000, 0, 0);
    point(DEBUG_CR3, 0x13001, 0, 0);
    stops(fx, DEBUG_CR3, FX_CODE + 3);
    assert_int_equal(stops(fx, DEBUG_CR3, FX_CODE + 9).addr, 0x12018);
    ends(fx, FX_CODE + 10);
    done(fx);
}

static void ports(void **state)
{
    struct fx *fx = prot();

    (void)state;
    /* in al, 0x60; out 0x64, al; in al, 0x64; in eax, dx; rep outsb; hlt */
    FX_PUT(fx, FX_CODE, 0xe4, 0x60, 0xe6, 0x64, 0xe4, 0x64, 0xed, 0xf3, 0x6e, 0xf4);
    fx->cpu->gpr[REG_RDX] = 0x3f6;
    fx->cpu->gpr[REG_RCX] = 2;
    attach(fx);
    point(DEBUG_PORT, 0x64, 0x64, ACC_W);
    point(DEBUG_PORT, 0x3f8, 0x3ff, ACC_R | ACC_W);
    assert_true(stops(fx, DEBUG_PORT, FX_CODE + 4).write);
    assert_int_equal(stops(fx, DEBUG_PORT, FX_CODE + 7).size, 4);
    ends(fx, FX_CODE + 10);
    fx->cpu->gpr[REG_RIP] = FX_CODE + 7;
    fx->cpu->halted = false;
    fx->cpu->gpr[REG_RDX] = 0x3f8;
    fx->cpu->gpr[REG_RCX] = 2;
    stops(fx, DEBUG_PORT, FX_CODE + 7);
    assert_int_equal(fx->cpu->gpr[REG_RCX], 1);
    stops(fx, DEBUG_PORT, FX_CODE + 9);
    ends(fx, FX_CODE + 10);
    done(fx);
}

static void mmio(void **state)
{
    struct fx *fx = prot();

    (void)state;
    /* mov eax, [ebx]; inc ecx; mov [ebx], ax; inc ecx; hlt */
    FX_PUT(fx, FX_CODE, 0x8b, 0x03, 0x41, 0x66, 0x89, 0x03, 0x41, 0xf4);
    fx->cpu->gpr[REG_RBX] = 0xfee00010;
    attach(fx);
    point(DEBUG_MMIO, 0xfee00012, 0xfee00fff, ACC_R | ACC_W);
    point(DEBUG_MMIO, 0xfee00011, 0xfee00011, ACC_W);
    assert_int_equal(stops(fx, DEBUG_MMIO, FX_CODE + 2).addr, 0xfee00010);
    assert_true(stops(fx, DEBUG_MMIO, FX_CODE + 6).write);
    ends(fx, FX_CODE + 8);
    done(fx);
}

/* ---- steps ---- */

static void step(struct fx *fx, bool hold, uint64_t rip)
{
    debugger_step(fx->cpu, 0, 0, hold);
    stops(fx, DEBUG_STEPPED, rip);
}

/* One by one, over a breakpoint where one stands, into a handler; nothing of it shows. */
static void steps(void **state)
{
    struct fx *fx = prot();

    (void)state;
    /* inc eax; pushfd; pop ebx; rep stosb; ud2 */
    FX_PUT(fx, FX_CODE, 0x40, 0x9c, 0x5b, 0xf3, 0xaa, 0x0f, 0x0b);
    fx->cpu->gpr[REG_RDI] = 0x100000;
    fx->cpu->gpr[REG_RCX] = 2;
    attach(fx);
    code(FX_CODE, false);
    code(FX_CODE + 2, false);
    step(fx, true, FX_CODE + 1);
    step(fx, true, FX_CODE + 2);
    step(fx, true, FX_CODE + 3);
    assert_int_equal(fx->cpu->gpr[REG_RBX] & FL_TF, 0);
    step(fx, true, FX_CODE + 3);
    step(fx, true, FX_CODE + 5);
    step(fx, true, FX_HAND + EXC_UD * 4);
    ends(fx, FX_HAND + EXC_UD * 4 + 1);
    done(fx);
}

/* Interrupts are let in, or wait until the step is over. */
static void steps_and_interrupts(void **state)
{
    for (unsigned hold = 0; hold < 2; hold++) {
        struct fx *fx = prot();

        (void)state;
        FX_PUT(fx, FX_CODE, 0x40, 0x43, 0x41, 0xf4);
        FX_PUT(fx, FX_HAND + 0x40 * 4, 0xcf);
        fx->cpu->rflags |= FL_IF;
        fx->vector = 0x40;
        attach(fx);
        cpu_set_event(fx->cpu, EV_INTR);
        if (hold) {
            step(fx, true, FX_CODE + 1);
            step(fx, true, FX_CODE + 2);
        }
        step(fx, false, FX_HAND + 0x40 * 4);
        assert_int_equal(fx->cpu->gpr[REG_RAX], hold);
        ends(fx, FX_CODE + 4);
        done(fx);
    }
}

/* What a HLT waits for comes in though interrupts are held. */
static void step_of_a_halted_cpu(void **state)
{
    struct fx *fx = prot();

    (void)state;
    FX_PUT(fx, FX_CODE, 0xf4, 0x90);
    fx->cpu->rflags |= FL_IF;
    attach(fx);
    step(fx, true, FX_CODE + 1);
    assert_true(fx->cpu->halted);
    fx->vector = 0x40;
    cpu_set_event(fx->cpu, EV_INTR);
    step(fx, true, FX_HAND + 0x40 * 4);
    done(fx);
}

/* A range is left before it is told; what is in it can still stop. */
static void step_out_of_a_range(void **state)
{
    struct fx *fx = prot();

    (void)state;
    FX_PUT(fx, FX_CODE, 0xb9, 10, 0, 0, 0, 0x40, 0x49, 0x75, 0xfc, 0xf4);
    attach(fx);
    debugger_step(fx->cpu, FX_CODE, FX_CODE + 9, true);
    stops(fx, DEBUG_STEPPED, FX_CODE + 9);
    assert_int_equal(fx->cpu->gpr[REG_RAX], 10);
    debugger_set_pc(fx->cpu, FX_CODE);
    code(FX_CODE + 6, false);
    debugger_step(fx->cpu, FX_CODE, FX_CODE + 9, true);
    stops(fx, DEBUG_CODE, FX_CODE + 6);
    assert_int_equal(fx->cpu->gpr[REG_RAX], 11);
    done(fx);
}

/* ---- memory ---- */

static void memory(void **state)
{
    struct fx *fx = fx_new("max");
    uint8_t buf[16] = {0};
    uint64_t pte;

    (void)state;
    fx_long(fx, 0);
    fx_wr(fx, FX_PML4 + 0x2008, 0x87, 8); /* 2 MiB at the same, neither accessed nor dirty */
    fx_wr(fx, FX_PML4 + 0x2008, fx_rd(fx, FX_PML4 + 0x2008, 8) & ~UINT64_C(0x60), 8);
    cpu_tlb_flush(fx->cpu, true);
    pte = fx_rd(fx, FX_PML4 + 0x2008, 8);
    attach(fx);
    assert_int_equal(debugger_write(fx->cpu, false, 0x200ffe, "abcd", 4), 4);
    assert_int_equal(fx_rd(fx, 0xffe, 4), 0x64636261);
    assert_int_equal(debugger_read(fx->cpu, false, 0x200ffe, buf, 4), 4);
    assert_memory_equal(buf, "abcd", 4);
    assert_int_equal(fx_rd(fx, FX_PML4 + 0x2008, 8), pte);
    assert_int_equal(debugger_read(fx->cpu, false, 0x3ffffe, buf, 4), 2);
    assert_int_equal(debugger_read(fx->cpu, false, UINT64_C(0x8000) << 40, buf, 4), 0);
    assert_int_equal(debugger_read(fx->cpu, false, ~UINT64_C(0), buf, 4), 0);
    assert_int_equal(debugger_read(fx->cpu, true, 0xffe, buf, 4), 4);
    assert_int_equal(debugger_read(fx->cpu, true, FX_RAM - 2, buf, 4), 2);
    assert_int_equal(debugger_write(fx->cpu, true, FX_RAM, buf, 1), 0);
    done(fx);
}

/* Code that was decoded is written by the debugger. */
static void writes_code(void **state)
{
    struct fx *fx = prot();

    (void)state;
    FX_PUT(fx, FX_CODE, 0x40, 0xeb, 0xfd);
    attach(fx);
    for (unsigned k = 0; k < 2; k++) {
        cpu_set_event(fx->cpu, EV_STOP);
        fx_run(fx, 50);
    }
    memslots_set_hooks(fx->slots, fx->cpu, NULL,
                       (void (*)(void *, gpa_t, size_t))cpu_note_code_write);
    assert_int_equal(debugger_write(fx->cpu, false, FX_CODE, "\xf4", 1), 1);
    ends(fx, FX_CODE + 1);
    done(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(breakpoints_in_a_block),
        cmocka_unit_test(count_is_the_same),
        cmocka_unit_test(breakpoint_in_a_loop),
        cmocka_unit_test(breakpoint_set_later),
        cmocka_unit_test(breakpoint_in_a_page_mapped_twice),
        cmocka_unit_test(breakpoints_at_odd_places),
        cmocka_unit_test(breakpoint_outlives_code),
        cmocka_unit_test(breakpoint_on_a_string),
        cmocka_unit_test(many_breakpoints),
        cmocka_unit_test(watches),
        cmocka_unit_test(watches_beside),
        cmocka_unit_test(watch_stops_right_behind),
        cmocka_unit_test(watches_of_other_accesses),
        cmocka_unit_test(watch_and_fault),
        cmocka_unit_test(exception),
        cmocka_unit_test(other_vectors),
        cmocka_unit_test(triple_fault),
        cmocka_unit_test(fault_is_skipped),
        cmocka_unit_test(cr3),
        cmocka_unit_test(ports),
        cmocka_unit_test(mmio),
        cmocka_unit_test(steps),
        cmocka_unit_test(steps_and_interrupts),
        cmocka_unit_test(step_of_a_halted_cpu),
        cmocka_unit_test(step_out_of_a_range),
        cmocka_unit_test(memory),
        cmocka_unit_test(writes_code),
    };

    return unit_main(tests);
}
