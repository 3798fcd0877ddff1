/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The 16550A by its ports, between a guest and a character backend (devices/pc/uart16550.h). */
#include "tests/unit/chip.h"

#include "devices/pc/uart16550.h"

static struct bus *bus;
static struct vclock *vclk;
static struct chardev *chr;
static struct uart16550 *uart;
static struct probe_line irq;

enum { RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR };

static int setup(void **state)
{
    struct uart16550_config cfg = {.base = 0x3f8};

    (void)state;
    memset(&irq, 0, sizeof(irq));
    bus = bus_new("port", 0xffff);
    vclk = clock_new_manual();
    chr = char_new_memory();
    cfg.ports = bus;
    cfg.clock = vclk;
    cfg.irq = probe_line(&irq);
    cfg.chr = chr;
    uart = uart16550_new(&cfg, NULL);
    assert_non_null(uart);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_destroy(uart16550_device(uart));
    char_free(chr);
    clock_free(vclk);
    bus_free(bus);
    return 0;
}

static uint8_t get(unsigned reg)
{
    return inb(bus, 0x3f8 + reg);
}

static void put(unsigned reg, unsigned val)
{
    outb(bus, 0x3f8 + reg, val);
}

static size_t feed(const char *s)
{
    return char_feed(chr, (const uint8_t *)s, strlen(s));
}

/* 115200 8N1, FIFOs with the given trigger bits, OUT2. */
static void open_port(unsigned fcr)
{
    put(LCR, 0x83);
    put(0, 1);
    put(1, 0);
    put(LCR, 0x03);
    put(IIR, fcr);
    put(MCR, 0x0b);
}

static void test_output(void **state)
{
    (void)state;
    open_port(0xc7);
    for (const char *s = "hello"; *s; s++) {
        assert_int_equal(get(LSR), 0x60);
        put(RBR, (uint8_t)*s);
    }
    assert_string_equal(char_written(chr)->str, "hello");
}

static void test_registers(void **state)
{
    (void)state;
    put(SCR, 0xa5);
    assert_int_equal(get(SCR), 0xa5);
    put(LCR, 0x80);
    put(0, 0x34);
    put(1, 0x12);
    assert_int_equal(get(0), 0x34);
    assert_int_equal(get(1), 0x12);
    put(LCR, 0x1b);
    assert_int_equal(get(LCR), 0x1b);
    put(IER, 0xff);
    assert_int_equal(get(IER), 0x0f); /* nothing above bit 3 */
    put(IIR, 0x01);
    assert_int_equal(get(IIR) & 0xc0, 0xc0); /* a 16550A's working FIFOs */
    put(IIR, 0x00);
    assert_int_equal(get(IIR) & 0xc0, 0x00);
    put(MCR, 0xff);
    assert_int_equal(get(MCR), 0x1f);
}

static void test_thre_interrupt(void **state)
{
    (void)state;
    open_port(0x01);
    put(IER, 0x02);
    assert_true(irq.level);
    assert_int_equal(get(IIR), 0xc2);
    assert_false(irq.level); /* reading it was the answer */
    assert_int_equal(get(IIR), 0xc1);
    put(RBR, 'x');
    assert_true(irq.level);
    irq.rises = 0;
    put(RBR, 'y');
    assert_int_equal(irq.rises, 1); /* a new edge for each emptying */
    put(MCR, 0x03);                 /* OUT2 closes the gate */
    assert_false(irq.level);
}

static void test_receive_without_fifo(void **state)
{
    (void)state;
    open_port(0x00);
    put(IER, 0x01);
    assert_int_equal(feed("ab"), 1); /* room for one */
    assert_true(irq.level);
    assert_int_equal(get(IIR), 0x04);
    assert_int_equal(get(LSR), 0x61);
    assert_int_equal(get(RBR), 'a');
    assert_false(irq.level);
    assert_int_equal(get(LSR), 0x60);
    assert_int_equal(feed("b"), 1);
    assert_int_equal(get(RBR), 'b');
}

