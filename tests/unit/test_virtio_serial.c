/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio's console device with its ports (devices/virtio/virtio_serial.h), and the memory balloon
 * (devices/virtio/virtio_balloon.h).
 */
#include "tests/unit/virtio_rig.h"

#include "devices/virtio/virtio_balloon.h"
#include "devices/virtio/virtio_serial.h"

enum { IN0, OUT0, CONTROL_IN, CONTROL_OUT, IN1, OUT1 };
#define BUF RIG_BUFFERS
#define MSG (RIG_BUFFERS + 0x10000)

static struct virtio_rig r;
static struct virtio_serial *serial;
static struct chardev *console, *line;

static void make_serial(bool legacy)
{
    struct virtio_serial_config cfg = {
        .devfn = RIG_DEVFN, .form = VIRTIO_TRANSITIONAL, .max_ports = 2};
    struct virtio_serial_port port = {.console = true};

    virtio_rig_init(&r, legacy);
    cfg.bus = r.pci;
    console = char_new_memory();
    line = char_new_memory();
    serial = virtio_serial_new(&cfg, NULL);
    assert_non_null(serial);
    port.chr = console;
    assert_true(virtio_serial_add_port(serial, -1, &port, NULL));
    port = (struct virtio_serial_port){.chr = line, .name = "line"};
    assert_true(virtio_serial_add_port(serial, -1, &port, NULL));
}

static int setup_modern(void **state)
{
    (void)state;
    make_serial(false);
    return 0;
}

static int setup_legacy(void **state)
{
    (void)state;
    make_serial(true);
    return 0;
}

static int teardown_serial(void **state)
{
    (void)state;
    device_destroy(virtio_serial_device(serial));
    char_free(console);
    char_free(line);
    virtio_rig_free(&r);
    return 0;
}

static void control(uint32_t port, unsigned event, unsigned value)
{
    uint16_t head;
    uint32_t len;

    st_le32(r.ram + MSG, port);
    st_le16(r.ram + MSG + 4, (uint16_t)event);
    st_le16(r.ram + MSG + 6, (uint16_t)value);
    rig_add(&r, CONTROL_OUT, (const struct rig_buf[]){{MSG, 8, false}}, 1);
    rig_kick(&r, CONTROL_OUT);
    assert_true(rig_used(&r, CONTROL_OUT, &head, &len));
}

static unsigned told; /* messages so far */

static void give_control(unsigned n)
{
    told = 0;
    for (unsigned k = 0; k < n; k++)
        rig_add(&r, CONTROL_IN, (const struct rig_buf[]){{MSG + 0x1000 + 100 * k, 100, true}}, 1);
    rig_kick(&r, CONTROL_IN);
}

static const char *expect_control(uint32_t port, unsigned event, unsigned value)
{
    uint8_t *raw = r.ram + MSG + 0x1000 + 100 * told++;
    uint16_t head;
    uint32_t len;

    assert_true(rig_used(&r, CONTROL_IN, &head, &len));
    assert_int_equal(ld_le32(raw), port);
    assert_int_equal(ld_le16(raw + 4), event);
    assert_int_equal(ld_le16(raw + 6), value);
    raw[len] = 0;
    return (const char *)raw + 8;
}

static void expect_silence(void)
{
    uint16_t head;
    uint32_t len;

    assert_false(rig_used(&r, CONTROL_IN, &head, &len));
}

static void write_out(unsigned queue, const char *text)
{
    uint16_t head;
    uint32_t len;

    memcpy(r.ram + BUF, text, strlen(text));
    rig_add(&r, queue, (const struct rig_buf[]){{BUF, (uint32_t)strlen(text), false}}, 1);
    rig_kick(&r, queue);
    assert_true(rig_used(&r, queue, &head, &len));
}

