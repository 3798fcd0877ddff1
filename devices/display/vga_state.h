/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The adapter's state and what its parts call of one another. Only devices/display/ (and its tests)
 * include this.
 *
 * Video memory is kept the way both views of it are cheap: byte 4*n+p is offset n of plane p, and
 * the linear framebuffer is the same bytes in order. The planar VGA proper sees the first 256 KiB.
 */
#ifndef DEVICES_DISPLAY_VGA_STATE_H
#define DEVICES_DISPLAY_VGA_STATE_H

#include "devices/display/edid.h"
#include "devices/display/vga.h"
#include "devices/irq.h"
#include "devices/pci/pci.h"

enum {
    VGA_SEQ_COUNT = 5,
    VGA_CRTC_COUNT = 0x19,
    VGA_GC_COUNT = 9,
    VGA_ATTR_COUNT = 0x15,
    VGA_NUM_PORT_RANGES = 5,
    VGA_PLANE_SIZE = 0x10000, /* bytes of one plane that legacy addresses reach */
    VGA_PAGE_SHIFT = 12,      /* of what is marked as written */
};

/* Sequencer, by index. */
enum {
    SEQ_RESET = 0,
    SEQ_CLOCK = 1,    /* 0: 8 dots a character, 3: half the dot clock, 5: screen off */
    SEQ_MAP_MASK = 2, /* planes that writes reach */
    SEQ_CHAR_MAP = 3, /* which fonts attribute bit 3 selects */
    SEQ_MEM_MODE = 4, /* 1: more than 64K, 2: odd/even off, 3: chain 4 */
    SEQ_CLOCK_8DOT = 1 << 0,
    SEQ_CLOCK_HALF = 1 << 3,
    SEQ_CLOCK_OFF = 1 << 5,
    SEQ_MEM_SEQUENTIAL = 1 << 2,
    SEQ_MEM_CHAIN4 = 1 << 3,
};

/* CRT controller, by index (those that the code names). */
enum {
    CRTC_HTOTAL = 0x00,
    CRTC_HDISP = 0x01,
    CRTC_VTOTAL = 0x06,
    CRTC_OVERFLOW = 0x07,
    CRTC_PRESET_ROW = 0x08,
    CRTC_MAX_ROW = 0x09,
    CRTC_CURSOR_START = 0x0a,
    CRTC_CURSOR_END = 0x0b,
    CRTC_START_HI = 0x0c,
    CRTC_START_LO = 0x0d,
    CRTC_CURSOR_HI = 0x0e,
    CRTC_CURSOR_LO = 0x0f,
    CRTC_VRETRACE_START = 0x10,
    CRTC_VRETRACE_END = 0x11, /* 7: protects 0-7 */
    CRTC_VDISP = 0x12,
    CRTC_OFFSET = 0x13,
    CRTC_UNDERLINE = 0x14,
    CRTC_MODE = 0x17,
    CRTC_LINE_COMPARE = 0x18,
    CRTC_VINT_NOT_CLEAR = 1 << 4,  /* in 0x11 */
    CRTC_VINT_OFF = 1 << 5,        /* likewise */
    CRTC_MODE_HALF_LINES = 1 << 2, /* in 0x17: vertical values count pairs of lines */
    CRTC_MODE_SYNC = 1 << 7,       /* likewise: retraces reach the monitor */
    /* read only, and not in IBM's reference, but in its chip and all those after it */
    CRTC_LATCH = 0x22,     /* the graphics controller's latch of the read plane */
    CRTC_FLIP_FLOP = 0x24, /* 7: the next write to 0x3c0 is data */
    CRTC_ATTR_INDEX = 0x26,
};

