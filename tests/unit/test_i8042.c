/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Controller and keyboard by ports 0x60 and 0x64 (devices/input/i8042.h, ps2_kbd.h). */
#include "tests/unit/chip.h"

#include "devices/input/i8042.h"
#include "devices/input/ps2_kbd.h"
#include "devices/input/ps2_mouse.h"

static struct bus *bus;
static struct vclock *vclk;
static struct i8042 *ctl;
static struct ps2_kbd *kbd;
static struct ps2_mouse *mouse;
static struct probe_line irq1, irq12, a20, reset;
static unsigned leds;

static void note_leds(void *opaque, unsigned val)
{
    (void)opaque;
    leds = val;
}

static int setup(void **state)
{
    struct i8042_config cfg = {0};
    struct ps2_kbd_config kbd_cfg = {.leds = note_leds};
    struct ps2_mouse_config mouse_cfg;

    (void)state;
    memset(&irq1, 0, sizeof(irq1));
    memset(&irq12, 0, sizeof(irq12));
    memset(&reset, 0, sizeof(reset));
    bus = bus_new("port", 0xffff);
    vclk = clock_new_manual();
    mouse_cfg.clock = kbd_cfg.clock = cfg.clock = vclk;
    kbd = ps2_kbd_new(&kbd_cfg);
    mouse = ps2_mouse_new(&mouse_cfg);
    cfg.ports = bus;
    cfg.kbd = ps2_kbd_port(kbd);
    cfg.aux = ps2_mouse_port(mouse);
    cfg.irq1 = probe_line(&irq1);
    cfg.irq12 = probe_line(&irq12);
    cfg.a20 = probe_line(&a20);
    cfg.reset = probe_line(&reset);
    ctl = i8042_new(&cfg, NULL);
    assert_non_null(ctl);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_destroy(i8042_device(ctl));
    device_destroy(ps2_kbd_device(kbd));
    device_destroy(ps2_mouse_device(mouse));
    clock_free(vclk);
    bus_free(bus);
    return 0;
}

/* The next byte at port 0x60 within ten milliseconds, or -1; *aux says whose. */
static int next_byte(bool *aux)
{
    for (unsigned k = 0; k < 100; k++) {
        uint8_t st = inb(bus, 0x64);

        if (st & 1) {
            if (aux)
                *aux = st & 0x20;
            return inb(bus, 0x60);
        }
        clock_advance_to(vclk, clock_now(vclk) + MS / 10);
    }
    return -1;
}

/* Exactly these bytes come, from the keyboard's side. */
static void assert_bytes(const char *hex)
{
    for (; *hex; hex += strspn(hex, "0123456789abcdef")) {
        hex += strspn(hex, " ");
        assert_int_equal(next_byte(NULL), strtol(hex, NULL, 16));
    }
    assert_int_equal(next_byte(NULL), -1);
}

static void command(unsigned cmd, unsigned param)
{
    outb(bus, 0x64, cmd);
    outb(bus, 0x60, param);
}

static void tap(enum pkey key)
{
    ps2_kbd_key(kbd, key, true);
    ps2_kbd_key(kbd, key, false);
}

static void test_self_tests(void **state)
{
    (void)state;
    assert_int_equal(inb(bus, 0x64) & 0x14, 0x10);
    outb(bus, 0x64, 0xaa);
    assert_int_equal(inb(bus, 0x64) & 0x0d, 0x0d); /* full, system flag, last was a command */
    assert_bytes("55");
    outb(bus, 0x64, 0xab);
    assert_bytes("00");
    outb(bus, 0x64, 0xa9);
    assert_bytes("00");
    command(0x65, 0x42);
    outb(bus, 0x64, 0x25);
    assert_bytes("42");
    outb(bus, 0x64, 0xa4);
    assert_bytes("f1");
}

static void test_command_byte(void **state)
{
    (void)state;
    command(0x60, 0x65);
    outb(bus, 0x64, 0x20);
    assert_bytes("65");
    outb(bus, 0x64, 0xad);
    outb(bus, 0x64, 0xa7);
    outb(bus, 0x64, 0x20);
    assert_bytes("75");
    ps2_kbd_key(kbd, PKEY_A, true);
    assert_int_equal(next_byte(NULL), -1); /* the clock line is held */
    outb(bus, 0x64, 0xae);
    assert_bytes("1e");
    outb(bus, 0x64, 0xa8);
    outb(bus, 0x64, 0x20);
    assert_bytes("45");
}

