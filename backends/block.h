/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A block backend: an image behind a disk or a CD. Offsets and lengths are in bytes.
 *
 * Devices use requests: block_submit returns at once, worker threads do the work, and `done` comes
 * later with the device lock held. The synchronous calls further down are for whoever may wait for
 * the host's disk: the opening of images, tools, tests. A vCPU may not.
 *
 * What is promised:
 * - `done` is called exactly once for each submitted request, never before block_submit returns,
 *   unless block_cancel took the request back. Until then the request and its memory belong to the
 *   engine.
 * - It is called on the main thread, on a worker, or on the one that drains or ends a batch. With
 *   counted time it is called by the machine's clock, at a time that does not depend on the host.
 * - Requests under way may be done in any order, also those that overlap. A flush covers every
 *   write, discard and zeroing whose `done` was called before the flush was submitted.
 * - A write that was done is with the host's kernel (or durable, with BLOCK_FUA or an image opened
 *   with BLOCK_CACHE_WRITETHROUGH); a flush that was done is on stable storage.
 */
#ifndef BACKENDS_BLOCK_H
#define BACKENDS_BLOCK_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/clock.h"

struct block;
struct block_engine;
struct lock;

#define BLOCK_SECTOR 512u

/* ---- requests ---- */

enum block_op { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH, BLOCK_DISCARD, BLOCK_WRITE_ZEROES };

enum {
    BLOCK_FUA = 1 << 0,   /* a write or zeroing is durable before `done` */
    BLOCK_UNMAP = 1 << 1, /* BLOCK_WRITE_ZEROES may punch a hole */
};

#define BLOCK_MAX_TRANSFER (UINT64_C(1) << 30) /* bytes of a read or a write */

/* Embedded in whatever the device keeps of a command. The caller fills the first part; both parts
 * are to be zeroed before the first use, and the request may be used again from `done` on. */
struct block_request {
    enum block_op op;
    uint8_t flags;
    uint64_t off, len;       /* len: the sum of iov for reads and writes; 0 for a flush */
    void *buf;               /* one buffer of len bytes; or NULL and … */
    const struct iovec *iov; /* … several, which stay the caller's */
    unsigned n_iov;
    /* 0 or -errno: -EIO past the end, -EROFS, -ENOSPC, -ENOTSUP …. Device lock held; may submit
     * this request or others, and cancel others. */
    void (*done)(struct block_request *req, int err);
    void *opaque; /* the caller's */

    /* ---- the engine's ---- */
    struct block_engine *engine; /* while it is under way; the image may be gone afterwards */
    struct block *block;
    struct block_request *next;
    uint8_t state; /* enum block_state (block_engine.c); its lock */
    int err;
    struct timer timer; /* counted time */
};

/* Starts it. The image is attached to an engine. A bad range or a write to a read-only image is an
 * error that `done` gets. Device lock held. */
void block_submit(struct block *b, struct block_request *req);

/* Between these two calls requests are submitted whose `done` may come before the second returns:
 * those that the host had the data of in its memory (see block_batch_end). For the doorbell of a
 * device that takes many requests at once. They may be nested. Device lock held. */
struct block_engine *block_batch_begin(struct block *b); /* NULL where b is, or is not attached */

/* Calls `done` for what has been done, on this thread, for some of them at least; the rest comes as
 * it does otherwise. NULL e: no effect. Device lock held. */
void block_batch_end(struct block_engine *e);

/* Is it under way: submitted, and `done` not called yet? Device lock held. */
bool block_busy(const struct block_request *req);

/* Takes a request back: `done` will not be called. What it should have done may be done in whole,
 * in part or not. Waits for the host when a worker is at it; no effect when it is not under way.
 * For resets and the end. Device lock held. */
void block_cancel(struct block_request *req);

/* Waits until no request of the image is under way, those included that `done` submits meanwhile;
 * calls `done` for each. Those that wait for the machine to go on after an error (below) stay so.
 * For a change of medium. Device lock held. */
void block_drain(struct block *b);

/* ---- what an image can do ---- */

struct block_limits {
    bool discard, write_zeroes;
    uint32_t alignment; /* of what a discard frees; a hint, a power of two, 512 at least */
};
struct block_limits block_limits(const struct block *b);

uint64_t block_size(const struct block *b);
/* Whole 512-byte sectors. */
uint64_t block_sectors(const struct block *b);
/* Makes it larger, what is new reading as zeros, when all that is under way is done: 0 or -errno
 * (-ENOTSUP: the image cannot be resized; -EINVAL: it would be smaller, or no multiple of what it
 * needs). Its device has to be told. Device lock held. */
int block_resize(struct block *b, uint64_t size);
bool block_readonly(const struct block *b);
const char *block_name(const struct block *b);
/* The guest should be told that there is a write cache (not so with BLOCK_CACHE_WRITETHROUGH). */
bool block_write_cache(const struct block *b);

