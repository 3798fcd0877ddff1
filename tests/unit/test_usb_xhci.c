/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The xHCI controller as a driver sees it: rings, slots and contexts, a keyboard's reports and a
 * disk's data through it, short packets, halts, stops, ports, rings that lead nowhere.
 */
#include "tests/unit/usb_rig.h"

#include "devices/usb/usb_storage.h"
#include "devices/usb/xhci.h"

enum { CAP = 0, OP = 0x40, PORTSC = 0x440, RT = 0x1000, IR = 0x1020, DB = 0x2000 };
enum { USBCMD = OP, USBSTS = OP + 4, CRCR = OP + 0x18, DCBAAP = OP + 0x30, CONFIG = OP + 0x38 };

/* Places in memory. */
enum {
    COMMANDS = 0x1000,
    EVENTS = 0x2000,
    TABLE = 0x3000, /* of the event ring's segments */
    DCBAA = 0x3400,
    INPUT = 0x4000,
    OUTPUT = 0x5000, /* 0x800 each */
    RING = 0x10000,  /* of slot s, endpoint e: 0x10000 * s + 0x800 * e */
    DATA = 0x80000,
    EVENT_SIZE = 64,
};

static struct usb_rig *r;
static struct xhci *x;
static struct usb_kbd *kbd;
static struct block_engine *engine;
static struct block *image;
static struct usb_storage *stick;
static unsigned commands, events;
static unsigned put[4][32]; /* TRBs in each transfer ring */

static uint32_t rd(unsigned off)
{
    return (uint32_t)bus_read(r->mmio, USB_RIG_MMIO + off, 4);
}

static void wr(unsigned off, uint32_t val)
{
    bus_write(r->mmio, USB_RIG_MMIO + off, val, 4);
}

static void start(void)
{
    wr(CONFIG, 4);
    wr(DCBAAP, DCBAA);
    wr(CRCR, COMMANDS | 1);
    st_le64(r->ram + TABLE, EVENTS);
    st_le32(r->ram + TABLE + 8, EVENT_SIZE);
    wr(IR + 0x08, 1);
    wr(IR + 0x18, EVENTS);
    wr(IR + 0x10, TABLE);
    wr(IR + 0x14, 0);
    wr(IR, 2);
    wr(USBCMD, 5);
}

static int setup(void **state)
{
    struct block_engine_config e = {.counted = true};
    struct usb_storage_config disk = {.serial = NULL};
    struct usb_input_config input;
    struct xhci_config cfg;

    (void)state;
    r = usb_rig_new();
    cfg = (struct xhci_config){r->pci, USB_RIG_DEVFN, r->clock};
    x = xhci_new(&cfg, NULL);
    input = (struct usb_input_config){r->clock, r->router, NULL};
    kbd = usb_kbd_new(&input);
    e.clock = r->clock;
    engine = block_engine_new(&e);
    disk.block = image = block_new_memory(400 * 512);
    block_attach(image, engine);
    stick = usb_storage_new(&disk);
    assert_true(usb_plug(xhci_port(x, 0), usb_kbd_usb(kbd)));
    assert_false(usb_plug(xhci_port(x, 4), usb_kbd_usb(kbd)));
    assert_true(usb_plug(xhci_port(x, 4), usb_storage_usb(stick)));
    device_reset(xhci_device(x)); /* as a board does, with all plugged in */
    usb_rig_map(r, -1);
    commands = events = 0;
    memset(put, 0, sizeof(put));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_destroy(usb_storage_device(stick));
    device_destroy(xhci_device(x));
    device_destroy(usb_kbd_device(kbd));
    block_free(image);
    block_engine_free(engine);
    usb_rig_free(r);
    return 0;
}

struct event {
    uint64_t param;
    unsigned type, code, slot, endpoint, len;
};

/* The next event, taken; false when there is none. */
static bool take(struct event *e)
{
    const uint8_t *t = r->ram + EVENTS + 16 * (events % EVENT_SIZE);
    uint32_t control = ld_le32(t + 12), status = ld_le32(t + 8);

    if ((control & 1) == (events / EVENT_SIZE & 1))
        return false;
    *e = (struct event){ld_le64(t),    control >> 10 & 0x3f, status >> 24,
                        control >> 24, control >> 16 & 0x1f, status & 0xffffff};
    events++;
    wr(IR + 0x18, (EVENTS + 16 * (events % EVENT_SIZE)) | 8);
    return true;
}

