/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See picture.h. PNGs are read through libpng's simplified interface (manual, section VII). */
#include "frontends/headless/picture.h"

#include <inttypes.h>
#include <png.h>
#include <stdlib.h>

#include "base/error.h"

#define MAX_SIDE 8192u

/* R, G, B of row y. */
static void pack_row(const struct vga_surface *s, unsigned y, uint8_t *rgb)
{
    const uint32_t *row = s->pixels + y * s->stride;

    for (unsigned x = 0; x < s->width; x++) {
        *rgb++ = (uint8_t)(row[x] >> 16);
        *rgb++ = (uint8_t)(row[x] >> 8);
        *rgb++ = (uint8_t)row[x];
    }
}

char *picture_sum(const struct vga_surface *s)
{
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    char *size = g_strdup_printf("%ux%u\n", s->width, s->height), *out;
    uint8_t *rgb = g_malloc((size_t)s->width * 3);

    g_checksum_update(sum, (const guchar *)size, -1);
    for (unsigned y = 0; y < s->height; y++) {
        pack_row(s, y, rgb);
        g_checksum_update(sum, rgb, (gssize)s->width * 3);
    }
    out = g_strdup(g_checksum_get_string(sum));
    g_checksum_free(sum);
    g_free(size);
    g_free(rgb);
    return out;
}

/* Reads a PNG as RGB; NULL with an error. */
static uint8_t *load(const char *path, png_image *image, GError **err)
{
    uint8_t *rgb = NULL;

    *image = (png_image){.version = PNG_IMAGE_VERSION};
    if (png_image_begin_read_from_file(image, path)) {
        image->format = PNG_FORMAT_RGB;
        if (image->width <= MAX_SIDE && image->height <= MAX_SIDE) {
            rgb = g_malloc(PNG_IMAGE_SIZE(*image));
            if (!png_image_finish_read(image, NULL, rgb, 0, NULL))
                g_clear_pointer(&rgb, g_free);
        }
    }
    if (!rgb)
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "cannot read %s: %s", path,
                    *image->message ? image->message : "too large");
    png_image_free(image);
    return rgb;
}

/* Pixels that differ by more than the tolerance where the mask (NULL: everywhere) is not black. */
static uint64_t differing(const struct vga_surface *s, const uint8_t *other, const uint8_t *mask,
                          unsigned tolerance)
{
    uint8_t *row = g_malloc((size_t)s->width * 3);
    uint64_t n = 0;

    for (unsigned y = 0; y < s->height; y++) {
        const size_t at = (size_t)y * s->width * 3;

        pack_row(s, y, row);
        for (unsigned x = 0; x < s->width * 3; x += 3) {
            bool same = true;

            for (unsigned c = 0; c < 3; c++)
                same &= abs(row[x + c] - other[at + x + c]) <= (int)tolerance;
            if (mask && !mask[at + x] && !mask[at + x + 1] && !mask[at + x + 2])
                same = true;
            n += !same;
        }
    }
    g_free(row);
    return n;
}

static int judge(const struct vga_surface *s, const struct picture_like *like,
                 const png_image *image, const uint8_t *rgb, const uint8_t *mask, char **why)
{
    uint64_t n;

    if (image->width != s->width || image->height != s->height) {
        *why = g_strdup_printf("the screen has %ux%u pixels, the picture %ux%u", s->width,
                               s->height, image->width, image->height);
        return 0;
    }
    n = differing(s, rgb, mask, like->tolerance);
    if (n <= like->pixels)
        return 1;
    *why = g_strdup_printf("%" PRIu64 " pixels differ", n);
    return 0;
}

int picture_compare(const struct vga_surface *s, const struct picture_like *like, char **why,
                    GError **err)
{
    png_image image, mask_image;
    uint8_t *rgb = load(like->file, &image, err), *mask = NULL;
    int ok = -1;

    if (rgb && like->mask)
        mask = load(like->mask, &mask_image, err);
    if (mask && (mask_image.width != image.width || mask_image.height != image.height))
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "%s has another size than %s",
                    like->mask, like->file);
    else if (rgb && (mask || !like->mask))
        ok = judge(s, like, &image, rgb, mask, why);
    g_free(rgb);
    g_free(mask);
    return ok;
}
