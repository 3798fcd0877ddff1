/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The common part of block backends: checks, and how each request is done by the operations of the
 * image's kind; see block.h. */
#include "backends/block_impl.h"

#include <errno.h>

#define ZERO_CHUNK 65536u

void block_init(struct block *b, const struct block_ops *ops, const char *name, uint64_t size,
                bool readonly)
{
    b->ops = ops;
    b->name = g_strdup(name);
    b->size = size;
    b->readonly = readonly;
    b->alignment = BLOCK_SECTOR;
    b->format = "raw";
}

void block_free(struct block *b)
{
    if (!b)
        return;
    block_detach(b);
    g_free(b->name);
    b->ops->free(b);
}

uint64_t block_size(const struct block *b)
{
    return b->size;
}

int block_resize(struct block *b, uint64_t size)
{
    int rc;

    if (b->readonly)
        return -EROFS;
    if (!b->ops->resize)
        return -ENOTSUP;
    if (size < b->size || size % BLOCK_SECTOR || size > INT64_MAX)
        return -EINVAL;
    if (b->engine)
        block_drain(b); /* workers look at the size */
    rc = b->ops->resize(b, size);
    if (!rc)
        b->size = size;
    return rc;
}

uint64_t block_sectors(const struct block *b)
{
    return b->size / BLOCK_SECTOR;
}

bool block_readonly(const struct block *b)
{
    return b->readonly;
}

const char *block_name(const struct block *b)
{
    return b->name;
}

const char *block_format(const struct block *b)
{
    return b->format;
}

bool block_write_cache(const struct block *b)
{
    return !b->writethrough;
}

struct block_limits block_limits(const struct block *b)
{
    bool discard = !b->readonly && b->allow_discard && b->ops->discard;

    return (struct block_limits){
        .discard = discard, .write_zeroes = !b->readonly, .alignment = b->alignment};
}

struct block_stats block_stats(const struct block *b)
{
    struct block_stats s = b->stats;

    s.syncs = atomic_load(&b->syncs);
    return s;
}

void block_set_error_policy(struct block *b, enum block_error_policy reading,
                            enum block_error_policy writing)
{
    b->on_read_error = reading;
    b->on_write_error = writing;
}

int block_check(const struct block *b, const struct block_request *req)
{
    if (req->op == BLOCK_FLUSH)
        return 0;
    if (req->op != BLOCK_READ && b->readonly)
        return -EROFS;
    if ((req->op == BLOCK_READ || req->op == BLOCK_WRITE) && req->len > BLOCK_MAX_TRANSFER)
        return -EINVAL;
    return req->off > b->size || req->len > b->size - req->off ? -EIO : 0;
}

/* ---- several buffers and one ---- */

void block_gather(void *to, const struct iovec *iov, unsigned n)
{
    char *p = to;

    for (unsigned k = 0; k < n; k++) {
        if (!iov[k].iov_len)
            continue;
        memcpy(p, iov[k].iov_base, iov[k].iov_len);
        p += iov[k].iov_len;
    }
}

void block_scatter(const struct iovec *iov, unsigned n, const void *from)
{
    const char *p = from;

    for (unsigned k = 0; k < n; k++) {
        if (!iov[k].iov_len)
            continue;
        memcpy(iov[k].iov_base, p, iov[k].iov_len);
        p += iov[k].iov_len;
    }
}

/* For kinds that know one buffer only. */
static int by_copy(struct block *b, const struct block_request *req)
{
    void *whole = g_try_malloc(req->len);
    int rc = whole ? 0 : -ENOMEM;

    if (!rc && req->op == BLOCK_READ) {
        rc = b->ops->read(b, req->off, whole, req->len);
        if (!rc)
            block_scatter(req->iov, req->n_iov, whole);
    } else if (!rc) {
        block_gather(whole, req->iov, req->n_iov);
        rc = b->ops->write(b, req->off, whole, req->len);
    }
    g_free(whole);
    return rc;
}

/* ---- requests ---- */

static int sync_now(struct block *b)
{
    int rc;

    if (b->readonly || b->unsafe)
        return 0;
    rc = b->ops->flush(b);
    if (!rc)
        atomic_fetch_add(&b->syncs, 1);
    return rc;
}

static int transfer(struct block *b, const struct block_request *req)
{
    bool reads = req->op == BLOCK_READ;
    void *buf = req->buf ? req->buf : req->n_iov == 1 ? req->iov[0].iov_base : NULL;

    if (!req->len)
        return 0;
    if (buf)
        return reads ? b->ops->read(b, req->off, buf, req->len)
                     : b->ops->write(b, req->off, buf, req->len);
    if (reads && b->ops->readv)
        return b->ops->readv(b, req->off, req->iov, req->n_iov, req->len);
    if (!reads && b->ops->writev)
        return b->ops->writev(b, req->off, req->iov, req->n_iov, req->len);
    return by_copy(b, req);
}

static int write_zeros(struct block *b, uint64_t off, uint64_t len)
{
    static const uint8_t zeros[ZERO_CHUNK];
    int rc = 0;

    for (uint64_t n; len && !rc; off += n, len -= n) {
        n = MIN(len, ZERO_CHUNK);
        rc = b->ops->write(b, off, zeros, n);
    }
    return rc;
}

static int zero(struct block *b, const struct block_request *req)
{
    bool unmap = (req->flags & BLOCK_UNMAP) && b->allow_discard;
    int rc = req->len && b->ops->zero ? b->ops->zero(b, req->off, req->len, unmap) : -ENOTSUP;

    return rc == -ENOTSUP ? write_zeros(b, req->off, req->len) : rc;
}

/* A discard is a hint: what the host cannot free stays. */
static int discard(struct block *b, const struct block_request *req)
{
    int rc = 0;

    if (req->len && b->allow_discard && b->ops->discard)
        rc = b->ops->discard(b, req->off, req->len);
    return rc == -ENOTSUP ? 0 : rc;
}

int block_perform(struct block *b, const struct block_request *req)
{
    int rc = block_check(b, req);

    if (rc)
        return rc;
    switch (req->op) {
    case BLOCK_READ: return transfer(b, req);
    case BLOCK_FLUSH: return sync_now(b);
    case BLOCK_DISCARD: return discard(b, req);
    case BLOCK_WRITE: rc = transfer(b, req); break;
    case BLOCK_WRITE_ZEROES: rc = zero(b, req); break;
    default: return -EINVAL;
    }
    return !rc && ((req->flags & BLOCK_FUA) || b->writethrough) ? sync_now(b) : rc;
}

bool block_perform_now(struct block *b, const struct block_request *req)
{
    const struct iovec whole = {req->buf, req->len};

    if (req->op != BLOCK_READ || !b->ops->read_now || !req->len || block_check(b, req))
        return false;
    if (req->buf)
        return !b->ops->read_now(b, req->off, &whole, 1, req->len);
    return !b->ops->read_now(b, req->off, req->iov, req->n_iov, req->len);
}

int block_read(struct block *b, uint64_t off, void *buf, size_t len)
{
    const struct block_request req = {.op = BLOCK_READ, .off = off, .len = len, .buf = buf};

    return block_perform(b, &req);
}

int block_write(struct block *b, uint64_t off, const void *buf, size_t len)
{
    const struct block_request req = {
        .op = BLOCK_WRITE, .off = off, .len = len, .buf = (void *)(uintptr_t)buf};

    return block_perform(b, &req);
}

int block_flush(struct block *b)
{
    return sync_now(b);
}
