/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The firmware configuration device as a guest sees it: ports and DMA (devices/pc/fw_cfg.h). */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "base/bits.h"
#include "base/error.h"
#include "devices/bus.h"
#include "devices/pc/fw_cfg.h"

#define RAM  0x40000
#define DESC 0x1000

enum { ERROR = 1, READ = 2, SKIP = 4, SELECT = 8, WRITE = 16 };

struct board {
    struct bus *ports;
    struct fw_cfg *f;
    uint8_t ram[RAM];
    unsigned selected;
    size_t written_off, written_len;
};

static bool ram_read(void *opaque, uint64_t gpa, void *buf, size_t len)
{
    struct board *b = opaque;

    memset(buf, 0xff, len);
    if (gpa > RAM || len > RAM - gpa)
        return false;
    memcpy(buf, b->ram + gpa, len);
    return true;
}

static bool ram_write(void *opaque, uint64_t gpa, const void *buf, size_t len)
{
    struct board *b = opaque;

    if (gpa > RAM || len > RAM - gpa)
        return false;
    memcpy(b->ram + gpa, buf, len);
    return true;
}

static void on_selected(void *opaque)
{
    struct board *b = opaque;
    char text[8];

    snprintf(text, sizeof(text), "sel%u", ++b->selected);
    assert_true(fw_cfg_set_file(b->f, "opt/live", text, 4));
}

static void on_written(void *opaque, size_t off, const void *data, size_t len)
{
    struct board *b = opaque;

    b->written_off = off;
    b->written_len = len;
    assert_memory_equal(data, "abcd", 4);
}

static struct board *setup(void)
{
    struct board *b = calloc(1, sizeof(*b));
    struct fw_cfg_config cfg = {.dma = {b, ram_read, ram_write}};
    const struct fw_cfg_hooks live = {.opaque = b, .selected = on_selected};
    const struct fw_cfg_hooks scratch = {.opaque = b, .written = on_written};

    b->ports = bus_new("port", 0xffff);
    cfg.ports = b->ports;
    b->f = fw_cfg_new(&cfg, NULL);
    assert_non_null(b->f);
    fw_cfg_set_u64(b->f, FW_CFG_RAM_SIZE, 0x1122334455667788);
    fw_cfg_set_string(b->f, FW_CFG_CMDLINE_DATA, "quiet");
    /* not in the order of the alphabet */
    assert_true(fw_cfg_add_file(b->f, "zeta", "last", 4, NULL, NULL));
    assert_true(fw_cfg_add_file(b->f, "opt/live", "----", 4, &live, NULL));
    assert_true(fw_cfg_add_file(b->f, "bootorder", "first", 6, NULL, NULL));
    assert_true(fw_cfg_add_file(b->f, "opt/scratch", "01234567", 8, &scratch, NULL));
    device_reset(fw_cfg_device(b->f));
    return b;
}

static void teardown(struct board *b)
{
    device_destroy(fw_cfg_device(b->f));
    assert_null(bus_find(b->ports, 0x510));
    bus_free(b->ports);
    free(b);
}

static void read_item(struct board *b, uint16_t key, void *buf, size_t len)
{
    uint8_t *p = buf;

    bus_write(b->ports, 0x510, key, 2);
    while (len--)
        *p++ = (uint8_t)bus_read(b->ports, 0x511, 1);
}

/* The selector and size of a file, through the directory. */
static uint16_t find(struct board *b, const char *name, uint32_t *size)
{
    uint8_t count[4], entry[64];

    read_item(b, FW_CFG_FILE_DIR, count, 4);
    for (unsigned n = GUINT32_FROM_BE(ld_le32(count)); n; n--) {
        for (unsigned k = 0; k < 64; k++)
            entry[k] = (uint8_t)bus_read(b->ports, 0x511, 1);
        if (!strcmp((char *)entry + 8, name)) {
            if (size)
                *size = GUINT32_FROM_BE(ld_le32(entry));
            return GUINT16_FROM_BE(ld_le16(entry + 4));
        }
    }
    return 0;
}

/* Runs a descriptor at DESC; returns its control word afterwards. */
static uint32_t dma(struct board *b, uint32_t control, uint32_t len, uint64_t gpa)
{
    st_le32(b->ram + DESC, GUINT32_TO_BE(control));
    st_le32(b->ram + DESC + 4, GUINT32_TO_BE(len));
    st_le64(b->ram + DESC + 8, GUINT64_TO_BE(gpa));
    bus_write(b->ports, 0x514, 0, 4);
    bus_write(b->ports, 0x518, GUINT32_TO_BE(DESC), 4);
    return GUINT32_FROM_BE(ld_le32(b->ram + DESC));
}