/* Graphics controller, by index. */
enum {
    GC_SET_RESET = 0,
    GC_ENABLE_SET_RESET = 1,
    GC_COMPARE = 2,
    GC_ROTATE = 3,
    GC_READ_MAP = 4,
    GC_MODE = 5,
    GC_MISC = 6,
    GC_DONT_CARE = 7,
    GC_BIT_MASK = 8,
    GC_MODE_READ1 = 1 << 3,
    GC_MODE_ODD_EVEN = 1 << 4,
    GC_MODE_SHIFT_CGA = 1 << 5,
    GC_MODE_SHIFT_256 = 1 << 6,
    GC_MISC_GRAPHICS = 1 << 0,
    GC_MISC_CHAIN_OE = 1 << 1,
};

/* Attribute controller, by index. */
enum {
    ATTR_MODE = 0x10,
    ATTR_OVERSCAN = 0x11,
    ATTR_PLANES = 0x12,
    ATTR_PAN = 0x13,
    ATTR_COLOR = 0x14,
    ATTR_PAS = 1 << 5, /* in the index: the palette belongs to the screen */
    ATTR_MODE_LINE_GFX = 1 << 2,
    ATTR_MODE_BLINK = 1 << 3,
    ATTR_MODE_PAN_COMPAT = 1 << 5,
    ATTR_MODE_PIXEL8 = 1 << 6, /* a pixel is two dots of four bits each */
    ATTR_MODE_P54S = 1 << 7,
};

enum {
    MISC_COLOR = 1 << 0,
    MISC_RAM = 1 << 1,
};

/* Bochs VBE registers, by index. */
enum {
    VBE_ID,
    VBE_XRES,
    VBE_YRES,
    VBE_BPP,
    VBE_ENABLE,
    VBE_BANK,
    VBE_VIRT_WIDTH,
    VBE_VIRT_HEIGHT,
    VBE_X_OFFSET,
    VBE_Y_OFFSET,
    VBE_COUNT,
    VBE_MEMORY_64K = VBE_COUNT, /* read only, computed */
    VBE_ID0 = 0xb0c0,
    VBE_ID5 = 0xb0c5,
    VBE_EN_ENABLED = 1 << 0,
    VBE_EN_GETCAPS = 1 << 1,
    VBE_EN_8BIT_DAC = 1 << 5,
    VBE_EN_LFB = 1 << 6,
    VBE_EN_NOCLEAR = 1 << 7,
    VBE_MAX_XRES = 2560,
    VBE_MAX_YRES = 1600,
};

/* One claimed range of ports; the bus gives handlers only an offset. */
struct vga_ports {
    struct vga *vga;
    uint16_t base;
    struct bus_region region;
};

struct vga {
    struct device dev;

    /* Wiring, set once. */
    struct vclock *clock;
    struct vga_ports ports[VGA_NUM_PORT_RANGES];
    struct bus_region vbe_region;
    struct bus_region mem_region;
    uint8_t *vram;
    size_t vram_size;        /* a power of two */
    void *vram_map;          /* vram and an unreadable page on each side */
    uint8_t edid[EDID_SIZE]; /* zeroes: there is none */
    struct pci_device pci;   /* its configuration space is state */
    bool no_mmio;            /* as in its configuration */
    bool on_pci;
    uint8_t *rom;
    struct vga_log log;
    struct irq_line irq;  /* the vertical interrupt's */
    struct timer retrace; /* armed while it is wanted and not there */

    /* For the views (vga_view.c): pages of video memory that the adapter itself has written, a bit
     * each, since they were given to all views. */
    uint64_t *written;
    size_t written_words;
    struct vga_view *views;

