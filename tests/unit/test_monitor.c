/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MONITOR and MWAIT: what arms, what ends a wait, and what is refused. A hook stands for the time
 * that passes: each nap is one call of it, in which a test may store to the line, raise an event,
 * or let it be. SDM volume 2: MONITOR, MWAIT; volume 3A, 9.10.
 */
#include "cpu/features.h"
#include "cpu/state.h"
#include "tests/unit/cpu_fixture.h"

#define LINE        0xb000u /* watched */
#define MWAIT_ALONE (FX_CODE + 0x40)

static struct {
    unsigned naps;
    int64_t slept, longest;
    unsigned store_at, event_at; /* in which nap; 0: never */
    gpa_t store;
    uint32_t event;
} world;

static void nap(void *o, int64_t ns)
{
    struct fx *fx = o;

    world.slept += ns;
    world.longest = ns > world.longest ? ns : world.longest;
    if (++world.naps == world.store_at)
        fx->ram[world.store]++;
    if (world.naps == world.event_at)
        cpu_set_event(fx->cpu, world.event);
    assert_true(world.naps < 100000);
}

static int setup(void **state)
{
    struct fx *fx = fx_new("max");

    fx->cpu->hooks.wait_a_while = nap;
    fx_prot(fx, 0);
    memset(&world, 0, sizeof(world));
    *state = fx;
    return 0;
}

static int teardown(void **state)
{
    fx_free(*state);
    return 0;
}

/* MONITOR, MOV ECX, EBX, MWAIT, HLT: to the HLT, or a handler's. How many naps MWAIT took. */
static unsigned run(struct fx *fx, uint32_t extensions)
{
    struct cpu *cpu = fx->cpu;

    FX_PUT(fx, FX_CODE, 0x0f, 0x01, 0xc8, 0x89, 0xd9, 0x0f, 0x01, 0xc9, 0xf4);
    cpu->gpr[REG_RIP] = FX_CODE;
    cpu->gpr[REG_RAX] = LINE + 20;
    cpu->gpr[REG_RCX] = 0;
    cpu->gpr[REG_RBX] = extensions;
    cpu->halted = false;
    fx_run(fx, 0);
    return world.naps;
}

/* Nothing happens: it ends by itself, after naps that grow. */
static void test_never_for_good(void **state)
{
    struct fx *fx = *state;

    assert_true(run(fx, 0) > 3);
    assert_int_equal(fx_rip(fx), FX_CODE + 9);
    assert_true(world.slept >= 50000000 && world.slept < 200000000);
    assert_true(world.longest <= 10000000);
}

/* A store anywhere in the line ends the wait in that nap; one beside the line does not. */
static void test_store(void **state)
{
    struct fx *fx = *state;
    unsigned all;

    for (unsigned off = 0; off < 64; off += 21) {
        memset(&world, 0, sizeof(world));
        world.store = LINE + off;
        world.store_at = 3;
        assert_int_equal(run(fx, 0), 3);
        assert_int_equal(fx_rip(fx), FX_CODE + 9);
    }
    memset(&world, 0, sizeof(world));
    all = run(fx, 0);
    memset(&world, 0, sizeof(world));
    world.store = LINE + 64;
    world.store_at = 3;
    assert_int_equal(run(fx, 0), all);
}

/* What was stored between MONITOR and MWAIT: no wait at all. */
static void test_store_before(void **state)
{
    struct fx *fx = *state;

    FX_PUT(fx, FX_CODE, 0x0f, 0x01, 0xc8, 0xff, 0x00, 0x0f, 0x01, 0xc9, 0xf4); /* inc [eax] */
    fx->cpu->gpr[REG_RAX] = LINE;
    fx_run(fx, 0);
    assert_int_equal(fx_rip(fx), FX_CODE + 9);
    assert_int_equal(world.naps, 0);
}

/* Without a MONITOR before it, MWAIT does nothing; one MONITOR is for one MWAIT. */
static void test_not_armed(void **state)
{
    struct fx *fx = *state;

    FX_PUT(fx, MWAIT_ALONE, 0x0f, 0x01, 0xc9, 0xf4);
    fx->cpu->gpr[REG_RIP] = MWAIT_ALONE;
    fx_run(fx, 0);
    assert_int_equal(fx_rip(fx), MWAIT_ALONE + 4);
    assert_int_equal(world.naps, 0);
    world.store = LINE;
    world.store_at = 1;
    assert_int_equal(run(fx, 0), 1);
    fx->cpu->gpr[REG_RIP] = MWAIT_ALONE;
    fx->cpu->halted = false;
    fx_run(fx, 0);
    assert_int_equal(fx_rip(fx), MWAIT_ALONE + 4);
    assert_int_equal(world.naps, 1);
}

