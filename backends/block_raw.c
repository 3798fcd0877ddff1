/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Raw image files and host block devices, by pread, pwrite and fdatasync. Writers hold an
 * exclusive, readers a shared advisory lock on the open file description (fcntl(2), F_OFD_SETLK),
 * so that two programs cannot ruin one disk between them; other emulators that lock byte ranges are
 * noticed too.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* F_OFD_SETLK, O_DIRECT */
#endif
#include "backends/block_direct.h"
#include "backends/block_impl.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

struct block_raw {
    struct block block;
    int fd;
    /* A failed fdatasync leaves pages marked clean that never reached the disk, and the kernel
     * tells it once only: from then on every flush fails. 0 or -errno. */
    _Atomic int flush_error;
    bool bypass; /* the page cache, by … */
    struct block_direct direct;
};

static int raw_read(struct block *b, uint64_t off, void *buf, size_t len)
{
    struct block_raw *r = (struct block_raw *)b;

    return r->bypass ? block_direct_read(&r->direct, off, buf, len)
                     : block_fd_read(r->fd, off, buf, len);
}

static int raw_write(struct block *b, uint64_t off, const void *buf, size_t len)
{
    struct block_raw *r = (struct block_raw *)b;

    return r->bypass ? block_direct_write(&r->direct, off, buf, len)
                     : block_fd_write(r->fd, off, buf, len);
}

static int raw_flush(struct block *b)
{
    struct block_raw *r = (struct block_raw *)b;
    int rc = atomic_load(&r->flush_error);

    while (!rc && fdatasync(r->fd) < 0) {
        if (errno == EINTR)
            continue;
        rc = -errno;
        atomic_store(&r->flush_error, rc);
    }
    return rc;
}

static void raw_free(struct block *b)
{
    struct block_raw *r = (struct block_raw *)b;

    if (r->bypass)
        block_direct_clear(&r->direct);
    close(r->fd); /* drops the lock */
    g_free(r);
}

static int raw_readv(struct block *b, uint64_t off, const struct iovec *iov, unsigned n, size_t len)
{
    return block_fd_readv(((struct block_raw *)b)->fd, off, iov, n, len);
}

static int raw_read_now(struct block *b, uint64_t off, const struct iovec *iov, unsigned n,
                        size_t len)
{
    return block_fd_read_now(((struct block_raw *)b)->fd, off, iov, n, len);
}

static int raw_writev(struct block *b, uint64_t off, const struct iovec *iov, unsigned n,
                      size_t len)
{
    return block_fd_writev(((struct block_raw *)b)->fd, off, iov, n, len);
}

static int punch(struct block *b, int mode, uint64_t off, uint64_t len)
{
    struct block_raw *r = (struct block_raw *)b;

    while (fallocate(r->fd, mode, (off_t)off, (off_t)len) < 0) {
        if (errno != EINTR)
            return errno == EOPNOTSUPP || errno == ENODEV || errno == EINVAL ? -ENOTSUP : -errno;
    }
    return 0;
}

static int raw_discard(struct block *b, uint64_t off, uint64_t len)
{
    return punch(b, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, len);
}

static int raw_zero(struct block *b, uint64_t off, uint64_t len, bool unmap)
{
    int rc = -ENOTSUP;

    if (unmap)
        rc = punch(b, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, len);
    return rc == -ENOTSUP ? punch(b, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, off, len) : rc;
}

