/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See capture.h. The file is written at once, byte by byte if the guest does so: what it said last
 * must be there even if we crash. */
#include "frontends/headless/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "backends/char.h"
#include "base/error.h"

/* Where there are too many, the last is of all that follows. */
#define STAMPS_MAX (1u << 20)

static void stamp(struct capture *c)
{
    struct capture_stamp s = {c->held->len, c->count ? c->count(c->opaque) : 0};

    if (c->stamps->len < STAMPS_MAX)
        g_array_append_val(c->stamps, s);
    else
        g_array_index(c->stamps, struct capture_stamp, c->stamps->len - 1) = s;
}

static void wrote(void *opaque, const uint8_t *buf, size_t len)
{
    struct capture *c = opaque;

    if (c->written + len <= CAPTURE_FILE_MAX) {
        ssize_t n = write(c->fd, buf, len); /* a full disk loses the file, not the run */

        c->written += n > 0 ? (gsize)n : 0;
    }
    if (len && c->held->len + len <= CAPTURE_HELD_MAX) {
        g_string_append_len(c->held, (const char *)buf, (gssize)len);
        stamp(c);
    }
}

bool capture_open(struct capture *c, const char *path, GError **err)
{
    *c = (struct capture){.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
    if (c->fd < 0) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "cannot write %s: %s", path,
                    g_strerror(errno));
        return false;
    }
    c->held = g_string_new(NULL);
    c->stamps = g_array_new(FALSE, FALSE, sizeof(struct capture_stamp));
    c->chr = char_new_hook(wrote, c);
    return true;
}

void capture_close(struct capture *c)
{
    if (!c->chr)
        return;
    char_free(c->chr);
    close(c->fd);
    g_string_free(c->held, TRUE);
    g_array_unref(c->stamps);
    c->chr = NULL;
}

GString *capture_take(struct capture *c, GArray **stamps)
{
    GString *s = c->held;

    *stamps = c->stamps;
    c->held = g_string_new(NULL);
    c->stamps = g_array_new(FALSE, FALSE, sizeof(struct capture_stamp));
    return s;
}
