/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The block device's requests: VIRTIO 1.1, 5.2.6, with what legacy drivers send by 5.2.6.3.
 *
 * A chain becomes a blk_request, which lives until its status byte has been written. Its data goes
 * through a buffer of its own, a piece at a time, so that no worker ever touches guest memory and
 * no chain, however long it says it is, takes more of the host's than MAX_PIECE. All of them
 * together take MAX_HELD: chains beyond wait in their queues.
 */
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"
#include "devices/virtio/virtio_blk_int.h"

#define SECTOR    512u
#define MAX_PIECE (1u << 20)
#define MAX_HELD  (32u << 20)

enum {
    T_IN = 0,
    T_OUT = 1,
    T_FLUSH = 4,
    T_FLUSH_OUT = 5, /* legacy: the same */
    T_GET_ID = 8,
    T_DISCARD = 11,
    T_WRITE_ZEROES = 13,
};
#define T_BARRIER (UINT32_C(1) << 31) /* legacy: never offered, set by some all the same */

enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2 };

enum {
    HEADER_SIZE = 16,
    SEGMENT_SIZE = 16,
    SEGMENT_UNMAP = 1,
};

struct segment {
    uint64_t off, len;
    bool unmap;
};

struct blk_request {
    struct block_request io;
    struct blk_request *next, **link; /* in flying */
    struct virtio_blk *d;
    unsigned queue;
    struct vq_elem *e;
    uint32_t type;
    uint64_t off, len, done; /* of a transfer: where in the image, bytes, bytes that went */
    uint8_t *buf;            /* of the piece under way */
    size_t room;
    struct segment segment[BLK_MAX_SEGMENTS];
    unsigned n_segments, at_segment;
};

/* ---- the end ---- */

static void drop(struct blk_request *r)
{
    struct virtio_blk *d = r->d;

    *r->link = r->next;
    if (r->next)
        r->next->link = r->link;
    d->held -= r->room;
    d->in_flight[r->queue]--;
    g_free(r->buf);
    g_free(r->e);
    g_free(r);
}

/* The status is the last byte of all. What is in front of it counts as written only when it was. */
static void finish(struct blk_request *r, uint8_t status)
{
    struct virtqueue *q = &r->d->virtio.queue[r->queue];
    uint64_t len = r->e->in_len;

    vq_elem_write(q, r->e, len - 1, &status, 1);
    virtqueue_push(q, r->e->head, status == S_OK || len == 1 ? (uint32_t)len : 0);
    virtqueue_notify(q);
    drop(r);
}

/* After the end of a request that came from the image: its place is another's. */
static void go_on(struct virtio_blk *d)
{
    if (!d->stalled)
        return;
    d->stalled = false;
    for (unsigned n = 0; n < d->cfg.queues; n++)
        virtio_queue_notified(&d->virtio, n);
}

static void finish_later(struct blk_request *r, uint8_t status)
{
    struct virtio_blk *d = r->d;

    finish(r, status);
    go_on(d);
}

void blk_forget(struct virtio_blk *d)
{
    while (d->flying) {
        block_cancel(&d->flying->io);
        drop(d->flying);
    }
    d->stalled = false;
    invariant(!d->held);
}

/* ---- transfers ---- */

static void piece_done(struct block_request *io, int err);

static void next_piece(struct blk_request *r)
{
    struct virtio_blk *d = r->d;
    size_t n = (size_t)MIN((uint64_t)r->room, r->len - r->done);
    bool out = r->type == T_OUT;

    if (out)
        vq_elem_read(&d->virtio.queue[r->queue], r->e, HEADER_SIZE + r->done, r->buf, n);
    r->io.op = out ? BLOCK_WRITE : BLOCK_READ;
    r->io.flags = out && blk_writes_through(d) ? BLOCK_FUA : 0;
    r->io.off = r->off + r->done;
    r->io.len = n;
    r->io.buf = r->buf;
    r->io.done = piece_done;
    block_submit(d->cfg.block, &r->io);
}

static void piece_done(struct block_request *io, int err)
{
    struct blk_request *r = io->opaque;

    if (err) {
        finish_later(r, S_IOERR);
        return;
    }
    if (r->type == T_IN)
        vq_elem_write(&r->d->virtio.queue[r->queue], r->e, r->done, r->buf, (size_t)io->len);
    r->done += io->len;
    if (r->done < r->len)
        next_piece(r);
    else
        finish_later(r, S_OK);
}

static void transfer(struct blk_request *r, uint64_t sector, uint64_t len)
{
    struct virtio_blk *d = r->d;
    uint64_t sectors = block_sectors(d->cfg.block);

    if (len % SECTOR || sector > sectors || len / SECTOR > sectors - sector ||
        (r->type == T_OUT && block_readonly(d->cfg.block))) {
        finish(r, S_IOERR);
        return;
    }
    if (!len) {
        finish(r, S_OK);
        return;
    }
    r->off = sector * SECTOR;
    r->len = len;
    r->room = (size_t)MIN(len, (uint64_t)MAX_PIECE);
    r->buf = g_malloc(r->room);
    d->held += r->room;
    next_piece(r);
}

/* ---- flushes ---- */

static void flushed(struct block_request *io, int err)
{
    finish_later(io->opaque, err ? S_IOERR : S_OK);
}

static void flush(struct blk_request *r)
{
    r->io.op = BLOCK_FLUSH;
    r->io.done = flushed;
    block_submit(r->d->cfg.block, &r->io);
}