static struct event must_take(unsigned type)
{
    struct event e;

    for (unsigned k = 0; k < 100; k++) {
        while (take(&e)) {
            if (e.type == type)
                return e;
            assert_int_equal(e.type, 34);
        }
        clock_advance_to(r->clock, clock_now(r->clock) + 100000);
    }
    fail_msg("no event of type %u", type);
    return e;
}

static struct event command(uint64_t param, unsigned type, unsigned flags)
{
    uint8_t *t = r->ram + COMMANDS + 16 * commands++;
    struct event e;

    st_le64(t, param);
    st_le32(t + 8, 0);
    st_le32(t + 12, 1 | type << 10 | flags);
    wr(DB, 0);
    e = must_take(33);
    assert_int_equal(e.param, (uint64_t)(t - r->ram));
    return e;
}

static uint32_t ring(unsigned slot, unsigned dci)
{
    return RING * slot + 0x800 * dci;
}

/* A TRB; its address. */
static uint32_t trb(unsigned slot, unsigned dci, uint64_t param, uint32_t status, uint32_t control)
{
    uint32_t at = ring(slot, dci) + 16 * put[slot][dci]++;

    st_le64(r->ram + at, param);
    st_le32(r->ram + at + 8, status);
    st_le32(r->ram + at + 12, control | 1);
    return at;
}

static void endpoint_context(uint8_t *c, unsigned slot, unsigned dci, unsigned type, unsigned size)
{
    memset(c, 0, 32);
    st_le32(c + 4, 3u << 1 | type << 3 | size << 16);
    st_le64(c + 8, ring(slot, dci) | 1);
}

/* A slot for the device at a port, addressed. */
static unsigned address(unsigned port, unsigned packet)
{
    uint8_t *in = r->ram + INPUT;
    struct event e = command(0, 9, 0);

    assert_int_equal(e.code, 1);
    st_le64(r->ram + DCBAA + 8 * e.slot, OUTPUT + 0x800 * e.slot);
    memset(in, 0, 0x500);
    st_le32(in + 4, 3);
    st_le32(in + 32, 1u << 27);
    st_le32(in + 36, port << 16);
    endpoint_context(in + 64, e.slot, 1, 4, packet);
    e = command(INPUT, 11, e.slot << 24);
    assert_int_equal(e.code, 1);
    assert_int_equal(ld_le32(r->ram + OUTPUT + 0x800 * e.slot + 12), 2u << 27 | e.slot);
    assert_int_equal(r->ram[OUTPUT + 0x800 * e.slot + 32] & 7, 1);
    return e.slot;
}

/* A control transfer; its code. */
static unsigned control(unsigned slot, uint8_t type, uint8_t request, uint16_t value, uint16_t len)
{
    uint8_t s[8] = {type, request};
    bool in = type & 0x80;
    struct event e;

    st_le16(s + 2, value);
    st_le16(s + 6, len);
    trb(slot, 1, ld_le64(s), 8, 2u << 10 | 1u << 6);
    if (len)
        trb(slot, 1, DATA, len, 3u << 10 | (in ? 1u << 16 : 0));
    trb(slot, 1, 0, 0, 4u << 10 | 1u << 5 | (in && len ? 0 : 1u << 16));
    wr(DB + 4 * slot, 1);
    e = must_take(32);
    assert_int_equal(e.slot, slot);
    assert_int_equal(e.endpoint, 1);
    return e.code;
}

static void configure(unsigned slot, unsigned n, const unsigned (*ep)[3])
{
    uint8_t *in = r->ram + INPUT;

    assert_int_equal(control(slot, 0, USB_SET_CONFIGURATION, 1, 0), 1);
    memset(in, 0, 0x500);
    st_le32(in + 4, 1);
    st_le32(in + 32, 31u << 27);
    for (unsigned k = 0; k < n; k++) {
        in[4 + ep[k][0] / 8] |= (uint8_t)(1u << ep[k][0] % 8);
        endpoint_context(in + 32 * (ep[k][0] + 1), slot, ep[k][0], ep[k][1], ep[k][2]);
    }
    assert_int_equal(command(INPUT, 12, slot << 24).code, 1);
    assert_int_equal(ld_le32(r->ram + OUTPUT + 0x800 * slot + 12) >> 27, 3);
}

