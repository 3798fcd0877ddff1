/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Strict mode's rules for the chips of the board that sit at ports (docs/lint.md, "Devices"): what
 * breaks each is reported, and the right way of doing the same is not.
 */
#include "tests/unit/chip.h"
#include "tests/unit/lint_told.h"

#include "devices/input/i8042.h"
#include "devices/input/ps2_kbd.h"
#include "devices/pc/dma8237.h"
#include "devices/pc/pic.h"
#include "devices/pc/pit.h"
#include "devices/pc/rtc.h"
#include "devices/pc/uart16550.h"

static struct bus *bus;
static struct vclock *vclk;
static struct device *chip;

static int setup(void **state)
{
    (void)state;
    bus = bus_new("port", 0xffff);
    vclk = clock_new_manual();
    told_begin();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    told_end();
    device_destroy(chip);
    clock_free(vclk);
    bus_free(bus);
    return 0;
}

/* ---- 8259A ---- */

static struct pic *new_pic(void)
{
    struct pic_config cfg = {.ports = bus};
    struct pic *pic = pic_new(&cfg, NULL);

    chip = pic_device(pic);
    return pic;
}

static void init_pic(unsigned icw1, unsigned icw3, unsigned icw4)
{
    outb(bus, 0x20, icw1);
    outb(bus, 0x21, 0x08);
    if (!(icw1 & 2))
        outb(bus, 0x21, icw3);
    if (icw1 & 1)
        outb(bus, 0x21, icw4);
}

static void test_pic_init(void **state)
{
    (void)state;
    new_pic();
    outb(bus, 0x21, 0xfe);
    TOLD(PIC_INIT, 1);
    outb(bus, 0x20, 0x20);
    outb(bus, 0xa0, 0x0b);
    TOLD(PIC_INIT, 2);
    outb(bus, 0x20, 0x11); /* and not on to ICW4 */
    outb(bus, 0x20, 0x0b);
    TOLD(PIC_INIT, 1);
    init_pic(0x11, 0x04, 0x01);
    outb(bus, 0x21, 0xfe);
    outb(bus, 0x20, 0x0b);
    TOLD_NOTHING();
    outb(bus, 0xa1, 0xff); /* the other one still waits */
    TOLD(PIC_INIT, 1);
    init_pic(0x11, 0x00, 0x01); /* the slave is elsewhere */
    TOLD(PIC_INIT, 1);
    init_pic(0x11, 0x04, 0x00);
    TOLD(PIC_INIT, 1);
    init_pic(0x10, 0x04, 0);
    TOLD(PIC_INIT, 1);
    init_pic(0x13, 0, 0x01);
    TOLD(PIC_INIT, 1);
    device_reset(chip);
    outb(bus, 0x21, 0xff);
    TOLD(PIC_INIT, 1);
    device_reset(chip);
    device_trust(chip);
    outb(bus, 0x21, 0xff);
    TOLD_NOTHING();
}

static void test_pic_eoi(void **state)
{
    struct pic *pic = new_pic();

    (void)state;
    init_pic(0x11, 0x04, 0x01);
    irq_set(pic_input(pic, 1), true);
    assert_int_equal(pic_ack(pic), 9);
    outb(bus, 0x20, 0x62); /* a specific one, of another */
    TOLD(PIC_EOI, 1);
    outb(bus, 0x20, 0x20);
    TOLD_NOTHING();
    outb(bus, 0x20, 0x20);
    TOLD(PIC_EOI, 1);
    irq_set(pic_input(pic, 1), false);
    irq_set(pic_input(pic, 1), true);
    assert_int_equal(pic_ack(pic), 9);
    outb(bus, 0x20, 0x61);
    outb(bus, 0x20, 0xc1); /* sets the priority: no EOI */
    TOLD_NOTHING();
}

