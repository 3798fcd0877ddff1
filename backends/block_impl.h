/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kinds of block backend share among themselves; users see only block.h. A kind embeds
 * struct block as its first member and fills it with block_init().
 */
#ifndef BACKENDS_BLOCK_IMPL_H
#define BACKENDS_BLOCK_IMPL_H

#include "backends/block.h"

/* Ranges were checked against `size`, and writes against `readonly`, before these are called; len
 * is not 0. Each returns 0 or -errno. */
struct block_ops {
    int (*read)(struct block *b, uint64_t off, void *buf, size_t len);
    int (*write)(struct block *b, uint64_t off, const void *buf, size_t len);
    int (*flush)(struct block *b);
    void (*free)(struct block *b); /* frees the kind's own struct too */
};

struct block {
    const struct block_ops *ops;
    char *name; /* owned; for messages */
    uint64_t size;
    bool readonly;
};

/* Fills in the common part; `name` is copied. */
void block_init(struct block *b, const struct block_ops *ops, const char *name, uint64_t size,
                bool readonly);

/* pread/pwrite of the whole range, through interruptions and short transfers; 0 or -errno, -EIO
 * when the file ends early. */
int block_fd_read(int fd, uint64_t off, void *buf, size_t len);
int block_fd_write(int fd, uint64_t off, const void *buf, size_t len);

#endif
