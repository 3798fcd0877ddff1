/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory window at 0xa0000: how a byte address becomes an offset and planes (memory map,
 * odd/even, chain 4), and what the graphics controller does on the way (latches, set/reset, rotate,
 * the four write modes, the two read modes). IBM PS/2 Hardware Interface Technical Reference,
 * "Graphics Controller" and "Sequencer". While VBE shows a packed-pixel mode the window is a bank
 * of the linear framebuffer.
 */
#include "devices/display/vga_state.h"

#include "base/bits.h"

#define WINDOW_BASE 0xa0000
#define WINDOW_SIZE 0x20000

/* Cuts the window down to what memory map select decodes; false when the address is outside. */
static bool decode_map(const struct vga *vga, uint32_t *addr)
{
    if (!vga->enabled || (!(vga->misc & MISC_RAM) && !vbe_on(vga)))
        return false;
    switch ((vga->gc[GC_MISC] >> 2) & 3) {
    case 0: return true;
    case 1: return *addr < 0x10000;
    case 2: *addr -= 0x10000; return *addr < 0x8000;
    default: *addr -= 0x18000; return *addr < 0x8000;
    }
}

static bool linear_window(const struct vga *vga)
{
    return vbe_on(vga) && vga->vbe[VBE_BPP] != 4;
}

/* The linear byte of a VBE bank, or NULL outside of the 64 KiB bank window. */
static uint8_t *linear_byte(const struct vga *vga, uint32_t addr)
{
    if (addr >= 0x10000)
        return NULL;
    return vga->vram + ((((size_t)vga->vbe[VBE_BANK] << 16) + addr) & (vga->vram_size - 1));
}

/* The four plane bytes that addr reaches, and in *sel the planes that its low bits select: all of
 * them, two (odd/even) or one (chain 4). Address bits that select planes leave the offset; bit 16
 * of the 128 KiB map takes their place. */
static uint8_t *planar_bytes(const struct vga *vga, uint32_t addr, unsigned *sel)
{
    uint32_t n = addr & 0xffff;

    *sel = 0xf;
    if (vga->seq[SEQ_MEM_MODE] & SEQ_MEM_CHAIN4) {
        *sel = 1u << (addr & 3);
        n = (n & ~3u) | addr >> 16;
    } else {
        if (!(vga->seq[SEQ_MEM_MODE] & SEQ_MEM_SEQUENTIAL))
            *sel = addr & 1 ? 0xa : 0x5;
        if (vga->gc[GC_MISC] & GC_MISC_CHAIN_OE)
            n = (n & ~1u) | addr >> 16;
    }
    if (vbe_on(vga))
        n += (uint32_t)vga->vbe[VBE_BANK] << 16;
    return vga_planes(vga, n);
}

/* Read mode 1: a bit for each pixel whose colour, in the planes that matter, is the compared one.
 */
static uint8_t color_compare(const struct vga *vga)
{
    uint8_t differ = 0;

    for (unsigned p = 0; p < 4; p++) {
        uint8_t want = vga->gc[GC_COMPARE] >> p & 1 ? 0xff : 0;

        if (vga->gc[GC_DONT_CARE] >> p & 1)
            differ |= vga->latch[p] ^ want;
    }
    return (uint8_t)~differ;
}

static uint8_t byte_read(struct vga *vga, uint32_t addr)
{
    const uint8_t *bytes;
    unsigned sel, plane;

    if (!decode_map(vga, &addr))
        return 0xff;
    if (linear_window(vga)) {
        bytes = linear_byte(vga, addr);
        return bytes ? *bytes : 0xff;
    }
    bytes = planar_bytes(vga, addr, &sel);
    memcpy(vga->latch, bytes, 4);
    if (vga->gc[GC_MODE] & GC_MODE_READ1)
        return color_compare(vga);
    if (vga->seq[SEQ_MEM_MODE] & SEQ_MEM_CHAIN4)
        plane = addr & 3;
    else if (vga->gc[GC_MODE] & GC_MODE_ODD_EVEN)
        plane = (vga->gc[GC_READ_MAP] & 2) | (addr & 1);
    else
        plane = vga->gc[GC_READ_MAP] & 3;
    return vga->latch[plane];
}

static uint8_t rotate(const struct vga *vga, uint8_t val)
{
    unsigned n = vga->gc[GC_ROTATE] & 7;

    return (uint8_t)(val >> n | val << (8 - n));
}

/* The function select: what the new data does with the latch. */
static uint8_t combine(const struct vga *vga, uint8_t val, uint8_t latch)
{
    switch ((vga->gc[GC_ROTATE] >> 3) & 3) {
    case 1: return val & latch;
    case 2: return val | latch;
    case 3: return val ^ latch;
    default: return val;
    }
}

/* What write mode 0, 2 or 3 puts into plane p, before the map mask. */
static uint8_t plane_data(const struct vga *vga, unsigned p, uint8_t val)
{
    uint8_t mask = vga->gc[GC_BIT_MASK], latch = vga->latch[p], data;
    uint8_t set = vga->gc[GC_SET_RESET] >> p & 1 ? 0xff : 0;

    switch (vga->gc[GC_MODE] & 3) {
    case 0: data = vga->gc[GC_ENABLE_SET_RESET] >> p & 1 ? set : rotate(vga, val); break;
    case 2: data = val >> p & 1 ? 0xff : 0; break;
    default:
        mask &= rotate(vga, val);
        data = set;
        break;
    }
    data = combine(vga, data, latch);
    return (uint8_t)((data & mask) | (latch & ~mask));
}

static void byte_write(struct vga *vga, uint32_t addr, uint8_t val)
{
    uint8_t *bytes;
    unsigned sel;

    if (!decode_map(vga, &addr))
        return;
    if (linear_window(vga)) {
        bytes = linear_byte(vga, addr);
        if (bytes) {
            *bytes = val;
            vga_mark_written(vga, bytes, 1);
        }
        return;
    }
    bytes = planar_bytes(vga, addr, &sel);
    sel &= vga->seq[SEQ_MAP_MASK];
    if (sel)
        vga_mark_written(vga, bytes, 4);
    for (unsigned p = 0; p < 4; p++) {
        if (sel >> p & 1)
            bytes[p] = (vga->gc[GC_MODE] & 3) == 1 ? vga->latch[p] : plane_data(vga, p, val);
    }
}

static uint64_t mem_read(void *opaque, uint64_t off, unsigned size)
{
    uint64_t val = 0;

    for (unsigned k = 0; k < size; k++)
        val |= (uint64_t)byte_read(opaque, (uint32_t)off + k) << (8 * k);
    return val;
}

static void mem_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    for (unsigned k = 0; k < size; k++)
        byte_write(opaque, (uint32_t)off + k, (uint8_t)(val >> (8 * k)));
}

static const struct bus_ops mem_ops = {mem_read, mem_write, 1, 8};

bool vga_mem_map(struct vga *vga, struct bus *bus, GError **err)
{
    bus_region_init(&vga->mem_region, "vga window", WINDOW_SIZE, &mem_ops, vga);
    return bus_map(bus, &vga->mem_region, WINDOW_BASE, err);
}
