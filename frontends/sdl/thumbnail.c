/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See thumbnail.h. PNGs are read through libpng's simplified interface (manual, section VII). */
#include "frontends/sdl/thumbnail.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <png.h>

#include "base/error.h"
#include "frontends/screenshot.h"

#define MAX_SIDE 1024u

/* The mean of the pixels that one of the small picture covers. */
static uint32_t mean(const struct vga_surface *s, unsigned x0, unsigned x1, unsigned y0,
                     unsigned y1)
{
    uint32_t r = 0, g = 0, b = 0, n = (x1 - x0) * (y1 - y0);

    for (unsigned y = y0; y < y1; y++) {
        for (unsigned x = x0; x < x1; x++) {
            uint32_t p = s->pixels[y * s->stride + x];

            r += p >> 16 & 0xff;
            g += p >> 8 & 0xff;
            b += p & 0xff;
        }
    }
    return (r / n) << 16 | (g / n) << 8 | b / n;
}

static void shrink(const struct vga_surface *s, struct vga_surface *out)
{
    for (unsigned y = 0; y < out->height; y++) {
        unsigned y0 = y * s->height / out->height, y1 = (y + 1) * s->height / out->height;

        for (unsigned x = 0; x < out->width; x++) {
            unsigned x0 = x * s->width / out->width, x1 = (x + 1) * s->width / out->width;

            out->pixels[y * out->stride + x] =
                mean(s, x0, x1 > x0 ? x1 : x0 + 1, y0, y1 > y0 ? y1 : y0 + 1);
        }
    }
}

bool thumbnail_write(const char *path, const struct vga_surface *s, GError **err)
{
    struct vga_surface small = {.width = THUMBNAIL_WIDTH, .height = THUMBNAIL_HEIGHT};
    g_autofree char *fresh = g_strdup_printf("%s.new", path);
    bool ok;

    if (!s->width || !s->height)
        return true; /* there has been no screen yet */
    if (s->width * THUMBNAIL_HEIGHT > s->height * THUMBNAIL_WIDTH)
        small.height = MAX(s->height * THUMBNAIL_WIDTH / s->width, 1);
    else
        small.width = MAX(s->width * THUMBNAIL_HEIGHT / s->height, 1);
    small.stride = small.width;
    small.pixels = g_new(uint32_t, (gsize)small.width * small.height);
    shrink(s, &small);
    ok = screenshot_write_png(fresh, &small, err);
    if (ok && g_rename(fresh, path) < 0) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "cannot write %s: %s", path,
                    g_strerror(errno));
        g_unlink(fresh);
        ok = false;
    }
    g_free(small.pixels);
    return ok;
}

uint32_t *thumbnail_read(const char *path, unsigned *w, unsigned *h)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    uint32_t *pixels = NULL;

    if (png_image_begin_read_from_file(&image, path) && image.width && image.height &&
        image.width <= MAX_SIDE && image.height <= MAX_SIDE) {
        image.format = PNG_FORMAT_BGRA; /* as bytes: 0xAARRGGBB on this host */
        pixels = g_malloc(PNG_IMAGE_SIZE(image));
        if (!png_image_finish_read(&image, NULL, pixels, 0, NULL))
            g_clear_pointer(&pixels, g_free);
        *w = image.width;
        *h = image.height;
    }
    png_image_free(&image);
    return pixels;
}