/* ---- discards and zeroing ---- */

static void segment_done(struct block_request *io, int err);

static void next_segment(struct blk_request *r)
{
    const struct segment *s = &r->segment[r->at_segment];
    bool zero = r->type == T_WRITE_ZEROES;

    r->io.op = zero ? BLOCK_WRITE_ZEROES : BLOCK_DISCARD;
    r->io.flags = 0;
    if (zero && s->unmap)
        r->io.flags |= BLOCK_UNMAP;
    if (zero && blk_writes_through(r->d))
        r->io.flags |= BLOCK_FUA;
    r->io.off = s->off;
    r->io.len = s->len;
    r->io.done = segment_done;
    block_submit(r->d->cfg.block, &r->io);
}

static void segment_done(struct block_request *io, int err)
{
    struct blk_request *r = io->opaque;

    if (err)
        finish_later(r, err == -ENOTSUP ? S_UNSUPP : S_IOERR);
    else if (++r->at_segment < r->n_segments)
        next_segment(r);
    else
        finish_later(r, S_OK);
}

/* 5.2.6.2: one segment of the request's data; a status. */
static uint8_t take_segment(struct blk_request *r, const uint8_t *raw)
{
    uint64_t sector = ld_le64(raw), sectors = block_sectors(r->d->cfg.block);
    uint32_t n = ld_le32(raw + 8), flags = ld_le32(raw + 12);

    if ((flags & ~(uint32_t)SEGMENT_UNMAP) || (flags && r->type == T_DISCARD))
        return S_UNSUPP;
    if (n > BLK_MAX_SECTORS || sector > sectors || n > sectors - sector)
        return S_IOERR;
    if (n)
        r->segment[r->n_segments++] =
            (struct segment){sector * SECTOR, (uint64_t)n * SECTOR, flags & SEGMENT_UNMAP};
    return S_OK;
}

static uint8_t take_segments(struct blk_request *r)
{
    struct virtqueue *q = &r->d->virtio.queue[r->queue];
    uint8_t raw[BLK_MAX_SEGMENTS * SEGMENT_SIZE], status = S_OK;
    uint64_t len = r->e->out_len - HEADER_SIZE;

    if (!len || len % SEGMENT_SIZE || len > sizeof(raw) || block_readonly(r->d->cfg.block))
        return S_IOERR;
    vq_elem_read(q, r->e, HEADER_SIZE, raw, (size_t)len);
    for (size_t k = 0; k < len && status == S_OK; k += SEGMENT_SIZE)
        status = take_segment(r, raw + k);
    return status;
}

static void range(struct blk_request *r, uint64_t feature)
{
    uint8_t status = S_UNSUPP;

    if (r->d->virtio.cfg.features & feature)
        status = take_segments(r);
    if (status == S_OK && r->n_segments)
        next_segment(r);
    else
        finish(r, status);
}

/* ---- the rest ---- */

static void get_id(struct blk_request *r)
{
    uint64_t len = MIN(r->e->in_len - 1, (uint64_t)VIRTIO_BLK_ID_LEN);

    vq_elem_write(&r->d->virtio.queue[r->queue], r->e, 0, r->d->id, (size_t)len);
    finish(r, S_OK);
}

static void begin(struct blk_request *r)
{
    uint8_t header[HEADER_SIZE];
    uint64_t sector;

    vq_elem_read(&r->d->virtio.queue[r->queue], r->e, 0, header, sizeof(header));
    r->type = ld_le32(header) & ~T_BARRIER;
    sector = ld_le64(header + 8);
    switch (r->type) {
    case T_IN: transfer(r, sector, r->e->in_len - 1); break;
    case T_OUT: transfer(r, sector, r->e->out_len - HEADER_SIZE); break;
    case T_FLUSH_OUT:
    case T_FLUSH: flush(r); break;
    case T_GET_ID: get_id(r); break;
    case T_DISCARD: range(r, VIRTIO_BLK_F_DISCARD); break;
    case T_WRITE_ZEROES: range(r, VIRTIO_BLK_F_WRITE_ZEROES); break;
    default: finish(r, S_UNSUPP);
    }
}

static struct blk_request *new_request(struct virtio_blk *d, unsigned n, struct vq_elem *e)
{
    struct blk_request *r = g_new0(struct blk_request, 1);

    r->d = d;
    r->queue = n;
    r->e = e;
    r->io.opaque = r;
    r->next = d->flying;
    r->link = &d->flying;
    if (r->next)
        r->next->link = &r->next;
    d->flying = r;
    d->in_flight[n]++;
    return r;
}

/* Chains that wait take their turn when others end. A driver cannot have more of them in flight
 * than its queue is long, whatever it claims. */
static bool has_room(const struct virtio_blk *d, unsigned n)
{
    return d->held < MAX_HELD && d->in_flight[n] < d->virtio.queue[n].s->size;
}

void blk_serve(struct virtio_blk *d, unsigned n)
{
    struct virtqueue *q = &d->virtio.queue[n];

    for (;;) {
        struct vq_elem *e;

        if (!has_room(d, n)) {
            d->stalled = true;
            return;
        }
        e = virtqueue_pop(q);
        if (!e)
            return;
        if (e->out_len < HEADER_SIZE || !e->in_len) {
            g_free(e);
            virtqueue_break(q, "a block request without a header or without a status");
            return;
        }
        begin(new_request(d, n, e));
    }
}