static void test_elcr(void **state)
{
    (void)state;
    new_pic();
    outb(bus, 0x4d1, 0x0c);
    outb(bus, 0x4d0, 0xf8);
    TOLD_NOTHING();
    outb(bus, 0x4d0, 0x01);
    outb(bus, 0x4d1, 0x20);
    TOLD(PIC_ELCR, 2);
}

/* ---- 8254 ---- */

static void new_pit(void)
{
    struct pit_config cfg = {.ports = bus, .clock = vclk};

    chip = pit_device(pit_new(&cfg, NULL));
}

static void test_pit_init(void **state)
{
    (void)state;
    new_pit();
    outb(bus, 0x40, 0x10);
    inb(bus, 0x42);
    outb(bus, 0x43, 0x40); /* latches counter 1 */
    TOLD(PIT_INIT, 3);
    outb(bus, 0x43, 0xe8); /* status of counter 2 */
    TOLD(PIT_INIT, 1);
    outb(bus, 0x43, 0x34);
    outb(bus, 0x40, 0x10);
    outb(bus, 0x40, 0x10);
    inb(bus, 0x40);
    inb(bus, 0x40);
    TOLD_NOTHING();
}

static void test_pit_count(void **state)
{
    (void)state;
    new_pit();
    outb(bus, 0x43, 0x34); /* mode 2, two bytes */
    outb(bus, 0x40, 0x01);
    TOLD_NOTHING();
    outb(bus, 0x40, 0x00);
    TOLD(PIT_COUNT, 1);
    outb(bus, 0x43, 0x16); /* mode 3, low byte */
    outb(bus, 0x40, 0x01);
    TOLD(PIT_COUNT, 1);
    outb(bus, 0x40, 0x02);
    outb(bus, 0x43, 0x10); /* mode 0 allows it */
    outb(bus, 0x40, 0x01);
    TOLD_NOTHING();
    outb(bus, 0x43, 0xb1); /* BCD */
    outb(bus, 0x42, 0x99);
    outb(bus, 0x42, 0x0a);
    TOLD(PIT_COUNT, 1);
    outb(bus, 0x42, 0x99);
    outb(bus, 0x42, 0x99);
    TOLD_NOTHING();
}

static void test_pit_access(void **state)
{
    (void)state;
    new_pit();
    outb(bus, 0x43, 0x34);
    outb(bus, 0x40, 0x00);
    outb(bus, 0x40, 0x00);
    outb(bus, 0x43, 0x00);
    inb(bus, 0x40);
    inb(bus, 0x40);
    outb(bus, 0x43, 0xc2);
    inb(bus, 0x40); /* status */
    inb(bus, 0x40);
    TOLD_NOTHING();
    outb(bus, 0x43, 0x00);
    TOLD(PIT_ACCESS, 1);
    inb(bus, 0x43);
    TOLD(PIT_ACCESS, 1);
    inb(bus, 0x40); /* the byte that was left */
    outb(bus, 0x43, 0xc3);
    TOLD(PIT_ACCESS, 1);
}

/* ---- MC146818 ---- */

static void new_rtc(void)
{
    struct rtc_config cfg = {.base = 951868790, .ports = bus, .clock = vclk};

    chip = rtc_device(rtc_new(&cfg, NULL));
}

static uint8_t cmos(unsigned index)
{
    outb(bus, 0x70, index);
    return inb(bus, 0x71);
}

static void set_cmos(unsigned index, unsigned val)
{
    outb(bus, 0x70, index);
    outb(bus, 0x71, val);
}

static void test_rtc_read(void **state)
{
    (void)state;
    new_rtc();
    cmos(0);
    cmos(0); /* until it changes */
    cmos(10);
    for (unsigned k = 0; k < 10; k += 2)
        cmos(k);
    cmos(0x14); /* memory */
    TOLD_NOTHING();
    clock_advance_to(vclk, 999 * MS); /* in the update cycle */
    assert_true(cmos(10) & 0x80);
    for (unsigned k = 0; k < 20; k++)
        cmos(k & 1 ? 2 : 0);
    TOLD(RTC_READ, 19);
}

