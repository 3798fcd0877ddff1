/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The UHCI controller as a driver sees it, with a tablet, a mouse and a keyboard behind it: control
 * transfers by its schedule, interrupts, errors, loops, ports, sleep and waking; and the devices'
 * requests and reports.
 */
#include "tests/unit/usb_rig.h"

#include "devices/usb/uhci.h"

enum { CMD = 0, STS = 2, INTR = 4, FRNUM = 6, FRBASE = 8, SOFMOD = 12, PORT1 = 16, PORT2 = 18 };

/* Places in memory. */
enum { LIST = 0x10000, QH = 0x20000, TD = 0x21000, DATA = 0x30000 };

#define ACTIVE  (1u << 23)
#define IOC     (1u << 24)
#define SPD     (1u << 29)
#define ERRORS3 (3u << 27)
#define DEPTH   4u
#define END     1u

static struct usb_rig *r;
static struct uhci *u;
static struct usb_pointer *tablet;
static struct usb_kbd *kbd;

static uint16_t rd(unsigned off)
{
    return (uint16_t)bus_read(r->ports, USB_RIG_IO + off, 2);
}

static void wr(unsigned off, uint16_t val)
{
    bus_write(r->ports, USB_RIG_IO + off, val, 2);
}

static void frames(unsigned n)
{
    clock_advance_to(r->clock, clock_now(r->clock) + n * INT64_C(1000000));
}

static int setup(void **state)
{
    struct usb_input_config input;
    struct uhci_config cfg;

    (void)state;
    r = usb_rig_new();
    cfg = (struct uhci_config){r->pci, USB_RIG_DEVFN, r->clock};
    u = uhci_new(&cfg, NULL);
    input = (struct usb_input_config){r->clock, r->router, NULL};
    tablet = usb_pointer_new(&input, true);
    kbd = usb_kbd_new(&input);
    assert_true(usb_plug(uhci_port(u, 0), usb_pointer_usb(tablet)));
    assert_true(usb_plug(uhci_port(u, 1), usb_kbd_usb(kbd)));
    usb_rig_map(r, 4);
    for (unsigned n = 0; n < 1024; n++)
        st_le32(r->ram + LIST + 4 * n, QH | 2);
    st_le32(r->ram + QH, END);
    st_le32(r->ram + QH + 4, END);
    bus_write(r->ports, USB_RIG_IO + FRBASE, LIST, 4);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_destroy(usb_pointer_device(tablet));
    device_destroy(uhci_device(u)); /* either may go first */
    device_destroy(usb_kbd_device(kbd));
    usb_rig_free(r);
    return 0;
}

static void enable_port(unsigned port)
{
    wr(PORT1 + 2 * port, 1 << 9);
    wr(PORT1 + 2 * port, 0);
    wr(PORT1 + 2 * port, 1 << 2 | 2 | 8);
    assert_int_equal(rd(PORT1 + 2 * port) & 0x20f, 5); /* connected, enabled, no changes */
}

static void td(unsigned n, uint32_t link, uint32_t ctrl, uint8_t pid, unsigned address, unsigned ep,
               unsigned len, uint32_t buffer)
{
    uint8_t *t = r->ram + TD + 16 * n;

    st_le32(t, link);
    st_le32(t + 4, ctrl);
    st_le32(t + 8, pid | address << 8 | ep << 15 | ((len - 1) & 0x7ff) << 21);
    st_le32(t + 12, buffer);
}

static uint32_t ctrl_of(unsigned n)
{
    return ld_le32(r->ram + TD + 16 * n + 4);
}

static unsigned len_of(unsigned n)
{
    return (ctrl_of(n) + 1) & 0x7ff;
}

static void queue(uint32_t element)
{
    st_le32(r->ram + QH + 4, element);
}

static void run(void)
{
    wr(CMD, 0x81);
}

