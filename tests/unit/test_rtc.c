/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The MC146818 by its ports (devices/pc/rtc.h): time formats, update cycle, interrupts, memory. */
#include "tests/unit/chip.h"

#include "devices/pc/rtc.h"

static struct bus *bus;
static struct vclock *vclk;
static struct rtc *rtc;
static struct probe_line irq8, nmi;

/* Tuesday 29 February 2000, 23:59:50 */
#define BASE INT64_C(951868790)

static unsigned alarms;

static void count_alarm(void *opaque)
{
    ++*(unsigned *)opaque;
}

static int setup(void **state)
{
    struct rtc_config cfg = {.base = BASE, .alarm = count_alarm, .opaque = &alarms};

    (void)state;
    memset(&irq8, 0, sizeof(irq8));
    bus = bus_new("port", 0xffff);
    vclk = clock_new_manual();
    cfg.ports = bus;
    cfg.clock = vclk;
    cfg.irq8 = probe_line(&irq8);
    cfg.nmi_mask = probe_line(&nmi);
    rtc = rtc_new(&cfg, NULL);
    assert_non_null(rtc);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_destroy(rtc_device(rtc));
    clock_free(vclk);
    bus_free(bus);
    return 0;
}

static uint8_t get(unsigned reg)
{
    outb(bus, 0x70, reg);
    return inb(bus, 0x71);
}

static void put(unsigned reg, unsigned val)
{
    outb(bus, 0x70, reg);
    outb(bus, 0x71, val);
}

/* century, year, month, day, weekday, hour, minute, second */
static void assert_time(const uint8_t t[8])
{
    static const uint8_t regs[8] = {0x32, 9, 8, 7, 6, 4, 2, 0};

    for (unsigned k = 0; k < 8; k++)
        assert_int_equal(get(regs[k]), t[k]);
}

static void test_calendar(void **state)
{
    (void)state;
    assert_time((const uint8_t[]){0x20, 0x00, 0x02, 0x29, 0x03, 0x23, 0x59, 0x50});
    clock_advance_to(vclk, 9999 * MS);
    assert_int_equal(get(0), 0x59);
    clock_advance_to(vclk, 10000 * MS);
    assert_time((const uint8_t[]){0x20, 0x00, 0x03, 0x01, 0x04, 0x00, 0x00, 0x00});
    assert_int_equal(get(0x0d), 0x80);
}

static void test_formats(void **state)
{
    (void)state;
    put(0x0b, 0x06); /* binary */
    assert_time((const uint8_t[]){20, 0, 2, 29, 3, 23, 59, 50});
    put(0x0b, 0x04); /* 12 hours */
    assert_int_equal(get(4), 0x80 | 11);
    put(0x0b, 0x00);
    assert_int_equal(get(4), 0x91);
    clock_advance_to(vclk, 10000 * MS);
    assert_int_equal(get(4), 0x12); /* midnight is 12 AM */
    clock_advance_to(vclk, (10000 + 12 * 3600000) * MS);
    assert_int_equal(get(4), 0x92);
}

static void test_set(void **state)
{
    (void)state;
    clock_advance_to(vclk, 300 * MS);
    put(0x0b, 0x82);
    put(0x32, 0x19);
    put(9, 0x99);
    put(8, 0x12);
    put(7, 0x31);
    put(4, 0x23);
    put(2, 0x59);
    put(0, 0x59);
    clock_advance_to(vclk, 5200 * MS);
    assert_int_equal(get(0), 0x59); /* SET holds the time */
    assert_int_equal(get(0x0a) & 0x80, 0);
    put(0x0b, 0x02);
    clock_advance_to(vclk, 5999 * MS);
    assert_int_equal(get(0), 0x59);
    clock_advance_to(vclk, 6000 * MS); /* the divider ran on: its second ends now */
    assert_time((const uint8_t[]){0x20, 0x00, 0x01, 0x01, 0x07, 0x00, 0x00, 0x00});
    assert_int_equal(rtc_time(rtc), 946684800);
}

static void test_divider_reset(void **state)
{
    (void)state;
    clock_advance_to(vclk, 100 * MS);
    put(0x0a, 0x76);
    put(0, 0x30);
    clock_advance_to(vclk, 9100 * MS);
    assert_int_equal(get(0), 0x30);
    put(0x0a, 0x26);
    clock_advance_to(vclk, 9599 * MS);
    assert_int_equal(get(0), 0x30);
    clock_advance_to(vclk, 9600 * MS); /* half a second after the divider was let go */
    assert_int_equal(get(0), 0x31);
}

static void test_uip(void **state)
{
    (void)state;
    clock_advance_to(vclk, 990 * MS);
    assert_int_equal(get(0x0a), 0x26);
    clock_advance_to(vclk, 998 * MS);
    assert_int_equal(get(0x0a), 0xa6);
    clock_advance_to(vclk, 1000 * MS);
    assert_int_equal(get(0x0a), 0x26);
}

static void test_update_interrupt(void **state)
{
    (void)state;
    get(0x0c);
    put(0x0b, 0x12);
    clock_advance_to(vclk, 999 * MS);
    assert_false(irq8.level);
    clock_advance_to(vclk, 1000 * MS);
    assert_true(irq8.level);
    clock_advance_to(vclk, 3500 * MS);
    assert_int_equal(irq8.rises, 1);          /* stays up until C is read */
    assert_int_equal(get(0x0c), 0x90 | 0x40); /* PF too: flags need no enable bit */
    assert_false(irq8.level);
    assert_int_equal(get(0x0c), 0);
    clock_advance_to(vclk, 4000 * MS);
    assert_true(irq8.level);
}