    /* Guest-visible state. */
    uint8_t enabled; /* port 0x3c3, bit 0: the adapter answers at its other addresses */
    uint8_t misc;
    uint8_t feature;
    uint8_t seq_index;
    uint8_t seq[VGA_SEQ_COUNT];
    uint8_t crtc_index;
    uint8_t crtc[VGA_CRTC_COUNT];
    uint16_t start;   /* the start address that was shown … */
    int64_t start_ns; /* … when it was programmed anew: the next retrace takes that */
    uint8_t vint;     /* a vertical interrupt is requested */
    uint8_t gc_index;
    uint8_t gc[VGA_GC_COUNT];
    uint8_t attr_index; /* with ATTR_PAS */
    uint8_t attr_data;  /* the flip-flop: the next write to 0x3c0 is data */
    uint8_t attr[VGA_ATTR_COUNT];
    uint8_t dac_mask;
    uint8_t dac_reading; /* what 0x3c7 answers: 3 after a read index, 0 after a write index */
    uint8_t dac_index;   /* the entry being read or written */
    uint8_t dac_step;    /* which of its three components is next */
    uint8_t dac_latch[3];
    uint8_t dac[256 * 3]; /* 6 bits a component, or 8 while VBE says so */
    uint8_t latch[4];     /* the graphics controller's, a byte a plane */
    uint16_t vbe_index;
    uint16_t vbe[VBE_COUNT];
    uint32_t fb_big_endian; /* the framebuffer's order, by the qext register */
};

/* len bytes at p in video memory, at least one, have been written. */
static inline void vga_mark_written(struct vga *vga, const uint8_t *p, size_t len)
{
    size_t at = (size_t)(p - vga->vram);

    for (size_t k = at >> VGA_PAGE_SHIFT; k <= (at + len - 1) >> VGA_PAGE_SHIFT; k++)
        vga->written[k / 64] |= UINT64_C(1) << k % 64;
}

/* --- vga_regs.c --- */

/* One byte at a VGA port (0x3b0..0x3df), from the port bus or the PCI register window. */
uint8_t vga_io_read(struct vga *vga, uint16_t port);
void vga_io_write(struct vga *vga, uint16_t port, uint8_t val);
bool vga_ports_map(struct vga *vga, struct bus *bus, GError **err);

/* --- vga_mem.c --- */
bool vga_mem_map(struct vga *vga, struct bus *bus, GError **err);

/* --- vga_retrace.c --- */

/* Bits 0 (not displaying) and 3 (vertical retrace) of input status 1 at this moment. */
uint8_t vga_retrace_bits(const struct vga *vga);

/* The start address of the frame that is shown: what was programmed before its retrace. */
uint16_t vga_start_address(const struct vga *vga);
/* To be called before a start address register changes. */
void vga_start_changes(struct vga *vga);
/* What is programmed is shown at once. */
void vga_start_now(struct vga *vga);

/* Brings the vertical interrupt's line and timer up to the registers: after any has changed that it
 * depends on. */
void vga_vint_update(struct vga *vga);
/* Once, with the clock known. */
void vga_retrace_init(struct vga *vga);

/* --- vbe.c --- */
bool vbe_map(struct vga *vga, struct bus *bus, GError **err);
uint16_t vbe_read(const struct vga *vga, unsigned index);
void vbe_write(struct vga *vga, unsigned index, uint16_t val);
/* Makes every VBE register legal again; after a write and after a snapshot was loaded. */
void vbe_fix(struct vga *vga);
/* Bytes from one line to the next; in 4 bpp, of all four planes together. */
uint32_t vbe_pitch(const struct vga *vga);

static inline bool vbe_on(const struct vga *vga)
{
    return vga->vbe[VBE_ENABLE] & VBE_EN_ENABLED;
}

/* The four planes at planar offset n (taken modulo the video memory). */
static inline uint8_t *vga_planes(const struct vga *vga, uint32_t n)
{
    return vga->vram + (((size_t)n * 4) & (vga->vram_size - 1));
}

/* Vertical display end and line compare are ten bits kept in three registers. */
static inline unsigned vga_vdisp(const struct vga *vga)
{
    uint8_t ovf = vga->crtc[CRTC_OVERFLOW];

    return vga->crtc[CRTC_VDISP] | (ovf & 0x02) << 7 | (ovf & 0x40) << 3;
}

static inline unsigned vga_line_compare(const struct vga *vga)
{
    return vga->crtc[CRTC_LINE_COMPARE] | (vga->crtc[CRTC_OVERFLOW] & 0x10) << 4 |
           (vga->crtc[CRTC_MAX_ROW] & 0x40) << 3;
}

#endif