/* 5.3.6: what both say to each other before a port is used. */
static void test_ports(void **state)
{
    uint16_t head;
    uint32_t len;

    (void)state;
    virtio_rig_start(&r, ~UINT64_C(0), 6, true);
    assert_int_equal(rig_config(&r, 4, 4), 2);
    give_control(20);
    control(0, 0, 1);
    expect_control(0, 1, 1);
    expect_control(1, 1, 1);
    expect_silence();
    control(0, 3, 1);
    expect_control(0, 4, 1);
    expect_control(0, 6, 1);
    control(1, 3, 1);
    assert_string_equal(expect_control(1, 7, 1), "line");
    expect_control(1, 6, 1);
    expect_silence();
    assert_true(r.messages[CONTROL_IN]);
    write_out(OUT0, "to the console");
    write_out(OUT1, "to the line");
    assert_string_equal(char_written(console)->str, "to the console");
    assert_string_equal(char_written(line)->str, "to the line");
    rig_add(&r, IN1, (const struct rig_buf[]){{BUF + 0x100, 3, true}, {BUF + 0x200, 3, true}}, 2);
    assert_int_equal(char_feed(line, (const uint8_t *)"hello!!!", 8), 0); /* not open */
    control(1, 6, 1);
    assert_int_equal(char_feed(line, (const uint8_t *)"hello!!!", 8), 6);
    assert_true(rig_used(&r, IN1, &head, &len));
    assert_int_equal(len, 6);
    assert_memory_equal(r.ram + BUF + 0x100, "hel", 3);
    assert_memory_equal(r.ram + BUF + 0x200, "lo!", 3);
    control(1, 6, 0);
    rig_add(&r, IN1, (const struct rig_buf[]){{BUF, 3, true}}, 1);
    assert_int_equal(char_feed(line, (const uint8_t *)"x", 1), 0);
}

/* 5.3.5.1: without MULTIPORT there is only the first, open as it is. */
static void test_single_port(void **state)
{
    uint16_t head;
    uint32_t len;

    (void)state;
    virtio_rig_start(&r, 0, 2, false);
    write_out(OUT0, "legacy");
    assert_string_equal(char_written(console)->str, "legacy");
    rig_add(&r, IN0, (const struct rig_buf[]){{BUF, 100, true}}, 1);
    assert_int_equal(char_feed(line, (const uint8_t *)"x", 1), 0);
    assert_int_equal(char_feed(console, (const uint8_t *)"key", 3), 3);
    assert_true(rig_used(&r, IN0, &head, &len));
    assert_int_equal(len, 3);
}

static void test_emergency(void **state)
{
    (void)state;
    virtio_rig_start(&r, VIRTIO_CONSOLE_F_EMERG_WRITE, 0, false);
    rig_set_status(&r, 0);
    rig_set_config(&r, 8, '!', 4);
    assert_string_equal(char_written(console)->str, "!");
    assert_int_equal(rig_config(&r, 8, 4), 0);
}

static void test_hostile_serial(void **state)
{
    struct virtio_serial_port port = {.console = false};

    (void)state;
    virtio_rig_start(&r, ~UINT64_C(0), 6, false);
    control(2, 3, 1);
    control(~0u, 6, 1);
    control(1, 99, 1);
    for (unsigned k = 0; k < 1000; k++) /* nobody takes what is answered */
        control(1, 3, 1);
    give_control(60);
    for (unsigned k = 0; k < 30; k++) {
        expect_control(1, 7, 1);
        expect_control(1, 6, 1);
    }
    rig_add(&r, CONTROL_OUT, (const struct rig_buf[]){{MSG, 7, false}}, 1);
    rig_add(&r, CONTROL_OUT, (const struct rig_buf[]){{MSG, 8, true}}, 1);
    rig_kick(&r, CONTROL_OUT);
    rig_add(&r, OUT0, (const struct rig_buf[]){{BUF, 0xffffffff, false}}, 1);
    rig_kick(&r, OUT0);
    assert_int_equal(char_written(console)->len, 1 << 20);
    control(1, 6, 1);
    rig_add(&r, IN1, (const struct rig_buf[]){{BUF, 10, false}}, 1);
    assert_int_equal(char_feed(line, (const uint8_t *)"x", 1), 0);
    assert_true(rig_status(&r) & VIRTIO_NEEDS_RESET);
    device_reset(virtio_serial_device(serial));
    assert_false(virtio_serial_add_port(serial, -1, &port, NULL)); /* both are there */
    assert_false(virtio_serial_add_port(serial, 0, &port, NULL));
    assert_false(virtio_serial_add_port(serial, 2, &port, NULL));
}

/* ---- balloon ---- */

static struct virtio_balloon *balloon;
static GArray *dropped;
static unsigned changes;

static void drop(void *opaque, const uint64_t *gfn, unsigned n)
{
    (void)opaque;
    assert_true(n && n <= VIRTIO_BALLOON_BATCH);
    g_array_append_vals(dropped, gfn, n);
}

static void changed(void *opaque)
{
    (void)opaque;
    changes++;
}

static int setup_balloon(void **state)
{
    struct virtio_balloon_config cfg = {.devfn = RIG_DEVFN,
                                        .form = VIRTIO_TRANSITIONAL,
                                        .pages = 1000,
                                        .drop = drop,
                                        .changed = changed};

    (void)state;
    virtio_rig_init(&r, false);
    cfg.bus = r.pci;
    dropped = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    changes = 0;
    balloon = virtio_balloon_new(&cfg, NULL);
    assert_non_null(balloon);
    return 0;
}

