/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A block backend: an image behind a disk or a CD. Synchronous in this first form; offsets and
 * lengths are in bytes. A write that returned 0 is with the host's kernel; block_flush makes it
 * durable.
 */
#ifndef BACKENDS_BLOCK_H
#define BACKENDS_BLOCK_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block;

/* Opens a raw image file or a host block device. `readonly` opens it so; otherwise it must be
 * writable, and is locked against a second writer. NULL with an error that names the file. */
struct block *block_open_raw(const char *path, bool readonly, GError **err);

/* An image in memory of `size` bytes, zeroed, for tests. */
struct block *block_new_memory(uint64_t size);

/* A throw-away overlay (-snapshot): reads come from `base` until written, writes live in an
 * unlinked temporary file and are lost at block_free. `base` may be read-only; it is never written
 * and is owned from here on, freed also when NULL is returned with an error. */
struct block *block_open_snapshot(struct block *base, GError **err);

/* NULL b: no effect. Writes not flushed before are left to the host's kernel. */
void block_free(struct block *b);

uint64_t block_size(const struct block *b);
bool block_readonly(const struct block *b);
const char *block_name(const struct block *b);

/* Transfers exactly len bytes at off; 0 or -errno (-EIO past the end, -EROFS). */
int block_read(struct block *b, uint64_t off, void *buf, size_t len);
int block_write(struct block *b, uint64_t off, const void *buf, size_t len);

/* Returns once all acknowledged writes are on stable storage; 0 or -errno. */
int block_flush(struct block *b);

#endif
