/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image in memory, for tests; see block.h. */
#include "backends/block_impl.h"

#include <string.h>

struct block_memory {
    struct block block;
    uint8_t *data;
};

static int memory_read(struct block *b, uint64_t off, void *buf, size_t len)
{
    memcpy(buf, ((struct block_memory *)b)->data + off, len);
    return 0;
}

static int memory_write(struct block *b, uint64_t off, const void *buf, size_t len)
{
    memcpy(((struct block_memory *)b)->data + off, buf, len);
    return 0;
}

static int memory_flush(struct block *b)
{
    (void)b;
    return 0;
}

static void memory_free(struct block *b)
{
    g_free(((struct block_memory *)b)->data);
    g_free(b);
}

static int memory_read_now(struct block *b, uint64_t off, const struct iovec *iov, unsigned n,
                           size_t len)
{
    (void)len;
    block_scatter(iov, n, ((struct block_memory *)b)->data + off);
    return 0;
}

static const struct block_ops memory_ops = {
    .read = memory_read,
    .write = memory_write,
    .flush = memory_flush,
    .free = memory_free,
    .read_now = memory_read_now,
};

struct block *block_new_memory(uint64_t size)
{
    struct block_memory *m = g_new0(struct block_memory, 1);

    block_init(&m->block, &memory_ops, "memory", size, false);
    m->data = g_malloc0(size ? size : 1);
    return &m->block;
}