static void reset_port(unsigned n)
{
    wr(PORTSC + 16 * n, 1 << 4 | 1 << 9);
    assert_int_equal(rd(PORTSC + 16 * n) & 0x200203, 0x200203);
    wr(PORTSC + 16 * n, 0x7f << 17 | 1 << 9);
    assert_int_equal(rd(PORTSC + 16 * n) & 0x7f << 17, 0);
}

static unsigned ready_kbd(void)
{
    static const unsigned ep[][3] = {{3, 7, 16}};
    unsigned slot;

    start();
    reset_port(0);
    slot = address(1, 8);
    configure(slot, 1, ep);
    return slot;
}

static unsigned ready_disk(void)
{
    static const unsigned ep[][3] = {{3, 6, 1024}, {4, 2, 1024}};
    unsigned slot;

    start();
    slot = address(5, 512);
    configure(slot, 2, ep);
    return slot;
}

static void test_registers(void **state)
{
    (void)state;
    assert_int_equal(pci_config_read(r->pci, 0, USB_RIG_DEVFN, 0, 4), 0x000d1b36);
    assert_int_equal(pci_config_read(r->pci, 0, USB_RIG_DEVFN, 9, 2), 0x0330);
    assert_int_equal(rd(CAP), 0x01000040);
    assert_int_equal(rd(4), 32 | 1 << 8 | 8 << 24);
    assert_int_equal(rd(0x20), 0x02000402);
    assert_int_equal(rd(0x28), 1 | 4 << 8);
    assert_int_equal(rd(0x38), 5 | 4 << 8);
    assert_int_equal(rd(USBSTS), 1);
    assert_int_equal(rd(PORTSC), 0x200 | 7 << 5 | 1 << 10 | 1 << 17 | 1); /* full, polling */
    assert_int_equal(rd(PORTSC + 64), 0x200 | 4 << 10 | 1 << 17 | 1 | 2); /* super, enabled */
    assert_int_equal(rd(PORTSC + 16), 0x200 | 5 << 5);                    /* empty */
    start();
    assert_int_equal(rd(USBSTS) & 1, 0);
    assert_int_equal(must_take(34).param, 1u << 24);
    assert_true(r->intx.rises >= 1);
    wr(USBCMD, 0);
    assert_int_equal(rd(USBSTS) & 1, 1);
    wr(USBCMD, 2);
    assert_int_equal(rd(CONFIG), 0);
}

static void test_keyboard(void **state)
{
    unsigned slot = ready_kbd();
    struct event e;
    uint32_t at;

    (void)state;
    assert_int_equal(control(slot, 0x80, USB_GET_DESCRIPTOR, 0x100, 18), 1);
    assert_memory_equal(r->ram + DATA, "\x12\x01\x10\x01", 4);
    at = trb(slot, 3, DATA, 8, 1u << 10 | 1u << 5 | 1u << 2);
    trb(slot, 3, DATA + 16, 8, 1u << 10 | 1u << 5 | 1u << 2);
    wr(DB + 4 * slot, 3);
    assert_false(take(&e)); /* NAK: it waits, and no timer runs */
    assert_int_equal(clock_next(r->clock), -1);
    wr(IR, 3);
    input_router_key(r->router, PKEY_A, true);
    assert_true(r->intx.level);
    e = must_take(32);
    assert_int_equal(e.param, at);
    assert_true(e.code == 1 && e.len == 0 && e.slot == slot && e.endpoint == 3);
    assert_int_equal(r->ram[DATA + 2], 4);
    input_router_key(r->router, PKEY_A, false);
    must_take(32);
    assert_int_equal(r->ram[DATA + 16 + 2], 0);
    input_router_key(r->router, PKEY_B, true); /* no TRB: it is kept */
    assert_false(take(&e));
    trb(slot, 3, DATA, 64, 1u << 10 | 1u << 5); /* and gives a short packet */
    wr(DB + 4 * slot, 3);
    e = must_take(32);
    assert_true(e.code == 13 && e.len == 56);
}

