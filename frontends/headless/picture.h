/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pictures of the screen: their sum, and how far one is from another that was stored as PNG. */
#ifndef FRONTENDS_HEADLESS_PICTURE_H
#define FRONTENDS_HEADLESS_PICTURE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/display/vga_render.h"

/* SHA-256 of "WIDTHxHEIGHT\n" and the pixels' R, G, B; g_free. */
char *picture_sum(const struct vga_surface *s);

struct picture_like {
    const char *file, *mask; /* PNGs of one size; what the mask has black may differ; NULL: none */
    unsigned tolerance;      /* by which a colour of a pixel may differ */
    uint64_t pixels;         /* that may differ by more */
};

/* 1 when the picture is like that; 0 when not, with *why (g_free) in words; -1 with an error when a
 * file is no good. */
int picture_compare(const struct vga_surface *s, const struct picture_like *like, char **why,
                    GError **err);

#endif
