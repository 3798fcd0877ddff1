/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The adapter as PCI function 1234:1111, a VGA-compatible controller. BAR0 is the linear
 * framebuffer; BAR2 is a page of registers for drivers that leave the legacy ports alone:
 *
 *     0x000  EDID of the monitor, 128 bytes, zeroes up to 0x400
 *     0x400  VGA ports 0x3c0..0x3df
 *     0x500  VBE registers, 16 bits each
 *     0x600  size of this block (8), byte order of the framebuffer
 *
 * Layout as in QEMU's specification of its "standard VGA" (docs/specs/standard-vga).
 */
#include "devices/display/vga_state.h"

#include "base/bits.h"
#include "base/error.h"

#include <stdlib.h>

enum {
    REGS_SIZE = 0x1000,
    REGS_EDID_END = 0x400,
    REGS_VGA = 0x400,
    REGS_VGA_END = 0x420,
    REGS_VBE = 0x500,
    REGS_VBE_END = 0x500 + 2 * (VBE_MEMORY_64K + 1),
    REGS_QEXT = 0x600,
    REGS_QEXT_END = 0x608,
    ROM_MAX = 256 << 10,
};

/* The two words that the byte order register knows. */
#define ORDER_BIG    0xbebebebeu
#define ORDER_LITTLE 0x1e1e1e1eu

static uint8_t regs_byte(struct vga *vga, unsigned off)
{
    if (off < REGS_EDID_END)
        return off < EDID_SIZE ? vga->edid[off] : 0;
    if (off < REGS_VGA_END)
        return vga_io_read(vga, (uint16_t)(0x3c0 + off - REGS_VGA));
    if (off >= REGS_VBE && off < REGS_VBE_END)
        return (uint8_t)(vbe_read(vga, (off - REGS_VBE) / 2) >> (off & 1) * 8);
    if (off >= REGS_QEXT && off < REGS_QEXT_END) {
        uint32_t order = vga->fb_big_endian ? ORDER_BIG : ORDER_LITTLE;

        return (uint8_t)((off & 4 ? order : REGS_QEXT_END - REGS_QEXT) >> (off & 3) * 8);
    }
    return 0xff;
}

static uint64_t regs_read(void *opaque, uint64_t off, unsigned size)
{
    uint64_t val = 0;

    for (unsigned k = 0; k < size; k++)
        val |= (uint64_t)regs_byte(opaque, (unsigned)off + k) << (8 * k);
    return val;
}

static void regs_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct vga *vga = opaque;

    if (off >= REGS_VGA && off + size <= REGS_VGA_END) {
        for (unsigned k = 0; k < size; k++)
            vga_io_write(vga, (uint16_t)(0x3c0 + off - REGS_VGA + k), (uint8_t)(val >> (8 * k)));
    } else if (off >= REGS_VBE && off + size <= REGS_VBE_END && size >= 2 && !(off & 1)) {
        for (unsigned k = 0; k < size; k += 2)
            vbe_write(vga, (unsigned)(off - REGS_VBE + k) / 2, (uint16_t)(val >> (8 * k)));
    } else if (off == REGS_QEXT + 4 && size == 4) {
        if (val == ORDER_BIG || val == ORDER_LITTLE)
            vga->fb_big_endian = val == ORDER_BIG;
    }
}

static const struct bus_ops regs_ops = {regs_read, regs_write, 1, 4};

/* The ROM image in memory of its own, padded to a power of two. */
static bool copy_rom(struct vga *vga, const void *rom, size_t len, GError **err)
{
    size_t size = 4096;

    if (len > ROM_MAX) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE,
                    "the video BIOS has %zu bytes: more than %d KiB", len, ROM_MAX >> 10);
        return false;
    }
    while (size < len)
        size *= 2;
    vga->rom = aligned_alloc(4096, size);
    if (!vga->rom) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_HOST, "no memory for the video BIOS");
        return false;
    }
    memset(vga->rom, 0xff, size);
    memcpy(vga->rom, rom, len);
    pci_rom_init(&vga->pci, size, vga->rom);
    return true;
}

bool vga_pci_attach(struct vga *vga, struct pci_bus *bus, uint8_t devfn, const void *rom,
                    size_t rom_len, GError **err)
{
    invariant(!vga->on_pci);
    pci_device_init(&vga->pci, "vga", 0x1234, 0x1111, 0x030000, 2, 0, vga);
    pci_bar_init_ram(&vga->pci, 0, vga->vram_size, vga->vram, true);
    if (!vga->no_mmio)
        pci_bar_init(&vga->pci, 2, false, REGS_SIZE, &regs_ops, vga);
    if (rom_len && !copy_rom(vga, rom, rom_len, err))
        return false;
    if (!pci_attach(bus, &vga->pci, devfn, err))
        return false;
    vga->on_pci = true;
    return true;
}
