/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See slow_block.h. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "tests/unit/slow_block.h"

/* The lock is held, and let go while waiting. */
static int pass(struct slow_block *s)
{
    s->waiting++;
    condition_broadcast(&s->gate);
    while (s->closed)
        condition_wait(&s->gate, &s->lock);
    s->waiting--;
    if (!s->failures)
        return 0;
    s->failures--;
    return s->fail;
}

static int slow_read(struct block *b, uint64_t off, void *buf, size_t len)
{
    struct slow_block *s = (struct slow_block *)b;
    int rc;

    lock_take(&s->lock);
    rc = pass(s);
    if (!rc)
        memcpy(buf, s->data + off, len);
    s->reads++;
    lock_drop(&s->lock);
    return rc;
}

static int slow_write(struct block *b, uint64_t off, const void *buf, size_t len)
{
    struct slow_block *s = (struct slow_block *)b;
    int rc;

    lock_take(&s->lock);
    rc = pass(s);
    if (!rc)
        memcpy(s->data + off, buf, len);
    s->writes++;
    lock_drop(&s->lock);
    return rc;
}

static int slow_flush(struct block *b)
{
    struct slow_block *s = (struct slow_block *)b;
    int rc;

    lock_take(&s->lock);
    s->flushed_writes = s->writes;
    rc = pass(s);
    s->flushes++;
    lock_drop(&s->lock);
    return rc;
}

static int slow_read_now(struct block *b, uint64_t off, const struct iovec *iov, unsigned n,
                         size_t len)
{
    struct slow_block *s = (struct slow_block *)b;
    bool can;

    (void)len;
    lock_take(&s->lock);
    can = s->in_memory;
    if (can)
        block_scatter(iov, n, s->data + off);
    s->reads += can;
    lock_drop(&s->lock);
    return can ? 0 : -EAGAIN;
}

static void slow_free(struct block *b)
{
    struct slow_block *s = (struct slow_block *)b;

    condition_clear(&s->gate);
    lock_clear(&s->lock);
    g_free(s->data);
    g_free(s);
}

static const struct block_ops slow_ops = {
    .read = slow_read,
    .write = slow_write,
    .flush = slow_flush,
    .free = slow_free,
    .read_now = slow_read_now,
};

struct slow_block *slow_block_new(uint64_t size)
{
    struct slow_block *s = g_new0(struct slow_block, 1);

    block_init(&s->block, &slow_ops, "slow", size, false);
    s->data = g_malloc0(size);
    lock_init(&s->lock);
    condition_init(&s->gate);
    return s;
}

static void set_gate(struct slow_block *s, bool closed)
{
    lock_take(&s->lock);
    s->closed = closed;
    condition_broadcast(&s->gate);
    lock_drop(&s->lock);
}

void slow_block_close(struct slow_block *s)
{
    set_gate(s, true);
}

void slow_block_open(struct slow_block *s)
{
    set_gate(s, false);
}

void slow_block_fail(struct slow_block *s, int err, unsigned times)
{
    lock_take(&s->lock);
    s->fail = err;
    s->failures = times;
    lock_drop(&s->lock);
}

void slow_block_await(struct slow_block *s, unsigned n)
{
    lock_take(&s->lock);
    while (s->waiting < n)
        condition_wait(&s->gate, &s->lock);
    lock_drop(&s->lock);
}
