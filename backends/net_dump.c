/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Captured frames to a file; see net_dump.h. */
#include "backends/net_dump.h"

#include "base/bits.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define MAGIC_MICROSECONDS 0xa1b2c3d4u
#define LINKTYPE_ETHERNET  1u
#define GATHERED_MAX       (64u << 20) /* a file that takes nothing must not fill the memory */

struct net_dump {
    struct net_dump_config cfg;
    char *file;
    int fd;
    GSource *source;      /* ready while there is something to write */
    GByteArray *gathered; /* device lock */
    bool lost;            /* frames, and we have said so; device lock */
    bool failed;          /* the file takes no more; main thread */
};

static void put_word(GByteArray *to, uint32_t v)
{
    uint8_t b[4];

    st_le32(b, v);
    g_byte_array_append(to, b, sizeof(b));
}

static void put_header(struct net_dump *d)
{
    put_word(d->gathered, MAGIC_MICROSECONDS);
    put_word(d->gathered, 4 << 16 | 2); /* version 2.4 */
    put_word(d->gathered, 0);           /* reserved */
    put_word(d->gathered, 0);
    put_word(d->gathered, d->cfg.snap);
    put_word(d->gathered, LINKTYPE_ETHERNET);
}

static void dump_frame(void *opaque, const struct net_port *from, const struct iovec *iov,
                       unsigned n)
{
    struct net_dump *d = opaque;
    int64_t us = d->cfg.epoch_us + clock_now(d->cfg.clock) / 1000;
    size_t len = net_iov_len(iov, n), kept = MIN(len, d->cfg.snap);

    (void)from;
    if (d->gathered->len + kept + 16 > GATHERED_MAX) {
        if (!d->lost)
            log_user("%s: frames are lost: it is not written fast enough", d->file);
        d->lost = true;
        return;
    }
    put_word(d->gathered, (uint32_t)(us / 1000000));
    put_word(d->gathered, (uint32_t)(us % 1000000));
    put_word(d->gathered, (uint32_t)kept);
    put_word(d->gathered, (uint32_t)len);
    for (unsigned k = 0; k < n && kept; k++) {
        size_t part = MIN(iov[k].iov_len, kept);

        g_byte_array_append(d->gathered, iov[k].iov_base, (guint)part);
        kept -= part;
    }
    g_source_set_ready_time(d->source, 0);
}

static void write_all(struct net_dump *d, const uint8_t *p, size_t len)
{
    while (len && !d->failed) {
        ssize_t n = write(d->fd, p, len);

        if (n > 0) {
            p += n;
            len -= (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            log_user("%s: %s; the rest of the frames is lost", d->file, g_strerror(errno));
            d->failed = true;
        }
    }
}

static gboolean dump_dispatch(GSource *source, GSourceFunc fn, gpointer opaque)
{
    struct net_dump *d = opaque;
    GByteArray *full;

    (void)fn;
    g_source_set_ready_time(source, -1);
    lock_take(d->cfg.lock);
    full = d->gathered;
    d->gathered = g_byte_array_new();
    lock_drop(d->cfg.lock);
    write_all(d, full->data, full->len);
    g_byte_array_unref(full);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {.dispatch = dump_dispatch};

static gboolean unused(gpointer opaque)
{
    (void)opaque;
    return G_SOURCE_CONTINUE;
}

struct net_dump *net_dump_new(const struct net_dump_config *cfg, GError **err)
{
    struct net_dump *d = g_new0(struct net_dump, 1);

    d->cfg = *cfg;
    d->cfg.snap = cfg->snap ? MIN(cfg->snap, NET_DUMP_SNAP_MAX) : NET_DUMP_SNAP_MAX;
    d->file = g_strdup(cfg->file);
    d->gathered = g_byte_array_new();
    d->fd = open(cfg->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (d->fd < 0) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "cannot write %s: %s", cfg->file,
                    g_strerror(errno));
        net_dump_free(d);
        return NULL;
    }
    d->source = g_source_new(&source_funcs, sizeof(GSource));
    g_source_set_callback(d->source, unused, d, NULL); /* for its argument */
    g_source_set_name(d->source, "net-dump");
    g_source_attach(d->source, NULL);
    put_header(d);
    g_source_set_ready_time(d->source, 0);
    return d;
}

struct net_tap net_dump_tap(struct net_dump *d)
{
    return (struct net_tap){dump_frame, d};
}

void net_dump_free(struct net_dump *d)
{
    if (!d)
        return;
    if (d->source) {
        g_source_destroy(d->source);
        g_source_unref(d->source);
    }
    if (d->fd >= 0) {
        write_all(d, d->gathered->data, d->gathered->len);
        close(d->fd);
    }
    g_byte_array_unref(d->gathered);
    g_free(d->file);
    g_free(d);
}
