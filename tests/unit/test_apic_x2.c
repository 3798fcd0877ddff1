/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x2APIC mode (devices/pc/apic_x2.c): the ways between the modes, the MSRs, and IPIs among APICs of
 * both kinds. Intel SDM 3A, 11.12. */
#include "tests/unit/unit.h"

#include "devices/pc/apic_bus.h"

#define NCPU 3 /* the last one has no x2APIC */

struct rig;

struct cpu {
    struct rig *r;
    struct apic *apic;
    bool intr;
    unsigned init, sipi, sipi_vector;
};

struct rig {
    struct bus *mmio;
    struct vclock *clock;
    struct apic_bus *bus;
    struct cpu cpu[NCPU];
    struct cpu *current;
};

static void notify(void *opaque, enum apic_event ev, unsigned arg)
{
    struct cpu *c = opaque;

    if (ev == APIC_EVENT_INTR)
        c->intr = arg;
    c->init += ev == APIC_EVENT_INIT;
    c->sipi += ev == APIC_EVENT_SIPI;
    if (ev == APIC_EVENT_SIPI)
        c->sipi_vector = arg;
}

/* The TSC counts nanoseconds, and was 1000 when the clock began. */
static int64_t tsc_to_ns(void *opaque, uint64_t tsc)
{
    (void)opaque;
    return tsc < 1000 ? 0 : (int64_t)(tsc - 1000);
}

static struct apic *current(void *opaque)
{
    struct rig *r = opaque;

    return r->current ? r->current->apic : NULL;
}

static uint32_t rd(struct cpu *c, enum apic_reg reg)
{
    c->r->current = c;
    return (uint32_t)bus_read(c->r->mmio, 0xfee00000 + reg * 16, 4);
}

static void wr(struct cpu *c, enum apic_reg reg, uint32_t val)
{
    c->r->current = c;
    bus_write(c->r->mmio, 0xfee00000 + reg * 16, val, 4);
}

static int setup(void **state)
{
    struct rig *r = g_new0(struct rig, 1);
    struct apic_bus_config bus = {.opaque = r, .current = current};

    *state = r;
    bus.mmio = r->mmio = bus_new("mmio", 0xffffffffff);
    r->clock = clock_new_manual();
    r->bus = apic_bus_new(&bus, NULL);
    for (unsigned k = 0; k < NCPU; k++) {
        struct cpu *c = &r->cpu[k];
        struct apic_config config = {.bus = r->bus,
                                     .clock = r->clock,
                                     .id = (uint8_t)k,
                                     .bsp = k == 0,
                                     .x2apic = k != NCPU - 1,
                                     .opaque = c,
                                     .notify = notify,
                                     .tsc_to_ns = tsc_to_ns};

        c->r = r;
        c->apic = apic_new(&config, NULL);
        assert_non_null(c->apic);
    }
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    for (unsigned k = 0; k < NCPU; k++)
        device_destroy(apic_device(r->cpu[k].apic));
    apic_bus_free(r->bus);
    bus_free(r->mmio);
    clock_free(r->clock);
    g_free(r);
    return 0;
}

enum { OFF = 0, BAD = 0x400, X1 = 0x800, X2 = 0xc00 };

static bool base(struct cpu *c, unsigned mode)
{
    return apic_base_write(c->apic, UINT64_C(0xfee00000) | mode);
}

static bool get(struct cpu *c, unsigned reg, uint64_t *val)
{
    return apic_msr_read(c->apic, 0x800 + reg, val);
}

static bool set(struct cpu *c, unsigned reg, uint64_t val)
{
    return apic_msr_write(c->apic, 0x800 + reg, val);
}

static uint64_t msr(struct cpu *c, unsigned reg)
{
    uint64_t val = ~UINT64_C(0);

    assert_true(get(c, reg, &val));
    return val;
}

/* From each mode to each: figure 11-27. */
static void test_transitions(void **state)
{
    struct rig *r = *state;
    struct cpu *c = &r->cpu[0];

    assert_true(base(c, X1)); /* as after reset */
    assert_false(base(c, BAD));
    assert_true(base(c, X2));
    assert_true(base(c, X2));
    assert_int_equal(apic_base_read(c->apic), 0xfee00d00);
    assert_false(base(c, X1));
    assert_false(base(c, BAD));
    assert_int_equal(apic_base_read(c->apic), 0xfee00d00);
    assert_true(base(c, OFF));
    assert_false(base(c, X2));
    assert_false(base(c, BAD));
    assert_true(base(c, OFF));
    assert_true(base(c, X1));
    assert_true(base(c, OFF));
    c = &r->cpu[2]; /* without the mode, its bit is reserved */
    assert_false(base(c, X2));
    assert_true(base(c, X1));
}