/* A command to the disk, with its data cut into uneven pieces. */
static unsigned disk_command(unsigned slot, const char *cdb, uint32_t len, bool in)
{
    static const uint32_t piece[] = {512, 100, 1, 3000, 70000};
    unsigned dci = in ? 3 : 4, k = 0;
    uint8_t *p = r->ram + DATA - 0x100;
    struct event e;

    memset(p, 0, 31);
    memcpy(p, "USBC", 4);
    st_le32(p + 8, len);
    p[12] = in ? 0x80 : 0;
    p[14] = 16;
    memcpy(p + 15, cdb, 10);
    trb(slot, 4, DATA - 0x100, 31, 1u << 10 | 1u << 5);
    wr(DB + 4 * slot, 4);
    assert_int_equal(must_take(32).code, 1);
    for (uint32_t at = 0; at < len; k = (k + 1) % 5) {
        uint32_t n = MIN(piece[k], len - at);

        trb(slot, dci, DATA + at, n, 1u << 10 | (at + n < len ? 1u << 4 : 1u << 5) | 1u << 2);
        at += n;
    }
    if (len) {
        wr(DB + 4 * slot, dci);
        e = must_take(32);
        assert_true(e.code == 1 || e.code == 13);
    }
    trb(slot, 3, DATA - 0x80, 13, 1u << 10 | 1u << 5);
    wr(DB + 4 * slot, 3);
    must_take(32);
    return r->ram[DATA - 0x80 + 12];
}

static void test_disk(void **state)
{
    unsigned slot = ready_disk();
    static uint8_t want[300 * 512], got[300 * 512];

    (void)state;
    assert_int_equal(usb_storage_usb(stick)->speed, USB_SUPER);
    disk_command(slot, "\0\0\0\0\0\0\0\0\0\0", 0, false); /* takes the attention away */
    for (unsigned k = 0; k < sizeof(want); k++)
        want[k] = (uint8_t)(k * 13 + k / 700);
    memcpy(r->ram + DATA, want, sizeof(want));
    assert_int_equal(disk_command(slot, "\x2a\0\0\0\0\x0a\0\x01\x2c\0", sizeof(want), false), 0);
    assert_int_equal(block_read(image, 10 * 512, got, sizeof(got)), 0);
    assert_memory_equal(got, want, sizeof(got));
    memset(r->ram + DATA, 0, sizeof(want));
    assert_int_equal(disk_command(slot, "\x28\0\0\0\0\x0a\0\x01\x2c\0", sizeof(want), true), 0);
    assert_memory_equal(r->ram + DATA, want, sizeof(want));
    assert_int_equal(disk_command(slot, "\x12\0\0\0\xff\0\0\0\0\0", 255, true), 0); /* short */
    assert_memory_equal(r->ram + DATA + 8, "Penumbra", 8);
}

/* A halt, and the way out of it; an endpoint that is stopped. */
static void test_halt(void **state)
{
    unsigned slot = ready_kbd();
    uint8_t *c = r->ram + OUTPUT + 0x800 * slot + 32 * 3;
    struct event e;

    (void)state;
    assert_int_equal(control(slot, 0x80, USB_GET_DESCRIPTOR, 0x600, 10), 6);
    assert_int_equal(r->ram[OUTPUT + 0x800 * slot + 32] & 7, 2);
    assert_int_equal(command(0, 15, slot << 24 | 1 << 16).code, 19); /* it does not run */
    assert_int_equal(command(0, 14, slot << 24 | 1 << 16).code, 1);
    put[slot][1] = 64; /* another place in the ring */
    assert_int_equal(command((ring(slot, 1) + 16 * 64) | 1, 16, slot << 24 | 1 << 16).code, 1);
    assert_int_equal(control(slot, 0x80, USB_GET_DESCRIPTOR, 0x100, 18), 1);

    trb(slot, 3, DATA, 8, 1u << 10 | 1u << 5);
    wr(DB + 4 * slot, 3);
    assert_int_equal(command(0, 15, slot << 24 | 3 << 16).code, 1);
    assert_int_equal(c[0] & 7, 3);
    assert_int_equal(ld_le64(c + 8), ring(slot, 3) | 1);
    input_router_key(r->router, PKEY_A, true);
    assert_false(take(&e));
    wr(DB + 4 * slot, 3); /* it goes on */
    assert_int_equal(must_take(32).code, 1);
    assert_int_equal(command(0, 10, slot << 24).code, 1);
    assert_int_equal(command(0, 15, slot << 24 | 3 << 16).code, 11);
}

