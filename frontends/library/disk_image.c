/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See disk_image.h. Holes: lseek(2), SEEK_DATA; shared blocks: ioctl_ficlone(2). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "frontends/library/disk_image.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define CHUNK (1u << 20)

static bool fail(GError **err, const char *what, const char *path, int error)
{
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "cannot %s %s: %s", what, path,
                g_strerror(error));
    return false;
}

static int open_new(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
}

bool disk_image_create(const char *path, uint64_t bytes, GError **err)
{
    int fd, error = 0;

    if (bytes < DISK_IMAGE_MIN || bytes > DISK_IMAGE_MAX || bytes % 512) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION,
                    "a disk has 1M to 64T, in whole sectors");
        return false;
    }
    fd = open_new(path);
    if (fd < 0)
        return fail(err, "make", path, errno);
    if (ftruncate(fd, (off_t)bytes) < 0)
        error = errno;
    if (close(fd) < 0 && !error)
        error = errno;
    if (error)
        unlink(path);
    return !error || fail(err, "make", path, error);
}

/* len bytes at off; 0 or errno. */
static int copy_bytes(int in, int out, off_t off, off_t len, char *buf, _Atomic uint64_t *done,
                      _Atomic bool *stop)
{
    while (len) {
        ssize_t n = pread(in, buf, len < (off_t)CHUNK ? (size_t)len : CHUNK, off);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        if (!n)
            return 0; /* the file has become shorter */
        for (ssize_t at = 0; at < n;) {
            ssize_t w = pwrite(out, buf + at, (size_t)(n - at), off + at);

            if (w < 0 && errno != EINTR)
                return errno;
            at += w > 0 ? w : 0;
        }
        off += n;
        len -= n;
        if (done)
            atomic_store(done, (uint64_t)off);
        if (stop && atomic_load(stop))
            return ECANCELED;
    }
    return 0;
}

static int copy_data(int in, int out, off_t size, _Atomic uint64_t *done, _Atomic bool *stop)
{
    char *buf = g_malloc(CHUNK);
    off_t at = 0;
    int error = ftruncate(out, size) < 0 ? errno : 0;

    while (!error && at < size) {
        off_t data = lseek(in, at, SEEK_DATA), hole;

        if (data < 0 && errno == ENXIO)
            break; /* a hole up to the end */
        if (data < 0)
            data = at; /* a file system that knows no holes */
        hole = lseek(in, data, SEEK_HOLE);
        if (hole < 0)
            hole = size;
        error = copy_bytes(in, out, data, hole - data, buf, done, stop);
        at = hole;
    }
    g_free(buf);
    return error;
}

bool disk_image_copy(const char *from, const char *to, _Atomic uint64_t *done, _Atomic bool *stop,
                     GError **err)
{
    int in = open(from, O_RDONLY | O_CLOEXEC), out, error = 0;
    struct stat st;

    if (in < 0)
        return fail(err, "read", from, errno);
    if (fstat(in, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(in);
        return fail(err, "copy", from, EINVAL);
    }
    out = open_new(to);
    if (out < 0) {
        error = errno;
        close(in);
        return fail(err, "make", to, error);
    }
    if (ioctl(out, FICLONE, in) < 0)
        error = copy_data(in, out, st.st_size, done, stop);
    if (close(out) < 0 && !error)
        error = errno;
    close(in);
    if (error)
        unlink(to);
    return !error || fail(err, "write", to, error);
}