/* A control transfer through the schedule; what came is at DATA. */
static void control(unsigned address, uint8_t type, uint8_t request, uint16_t value, uint16_t len)
{
    uint8_t *s = r->ram + DATA - 8;
    unsigned n = 1, at = 0;
    bool in = type & 0x80;

    s[0] = type;
    s[1] = request;
    st_le16(s + 2, value);
    st_le16(s + 4, 0);
    st_le16(s + 6, len);
    td(0, (TD + 16) | DEPTH, ACTIVE | ERRORS3, USB_SETUP, address, 0, 8, DATA - 8);
    for (; at < len; at += 8, n++)
        td(n, (TD + 16 * (n + 1)) | DEPTH, ACTIVE | ERRORS3, in ? USB_IN : USB_OUT, address, 0,
           MIN(8u, len - at), DATA + at);
    td(n, END, ACTIVE | ERRORS3 | IOC, in && len ? USB_OUT : USB_IN, address, 0, 0, 0);
    queue(TD);
    run();
    frames(2);
    assert_int_equal(ctrl_of(n) & (ACTIVE | 0x7e0000), 0);
    assert_int_equal(ld_le32(r->ram + QH + 4), END);
}

static void test_reset_values(void **state)
{
    (void)state;
    assert_int_equal(pci_config_read(r->pci, 0, USB_RIG_DEVFN, 0, 4), 0x70208086);
    assert_int_equal(pci_config_read(r->pci, 0, USB_RIG_DEVFN, 8, 4), 0x0c030001);
    assert_int_equal(pci_config_read(r->pci, 0, USB_RIG_DEVFN, 0x3d, 1), 4);
    assert_int_equal(pci_config_read(r->pci, 0, USB_RIG_DEVFN, 0x60, 1), 0x10);
    assert_int_equal(pci_config_read(r->pci, 0, USB_RIG_DEVFN, 0xc0, 2), 0x2000);
    assert_int_equal(rd(CMD), 0);
    assert_int_equal(rd(STS), 0x20);
    assert_int_equal(bus_read(r->ports, USB_RIG_IO + SOFMOD, 1), 0x40);
    assert_int_equal(rd(PORT1), 0x93); /* a device of full speed came */
    assert_int_equal(rd(PORT2), 0x93);
    assert_int_equal(rd(20), 0); /* there is no third */
}

/* Drivers find, address and configure a device. */
static void test_enumeration(void **state)
{
    (void)state;
    enable_port(0);
    wr(INTR, 0xf);
    control(0, 0x80, USB_GET_DESCRIPTOR, USB_DESC_DEVICE << 8, 18);
    assert_true(r->intx.level);
    assert_int_equal(rd(STS) & 0x3f, 1);
    wr(STS, 1);
    assert_false(r->intx.level);
    assert_memory_equal(r->ram + DATA, "\x12\x01\x10\x01\0\0\0\x08\x27\x06", 10);
    control(0, 0, USB_SET_ADDRESS, 5, 0);
    control(5, 0x80, USB_GET_DESCRIPTOR, USB_DESC_CONFIG << 8, 34);
    assert_memory_equal(r->ram + DATA, "\x09\x02\x22\0\x01\x01", 6);
    assert_false(input_router_absolute(r->router));
    control(5, 0, USB_SET_CONFIGURATION, 1, 0);
    assert_true(input_router_absolute(r->router));
    control(5, 0x81, USB_GET_DESCRIPTOR, 0x2200, 74);
    assert_memory_equal(r->ram + DATA, "\x05\x01\x09\x02\xa1\x01", 6);
    /* a reset of the port takes all that back */
    wr(PORT1, 1 << 9 | 1 << 2);
    assert_false(input_router_absolute(r->router));
    assert_int_equal(rd(PORT1) & 4, 0);
}

static void configure(unsigned port, unsigned address)
{
    enable_port(port);
    control(0, 0, USB_SET_ADDRESS, (uint16_t)address, 0);
    control(address, 0, USB_SET_CONFIGURATION, 1, 0);
    wr(STS, 0x1f);
}