static void test_irq1(void **state)
{
    (void)state;
    command(0x60, 0x45);
    tap(PKEY_B);
    assert_true(irq1.level);
    assert_int_equal(inb(bus, 0x60), 0x30);
    assert_false(irq1.level);
    assert_int_equal(inb(bus, 0x60), 0x30); /* read again: still there, the next takes its time */
    clock_advance_to(vclk, clock_now(vclk) + MS);
    assert_true(irq1.level);
    assert_int_equal(irq1.rises, 2);
    assert_int_equal(inb(bus, 0x60), 0xb0);
    command(0x60, 0x44);
    clock_advance_to(vclk, clock_now(vclk) + MS);
    tap(PKEY_B);
    assert_false(irq1.level);
    command(0x60, 0x45); /* enabling shows what is waiting */
    assert_true(irq1.level);
}

static void test_aux_irq(void **state)
{
    bool aux;

    (void)state;
    command(0x60, 0x47);
    command(0xd3, 0x5a); /* as if the mouse had sent it */
    assert_true(irq12.level);
    assert_false(irq1.level);
    assert_int_equal(next_byte(&aux), 0x5a);
    assert_true(aux);
    assert_false(irq12.level);
    command(0xd2, 0x12);
    assert_true(irq1.level);
    assert_int_equal(next_byte(&aux), 0x12);
    assert_false(aux);
    command(0xd4, 0xf2);
    assert_int_equal(next_byte(&aux), 0xfa);
    assert_true(aux);
    assert_int_equal(next_byte(&aux), 0x00);
}

static void test_a20_and_reset(void **state)
{
    (void)state;
    assert_true(a20.level);
    command(0xd1, 0xdd);
    assert_false(a20.level);
    outb(bus, 0x64, 0xd0);
    assert_int_equal(next_byte(NULL) & 0x03, 0x01);
    outb(bus, 0x64, 0xdf);
    assert_true(a20.level);
    outb(bus, 0x64, 0xdd);
    assert_false(a20.level);
    assert_int_equal(reset.rises, 0);
    outb(bus, 0x64, 0xfe);
    assert_int_equal(reset.rises, 1);
    outb(bus, 0x64, 0xff);
    assert_int_equal(reset.rises, 1);
    command(0xd1, 0xde);
    assert_int_equal(reset.rises, 2);
    assert_true(a20.level);
}

static void test_kbd_commands(void **state)
{
    (void)state;
    outb(bus, 0x60, 0xff);
    assert_bytes("fa aa");
    outb(bus, 0x60, 0xee);
    assert_bytes("ee");
    outb(bus, 0x60, 0xf2);
    assert_bytes("fa ab 41"); /* 83, translated */
    command(0x60, 0x05);
    outb(bus, 0x60, 0xf2);
    assert_bytes("fa ab 83");
    outb(bus, 0x60, 0xed);
    assert_bytes("fa");
    outb(bus, 0x60, 0x06);
    assert_bytes("fa");
    assert_int_equal(leds, PS2_LED_NUM | PS2_LED_CAPS);
    outb(bus, 0x60, 0xfe);
    assert_bytes("fa");
    outb(bus, 0x60, 0x12);
    assert_bytes("fe");
    outb(bus, 0x60, 0xf5);
    assert_bytes("fa");
    tap(PKEY_A);
    assert_bytes("");
    outb(bus, 0x60, 0xf4);
    assert_bytes("fa");
    outb(bus, 0x60, 0xed); /* a command instead of the parameter */
    outb(bus, 0x60, 0xee);
    assert_bytes("fa ee");
}

static void test_scan_sets(void **state)
{
    (void)state;
    command(0x60, 0x05); /* untranslated */
    tap(PKEY_A);
    assert_bytes("1c f0 1c");
    tap(PKEY_RIGHTCTRL);
    assert_bytes("e0 14 e0 f0 14");
    tap(PKEY_F7);
    assert_bytes("83 f0 83");
    outb(bus, 0x60, 0xf0);
    outb(bus, 0x60, 0x01);
    assert_bytes("fa fa");
    tap(PKEY_A);
    assert_bytes("1e 9e");
    tap(PKEY_DELETE);
    assert_bytes("e0 53 e0 d3");
    outb(bus, 0x60, 0xf0);
    outb(bus, 0x60, 0x00);
    assert_bytes("fa fa 01");
    outb(bus, 0x60, 0xf0);
    outb(bus, 0x60, 0x03);
    assert_bytes("fa fa");
    tap(PKEY_A);
    assert_bytes("1c"); /* typematic keys have no break code in set 3 */
    tap(PKEY_LEFTSHIFT);
    assert_bytes("12 f0 12");
    outb(bus, 0x60, 0xf8); /* all make/break */
    assert_bytes("fa");
    tap(PKEY_DELETE);
    assert_bytes("64 f0 64");
    outb(bus, 0x60, 0xf0);
    outb(bus, 0x60, 0x04);
    assert_bytes("fa fe");
}

