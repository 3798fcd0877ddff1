/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The 8254 and port B by their ports (devices/pc/pit.h), against the data sheet's mode diagrams. */
#include "tests/unit/chip.h"

#include "devices/pc/pit.h"

static struct bus *bus;
static struct vclock *vclk;
static struct pit *pit;
static struct probe_line irq0;
static unsigned speaker_calls;
static int64_t rise_at[64];
static unsigned num_rises;

static void note_irq0(void *opaque, int n, bool level)
{
    if (level && !irq0.level && num_rises < 64)
        rise_at[num_rises++] = clock_now(vclk);
    probe_line_set(opaque, n, level);
}

static void speaker(void *opaque)
{
    (void)opaque;
    speaker_calls++;
}

static int setup(void **state)
{
    struct pit_config cfg = {.speaker = speaker};

    (void)state;
    memset(&irq0, 0, sizeof(irq0));
    bus = bus_new("port", 0xffff);
    vclk = clock_new_manual();
    cfg.ports = bus;
    cfg.clock = vclk;
    cfg.irq0 = (struct irq_line){.set = note_irq0, .opaque = &irq0};
    pit = pit_new(&cfg, NULL);
    assert_non_null(pit);
    num_rises = speaker_calls = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_destroy(pit_device(pit));
    clock_free(vclk);
    bus_free(bus);
    return 0;
}

/* The first nanosecond of a tick, independently of the device's sum. */
static int64_t tick_ns(uint64_t tick)
{
    uint64_t ns = (uint64_t)((unsigned __int128)tick * 1000000000 / 1193182);

    while ((unsigned __int128)ns * 1193182 / 1000000000 < tick)
        ns++;
    return (int64_t)ns;
}

static void to_tick(uint64_t tick)
{
    clock_advance_to(vclk, tick_ns(tick));
}

static void program(unsigned chan, unsigned control, unsigned count)
{
    outb(bus, 0x43, chan << 6 | control);
    if (control & 0x10)
        outb(bus, 0x40 + chan, count & 0xff);
    if (control & 0x20)
        outb(bus, 0x40 + chan, count >> 8);
}

static unsigned latched(unsigned chan)
{
    unsigned lo;

    outb(bus, 0x43, chan << 6);
    lo = inb(bus, 0x40 + chan);
    return lo | inb(bus, 0x40 + chan) << 8;
}

static unsigned status(unsigned chan)
{
    outb(bus, 0x43, 0xe0 | 2u << chan);
    return inb(bus, 0x40 + chan);
}

static void test_mode2(void **state)
{
    (void)state;
    to_tick(100);
    program(0, 0x34, 1000); /* loaded at tick 101 */
    num_rises = 0;
    assert_int_equal(status(0), 0xf4); /* high, null count */
    to_tick(101);
    assert_int_equal(latched(0), 1000);
    assert_int_equal(status(0), 0xb4);
    to_tick(101 + 999);
    assert_int_equal(latched(0), 1);
    assert_int_equal(status(0), 0x34); /* low for the last clock */
    assert_int_equal(num_rises, 0);
    to_tick(101 + 1000);
    assert_int_equal(num_rises, 1);
    assert_int_equal(rise_at[0], tick_ns(1101));
    assert_int_equal(latched(0), 1000);
    to_tick(101 + 50000);
    assert_int_equal(num_rises, 50);
    assert_int_equal(rise_at[49], tick_ns(50101)); /* no drift */
}

static void test_mode3(void **state)
{
    (void)state;
    program(0, 0x36, 1001); /* loaded at tick 1 */
    num_rises = 0;
    to_tick(1);
    assert_int_equal(latched(0), 1000);
    to_tick(1 + 500); /* high for (n + 1) / 2 clocks */
    assert_int_equal(status(0) & 0x80, 0x80);
    assert_true(irq0.level);
    to_tick(1 + 501);
    assert_int_equal(status(0) & 0x80, 0);
    assert_false(irq0.level);
    assert_int_equal(latched(0), 1000);
    to_tick(1 + 502);
    assert_int_equal(latched(0), 998);
    to_tick(1 + 1001);
    assert_int_equal(num_rises, 1);
    assert_true(irq0.level);
    program(0, 0x36, 0); /* 65536: 18.2 Hz */
    num_rises = 0;
    clock_advance_to(vclk, clock_now(vclk) + NS_PER_SEC);
    assert_int_equal(num_rises, 18);
}

