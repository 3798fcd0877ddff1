/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Local APICs, their bus and the IO-APIC (devices/pc/apic.h, apic_bus.h, ioapic.h), through MMIO,
 * lines and the CPU's calls. */
#include "tests/unit/unit.h"

#include "devices/pc/apic_bus.h"
#include "devices/pc/ioapic.h"

#define NCPU 3

struct rig;

struct cpu {
    struct rig *r;
    struct apic *apic;
    bool intr;
    unsigned nmi, smi, init, sipi, sipi_vector;
};

struct rig {
    struct bus *mmio;
    struct vclock *clock;
    struct apic_bus *bus;
    struct ioapic *io;
    struct cpu cpu[NCPU];
    struct cpu *current;
    int pic_vector;    /* what the PIC would answer, -1: nothing there */
    uint64_t tsc_base; /* TSC at time 0; it counts 2 a ns */
};

static void notify(void *opaque, enum apic_event ev, unsigned arg)
{
    struct cpu *c = opaque;

    switch (ev) {
    case APIC_EVENT_INTR: c->intr = arg; break;
    case APIC_EVENT_NMI: c->nmi++; break;
    case APIC_EVENT_SMI: c->smi++; break;
    case APIC_EVENT_INIT: c->init++; break;
    case APIC_EVENT_SIPI:
        c->sipi++;
        c->sipi_vector = arg;
        break;
    }
}

static int pic_ack(void *opaque)
{
    struct cpu *c = opaque;
    int v = c->r->pic_vector;

    c->r->pic_vector = -1;
    irq_set(apic_lint(c->apic, 0), false);
    return v;
}

