/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A picture of the screen that is kept up to date: what vga_render() would draw, but each refresh
 * draws only the lines that may have become others since the one before. An idle screen costs a
 * look at the dirty log and at the registers.
 *
 * A line is drawn anew when the video memory that it shows was written: through the linear
 * framebuffer, whose writes the board logs a page at a time (struct vga_log), or through the
 * adapter's own window; when the cursor comes, goes or blinks in it, or its characters blink. All
 * are drawn anew when anything else changes that the picture depends on: mode, start, pitch,
 * palette, font.
 *
 * All calls with the device lock held.
 */
#ifndef DEVICES_DISPLAY_VGA_VIEW_H
#define DEVICES_DISPLAY_VGA_VIEW_H

#include "devices/display/vga_render.h"

struct vga_view;

/* Lines first..first+n-1. */
struct vga_run {
    unsigned first, n;
};

/* A view of the adapter, with no picture yet. The adapter outlives it; any number may be open, and
 * while there is one writes are logged. */
struct vga_view *vga_view_new(struct vga *vga);
void vga_view_free(struct vga_view *v);

/* Brings the picture to frame number `frame`. What vga_render() draws then, but that a screen which
 * is switched off keeps the size it had before, as in every change of mode for a moment. True when
 * anything was drawn. */
bool vga_view_refresh(struct vga_view *v, uint64_t frame);

/* The picture; and which lines of it the last refresh drew: *n runs from the top down, apart from
 * each other. Good until the next refresh. */
const struct vga_surface *vga_view_picture(const struct vga_view *v);
const struct vga_run *vga_view_runs(const struct vga_view *v, unsigned *n);

#endif
