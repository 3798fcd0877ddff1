/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzes the display adapter: a stream of accesses to its ports, its memory window, its framebuffer
 * and its registers in BAR2, of frames that pass and of somebody who looks. Whatever the guest
 * does, no address leaves video memory (which lies between pages that nobody can touch), and the
 * picture that is kept up to date is the one that a full drawing gives.
 */
#include "base/bits.h"
#include "base/clock.h"
#include "devices/display/vga_text.h"
#include "devices/display/vga_view.h"
#include "devices/pci/pci_bus.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"

#define BAR2  0xfebf0000u
#define DEVFN PCI_DEVFN(2, 0)
#define VRAM  (1u << 20)
#define PAGES (VRAM >> 12)
#define STEPS 300u

const size_t fuzz_max_len = 4096;

struct world {
    struct bus *ports, *mmio;
    struct vclock *clock;
    struct pci_bus *pci;
    struct vga *vga;
    struct vga_view *view;
    struct vga_surface full;
    uint8_t *vram;
    uint64_t log[PAGES / 64];
    uint64_t frame;
};

void fuzz_show(void)
{
}

static void log_start(void *opaque, bool on)
{
    (void)on;
    memset(((struct world *)opaque)->log, 0, sizeof(((struct world *)opaque)->log));
}

static void log_harvest(void *opaque, uint64_t *pages)
{
    struct world *w = opaque;

    for (unsigned k = 0; k < PAGES / 64; k++) {
        pages[k] |= w->log[k];
        w->log[k] = 0;
    }
}

static void map_bars(struct world *w)
{
    pci_config_write(w->pci, 0, DEVFN, PCI_BAR0 + 8, BAR2, 4);
    pci_config_write(w->pci, 0, DEVFN, PCI_COMMAND, 2, 2);
}

static bool ram_map(void *opaque, uint64_t gpa, uint64_t len, void *hva, bool readonly)
{
    (void)opaque, (void)gpa, (void)len, (void)hva, (void)readonly;
    return true;
}

static void ram_unmap(void *opaque, uint64_t gpa, uint64_t len)
{
    (void)opaque, (void)gpa, (void)len;
}

static void build(struct world *w)
{
    struct pci_bus_config bus = {.ram = {w, ram_map, ram_unmap, NULL}};
    struct vga_config cfg = {.vram_mib = VRAM >> 20, .log = {w, log_start, log_harvest}};
    size_t len;

    w->ports = bus.ports = cfg.port = bus_new("port", 0xffff);
    w->mmio = bus.mmio = cfg.mmio = bus_new("memory", ~UINT64_C(0));
    w->clock = cfg.clock = clock_new_manual();
    w->pci = pci_bus_new(&bus, NULL);
    w->vga = vga_new(&cfg, NULL);
    fuzz_expect(vga_pci_attach(w->vga, w->pci, DEVFN, NULL, 0, NULL));
    map_bars(w);
    w->vram = vga_vram(w->vga, &len);
    fuzz_expect(len == VRAM);
    w->view = vga_view_new(w->vga);
}

static void destroy(struct world *w)
{
    vga_view_free(w->view);
    vga_surface_free(&w->full);
    device_destroy(vga_device(w->vga));
    pci_bus_free(w->pci);
    clock_free(w->clock);
    bus_free(w->ports);
    bus_free(w->mmio);
}

/* ---- what a guest does ---- */

static void indexed(struct world *w, uint16_t port, unsigned index, unsigned value)
{
    bus_write(w->ports, port, value << 8 | index, 2);
}

static void attribute(struct world *w, unsigned index, unsigned value)
{
    bus_read(w->ports, 0x3da, 1);
    bus_write(w->ports, 0x3c0, index, 1);
    bus_write(w->ports, 0x3c0, value, 1);
}

static void vbe(struct world *w, unsigned index, unsigned value)
{
    bus_write(w->ports, 0x1ce, index, 2);
    bus_write(w->ports, 0x1cf, value, 2);
}

static void port(struct world *w, struct fuzz_input *in)
{
    static const uint16_t pair[] = {0x3c4, 0x3ce, 0x3d4, 0x3b4};
    unsigned size = 1u << fuzz_below(in, 3), at;

    switch (fuzz_below(in, 8)) {
    case 0: bus_write(w->ports, 0x3b0 + fuzz_below(in, 0x30), fuzz_word(in, 4), size); break;
    case 1: bus_read(w->ports, 0x3b0 + fuzz_below(in, 0x30), size); break;
    case 2: attribute(w, fuzz_below(in, 64) | 0x20, fuzz_u8(in)); break;
    case 3: attribute(w, fuzz_below(in, 16), fuzz_u8(in)); break;
    default:
        at = pair[fuzz_below(in, ARRAY_SIZE(pair))];
        indexed(w, at, fuzz_below(in, 0x28), fuzz_u8(in));
        bus_read(w->ports, at + 1, 1);
    }
}

/* Sizes that fit now and then. */
static unsigned vbe_value(struct fuzz_input *in, unsigned index)
{
    static const uint8_t depths[] = {4, 8, 15, 16, 24, 32};

    if (fuzz_once_in(in, 8))
        return (unsigned)fuzz_word(in, 2);
    switch (index) {
    case 3: return depths[fuzz_below(in, ARRAY_SIZE(depths))];
    case 4: return fuzz_u8(in);
    default: return fuzz_below(in, 900);
    }
}