static void test_mode0(void **state)
{
    (void)state;
    outb(bus, 0x43, 0x30);
    assert_false(irq0.level); /* low from the control word on */
    num_rises = 0;
    outb(bus, 0x40, 0x10);
    outb(bus, 0x40, 0x00);
    to_tick(16);
    assert_int_equal(num_rises, 0);
    to_tick(60);
    assert_int_equal(num_rises, 1);
    assert_in_range(rise_at[0], tick_ns(17), tick_ns(17 + 24));
    assert_int_equal(latched(0), (16 - 59) & 0xffff); /* goes on below zero */
    clock_advance_to(vclk, NS_PER_SEC);
    assert_int_equal(num_rises, 1); /* once */
}

static void test_mode4(void **state)
{
    (void)state;
    program(0, 0x38, 100);
    num_rises = 0;
    to_tick(1 + 100);
    assert_int_equal(status(0) & 0x80, 0); /* the strobe */
    to_tick(1 + 101);
    assert_int_equal(status(0) & 0x80, 0x80);
    assert_int_equal(num_rises, 1);
    clock_advance_to(vclk, NS_PER_SEC);
    assert_int_equal(num_rises, 1);
}

static void test_gate(void **state)
{
    (void)state;
    /* mode 1 is a one-shot: waits for the gate, and starts over at each edge */
    program(2, 0x32, 50);
    assert_int_equal(inb(bus, 0x61) & 0x20, 0x20);
    outb(bus, 0x61, 1); /* trigger at tick 0, runs from tick 1 */
    to_tick(1);
    assert_int_equal(inb(bus, 0x61) & 0x21, 0x01);
    to_tick(1 + 49);
    assert_int_equal(inb(bus, 0x61) & 0x20, 0);
    to_tick(1 + 50);
    assert_int_equal(inb(bus, 0x61) & 0x20, 0x20);
    /* mode 0 pauses: what calibration loops use */
    outb(bus, 0x61, 1);
    program(2, 0x30, 100); /* loaded at 52 */
    to_tick(52 + 40);
    outb(bus, 0x61, 0);
    assert_int_equal(latched(2), 60);
    to_tick(1000);
    assert_int_equal(latched(2), 60);
    assert_int_equal(inb(bus, 0x61) & 0x20, 0);
    outb(bus, 0x61, 1);
    to_tick(1000 + 59);
    assert_int_equal(inb(bus, 0x61) & 0x20, 0);
    to_tick(1000 + 60);
    assert_int_equal(inb(bus, 0x61) & 0x20, 0x20);
    /* mode 3: a closed gate holds the output high, opening it starts over */
    program(2, 0x36, 10);
    to_tick(1060 + 1 + 7);
    assert_int_equal(inb(bus, 0x61) & 0x20, 0);
    outb(bus, 0x61, 0);
    assert_int_equal(inb(bus, 0x61) & 0x20, 0x20);
    to_tick(2000);
    outb(bus, 0x61, 1);
    to_tick(2001);
    assert_int_equal(latched(2), 10);
    to_tick(2001 + 5);
    assert_int_equal(inb(bus, 0x61) & 0x20, 0);
}

static void test_access_modes(void **state)
{
    (void)state;
    program(1, 0x14, 0x80); /* low byte only */
    to_tick(1);
    assert_int_equal(inb(bus, 0x41), 0x80);
    assert_int_equal(inb(bus, 0x41), 0x80);
    program(1, 0x24, 0x1200); /* high byte only */
    to_tick(3);
    assert_int_equal(inb(bus, 0x41), 0x11);
    /* bytes of an unlatched read come from two moments */
    program(1, 0x34, 0x1000);
    to_tick(4);
    assert_int_equal(inb(bus, 0x41), 0x00);
    to_tick(5);
    assert_int_equal(inb(bus, 0x41), 0x0f);
    /* the first latch stands, and holds both bytes */
    outb(bus, 0x43, 0x40);
    to_tick(500);
    outb(bus, 0x43, 0x40);
    assert_int_equal(inb(bus, 0x41), 0xff);
    assert_int_equal(inb(bus, 0x41), 0x0f);
    assert_int_equal(latched(1), 0x1000 - 496);
}

static void test_bcd(void **state)
{
    (void)state;
    program(1, 0x35, 0x1000);
    to_tick(2);
    assert_int_equal(latched(1), 0x0999);
    to_tick(1 + 999);
    assert_int_equal(latched(1), 0x0001);
    to_tick(1 + 1000);
    assert_int_equal(latched(1), 0x1000);
    program(1, 0x31, 0); /* ten thousand */
    to_tick(1002 + 1);
    assert_int_equal(latched(1), 0x9999);
}

