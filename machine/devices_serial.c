/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtio console device, and its ports as devices of their own. */
#include <string.h>

#include "base/error.h"
#include "devices/virtio/virtio_serial.h"
#include "machine/board.h"
#include "machine/board_build.h"
#include "machine/devices_virtio.h"

static bool build_serial(struct board *b, const struct device_config *c, GError **err)
{
    struct virtio_serial_config cfg = {.bus = b->pci,
                                       .max_ports = (unsigned)device_number(c, "max_ports")};

    if (!virtio_form_of(c, &cfg.form, err) || !board_pci_place(b, c, &cfg.devfn, err))
        return false;
    b->virtio_serial = virtio_serial_new(&cfg, err);
    return b->virtio_serial && board_add(b, virtio_serial_device(b->virtio_serial));
}

static const struct device_prop serial_props[] = {
    {"max_ports", PROP_NUMBER, "ports that there can be", .min = 1, .max = VIRTIO_SERIAL_MAX_PORTS,
     .number = VIRTIO_SERIAL_MAX_PORTS},
    VIRTIO_PROPS,
    DEVICE_PROPS_END,
};

const struct device_kind virtio_serial_kind = {
    .name = "virtio-serial-pci",
    .bus = "PCI",
    .what = "what virtconsole and virtserialport are ports of",
    .family = FAMILY_INPUT,
    .limit = 1,
    .props = serial_props,
    .build = build_serial,
};

/* ---- ports ---- */

static bool fail(GError **err, const struct device_config *c, const char *what, const char *value)
{
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_CONFIG, "%s: %s%s", device_config_kind(c)->name,
                what, value);
    return false;
}

static bool build_port(struct board *b, const struct device_config *c, bool console, GError **err)
{
    const char *id = device_text(c, "chardev");
    struct virtio_serial_port port = {.name = device_text(c, "name"), .console = console};

    if (!b->virtio_serial)
        return fail(err, c, "it is a port of a -device virtio-serial-pci, which comes first", "");
    for (unsigned n = 0; id && n < b->cfg.n_chardevs; n++) {
        struct machine_chardev *one = &b->cfg.chardev[n];

        if (strcmp(one->id, id))
            continue;
        if (b->chardev_taken[n])
            return fail(err, c, "used by two devices: character device ", id);
        b->chardev_taken[n] = true;
        port.chr = one->chr;
    }
    if (id && !port.chr)
        return fail(err, c, "there is no -chardev with id=", id);
    return virtio_serial_add_port(
        b->virtio_serial, device_given(c, "nr") ? (int)device_number(c, "nr") : -1, &port, err);
}

static bool build_console(struct board *b, const struct device_config *c, GError **err)
{
    return build_port(b, c, true, err);
}

static bool build_line(struct board *b, const struct device_config *c, GError **err)
{
    return build_port(b, c, false, err);
}

static const struct device_prop port_props[] = {
    {.name = "chardev", .type = PROP_TEXT, .what = "the host's side: the id of a -chardev"},
    {.name = "name", .type = PROP_TEXT, .what = "its name in the guest"},
    {"nr", PROP_NUMBER, "its number (default: the next)", .max = VIRTIO_SERIAL_MAX_PORTS - 1},
    DEVICE_PROPS_END,
};

const struct device_kind virtio_console_kind = {
    .name = "virtconsole",
    .bus = "virtio-serial",
    .what = "a console",
    .family = FAMILY_INPUT,
    .props = port_props,
    .build = build_console,
};

const struct device_kind virtio_line_kind = {
    .name = "virtserialport",
    .bus = "virtio-serial",
    .what = "a serial line with a name",
    .family = FAMILY_INPUT,
    .props = port_props,
    .build = build_line,
};
