/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The display adapter as a kind of device, with the properties of QEMU's VGA. There is one unless
 * the configuration says otherwise; -device VGA configures it, and so does -global, for that one or
 * any other.
 */
#include "machine/devices_display.h"

#include <string.h>

#include "base/error.h"
#include "devices/display/vga.h"
#include "devices/pci/pci_bus.h"
#include "machine/board.h"
#include "machine/board_build.h"
#include "machine/device_families.h"

#define USUAL_PLACE PCI_DEVFN(2, 0)

static const struct device_prop vga_props[] = {
    {"vgamem_mb", PROP_NUMBER, "MiB of video memory, a power of two", .min = 1, .max = 256,
     .number = 16},
    {"mmio", PROP_ON_OFF, "the registers in BAR2, and with them the EDID", .number = 1},
    {"edid", PROP_ON_OFF, "whether a monitor describes itself", .number = 1},
    {"xres", PROP_NUMBER, "width that the monitor prefers", .min = 640, .max = 2560,
     .number = 1280},
    {"yres", PROP_NUMBER, "height that it prefers", .min = 480, .max = 1600, .number = 800},
    {"xmax", PROP_NUMBER, "largest width that it knows", .min = 640, .max = 2560, .number = 2560},
    {"ymax", PROP_NUMBER, "largest height that it knows", .min = 480, .max = 1600, .number = 1600},
    {"romfile", PROP_TEXT, "video BIOS instead of SeaBIOS' one", .text = NULL},
    DEVICE_PROPS_END,
};

/* ---- writes through the framebuffer, which no handler sees ---- */

static void log_framebuffer(void *opaque, bool on)
{
    struct board *b = opaque;
    size_t len;

    memory_bar_log(&b->mem, vga_vram(b->vga, &len), on);
}

static void harvest_framebuffer(void *opaque, uint64_t *pages)
{
    struct board *b = opaque;
    size_t len;
    void *vram = vga_vram(b->vga, &len);

    memory_bar_harvest(&b->mem, vram, len, pages);
}

/* ---- building ---- */

/* Who says what a property is: the device itself, or -global for all of its kind. */
static const struct device_config *who_says(const struct board *b, const struct device_config *c,
                                            const char *prop)
{
    return !device_given(c, prop) && b->cfg.vga ? b->cfg.vga : c;
}

static unsigned number(const struct board *b, const struct device_config *c, const char *prop)
{
    return (unsigned)device_number(who_says(b, c, prop), prop);
}

static bool build_vga(struct board *b, const struct device_config *c, GError **err)
{
    struct vga_config cfg = {.clock = b->clock,
                             .port = b->ports,
                             .mmio = b->mmio,
                             .vram_mib = number(b, c, "vgamem_mb"),
                             .no_edid = !number(b, c, "edid"),
                             .edid = {.width = number(b, c, "xres"),
                                      .height = number(b, c, "yres"),
                                      .max_width = number(b, c, "xmax"),
                                      .max_height = number(b, c, "ymax")},
                             .no_mmio = !number(b, c, "mmio"),
                             .log = {b, log_framebuffer, harvest_framebuffer},
                             .irq = irq_mux_input(&b->irq, 9, IRQ_CHIP2)};
    const struct device_config *place = who_says(b, c, "addr");
    uint8_t devfn = USUAL_PLACE;

    if ((device_given(place, "addr") || pci_bus_find(b->pci, devfn)) &&
        !board_pci_place(b, place, &devfn, err))
        return false;
    b->vga = vga_new(&cfg, err);
    if (!b->vga || !board_add(b, vga_device(b->vga)))
        return false;
    b->vgabios = firmware_load_rom(device_text(who_says(b, c, "romfile"), "romfile"),
                                   b->cfg.firmware_dir, err);
    if (!b->vgabios)
        return false;
    return vga_pci_attach(b->vga, b->pci, devfn, b->vgabios->data, b->vgabios->size, err);
}

static const struct device_kind vga_kind = {
    .name = "VGA",
    .bus = "PCI",
    .what = "the display adapter, in place of the one that is there without it",
    .family = FAMILY_DISPLAY,
    .limit = 1,
    .props = vga_props,
    .build = build_vga,
};

bool display_build(struct board *b, GError **err)
{
    struct device_config *plain;
    bool ok;

    for (unsigned n = 0; n < b->cfg.n_devices; n++) {
        if (device_config_kind(b->cfg.device[n]) == &vga_kind)
            return true; /* in its turn */
    }
    if (b->cfg.no_vga)
        return true;
    plain = device_config_new(vga_kind.name, err);
    ok = plain && build_vga(b, plain, err);
    device_config_free(plain);
    return ok;
}

const struct device_kind *const devices_display[] = {
    &vga_kind,
    NULL,
};
