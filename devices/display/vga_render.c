/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The screen's size and kind, the DAC's palette, and the VBE modes; vga_scan.c draws what the CRTC
 * scans. See vga_render.h.
 */
#include "devices/display/vga_render.h"

#include "base/bits.h"
#include "devices/display/vga_convert.h"
#include "devices/display/vga_scan.h"

/* The sequencer runs and is not told to keep the screen dark, and the monitor gets its pulses. */
static bool is_lit(const struct vga *vga)
{
    return (vga->seq[SEQ_RESET] & 3) == 3 && !(vga->seq[SEQ_CLOCK] & SEQ_CLOCK_OFF) &&
           vga->crtc[CRTC_MODE] & CRTC_MODE_SYNC;
}

struct vga_screen vga_screen_info(const struct vga *vga)
{
    struct vga_screen screen = {VGA_SCREEN_BLANK, 640, 400, 0};
    struct vga_scan scan;

    if (!(vga->attr_index & ATTR_PAS))
        return screen;
    if (vbe_on(vga)) {
        /* bounded again, although vbe_fix() keeps them legal: surfaces are made from this */
        screen.kind = VGA_SCREEN_VBE;
        screen.width = CLAMP(vga->vbe[VBE_XRES], 8, VBE_MAX_XRES);
        screen.height = CLAMP(vga->vbe[VBE_YRES], 1, VBE_MAX_YRES);
        screen.depth = vga->vbe[VBE_BPP];
        return screen;
    }
    vga_scan_init(vga, &scan);
    if (!is_lit(vga) || scan.lines < 16 || scan.cols < 8)
        return screen;
    screen.width = scan.cols * scan.dots * scan.widen;
    screen.height = scan.lines;
    if (vga_in_text_mode(vga)) {
        screen.kind = VGA_SCREEN_TEXT;
    } else if (vga->attr[ATTR_MODE] & ATTR_MODE_PIXEL8) {
        screen.kind = VGA_SCREEN_256;
        screen.depth = 8;
    } else if (vga->gc[GC_MODE] & GC_MODE_SHIFT_256) {
        screen.kind = VGA_SCREEN_PLANAR; /* all colours, but in a plane after the other */
        screen.depth = 4;
    } else if (vga->gc[GC_MODE] & GC_MODE_SHIFT_CGA) {
        screen.kind = VGA_SCREEN_CGA;
        screen.depth = 2;
    } else {
        screen.kind = VGA_SCREEN_PLANAR;
        screen.depth = 4;
    }
    return screen;
}

void vga_surface_fit(struct vga_surface *s, unsigned width, unsigned height)
{
    size_t need = (size_t)width * height;

    if (need > s->capacity) {
        g_free(s->pixels);
        s->pixels = g_new0(uint32_t, need);
        s->capacity = need;
    }
    s->width = width;
    s->height = height;
    s->stride = width;
}

void vga_surface_free(struct vga_surface *s)
{
    g_free(s->pixels);
    *s = (struct vga_surface){0};
}

/* Six bits stretched over eight, so that 63 is white. */
static uint32_t stretch6(uint8_t v)
{
    v &= 0x3f;
    return (uint32_t)(v << 2 | v >> 4);
}

void vga_make_palette(const struct vga *vga, uint32_t palette[256])
{
    bool wide = vga->vbe[VBE_ENABLE] & VBE_EN_8BIT_DAC;

    for (unsigned n = 0; n < 256; n++) {
        const uint8_t *c = vga->dac + 3 * (n & vga->dac_mask);

        if (wide)
            palette[n] = (uint32_t)c[0] << 16 | (uint32_t)c[1] << 8 | c[2];
        else
            palette[n] = stretch6(c[0]) << 16 | stretch6(c[1]) << 8 | stretch6(c[2]);
    }
}

/* --- VBE --- */

/* A line of 16-colour VBE; `first` is the planar offset of the line, the pixels start at x0 in it.
 */
static void planar_line(const struct vga *vga, uint32_t first, unsigned x0, const uint32_t *palette,
                        uint32_t *dst, unsigned width)
{
    uint32_t color[16];

    for (unsigned c = 0; c < 16; c++)
        color[c] = palette[vga->attr[c & vga->attr[ATTR_PLANES]] & 0x3f];
    for (unsigned x = 0; x < width;) {
        uint8_t dots[8];

        vga_dots_planar(vga_planes(vga, first + (x0 + x) / 8), dots);
        for (unsigned k = (x0 + x) & 7; k < 8 && x < width; k++)
            dst[x++] = color[dots[k]];
    }
}

void vga_vbe_line(const struct vga *vga, const uint32_t *palette, struct vga_surface *s, unsigned y)
{
    unsigned bpp = vga->vbe[VBE_BPP];
    uint32_t *dst = s->pixels + y * s->stride;
    struct vga_bytes b = vga_vbe_bytes(vga, s->width, y);

    if (bpp == 4)
        planar_line(vga, (uint32_t)((vga->vbe[VBE_Y_OFFSET] + y) * (vbe_pitch(vga) / 4)),
                    vga->vbe[VBE_X_OFFSET], palette, dst, s->width);
    else if (b.at + b.len <= vga->vram_size)
        vga_convert_line(vga->vram + b.at, bpp, vga->fb_big_endian, palette, dst, s->width);
    else
        memset(dst, 0, s->width * sizeof(*dst));
}

struct vga_bytes vga_vbe_bytes(const struct vga *vga, unsigned width, unsigned y)
{
    unsigned bpp = vga->vbe[VBE_BPP], x0 = vga->vbe[VBE_X_OFFSET];
    unsigned bytes = bpp == 15 ? 2 : bpp / 8;
    size_t line = (vga->vbe[VBE_Y_OFFSET] + (size_t)y) * vbe_pitch(vga);

    if (bpp == 4) /* from byte to byte of all four planes */
        return (struct vga_bytes){line + x0 / 8 * 4, ((x0 + width + 7) / 8 - x0 / 8) * 4};
    return (struct vga_bytes){line + (size_t)x0 * bytes, (size_t)width * bytes};
}

void vga_render(const struct vga *vga, uint64_t frame, struct vga_surface *s)
{
    struct vga_screen screen = vga_screen_info(vga);
    uint32_t palette[256];

    vga_surface_fit(s, screen.width, screen.height);
    vga_make_palette(vga, palette);
    if (screen.kind == VGA_SCREEN_BLANK)
        memset(s->pixels, 0, s->stride * s->height * sizeof(*s->pixels));
    for (unsigned y = 0; screen.kind == VGA_SCREEN_VBE && y < s->height; y++)
        vga_vbe_line(vga, palette, s, y);
    if (screen.kind != VGA_SCREEN_BLANK && screen.kind != VGA_SCREEN_VBE)
        vga_scan_draw(vga, frame, palette, s, NULL, NULL);
}
