/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Transfers of whole ranges between a file and memory; see block_impl.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* preadv2 */
#endif
#include "backends/block_impl.h"

#include <errno.h>
#include <unistd.h>

#define WINDOW 64u /* buffers a system call */

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

/* Fills `window` with what of iov comes after its first `skip` bytes; how many entries. */
static unsigned rest(struct iovec *window, const struct iovec *iov, unsigned n, size_t skip)
{
    unsigned used = 0;

    for (unsigned k = 0; k < n && used < WINDOW; k++) {
        if (skip >= iov[k].iov_len) {
            skip -= iov[k].iov_len;
            continue;
        }
        window[used++] = (struct iovec){(char *)iov[k].iov_base + skip, iov[k].iov_len - skip};
        skip = 0;
    }
    return used;
}

static int transfer(int fd, uint64_t off, const struct iovec *iov, unsigned n, size_t len,
                    ssize_t (*call)(int fd, const struct iovec *iov, int n, off_t off))
{
    size_t moved = 0;

    while (moved < len) {
        struct iovec window[WINDOW];
        unsigned used = rest(window, iov, n, moved);
        ssize_t now = call(fd, window, (int)used, (off_t)(off + moved));

        if (now < 0 && errno == EINTR)
            continue;
        if (now < 0)
            return -errno;
        if (now == 0)
            return -EIO;
        moved += (size_t)now;
    }
    return 0;
}

int block_fd_readv(int fd, uint64_t off, const struct iovec *iov, unsigned n, size_t len)
{
    return transfer(fd, off, iov, n, len, preadv);
}

int block_fd_writev(int fd, uint64_t off, const struct iovec *iov, unsigned n, size_t len)
{
    return transfer(fd, off, iov, n, len, pwritev);
}

/* Where the host's file system cannot say that it would have to wait, it says that it cannot. */
int block_fd_read_now(int fd, uint64_t off, const struct iovec *iov, unsigned n, size_t len)
{
    return n <= WINDOW && preadv2(fd, iov, (int)n, (off_t)off, RWF_NOWAIT) == (ssize_t)len
               ? 0
               : -EAGAIN;
}