/* An interrupt endpoint: NAK while there is nothing, and what there is as it happens. */
static void test_reports(void **state)
{
    (void)state;
    configure(0, 5);
    wr(INTR, 4);
    td(0, END, ACTIVE | IOC, USB_IN, 5, 1, 8, DATA);
    queue(TD);
    frames(20);
    assert_int_equal(ctrl_of(0) & (ACTIVE | 1u << 19), ACTIVE | 1u << 19);
    assert_false(r->intx.level);
    input_router_place(r->router, 0x1234, 0x0567);
    input_router_buttons(r->router, INPUT_RIGHT);
    frames(1);
    assert_int_equal(ctrl_of(0) & ACTIVE, 0);
    assert_int_equal(len_of(0), 6);
    assert_memory_equal(r->ram + DATA, "\0\x34\x12\x67\x05\0", 6);
    assert_true(r->intx.level);
    td(0, END, ACTIVE | IOC, USB_IN, 5, 1, 8, DATA);
    queue(TD);
    frames(1);
    assert_memory_equal(r->ram + DATA, "\x02\x34\x12\x67\x05\0", 6);
    input_router_wheel(r->router, -300); /* more than a report has room for */
    for (unsigned k = 0; k < 3; k++) {
        td(0, END, ACTIVE, USB_IN, 5, 1, 8, DATA);
        queue(TD);
        frames(1);
        assert_int_equal((int8_t)r->ram[DATA + 5], k < 2 ? -127 : -46);
    }
}

/* A packet that is short where the driver asks to be told: the queue waits for the driver. */
static void test_short_packet(void **state)
{
    (void)state;
    configure(0, 5);
    wr(INTR, 8);
    td(0, (TD + 16) | DEPTH, ACTIVE | SPD, USB_IN, 5, 1, 8, DATA);
    td(1, END, ACTIVE, USB_IN, 5, 1, 8, DATA);
    queue(TD);
    input_router_place(r->router, 1, 2);
    frames(2);
    assert_true(r->intx.level);
    assert_int_equal(ld_le32(r->ram + QH + 4), TD);
    assert_int_equal(ctrl_of(1) & ACTIVE, ACTIVE);
    wr(INTR, 4); /* it was set for the short packet, not for IOC */
    assert_false(r->intx.level);
    /* a buffer that is too small: babble */
    input_router_place(r->router, 3, 4);
    td(0, END, ACTIVE, USB_IN, 5, 1, 2, DATA);
    queue(TD);
    frames(1);
    assert_int_equal(ctrl_of(0) & (ACTIVE | 5u << 20), 5u << 20);
    assert_int_equal(rd(STS) & 2, 2);
}

static void test_errors(void **state)
{
    (void)state;
    configure(0, 5);
    wr(INTR, 1);
    td(0, END, ACTIVE | ERRORS3, USB_IN, 77, 1, 8, DATA); /* nobody is there */
    queue(TD);
    frames(1);
    assert_int_equal(ctrl_of(0) & (ACTIVE | 3u << 27 | 1u << 18), ACTIVE | 2u << 27 | 1u << 18);
    frames(2);
    assert_int_equal(ctrl_of(0) & (ACTIVE | 3u << 27 | 1u << 22), 1u << 22);
    assert_true(r->intx.level);
    wr(STS, 0x1f);
    assert_false(r->intx.level);
    td(0, END, ACTIVE, USB_OUT, 5, 1, 8, DATA); /* it has no such endpoint: for ever */
    queue(TD);
    frames(10);
    assert_int_equal(ctrl_of(0) & ACTIVE, ACTIVE);
    td(0, END, ACTIVE, 0x55, 5, 1, 8, DATA); /* no PID */
    frames(1);
    assert_int_equal(rd(STS) & 0x30, 0x30); /* process error, halted */
    assert_int_equal(rd(CMD) & 1, 0);
    wr(STS, 0x1f);
    td(0, END, ACTIVE, USB_SETUP, 5, 0, 8, 0xfffff000); /* out of memory */
    run();
    frames(1);
    assert_int_equal(rd(STS) & 0x28, 0x28);
}

