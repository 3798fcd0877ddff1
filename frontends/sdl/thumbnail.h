/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small pictures of screens: what the library shows of a machine. */
#ifndef FRONTENDS_SDL_THUMBNAIL_H
#define FRONTENDS_SDL_THUMBNAIL_H

#include <glib.h>
#include <stdbool.h>

#include "devices/display/vga_render.h"

#define THUMBNAIL_WIDTH  320u
#define THUMBNAIL_HEIGHT 240u

/* Writes the picture, shrunk into THUMBNAIL_WIDTH x THUMBNAIL_HEIGHT, as a PNG in place of the one
 * that is there, all at once. False with an error. */
bool thumbnail_write(const char *path, const struct vga_surface *s, GError **err);

/* Reads a PNG of at most 1024x1024 as pixels of 0x00RRGGBB, rows behind each other; g_free. NULL
 * when it is none. */
uint32_t *thumbnail_read(const char *path, unsigned *w, unsigned *h);

#endif