static void test_signature(void **state)
{
    struct board *b = setup();
    uint8_t buf[8];

    (void)state;
    read_item(b, FW_CFG_SIGNATURE, buf, 4);
    assert_memory_equal(buf, "QEMU", 4);
    read_item(b, FW_CFG_ID, buf, 4);
    assert_int_equal(ld_le32(buf), 3); /* ports and DMA */
    assert_int_equal(bus_read(b->ports, 0x514, 4), 0x554d4551);
    assert_int_equal(bus_read(b->ports, 0x518, 4), 0x47464320);
    assert_int_equal(bus_read(b->ports, 0x51b, 1), 'G');
    teardown(b);
}

static void test_ports(void **state)
{
    struct board *b = setup();
    uint8_t buf[12];

    (void)state;
    read_item(b, FW_CFG_RAM_SIZE, buf, 10);
    assert_true(ld_le64(buf) == 0x1122334455667788);
    assert_int_equal(buf[8], 0); /* past the end */
    read_item(b, FW_CFG_CMDLINE_DATA, buf, 6);
    assert_string_equal((char *)buf, "quiet");
    read_item(b, 0x1f, buf, 2); /* nothing there */
    assert_int_equal(ld_le16(buf), 0);
    read_item(b, 0xffff, buf, 2);
    assert_int_equal(ld_le16(buf), 0);
    /* the old write-channel bit changes nothing; a byte does not select */
    read_item(b, 0x4000 | FW_CFG_CMDLINE_DATA, buf, 1);
    assert_int_equal(buf[0], 'q');
    bus_write(b->ports, 0x510, 0, 1);
    bus_write(b->ports, 0x511, 'x', 1);
    assert_int_equal(bus_read(b->ports, 0x511, 1), 'u');
    teardown(b);
}

static void test_directory(void **state)
{
    struct board *b = setup();
    uint32_t size;
    uint8_t buf[8];

    (void)state;
    assert_int_equal(find(b, "bootorder", &size), 0x20);
    assert_int_equal(size, 6);
    assert_int_equal(find(b, "opt/live", NULL), 0x21);
    assert_int_equal(find(b, "opt/scratch", NULL), 0x22);
    assert_int_equal(find(b, "zeta", &size), 0x23);
    read_item(b, 0x23, buf, 4);
    assert_memory_equal(buf, "last", 4);
    /* contents made when they are asked for */
    read_item(b, 0x21, buf, 4);
    assert_memory_equal(buf, "sel1", 4);
    read_item(b, 0x21, buf, 4);
    assert_memory_equal(buf, "sel2", 4);
    assert_int_equal(b->selected, 2);
    teardown(b);
}

static void test_bad_files(void **state)
{
    struct board *b = setup();
    GError *err = NULL;
    char name[80];

    (void)state;
    assert_false(fw_cfg_add_file(b->f, "zeta", "", 0, NULL, &err));
    assert_non_null(strstr(err->message, "zeta"));
    g_clear_error(&err);
    memset(name, 'n', sizeof(name));
    name[56] = 0;
    assert_false(fw_cfg_add_file(b->f, name, "", 0, NULL, &err));
    g_clear_error(&err);
    name[55] = 0;
    assert_true(fw_cfg_add_file(b->f, name, "", 0, NULL, NULL));
    for (unsigned k = 5; k < FW_CFG_MAX_FILES; k++) {
        snprintf(name, sizeof(name), "f%u", k);
        assert_true(fw_cfg_add_file(b->f, name, "", 0, NULL, NULL));
    }
    assert_false(fw_cfg_add_file(b->f, "one more", "", 0, NULL, &err));
    g_clear_error(&err);
    assert_null(fw_cfg_new(&(struct fw_cfg_config){.ports = b->ports}, &err));
    g_clear_error(&err);
    teardown(b);
}