static void test_rtc_set(void **state)
{
    (void)state;
    new_rtc();
    set_cmos(11, 0x82);
    set_cmos(0, 0x30);
    set_cmos(11, 0x86); /* binary */
    set_cmos(11, 0x06);
    set_cmos(1, 0xff);  /* an alarm */
    set_cmos(11, 0x26); /* its interrupt */
    TOLD_NOTHING();
    set_cmos(0, 0x30);
    TOLD(RTC_SET, 1);
    set_cmos(11, 0x02);
    TOLD(RTC_SET, 1);
}

static void test_rtc_index(void **state)
{
    (void)state;
    new_rtc();
    cmos(0x8f); /* masks the NMI */
    cmos(0x0f);
    set_cmos(0x0f, 5);
    TOLD_NOTHING();
    outb(bus, 0x70, 0x80);
    cmos(0x0f);
    TOLD(RTC_INDEX, 1);
    inb(bus, 0x70);
    set_cmos(13, 0);
    TOLD(RTC_INDEX, 2);
}

/* ---- 8237A ---- */

static void new_dma(void)
{
    static struct dma_space none;
    struct dma8237_config cfg = {.ports = bus, .memory = &none};

    chip = dma8237_device(dma8237_new(&cfg, NULL));
}

/* Channel 2 for 0x200 bytes at `addr`, still masked. */
static void program_dma(unsigned addr)
{
    outb(bus, 0x0c, 0);
    outb(bus, 0x0b, 0x46);
    outb(bus, 0x04, addr & 0xff);
    outb(bus, 0x04, addr >> 8);
    outb(bus, 0x05, 0xff);
    outb(bus, 0x05, 0x01);
}

static void test_dma(void **state)
{
    (void)state;
    new_dma();
    outb(bus, 0x0a, 0x02);
    TOLD(DMA_INIT, 1);
    outb(bus, 0x0a, 0x06);
    outb(bus, 0xd6, 0xc0); /* the cascade needs no more */
    outb(bus, 0xd4, 0x00);
    program_dma(0x1000);
    outb(bus, 0x0a, 0x02);
    TOLD_NOTHING();
    outb(bus, 0x0a, 0x06);
    outb(bus, 0x04, 0x00); /* half an address */
    outb(bus, 0x0a, 0x02);
    TOLD(DMA_INIT, 1);
    outb(bus, 0x0a, 0x06);
    program_dma(0xfe00);
    outb(bus, 0x0a, 0x02);
    TOLD_NOTHING();
    outb(bus, 0x0a, 0x06);
    program_dma(0xfe01);
    outb(bus, 0x0a, 0x02);
    TOLD(DMA_WRAP, 1);
    outb(bus, 0x0e, 0); /* all of them */
    TOLD(DMA_INIT, 3);
    outb(bus, 0x08, 0x10);
    outb(bus, 0x08, 0x04);
    TOLD_NOTHING();
    outb(bus, 0x08, 0x01);
    TOLD(DMA_COMMAND, 1);
    outb(bus, 0x0d, 0); /* forgets all */
    outb(bus, 0x0a, 0x02);
    TOLD(DMA_INIT, 1);
}

/* ---- 16550A ---- */

static void new_uart(void)
{
    struct uart16550_config cfg = {.base = 0x3f8, .ports = bus, .clock = vclk};

    chip = uart16550_device(uart16550_new(&cfg, NULL));
}

static void set_divisor(unsigned val)
{
    outb(bus, 0x3fb, 0x83);
    outb(bus, 0x3f8, val);
    outb(bus, 0x3f9, 0);
    outb(bus, 0x3fb, 0x03);
}