static int teardown_balloon(void **state)
{
    (void)state;
    device_destroy(virtio_balloon_device(balloon));
    g_array_unref(dropped);
    virtio_rig_free(&r);
    return 0;
}

static void pages(unsigned queue, uint32_t bytes)
{
    uint16_t head;
    uint32_t len;

    rig_add(&r, queue, (const struct rig_buf[]){{BUF, bytes, false}}, 1);
    rig_kick(&r, queue);
    assert_true(rig_used(&r, queue, &head, &len));
}

static void test_balloon(void **state)
{
    (void)state;
    virtio_balloon_set_target(balloon, 600);
    virtio_rig_start(&r, ~UINT64_C(0), 3, true);
    assert_int_equal(rig_config(&r, 0, 4), 600);
    for (uint32_t k = 0; k < 600; k++)
        st_le32(r.ram + BUF + 4 * k, 0x100000 + 3 * k);
    pages(0, 4 * 600);
    assert_int_equal(dropped->len, 600);
    for (uint32_t k = 0; k < 600; k++)
        assert_int_equal(g_array_index(dropped, uint64_t, k), 0x100000 + 3 * k);
    rig_set_config(&r, 4, 600, 4);
    assert_int_equal(virtio_balloon_actual(balloon), 600);
    assert_int_equal(changes, 1);
    pages(1, 4 * 600); /* and out again: nothing is to be done */
    assert_int_equal(dropped->len, 600);
    virtio_balloon_set_target(balloon, 5000);
    assert_int_equal(rig_config(&r, 0, 4), 1000);
    assert_int_equal(r.messages[3], 1);
    rig_set_config(&r, 4, 0xffffffff, 4);
    assert_int_equal(virtio_balloon_actual(balloon), 1000);
    rig_set_config(&r, 0, 7, 4);
    assert_int_equal(rig_config(&r, 0, 4), 1000);
    rig_set_status(&r, 0); /* who begins anew has all of it, and is asked again */
    assert_int_equal(virtio_balloon_actual(balloon), 0);
    device_reset(virtio_balloon_device(balloon));
    virtio_rig_start(&r, ~UINT64_C(0), 3, true);
    assert_int_equal(rig_config(&r, 0, 4), 1000);
}

static void test_balloon_stats(void **state)
{
    uint64_t stats[BALLOON_STATS];
    uint16_t head;
    uint32_t len;

    (void)state;
    virtio_rig_start(&r, ~UINT64_C(0), 3, false);
    st_le16(r.ram + BUF, BALLOON_STAT_FREE);
    st_le64(r.ram + BUF + 2, 12345);
    st_le16(r.ram + BUF + 10, 77); /* some other */
    rig_add(&r, 2, (const struct rig_buf[]){{BUF, 23, false}}, 1);
    rig_kick(&r, 2);
    assert_false(rig_used(&r, 2, &head, &len)); /* it is kept */
    virtio_balloon_stats(balloon, stats);
    assert_int_equal(stats[BALLOON_STAT_FREE], 12345);
    assert_true(stats[BALLOON_STAT_TOTAL] == BALLOON_STAT_UNKNOWN);
    assert_true(rig_used(&r, 2, &head, &len)); /* tell me more */
    virtio_balloon_stats(balloon, stats);
    assert_false(rig_used(&r, 2, &head, &len));
}

static void test_hostile_balloon(void **state)
{
    (void)state;
    virtio_rig_start(&r, ~UINT64_C(0), 3, false);
    pages(0, 3);
    assert_int_equal(dropped->len, 0);
    pages(0, 7);
    assert_int_equal(dropped->len, 1);
    pages(0, 0xffffffff);
    assert_true(dropped->len <= 65537);
    rig_add(&r, 0, (const struct rig_buf[]){{BUF, 4, true}}, 1);
    rig_add(&r, 2, (const struct rig_buf[]){{BUF, 0xffffffff, false}}, 1);
    rig_kick(&r, 0);
    rig_kick(&r, 2);
}

#define SERIAL_TEST(fn, form) cmocka_unit_test_setup_teardown(fn, setup_##form, teardown_serial)
#define BALLOON_TEST(fn)      cmocka_unit_test_setup_teardown(fn, setup_balloon, teardown_balloon)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERIAL_TEST(test_ports, modern),          SERIAL_TEST(test_single_port, modern),
        SERIAL_TEST(test_single_port, legacy),    SERIAL_TEST(test_emergency, modern),
        SERIAL_TEST(test_hostile_serial, modern), BALLOON_TEST(test_balloon),
        BALLOON_TEST(test_balloon_stats),         BALLOON_TEST(test_hostile_balloon),
    };
    return unit_main(tests);
}
