/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transfers past the host's page cache: open(2), O_DIRECT, takes only whole blocks at addresses
 * that are multiples, too. What a guest asks for and is not so goes through a buffer of ours.
 */
#ifndef BACKENDS_BLOCK_DIRECT_H
#define BACKENDS_BLOCK_DIRECT_H

#include <stddef.h>
#include <stdint.h>

#include "base/rwlock.h"

struct block_direct {
    int fd;
    uint32_t align; /* of offsets, lengths and addresses */
    /* Held for writing by who changes part of a block, which is read, changed and written: nobody
     * else may write to that block meanwhile. */
    struct rwlock whole;
};

/* Finds out what the file, opened with O_DIRECT, wants. 0 or -errno. */
int block_direct_init(struct block_direct *d, int fd);
void block_direct_clear(struct block_direct *d);

/* The whole range; the file's size is a multiple of `align`. 0 or -errno. Any thread. */
int block_direct_read(struct block_direct *d, uint64_t off, void *buf, size_t len);
int block_direct_write(struct block_direct *d, uint64_t off, const void *buf, size_t len);

#endif