static int64_t tsc_to_ns(void *opaque, uint64_t tsc)
{
    const struct cpu *c = opaque;

    if (tsc <= c->r->tsc_base)
        return 0;
    tsc = (tsc - c->r->tsc_base) / 2 + (tsc - c->r->tsc_base) % 2;
    return tsc > INT64_MAX ? INT64_MAX : (int64_t)tsc;
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
    struct rig *r = calloc(1, sizeof(*r));
    struct apic_bus_config bus = {.opaque = r, .current = current};
    struct ioapic_config io = {0};

    *state = r;
    r->pic_vector = -1;
    io.mmio = bus.mmio = r->mmio = bus_new("mmio", 0xffffffffff);
    r->clock = clock_new_manual();
    io.bus = r->bus = apic_bus_new(&bus, NULL);
    r->io = ioapic_new(&io, NULL);
    for (unsigned k = 0; k < NCPU; k++) {
        struct cpu *c = &r->cpu[k];
        struct apic_config config = {.bus = r->bus,
                                     .clock = r->clock,
                                     .id = (uint8_t)k,
                                     .bsp = k == 0,
                                     .opaque = c,
                                     .notify = notify,
                                     .pic_ack = pic_ack,
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
    device_destroy(ioapic_device(r->io));
    apic_bus_free(r->bus);
    bus_free(r->mmio);
    clock_free(r->clock);
    free(r);
    return 0;
}

static void enable_all(struct rig *r)
{
    for (unsigned k = 0; k < NCPU; k++)
        wr(&r->cpu[k], APIC_SVR, 0x1ff);
}

static void test_power_on(void **state)
{
    struct rig *r = *state;
    struct cpu *c = &r->cpu[1];

    assert_int_equal(rd(c, APIC_ID), 1u << 24);
    assert_int_equal(rd(c, APIC_VERSION), 0x00050014);
    assert_int_equal(rd(c, APIC_SVR), 0xff);
    assert_int_equal(rd(c, APIC_DFR), 0xffffffff);
    assert_int_equal(rd(c, APIC_LVT_LINT0), 0x10000);
    assert_int_equal(rd(c, APIC_LVT_ERROR), 0x10000);
    assert_int_equal(apic_base_read(r->cpu[0].apic), 0xfee00900);
    assert_int_equal(apic_base_read(c->apic), 0xfee00800);
    /* disabled by software: entries cannot be unmasked */
    wr(c, APIC_LVT_TIMER, 0x20);
    assert_int_equal(rd(c, APIC_LVT_TIMER), 0x10020);
    wr(c, APIC_SVR, 0x1ff);
    wr(c, APIC_LVT_TIMER, 0x20);
    assert_int_equal(rd(c, APIC_LVT_TIMER), 0x20);
    wr(c, APIC_SVR, 0xff);
    assert_int_equal(rd(c, APIC_LVT_TIMER), 0x10020);
    /* byte reads work, narrow writes do not, and a debugger sees nothing */
    assert_int_equal(bus_read(r->mmio, 0xfee00030, 1), 0x14);
    bus_write(r->mmio, 0xfee00080, 0x55, 1);
    assert_int_equal(rd(c, APIC_TPR), 0);
    r->current = NULL;
    assert_int_equal(bus_read(r->mmio, 0xfee00030, 4), 0xffffffff);
}

static void test_priorities(void **state)
{
    struct rig *r = *state;
    struct cpu *c = &r->cpu[0];

    enable_all(r);
    wr(c, APIC_ICR_LOW, 0x40000 | 0x31); /* self */
    assert_true(c->intr);
    assert_int_equal(rd(c, APIC_IRR + 1), 1u << 0x11);
    wr(c, APIC_ICR_LOW, 0x40000 | 0x52);
    assert_int_equal(apic_ack(c->apic), 0x52);
    assert_false(c->intr); /* 0x31 waits for the EOI */
    assert_int_equal(rd(c, APIC_PPR), 0x50);
    assert_int_equal(rd(c, APIC_ISR + 2), 1u << 0x12);
    wr(c, APIC_ICR_LOW, 0x40000 | 0x5f); /* same class: does not nest */
    assert_false(c->intr);
    wr(c, APIC_ICR_LOW, 0x40000 | 0x60);
    assert_true(c->intr);
    assert_int_equal(apic_ack(c->apic), 0x60);
    wr(c, APIC_EOI, 0);
    wr(c, APIC_EOI, 0);
    assert_int_equal(apic_ack(c->apic), 0x5f);
    wr(c, APIC_EOI, 0);
    /* the task priority, by register and by CR8 */
    wr(c, APIC_TPR, 0x30);
    assert_false(c->intr);
    assert_int_equal(apic_get_tpr(c->apic), 3);
    assert_int_equal(apic_ack(c->apic), -1);
    apic_set_tpr(c->apic, 2);
    assert_true(c->intr);
    assert_int_equal(rd(c, APIC_TPR), 0x20);
    assert_int_equal(apic_ack(c->apic), 0x31);
    wr(c, APIC_EOI, 0);
    assert_false(apic_intr_pending(c->apic));
    assert_int_equal(rd(c, APIC_PPR), 0x20);
}

static void test_ipis(void **state)
{
    struct rig *r = *state;
    struct cpu *c = r->cpu;

    enable_all(r);
    wr(&c[0], APIC_ICR_HIGH, 1u << 24);
    wr(&c[0], APIC_ICR_LOW, 0x4041);
    assert_true(!c[0].intr && c[1].intr && !c[2].intr);
    assert_int_equal(apic_ack(c[1].apic), 0x41);
    wr(&c[1], APIC_EOI, 0);
    wr(&c[0], APIC_ICR_LOW, 0xc4042); /* all but self */
    assert_true(!c[0].intr && c[1].intr && c[2].intr);
    wr(&c[0], APIC_ICR_LOW, 0x84043); /* all */
    assert_true(c[0].intr);
    wr(&c[0], APIC_ICR_HIGH, 2u << 24);
    wr(&c[0], APIC_ICR_LOW, 0x4400);
    assert_int_equal(c[2].nmi, 1);
    wr(&c[0], APIC_ICR_LOW, 0x4200);
    assert_int_equal(c[2].smi, 1);
    /* INIT assert, de-assert, two SIPIs, as Linux starts a CPU; and SeaBIOS' broadcast */
    wr(&c[0], APIC_ICR_LOW, 0xc500);
    wr(&c[0], APIC_ICR_LOW, 0x8500);
    wr(&c[0], APIC_ICR_LOW, 0x4699);
    assert_int_equal(c[2].init, 1);
    assert_int_equal(c[2].sipi, 1);
    assert_int_equal(c[2].sipi_vector, 0x99);
    assert_int_equal(c[1].init, 0);
    assert_int_equal(rd(&c[2], APIC_SVR), 0xff);    /* INIT resets the APIC, */
    assert_int_equal(rd(&c[2], APIC_ID), 2u << 24); /* not its id */
    assert_false(c[2].intr);
    wr(&c[0], APIC_ICR_LOW, 0xc4500);
    wr(&c[0], APIC_ICR_LOW, 0xc4608);
    assert_true(c[0].init == 0 && c[1].init == 1 && c[2].init == 2);
    assert_int_equal(c[1].sipi_vector, 8);
    /* physical broadcast */
    enable_all(r);
    wr(&c[0], APIC_ICR_HIGH, 0xff000000);
    wr(&c[0], APIC_ICR_LOW, 0x4044);
    assert_true(c[1].intr && c[2].intr);
    assert_int_equal(rd(&c[0], APIC_ICR_LOW) & 0x1000, 0);
}

static void test_logical_modes(void **state)
{
    struct rig *r = *state;
    struct cpu *c = r->cpu;

    enable_all(r);
    for (unsigned k = 0; k < NCPU; k++)
        wr(&c[k], APIC_LDR, 1u << (24 + k));
    wr(&c[0], APIC_ICR_HIGH, 0x06000000);
    wr(&c[0], APIC_ICR_LOW, 0x4841);
    assert_true(!c[0].intr && c[1].intr && c[2].intr);
    apic_ack(c[1].apic);
    apic_ack(c[2].apic);
    /* lowest priority: 1 is busy with 0x41, 2 is done with it */
    wr(&c[2], APIC_EOI, 0);
    wr(&c[0], APIC_ICR_LOW, 0x4951);
    assert_true(!c[1].intr && c[2].intr);
    /* cluster: 0x11 and 0x12 in cluster 1, 0x21 in cluster 2 */
    for (unsigned k = 0; k < NCPU; k++) {
        apic_init(c[k].apic);
        wr(&c[k], APIC_SVR, 0x1ff);
        wr(&c[k], APIC_DFR, 0x0fffffff);
        wr(&c[k], APIC_LDR, (k < 2 ? 0x11u + k : 0x21u) << 24);
    }
    wr(&c[0], APIC_ICR_HIGH, 0x12000000);
    wr(&c[0], APIC_ICR_LOW, 0x4861);
    assert_true(!c[0].intr && c[1].intr && !c[2].intr);
    wr(&c[0], APIC_ICR_HIGH, 0xf1000000);
    wr(&c[0], APIC_ICR_LOW, 0x4862);
    assert_true(c[0].intr && c[2].intr);
    assert_int_equal(apic_ack(c[1].apic), 0x61);
    assert_int_equal(rd(&c[0], APIC_DFR), 0x0fffffff);
}

static void test_errors(void **state)
{
    struct rig *r = *state;
    struct cpu *c = r->cpu;

    enable_all(r);
    wr(&c[0], APIC_LVT_ERROR, 0xfe);
    wr(&c[0], APIC_ICR_LOW, 0x44005);
    assert_int_equal(rd(&c[0], APIC_ESR), 0); /* latched by a write only */
    wr(&c[0], APIC_ESR, 0);
    assert_int_equal(rd(&c[0], APIC_ESR), 0x20);
    assert_int_equal(apic_ack(c[0].apic), 0xfe);
    wr(&c[0], APIC_EOI, 0);
    rd(&c[0], (enum apic_reg)0x3f);
    wr(&c[0], APIC_ESR, 0);
    assert_int_equal(rd(&c[0], APIC_ESR), 0x80);
    assert_true(apic_bus_msi(r->bus, 0xfee00000, 0x4041));
    assert_false(apic_bus_msi(r->bus, 0xfee00000, 0x4005));
    wr(&c[0], APIC_ESR, 0);
    assert_int_equal(rd(&c[0], APIC_ESR), 0x40);
    wr(&c[0], APIC_ESR, 0);
    assert_int_equal(rd(&c[0], APIC_ESR), 0);
    /* an error entry with an illegal vector must not feed itself */
    wr(&c[0], APIC_LVT_ERROR, 0x03);
    wr(&c[0], APIC_ICR_LOW, 0x44005);
    wr(&c[0], APIC_ESR, 0);
    assert_int_equal(rd(&c[0], APIC_ESR), 0x20);
}

static void test_pic_virtual_wire(void **state)
{
    struct rig *r = *state;
    struct cpu *c = &r->cpu[0];

    /* masked: the PIC does not get through */
    r->pic_vector = 0x08;
    irq_set(apic_lint(c->apic, 0), true);
    assert_false(c->intr);
    wr(c, APIC_SVR, 0x10f);
    wr(c, APIC_LVT_LINT0, 0x8700);
    assert_true(c->intr);
    wr(c, APIC_TPR, 0xff); /* no priority holds it back */
    assert_true(c->intr);
    assert_int_equal(apic_ack(c->apic), 0x08);
    assert_false(c->intr);
    assert_int_equal(rd(c, APIC_ISR), 0);
    wr(c, APIC_LVT_LINT1, 0x400);
    irq_pulse(apic_lint(c->apic, 1));
    assert_int_equal(c->nmi, 1);
    /* disabled by the base MSR: the pins themselves */
    assert_true(apic_base_write(c->apic, 0xfee00100));
    r->pic_vector = 0x70;
    irq_set(apic_lint(c->apic, 0), true);
    assert_true(c->intr);
    irq_pulse(apic_lint(c->apic, 1));
    assert_int_equal(c->nmi, 2);
    assert_int_equal(rd(c, APIC_VERSION), 0xffffffff);
    assert_int_equal(apic_ack(c->apic), 0x70);
    /* and the state firmware would leave */
    assert_true(apic_base_write(c->apic, 0xfee00900));
    apic_set_virtual_wire(c->apic);
    r->pic_vector = 0x09;
    irq_set(apic_lint(c->apic, 0), true);
    assert_int_equal(apic_ack(c->apic), 0x09);
}

static void test_base_msr(void **state)
{
    struct rig *r = *state;
    struct cpu *c = &r->cpu[0];

    assert_false(apic_base_write(c->apic, 0xfee00901));
    assert_false(apic_base_write(c->apic, 0xfee00d00)); /* x2APIC */
    assert_false(apic_base_write(c->apic, UINT64_C(1) << 40 | 0x900));
    assert_true(apic_base_write(c->apic, 0xfee00900));
    wr(c, APIC_TPR, 0x44);
    assert_true(apic_base_write(c->apic, 0xd0000900));
    assert_int_equal(rd(c, APIC_TPR), 0xffffffff);
    assert_int_equal(bus_read(r->mmio, 0xd0000080, 4), 0x44);
    assert_true(apic_claims(c->apic, 0xd0000080));
    assert_int_equal(rd(&r->cpu[1], APIC_ID), 1u << 24);
    assert_int_equal(bus_read(r->mmio, 0xd0000080, 4), 0xffffffff); /* not this CPU's */
    assert_true(apic_base_write(r->cpu[1].apic, 0xd0000800));
    assert_true(apic_base_write(c->apic, 0xfee00900));
    r->current = &r->cpu[1];
    assert_int_equal(bus_read(r->mmio, 0xd0000020, 4), 1u << 24);
    assert_int_equal(rd(c, APIC_TPR), 0x44);
    /* onto another device: not mapped, not fatal */
    assert_true(apic_base_write(c->apic, 0xfec00900));
    assert_true(apic_base_write(c->apic, 0xfee00900));
}

static void test_timer_one_shot(void **state)
{
    struct rig *r = *state;
    struct cpu *c = &r->cpu[0];

    enable_all(r);
    wr(c, APIC_LVT_TIMER, 0x30);
    wr(c, APIC_TIMER_DIVIDE, 0x3); /* by 16 */
    wr(c, APIC_TIMER_INIT, 1000);
    clock_advance_to(r->clock, 8000);
    assert_int_equal(rd(c, APIC_TIMER_COUNT), 500);
    clock_advance_to(r->clock, 15999);
    assert_false(c->intr);
    clock_advance_to(r->clock, 16000);
    assert_int_equal(apic_ack(c->apic), 0x30);
    wr(c, APIC_EOI, 0);
    assert_int_equal(rd(c, APIC_TIMER_COUNT), 0);
    clock_advance_to(r->clock, 1000000);
    assert_false(c->intr);
    /* zero stops it */
    wr(c, APIC_TIMER_INIT, 1000);
    wr(c, APIC_TIMER_INIT, 0);
    clock_advance_to(r->clock, 2000000);
    assert_false(c->intr);
    /* masked, it runs out in silence */
    wr(c, APIC_LVT_TIMER, 0x10030);
    wr(c, APIC_TIMER_INIT, 10);
    clock_advance_to(r->clock, 3000000);
    wr(c, APIC_LVT_TIMER, 0x30);
    clock_advance_to(r->clock, 4000000);
    assert_false(c->intr);
    /* all dividers */
    for (unsigned k = 0; k < 8; k++) {
        const uint32_t reg[8] = {0xb, 0, 1, 2, 3, 8, 9, 0xa};
        int64_t t = clock_now(r->clock);

        wr(c, APIC_TIMER_DIVIDE, reg[k]);
        wr(c, APIC_TIMER_INIT, 0xffffffff);
        clock_advance_to(r->clock, t + 12800);
        assert_int_equal(0xffffffff - rd(c, APIC_TIMER_COUNT), 12800 >> k);
    }
}

static void test_timer_periodic(void **state)
{
    struct rig *r = *state;
    struct cpu *c = &r->cpu[0];
    unsigned n = 0;

    enable_all(r);
    wr(c, APIC_TIMER_DIVIDE, 0xb);
    wr(c, APIC_LVT_TIMER, 0x20000 | 0x31);
    wr(c, APIC_TIMER_INIT, 1000000);
    for (int64_t t = 500000; t <= 100000000; t += 500000) {
        clock_advance_to(r->clock, t);
        assert_int_equal(rd(c, APIC_TIMER_COUNT), t % 1000000 ? 500000 : 1000000);
        if (apic_ack(c->apic) == 0x31) {
            n++;
            wr(c, APIC_EOI, 0);
        }
    }
    assert_int_equal(n, 100);
    /* a period of one tick does not keep the host busy: this would take minutes */
    wr(c, APIC_TIMER_INIT, 1);
    clock_advance_to(r->clock, clock_now(r->clock) + 10 * NS_PER_SEC);
    assert_int_equal(apic_ack(c->apic), 0x31);
    assert_int_equal(rd(c, APIC_TIMER_COUNT), 1);
}

static void test_tsc_deadline(void **state)
{
    struct rig *r = *state;
    struct cpu *c = &r->cpu[0];

    enable_all(r);
    apic_tsc_deadline_write(c->apic, 1000); /* not in that mode: ignored */
    assert_int_equal(apic_tsc_deadline_read(c->apic), 0);
    wr(c, APIC_LVT_TIMER, 0x40000 | 0x32);
    wr(c, APIC_TIMER_INIT, 1000);
    assert_int_equal(rd(c, APIC_TIMER_INIT), 0);
    apic_tsc_deadline_write(c->apic, 2001);
    assert_int_equal(apic_tsc_deadline_read(c->apic), 2001);
    clock_advance_to(r->clock, 1000);
    assert_false(c->intr);
    clock_advance_to(r->clock, 1001);
    assert_int_equal(apic_ack(c->apic), 0x32);
    assert_int_equal(apic_tsc_deadline_read(c->apic), 0);
    wr(c, APIC_EOI, 0);
    /* past deadlines come at once, zero disarms, the TSC may jump */
    apic_tsc_deadline_write(c->apic, 5);
    clock_run_timers(r->clock);
    assert_int_equal(apic_ack(c->apic), 0x32);
    wr(c, APIC_EOI, 0);
    apic_tsc_deadline_write(c->apic, 10000);
    apic_tsc_deadline_write(c->apic, 0);
    clock_advance_to(r->clock, 100000);
    assert_false(c->intr);
    apic_tsc_deadline_write(c->apic, 1000000);
    r->tsc_base = 700000; /* 1000000 is now reached at 150000 ns */
    apic_tsc_changed(c->apic);
    clock_advance_to(r->clock, 150000);
    assert_true(c->intr);
    apic_tsc_deadline_write(c->apic, UINT64_MAX);
    clock_advance_to(r->clock, 10 * NS_PER_SEC);
}

/* ---- the IO-APIC ---- */

static uint32_t io_rd(struct rig *r, unsigned reg)
{
    bus_write(r->mmio, 0xfec00000, reg, 4);
    return (uint32_t)bus_read(r->mmio, 0xfec00010, 4);
}

static void io_wr(struct rig *r, unsigned reg, uint32_t val)
{
    bus_write(r->mmio, 0xfec00000, reg, 4);
    bus_write(r->mmio, 0xfec00010, val, 4);
}

static void test_ioapic_registers(void **state)
{
    struct rig *r = *state;

    assert_int_equal(io_rd(r, 1), 0x00170020);
    assert_int_equal(io_rd(r, 0), 0);
    io_wr(r, 0, 0xff000000);
    assert_int_equal(io_rd(r, 0), 0x0f000000);
    assert_int_equal(io_rd(r, 2), 0x0f000000);
    for (unsigned pin = 0; pin < 24; pin++)
        assert_int_equal(io_rd(r, 0x10 + 2 * pin), 0x10000);
    io_wr(r, 0x3e, 0xffffffff);
    assert_int_equal(io_rd(r, 0x3e), 0x0001afff); /* status and remote IRR are read-only */
    io_wr(r, 0x3f, 0xffffffff);
    assert_int_equal(io_rd(r, 0x3f), 0xff000000);
    assert_int_equal(io_rd(r, 0x40), 0);
    io_wr(r, 0xff, 0xffffffff);
}

static void test_ioapic_edge(void **state)
{
    struct rig *r = *state;
    struct cpu *c = r->cpu;
    struct irq_line in = ioapic_input(r->io, 2);

    enable_all(r);
    irq_pulse(in); /* masked: lost */
    io_wr(r, 0x15, 1u << 24);
    io_wr(r, 0x14, 0x30);
    assert_false(c[1].intr);
    irq_pulse(in);
    assert_true(c[1].intr && !c[0].intr);
    assert_int_equal(apic_ack(c[1].apic), 0x30);
    irq_set(in, true);
    irq_set(in, true);
    wr(&c[1], APIC_EOI, 0);
    assert_int_equal(apic_ack(c[1].apic), 0x30);
    wr(&c[1], APIC_EOI, 0);
    assert_false(c[1].intr);
    assert_int_equal(io_rd(r, 0x14), 0x30);
    irq_set(in, false);
    /* NMI through it */
    io_wr(r, 0x14, 0x400);
    irq_pulse(in);
    assert_int_equal(c[1].nmi, 1);
    /* ExtINT through it asks the PIC */
    r->pic_vector = 0x0d;
    io_wr(r, 0x14, 0x700);
    irq_pulse(in);
    assert_int_equal(apic_ack(c[1].apic), 0x0d);
    assert_false(c[1].intr);
}

static void test_ioapic_level(void **state)
{
    struct rig *r = *state;
    struct cpu *c = r->cpu;
    struct irq_line in = ioapic_input(r->io, 10);

    enable_all(r);
    irq_set(in, true);
    io_wr(r, 0x24, 0x8000 | 0x51); /* level, input already up */
    assert_true(c[0].intr);
    assert_int_equal(io_rd(r, 0x24), 0xc051);
    assert_int_equal(apic_ack(c[0].apic), 0x51);
    assert_int_equal(rd(&c[0], APIC_TMR + 2), 1u << 0x11);
    irq_set(in, true);
    assert_false(c[0].intr);
    /* still held at the EOI: once more */
    wr(&c[0], APIC_EOI, 0);
    assert_int_equal(apic_ack(c[0].apic), 0x51);
    irq_set(in, false);
    wr(&c[0], APIC_EOI, 0);
    assert_false(c[0].intr);
    assert_int_equal(io_rd(r, 0x24), 0x8051);
    /* masked while in service, unmasked with the input up */
    irq_set(in, true);
    assert_int_equal(apic_ack(c[0].apic), 0x51);
    io_wr(r, 0x24, 0x18051);
    wr(&c[0], APIC_EOI, 0);
    assert_false(c[0].intr);
    io_wr(r, 0x24, 0x8051);
    assert_true(c[0].intr);
    assert_int_equal(apic_ack(c[0].apic), 0x51);
    /* directed EOI, and the edge trick of kernels without it */
    irq_set(in, false);
    bus_write(r->mmio, 0xfec00040, 0x51, 4);
    assert_int_equal(io_rd(r, 0x24), 0x8051);
    irq_set(in, true);
    assert_int_equal(io_rd(r, 0x24), 0xc051);
    io_wr(r, 0x24, 0x10051);
    io_wr(r, 0x24, 0x18051);
    assert_int_equal(io_rd(r, 0x24), 0x18051);
    /* an edge-triggered arrival of the vector takes its TMR bit back */
    wr(&c[0], APIC_EOI, 0);
    apic_ack(c[0].apic);
    wr(&c[0], APIC_EOI, 0);
    wr(&c[0], APIC_ICR_LOW, 0x44051);
    assert_int_equal(rd(&c[0], APIC_TMR + 2), 0);
}

static void test_msi(void **state)
{
    struct rig *r = *state;
    struct cpu *c = r->cpu;

    enable_all(r);
    wr(&c[2], APIC_LDR, 4u << 24);
    assert_true(apic_bus_msi(r->bus, 0xfee01000, 0x4045));
    assert_int_equal(apic_ack(c[1].apic), 0x45);
    assert_true(apic_bus_msi(r->bus, 0xfee0400c, 0x4146));
    assert_int_equal(apic_ack(c[2].apic), 0x46);
    assert_false(apic_bus_msi(r->bus, 0xfee44000, 0x4146));
    assert_false(apic_bus_msi(r->bus, 0xfed00000, 0x4045));
}

static void test_reset(void **state)
{
    struct rig *r = *state;
    struct cpu *c = &r->cpu[0];
    GError *err = NULL;
    struct apic_config dup = {.bus = r->bus, .clock = r->clock, .id = 1};

    enable_all(r);
    wr(c, APIC_LVT_TIMER, 0x33);
    wr(c, APIC_TIMER_INIT, 100);
    wr(c, APIC_ICR_LOW, 0x44077);
    assert_true(c->intr);
    device_reset(apic_device(c->apic));
    assert_false(c->intr);
    clock_advance_to(r->clock, 1000000);
    assert_false(c->intr);
    assert_int_equal(rd(c, APIC_SVR), 0xff);
    assert_int_equal(rd(c, APIC_LVT_TIMER), 0x10000);
    assert_null(apic_new(&dup, &err));
    assert_non_null(err);
    g_clear_error(&err);
}

static void test_hostile(void **state)
{
    struct rig *r = *state;
    uint32_t x = 7;

    for (unsigned k = 0; k < 300000; k++) {
        struct cpu *c = &r->cpu[(x >> 7) % NCPU];
        unsigned size = 1u << (x >> 28) % 4;

        x = x * 1664525 + 1013904223;
        r->current = c;
        switch (k % 8) {
        case 0: bus_read(r->mmio, 0xfee00000 + (x >> 11) % 0x1000, size); break;
        case 1: bus_write(r->mmio, 0xfec00000 + (x >> 20) % 0x60, x, size); break;
        case 2: io_wr(r, (x >> 24), x * 77); break;
        case 3: irq_set(ioapic_input(r->io, (x >> 9) % 24), x & 0x100000); break;
        case 4: apic_ack(c->apic); break;
        case 5: irq_set(apic_lint(c->apic, (x >> 9) & 1), x & 0x100000); break;
        default: wr(c, (x >> 10) % 0x40, x ^ x << 13); break;
        }
        if (k % 256 == 0) {
            clock_advance_to(r->clock, clock_now(r->clock) + x % 1000000);
            apic_tsc_deadline_write(c->apic, x);
            assert_int_equal(c->intr, apic_intr_pending(c->apic));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_power_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_priorities, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ipis, setup, teardown),
        cmocka_unit_test_setup_teardown(test_logical_modes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pic_virtual_wire, setup, teardown),
        cmocka_unit_test_setup_teardown(test_base_msr, setup, teardown),
        cmocka_unit_test_setup_teardown(test_timer_one_shot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_timer_periodic, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tsc_deadline, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ioapic_registers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ioapic_edge, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ioapic_level, setup, teardown),
        cmocka_unit_test_setup_teardown(test_msi, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reset, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hostile, setup, teardown),
    };
    return unit_main(tests);
}
