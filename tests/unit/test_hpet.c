/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The HPET (devices/pc/hpet.h) against the IA-PC HPET specification, through its registers. */
#include "tests/unit/unit.h"

#include "devices/pc/hpet.h"

#define BASE HPET_DEFAULT_BASE

struct rig {
    struct bus *mmio;
    struct vclock *clock;
    struct hpet *hpet;
    unsigned edges[26]; /* by GSI; 24 is IRQ 0, 25 is IRQ 8 */
    bool level[26];
    bool legacy;
};

static void line_set(void *opaque, int n, bool level)
{
    struct rig *r = opaque;

    r->edges[n] += level && !r->level[n];
    r->level[n] = level;
}

static void legacy_set(void *opaque, bool on)
{
    ((struct rig *)opaque)->legacy = on;
}

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct hpet_config config = {.opaque = r, .legacy = legacy_set};

    *state = r;
    config.mmio = r->mmio = bus_new("mmio", 0xffffffff);
    config.clock = r->clock = clock_new_manual();
    config.irq0 = (struct irq_line){line_set, r, 24};
    config.irq8 = (struct irq_line){line_set, r, 25};
    for (int n = 16; n < 24; n++)
        config.gsi[n] = (struct irq_line){line_set, r, n};
    r->hpet = hpet_new(&config, NULL);
    assert_non_null(r->hpet);
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    device_destroy(hpet_device(r->hpet));
    bus_free(r->mmio);
    clock_free(r->clock);
    free(r);
    return 0;
}

static uint64_t rd(struct rig *r, unsigned off, unsigned size)
{
    return bus_read(r->mmio, BASE + off, size);
}

static void wr(struct rig *r, unsigned off, uint64_t val, unsigned size)
{
    bus_write(r->mmio, BASE + off, val, size);
}

enum { CFG = 0x10, STS = 0x20, CNT = 0xf0, T0 = 0x100, T1 = 0x120, T2 = 0x140, CMP = 8 };

static void test_capabilities(void **state)
{
    struct rig *r = *state;

    assert_int_equal(rd(r, 0, 4), 0x8086a201);
    assert_int_equal(rd(r, 4, 4), 10000000);
    assert_int_equal(rd(r, 0, 8), UINT64_C(10000000) << 32 | 0x8086a201);
    /* periodic, 64 bits, inputs 16-23 */
    assert_int_equal(rd(r, T2, 8), UINT64_C(0x00ff0000) << 32 | 0x30);
    /* a route that is not offered does not stick */
    wr(r, T2, 5 << 9, 4);
    assert_int_equal(rd(r, T2, 4), 0x30);
    wr(r, T2, 17 << 9, 4);
    assert_int_equal(rd(r, T2, 4), 17 << 9 | 0x30);
    /* three timers and no more */
    assert_int_equal(rd(r, 0x160, 8), 0);
}

static void test_counter(void **state)
{
    struct rig *r = *state;

    clock_advance_to(r->clock, 1000);
    assert_int_equal(rd(r, CNT, 8), 0);
    wr(r, CFG, 1, 4);
    clock_advance_to(r->clock, 2000);
    assert_int_equal(rd(r, CNT, 8), 100);
    wr(r, CFG, 0, 4);
    clock_advance_to(r->clock, 9000);
    assert_int_equal(rd(r, CNT, 8), 100);
    wr(r, CNT + 4, 7, 4);
    wr(r, CNT, 0xffffffff, 4);
    wr(r, CFG, 1, 4);
    clock_advance_to(r->clock, 9010);
    assert_int_equal(rd(r, CNT, 8), UINT64_C(8) << 32);
    assert_int_equal(rd(r, CNT + 4, 4), 8);
}

static void test_one_shot(void **state)
{
    struct rig *r = *state;

    wr(r, T2, 18 << 9 | 4, 4);
    wr(r, T2 + CMP, 1000, 8);
    wr(r, CFG, 1, 4);
    clock_advance_to(r->clock, 9999);
    assert_int_equal(r->edges[18], 0);
    clock_advance_to(r->clock, 10000);
    assert_int_equal(r->edges[18], 1);
    assert_false(r->level[18]);
    assert_int_equal(rd(r, STS, 4), 0);
    clock_advance_to(r->clock, 100 * NS_PER_SEC);
    assert_int_equal(r->edges[18], 1);
    /* a comparator in the past waits for the counter to come round */
    wr(r, T2 + CMP, 5, 8);
    clock_advance_to(r->clock, 200 * NS_PER_SEC);
    assert_int_equal(r->edges[18], 1);
    /* in 32-bit mode that is 42.9 s, each time round */
    wr(r, T2, 18 << 9 | 4 | 1 << 8, 4);
    wr(r, CFG, 0, 4);
    wr(r, CNT, 0, 8);
    wr(r, T2 + CMP, 5, 4);
    wr(r, CFG, 1, 4);
    clock_advance_to(r->clock, 300 * NS_PER_SEC);
    assert_int_equal(r->edges[18], 1 + 3);
}