/* What was done so far, errors not counted. Device lock held. */
struct block_stats {
    uint64_t reads, writes, flushes, discards; /* requests; zeroing counts as a write */
    uint64_t read_bytes, write_bytes;
    uint64_t read_errors, write_errors;
    uint64_t syncs; /* how often the host was told to make data durable, and did; also by
                       synchronous calls */
};
struct block_stats block_stats(const struct block *b);

/* ---- errors ---- */

/* What becomes of a request that failed: the guest is told; it is told that all went well; the
 * machine stops, and the request is tried again when it goes on (block_engine_retry). */
enum block_error_policy {
    BLOCK_ERROR_REPORT,
    BLOCK_ERROR_IGNORE,
    BLOCK_ERROR_STOP,
    BLOCK_ERROR_STOP_IF_FULL, /* of the host's disk; else report */
};

/* As built, all are reported. Before the machine runs. */
void block_set_error_policy(struct block *b, enum block_error_policy reading,
                            enum block_error_policy writing);

/* An error that was not the guest's own (a range, a read-only image). */
struct block_error {
    struct block *block;
    enum block_op op;
    uint64_t off;
    int err;                        /* -errno */
    enum block_error_policy policy; /* REPORT, IGNORE or STOP: what happens now */
};

/* ---- the engine ---- */

struct block_engine_config {
    struct lock *lock; /* the device lock; NULL where there is only one thread */
    /* With counted time requests are done within block_submit, by the calling thread, and told by a
     * timer of the clock. */
    bool counted;
    struct vclock *clock; /* counted time */
    /* Called for each error before the guest hears of it, device lock held; may be NULL. With
     * policy STOP it asks for the machine to be paused. */
    void (*error)(void *opaque, const struct block_error *e);
    void *opaque;
    unsigned threads; /* at most; 0: as many as are good */
};

/* The workers of a machine's images, and who tells devices of what is done: on the default main
 * context, unless time is counted. Main thread. */
struct block_engine *block_engine_new(const struct block_engine_config *cfg);

/* All images have been detached. */
void block_engine_free(struct block_engine *e);

/* From now on the image takes requests. Detaching drains it and gives up what waits for a retry;
 * block_free does so, too. Device lock held. */
void block_attach(struct block *b, struct block_engine *e);
void block_detach(struct block *b);

/* As block_drain, for all images: for a pause, a reset, the end. Device lock held. */
void block_engine_drain(struct block_engine *e);

/* The same but for counted time, which stands still during a pause. Device lock held. */
void block_engine_pause(struct block_engine *e);

/* The machine goes on: what failed and was kept is tried again. Device lock held. */
void block_engine_retry(struct block_engine *e);

/* ---- images ---- */

enum block_cache {
    BLOCK_CACHE_WRITEBACK,    /* writes are in the host's cache until a flush */
    BLOCK_CACHE_WRITETHROUGH, /* each write is durable when it is done */
    BLOCK_CACHE_NONE,         /* as writeback, past the host's page cache (O_DIRECT) */
    BLOCK_CACHE_DIRECTSYNC,   /* as writethrough, past the page cache */
    BLOCK_CACHE_UNSAFE,       /* flushes are ignored: for installations that may be begun anew */
};

/* What an image is opened by. */
struct block_spec {
    const char *file;   /* a path, or where a server has it: nbd://HOST[:PORT][/EXPORT],
                           nbd+unix:///EXPORT?socket=PATH */
    const char *format; /* "raw", "qcow2" …, block_open_formats; NULL: raw, or what both its
                           name and its first bytes say */
    bool readonly;
    bool snapshot; /* throw away what is written; it is opened read-only then */
    enum block_cache cache;
    bool discard; /* discards free the image's blocks; else they do nothing */
};

/* Opens an image. NULL with one clear error that names the file. It may take a while: another
 * program may have to be started. Main thread. */
struct block *block_open(const struct block_spec *spec, GError **err);

/* The known formats, ending with NULL. */
const char *const *block_open_formats(void);

/* "raw", "qcow2" …, of the base under an overlay. */
const char *block_format(const struct block *b);

/* Opens a raw image file or a host block device. `readonly` opens it so; otherwise it must be
 * writable, and is locked against a second writer. NULL with an error that names the file. */
struct block *block_open_raw(const char *path, bool readonly, GError **err);

/* An image in memory of `size` bytes, zeroed, for tests. */
struct block *block_new_memory(uint64_t size);

/* A throw-away overlay (-snapshot): reads come from `base` until written, writes live in an
 * unlinked temporary file and are lost at block_free. `base` may be read-only; it is never written
 * and is owned from here on, freed also when NULL is returned with an error. */
struct block *block_open_snapshot(struct block *base, GError **err);

/* NULL b: no effect. Writes not flushed before are left to the host's kernel. Device lock held when
 * it is attached to an engine. */
void block_free(struct block *b);

/* ---- synchronous ---- */

/* Transfers exactly len bytes at off; 0 or -errno (-EIO past the end, -EROFS). */
int block_read(struct block *b, uint64_t off, void *buf, size_t len);
int block_write(struct block *b, uint64_t off, const void *buf, size_t len);

/* Returns once all acknowledged writes are on stable storage; 0 or -errno. */
int block_flush(struct block *b);

#endif