static void test_read_back(void **state)
{
    (void)state;
    program(0, 0x34, 0x1234);
    program(2, 0x3a, 0x0055); /* mode 5 awaits its trigger */
    to_tick(1);
    outb(bus, 0x43, 0xc0 | 0x0a); /* count and status of channels 0 and 2 */
    to_tick(50);
    assert_int_equal(inb(bus, 0x40), 0xb4); /* the status comes first */
    assert_int_equal(inb(bus, 0x40), 0x34);
    assert_int_equal(inb(bus, 0x40), 0x12);
    assert_int_equal(inb(bus, 0x42), 0xfa); /* null count until triggered */
    inb(bus, 0x42);
    inb(bus, 0x42);
    assert_int_equal(latched(0), 0x1234 - 49);
}

/* A count written to a running counter takes over when the period, or half period, is over. */
static void test_new_count(void **state)
{
    (void)state;
    program(1, 0x34, 100);
    to_tick(51);
    outb(bus, 0x41, 30);
    outb(bus, 0x41, 0);
    assert_int_equal(status(1) & 0x40, 0x40);
    assert_int_equal(latched(1), 50);
    to_tick(101);
    assert_int_equal(latched(1), 30);
    assert_int_equal(status(1) & 0x40, 0);
    program(1, 0x36, 100); /* loaded at 102 */
    to_tick(102 + 20);
    outb(bus, 0x41, 40);
    outb(bus, 0x41, 0);
    to_tick(102 + 49);
    assert_int_equal(status(1) & 0x80, 0x80);
    to_tick(102 + 50);
    assert_int_equal(status(1) & 0x80, 0);
    to_tick(102 + 50 + 20);
    assert_int_equal(status(1) & 0x80, 0x80);
    assert_int_equal(latched(1), 40);
}

static void test_flood(void **state)
{
    (void)state;
    program(0, 0x34, 2);
    num_rises = 0;
    irq0.rises = 0;
    clock_advance_to(vclk, 100 * MS);
    assert_in_range(irq0.rises, 1000, 5001); /* never closer than 20 us */
    assert_in_range(latched(0), 1, 2);
    program(0, 0x34, 1);
    clock_advance_to(vclk, 200 * MS);
}

static void test_port_b(void **state)
{
    unsigned toggles = 0;
    uint8_t last = 0;

    (void)state;
    for (unsigned k = 0; k < 10000; k++) {
        uint8_t v;

        clock_advance_to(vclk, k * 1000);
        v = inb(bus, 0x61) & 0x10;
        toggles += v != last;
        last = v;
    }
    assert_in_range(toggles, 660, 664); /* each 15.085 us */
    program(2, 0x36, 1193);
    speaker_calls = 0;
    outb(bus, 0x61, 3);
    assert_int_equal(speaker_calls, 1);
    assert_int_equal(inb(bus, 0x61) & 0x0f, 3);
    assert_true(pit_speaker_at(pit, clock_now(vclk) + 2000));
    assert_false(pit_speaker_at(pit, clock_now(vclk) + 600000));
    assert_true(pit_speaker_at(pit, clock_now(vclk) + 1100000));
}

/* Whatever a guest writes, the device survives and its counters stay in range. */
static void test_random(void **state)
{
    GRand *r = g_rand_new_with_seed(8254);

    (void)state;
    for (unsigned k = 0; k < 20000; k++) {
        unsigned port = (unsigned)g_rand_int_range(r, 0x40, 0x45);

        if (port == 0x44)
            port = 0x61;
        if (g_rand_boolean(r))
            outb(bus, port, g_rand_int(r) & 0xff);
        else
            inb(bus, port);
        clock_advance_to(vclk, clock_now(vclk) + g_rand_int_range(r, 0, 30000));
    }
    g_rand_free(r);
    assert_in_range(irq0.rises, 1, 20000);
}

#define CHIP_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHIP_TEST(test_mode2), CHIP_TEST(test_mode3),     CHIP_TEST(test_mode0),
        CHIP_TEST(test_mode4), CHIP_TEST(test_gate),      CHIP_TEST(test_access_modes),
        CHIP_TEST(test_bcd),   CHIP_TEST(test_read_back), CHIP_TEST(test_new_count),
        CHIP_TEST(test_flood), CHIP_TEST(test_port_b),    CHIP_TEST(test_random),
    };
    return unit_main(tests);
}
