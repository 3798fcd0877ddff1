/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A picture of the screen as a PNG or PPM file. */
#ifndef FRONTENDS_SCREENSHOT_H
#define FRONTENDS_SCREENSHOT_H

#include <glib.h>
#include <stdbool.h>

#include "devices/display/vga_render.h"

/* Writes the surface to `path` (8-bit RGB), replacing what is there. False with an error that names
 * the file. Needs no lock: the surface is the caller's. */
bool screenshot_write_png(const char *path, const struct vga_surface *s, GError **err);

/* The same as a binary PPM (P6) file. */
bool screenshot_write_ppm(const char *path, const struct vga_surface *s, GError **err);

#endif