/* Lists that lead in circles end the frame, not the host; packets in the circle are sent. */
static void test_loops(void **state)
{
    (void)state;
    configure(0, 5);
    st_le32(r->ram + QH, (QH + 0x100) | 2);
    st_le32(r->ram + QH + 0x100, (QH + 0x200) | 2);
    st_le32(r->ram + QH + 0x104, END);
    st_le32(r->ram + QH + 0x200, (QH + 0x100) | 2);
    st_le32(r->ram + QH + 0x204, TD);
    for (unsigned n = 0; n < 3; n++)
        td(n, n == 2 ? END : TD + 16 * (n + 1), ACTIVE, USB_IN, 5, 1, 8, DATA + 16 * n);
    input_router_buttons(r->router, 1);
    input_router_buttons(r->router, 0);
    frames(1); /* breadth first: the next one when the circle comes round */
    assert_int_equal(r->ram[DATA], 1);
    assert_int_equal(r->ram[DATA + 16], 0);
    assert_int_equal(ctrl_of(1) & ACTIVE, 0);
    assert_int_equal(ctrl_of(2) & ACTIVE, ACTIVE);
    td(3, TD + 16 * 3, 0, USB_IN, 5, 1, 8, DATA); /* a descriptor that leads to itself */
    for (unsigned n = 0; n < 1024; n++)
        st_le32(r->ram + LIST + 4 * n, TD + 16 * 3);
    frames(3);
    td(3, TD + 16 * 3, ACTIVE, USB_IN, 5, 0, 8, DATA); /* and fails each time */
    frames(3);
    st_le32(r->ram + QH + 4, QH | 2); /* a queue in itself */
    for (unsigned n = 0; n < 1024; n++)
        st_le32(r->ram + LIST + 4 * n, QH | 2);
    frames(3);
    assert_int_equal(rd(CMD) & 1, 1);
}

static void test_frames(void **state)
{
    (void)state;
    wr(FRNUM, 0x7fe);
    assert_int_equal(rd(FRNUM), 0x7fe);
    frames(5); /* it stands */
    assert_int_equal(rd(FRNUM), 0x7fe);
    run();
    frames(3);
    assert_int_equal(rd(FRNUM), 1);
    wr(FRNUM, 5);
    assert_int_equal(rd(FRNUM), 1); /* it runs */
    wr(CMD, 0);
    assert_int_equal(rd(STS) & 0x20, 0x20);
    assert_int_equal(clock_next(r->clock), -1); /* nothing is due any more */
    wr(CMD, 2);
    assert_int_equal(rd(FRNUM), 0);
    assert_int_equal(rd(PORT1), 0x93);
}

/* What sleeps is woken by a device that was allowed to. */
static void test_sleep(void **state)
{
    (void)state;
    configure(0, 5);
    control(5, 0, USB_SET_FEATURE, USB_FEATURE_REMOTE_WAKEUP, 0);
    wr(STS, 0x1f);
    wr(PORT1, 1 << 2 | 1 << 12);
    wr(CMD, 0);
    wr(INTR, 2);
    input_router_place(r->router, 9, 9);
    assert_int_equal(rd(PORT1) & (1 << 6), 1 << 6);
    assert_int_equal(rd(STS) & 4, 4);
    assert_true(r->intx.level);
    wr(STS, 4);
    wr(PORT1, 1 << 2 | 1 << 12); /* the resume signal ends */
    assert_int_equal(rd(PORT1) & (1 << 12 | 1 << 6 | 4), 4);
    wr(CMD, 8); /* the whole bus */
    input_router_place(r->router, 8, 9);
    assert_int_equal(rd(CMD) & 0x10, 0x10);
    assert_true(r->intx.level);
}

/* ---- the devices ---- */

