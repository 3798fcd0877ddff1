/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Bochs VBE extension ("DISPI", interface versions 0xb0c0 to 0xb0c5): an index and a data port,
 * or the same registers in the PCI function's memory, that set a packed-pixel or planar mode of any
 * size (Bochs, "VBE display API" specification). Values are made legal as they arrive, so that
 * whoever reads the registers may trust them: a line fits the video memory, and so does the visible
 * screen.
 */
#include "devices/display/vga_state.h"

#include "base/bits.h"
#include "base/log.h"

/* Bits a pixel takes in memory. */
static unsigned memory_bits(const struct vga *vga)
{
    return vga->vbe[VBE_BPP] == 15 ? 16 : vga->vbe[VBE_BPP];
}

uint32_t vbe_pitch(const struct vga *vga)
{
    /* planar lines are whole bytes in each plane */
    if (vga->vbe[VBE_BPP] == 4)
        return (vga->vbe[VBE_VIRT_WIDTH] + 7u) / 8 * 4;
    return vga->vbe[VBE_VIRT_WIDTH] * (memory_bits(vga) / 8);
}

static uint16_t clamp(unsigned v, unsigned lo, unsigned hi)
{
    return (uint16_t)(v < lo ? lo : v > hi ? hi : v);
}

static bool legal_bpp(unsigned bpp)
{
    return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32;
}

/* One more than the highest bank: a bank of a planar mode is 64 KiB of each plane. */
static unsigned bank_count(const struct vga *vga)
{
    unsigned shift = vga->vbe[VBE_BPP] == 4 && vbe_on(vga) ? 18 : 16;

    return (unsigned)(vga->vram_size >> shift);
}

void vbe_fix(struct vga *vga)
{
    uint16_t *r = vga->vbe;
    size_t lines;

    if (!legal_bpp(r[VBE_BPP])) {
        log_guest("vbe: %u bits a pixel", r[VBE_BPP]);
        r[VBE_BPP] = 8;
    }
    r[VBE_BANK] = clamp(r[VBE_BANK], 0, bank_count(vga) - 1);
    if (!vbe_on(vga))
        return;
    r[VBE_XRES] = clamp(r[VBE_XRES], 8, VBE_MAX_XRES);
    if (r[VBE_VIRT_WIDTH] < r[VBE_XRES])
        r[VBE_VIRT_WIDTH] = r[VBE_XRES];
    lines = vga->vram_size / vbe_pitch(vga);
    r[VBE_VIRT_HEIGHT] = clamp(lines > 0xffff ? 0xffff : (unsigned)lines, 1, 0xffff);
    r[VBE_YRES] = clamp(r[VBE_YRES], 1, VBE_MAX_YRES);
    r[VBE_YRES] = clamp(r[VBE_YRES], 1, r[VBE_VIRT_HEIGHT]);
    r[VBE_X_OFFSET] = clamp(r[VBE_X_OFFSET], 0, r[VBE_VIRT_WIDTH] - r[VBE_XRES]);
    r[VBE_Y_OFFSET] = clamp(r[VBE_Y_OFFSET], 0, r[VBE_VIRT_HEIGHT] - r[VBE_YRES]);
}

static void enable_write(struct vga *vga, uint16_t val)
{
    uint16_t *r = vga->vbe;
    bool was_on = vbe_on(vga);

    r[VBE_ENABLE] =
        val & (VBE_EN_ENABLED | VBE_EN_GETCAPS | VBE_EN_8BIT_DAC | VBE_EN_LFB | VBE_EN_NOCLEAR);
    if (!vbe_on(vga)) {
        /* back to a VGA: its DAC is 6 bits wide and its window not banked */
        r[VBE_ENABLE] &= VBE_EN_GETCAPS;
        r[VBE_BANK] = 0;
        return;
    }
    if (was_on)
        return;
    r[VBE_BANK] = 0;
    r[VBE_VIRT_WIDTH] = 0;
    r[VBE_X_OFFSET] = 0;
    r[VBE_Y_OFFSET] = 0;
    vbe_fix(vga);
    if (!(val & VBE_EN_NOCLEAR)) {
        size_t len = (size_t)vbe_pitch(vga) * r[VBE_YRES];

        memset(vga->vram, 0, len);
        vga_mark_written(vga, vga->vram, len);
    }
}

uint16_t vbe_read(const struct vga *vga, unsigned index)
{
    if (vga->vbe[VBE_ENABLE] & VBE_EN_GETCAPS) {
        switch (index) {
        case VBE_XRES: return VBE_MAX_XRES;
        case VBE_YRES: return VBE_MAX_YRES;
        case VBE_BPP: return 32;
        default: break;
        }
    }
    if (index == VBE_MEMORY_64K)
        return (uint16_t)(vga->vram_size >> 16);
    return index < VBE_COUNT ? vga->vbe[index] : 0;
}

void vbe_write(struct vga *vga, unsigned index, uint16_t val)
{
    switch (index) {
    case VBE_ID:
        /* a driver asks for the version it knows; the answer is that version */
        if (val >= VBE_ID0 && val <= VBE_ID5)
            vga->vbe[VBE_ID] = val;
        return;
    case VBE_ENABLE:
        enable_write(vga, val);
        vga_vint_update(vga);
        return;
    case VBE_XRES:
    case VBE_YRES:
    case VBE_BPP:
    case VBE_BANK:
    case VBE_VIRT_WIDTH:
    case VBE_X_OFFSET:
    case VBE_Y_OFFSET:
        vga->vbe[index] = val;
        vbe_fix(vga);
        vga_vint_update(vga);
        return;
    case VBE_VIRT_HEIGHT: return; /* follows from the width and the memory */
    default: log_guest("vbe: register 0x%x written", index); return;
    }
}

/* Index at offset 0; data at 1, where PCs have it, and at 2, where aligned drivers look for it. */
static uint64_t port_read(void *opaque, uint64_t off, unsigned size)
{
    struct vga *vga = opaque;

    (void)size;
    return off == 0 ? vga->vbe_index : off < 3 ? vbe_read(vga, vga->vbe_index) : 0xffff;
}

static void port_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct vga *vga = opaque;

    (void)size;
    if (off == 0)
        vga->vbe_index = (uint16_t)val;
    else if (off < 3)
        vbe_write(vga, vga->vbe_index, (uint16_t)val);
}

static const struct bus_ops port_ops = {port_read, port_write, 2, 2};

bool vbe_map(struct vga *vga, struct bus *bus, GError **err)
{
    bus_region_init(&vga->vbe_region, "vbe", 4, &port_ops, vga);
    return bus_map(bus, &vga->vbe_region, 0x1ce, err);
}