static void test_modes(void **state)
{
    struct rig *r = *state;
    struct cpu *c = &r->cpu[1];
    uint64_t val;

    assert_false(get(c, APIC_ID, &val)); /* xAPIC mode */
    assert_false(set(c, APIC_TPR, 0));
    wr(c, APIC_ID, 0x77000000);
    wr(c, APIC_SVR, 0x1ff);
    wr(c, APIC_TPR, 0x20);
    assert_true(base(c, X2));
    assert_int_equal(msr(c, APIC_ID), 1);
    assert_int_equal(msr(c, APIC_LDR), 2);
    assert_int_equal(msr(c, APIC_SVR), 0x1ff); /* kept */
    assert_int_equal(msr(c, APIC_TPR), 0x20);
    assert_int_equal(rd(c, APIC_VERSION), 0xffffffff); /* nobody answers by MMIO */
    wr(c, APIC_TPR, 0x50);
    assert_int_equal(msr(c, APIC_TPR), 0x20);
    apic_init(c->apic); /* INIT keeps the mode */
    assert_int_equal(msr(c, APIC_SVR), 0xff);
    assert_int_equal(msr(c, APIC_ID), 1);
    assert_true(base(c, OFF));
    assert_int_equal(rd(c, APIC_VERSION), 0xffffffff);
    apic_set_tpr(c->apic, 5); /* CR8 is there all the same */
    assert_int_equal(apic_get_tpr(c->apic), 5);
    assert_true(base(c, X1));
    assert_int_equal(rd(c, APIC_ID), 1u << 24); /* its own again */
    assert_int_equal(rd(c, APIC_VERSION) & 0xff, 0x14);
    assert_false(get(c, APIC_ID, &val));
}

/* Table 11-6: what may be read and written, and reserved bits. */
static void test_access(void **state)
{
    static const unsigned read_only[] = {APIC_ID,  APIC_VERSION, APIC_PPR, APIC_LDR,
                                         APIC_ISR, APIC_TMR + 7, APIC_IRR, APIC_TIMER_COUNT};
    static const unsigned missing[] = {
        0, 1, 4, APIC_APR, 0xc, APIC_DFR, 0x29, 0x2f, 0x3a, APIC_ICR_HIGH, 0x3d, 0x40, 0xff};
    static const struct {
        unsigned reg;
        uint64_t bad;
    } reserved[] = {
        {APIC_TPR, 0x100},
        {APIC_TPR, UINT64_C(1) << 32},
        {APIC_EOI, 1},
        {APIC_SVR, 0x400},
        {APIC_ESR, 1},
        {APIC_ICR_LOW, 0x2000},
        {APIC_ICR_LOW, 0x10000},
        {APIC_ICR_LOW, 0x100000},
        {APIC_LVT_TIMER, 0x100},
        {APIC_LVT_TIMER, 0x80000},
        {APIC_LVT_LINT0, 0x20000},
        {APIC_LVT_ERROR, 0x700},
        {APIC_TIMER_INIT, UINT64_C(1) << 32},
        {APIC_TIMER_DIVIDE, 4},
        {APIC_SELF_IPI, 0x100},
    };
    struct rig *r = *state;
    struct cpu *c = &r->cpu[0];
    uint64_t val;

    assert_true(base(c, X2));
    for (unsigned k = 0; k < G_N_ELEMENTS(read_only); k++) {
        assert_true(get(c, read_only[k], &val));
        assert_false(set(c, read_only[k], 0));
    }
    for (unsigned k = 0; k < G_N_ELEMENTS(missing); k++) {
        assert_false(get(c, missing[k], &val));
        assert_false(set(c, missing[k], 0));
    }
    for (unsigned k = 0; k < G_N_ELEMENTS(reserved); k++) {
        assert_false(set(c, reserved[k].reg, reserved[k].bad));
        assert_true(set(c, reserved[k].reg, reserved[k].reg == APIC_SELF_IPI ? 0x30 : 0));
    }
    assert_false(get(c, APIC_EOI, &val));
    assert_false(get(c, APIC_SELF_IPI, &val));
    assert_true(set(c, APIC_ICR_LOW, UINT64_C(0x12340000000000c1)));
    assert_int_equal(msr(c, APIC_ICR_LOW), UINT64_C(0x12340000000000c1));
}

static void send(struct cpu *c, uint64_t dest, uint32_t low)
{
    assert_true(set(c, APIC_ICR_LOW, dest << 32 | low));
}

static void took(struct cpu *c, int vector)
{
    assert_int_equal(apic_ack(c->apic), vector);
    if (vector >= 0 && !set(c, APIC_EOI, 0))
        wr(c, APIC_EOI, 0);
}