static void test_dma_read(void **state)
{
    struct board *b = setup();

    (void)state;
    memset(b->ram + 0x2000, 0xee, 64);
    /* select and read past the end: zeroes follow */
    assert_int_equal(dma(b, FW_CFG_CMDLINE_DATA << 16 | SELECT | READ, 8, 0x2000), 0);
    assert_memory_equal(b->ram + 0x2000, "quiet\0\0\0\xee", 9);
    /* in pieces, with a skip */
    assert_int_equal(dma(b, 0x23 << 16 | SELECT, 0, 0), 0);
    assert_int_equal(dma(b, SKIP, 1, 0), 0);
    assert_int_equal(dma(b, READ, 2, 0x2010), 0);
    assert_memory_equal(b->ram + 0x2010, "as\xee", 3);
    /* mixed with the data port */
    assert_int_equal(bus_read(b->ports, 0x511, 1), 't');
    assert_int_equal(dma(b, SKIP, UINT32_MAX, 0), 0);
    assert_int_equal(bus_read(b->ports, 0x511, 1), 0);
    /* nothing selected reads zeroes */
    assert_int_equal(dma(b, 0x7777u << 16 | SELECT | READ, 4, 0x2020), 0);
    assert_int_equal(ld_le32(b->ram + 0x2020), 0);
    teardown(b);
}

static void test_dma_write(void **state)
{
    struct board *b = setup();
    uint8_t buf[8];

    (void)state;
    memcpy(b->ram + 0x3000, "abcd", 4);
    assert_int_equal(dma(b, 0x22 << 16 | SELECT, 0, 0), 0);
    assert_int_equal(dma(b, SKIP, 2, 0), 0);
    assert_int_equal(dma(b, WRITE, 4, 0x3000), 0);
    assert_int_equal(b->written_off, 2);
    assert_int_equal(b->written_len, 4);
    read_item(b, 0x22, buf, 8);
    assert_memory_equal(buf, "01abcd67", 8);
    /* past the end, from nowhere, and to what is read-only */
    assert_int_equal(dma(b, 0x22 << 16 | SELECT | WRITE, 9, 0x3000), ERROR);
    assert_int_equal(dma(b, 0x22 << 16 | SELECT | WRITE, 8, RAM - 2), ERROR);
    read_item(b, 0x22, buf, 8);
    assert_memory_equal(buf, "01abcd67", 8);
    assert_int_equal(dma(b, 0x23 << 16 | SELECT | WRITE, 4, 0x3000), ERROR);
    assert_int_equal(dma(b, FW_CFG_SIGNATURE << 16 | SELECT | WRITE, 4, 0x3000), ERROR);
    read_item(b, FW_CFG_SIGNATURE, buf, 4);
    assert_memory_equal(buf, "QEMU", 4);
    teardown(b);
}

static void test_dma_hostile(void **state)
{
    struct board *b = setup();

    (void)state;
    assert_int_equal(dma(b, 0x23 << 16 | SELECT | READ, 4, RAM - 3), ERROR);
    assert_int_equal(dma(b, 0x23 << 16 | SELECT | READ, 4, UINT64_MAX - 1), ERROR);
    assert_int_equal(dma(b, 0x23 << 16 | SELECT | READ, UINT32_MAX, 0), ERROR);
    assert_int_equal(dma(b, 0x23 << 16 | SELECT | READ, 0x100000, 0x2000), ERROR);
    /* a descriptor that is nowhere, or half in RAM: nothing happens */
    bus_write(b->ports, 0x514, UINT32_MAX, 4);
    bus_write(b->ports, 0x518, UINT32_MAX, 4);
    bus_write(b->ports, 0x518, GUINT32_TO_BE(RAM - 8), 4);
    /* the high half does not linger, and narrow writes start nothing */
    st_le32(b->ram + DESC, 0x55555555);
    bus_write(b->ports, 0x514, GUINT32_TO_BE(1), 4);
    bus_write(b->ports, 0x518, GUINT32_TO_BE(DESC), 4);
    assert_int_equal(ld_le32(b->ram + DESC), 0x55555555);
    bus_write(b->ports, 0x51a, DESC >> 8, 1);
    assert_int_equal(ld_le32(b->ram + DESC), 0x55555555);
    assert_int_equal(dma(b, 0x23 << 16 | SELECT | READ, 4, 0x2000), 0);
    assert_memory_equal(b->ram + 0x2000, "last", 4);
    teardown(b);
}

static void test_reset(void **state)
{
    struct board *b = setup();

    (void)state;
    bus_write(b->ports, 0x510, FW_CFG_CMDLINE_DATA, 2);
    bus_read(b->ports, 0x511, 1);
    device_reset(fw_cfg_device(b->f));
    assert_int_equal(bus_read(b->ports, 0x511, 1), 'Q');
    teardown(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signature),   cmocka_unit_test(test_ports),
        cmocka_unit_test(test_directory),   cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_dma_read),    cmocka_unit_test(test_dma_write),
        cmocka_unit_test(test_dma_hostile), cmocka_unit_test(test_reset),
    };
    return unit_main(tests);
}
