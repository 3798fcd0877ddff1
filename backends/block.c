/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The common part of block backends: range checks and dispatch to the kind; see block.h. */
#include "backends/block_impl.h"

#include <errno.h>
#include <unistd.h>

void block_init(struct block *b, const struct block_ops *ops, const char *name, uint64_t size,
                bool readonly)
{
    b->ops = ops;
    b->name = g_strdup(name);
    b->size = size;
    b->readonly = readonly;
}

void block_free(struct block *b)
{
    if (!b)
        return;
    g_free(b->name);
    b->ops->free(b);
}

uint64_t block_size(const struct block *b)
{
    return b->size;
}

bool block_readonly(const struct block *b)
{
    return b->readonly;
}

const char *block_name(const struct block *b)
{
    return b->name;
}

int block_read(struct block *b, uint64_t off, void *buf, size_t len)
{
    if (off > b->size || len > b->size - off)
        return -EIO;
    return len ? b->ops->read(b, off, buf, len) : 0;
}

int block_write(struct block *b, uint64_t off, const void *buf, size_t len)
{
    if (b->readonly)
        return -EROFS;
    if (off > b->size || len > b->size - off)
        return -EIO;
    return len ? b->ops->write(b, off, buf, len) : 0;
}

int block_flush(struct block *b)
{
    return b->readonly ? 0 : b->ops->flush(b);
}

int block_fd_read(int fd, uint64_t off, void *buf, size_t len)
{
    char *p = buf;

    while (len) {
        ssize_t n = pread(fd, p, len, (off_t)off);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -EIO; /* somebody cut the file short under us */
        p += n;
        off += (uint64_t)n;
        len -= (size_t)n;
    }
    return 0;
}

int block_fd_write(int fd, uint64_t off, const void *buf, size_t len)
{
    const char *p = buf;

    while (len) {
        ssize_t n = pwrite(fd, p, len, (off_t)off);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -EIO;
        p += n;
        off += (uint64_t)n;
        len -= (size_t)n;
    }
    return 0;
}
