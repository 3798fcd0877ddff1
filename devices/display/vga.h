/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The display adapter: an IBM VGA with the Bochs VBE extension, as a plain pair of bus clients and,
 * when attached to a PCI bus, as function 1234:1111 with a linear framebuffer. This header is what
 * a board and the front ends see; vga_state.h is what the parts of the adapter share.
 *
 * All calls with the device lock held unless said otherwise.
 */
#ifndef DEVICES_DISPLAY_VGA_H
#define DEVICES_DISPLAY_VGA_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "devices/bus.h"
#include "devices/device.h"
#include "devices/display/edid.h"
#include "devices/irq.h"

struct vga;
struct pci_bus;

/* Who knows what was written through the linear framebuffer, which no handler sees. */
struct vga_log {
    void *opaque;
    /* From now on writes are logged, or no longer. */
    void (*start)(void *opaque, bool on);
    /* Sets in `pages` the bits of those pages of video memory that were written since it was asked
     * last, or since the log began; what is read after that is what was written. */
    void (*harvest)(void *opaque, uint64_t *pages);
};

struct vga_config {
    struct vclock *clock;    /* retrace bits and blinking follow it */
    struct bus *port;        /* 0x1ce-0x1d1, 0x3b4-0x3b5, 0x3ba, 0x3c0-0x3cf, 0x3d4-0x3d5, 0x3da */
    struct bus *mmio;        /* 0xa0000-0xbffff */
    unsigned vram_mib;       /* video memory: a power of two, 1 to 256; 0 means 16 */
    bool no_edid;            /* the monitor does not describe itself */
    struct edid_config edid; /* how it does; zeroed: 1280x800 preferred, 2560x1600 at most */
    bool no_mmio;            /* no BAR2: software has the legacy ports alone */
    struct vga_log log;      /* zeroed: nothing but the adapter itself writes video memory */
    struct irq_line irq;     /* the vertical interrupt */
};

/* Builds the adapter in its power-on state and claims its ports and memory window. NULL with an
 * error when a size is out of range, memory is short or an address is taken. Freed by
 * device_destroy(). The clock and the buses must outlive it. */
struct vga *vga_new(const struct vga_config *cfg, GError **err);

/* Puts the adapter on a PCI bus at devfn: BAR0 the framebuffer as RAM, BAR2 the registers
 * (but with no_mmio), and
 * `rom` (copied; up to 256 KiB; NULL and 0 for none) as expansion ROM. At most once, before the
 * machine runs. */
bool vga_pci_attach(struct vga *vga, struct pci_bus *bus, uint8_t devfn, const void *rom,
                    size_t rom_len, GError **err);

/* The device to list on the board. */
struct device *vga_device(struct vga *vga);

/* The video memory, *len bytes, page aligned, alive as long as the adapter. It is not in the state
 * table: a snapshot saves it as a RAM block. */
void *vga_vram(struct vga *vga, size_t *len);

/* Video memory was written by somebody else than the guest: a snapshot that was loaded. */
void vga_vram_loaded(struct vga *vga);

/* Frames scanned out since the clock began, at a nominal 70 a second: the phase of blinking. */
uint64_t vga_frame(const struct vga *vga);

/* Leaves the adapter as a video BIOS leaves it in mode 3 (80x25 colour text, cleared), for boards
 * that start a kernel without firmware. The 8x16 font is taken out of the video BIOS image `rom`
 * when one is found there; without it the screen has text but no glyphs. */
void vga_boot_text_mode(struct vga *vga, const void *rom, size_t rom_len);

#endif
