/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kinds of USB: controllers, and what is plugged into their ports. */
#include "machine/devices_usb.h"

#include <string.h>

#include "base/error.h"
#include "devices/pci/pci.h"
#include "devices/usb/uhci.h"
#include "devices/usb/usb_hid.h"
#include "devices/usb/usb_storage.h"
#include "devices/usb/xhci.h"
#include "machine/board.h"
#include "machine/board_build.h"
#include "machine/device_families.h"
#include "machine/firmware_cfg.h"

#define BOARD_SLOT PCI_DEVFN(1, 2)

/* ---- buses ---- */

/* A bus of this controller's ports: ID.0, or usb-bus.N. */
static struct board_usb *add_bus(struct board *b, const char *id, uint8_t devfn)
{
    struct board_usb *bus = &b->usb[b->n_usb];

    invariant(b->n_usb < BOARD_MAX_USB);
    *bus = (struct board_usb){.devfn = devfn};
    if (id)
        g_snprintf(bus->name, sizeof(bus->name), "%s.0", id);
    else
        g_snprintf(bus->name, sizeof(bus->name), "usb-bus.%u", b->n_usb);
    b->n_usb++;
    return bus;
}

static bool make_uhci(struct board *b, const char *id, uint8_t devfn, GError **err)
{
    struct uhci_config cfg = {.bus = b->pci, .devfn = devfn, .clock = b->clock};
    struct uhci *u = uhci_new(&cfg, err);
    struct board_usb *bus;

    if (!u)
        return false;
    bus = add_bus(b, id, devfn);
    for (unsigned n = 0; n < UHCI_PORTS; n++)
        bus->port[bus->n_ports++] = uhci_port(u, n);
    return board_add(b, uhci_device(u));
}

bool usb_build_board(struct board *b, GError **err)
{
    return !b->cfg.usb || make_uhci(b, NULL, BOARD_SLOT, err);
}

/* Is there room for another controller? -usb's is not among the configured ones. */
static bool room(struct board *b, const struct device_config *c, GError **err)
{
    return b->n_usb < BOARD_MAX_USB ||
           error_option(err, "%s: there can be at most %d USB controllers in a machine",
                        device_config_kind(c)->name, BOARD_MAX_USB);
}

static bool build_uhci(struct board *b, const struct device_config *c, GError **err)
{
    uint8_t devfn;

    return room(b, c, err) && board_pci_place(b, c, &devfn, err) &&
           make_uhci(b, device_config_id(c), devfn, err);
}

static const struct device_kind uhci_kind = {
    .name = "piix3-usb-uhci",
    .bus = "PCI",
    .what = "USB 1.1 controller with two ports (PIIX3)",
    .family = FAMILY_USB,
    .build = build_uhci,
};

static bool build_xhci(struct board *b, const struct device_config *c, GError **err)
{
    struct xhci_config cfg = {.bus = b->pci, .clock = b->clock};
    struct board_usb *bus;
    struct xhci *x;

    if (!room(b, c, err) || !board_pci_place(b, c, &cfg.devfn, err))
        return false;
    x = xhci_new(&cfg, err);
    if (!x)
        return false;
    bus = add_bus(b, device_config_id(c), cfg.devfn);
    for (unsigned n = 0; n < XHCI_PORTS; n++)
        bus->port[bus->n_ports++] = xhci_port(x, n);
    return board_add(b, xhci_device(x));
}

static const struct device_kind xhci_kind = {
    .name = "qemu-xhci",
    .bus = "PCI",
    .what = "USB 3 controller with four ports of USB 2 and four of USB 3",
    .family = FAMILY_USB,
    .build = build_xhci,
};

/* ---- ports ---- */

/* Plugs the device into a port of this bus: the one that was asked for, or the first that is free
 * at the best speed that both have. Which, or -1. */
static int plug_into(struct board_usb *bus, uint64_t wanted, struct usb_device *d)
{
    for (int speed = USB_SUPER; speed >= USB_LOW; speed--) {
        for (unsigned n = 0; n < bus->n_ports; n++) {
            if ((!wanted || wanted == n + 1) && bus->port[n]->speeds >> speed & 1 &&
                d->descriptors[speed] && usb_plug(bus->port[n], d))
                return (int)n;
        }
    }
    return -1;
}

/* Says why not. */
static bool no_port(struct board *b, const struct device_config *c, const char *bus,
                    uint64_t wanted, bool known, GError **err)
{
    const char *kind = device_config_kind(c)->name;

    if (!b->n_usb)
        return error_option(
            err, "%s: no 'usb-bus' bus: -usb, or a USB controller by -device before it", kind);
    if (!known)
        return error_option(err, "%s: there is no bus '%s': the first is %s", kind, bus,
                            b->usb[0].name);
    if (wanted)
        return error_option(err, "%s: port %u is taken, not of its speed, or not there", kind,
                            (unsigned)wanted);
    return error_option(err, "%s: no free USB port is left", kind);
}

/* The bus and the port that it was plugged into. */
static bool plug(struct board *b, const struct device_config *c, struct usb_device *d,
                 struct board_usb **at, unsigned *port, GError **err)
{
    const char *name = device_text(c, "bus");
    uint64_t wanted = device_number(c, "port");
    bool known = false;

    for (unsigned k = 0; k < b->n_usb; k++) {
        int n;

        if (name && strcmp(name, b->usb[k].name))
            continue;
        known = true;
        n = plug_into(&b->usb[k], wanted, d);
        if (n < 0)
            continue;
        *at = &b->usb[k];
        *port = (unsigned)n + 1;
        return true;
    }
    return no_port(b, c, name, wanted, known, err);
}

