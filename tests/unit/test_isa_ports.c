/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The small port devices: debug console, exit port, port 92, the pc-testdev. */
#include "tests/unit/chip.h"

#include "devices/pc/coproc_error.h"
#include "devices/pc/debugcon.h"
#include "devices/pc/isa_debug_exit.h"
#include "devices/pc/port92.h"
#include "devices/pc/testdev.h"

static struct bus *bus;

static int setup(void **state)
{
    (void)state;
    bus = bus_new("port", 0xffff);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bus_free(bus);
    return 0;
}

static void test_debugcon(void **state)
{
    struct chardev *chr = char_new_memory();
    struct debugcon_config cfg = {.ports = bus, .chr = chr};
    struct debugcon *d = debugcon_new(&cfg, NULL);
    GError *err = NULL;

    (void)state;
    assert_int_equal(inb(bus, 0xe9), 0xe9);
    outb(bus, 0xe9, 'o');
    outb(bus, 0xe9, 'k');
    assert_string_equal(char_written(chr)->str, "ok");
    assert_null(debugcon_new(&cfg, &err)); /* the port is taken */
    assert_non_null(err);
    g_clear_error(&err);
    device_destroy(debugcon_device(d));
    char_free(chr);
}

static void note_exit(void *opaque, uint32_t val)
{
    *(uint32_t *)opaque = val;
}

static void test_debug_exit(void **state)
{
    uint32_t val = 0;
    struct isa_debug_exit_config cfg = {
        .ports = bus, .base = 0x501, .length = 4, .exit = note_exit, .opaque = &val};
    struct isa_debug_exit *d = isa_debug_exit_new(&cfg, NULL);
    GError *err = NULL;

    (void)state;
    outb(bus, 0x501, 0x2a);
    assert_int_equal(val, 0x2a);
    bus_write(bus, 0x501, 0x12345678, 4);
    assert_int_equal(val, 0x12345678);
    cfg.length = 3;
    cfg.base = 0xf4;
    assert_null(isa_debug_exit_new(&cfg, &err));
    assert_non_null(strstr(err->message, "iosize 3"));
    g_clear_error(&err);
    device_destroy(isa_debug_exit_device(d));
}

static void count_ignne(void *opaque)
{
    ++*(int *)opaque;
}

static void test_coproc_error(void **state)
{
    struct probe_line irq13 = {0};
    int ignne = 0;
    struct coproc_error_config cfg = {
        .ports = bus, .irq13 = probe_line(&irq13), .ignne = count_ignne, .opaque = &ignne};
    struct coproc_error *c = coproc_error_new(&cfg, NULL);

    (void)state;
    outb(bus, 0xf0, 0);
    assert_int_equal(ignne, 0); /* nothing to ignore while FERR# is not asserted */
    irq_set(coproc_error_ferr_input(c), true);
    assert_true(irq13.level);
    outb(bus, 0xf0, 0);
    assert_false(irq13.level);
    assert_int_equal(ignne, 1);
    irq_set(coproc_error_ferr_input(c), true); /* still the same error */
    assert_false(irq13.level);
    irq_set(coproc_error_ferr_input(c), false);
    irq_set(coproc_error_ferr_input(c), true);
    irq_set(coproc_error_ferr_input(c), false);
    assert_true(irq13.level); /* only port F0 takes it back */
    outb(bus, 0xf0, 0);
    assert_false(irq13.level);
    assert_int_equal(ignne, 1);
    device_destroy(coproc_error_device(c));
}

static void test_port92(void **state)
{
    struct probe_line a20 = {0}, reset = {0};
    struct port92_config cfg = {.ports = bus, .a20 = probe_line(&a20), .reset = probe_line(&reset)};
    struct port92 *p = port92_new(&cfg, NULL);

    (void)state;
    assert_false(a20.level);
    outb(bus, 0x92, 0x02);
    assert_true(a20.level);
    assert_int_equal(inb(bus, 0x92), 0x02);
    irq_set(port92_a20_input(p), true);
    outb(bus, 0x92, 0x00);
    assert_true(a20.level); /* the keyboard controller still asks for it */
    irq_set(port92_a20_input(p), false);
    assert_false(a20.level);
    outb(bus, 0x92, 0x01);
    assert_int_equal(reset.rises, 1);
    outb(bus, 0x92, 0x01); /* only a rising bit resets */
    assert_int_equal(reset.rises, 1);
    device_destroy(port92_device(p));
}

static void note_flush(void *opaque, uint64_t gpa)
{
    *(uint64_t *)opaque = gpa;
}

static void test_testdev(void **state)
{
    struct bus *mmio = bus_new("mmio", ~UINT64_C(0));
    struct probe_line line[TESTDEV_NUM_IRQS] = {{0}};
    uint64_t flushed = 0;
    struct testdev_config cfg = {
        .ports = bus, .mmio = mmio, .flush_page = note_flush, .opaque = &flushed};
    struct testdev *t;

    (void)state;
    for (unsigned n = 0; n < TESTDEV_NUM_IRQS; n++)
        cfg.irq[n] = probe_line(&line[n]);
    t = testdev_new(&cfg, NULL);
    assert_non_null(t);
    bus_write(bus, 0xe0, 0x12345678, 4);
    assert_int_equal(bus_read(bus, 0xe0, 4), 0x12345678);
    assert_int_equal(bus_read(bus, 0xe1, 1), 0x56);
    bus_write(bus, 0xe2, 0xabcd, 2);
    assert_int_equal(bus_read(bus, 0xe0, 4), 0xabcd5678);
    bus_write(bus, 0xe8, 0x1122, 2);
    assert_int_equal(bus_read(bus, 0xe9, 1), 0x11);
    assert_int_equal(bus_read(bus, 0xe8, 4), 0x1122);
    assert_int_equal(flushed, 0);
    bus_write(bus, 0xe4, 0x12345678, 4);
    assert_int_equal(flushed, 0x12345000);
    assert_int_equal(bus_read(bus, 0xe4, 4), 0);
    outb(bus, 0x2000 + 25 - 2, 1);
    assert_true(line[23].level);
    outb(bus, 0x200e, 1);
    assert_true(line[14].level);
    outb(bus, 0x200e, 0);
    assert_false(line[14].level);
    bus_write(mmio, 0xff000ff8, 0x1122334455667788, 8);
    assert_int_equal(bus_read(mmio, 0xff000ff8, 1), 0x88);
    assert_int_equal(bus_read(mmio, 0xff000ff9, 2), 0x6677);
    bus_write(mmio, 0xff00fffe, 0xabcd, 2);
    assert_int_equal(bus_read(mmio, 0xff00fffe, 2), 0xabcd);
    assert_int_equal(bus_read(mmio, 0xff000ffc, 4), 0x11223344);
    device_reset(testdev_device(t));
    assert_false(line[23].level);
    device_destroy(testdev_device(t));
    bus_free(mmio);
}

#define CHIP_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHIP_TEST(test_debugcon), CHIP_TEST(test_debug_exit), CHIP_TEST(test_coproc_error),
        CHIP_TEST(test_port92),   CHIP_TEST(test_testdev),
    };
    return unit_main(tests);
}
