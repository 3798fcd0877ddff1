/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The throw-away overlay behind -snapshot: reads fall through to a base that is never written;
 * writes go to an unlinked temporary file, at the base's own offsets (it stays sparse), with one
 * bit a 4 KiB cluster to tell which of the two holds the data. Everything is gone when it is freed.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* O_TMPFILE */
#endif
#include "backends/block_impl.h"

#include "base/error.h"
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define CLUSTER 4096u

struct block_snapshot {
    struct block block;
    struct block *base; /* owned */
    int fd;
    struct lock lock; /* of written, and of what is done by it */
    uint8_t *written; /* one bit a cluster */
};

static bool is_written(const struct block_snapshot *s, uint64_t cluster)
{
    return s->written[cluster / 8] >> (cluster % 8) & 1;
}

static void set_written(struct block_snapshot *s, uint64_t first, uint64_t last)
{
    for (uint64_t c = first; c <= last; c++)
        s->written[c / 8] |= (uint8_t)(1u << (c % 8));
}

/* Bytes from off to the end of the run of clusters that are all written, or all not; at most len.
 * *written says which. Takes the lock. */
static size_t run_length(struct block_snapshot *s, uint64_t off, size_t len, bool *written)
{
    uint64_t cluster = off / CLUSTER;
    size_t n = CLUSTER - off % CLUSTER;

    lock_take(&s->lock);
    *written = is_written(s, cluster);
    while (n < len && is_written(s, ++cluster) == *written)
        n += CLUSTER;
    lock_drop(&s->lock);
    return n < len ? n : len;
}

static int snapshot_read(struct block *b, uint64_t off, void *buf, size_t len)
{
    struct block_snapshot *s = (struct block_snapshot *)b;
    char *p = buf;

    while (len) {
        bool written;
        size_t n = run_length(s, off, len, &written);
        int rc = written ? block_fd_read(s->fd, off, p, n) : block_read(s->base, off, p, n);

        if (rc)
            return rc;
        p += n;
        off += n;
        len -= n;
    }
    return 0;
}

/* Brings the cluster at `start` whole into the temporary file, unless the write [off, end) will
 * cover it anyway or it is there already. */
static int fill_cluster(struct block_snapshot *s, uint64_t start, uint64_t off, uint64_t end)
{
    uint64_t stop = MIN(start + CLUSTER, s->block.size);
    char data[CLUSTER];
    int rc;

    if (is_written(s, start / CLUSTER) || (off <= start && end >= stop))
        return 0;
    rc = block_read(s->base, start, data, stop - start);
    return rc ? rc : block_fd_write(s->fd, start, data, stop - start);
}

/* The first write to a cluster: nobody else may fill it at the same time. The lock is held. */
static int write_new(struct block_snapshot *s, uint64_t off, const void *buf, size_t len)
{
    uint64_t end = off + len, first = off / CLUSTER, last = (end - 1) / CLUSTER;
    int rc = fill_cluster(s, first * CLUSTER, off, end);

    if (!rc && last != first)
        rc = fill_cluster(s, last * CLUSTER, off, end);
    if (!rc)
        rc = block_fd_write(s->fd, off, buf, len);
    if (!rc)
        set_written(s, first, last);
    return rc;
}

static int snapshot_write(struct block *b, uint64_t off, const void *buf, size_t len)
{
    struct block_snapshot *s = (struct block_snapshot *)b;
    bool written;
    int rc;

    if (run_length(s, off, len, &written) == len && written)
        return block_fd_write(s->fd, off, buf, len);
    lock_take(&s->lock);
    rc = write_new(s, off, buf, len);
    lock_drop(&s->lock);
    return rc;
}

/* Whole clusters become holes of the temporary file. */
static int snapshot_zero(struct block *b, uint64_t off, uint64_t len, bool unmap)
{
    struct block_snapshot *s = (struct block_snapshot *)b;
    uint64_t first = (off + CLUSTER - 1) / CLUSTER, end = (off + len) / CLUSTER;
    static const uint8_t zeros[CLUSTER];
    int rc = 0;

    (void)unmap;
    if (first >= end)
        return -ENOTSUP;
    if (off % CLUSTER)
        rc = snapshot_write(b, off, zeros, first * CLUSTER - off);
    if (!rc && (off + len) % CLUSTER)
        rc = snapshot_write(b, end * CLUSTER, zeros, (off + len) % CLUSTER);
    if (rc)
        return rc;
    lock_take(&s->lock);
    if (fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(first * CLUSTER),
                  (off_t)((end - first) * CLUSTER)) < 0)
        rc = errno == EOPNOTSUPP ? -ENOTSUP : -errno;
    else
        set_written(s, first, end - 1);
    lock_drop(&s->lock);
    return rc;
}

static int snapshot_discard(struct block *b, uint64_t off, uint64_t len)
{
    uint64_t first = (off + CLUSTER - 1) / CLUSTER, end = (off + len) / CLUSTER;

    return first < end ? snapshot_zero(b, first * CLUSTER, (end - first) * CLUSTER, true) : 0;
}

static int snapshot_flush(struct block *b)
{
    (void)b; /* nothing here outlives the process */
    return 0;
}

static void snapshot_free(struct block *b)
{
    struct block_snapshot *s = (struct block_snapshot *)b;

    close(s->fd);
    block_free(s->base);
    lock_clear(&s->lock);
    g_free(s->written);
    g_free(s);
}

static const struct block_ops snapshot_ops = {
    .read = snapshot_read,
    .write = snapshot_write,
    .flush = snapshot_flush,
    .free = snapshot_free,
    .discard = snapshot_discard,
    .zero = snapshot_zero,
};

static int open_unlinked(void)
{
    const char *dir = g_get_tmp_dir();
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    char *path;

    if (fd >= 0)
        return fd;
    path = g_build_filename(dir, "penumbra-XXXXXX", NULL);
    fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        unlink(path);
    g_free(path);
    return fd;
}

struct block *block_open_snapshot(struct block *base, GError **err)
{
    uint64_t size = block_size(base);
    struct block_snapshot *s;
    uint8_t *map = g_try_malloc0(size / CLUSTER / 8 + 1);
    int fd = map ? open_unlinked() : -1;

    /* its whole size, so that what was never written reads as zeros and not as its end */
    if (fd >= 0 && ftruncate(fd, (off_t)size) < 0) {
        close(fd);
        fd = -1;
    }
    if (fd < 0) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_HOST,
                    "cannot make a temporary file in '%s' for the snapshot of '%s': %s",
                    g_get_tmp_dir(), block_name(base), g_strerror(map ? errno : ENOMEM));
        g_free(map);
        block_free(base);
        return NULL;
    }
    s = g_new0(struct block_snapshot, 1);
    block_init(&s->block, &snapshot_ops, block_name(base), size, false);
    s->base = base;
    s->block.format = base->format;
    s->fd = fd;
    s->written = map;
    lock_init(&s->lock);
    s->block.allow_discard = true; /* it only gives back what the overlay took */
    s->block.alignment = CLUSTER;
    return &s->block;
}
