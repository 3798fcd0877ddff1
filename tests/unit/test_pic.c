/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The 8259A pair by its ports and lines (devices/pc/pic.h), against the data sheet. */
#include "tests/unit/chip.h"

#include "devices/pc/pic.h"

static struct bus *bus;
static struct pic *pic;
static struct probe_line intr;

static void raise_irq(int irq)
{
    irq_set(pic_input(pic, irq), true);
}

static void lower_irq(int irq)
{
    irq_set(pic_input(pic, irq), false);
}

/* As a PC BIOS sets them up, at vectors 8 and 0x70, with `icw4` for the master. */
static void program(unsigned icw4)
{
    outb(bus, 0x20, 0x11);
    outb(bus, 0x21, 0x08);
    outb(bus, 0x21, 0x04);
    outb(bus, 0x21, icw4);
    outb(bus, 0xa0, 0x11);
    outb(bus, 0xa1, 0x70);
    outb(bus, 0xa1, 0x02);
    outb(bus, 0xa1, 0x01);
}

static int setup(void **state)
{
    struct pic_config cfg = {0};

    (void)state;
    memset(&intr, 0, sizeof(intr));
    bus = bus_new("port", 0xffff);
    cfg.ports = bus;
    cfg.intr = probe_line(&intr);
    pic = pic_new(&cfg, NULL);
    assert_non_null(pic);
    program(0x01);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_destroy(pic_device(pic));
    bus_free(bus);
    return 0;
}

static void test_vectors(void **state)
{
    (void)state;
    raise_irq(1);
    assert_true(intr.level);
    assert_int_equal(pic_ack(pic), 9);
    assert_false(intr.level);
    raise_irq(12);
    assert_false(intr.level); /* lower priority than 1, which is in service */
    outb(bus, 0x20, 0x20);
    assert_int_equal(pic_ack(pic), 0x74);
    outb(bus, 0x20, 0x0b);
    outb(bus, 0xa0, 0x0b);
    assert_int_equal(inb(bus, 0x20), 0x04);
    assert_int_equal(inb(bus, 0xa0), 0x10);
    outb(bus, 0xa0, 0x20);
    outb(bus, 0x20, 0x20);
    assert_int_equal(inb(bus, 0x20), 0);
    assert_int_equal(inb(bus, 0xa0), 0);
    assert_false(intr.level); /* both lines are still high: edges only */
}

static void test_priority(void **state)
{
    (void)state;
    raise_irq(4);
    assert_int_equal(pic_ack(pic), 12);
    raise_irq(6);
    assert_false(intr.level);
    raise_irq(3);
    assert_true(intr.level); /* nests */
    assert_int_equal(pic_ack(pic), 11);
    outb(bus, 0x20, 0x20); /* ends 3 */
    assert_false(intr.level);
    outb(bus, 0x20, 0x64); /* specific: ends 4 */
    assert_int_equal(pic_ack(pic), 14);
}

static void test_mask_and_irr(void **state)
{
    (void)state;
    outb(bus, 0x21, 0x08);
    raise_irq(3);
    assert_false(intr.level);
    outb(bus, 0x20, 0x0a);
    assert_int_equal(inb(bus, 0x20), 0x08);
    assert_int_equal(inb(bus, 0x21), 0x08);
    outb(bus, 0x21, 0x00);
    assert_true(intr.level);
}

static void test_spurious(void **state)
{
    (void)state;
    raise_irq(3);
    outb(bus, 0x21, 0x08); /* masked between INTR and the acknowledge */
    assert_int_equal(pic_ack(pic), 15);
    outb(bus, 0x20, 0x0b);
    assert_int_equal(inb(bus, 0x20), 0); /* nothing in service */
    outb(bus, 0x21, 0);
    assert_int_equal(pic_ack(pic), 11);
    outb(bus, 0x20, 0x20);
    /* the slave's: a level that goes away */
    outb(bus, 0x4d1, 0x04);
    raise_irq(10);
    assert_true(intr.level);
    lower_irq(10);
    assert_false(intr.level);
    assert_int_equal(pic_ack(pic), 15);
}

static void test_level(void **state)
{
    (void)state;
    outb(bus, 0x4d0, 0xff);
    outb(bus, 0x4d1, 0xff);
    assert_int_equal(inb(bus, 0x4d0), 0xf8);
    assert_int_equal(inb(bus, 0x4d1), 0xde);
    raise_irq(11);
    assert_int_equal(pic_ack(pic), 0x73);
    assert_false(intr.level);
    outb(bus, 0xa0, 0x20);
    outb(bus, 0x20, 0x20);
    assert_true(intr.level); /* still asserted: again */
    assert_int_equal(pic_ack(pic), 0x73);
    lower_irq(11);
    outb(bus, 0xa0, 0x20);
    outb(bus, 0x20, 0x20);
    assert_false(intr.level);
}