static void test_requests(void **state)
{
    struct usb_device *d = usb_kbd_usb(kbd);
    uint8_t buf[256];

    (void)state;
    assert_int_equal(usb_control(d, 0x80, USB_GET_DESCRIPTOR, USB_DESC_STRING << 8, 0, buf, 255),
                     4);
    assert_int_equal(
        usb_control(d, 0x80, USB_GET_DESCRIPTOR, USB_DESC_STRING << 8 | 2, 0x409, buf, 255), 26);
    assert_memory_equal(buf, "\x1a\x03U\0S\0B\0 \0k\0", 12);
    assert_int_equal(usb_control(d, 0x80, USB_GET_DESCRIPTOR, USB_DESC_STRING << 8 | 9, 0, buf, 9),
                     -1);
    assert_int_equal(usb_control(d, 0x80, USB_GET_DESCRIPTOR, 6 << 8, 0, buf, 10), -1);
    assert_int_equal(usb_control(d, 0, USB_SET_CONFIGURATION, 2, 0, NULL, 0), -1);
    assert_int_equal(usb_control(d, 0, USB_SET_CONFIGURATION, 1, 0, NULL, 0), 0);
    assert_int_equal(usb_control(d, 0x80, USB_GET_CONFIGURATION, 0, 0, buf, 1), 1);
    assert_int_equal(buf[0], 1);
    assert_int_equal(usb_control(d, 2, USB_SET_FEATURE, USB_FEATURE_HALT, 0x81, NULL, 0), 0);
    assert_int_equal(usb_control(d, 0x82, USB_GET_STATUS, 0, 0x81, buf, 2), 2);
    assert_int_equal(buf[0], 1);
    assert_int_equal(usb_control(d, 2, USB_CLEAR_FEATURE, USB_FEATURE_HALT, 0x81, NULL, 0), 0);
    assert_int_equal(usb_control(d, 2, USB_SET_FEATURE, USB_FEATURE_HALT, 0x82, NULL, 0), -1);
    assert_int_equal(usb_control(d, 0x40, 1, 2, 3, NULL, 0), -1);
    assert_int_equal(usb_control(d, 0x21, 9, 0x200, 0, buf, 65000), -1); /* too much */
}

static enum usb_result keys(uint8_t *buf)
{
    size_t n;

    return usb_device_packet(usb_kbd_usb(kbd), USB_IN, 1, buf, 8, &n);
}

static void test_keyboard(void **state)
{
    struct usb_device *d = usb_kbd_usb(kbd);
    uint8_t buf[8], leds = 2;

    (void)state;
    assert_int_equal(keys(buf), USB_SILENT);
    usb_control(d, 0, USB_SET_CONFIGURATION, 1, 0, NULL, 0);
    assert_int_equal(keys(buf), USB_NAK);
    input_router_key(r->router, PKEY_LEFTSHIFT, true);
    input_router_key(r->router, PKEY_A, true);
    input_router_key(r->router, PKEY_A, true); /* the host's auto-repeat */
    input_router_key(r->router, PKEY_A, false);
    assert_false(input_router_taken(r->router));
    assert_int_equal(keys(buf), USB_ACK);
    assert_memory_equal(buf, "\x02\0\0\0\0\0\0\0", 8);
    assert_int_equal(keys(buf), USB_ACK);
    assert_memory_equal(buf, "\x02\0\x04\0\0\0\0\0", 8);
    assert_int_equal(keys(buf), USB_ACK);
    assert_memory_equal(buf, "\x02\0\0\0\0\0\0\0", 8);
    assert_int_equal(keys(buf), USB_NAK);
    assert_true(input_router_taken(r->router));
    for (enum pkey k = PKEY_1; k <= PKEY_7; k++) {
        input_router_key(r->router, k, true);
        assert_int_equal(keys(buf), USB_ACK);
    }
    assert_memory_equal(buf, "\x02\0\x01\x01\x01\x01\x01\x01", 8); /* seven are too many */
    input_router_release_keys(r->router);
    for (unsigned k = 0; k < 8; k++)
        assert_int_equal(keys(buf), USB_ACK);
    assert_memory_equal(buf, "\0\0\0\0\0\0\0\0", 8);
    assert_int_equal(usb_control(d, 0x21, 9, 0x200, 0, &leds, 1), 1);
    assert_int_equal(input_router_leds(r->router), INPUT_LED_CAPS);
    /* more than it can remember: what comes out at last is as it is */
    for (unsigned k = 0; k < 500; k++)
        input_router_key(r->router, (enum pkey)(PKEY_Q + k % 10), !(k / 10 % 2));
    while (keys(buf) == USB_ACK)
        continue;
    usb_control(d, 0xa1, 1, 0x100, 0, buf, 8);
    assert_memory_equal(buf, "\0\0\0\0\0\0\0\0", 8);
}

