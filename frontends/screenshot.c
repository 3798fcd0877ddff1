/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PNG through libpng's simplified interface (libpng manual, section VII); see screenshot.h. */
#include "frontends/screenshot.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <png.h>
#include <stdio.h>
#include <string.h>

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

/* Does not wait for whom a pipe has at its other end: a machine may stand meanwhile. */
static FILE *create(const char *path)
{
    int fd;

    errno = 0;
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC, 0666);
    return fd >= 0 ? fdopen(fd, "wb") : NULL;
}

/* Closes it; `ok`: so far. */
static bool written(const char *path, FILE *f, bool ok, GError **err)
{
    int e = errno;

    if (f && fclose(f) && ok) {
        e = errno;
        ok = false;
    }
    if (!ok)
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "cannot write %s: %s", path,
                    strerror(e ? e : EIO));
    return ok;
}

bool screenshot_write_png(const char *path, const struct vga_surface *s, GError **err)
{
    png_image image = {
        .version = PNG_IMAGE_VERSION,
        .width = s->width,
        .height = s->height,
        .format = PNG_FORMAT_RGB,
    };
    uint8_t *rgb = pack_rgb(s);
    FILE *f = create(path);
    bool ok;

    ok = f && png_image_write_to_stdio(&image, f, 0, rgb, 0, NULL);
    ok = written(path, f, ok, err);
    png_image_free(&image);
    g_free(rgb);
    return ok;
}

bool screenshot_write_ppm(const char *path, const struct vga_surface *s, GError **err)
{
    uint8_t *rgb = pack_rgb(s);
    size_t len = (size_t)s->width * s->height * 3;
    FILE *f = create(path);
    bool ok = f && fprintf(f, "P6\n%u %u\n255\n", s->width, s->height) > 0 &&
              fwrite(rgb, 1, len, f) == len;

    ok = written(path, f, ok, err);
    g_free(rgb);
    return ok;
}