/* The alarm is told of once, and also while another interrupt stands. */
static void test_alarm_hook(void **state)
{
    (void)state;
    alarms = 0;
    put(1, 0xc0);
    put(3, 0xc0);
    put(5, 0xc0);
    clock_advance_to(vclk, 1500000000);
    assert_int_equal(alarms, 0); /* not enabled */
    get(12);
    put(11, 0x70 | (get(11) & 0x0f)); /* periodic and alarm */
    clock_advance_to(vclk, 1900000000);
    assert_true(irq8.level);
    assert_int_equal(alarms, 0);
    clock_advance_to(vclk, 2100000000);
    assert_int_equal(alarms, 1);
    clock_advance_to(vclk, 5000000000);
    assert_int_equal(alarms, 1); /* its flag still stands */
    get(12);
    clock_advance_to(vclk, 6500000000);
    assert_int_equal(alarms, 2);
}

static void test_alarm(void **state)
{
    (void)state;
    put(5, 0x00);
    put(3, 0x00);
    put(1, 0x05);
    put(0x0b, 0x22);
    clock_advance_to(vclk, 14999 * MS);
    assert_false(irq8.level);
    clock_advance_to(vclk, 15000 * MS); /* 00:00:05 of the next day */
    assert_true(irq8.level);
    assert_int_equal(get(0x0c) & 0xb0, 0xb0);
    put(5, 0xff); /* each hour and minute */
    put(3, 0xc0);
    clock_advance_to(vclk, 75000 * MS);
    assert_int_equal(irq8.rises, 2);
    put(3, 0x61); /* never */
    get(0x0c);
    clock_advance_to(vclk, 3 * 86400 * 1000 * MS);
    assert_int_equal(irq8.rises, 2);
    assert_int_equal(get(0x0c) & 0x20, 0);
}

static void test_periodic(void **state)
{
    int64_t end = 0;

    (void)state;
    put(0x0a, 0x26);
    put(0x0b, 0x42);
    get(0x0c);
    for (unsigned k = 0; k < 4000; k++) {
        end += MS / 4;
        clock_advance_to(vclk, end);
        if (irq8.level)
            assert_int_equal(get(0x0c) & 0xc0, 0xc0);
    }
    assert_in_range(irq8.rises, 1023, 1024); /* one second at 1024 Hz */
    put(0x0a, 0x21);                         /* rates 1 and 2 are 256 and 128 Hz */
    irq8.rises = 0;
    for (unsigned k = 0; k < 1000; k++) {
        end += MS;
        clock_advance_to(vclk, end);
        if (irq8.level)
            get(0x0c);
    }
    assert_in_range(irq8.rises, 255, 257);
}

static void test_memory_and_reset(void **state)
{
    (void)state;
    rtc_cmos_set(rtc, 0x34, 0x5a);
    rtc_cmos_set(rtc, 0x00, 0x11); /* the time is not memory */
    assert_int_equal(get(0x34), 0x5a);
    assert_int_equal(get(0), 0x50);
    put(0x7f, 0x77);
    outb(bus, 0x72, 0x0c);
    outb(bus, 0x73, 0x99);
    assert_int_equal(inb(bus, 0x73), 0x99);
    assert_int_equal(rtc_cmos_get(rtc, 0x8c), 0x99);
    put(0x0b, 0x76);
    clock_advance_to(vclk, 2000 * MS);
    assert_true(irq8.level);
    device_reset(rtc_device(rtc));
    assert_false(irq8.level);
    assert_int_equal(get(0x0b), 0x06); /* the formats stay, the enables go */
    assert_int_equal(get(0x7f), 0x77);
    assert_int_equal(get(0), 52);
    outb(bus, 0x70, 0x80);
    assert_true(nmi.level);
    outb(bus, 0x70, 0x00);
    assert_false(nmi.level);
}

static void test_random(void **state)
{
    GRand *r = g_rand_new_with_seed(146818);

    (void)state;
    for (unsigned k = 0; k < 50000; k++) {
        outb(bus, 0x70, (unsigned)g_rand_int_range(r, 0, 14));
        if (!g_rand_int_range(r, 0, 20))
            outb(bus, 0x70, 0x32);
        if (g_rand_boolean(r))
            outb(bus, 0x71, g_rand_int(r) & 0xff);
        else
            inb(bus, 0x71);
        clock_advance_to(vclk, clock_now(vclk) + g_rand_int_range(r, 0, 900000000));
    }
    g_rand_free(r);
}

#define CHIP_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHIP_TEST(test_calendar),         CHIP_TEST(test_formats), CHIP_TEST(test_set),
        CHIP_TEST(test_divider_reset),    CHIP_TEST(test_uip),     CHIP_TEST(test_update_interrupt),
        CHIP_TEST(test_alarm_hook),       CHIP_TEST(test_alarm),   CHIP_TEST(test_periodic),
        CHIP_TEST(test_memory_and_reset), CHIP_TEST(test_random),
    };
    return unit_main(tests);
}