/* Commands that are none, slots that are not there, rings that lead nowhere. */
static void test_wrong(void **state)
{
    unsigned slot = ready_kbd();
    struct event e;

    (void)state;
    assert_int_equal(command(0, 23, 0).code, 1);
    assert_int_equal(command(0, 40, 0).code, 5);
    assert_int_equal(command(INPUT, 12, 9 << 24).code, 11);
    assert_int_equal(command(0, 14, slot << 24 | 9 << 16).code, 12);
    for (unsigned k = 0; k < 3; k++)
        command(0, 9, 0);
    assert_int_equal(command(0, 9, 0).code, 9); /* four were allowed */
    /* a link to itself */
    trb(slot, 3, ring(slot, 3), 0, 6u << 10);
    wr(DB + 4 * slot, 3);
    e = must_take(32);
    assert_int_equal(e.code, 5);
    assert_int_equal(r->ram[OUTPUT + 0x800 * slot + 32 * 3] & 7, 4);
    /* data that is no memory */
    trb(slot, 1, 0x0012000001000680, 8, 2u << 10 | 1u << 6);
    trb(slot, 1, 0xfffff000, 18, 3u << 10 | 1u << 16);
    wr(DB + 4 * slot, 1);
    assert_int_equal(must_take(32).code, 2);
    /* the ring of commands ends outside */
    st_le64(r->ram + COMMANDS + 16 * commands, 0xffffff00000);
    st_le32(r->ram + COMMANDS + 16 * commands + 12, 1 | 6 << 10);
    wr(DB, 0);
    assert_int_equal(rd(USBSTS) & 5, 5);
    wr(USBCMD, 5);
    assert_int_equal(rd(USBSTS) & 1, 1); /* until it is reset */
    wr(USBCMD, 2);
    assert_int_equal(rd(USBSTS), 1);
}

/* A guest that does not take its events: nothing is lost, the work waits. */
static void test_full_ring(void **state)
{
    unsigned slot, told = 0;
    struct event e;

    (void)state;
    slot = ready_kbd();
    for (unsigned k = 0; k < 100; k++)
        trb(slot, 3, 0, 0, 8u << 10 | 1u << 5); /* no operation, but an event */
    wr(DB + 4 * slot, 3);
    while (take(&e))
        told += e.type == 32;
    assert_int_equal(told, 100);
}

static void test_ports(void **state)
{
    (void)state;
    start();
    usb_unplug(usb_storage_usb(stick));
    assert_int_equal(rd(PORTSC + 64) & 0x20003, 0x20000);
    reset_port(0);
    wr(PORTSC, 1 << 9 | 1 << 16 | 3 << 5); /* sleep */
    assert_int_equal(rd(PORTSC) >> 5 & 15, 3);
    usb_control(usb_kbd_usb(kbd), 0, USB_SET_CONFIGURATION, 1, 0, NULL, 0);
    usb_control(usb_kbd_usb(kbd), 0, USB_SET_FEATURE, USB_FEATURE_REMOTE_WAKEUP, 0, NULL, 0);
    input_router_key(r->router, PKEY_A, true);
    assert_int_equal(rd(PORTSC) >> 5 & 15, 15);
    assert_int_equal(rd(PORTSC) & 1 << 22, 1 << 22);
    wr(PORTSC, 1 << 9 | 1 << 16 | 1 << 22);
    assert_int_equal(rd(PORTSC) >> 5 & 15, 0);
    wr(PORTSC, 1 << 9 | 2); /* disable */
    assert_int_equal(rd(PORTSC) & 3, 1);
}

#define RIG_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_registers), RIG_TEST(test_keyboard), RIG_TEST(test_disk),
        RIG_TEST(test_halt),      RIG_TEST(test_wrong),    RIG_TEST(test_full_ring),
        RIG_TEST(test_ports),
    };
    return unit_main(tests);
}
