/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzing USB: an input writes registers of a UHCI or an xHCI controller and the little memory in
 * which their schedules, rings and contexts lie; behind it are a tablet, a keyboard and a disk.
 * Time passes, front ends send input, devices are pulled out and plugged in again. Nothing may come
 * of it but what the guest does to itself.
 */
#include <glib.h>

#include "backends/block.h"
#include "devices/usb/uhci.h"
#include "devices/usb/usb_hid.h"
#include "devices/usb/usb_storage.h"
#include "devices/usb/xhci.h"
#include "tests/fuzz/board.h"

#define DEVFN PCI_DEVFN(3, 0)
#define IO    0xc000u
#define MMIO  0xfe000000u
#define STEPS 160u

const size_t fuzz_max_len = 4096;

struct world {
    struct fuzz_board *b;
    struct input_router *router;
    struct block_engine *engine;
    struct block *image;
    bool fast; /* xHCI */
    struct uhci *uhci;
    struct xhci *xhci;
    struct usb_pointer *tablet;
    struct usb_kbd *kbd;
    struct usb_storage *disk;
};

void fuzz_show(void)
{
}

static struct usb_device *device(struct world *w, unsigned n)
{
    return n == 0   ? usb_pointer_usb(w->tablet)
           : n == 1 ? usb_kbd_usb(w->kbd)
                    : usb_storage_usb(w->disk);
}

static struct usb_port *port(struct world *w, unsigned n)
{
    return w->fast ? xhci_port(w->xhci, n % XHCI_PORTS) : uhci_port(w->uhci, n % UHCI_PORTS);
}

static void map(struct world *w)
{
    pci_config_write(w->b->pci, 0, DEVFN, PCI_BAR0 + (w->fast ? 0 : 16), w->fast ? MMIO : IO, 4);
    pci_config_write(w->b->pci, 0, DEVFN, PCI_COMMAND, 7, 2);
}

static void build(struct world *w)
{
    struct block_engine_config e = {.counted = true};
    struct usb_input_config input;
    struct usb_storage_config disk = {.serial = NULL};
    struct uhci_config u = {.devfn = DEVFN};
    struct xhci_config x = {.devfn = DEVFN};

    w->b = fuzz_board_new();
    e.clock = u.clock = x.clock = w->b->clock;
    u.bus = x.bus = w->b->pci;
    w->router = input_router_new();
    w->engine = block_engine_new(&e);
    w->image = disk.block = block_new_memory(200 * 512);
    block_attach(w->image, w->engine);
    if (w->fast)
        w->xhci = xhci_new(&x, NULL);
    else
        w->uhci = uhci_new(&u, NULL);
    input = (struct usb_input_config){w->b->clock, w->router, NULL};
    w->tablet = usb_pointer_new(&input, true);
    w->kbd = usb_kbd_new(&input);
    w->disk = usb_storage_new(&disk);
    for (unsigned n = 0; n < 3; n++)
        usb_plug(port(w, w->fast && n == 2 ? XHCI_USB2_PORTS : n), device(w, n));
    map(w);
}

static struct device *controller(struct world *w)
{
    return w->fast ? xhci_device(w->xhci) : uhci_device(w->uhci);
}

static void destroy(struct world *w)
{
    device_destroy(controller(w));
    device_destroy(usb_pointer_device(w->tablet));
    device_destroy(usb_kbd_device(w->kbd));
    device_destroy(usb_storage_device(w->disk));
    input_router_free(w->router);
    block_free(w->image);
    block_engine_free(w->engine);
    fuzz_board_free(w->b);
}

/* ---- what a driver would write, nearly ---- */

static uint32_t place(struct fuzz_input *in)
{
    return fuzz_below(in, (FUZZ_RAM - 32) / 16) * 16;
}

static void put_setup(struct fuzz_input *in, uint8_t *p)
{
    static const uint8_t types[] = {0x80, 0, 0x81, 0x82, 2, 0x21, 0xa1, 0x40};
    static const uint8_t requests[] = {6, 9, 5, 0, 1, 3, 10, 11, 0xff, 0xfe, 2, 8};

    p[0] = types[fuzz_below(in, ARRAY_SIZE(types))];
    p[1] = requests[fuzz_below(in, ARRAY_SIZE(requests))];
    p[2] = (uint8_t)fuzz_below(in, 4);
    p[3] = (uint8_t)fuzz_below(in, 0x24);
    st_le16(p + 4, fuzz_below(in, 2) ? 0 : (uint16_t)(0x80 + fuzz_below(in, 4)));
    st_le16(p + 6, (uint16_t)(fuzz_below(in, 8) ? fuzz_u8(in) : fuzz_word(in, 2)));
}

