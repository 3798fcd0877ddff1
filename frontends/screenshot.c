/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PNG through libpng's simplified interface (libpng manual, section VII); see screenshot.h. */
#include "frontends/screenshot.h"

#include <errno.h>
#include <png.h>
#include <unistd.h>

#include "base/error.h"
#include "base/out_file.h"

/* Packed rows of R, G, B. */
static uint8_t *pack_rgb(const struct vga_surface *s)
{
    uint8_t *rgb = g_malloc((size_t)s->width * s->height * 3), *out = rgb;

    for (unsigned y = 0; y < s->height; y++) {
        const uint32_t *row = s->pixels + y * s->stride;

        for (unsigned x = 0; x < s->width; x++) {
            *out++ = (uint8_t)(row[x] >> 16);
            *out++ = (uint8_t)(row[x] >> 8);
            *out++ = (uint8_t)row[x];
        }
    }
    return rgb;
}

/* Writes the file; `data` NULL: there is nothing to write, errno says why. */
static bool write_file(const char *path, const void *data, size_t len, GError **err)
{
    int fd = data ? out_file_open(path) : -1, e;
    bool ok = fd >= 0 && out_file_write(fd, data, len);

    e = errno;
    if (fd >= 0 && close(fd) && ok) {
        e = errno;
        ok = false;
    }
    if (!ok)
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "cannot write %s: %s", path,
                    g_strerror(e));
    return ok;
}

/* The file's bytes, of *len; NULL with errno. g_free. */
static uint8_t *encode_png(const struct vga_surface *s, const uint8_t *rgb, size_t *len)
{
    png_image image = {
        .version = PNG_IMAGE_VERSION,
        .width = s->width,
        .height = s->height,
        .format = PNG_FORMAT_RGB,
    };
    png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(image);
    uint8_t *png = g_malloc(bytes);

    if (!png_image_write_to_memory(&image, png, &bytes, 0, rgb, 0, NULL)) {
        g_free(png);
        png = NULL;
        errno = EIO;
    }
    *len = bytes;
    png_image_free(&image);
    return png;
}

bool screenshot_write_png(const char *path, const struct vga_surface *s, GError **err)
{
    uint8_t *rgb = pack_rgb(s);
    size_t len;
    uint8_t *png = encode_png(s, rgb, &len);
    bool ok = write_file(path, png, len, err);

    g_free(png);
    g_free(rgb);
    return ok;
}

bool screenshot_write_ppm(const char *path, const struct vga_surface *s, GError **err)
{
    uint8_t *rgb = pack_rgb(s);
    GString *ppm = g_string_new(NULL);
    bool ok;

    g_string_append_printf(ppm, "P6\n%u %u\n255\n", s->width, s->height);
    g_string_append_len(ppm, (const char *)rgb, (gssize)((size_t)s->width * s->height * 3));
    ok = write_file(path, ppm->str, ppm->len, err);
    g_string_free(ppm, TRUE);
    g_free(rgb);
    return ok;
}