/* As Linux programs timer 0: legacy route, periodic, accumulator and then period. */
static void test_legacy_periodic(void **state)
{
    struct rig *r = *state;

    wr(r, CFG, 2, 4);
    assert_true(r->legacy);
    wr(r, T0, 1 << 2 | 1 << 3 | 1 << 6 | 1 << 8, 4);
    wr(r, T0 + CMP, 100000, 4);
    wr(r, T0 + CMP, 400000, 4);
    wr(r, CFG, 3, 4);
    clock_advance_to(r->clock, 1000000);
    assert_int_equal(r->edges[24], 1);
    assert_int_equal(rd(r, T0 + CMP, 4), 500000);
    clock_advance_to(r->clock, 1000000 + 250 * INT64_C(4000000));
    assert_int_equal(r->edges[24], 251);
    /* timer 1 is IRQ 8 */
    wr(r, T1, 1 << 2, 4);
    wr(r, T1 + CMP, rd(r, CNT, 8) + 10, 8);
    clock_advance_to(r->clock, clock_now(r->clock) + 200);
    assert_int_equal(r->edges[25], 1);
    wr(r, CFG, 1, 4);
    assert_false(r->legacy);
    clock_advance_to(r->clock, 2 * NS_PER_SEC);
    assert_int_equal(r->edges[24], 251);
    wr(r, CFG, 3, 4);
    device_reset(hpet_device(r->hpet));
    assert_false(r->legacy);
    assert_int_equal(rd(r, CFG, 4), 0);
}

/* One write under VAL_SET with the counter at zero sets both, as the specification's example has
 * it. */
static void test_val_set_once(void **state)
{
    struct rig *r = *state;

    wr(r, T2, 16 << 9 | 1 << 2 | 1 << 3 | 1 << 6, 4);
    wr(r, T2 + CMP, 100000, 8);
    assert_int_equal(rd(r, T2, 4) & 1 << 6, 0);
    wr(r, CFG, 1, 4);
    clock_advance_to(r->clock, 10500000);
    assert_int_equal(r->edges[16], 10);
}

static void test_level(void **state)
{
    struct rig *r = *state;

    wr(r, T2, 20 << 9 | 1 << 1 | 1 << 2, 4);
    wr(r, T2 + CMP, 100, 8);
    wr(r, CFG, 1, 4);
    clock_advance_to(r->clock, 5000);
    assert_true(r->level[20]);
    assert_int_equal(rd(r, STS, 4), 4);
    wr(r, STS, 3, 4);
    assert_true(r->level[20]);
    /* the route moves with the line up */
    wr(r, T2, 21 << 9 | 1 << 1 | 1 << 2, 4);
    assert_true(!r->level[20] && r->level[21]);
    wr(r, T2, 21 << 9 | 1 << 1, 4);
    assert_false(r->level[21]);
    wr(r, T2, 21 << 9 | 1 << 1 | 1 << 2, 4);
    assert_true(r->level[21]);
    wr(r, STS, 4, 4);
    assert_false(r->level[21]);
    assert_int_equal(rd(r, STS, 4), 0);
}

/* A period of one tick must not keep the host busy, and the comparator must still be right. */
static void test_tiny_period(void **state)
{
    struct rig *r = *state;
    uint64_t cmp, count;

    wr(r, T2, 16 << 9 | 1 << 2 | 1 << 3 | 1 << 6, 4);
    wr(r, T2 + CMP, 1, 8);
    wr(r, CFG, 1, 4);
    clock_advance_to(r->clock, NS_PER_SEC);
    assert_in_range(r->edges[16], 1000, 20001);
    cmp = rd(r, T2 + CMP, 8);
    count = rd(r, CNT, 8);
    assert_int_equal(count, 100000000);
    assert_int_equal(cmp, count + 1);
}

static void test_hostile(void **state)
{
    struct rig *r = *state;
    uint32_t x = 99;

    for (unsigned k = 0; k < 200000; k++) {
        unsigned off = (x >> 9) % 0x400;
        unsigned size = 1u << (x >> 28) % 4;

        x = x * 1664525 + 1013904223;
        if (k % 4 == 0)
            rd(r, off, size);
        else
            wr(r, k % 4 == 1 ? T0 + (off & 0x78) : off, x * UINT64_C(0x100000001) >> (x % 33),
               size);
        if (k % 64 == 0)
            clock_advance_to(r->clock, clock_now(r->clock) + x % 100000);
    }
    device_reset(hpet_device(r->hpet));
    for (unsigned n = 0; n < 26; n++)
        assert_false(r->level[n]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_capabilities, setup, teardown),
        cmocka_unit_test_setup_teardown(test_counter, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_shot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_legacy_periodic, setup, teardown),
        cmocka_unit_test_setup_teardown(test_val_set_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_level, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tiny_period, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hostile, setup, teardown),
    };
    return unit_main(tests);
}
