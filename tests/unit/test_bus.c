/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bus: decoding, splitting, widening and refusal of overlaps (devices/bus.h). */
#include "tests/unit/unit.h"

#include <glib/gstdio.h>
#include <unistd.h>

#include "base/log.h"
#include "devices/bus.h"

struct probe {
    uint64_t off, val;
    unsigned size, reads, writes;
};

static uint64_t probe_read(void *opaque, uint64_t off, unsigned size)
{
    struct probe *p = opaque;

    p->off = off;
    p->size = size;
    p->reads++;
    return 0x8877665544332211ull >> (8 * off);
}

static void probe_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct probe *p = opaque;

    p->off = off;
    p->val = val;
    p->size = size;
    p->writes++;
}

static const struct bus_ops byte_ops = {probe_read, probe_write, 1, 1};
static const struct bus_ops dword_ops = {probe_read, probe_write, 4, 4};

static void test_split(void **state)
{
    struct bus *bus = bus_new("port", 0xffff);
    struct probe p = {0};
    struct bus_region r;

    (void)state;
    bus_region_init(&r, "probe", 4, &byte_ops, &p);
    assert_true(bus_map(bus, &r, 0x100, NULL));
    assert_int_equal(bus_read(bus, 0x100, 4), 0x44332211);
    assert_int_equal(p.reads, 4);
    /* the tail that nobody claims reads as ones */
    assert_int_equal(bus_read(bus, 0x102, 4), 0xffff4433);
    bus_write(bus, 0x100, 0xaabb, 2);
    assert_int_equal(p.writes, 2);
    assert_int_equal(p.val, 0xaa);
    bus_free(bus);
}

static void test_widen(void **state)
{
    struct bus *bus = bus_new("mmio", ~0ull);
    struct probe p = {0};
    struct bus_region r;

    (void)state;
    bus_region_init(&r, "wide", 8, &dword_ops, &p);
    assert_true(bus_map(bus, &r, 0xfee00000, NULL));
    assert_int_equal(bus_read(bus, 0xfee00001, 1), 0x22);
    assert_int_equal(p.size, 4);
    bus_write(bus, 0xfee00001, 1, 1);
    assert_int_equal(p.writes, 0);
    assert_int_equal(bus_read(bus, 0xfee00000, 8), 0x8877665544332211ull);
    bus_free(bus);
}

static void test_overlap(void **state)
{
    struct bus *bus = bus_new("port", 0xffff);
    struct bus_region a, b, c;
    GError *err = NULL;

    (void)state;
    bus_region_init(&a, "first", 8, &byte_ops, NULL);
    bus_region_init(&b, "second", 8, &byte_ops, NULL);
    bus_region_init(&c, "third", 0x10, &byte_ops, NULL);
    assert_true(bus_map(bus, &a, 0x60, NULL));
    assert_false(bus_map(bus, &b, 0x67, &err));
    assert_non_null(strstr(err->message, "first"));
    assert_non_null(strstr(err->message, "second"));
    g_clear_error(&err);
    assert_true(bus_map(bus, &b, 0x68, NULL));
    assert_false(bus_map(bus, &c, 0xfff8, &err));
    g_clear_error(&err);
    bus_unmap(&a);
    assert_null(bus_find(bus, 0x60));
    assert_ptr_equal(bus_find(bus, 0x6f), &b);
    bus_free(bus);
}

/* -d dev: every access in the pieces that the device gets, and -d io: those that nobody answers. */
static void test_log(void **state)
{
    struct bus *bus = bus_new("port", 0xffff);
    struct probe p = {0};
    struct bus_region r;
    char *path, *text;
    int fd = g_file_open_tmp("penumbra-bus-XXXXXX", &path, NULL);

    (void)state;
    close(fd);
    assert_int_equal(log_set_file(path), 0);
    bus_region_init(&r, "probe", 4, &byte_ops, &p);
    assert_true(bus_map(bus, &r, 0x100, NULL));
    bus_write(bus, 0x102, 0x1234, 2); /* not wanted yet */
    log_mask = LOG_DEV | LOG_IO;
    bus_write(bus, 0x102, 0x1234, 2);
    bus_read(bus, 0x101, 1);
    bus_read(bus, 0x99, 1);
    log_mask = 0;
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    assert_string_equal(text, "port: writes 0x102 probe+0x2 = 0x34 (1)\n"
                              "port: writes 0x103 probe+0x3 = 0x12 (1)\n"
                              "port: reads 0x101 probe+0x1 = 0x22 (1)\n"
                              "port: nobody reads 0x99 (1)\n");
    g_free(text);
    g_unlink(path);
    g_free(path);
    bus_free(bus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_widen),
        cmocka_unit_test(test_overlap),
        cmocka_unit_test(test_log),
    };
    return unit_main(tests);
}