/* Host devices have the size that they have. */
static int raw_resize(struct block *b, uint64_t size)
{
    struct block_raw *r = (struct block_raw *)b;
    struct stat st;

    if (fstat(r->fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -ENOTSUP;
    if (r->bypass && size % r->direct.align)
        return -EINVAL;
    return ftruncate(r->fd, (off_t)size) < 0 ? -errno : 0;
}

static const struct block_ops raw_ops = {
    .read = raw_read,
    .write = raw_write,
    .flush = raw_flush,
    .free = raw_free,
    .readv = raw_readv,
    .writev = raw_writev,
    .read_now = raw_read_now,
    .discard = raw_discard,
    .zero = raw_zero,
    .resize = raw_resize,
};

static bool raw_size(int fd, const char *path, uint64_t *size, GError **err)
{
    struct stat st;

    if (fstat(fd, &st) < 0) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "cannot examine disk image '%s': %s",
                    path, g_strerror(errno));
        return false;
    }
    if (S_ISDIR(st.st_mode)) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE,
                    "'%s' is a directory, not a disk image", path);
        return false;
    }
    if (S_ISREG(st.st_mode)) {
        *size = (uint64_t)st.st_size;
    } else if (!S_ISBLK(st.st_mode)) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE,
                    "'%s' is neither a regular file nor a block device", path);
        return false;
    } else if (ioctl(fd, BLKGETSIZE64, size) < 0) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "cannot get the size of '%s': %s",
                    path, g_strerror(errno));
        return false;
    }
    if (*size == 0) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "disk image '%s' is empty", path);
        return false;
    }
    return true;
}

static bool raw_lock(int fd, const char *path, bool readonly, GError **err)
{
    struct flock lock = {.l_type = readonly ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};

    if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
        return true;
    if (errno == EAGAIN || errno == EACCES) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE,
                    "disk image '%s' is in use by another program", path);
        return false;
    }
    return true; /* a file system without locks (ENOLCK, EINVAL, ENOSYS) is no reason to stop */
}

/* Past the page cache all goes through one buffer, and may need another. */
static const struct block_ops direct_ops = {
    .read = raw_read,
    .write = raw_write,
    .flush = raw_flush,
    .free = raw_free,
    .discard = raw_discard,
    .zero = raw_zero,
    .resize = raw_resize,
};

static int open_file(const struct block_spec *spec, bool bypass, GError **err)
{
    /* O_NONBLOCK: a FIFO must be refused, not waited for; it changes nothing for files and disks */
    int how = O_CLOEXEC | O_NONBLOCK | (spec->readonly ? O_RDONLY : O_RDWR);
    int fd = open(spec->file, how | (bypass ? O_DIRECT : 0));

    if (fd >= 0)
        return fd;
    if (errno == EISDIR)
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE,
                    "'%s' is a directory, not a disk image", spec->file);
    else if (errno == EINVAL && bypass)
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE,
                    "disk image '%s' is on a file system without O_DIRECT: cache=none and "
                    "cache=directsync cannot be had",
                    spec->file);
    else
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "cannot open disk image '%s'%s: %s",
                    spec->file, spec->readonly || errno == ENOENT ? "" : " for writing",
                    g_strerror(errno));
    return -1;
}

static bool set_up_bypass(struct block_raw *r, GError **err)
{
    int rc = block_direct_init(&r->direct, r->fd);

    if (rc) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE,
                    "disk image '%s' cannot be read past the page cache (cache=none): %s",
                    r->block.name, g_strerror(-rc));
        return false;
    }
    r->bypass = true;
    if (r->block.size % r->direct.align == 0)
        return true;
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE,
                "disk image '%s' has no multiple of %u bytes, which cache=none needs here",
                r->block.name, r->direct.align);
    return false;
}

struct block *block_raw_open(const struct block_spec *spec, GError **err)
{
    bool bypass = spec->cache == BLOCK_CACHE_NONE || spec->cache == BLOCK_CACHE_DIRECTSYNC;
    int fd = open_file(spec, bypass, err);
    struct block_raw *r;
    uint64_t size;

    if (fd < 0)
        return NULL;
    if (!raw_size(fd, spec->file, &size, err) || !raw_lock(fd, spec->file, spec->readonly, err)) {
        close(fd);
        return NULL;
    }
    r = g_new0(struct block_raw, 1);
    block_init(&r->block, bypass ? &direct_ops : &raw_ops, spec->file, size, spec->readonly);
    r->fd = fd;
    if (bypass && !set_up_bypass(r, err)) {
        block_free(&r->block);
        return NULL;
    }
    return &r->block;
}

struct block *block_open_raw(const char *path, bool readonly, GError **err)
{
    const struct block_spec spec = {.file = path, .format = "raw", .readonly = readonly};

    return block_raw_open(&spec, err);
}
