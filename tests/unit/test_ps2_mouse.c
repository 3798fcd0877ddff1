/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mouse at its end of the cable (devices/input/ps2_mouse.h): commands, reports, wheel modes. */
#include "tests/unit/chip.h"

#include "devices/input/ps2_mouse.h"

static struct vclock *vclk;
static struct ps2_mouse *mouse;
static struct ps2_port *port;

static int setup(void **state)
{
    struct ps2_mouse_config cfg;

    (void)state;
    vclk = clock_new_manual();
    cfg.clock = vclk;
    mouse = ps2_mouse_new(&cfg);
    port = ps2_mouse_port(mouse);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_destroy(ps2_mouse_device(mouse));
    clock_free(vclk);
    return 0;
}

/* Exactly these bytes wait, and no more come without time passing. */
static void assert_bytes(const char *hex)
{
    for (; *hex; hex += strspn(hex, "0123456789abcdef")) {
        hex += strspn(hex, " ");
        assert_int_equal(port->read(mouse), strtol(hex, NULL, 16));
    }
    assert_int_equal(port->read(mouse), -1);
}

static void later(void)
{
    clock_advance_to(vclk, clock_now(vclk) + 20 * MS);
}

static void send(unsigned cmd, const char *answer)
{
    port->write(mouse, (uint8_t)cmd);
    assert_bytes(answer);
}

static void rates(unsigned a, unsigned b, unsigned c)
{
    send(0xf3, "fa");
    send(a, "fa");
    send(0xf3, "fa");
    send(b, "fa");
    send(0xf3, "fa");
    send(c, "fa");
}

static void test_reset_and_status(void **state)
{
    (void)state;
    send(0xff, "fa aa 00");
    send(0xf2, "fa 00");
    send(0xe9, "fa 00 02 64");
    send(0xe8, "fa");
    send(0x03, "fa");
    send(0xe7, "fa");
    send(0xf4, "fa");
    ps2_mouse_buttons(mouse, PS2_MOUSE_LEFT);
    assert_bytes("09 00 00");
    send(0xe9, "fa 34 03 64");
    send(0xf6, "fa");
    send(0xe9, "fa 04 02 64");
    send(0xe8, "fa");
    send(0x07, "fe");
    send(0xb0, "fe");
}

static void test_stream(void **state)
{
    (void)state;
    ps2_mouse_move(mouse, 5, 5);
    assert_bytes(""); /* reporting is off */
    send(0xf4, "fa");
    ps2_mouse_move(mouse, 3, -2); /* right and up */
    assert_bytes("08 03 02");
    ps2_mouse_move(mouse, -1, 4);
    assert_bytes(""); /* not before the next sample */
    ps2_mouse_move(mouse, -1, 0);
    later();
    assert_bytes("38 fe fc"); /* added up */
    later();
    ps2_mouse_move(mouse, 600, 0);
    assert_bytes("08 ff 00"); /* in portions */
    later();
    assert_bytes("08 ff 00");
    later();
    assert_bytes("08 5a 00");
    later();
    assert_bytes("");
    send(0xf5, "fa");
    ps2_mouse_move(mouse, 1, 1);
    later();
    assert_bytes("");
}

static void test_clicks_are_kept(void **state)
{
    (void)state;
    send(0xf4, "fa");
    ps2_mouse_move(mouse, 1, 0);
    ps2_mouse_buttons(mouse, PS2_MOUSE_RIGHT);
    ps2_mouse_buttons(mouse, 0);
    ps2_mouse_move(mouse, 2, 0);
    assert_bytes("08 01 00");
    later();
    assert_bytes("0a 00 00");
    later();
    assert_bytes("08 02 00");
    later();
    assert_bytes("");
}

static void test_wheel(void **state)
{
    (void)state;
    ps2_mouse_wheel(mouse, 1);
    rates(200, 100, 80);
    send(0xf2, "fa 03");
    send(0xf4, "fa");
    ps2_mouse_wheel(mouse, 1); /* up */
    assert_bytes("08 00 00 ff");
    later();
    ps2_mouse_wheel(mouse, -2);
    assert_bytes("08 00 00 02");
    later();
    rates(200, 200, 80);
    send(0xf2, "fa 04");
    ps2_mouse_buttons(mouse, PS2_MOUSE_SIDE);
    assert_bytes("08 00 00 10");
    later();
    ps2_mouse_wheel(mouse, 1);
    assert_bytes("08 00 00 1f");
    send(0xff, "fa aa 00");
    send(0xf2, "fa 00");
}

static void test_remote_and_wrap(void **state)
{
    (void)state;
    send(0xf0, "fa");
    ps2_mouse_move(mouse, 7, 0);
    later();
    assert_bytes(""); /* only when asked */
    send(0xeb, "fa 08 07 00");
    send(0xeb, "fa 08 00 00");
    send(0xfe, "08 00 00");
    send(0xea, "fa");
    send(0xee, "fa");
    send(0x42, "42");
    send(0xf4, "f4");
    send(0xec, "fa");
    send(0xf2, "fa 00");
    send(0xee, "fa");
    send(0xff, "fa aa 00");
}

static void test_scaling(void **state)
{
    static const int out[] = {0, 1, 1, 3, 6, 9, 12};

    (void)state;
    send(0xe7, "fa");
    send(0xf4, "fa");
    for (int k = 1; k < 7; k++) {
        later();
        ps2_mouse_move(mouse, k, 0);
        assert_int_equal(port->read(mouse), 0x08);
        assert_int_equal(port->read(mouse), out[k]);
        assert_int_equal(port->read(mouse), 0);
    }
    ps2_mouse_move(mouse, 4, 0);
    send(0xeb, "fa 08 04 00"); /* asked for: not scaled */
}

#define CHIP_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHIP_TEST(test_reset_and_status), CHIP_TEST(test_stream),
        CHIP_TEST(test_clicks_are_kept),  CHIP_TEST(test_wheel),
        CHIP_TEST(test_remote_and_wrap),  CHIP_TEST(test_scaling),
    };
    return unit_main(tests);
}
