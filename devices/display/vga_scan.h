/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the CRT controller walks video memory: address counter, row scan, split screen. Shared by the
 * renderer and the text view; internal to devices/display/.
 */
#ifndef DEVICES_DISPLAY_VGA_SCAN_H
#define DEVICES_DISPLAY_VGA_SCAN_H

#include "devices/display/vga_render.h"
#include "devices/display/vga_state.h"

/* The walk's constants, decoded from the registers. */
struct vga_scan {
    unsigned cols;      /* characters (groups of 8 or 9 dots) in a line */
    unsigned lines;     /* scan lines */
    unsigned split;     /* the line that begins at address 0 again; beyond `lines`: none */
    unsigned dots;      /* in a character */
    unsigned row_lines; /* scan lines of a character row, 1..32 */
    unsigned repeat;    /* times each row scan is shown: 2 when scan doubling is on */
    unsigned widen;     /* times each dot is shown: 2 at half dot clock */
    uint16_t start;     /* address counter of the first row */
    uint16_t pitch;     /* counter units from row to row */
    unsigned count_shift;
    unsigned pan; /* dots shifted out at the left */
};

void vga_scan_init(const struct vga *vga, struct vga_scan *scan);

/* Planar offset that the address counter c fetches in row scan rs. */
uint32_t vga_scan_addr(const struct vga *vga, uint16_t c, unsigned rs);

static inline bool vga_in_text_mode(const struct vga *vga)
{
    return !vbe_on(vga) && !(vga->gc[GC_MISC] & GC_MISC_GRAPHICS);
}

/* The text cursor as it is shown: in the row scans first..last of the cell that address counter
 * `at` fetches. */
struct vga_cursor {
    uint16_t at;
    uint8_t first, last;
    bool shown;
};

struct vga_cursor vga_scan_cursor(const struct vga *vga, uint64_t frame);

/* Are characters that blink dark in this frame? */
bool vga_scan_blink_off(uint64_t frame);

/* Where the font of attribute bit 3 set (map A) or clear (B) starts in plane 2. */
unsigned vga_scan_font(const struct vga *vga, bool map_a);

/* Draws the visible screen of a VGA mode (not VBE, not blank) into s, which has the right size: all
 * lines, or those that `wanted` says yes of, which is called for each with the address counter and
 * the row scan that it begins at. `palette` maps DAC indices, the mask already applied, to pixels.
 */
void vga_scan_draw(const struct vga *vga, uint64_t frame, const uint32_t palette[256],
                   struct vga_surface *s,
                   bool (*wanted)(void *opaque, unsigned y, uint16_t ma, unsigned rs),
                   void *opaque);

/* --- vga_render.c: the other half --- */

void vga_make_palette(const struct vga *vga, uint32_t palette[256]);

/* Draws line y of a VBE mode into s, which has the right size. */
void vga_vbe_line(const struct vga *vga, const uint32_t *palette, struct vga_surface *s,
                  unsigned y);

/* The bytes of video memory, taken modulo its size, that such a line shows. */
struct vga_bytes {
    size_t at, len;
};

struct vga_bytes vga_vbe_bytes(const struct vga *vga, unsigned width, unsigned y);

#endif