static void test_uart(void **state)
{
    (void)state;
    new_uart();
    outb(bus, 0x3f8, 'a');
    TOLD(UART_INIT, 1);
    set_divisor(0);
    inb(bus, 0x3fd);
    outb(bus, 0x3f8, 'a');
    TOLD(UART_INIT, 1);
    set_divisor(1);
    for (unsigned k = 0; k < 5; k++) {
        inb(bus, 0x3fd);
        outb(bus, 0x3f8, 'a');
    }
    TOLD_NOTHING();
    outb(bus, 0x3f8, 'b');
    TOLD(UART_OVERRUN, 1);
    outb(bus, 0x3fa, 0x01); /* FIFOs */
    for (unsigned k = 0; k < 16; k++)
        outb(bus, 0x3f8, 'c');
    TOLD_NOTHING();
    outb(bus, 0x3f8, 'c');
    TOLD(UART_OVERRUN, 1);
    outb(bus, 0x3fd, 0);
    TOLD(UART_REGISTER, 1);
    outb(bus, 0x3fb, 0x83);
    for (unsigned k = 0; k < 5; k++)
        outb(bus, 0x3f8, 'd');
    TOLD_NOTHING();
    outb(bus, 0x3f8, 'd');
    TOLD(UART_REGISTER, 1);
}

/* ---- 8042 ---- */

static struct ps2_kbd *new_kbc(void)
{
    struct ps2_kbd_config kbd_cfg = {.clock = vclk};
    struct ps2_kbd *kbd = ps2_kbd_new(&kbd_cfg);
    struct i8042_config cfg = {.ports = bus, .clock = vclk, .kbd = ps2_kbd_port(kbd)};

    chip = i8042_device(i8042_new(&cfg, NULL));
    return kbd;
}

static void test_kbc(void **state)
{
    struct ps2_kbd *kbd = new_kbc();

    (void)state;
    outb(bus, 0x64, 0x20);
    TOLD(KBC_BUSY, 1);
    assert_true(inb(bus, 0x64) & 1);
    inb(bus, 0x60);
    TOLD_NOTHING();
    inb(bus, 0x60);
    TOLD(KBC_EMPTY, 1);
    outb(bus, 0x64, 0x60);
    TOLD_NOTHING();
    outb(bus, 0x60, 0x30);
    TOLD(KBC_BUSY, 1);
    inb(bus, 0x64);
    outb(bus, 0x64, 0x60);
    inb(bus, 0x64);
    outb(bus, 0x60, 0x30);
    TOLD_NOTHING();
    inb(bus, 0x64);
    outb(bus, 0x64, 0x80);
    TOLD(KBC_COMMAND, 1);
    device_destroy(chip);
    chip = ps2_kbd_device(kbd);
}

/* ---- the bus ---- */

static uint64_t wide_read(void *opaque, uint64_t off, unsigned size)
{
    (void)opaque;
    (void)off;
    (void)size;
    return 0;
}

static void test_bus(void **state)
{
    static const struct bus_ops wide = {.read = wide_read, .min_size = 4, .max_size = 4};
    struct bus_region r;

    (void)state;
    new_pit();
    bus_region_init(&r, "wide", 16, &wide, NULL);
    assert_true(bus_map(bus, &r, 0x1000, NULL));
    bus_read(bus, 0x1000, 4);
    bus_read(bus, 0x61, 1);
    TOLD_NOTHING();
    bus_read(bus, 0x1000, 1);
    TOLD(ACCESS_WIDTH, 1);
    bus_read(bus, 0x2000, 2);
    bus_write(bus, 0x2000, 0, 1);
    TOLD(UNCLAIMED, 2);
    bus_unmap(&r);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pic_init),  TEST(test_pic_eoi),    TEST(test_elcr),     TEST(test_pit_init),
        TEST(test_pit_count), TEST(test_pit_access), TEST(test_rtc_read), TEST(test_rtc_set),
        TEST(test_rtc_index), TEST(test_dma),        TEST(test_uart),     TEST(test_kbc),
        TEST(test_bus),
    };

    return unit_main(tests);
}