static void test_trigger_and_timeout(void **state)
{
    (void)state;
    open_port(0x81); /* trigger at 8 */
    put(IER, 0x01);
    assert_int_equal(feed("1234567"), 7);
    assert_false(irq.level);
    clock_advance_to(vclk, 300000); /* four characters at 115200 are 347 us */
    assert_false(irq.level);
    clock_advance_to(vclk, 348000);
    assert_true(irq.level);
    assert_int_equal(get(IIR), 0xcc);
    assert_int_equal(get(RBR), '1');
    assert_false(irq.level); /* a read restarts it */
    clock_advance_to(vclk, 2 * 348000);
    assert_true(irq.level);
    assert_int_equal(feed("89"), 2);
    assert_int_equal(get(IIR), 0xc4);
    assert_int_equal(feed("abcdefghijkl"), 8); /* sixteen in all */
    assert_int_equal(feed("x"), 0);
    for (const char *s = "23456789abcdefgh"; *s; s++) {
        assert_int_equal(get(LSR), 0x61);
        assert_int_equal(get(RBR), *s);
    }
    assert_int_equal(get(LSR), 0x60);
    assert_false(irq.level);
}

static void test_loopback(void **state)
{
    (void)state;
    open_port(0x00);
    assert_int_equal(get(MSR) & 0xf0, 0xb0);
    put(MCR, 0x1a); /* loop, RTS, OUT2 */
    assert_int_equal(get(MSR) & 0xf0, 0x90);
    put(MCR, 0x15); /* DTR, OUT1 */
    assert_int_equal(get(MSR), 0x60 | 0x0b);
    assert_int_equal(get(MSR), 0x60);
    put(MCR, 0x10);
    assert_int_equal(get(MSR), 0x06); /* DSR changed, RI fell */
    put(RBR, 'z');
    assert_int_equal(char_written(chr)->len, 0);
    assert_int_equal(feed("q"), 0);
    put(RBR, 'y'); /* overrun: the holding register is overwritten */
    assert_int_equal(get(LSR), 0x63);
    assert_int_equal(get(LSR), 0x61);
    assert_int_equal(get(RBR), 'y');
    put(LCR, 0x43);
    assert_int_equal(get(LSR), 0x71); /* a break */
}

static void test_priorities(void **state)
{
    (void)state;
    open_port(0x01);
    get(MSR);
    get(LSR);
    put(MCR, 0x18);
    for (unsigned k = 0; k < 17; k++)
        put(RBR, k); /* one too many */
    put(MCR, 0x0b);
    put(IER, 0x0f);
    assert_int_equal(get(IIR), 0xc6);
    assert_int_equal(get(LSR) & 0x02, 0x02);
    assert_int_equal(get(IIR), 0xc4);
    for (unsigned k = 0; k < 16; k++)
        assert_int_equal(get(RBR), k);
    assert_int_equal(get(IIR), 0xc2);
    assert_int_equal(get(IIR), 0xc0); /* modem status, from leaving the loop */
    get(MSR);
    assert_int_equal(get(IIR), 0xc1);
    assert_false(irq.level);
}

static void test_fifo_clear(void **state)
{
    (void)state;
    open_port(0x01);
    feed("abc");
    put(IIR, 0x03);
    assert_int_equal(get(LSR), 0x60);
    assert_int_equal(feed("d"), 1);
    assert_int_equal(get(RBR), 'd');
    feed("e");
    device_reset(uart16550_device(uart));
    assert_int_equal(get(LSR), 0x60);
    assert_int_equal(get(IIR), 0x01);
}

#define CHIP_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHIP_TEST(test_output),
        CHIP_TEST(test_registers),
        CHIP_TEST(test_thre_interrupt),
        CHIP_TEST(test_receive_without_fifo),
        CHIP_TEST(test_trigger_and_timeout),
        CHIP_TEST(test_loopback),
        CHIP_TEST(test_priorities),
        CHIP_TEST(test_fifo_clear),
    };
    return unit_main(tests);
}