static void test_idle(void **state)
{
    struct usb_device *d = usb_kbd_usb(kbd);
    uint8_t buf[8];

    (void)state;
    usb_control(d, 0, USB_SET_CONFIGURATION, 1, 0, NULL, 0);
    usb_control(d, 0x21, 10, 5 << 8, 0, NULL, 0); /* each 20 ms */
    assert_int_equal(usb_control(d, 0xa1, 2, 0, 0, buf, 1), 1);
    assert_int_equal(buf[0], 5);
    frames(19);
    assert_int_equal(keys(buf), USB_NAK);
    frames(1);
    assert_int_equal(keys(buf), USB_ACK);
    assert_int_equal(keys(buf), USB_NAK);
    frames(20);
    assert_int_equal(keys(buf), USB_ACK);
    usb_control(d, 0x21, 10, 0, 0, NULL, 0);
    frames(100);
    assert_int_equal(keys(buf), USB_NAK);
}

static void test_mouse(void **state)
{
    struct usb_input_config cfg = {r->clock, r->router, NULL};
    struct usb_pointer *mouse = usb_pointer_new(&cfg, false);
    struct usb_device *d = usb_pointer_usb(mouse);
    uint8_t buf[8];
    size_t n;

    (void)state;
    usb_unplug(usb_pointer_usb(tablet));
    assert_int_equal(rd(PORT1) & 0x3, 2);
    assert_true(usb_plug(uhci_port(u, 0), d));
    assert_false(usb_plug(uhci_port(u, 0), usb_pointer_usb(tablet)));
    usb_control(d, 0, USB_SET_CONFIGURATION, 1, 0, NULL, 0);
    input_router_move(r->router, 200, -3);
    assert_int_equal(usb_device_packet(d, USB_IN, 1, buf, 8, &n), USB_ACK);
    assert_int_equal(n, 4);
    assert_memory_equal(buf, "\0\x7f\xfd\0", 4);
    assert_int_equal(usb_device_packet(d, USB_IN, 1, buf, 8, &n), USB_ACK);
    assert_memory_equal(buf, "\0\x49\0\0", 4);
    assert_int_equal(usb_device_packet(d, USB_IN, 1, buf, 8, &n), USB_NAK);
    usb_control(d, 0x21, 11, 0, 0, NULL, 0); /* the boot protocol */
    input_router_buttons(r->router, INPUT_MIDDLE);
    assert_int_equal(usb_device_packet(d, USB_IN, 1, buf, 8, &n), USB_ACK);
    assert_int_equal(n, 3);
    assert_int_equal(buf[0], 4);
    device_destroy(usb_pointer_device(mouse));
    assert_int_equal(rd(PORT1) & 1, 0);
}

#define RIG_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_reset_values), RIG_TEST(test_enumeration), RIG_TEST(test_reports),
        RIG_TEST(test_short_packet), RIG_TEST(test_errors),      RIG_TEST(test_loops),
        RIG_TEST(test_frames),       RIG_TEST(test_sleep),       RIG_TEST(test_requests),
        RIG_TEST(test_keyboard),     RIG_TEST(test_idle),        RIG_TEST(test_mouse),
    };
    return unit_main(tests);
}