/* A second interrupt of the slave, lower than the one in service, comes after its EOI. */
static void test_slave_queue(void **state)
{
    (void)state;
    raise_irq(8);
    raise_irq(14);
    assert_int_equal(pic_ack(pic), 0x70);
    assert_false(intr.level);
    outb(bus, 0x20, 0x20);
    assert_false(intr.level); /* the slave still serves 8 */
    outb(bus, 0xa0, 0x20);
    assert_int_equal(pic_ack(pic), 0x76);
}

static void test_rotation(void **state)
{
    (void)state;
    raise_irq(3);
    raise_irq(5);
    assert_int_equal(pic_ack(pic), 11);
    outb(bus, 0x20, 0xa0); /* rotate on non-specific EOI: 3 is now the lowest */
    raise_irq(1);
    assert_int_equal(pic_ack(pic), 13); /* 4 5 6 7 0 1 2 3 */
    outb(bus, 0x20, 0x20);
    outb(bus, 0x20, 0xc0); /* set priority: 0 lowest */
    lower_irq(3);
    raise_irq(3);
    assert_int_equal(pic_ack(pic), 9);
    outb(bus, 0x20, 0xe1); /* rotate on specific EOI of 1 */
    assert_int_equal(pic_ack(pic), 11);
}

static void test_special_mask(void **state)
{
    (void)state;
    raise_irq(2 + 1);
    assert_int_equal(pic_ack(pic), 11);
    raise_irq(6);
    assert_false(intr.level);
    outb(bus, 0x21, 0x08);
    outb(bus, 0x20, 0x68); /* special mask mode */
    assert_true(intr.level);
    assert_int_equal(pic_ack(pic), 14);
    outb(bus, 0x20, 0x20); /* ends 6: 3 is masked, and so out of a non-specific EOI's sight */
    outb(bus, 0x20, 0x0b);
    assert_int_equal(inb(bus, 0x20), 0x08);
    outb(bus, 0x20, 0x48);
    lower_irq(6);
    raise_irq(6);
    assert_false(intr.level);
}

static void test_poll(void **state)
{
    (void)state;
    raise_irq(5);
    outb(bus, 0x20, 0x0c);
    assert_int_equal(inb(bus, 0x20), 0x85);
    assert_false(intr.level);
    outb(bus, 0x20, 0x0b);
    assert_int_equal(inb(bus, 0x20), 0x20);
    outb(bus, 0x20, 0x20);
    outb(bus, 0x20, 0x0c);
    assert_int_equal(inb(bus, 0x20) & 0x80, 0);
}

static void test_auto_eoi(void **state)
{
    (void)state;
    program(0x03);
    raise_irq(4);
    assert_int_equal(pic_ack(pic), 12);
    outb(bus, 0x20, 0x0b);
    assert_int_equal(inb(bus, 0x20), 0);
    outb(bus, 0x20, 0x80); /* rotate in AEOI mode */
    raise_irq(1);
    assert_int_equal(pic_ack(pic), 9);
    lower_irq(1);
    raise_irq(1);
    raise_irq(6);
    assert_int_equal(pic_ack(pic), 14); /* 1 was the last served: now the lowest */
}

static void test_fully_nested(void **state)
{
    (void)state;
    raise_irq(14);
    assert_int_equal(pic_ack(pic), 0x76);
    raise_irq(8);
    assert_false(intr.level); /* the master holds its input 2 */
    program(0x11);            /* SFNM */
    lower_irq(14);
    lower_irq(8);
    raise_irq(14);
    assert_int_equal(pic_ack(pic), 0x76);
    raise_irq(8);
    assert_int_equal(pic_ack(pic), 0x70);
}

static void test_icw1_resets(void **state)
{
    (void)state;
    raise_irq(3);
    outb(bus, 0x21, 0xff);
    program(0x01);
    assert_int_equal(inb(bus, 0x21), 0);
    assert_false(intr.level); /* the line is high, but saw no edge since */
    lower_irq(3);
    raise_irq(3);
    assert_true(intr.level);
}

#define CHIP_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHIP_TEST(test_vectors),  CHIP_TEST(test_priority),     CHIP_TEST(test_mask_and_irr),
        CHIP_TEST(test_spurious), CHIP_TEST(test_level),        CHIP_TEST(test_slave_queue),
        CHIP_TEST(test_rotation), CHIP_TEST(test_special_mask), CHIP_TEST(test_poll),
        CHIP_TEST(test_auto_eoi), CHIP_TEST(test_fully_nested), CHIP_TEST(test_icw1_resets),
    };
    return unit_main(tests);
}
