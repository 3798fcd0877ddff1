/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kinds of block backend and the engine share among themselves; users see only block.h. A
 * kind embeds struct block as its first member and fills it with block_init().
 */
#ifndef BACKENDS_BLOCK_IMPL_H
#define BACKENDS_BLOCK_IMPL_H

#include <stdatomic.h>

#include "backends/block.h"

/* Ranges were checked against `size`, and writes against `readonly`, before these are called; len
 * is not 0. Each returns 0 or -errno. Several threads may be in them at once, with ranges that may
 * overlap. */
struct block_ops {
    int (*read)(struct block *b, uint64_t off, void *buf, size_t len);
    int (*write)(struct block *b, uint64_t off, const void *buf, size_t len);
    int (*flush)(struct block *b); /* all writes that have returned */
    void (*free)(struct block *b); /* frees the kind's own struct too */
    /* The rest may be NULL. Of several buffers, whose lengths add up to len. */
    int (*readv)(struct block *b, uint64_t off, const struct iovec *iov, unsigned n, size_t len);
    int (*writev)(struct block *b, uint64_t off, const struct iovec *iov, unsigned n, size_t len);
    /* Only if nothing has to be waited for, as it is in memory: 0, or -EAGAIN, and then the buffers
     * hold anything. */
    int (*read_now)(struct block *b, uint64_t off, const struct iovec *iov, unsigned n, size_t len);
    /* Begins a read, or a write that need not be durable, of one buffer, and does not wait: later,
     * even before it returns, comes block_engine_ended. False when it cannot, and none will come.
     * Device lock held. */
    bool (*begin)(struct block *b, struct block_request *req);
    int (*discard)(struct block *b, uint64_t off, uint64_t len);
    /* -ENOTSUP: zeros are to be written instead. */
    int (*zero)(struct block *b, uint64_t off, uint64_t len, bool unmap);
    int (*resize)(struct block *b, uint64_t size); /* larger; NULL: cannot be */
};

struct block {
    const struct block_ops *ops;
    char *name;         /* owned; for messages */
    const char *format; /* static */
    uint64_t size;
    bool readonly;
    bool writethrough;  /* a flush behind each write */
    bool unsafe;        /* no flush at all */
    bool allow_discard; /* else it is a successful nothing */
    uint32_t alignment; /* of discards */
    enum block_error_policy on_read_error, on_write_error;
    _Atomic uint64_t syncs;

    /* ---- device lock ---- */
    struct block_engine *engine;
    unsigned under_way; /* requests that `done` has not been called for and are not kept */
    struct block_stats stats;
};

/* Fills in the common part; `name` is copied. */
void block_init(struct block *b, const struct block_ops *ops, const char *name, uint64_t size,
                bool readonly);

/* block_open_raw with all that can be chosen. */
struct block *block_raw_open(const struct block_spec *spec, GError **err);

/* Does a request whole, on the calling thread: 0 or -errno. */
int block_perform(struct block *b, const struct block_request *req);

/* Does it if it is a read of what the host has in memory: true when it is done, without an error.
 */
bool block_perform_now(struct block *b, const struct block_request *req);

/* For `begin`: the request has ended, and belongs to whoever tells of it. Any thread, with any
 * locks but the engine's. Soon after it must come … */
void block_engine_ended(struct block_request *req, int err);

/* … this, without the device lock and without a lock that `begin` takes, while the image is not
 * freed yet: it tells of what has ended, or lets another thread do so. */
void block_engine_pass_on(struct block_engine *e);

/* Whether the request itself makes sense for the image: 0 or -errno. */
int block_check(const struct block *b, const struct block_request *req);

/* pread/pwrite of the whole range, through interruptions and short transfers; 0 or -errno, -EIO
 * when the file ends early. */
int block_fd_read(int fd, uint64_t off, void *buf, size_t len);
int block_fd_write(int fd, uint64_t off, const void *buf, size_t len);

/* The same of several buffers. */
int block_fd_readv(int fd, uint64_t off, const struct iovec *iov, unsigned n, size_t len);
int block_fd_writev(int fd, uint64_t off, const struct iovec *iov, unsigned n, size_t len);

/* Reads what is in the page cache: 0, or -EAGAIN. */
int block_fd_read_now(int fd, uint64_t off, const struct iovec *iov, unsigned n, size_t len);

/* Copies between a range of a list of buffers and one. */
void block_gather(void *to, const struct iovec *iov, unsigned n);
void block_scatter(const struct iovec *iov, unsigned n, const void *from);

#endif