/* Two in x2APIC mode, and one beside them that is not. */
static void test_ipis(void **state)
{
    struct rig *r = *state;
    struct cpu *a = &r->cpu[0], *b = &r->cpu[1], *old = &r->cpu[2];

    assert_true(base(a, X2) && base(b, X2));
    assert_true(set(a, APIC_SVR, 0x1ff) && set(b, APIC_SVR, 0x1ff));
    wr(old, APIC_SVR, 0x1ff);
    send(a, 1, 0x40);
    took(b, 0x40);
    took(a, -1);
    send(a, 2, 0x41);
    took(old, 0x41);
    send(a, 0xff, 0x42); /* an id like any other, which nobody has */
    took(b, -1);
    send(a, 0xffffffff, 0x43);
    took(a, 0x43);
    took(b, 0x43);
    took(old, 0x43);
    send(a, 3, 0x844); /* logical: cluster 0, both */
    took(a, 0x44);
    took(b, 0x44);
    send(a, 0x10003, 0x845); /* cluster 1 */
    took(a, -1);
    took(b, -1);
    send(a, 0, 0xc0046); /* all but self */
    took(a, -1);
    took(b, 0x46);
    took(old, 0x46);
    wr(old, APIC_ICR_HIGH, 0xff000000); /* the old one's broadcast reaches all */
    wr(old, APIC_ICR_LOW, 0x47);
    took(a, 0x47);
    took(b, 0x47);
    took(old, 0x47);
    assert_true(set(a, APIC_SELF_IPI, 0x48));
    took(a, 0x48);
    took(b, -1);
    assert_int_equal(msr(a, APIC_ICR_LOW), 0xc0046); /* as it was */
}

static void test_start(void **state)
{
    struct rig *r = *state;
    struct cpu *a = &r->cpu[0], *b = &r->cpu[1], *old = &r->cpu[2];

    assert_true(base(a, X2));
    assert_true(base(b, OFF));
    send(a, 0, 0xc4500);
    assert_int_equal(old->init, 1);
    assert_int_equal(a->init, 0);
    assert_int_equal(b->init, 0); /* switched off: it hears nothing */
    assert_true(base(b, X1) && base(b, X2));
    send(a, 0, 0xc4500);
    assert_int_equal(b->init, 1);
    send(a, 0, 0xc4608);
    assert_int_equal(b->sipi, 1);
    assert_int_equal(b->sipi_vector, 8);
    assert_int_equal(old->sipi, 1);
    assert_int_equal(a->sipi, 0);
}

/* A deadline that has passed when it is written interrupts at once; one to come, then. */
static void test_deadline(void **state)
{
    struct rig *r = *state;
    struct cpu *c = &r->cpu[0];

    assert_true(base(c, X2) && set(c, APIC_SVR, 0x1ff));
    assert_true(set(c, APIC_LVT_TIMER, 0x40061));
    apic_tsc_deadline_write(c->apic, 1000);
    assert_true(c->intr);
    assert_int_equal(apic_tsc_deadline_read(c->apic), 0);
    took(c, 0x61);
    apic_tsc_deadline_write(c->apic, 6000);
    assert_false(c->intr);
    assert_int_equal(apic_tsc_deadline_read(c->apic), 6000);
    clock_advance_to(r->clock, 4999);
    assert_false(c->intr);
    clock_advance_to(r->clock, 5000);
    took(c, 0x61);
    assert_int_equal(apic_tsc_deadline_read(c->apic), 0);
}

/* The timer goes from one-shot to periodic and back: the count goes on, and what has run out stays.
 */
static void test_timer_modes(void **state)
{
    enum { ONE_SHOT = 0x60, PERIODIC = 0x20060 };
    struct rig *r = *state;
    struct cpu *c = &r->cpu[0];

    wr(c, APIC_SVR, 0x1ff);
    wr(c, APIC_TIMER_DIVIDE, 0xb);
    wr(c, APIC_LVT_TIMER, ONE_SHOT);
    wr(c, APIC_TIMER_INIT, 1000000);
    clock_advance_to(r->clock, 600000);
    wr(c, APIC_LVT_TIMER, PERIODIC);
    assert_int_equal(rd(c, APIC_TIMER_COUNT), 400000);
    clock_advance_to(r->clock, 1100000);
    took(c, 0x60);
    assert_int_equal(rd(c, APIC_TIMER_COUNT), 900000);
    clock_advance_to(r->clock, 3700000);
    took(c, 0x60);
    wr(c, APIC_LVT_TIMER, ONE_SHOT);
    assert_int_equal(rd(c, APIC_TIMER_COUNT), 300000);
    assert_false(c->intr); /* periods that are over interrupt no more */
    clock_advance_to(r->clock, 4000000);
    took(c, 0x60);
    assert_int_equal(rd(c, APIC_TIMER_COUNT), 0);
    wr(c, APIC_LVT_TIMER, PERIODIC);
    assert_int_equal(rd(c, APIC_TIMER_COUNT), 0);
    clock_advance_to(r->clock, 9000000);
    took(c, -1);
    assert_int_equal(rd(c, APIC_TIMER_COUNT), 0);
    assert_int_equal(rd(c, APIC_TIMER_INIT), 1000000);
    wr(c, APIC_TIMER_INIT, 1000000);
    clock_advance_to(r->clock, 10000000);
    took(c, 0x60);
}

#define APIC_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        APIC_TEST(test_transitions), APIC_TEST(test_modes), APIC_TEST(test_access),
        APIC_TEST(test_ipis),        APIC_TEST(test_start), APIC_TEST(test_deadline),
        APIC_TEST(test_timer_modes),
    };

    return unit_main(tests);
}
