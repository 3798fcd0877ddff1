/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See block_direct.h. */
#include "backends/block_direct.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/block_impl.h"

#define MAX_ALIGN 65536u
#define CHUNK     (1u << 20) /* of our buffer */

int block_direct_init(struct block_direct *d, int fd)
{
    int rc = -EINVAL;
    char *p;

    if (posix_memalign((void **)&p, MAX_ALIGN, (size_t)2 * MAX_ALIGN))
        return -ENOMEM;
    d->fd = fd;
    for (d->align = BLOCK_SECTOR; d->align <= MAX_ALIGN; d->align *= 2) {
        if (pread(fd, p + d->align, d->align, 0) >= 0) {
            rc = 0;
            break;
        }
        rc = -errno;
        if (errno != EINVAL)
            break;
    }
    free(p);
    if (!rc)
        rwlock_init(&d->whole);
    return rc;
}

void block_direct_clear(struct block_direct *d)
{
    rwlock_clear(&d->whole);
}

static int through_buffer(struct block_direct *d, uint64_t off, char *buf, size_t len, bool writes)
{
    uint64_t mask = d->align - 1;
    char *p = NULL;
    int rc = 0;

    if (posix_memalign((void **)&p, d->align, CHUNK))
        return -ENOMEM;
    while (len && !rc) {
        uint64_t from = off & ~mask;
        size_t skip = (size_t)(off - from), n = MIN(len, CHUNK - skip);
        size_t span = (size_t)((skip + n + mask) & ~mask);

        if (!writes || skip || span != n)
            rc = block_fd_read(d->fd, from, p, span);
        if (!rc && writes) {
            memcpy(p + skip, buf, n);
            rc = block_fd_write(d->fd, from, p, span);
        } else if (!rc) {
            memcpy(buf, p + skip, n);
        }
        buf += n;
        off += n;
        len -= n;
    }
    free(p);
    return rc;
}

static bool aligned(const struct block_direct *d, uint64_t off, const void *buf, size_t len)
{
    return !((off | len | (uintptr_t)buf) & (d->align - 1));
}

int block_direct_read(struct block_direct *d, uint64_t off, void *buf, size_t len)
{
    if (aligned(d, off, buf, len))
        return block_fd_read(d->fd, off, buf, len);
    return through_buffer(d, off, buf, len, false);
}

int block_direct_write(struct block_direct *d, uint64_t off, const void *buf, size_t len)
{
    bool whole = !((off | len) & (d->align - 1));
    int rc;

    if (whole)
        rwlock_read(&d->whole);
    else
        rwlock_write(&d->whole);
    if (aligned(d, off, buf, len))
        rc = block_fd_write(d->fd, off, buf, len);
    else
        rc = through_buffer(d, off, (char *)(uintptr_t)buf, len, true);
    rwlock_drop(&d->whole);
    return rc;
}
