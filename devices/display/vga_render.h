/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the monitor shows: any mode of the adapter as 32-bit XRGB pixels. A pure function of the
 * adapter's state and a frame number, so that a window, a screenshot and a test see the same.
 *
 * The picture has the monitor's proportions: low resolution modes come doubled, as the CRTC scans
 * them (320x200 is 640x400, 40-column text 720x400). The border is not shown.
 *
 * All calls with the device lock held.
 */
#ifndef DEVICES_DISPLAY_VGA_RENDER_H
#define DEVICES_DISPLAY_VGA_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/display/vga.h"

enum vga_screen_kind {
    VGA_SCREEN_BLANK, /* switched off, or nothing programmed yet */
    VGA_SCREEN_TEXT,
    VGA_SCREEN_CGA,    /* two bits a pixel */
    VGA_SCREEN_PLANAR, /* four planes */
    VGA_SCREEN_256,    /* eight bits a pixel: mode 13h and its unchained relatives */
    VGA_SCREEN_VBE,
};

struct vga_screen {
    enum vga_screen_kind kind;
    unsigned width, height; /* pixels; at least 8 x 1, at most 4608 x 2048 */
    unsigned depth;         /* bits a pixel; 0 for text */
};

/* A picture: `width` x `height` pixels 0x00RRGGBB, rows `stride` pixels apart. */
struct vga_surface {
    unsigned width, height;
    size_t stride;
    size_t capacity; /* pixels allocated */
    uint32_t *pixels;
};

/* What is on the screen now. A blank screen says 640x400. */
struct vga_screen vga_screen_info(const struct vga *vga);

/* Makes the surface (zeroed, or used before) hold width x height; contents undefined after a change
 * of size. The pixels belong to the surface. */
void vga_surface_fit(struct vga_surface *s, unsigned width, unsigned height);
void vga_surface_free(struct vga_surface *s);

/* Fits the surface to the screen and draws it as in frame number `frame` (see vga_frame()), which
 * decides what blinks. */
void vga_render(const struct vga *vga, uint64_t frame, struct vga_surface *s);

#endif
