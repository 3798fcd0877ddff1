/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An image for tests that takes its time: while its gate is closed, every operation waits in its
 * worker. It logs what it did, and fails where it is told to.
 */
#ifndef TESTS_UNIT_SLOW_BLOCK_H
#define TESTS_UNIT_SLOW_BLOCK_H

#include "backends/block_impl.h"
#include "base/lock.h"

struct slow_block {
    struct block block;
    uint8_t *data;
    struct lock lock;      /* of all that follows */
    struct condition gate; /* of closed, waiting */
    bool closed;
    bool in_memory;   /* reads need not wait, and do not pass the gate */
    unsigned waiting; /* operations that stand at the gate */
    unsigned reads, writes, flushes;
    unsigned flushed_writes; /* how many had returned when the last flush began */
    int fail;                /* -errno of the next `failures` operations */
    unsigned failures;
};

/* Filled with zeros; freed by block_free. */
struct slow_block *slow_block_new(uint64_t size);

/* Any thread. */
void slow_block_close(struct slow_block *s);
void slow_block_open(struct slow_block *s);
void slow_block_fail(struct slow_block *s, int err, unsigned times);

/* Returns once `n` operations stand at the gate. */
void slow_block_await(struct slow_block *s, unsigned n);

#endif