static void vbe_access(struct world *w, struct fuzz_input *in)
{
    unsigned index = fuzz_below(in, 12);

    if (fuzz_once_in(in, 3)) {
        vbe(w, 4, 0);
        vbe(w, 1, 8 + fuzz_below(in, 800));
        vbe(w, 2, 1 + fuzz_below(in, 600));
        vbe(w, 3, vbe_value(in, 3));
        vbe(w, 4, 0x41 | (fuzz_u8(in) & 0xa0));
        attribute(w, 0x20, 0);
        return;
    }
    vbe(w, index, vbe_value(in, index));
    bus_read(w->ports, 0x1cf + fuzz_below(in, 2), 2);
}

static void window(struct world *w, struct fuzz_input *in)
{
    unsigned n = 1 + fuzz_below(in, 16), step = fuzz_below(in, 256);
    uint32_t at = (uint32_t)fuzz_word(in, 3);

    for (unsigned k = 0; k < n; k++, at += step) {
        if (fuzz_below(in, 4))
            bus_write(w->mmio, 0xa0000 + at % 0x1fff8, fuzz_word(in, 4), 1u << fuzz_below(in, 4));
        else
            bus_read(w->mmio, 0xa0000 + at % 0x1fff8, 1u << fuzz_below(in, 4));
    }
}

static void framebuffer(struct world *w, struct fuzz_input *in)
{
    uint32_t at = (uint32_t)fuzz_word(in, 3) % (VRAM - 64);

    fuzz_fill(in, w->vram + at, 64);
    for (unsigned page = at >> 12; page <= (at + 63) >> 12; page++)
        w->log[page / 64] |= UINT64_C(1) << page % 64;
}

static void bar2(struct world *w, struct fuzz_input *in)
{
    unsigned at = 0x400 + fuzz_below(in, 0x220), size = 1u << fuzz_below(in, 3);

    if (fuzz_once_in(in, 4))
        at = fuzz_below(in, 0x1000 - 4);
    bus_write(w->mmio, BAR2 + at, fuzz_once_in(in, 4) ? 0xbebebebe : fuzz_word(in, 4), size);
    bus_read(w->mmio, BAR2 + at, size);
}

/* Registers as a BIOS has them in some mode, so that what follows starts from a picture. */
static void mode(struct world *w, struct fuzz_input *in)
{
    unsigned kind = fuzz_below(in, 4);

    vga_boot_text_mode(w->vga, NULL, 0);
    if (!kind)
        return;
    indexed(w, 0x3c4, 1, 1);
    indexed(w, 0x3c4, 2, 15);
    indexed(w, 0x3c4, 4, kind == 1 ? 6 : kind == 2 ? 14 : 2);
    indexed(w, 0x3ce, 5, kind == 1 ? 0 : kind == 2 ? 0x40 : 0x30);
    indexed(w, 0x3ce, 6, 5);
    indexed(w, 0x3d4, 9, 0x41 - (kind == 1));
    indexed(w, 0x3d4, 0x14, kind == 2 ? 0x40 : 0);
    indexed(w, 0x3d4, 0x17, kind == 1 ? 0xe3 : kind == 2 ? 0xa3 : 0xa2);
    attribute(w, 0x30, kind == 2 ? 0x41 : 1);
}

/* ---- who looks ---- */

static void look(struct world *w)
{
    const struct vga_surface *p = vga_view_picture(w->view);
    bool blank = vga_screen_info(w->vga).kind == VGA_SCREEN_BLANK;
    unsigned col, row;
    char *text;

    vga_view_refresh(w->view, w->frame);
    vga_render(w->vga, w->frame, &w->full);
    fuzz_expect(blank || (p->width == w->full.width && p->height == w->full.height));
    for (unsigned y = 0; !blank && y < p->height; y++)
        fuzz_expect(!memcmp(p->pixels + y * p->stride, w->full.pixels + y * w->full.stride,
                            p->width * sizeof(*p->pixels)));
    fuzz_expect(!vga_view_refresh(w->view, w->frame)); /* nothing happened in between */
    text = vga_text_screen(w->vga);
    fuzz_expect(g_utf8_validate(text, -1, NULL));
    g_free(text);
    if (vga_text_cursor(w->vga, &col, &row))
        fuzz_expect(col < 256 && row < 2048);
}

static void happen(struct world *w, struct fuzz_input *in)
{
    struct device *d = vga_device(w->vga);

    switch (fuzz_below(in, 16)) {
    case 0: vbe_access(w, in); break;
    case 1: framebuffer(w, in); break;
    case 2: bar2(w, in); break;
    case 3:
    case 4:
    case 5: window(w, in); break;
    case 6:
        clock_advance_to(w->clock, clock_now(w->clock) + ((int64_t)1 << fuzz_below(in, 26)));
        w->frame += fuzz_below(in, 20);
        break;
    case 7:
        if (fuzz_once_in(in, 3))
            mode(w, in);
        else if (fuzz_once_in(in, 16))
            device_reset(d);
        else if (fuzz_once_in(in, 8))
            d->type->post_load(d->self);
        map_bars(w);
        break;
    case 8:
        if (fuzz_once_in(in, 2))
            look(w);
        break;
    default: port(w, in);
    }
}

void fuzz_one(const uint8_t *data, size_t size)
{
    struct fuzz_input in = fuzz_part(data, size, 0, size);
    struct world *w = g_new0(struct world, 1);

    build(w);
    mode(w, &in);
    for (unsigned k = 0; k < STEPS; k++)
        happen(w, &in);
    look(w);
    destroy(w);
    g_free(w);
}
