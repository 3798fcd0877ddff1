/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk by USB, spoken to by packets: commands and what comes of them, the cases in which host and
 * disk do not agree (Bulk-Only Transport 1.0, 6.7), nonsense, errors of the image, resets.
 */
#include "tests/unit/usb_rig.h"

#include "devices/usb/uhci.h"
#include "devices/usb/usb_storage.h"

#define BLOCKS 300u

static struct usb_rig *r;
static struct uhci *u;
static struct block_engine *engine;
static struct block *image;
static struct usb_storage *stick;
static struct usb_device *dev;
static uint32_t tag;

static int setup(void **state)
{
    struct block_engine_config e = {.counted = true};
    struct usb_storage_config cfg = {.serial = "stick-4711"};
    struct uhci_config hc;

    (void)state;
    r = usb_rig_new();
    hc = (struct uhci_config){r->pci, USB_RIG_DEVFN, r->clock};
    u = uhci_new(&hc, NULL);
    e.clock = r->clock;
    engine = block_engine_new(&e);
    cfg.block = image = block_new_memory(BLOCKS * 512);
    block_attach(image, engine);
    stick = usb_storage_new(&cfg);
    dev = usb_storage_usb(stick);
    assert_true(usb_plug(uhci_port(u, 0), dev));
    assert_int_equal(dev->speed, USB_FULL);
    assert_int_equal(usb_control(dev, 0, USB_SET_CONFIGURATION, 1, 0, NULL, 0), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_destroy(usb_storage_device(stick));
    device_destroy(uhci_device(u));
    block_free(image);
    block_engine_free(engine);
    usb_rig_free(r);
    return 0;
}

/* A packet, tried again until it is not NAK. */
static enum usb_result packet(enum usb_pid pid, void *data, size_t len, size_t *n)
{
    enum usb_result result;
    unsigned tries = 0;

    do {
        result = usb_device_packet(dev, pid, pid == USB_IN ? 1 : 2, data, len, n);
        clock_advance_to(r->clock, clock_now(r->clock) + 100000);
    } while (result == USB_NAK && ++tries < 1000);
    return result;
}

static enum usb_result cbw(const uint8_t *cdb, unsigned cdb_len, uint32_t len, bool in)
{
    uint8_t p[31] = {'U', 'S', 'B', 'C'};
    size_t n;

    st_le32(p + 4, ++tag);
    st_le32(p + 8, len);
    p[12] = in ? 0x80 : 0;
    p[14] = (uint8_t)cdb_len;
    memcpy(p + 15, cdb, cdb_len);
    return packet(USB_OUT, p, sizeof(p), &n);
}

/* The status, with what was left over. */
static int csw(uint32_t *residue)
{
    uint8_t p[64];
    size_t n;

    assert_int_equal(packet(USB_IN, p, sizeof(p), &n), USB_ACK);
    assert_int_equal(n, 13);
    assert_memory_equal(p, "USBS", 4);
    assert_int_equal(ld_le32(p + 4), tag);
    *residue = ld_le32(p + 8);
    return p[12];
}

/* Data in packets of 64 bytes; how much went, with a halt cleared at the end if there was one. */
static uint32_t data(uint8_t *buf, uint32_t len, bool in)
{
    uint32_t done = 0;

    while (done < len) {
        size_t want = MIN(64u, len - done), n;

        if (packet(in ? USB_IN : USB_OUT, buf + done, want, &n) == USB_STALL) {
            assert_int_equal(usb_control(dev, 2, USB_CLEAR_FEATURE, 0, in ? 0x81 : 2, NULL, 0), 0);
            break;
        }
        done += (uint32_t)n;
        if (n < want)
            break;
    }
    return done;
}

static int command(const char *cdb, unsigned cdb_len, void *buf, uint32_t len, bool in,
                   uint32_t *moved)
{
    uint32_t residue;
    int status;

    assert_int_equal(cbw((const uint8_t *)cdb, cdb_len, len, in), USB_ACK);
    *moved = data(buf, len, in);
    status = csw(&residue);
    if (status != 2)
        assert_int_equal(residue, len - *moved);
    return status;
}

/* The attention after power-on. */
static void get_ready(void)
{
    uint8_t sense[18];
    uint32_t n;

    assert_int_equal(command("\0\0\0\0\0\0", 6, NULL, 0, false, &n), 1);
    assert_int_equal(command("\x03\0\0\0\x12\0", 6, sense, 18, true, &n), 0);
    assert_int_equal(sense[2], 6);
    assert_int_equal(sense[12], 0x29);
    assert_int_equal(command("\0\0\0\0\0\0", 6, NULL, 0, false, &n), 0);
}

static void test_what_it_is(void **state)
{
    uint8_t buf[256];
    uint32_t n;

    (void)state;
    assert_int_equal(usb_control(dev, 0xa1, 0xfe, 0, 0, buf, 1), 1);
    assert_int_equal(buf[0], 0);
    assert_int_equal(usb_control(dev, 0x80, USB_GET_DESCRIPTOR, 0x303, 0x409, buf, 255), 22);
    assert_int_equal(command("\x12\0\0\0\xff\0", 6, buf, 255, true, &n), 0); /* case 5 */
    assert_int_equal(n, 36);
    assert_memory_equal(buf + 8, "PenumbraUSB disk", 16);
    get_ready();
    assert_int_equal(command("\x25\0\0\0\0\0\0\0\0\0", 10, buf, 8, true, &n), 0);
    assert_memory_equal(buf, "\0\0\x01\x2b\0\0\2\0", 8);
    assert_int_equal(command("\x9e\x10\0\0\0\0\0\0\0\0\0\0\0\x20\0\0", 16, buf, 32, true, &n), 0);
    assert_memory_equal(buf + 4, "\0\0\x01\x2b\0\0\2\0", 8);
    assert_int_equal(command("\x12\1\x80\0\xff\0", 6, buf, 255, true, &n), 0);
    assert_memory_equal(buf, "\0\x80\0\x0astick-4711", 14);
    assert_int_equal(command("\x1a\0\x3f\0\xff\0", 6, buf, 192, true, &n), 0);
    assert_int_equal(n, 24);
    assert_int_equal(buf[6] & 4, 4); /* there is a write cache */
    assert_int_equal(command("\xee\0\0\0\0\0", 6, NULL, 0, false, &n), 1);
    assert_int_equal(command("\x03\0\0\0\x12\0", 6, buf, 18, true, &n), 0);
    assert_int_equal(buf[2], 5);
    assert_int_equal(buf[12], 0x20);
}

static void test_read_and_write(void **state)
{
    g_autofree uint8_t *buf = g_malloc(BLOCKS * 512), *back = g_malloc(BLOCKS * 512);
    uint32_t n;

    (void)state;
    for (unsigned k = 0; k < BLOCKS * 512; k++)
        buf[k] = (uint8_t)(k * 31 + k / 512);
    get_ready();
    /* all of it: in several pieces */
    assert_int_equal(command("\x2a\0\0\0\0\0\0\x01\x2c\0", 10, buf, BLOCKS * 512, false, &n), 0);
    assert_int_equal(n, BLOCKS * 512);
    assert_int_equal(command("\x35\0\0\0\0\0\0\0\0\0", 10, NULL, 0, false, &n), 0);
    assert_int_equal(block_stats(image).flushes, 1);
    assert_int_equal(block_read(image, 0, back, BLOCKS * 512), 0);
    assert_memory_equal(back, buf, BLOCKS * 512);
    memset(back, 0, BLOCKS * 512);
    assert_int_equal(command("\x28\0\0\0\0\x05\0\x01\x20\0", 10, back, 288 * 512, true, &n), 0);
    assert_memory_equal(back, buf + 5 * 512, 288 * 512);
    assert_int_equal(command("\x08\0\0\x07\1\0", 6, back, 512, true, &n), 0);
    assert_memory_equal(back, buf + 7 * 512, 512);
    /* past the end: nothing, and the host hears why */
    assert_int_equal(command("\x28\0\0\0\x01\x2b\0\0\2\0", 10, back, 1024, true, &n), 1);
    assert_int_equal(n, 0);
    assert_int_equal(
        command("\x8a\0\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\2\0\0", 16, buf, 1024, false, &n), 1);
    assert_int_equal(command("\x03\0\0\0\x12\0", 6, back, 18, true, &n), 0);
    assert_int_equal(back[12], 0x21);
}

/* The thirteen cases; those that agree are above. */
static void test_disagreement(void **state)
{
    uint8_t buf[2048] = {0};
    uint32_t n, residue;

    (void)state;
    get_ready();
    /* 2, 3: the disk has data, the host wants none */
    assert_int_equal(command("\x12\0\0\0\x24\0", 6, NULL, 0, false, &n), 2);
    assert_int_equal(command("\x2a\0\0\0\0\0\0\0\1\0", 10, NULL, 0, false, &n), 2);
    /* 4, 9: the host wants to move data, the disk none */
    assert_int_equal(command("\0\0\0\0\0\0", 6, buf, 512, true, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(command("\0\0\0\0\0\0", 6, buf, 512, false, &n), 0);
    assert_int_equal(n, 0);
    /* 5, 11: more than the disk */
    assert_int_equal(command("\x28\0\0\0\0\0\0\0\1\0", 10, buf, 1024, true, &n), 0);
    assert_int_equal(n, 512);
    assert_int_equal(command("\x2a\0\0\0\0\0\0\0\1\0", 10, buf, 1024, false, &n), 0);
    assert_int_equal(n, 512);
    /* 7, 13: less */
    assert_int_equal(command("\x28\0\0\0\0\0\0\0\2\0", 10, buf, 512, true, &n), 2);
    assert_int_equal(command("\x2a\0\0\0\0\0\0\0\2\0", 10, buf, 512, false, &n), 2);
    /* 8, 10: the other way */
    assert_int_equal(command("\x2a\0\0\0\0\0\0\0\1\0", 10, buf, 512, true, &n), 2);
    assert_int_equal(command("\x28\0\0\0\0\0\0\0\1\0", 10, buf, 512, false, &n), 2);
    /* and it goes on */
    assert_int_equal(command("\x28\0\0\0\0\0\0\0\1\0", 10, buf, 512, true, &n), 0);
    assert_int_equal(cbw((const uint8_t *)"\0\0\0\0\0\0", 6, 0, false), USB_ACK);
    assert_int_equal(csw(&residue), 0);
}

static void test_nonsense(void **state)
{
    uint8_t p[64] = {1, 2, 3};
    uint32_t residue;
    size_t n;

    (void)state;
    assert_int_equal(packet(USB_OUT, p, 31, &n), USB_STALL);
    assert_int_equal(packet(USB_IN, p, 13, &n), USB_STALL);
    usb_control(dev, 2, USB_CLEAR_FEATURE, 0, 0x81, NULL, 0);
    usb_control(dev, 2, USB_CLEAR_FEATURE, 0, 2, NULL, 0);
    assert_int_equal(packet(USB_IN, p, 13, &n), USB_STALL); /* until it is reset */
    assert_int_equal(usb_control(dev, 0x21, 0xff, 0, 0, NULL, 0), 0);
    usb_control(dev, 2, USB_CLEAR_FEATURE, 0, 0x81, NULL, 0);
    usb_control(dev, 2, USB_CLEAR_FEATURE, 0, 2, NULL, 0);
    assert_int_equal(cbw((const uint8_t *)"\x12\0\0\0\0\0", 6, 0, true), USB_ACK);
    assert_int_equal(csw(&residue), 0);
    /* a reset of the bus in the middle of a write that waits for the image */
    assert_int_equal(cbw((const uint8_t *)"\x0a\0\0\0\1\0", 6, 512, false), USB_ACK);
    usb_device_bus_reset(dev);
    device_reset(usb_storage_device(stick));
    assert_int_equal(packet(USB_IN, p, 13, &n), USB_SILENT);
}

/* What it is at other speeds. */
static void test_fast(void **state)
{
    uint8_t buf[64];

    (void)state;
    for (enum usb_speed s = USB_FULL; s <= USB_SUPER; s++) {
        uint16_t total;

        dev->speed = s;
        assert_int_equal(usb_control(dev, 0x80, USB_GET_DESCRIPTOR, 0x200, 0, buf, 64),
                         s == USB_SUPER ? 44 : 32);
        total = ld_le16(buf + 2);
        assert_int_equal(total, s == USB_SUPER ? 44 : 32);
        assert_int_equal(ld_le16(buf + 22), s == USB_FULL ? 64 : s == USB_HIGH ? 512 : 1024);
        assert_int_equal(usb_control(dev, 0x80, USB_GET_DESCRIPTOR, 0xf00, 0, buf, 64),
                         s == USB_SUPER ? 22 : -1);
    }
    dev->speed = USB_FULL;
}

#define RIG_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_what_it_is), RIG_TEST(test_read_and_write), RIG_TEST(test_disagreement),
        RIG_TEST(test_nonsense),   RIG_TEST(test_fast),
    };
    return unit_main(tests);
}