static void test_translation(void **state)
{
    (void)state;
    tap(PKEY_ESC);
    assert_bytes("01 81");
    tap(PKEY_UP);
    assert_bytes("e0 48 e0 c8");
    tap(PKEY_F7);
    assert_bytes("41 c1");
    tap(PKEY_F12);
    assert_bytes("58 d8");
    tap(PKEY_102ND);
    assert_bytes("56 d6");
    tap(PKEY_PAUSE);
    assert_bytes("e1 1d 45 e1 9d c5");
    tap(PKEY_SYSRQ);
    assert_bytes("e0 2a e0 37 e0 b7 e0 aa");
    ps2_kbd_key(kbd, PKEY_LEFTALT, true);
    tap(PKEY_SYSRQ);
    assert_bytes("38 54 d4");
    ps2_kbd_key(kbd, PKEY_LEFTALT, false);
    ps2_kbd_key(kbd, PKEY_RIGHTCTRL, true);
    tap(PKEY_PAUSE);
    ps2_kbd_release_all(kbd);
    assert_bytes("b8 e0 1d e0 46 e0 c6 e0 9d");
}

static void test_typematic(void **state)
{
    unsigned repeats = 0;
    int64_t end;

    (void)state;
    outb(bus, 0x60, 0xf3);
    outb(bus, 0x60, 0x20); /* half a second, then thirty a second */
    assert_bytes("fa fa");
    ps2_kbd_key(kbd, PKEY_X, true);
    ps2_kbd_key(kbd, PKEY_X, true); /* the host's own repeat */
    assert_int_equal(next_byte(NULL), 0x2d);
    clock_advance_to(vclk, clock_now(vclk) + 480 * MS);
    assert_int_equal(inb(bus, 0x64) & 1, 0);
    end = clock_now(vclk) + 1000 * MS;
    while (clock_now(vclk) < end)
        repeats += next_byte(NULL) == 0x2d;
    assert_in_range(repeats, 28, 31);
    ps2_kbd_key(kbd, PKEY_X, false);
    assert_bytes("ad");
    clock_advance_to(vclk, clock_now(vclk) + NS_PER_SEC);
    assert_int_equal(inb(bus, 0x64) & 1, 0);
}

static void test_overflow(void **state)
{
    unsigned n = 0;
    int val, last = -1;

    (void)state;
    command(0x60, 0x05);
    for (unsigned k = 0; k < 20; k++)
        tap(PKEY_A);
    while ((val = next_byte(NULL)) >= 0) {
        last = val;
        n++;
    }
    assert_in_range(n, 15, 17); /* sixteen and the one in the controller */
    assert_int_equal(last, 0x00);
    tap(PKEY_A);
    assert_bytes("1c f0 1c");
}

static void test_every_key(void **state)
{
    (void)state;
    for (unsigned key = 0; key < PKEY_COUNT + 10; key++) {
        unsigned makes = 0;
        int val;

        ps2_kbd_key(kbd, (enum pkey)key, true);
        while ((val = next_byte(NULL)) >= 0)
            makes++;
        ps2_kbd_key(kbd, (enum pkey)key, false);
        while ((val = next_byte(NULL)) >= 0)
            assert_true(val >= 0x80);
        assert_int_equal(makes > 0, key > 0 && key < PKEY_COUNT);
    }
}

static void test_random(void **state)
{
    GRand *r = g_rand_new_with_seed(8042);

    (void)state;
    for (unsigned k = 0; k < 50000; k++) {
        outb(bus, g_rand_boolean(r) ? 0x60 : 0x64, g_rand_int(r) & 0xff);
        if (g_rand_boolean(r))
            inb(bus, 0x60);
        ps2_kbd_key(kbd, (enum pkey)g_rand_int_range(r, 0, PKEY_COUNT), g_rand_boolean(r));
        ps2_mouse_move(mouse, (int)g_rand_int(r), (int)g_rand_int(r));
        ps2_mouse_wheel(mouse, (int)g_rand_int(r));
        ps2_mouse_buttons(mouse, g_rand_int(r));
        clock_advance_to(vclk, clock_now(vclk) + g_rand_int_range(r, 0, 1000000));
    }
    g_rand_free(r);
}

#define CHIP_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHIP_TEST(test_self_tests), CHIP_TEST(test_command_byte),  CHIP_TEST(test_irq1),
        CHIP_TEST(test_aux_irq),    CHIP_TEST(test_a20_and_reset), CHIP_TEST(test_kbd_commands),
        CHIP_TEST(test_scan_sets),  CHIP_TEST(test_translation),   CHIP_TEST(test_typematic),
        CHIP_TEST(test_overflow),   CHIP_TEST(test_every_key),     CHIP_TEST(test_random),
    };
    return unit_main(tests);
}