/* An interrupt ends it: taken when IF is set, else only with ECX bit 0, and not taken. */
static void test_interrupt(void **state)
{
    struct fx *fx = *state;
    struct cpu *cpu = fx->cpu;

    world.event = EV_INTR;
    world.event_at = 2;
    fx->vector = 0x40;
    cpu->rflags |= FL_IF;
    assert_int_equal(run(fx, 0), 2);
    assert_int_equal(fx_rip(fx), FX_HAND + 0x40 * 4 + 1);
    assert_int_equal(fx_rd(fx, (uint32_t)cpu->gpr[REG_RSP], 4), FX_CODE + 8); /* behind MWAIT */

    memset(&world, 0, sizeof(world));
    world.event = EV_INTR;
    world.event_at = 2;
    cpu->rflags &= ~(uint64_t)FL_IF;
    fx->vector = 0x40;
    assert_int_equal(run(fx, 1), 2);
    assert_int_equal(fx_rip(fx), FX_CODE + 9);
    assert_int_equal(fx->vector, 0x40);
    cpu_clear_event(cpu, EV_INTR);

    memset(&world, 0, sizeof(world));
    world.event = EV_INTR;
    world.event_at = 2;
    assert_true(run(fx, 0) > 2);
    cpu_clear_event(cpu, EV_INTR);
}

static void test_nmi(void **state)
{
    struct fx *fx = *state;

    world.event = EV_NMI;
    world.event_at = 2;
    assert_int_equal(run(fx, 0), 2);
    assert_int_equal(fx_rip(fx), FX_HAND + EXC_NMI * 4 + 1);
}

/* A snapshot in the middle: the wait is over in it, no HLT. */
static void test_saved(void **state)
{
    struct fx *fx = *state;
    struct x86_state s;

    world.event = EV_STOP;
    world.event_at = 2;
    run(fx, 0);
    assert_int_equal(fx->why, CPU_EXIT_STOP);
    assert_int_equal(fx_rip(fx), FX_CODE + 8);
    cpu_get_state(fx->cpu, &s);
    assert_int_equal(s.halted, 0);
    world.event_at = 0; /* and here it goes on */
    world.store = LINE;
    world.store_at = 4;
    fx_run(fx, 0);
    assert_int_equal(world.naps, 4);
    assert_int_equal(fx_rip(fx), FX_CODE + 9);
}

/* #GP for extensions that are not there, #UD above CPL 0 and when the MSR has switched it off. */
static void test_refused(void **state)
{
    struct fx *fx = *state;
    struct cpu *cpu = fx->cpu;

    run(fx, 2);
    assert_int_equal(fx_rip(fx), FX_HAND + EXC_GP * 4 + 1);
    fx_ring(fx, FX_CS0, FX_DS0, 0);
    FX_PUT(fx, FX_CODE, 0x0f, 0x01, 0xc8, 0xf4);
    cpu->gpr[REG_RCX] = 1;
    cpu->halted = false;
    fx_run(fx, 0);
    assert_int_equal(fx_rip(fx), FX_HAND + EXC_GP * 4 + 1);

    fx_ring(fx, FX_CS0, FX_DS0, 0);
    cpu->gpr[REG_RCX] = 0;
    cpu->misc_enable &= ~(uint64_t)MISC_ENABLE_MONITOR;
    cpu->halted = false;
    fx_run(fx, 0);
    assert_int_equal(fx_rip(fx), FX_HAND + EXC_UD * 4 + 1);
    cpu->misc_enable |= MISC_ENABLE_MONITOR;

    fx_ring(fx, FX_CS3, FX_DS3, 3);
    cpu->halted = false;
    fx_run(fx, 0);
    assert_int_equal(fx_rip(fx), FX_HAND + EXC_UD * 4 + 1);
    assert_int_equal(world.naps, 0);
}

/* The operand is checked as a load, in DS or the segment that a prefix says. */
static void test_operand(void **state)
{
    struct fx *fx = *state;

    fx_desc(fx, FX_DS16, 0, 0xfff, FX_ATTR_DATA);
    fx_seg(fx, SEG_FS, FX_DS16);
    FX_PUT(fx, FX_CODE, 0x64, 0x0f, 0x01, 0xc8, 0xf4);
    fx->cpu->gpr[REG_RAX] = 0x1000;
    fx->cpu->gpr[REG_RCX] = 0;
    fx_run(fx, 0);
    assert_int_equal(fx_rip(fx), FX_HAND + EXC_GP * 4 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_never_for_good, setup, teardown),
        cmocka_unit_test_setup_teardown(test_store, setup, teardown),
        cmocka_unit_test_setup_teardown(test_store_before, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_armed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_interrupt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nmi, setup, teardown),
        cmocka_unit_test_setup_teardown(test_saved, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_operand, setup, teardown),
    };

    return unit_main(tests);
}
