/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The adapter as a whole: creation, reset, its state table and its end. The parts are in vga_regs.c
 * (ports), vga_mem.c (the window at 0xa0000), vbe.c (Bochs VBE) and vga_pci.c (the PCI function).
 */
#include "devices/display/vga.h"

#include "base/error.h"
#include "devices/display/vga_state.h"

#include <stdlib.h>
#include <sys/mman.h>

#define GUARD 4096

static void vga_reset(void *self)
{
    struct vga *vga = self;

    /* Colour addresses until the BIOS decides; an untouched DAC mask shows every colour. */
    vga->enabled = 1;
    vga->misc = MISC_COLOR;
    vga->dac_mask = 0xff;
    vga->gc[GC_BIT_MASK] = 0xff;
    vga->vbe[VBE_ID] = VBE_ID5;
    vga->vbe[VBE_BPP] = 8;
    vbe_fix(vga);
    vga_vint_update(vga);
    pci_device_reset(&vga->pci);
}

static void vga_post_load(void *self)
{
    struct vga *vga = self;

    /* a snapshot may claim anything, but no time before the machine was built or still to come */
    vga->enabled &= 1;
    vga->vint &= 1;
    vga->start_ns = CLAMP(vga->start_ns, 0, clock_now(vga->clock));
    vbe_fix(vga);
    vga_vint_update(vga);
    pci_device_post_load(&vga->pci);
    vga_vram_loaded(vga);
}

static void vga_destroy(void *self)
{
    struct vga *vga = self;

    pci_detach(&vga->pci);
    timer_cancel(&vga->retrace);
    for (unsigned k = 0; k < VGA_NUM_PORT_RANGES; k++)
        bus_unmap(&vga->ports[k].region);
    bus_unmap(&vga->vbe_region);
    bus_unmap(&vga->mem_region);
    if (vga->vram_map)
        munmap(vga->vram_map, vga->vram_size + 2 * GUARD);
    free(vga->rom);
    invariant(!vga->views);
    g_free(vga->written);
    g_free(vga);
}

static const struct state_field vga_fields[] = {
    STATE_FIELD(struct vga, enabled),
    STATE_FIELD(struct vga, misc),
    STATE_FIELD(struct vga, feature),
    STATE_FIELD(struct vga, seq_index),
    STATE_ARRAY(struct vga, seq),
    STATE_FIELD(struct vga, crtc_index),
    STATE_ARRAY(struct vga, crtc),
    STATE_FIELD(struct vga, start),
    STATE_FIELD(struct vga, start_ns),
    STATE_FIELD(struct vga, vint),
    STATE_FIELD(struct vga, gc_index),
    STATE_ARRAY(struct vga, gc),
    STATE_FIELD(struct vga, attr_index),
    STATE_FIELD(struct vga, attr_data),
    STATE_ARRAY(struct vga, attr),
    STATE_FIELD(struct vga, dac_mask),
    STATE_FIELD(struct vga, dac_reading),
    STATE_FIELD(struct vga, dac_index),
    STATE_FIELD(struct vga, dac_step),
    STATE_ARRAY(struct vga, dac_latch),
    STATE_ARRAY(struct vga, dac),
    STATE_ARRAY(struct vga, latch),
    STATE_FIELD(struct vga, vbe_index),
    STATE_ARRAY(struct vga, vbe),
    STATE_FIELD(struct vga, fb_big_endian),
    PCI_STATE_FIELDS(struct vga, pci),
    STATE_END,
};

static const struct device_type vga_type = {
    .name = "vga",
    .version = 1,
    .fields = vga_fields,
    .reset = vga_reset,
    .post_load = vga_post_load,
    .destroy = vga_destroy,
};

/* Video memory between two pages that nobody can touch: an address that escapes its checks dies at
 * once instead of reading something else. */
static bool alloc_vram(struct vga *vga, unsigned mib, GError **err)
{
    vga->vram_size = (size_t)mib << 20;
    vga->vram_map = mmap(NULL, vga->vram_size + 2 * GUARD, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (vga->vram_map == MAP_FAILED) {
        vga->vram_map = NULL;
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_HOST,
                    "no memory for %u MiB of video memory", mib);
        return false;
    }
    vga->vram = (uint8_t *)vga->vram_map + GUARD;
    if (mprotect(vga->vram, vga->vram_size, PROT_READ | PROT_WRITE) < 0) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_HOST,
                    "no memory for %u MiB of video memory", mib);
        return false;
    }
    vga->written_words = (vga->vram_size >> VGA_PAGE_SHIFT) / 64;
    vga->written = g_new0(uint64_t, vga->written_words);
    return true;
}

static bool check_config(const struct vga_config *cfg, GError **err)
{
    unsigned mib = cfg->vram_mib, w, h;

    if (mib > 256 || (mib & (mib - 1)))
        return error_option(err, "video memory of %u MiB: must be a power of two from 1 to 256",
                            mib);
    w = cfg->edid.width ? cfg->edid.width : 1280;
    h = cfg->edid.height ? cfg->edid.height : 800;
    if (w < 640 || w > VBE_MAX_XRES || h < 480 || h > VBE_MAX_YRES)
        return error_option(err, "preferred screen size %ux%u: must be 640x480 to %dx%d", w, h,
                            VBE_MAX_XRES, VBE_MAX_YRES);
    if ((cfg->edid.max_width && w > cfg->edid.max_width) ||
        (cfg->edid.max_height && h > cfg->edid.max_height))
        return error_option(err, "preferred screen size %ux%u: larger than the largest, %ux%u", w,
                            h, cfg->edid.max_width, cfg->edid.max_height);
    return true;
}

struct vga *vga_new(const struct vga_config *cfg, GError **err)
{
    struct vga *vga;

    if (!check_config(cfg, err))
        return NULL;
    vga = g_new0(struct vga, 1);
    vga->dev = (struct device){.type = &vga_type, .self = vga};
    vga->clock = cfg->clock;
    vga->no_mmio = cfg->no_mmio;
    vga->log = cfg->log;
    vga->irq = cfg->irq;
    vga_retrace_init(vga);
    if (!alloc_vram(vga, cfg->vram_mib ? cfg->vram_mib : 16, err) ||
        !vga_ports_map(vga, cfg->port, err) || !vbe_map(vga, cfg->port, err) ||
        !vga_mem_map(vga, cfg->mmio, err)) {
        vga_destroy(vga);
        return NULL;
    }
    if (!cfg->no_edid)
        edid_make(vga->edid, &cfg->edid);
    device_reset(&vga->dev);
    return vga;
}

struct device *vga_device(struct vga *vga)
{
    return &vga->dev;
}

void *vga_vram(struct vga *vga, size_t *len)
{
    *len = vga->vram_size;
    return vga->vram;
}

void vga_vram_loaded(struct vga *vga)
{
    vga_mark_written(vga, vga->vram, vga->vram_size);
}

uint64_t vga_frame(const struct vga *vga)
{
    return muldiv64((uint64_t)clock_now(vga->clock), 70, (uint64_t)NS_PER_SEC);
}