#define USB_PROPS                                                                                  \
    {.name = "bus",                                                                                \
     .type = PROP_TEXT,                                                                            \
     .what = "usb-bus.N, or ID.0 of a controller with an id (default: the first with a port)"},    \
    {                                                                                              \
        "port", PROP_NUMBER, "of that bus, from 1 (default: the first free one)",                  \
            .min = 1, .max = BOARD_USB_PORTS                                                       \
    }

/* ---- keyboards, mice, tablets ---- */

static const struct device_prop hid_props[] = {USB_PROPS, DEVICE_PROPS_END};

static bool too_many(const struct device_config *c, GError **err)
{
    return error_option(err, "%s: there are as many input devices as a machine can have",
                        device_config_kind(c)->name);
}

static bool build_kbd(struct board *b, const struct device_config *c, GError **err)
{
    struct usb_input_config cfg = {.clock = b->clock, .router = b->input};
    struct usb_kbd *k = usb_kbd_new(&cfg);
    struct board_usb *bus;
    unsigned port;

    return k ? board_add(b, usb_kbd_device(k)) && plug(b, c, usb_kbd_usb(k), &bus, &port, err)
             : too_many(c, err);
}

static const struct device_kind kbd_kind = {
    .name = "usb-kbd",
    .bus = "usb-bus",
    .what = "keyboard",
    .family = FAMILY_INPUT,
    .props = hid_props,
    .build = build_kbd,
};

static bool build_pointer(struct board *b, const struct device_config *c, bool absolute,
                          GError **err)
{
    struct usb_input_config cfg = {.clock = b->clock, .router = b->input};
    struct usb_pointer *p = usb_pointer_new(&cfg, absolute);
    struct board_usb *bus;
    unsigned port;

    return p ? board_add(b, usb_pointer_device(p)) &&
                   plug(b, c, usb_pointer_usb(p), &bus, &port, err)
             : too_many(c, err);
}

static bool build_mouse(struct board *b, const struct device_config *c, GError **err)
{
    return build_pointer(b, c, false, err);
}

static const struct device_kind mouse_kind = {
    .name = "usb-mouse",
    .bus = "usb-bus",
    .what = "mouse with a wheel",
    .family = FAMILY_INPUT,
    .props = hid_props,
    .build = build_mouse,
};

static bool build_tablet(struct board *b, const struct device_config *c, GError **err)
{
    return build_pointer(b, c, true, err);
}

static const struct device_kind tablet_kind = {
    .name = "usb-tablet",
    .bus = "usb-bus",
    .what = "tablet: the guest's pointer is where the host's is",
    .family = FAMILY_INPUT,
    .props = hid_props,
    .build = build_tablet,
};

/* ---- disks ---- */

static bool build_storage(struct board *b, const struct device_config *c, GError **err)
{
    const char *id = device_text(c, "drive"), *serial = device_text(c, "serial");
    struct usb_storage_config cfg = {.removable = device_flag(c, "removable")};
    const struct machine_drive *d;
    struct board_drive *drive;
    struct usb_storage *u;
    struct board_usb *bus;
    unsigned port;

    if (!id)
        return error_option(err, "usb-storage: no drive=, the id of its image");
    if (serial && (!*serial || strlen(serial) > 36))
        return error_option(err, "usb-storage: serial has 1 to 36 characters");
    drive = board_take_drive(b, id, &d, err);
    if (!drive)
        return false;
    if (d->cd)
        return error_option(err, "usb-storage: its drive has media=cdrom; it is a disk");
    if (!drive->block)
        return error_option(err, "usb-storage: a disk needs an image; the drive has none");
    cfg.block = drive->block;
    cfg.serial = serial ? serial : d->serial;
    u = usb_storage_new(&cfg);
    if (!board_add(b, usb_storage_device(u)) || !plug(b, c, usb_storage_usb(u), &bus, &port, err))
        return false;
    board_bootable(b, 'c',
                   device_given(c, "bootindex") ? device_number(c, "bootindex") : BOOT_NO_INDEX,
                   firmware_usb_path(bus->devfn >> 3, bus->devfn & 7, port));
    return true;
}

static const struct device_prop storage_props[] = {
    {.name = "drive", .type = PROP_TEXT, .what = "the id of a -drive if=none"},
    USB_PROPS,
    {"bootindex", PROP_NUMBER, "firmware boots from the lowest first", .max = INT32_MAX},
    {.name = "serial",
     .type = PROP_TEXT,
     .what = "number that the guest sees, up to 36 characters"},
    {.name = "removable",
     .type = PROP_ON_OFF,
     .what = "the guest is told that the medium may change"},
    DEVICE_PROPS_END,
};

static const struct device_kind storage_kind = {
    .name = "usb-storage",
    .bus = "usb-bus",
    .what = "disk",
    .family = FAMILY_STORAGE,
    .props = storage_props,
    .build = build_storage,
};

const struct device_kind *const devices_usb[] = {
    &uhci_kind, &xhci_kind, &kbd_kind, &mouse_kind, &storage_kind, &tablet_kind, NULL,
};

/* ---- for the monitor ---- */

void usb_describe(struct board *b, GString *out)
{
    if (!b->n_usb)
        g_string_append(out, "no USB controller\n");
    for (unsigned k = 0; k < b->n_usb; k++) {
        for (unsigned n = 0; n < b->usb[k].n_ports; n++) {
            const struct usb_device *d = b->usb[k].port[n]->device;

            if (d)
                g_string_append_printf(out, "  Device %u.%u, Port %u, Speed %s Mb/s, Product %s\n",
                                       k, d->s.address, n + 1, usb_speed_name(d->speed),
                                       d->product);
        }
    }
}
