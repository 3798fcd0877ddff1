/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See out_file.h; open(2) and write(2) on O_NONBLOCK, poll(2). */
#include "base/out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <unistd.h>

int out_file_open(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC, 0666);
}

/* Until the other end has room again. */
static bool wait_for_reader(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int n;

    do {
        n = poll(&p, 1, OUT_FILE_STALL_MS);
    } while (n < 0 && errno == EINTR);
    if (!n)
        errno = ETIMEDOUT;
    return n > 0;
}

bool out_file_write(int fd, const void *buf, size_t len)
{
    const uint8_t *at = buf;

    while (len) {
        ssize_t n = write(fd, at, len);

        if (n > 0) {
            at += n;
            len -= (size_t)n;
        } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            if (!wait_for_reader(fd))
                return false;
        } else if (n == 0 || errno != EINTR) {
            errno = n ? errno : EIO;
            return false;
        }
    }
    return true;
}