static void put_command(struct fuzz_input *in, uint8_t *p)
{
    static const uint8_t codes[] = {0x00, 0x03, 0x08, 0x0a, 0x12, 0x1a, 0x25, 0x28, 0x2a,
                                    0x2f, 0x35, 0x5a, 0x88, 0x8a, 0x9e, 0xa0, 0xa8, 0xaa};

    memset(p, 0, 31);
    memcpy(p, "USBC", 4);
    st_le32(p + 8, fuzz_below(in, 3) ? 512u * fuzz_below(in, 200) : (uint32_t)fuzz_word(in, 2));
    p[12] = fuzz_below(in, 2) ? 0x80 : 0;
    p[14] = (uint8_t)(1 + fuzz_below(in, 17));
    p[15] = codes[fuzz_below(in, ARRAY_SIZE(codes))];
    for (unsigned k = 1; k < 16; k++)
        p[15 + k] = fuzz_below(in, 3) ? 0 : fuzz_u8(in);
}

/* A transfer descriptor or a queue head of UHCI. */
static void put_td(struct world *w, struct fuzz_input *in)
{
    static const uint8_t pids[] = {0x69, 0xe1, 0x2d, 0x69, 0xe1, 0x2d, 0x69, 0x00};
    uint8_t *t = w->b->ram + place(in);

    st_le32(t, place(in) | (unsigned)fuzz_below(in, 8));
    if (!fuzz_below(in, 4)) {
        st_le32(t + 4, place(in) | (unsigned)fuzz_below(in, 4));
        return;
    }
    st_le32(t + 4, 1u << 23 | (uint32_t)fuzz_below(in, 64) << 24);
    st_le32(t + 8, pids[fuzz_below(in, 8)] | (uint32_t)fuzz_below(in, 3) << 8 |
                       (uint32_t)fuzz_below(in, 4) << 15 |
                       (fuzz_below(in, 8) ? (uint32_t)(fuzz_below(in, 66) - 1) & 0x7ff
                                          : (uint32_t)fuzz_below(in, 0x800))
                           << 21);
    st_le32(t + 12, place(in));
}

static void put_trb(struct world *w, struct fuzz_input *in)
{
    uint8_t *t = w->b->ram + place(in);
    unsigned type = fuzz_below(in, 3) ? fuzz_below(in, 9) : 9 + fuzz_below(in, 16);

    if (type == 2)
        put_setup(in, t);
    else
        st_le64(t, place(in) | fuzz_below(in, 2));
    st_le32(t + 8, type == 2 ? 8 : fuzz_below(in, 3) ? fuzz_u8(in) : (uint32_t)fuzz_word(in, 3));
    st_le32(t + 12, (uint32_t)fuzz_word(in, 2) % 0x400 | type << 10 |
                        (uint32_t)fuzz_below(in, 8) << 16 | (uint32_t)fuzz_below(in, 4) << 24);
}

/* An input context with its flags, slot and first endpoints. */
static void put_context(struct world *w, struct fuzz_input *in)
{
    uint8_t *c = w->b->ram + fuzz_below(in, (FUZZ_RAM - 0x100) / 64) * 64;

    st_le32(c, fuzz_below(in, 4) ? 0 : fuzz_u8(in));
    st_le32(c + 4, fuzz_below(in, 2) ? 3 : 1 | fuzz_u8(in));
    st_le32(c + 32, 5u << 27);
    st_le32(c + 36, (uint32_t)fuzz_below(in, 10) << 16);
    for (unsigned k = 0; k < 4; k++) {
        st_le32(c + 64 + 32 * k, 0);
        st_le32(c + 68 + 32 * k, (uint32_t)(k ? fuzz_below(in, 8) : 4) << 3 |
                                     (uint32_t)(8u << fuzz_below(in, 9)) << 16);
        st_le64(c + 72 + 32 * k, place(in) | 1);
    }
}

static void registers(struct world *w, struct fuzz_input *in)
{
    static const uint16_t fast[] = {0x40,   0x58,   0x70,   0x78,   0x440,  0x450,  0x460,  0x480,
                                    0x1020, 0x1028, 0x1030, 0x1038, 0x2000, 0x2004, 0x2008, 0x200c};
    unsigned how = fuzz_u8(in);
    uint64_t at;
    uint32_t v;

    if (w->fast) {
        at = how & 0x80 ? fuzz_below(in, 0x1000) * 4u : fast[fuzz_below(in, ARRAY_SIZE(fast))];
        v = at >= 0x2000 ? fuzz_below(in, 6) : how & 1 ? place(in) | 1 : (uint32_t)fuzz_word(in, 4);
        if (how & 2)
            bus_read(w->b->mmio, MMIO + at, 4);
        else
            bus_write(w->b->mmio, MMIO + at, v, 4);
        return;
    }
    at = IO + fuzz_below(in, 0x20);
    v = how & 1 ? (uint32_t)fuzz_below(in, 8) * 0x1000 : (uint32_t)fuzz_word(in, 2);
    if (how & 2)
        bus_read(w->b->ports, at, 1u << (how >> 2 & 1));
    else
        bus_write(w->b->ports, at, v, 1u << (how >> 2) % 3);
}

/* As a driver leaves it that has begun. */
static void start(struct world *w)
{
    if (!w->fast) {
        bus_write(w->b->ports, IO + 8, 0x1000, 4);
        bus_write(w->b->ports, IO + 16, 4, 2);
        bus_write(w->b->ports, IO + 18, 4, 2);
        bus_write(w->b->ports, IO, 0x81, 2);
        return;
    }
    st_le64(w->b->ram + 0x40, 0x7000);
    st_le32(w->b->ram + 0x48, 64);
    for (unsigned k = 0; k < 5; k++)
        st_le64(w->b->ram + 0x6000 + 8 * k, 0x6400 + 0x400 * (k % 3));
    bus_write(w->b->mmio, MMIO + 0x78, 4, 4);
    bus_write(w->b->mmio, MMIO + 0x70, 0x6000, 4);
    bus_write(w->b->mmio, MMIO + 0x58, 0x1001, 4);
    bus_write(w->b->mmio, MMIO + 0x1028, 1, 4);
    bus_write(w->b->mmio, MMIO + 0x1038, 0x7000, 4);
    bus_write(w->b->mmio, MMIO + 0x1030, 0x40, 4);
    bus_write(w->b->mmio, MMIO + 0x1020, 2, 4);
    bus_write(w->b->mmio, MMIO + 0x40, 5, 4);
    bus_write(w->b->mmio, MMIO + 0x440, 0x210, 4);
    bus_write(w->b->mmio, MMIO + 0x450, 0x210, 4);
}

static void drive(struct world *w, struct fuzz_input *in)
{
    switch (fuzz_below(in, 8)) {
    case 0: start(w); break;
    case 1: put_setup(in, w->b->ram + place(in)); break;
    case 2: put_command(in, w->b->ram + place(in)); break;
    case 3:
        if (w->fast)
            put_context(w, in);
        else
            st_le32(w->b->ram + 0x1000 + 4 * fuzz_below(in, 0x400),
                    place(in) | (unsigned)fuzz_below(in, 4));
        break;
    default:
        if (w->fast)
            put_trb(w, in);
        else
            put_td(w, in);
    }
}

static void outside(struct world *w, struct fuzz_input *in)
{
    unsigned n = fuzz_below(in, 3);

    switch (fuzz_below(in, 8)) {
    case 0: input_router_place(w->router, fuzz_u8(in) * 128, fuzz_u8(in) * 128); break;
    case 1: input_router_buttons(w->router, fuzz_u8(in)); break;
    case 2: input_router_wheel(w->router, (int8_t)fuzz_u8(in) * 8); break;
    case 3:
    case 4:
        input_router_key(w->router, (enum pkey)fuzz_below(in, PKEY_COUNT), fuzz_u8(in) & 1);
        break;
    case 5: /* other packets than a controller's */
        usb_unplug(device(w, n));
        usb_plug(port(w, fuzz_u8(in)), device(w, n));
        break;
    case 6:
        if (fuzz_once_in(in, 4)) {
            device_reset(controller(w));
            map(w);
        } else {
            controller(w)->type->post_load(controller(w)->self);
        }
        break;
    default: {
        struct device *d = n == 0   ? usb_pointer_device(w->tablet)
                           : n == 1 ? usb_kbd_device(w->kbd)
                                    : usb_storage_device(w->disk);

        if (fuzz_once_in(in, 4))
            device_reset(d);
        else if (!n || n == 1)
            d->type->post_load(d->self);
    }
    }
}

/* Packets to a device, past all controllers. */
static void packet(struct world *w, struct fuzz_input *in)
{
    static const enum usb_pid pids[] = {USB_SETUP, USB_IN, USB_OUT};
    struct usb_device *d = device(w, fuzz_below(in, 3));
    enum usb_pid pid = pids[fuzz_below(in, 3)];
    unsigned ep = pid == USB_SETUP ? 0 : fuzz_below(in, 4);
    uint8_t data[1024] = {0};
    size_t len = fuzz_below(in, 3) ? 64 : fuzz_word(in, 2) % sizeof(data), n;

    if (pid == USB_SETUP) {
        put_setup(in, data);
        len = 8;
    } else if (ep == 2 && fuzz_below(in, 2)) {
        put_command(in, data);
        len = 31;
    }
    usb_device_packet(d, pid, ep, data, len, &n);
    fuzz_expect(n <= len);
}

void fuzz_one(const uint8_t *data, size_t size)
{
    struct fuzz_input in = fuzz_part(data, size, 0, size);
    struct world *w = g_new0(struct world, 1);

    w->fast = fuzz_below(&in, 2);
    build(w);
    if (fuzz_below(&in, 4))
        start(w);
    for (unsigned k = 0; k < STEPS; k++) {
        switch (fuzz_below(&in, 10)) {
        case 0: registers(w, &in); break;
        case 1: outside(w, &in); break;
        case 2: packet(w, &in); break;
        case 3:
        case 4:
            clock_advance_to(w->b->clock,
                             clock_now(w->b->clock) + ((int64_t)1 << fuzz_below(&in, 23)));
            break;
        case 5:
            if (w->fast)
                bus_write(w->b->mmio, MMIO + 0x2000 + 4 * fuzz_below(&in, 4), fuzz_below(&in, 6),
                          4);
            break;
        default: drive(w, &in);
        }
    }
    destroy(w);
    g_free(w);
}
