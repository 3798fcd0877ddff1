/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A split virtqueue; see virtqueue.h. VIRTIO 1.1: 2.6.5 the descriptor table, 2.6.6 the available
 * ring, 2.6.8 the used ring, 2.6.7 and 2.6.8.2 when to interrupt and to notify.
 */
#include "devices/virtio/virtqueue.h"

#include <stdatomic.h>

#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"

#define NO_VECTOR 0xffffu

enum {
    DESC_SIZE = 16,
    DESC_NEXT = 1 << 0,
    DESC_WRITE = 1 << 1,
    DESC_INDIRECT = 1 << 2,

    AVAIL_NO_INTERRUPT = 1 << 0,
    USED_NO_NOTIFY = 1 << 0,
};

struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};

/* Descriptors as they are met, and where: the queue's own table, or an indirect one. */
struct walk {
    struct virtqueue *q;
    uint64_t table;
    unsigned table_size, seen, n;
    bool indirect;
    struct vq_elem *elem;
    unsigned room;
};

void virtqueue_reset(struct virtqueue *q)
{
    *q->s = (struct virtqueue_state){.size = q->max_size, .vector = NO_VECTOR};
}

static bool broken(struct virtqueue *q, const char *why)
{
    if (!q->s->broken) {
        q->s->broken = true;
        log_guest("virtio: %s: %s", q->pci->name, why);
        q->broken(q->opaque, q, why);
    }
    return false;
}

void virtqueue_break(struct virtqueue *q, const char *why)
{
    broken(q, why);
}

static bool usable(const struct virtqueue *q)
{
    return q->s->enabled && q->s->size && !q->s->broken;
}

static bool get16(struct virtqueue *q, uint64_t gpa, uint16_t *val)
{
    uint8_t bytes[2];

    if (!pci_dma_read(q->pci, gpa, bytes, sizeof(bytes)))
        return broken(q, "a ring lies outside of memory");
    *val = (uint16_t)ld_le16(bytes);
    return true;
}

static bool put16(struct virtqueue *q, uint64_t gpa, uint16_t val)
{
    uint8_t bytes[2];

    st_le16(bytes, val);
    return pci_dma_write(q->pci, gpa, bytes, sizeof(bytes)) ||
           broken(q, "a ring lies outside of memory");
}

/* ---- a chain ---- */

static bool read_desc(struct walk *w, unsigned n, struct desc *d)
{
    uint8_t raw[DESC_SIZE];

    if (n >= w->table_size)
        return broken(w->q, "a descriptor's number is beyond the table");
    if (!pci_dma_read(w->q->pci, w->table + (uint64_t)n * DESC_SIZE, raw, sizeof(raw)))
        return broken(w->q, "a descriptor lies outside of memory");
    *d = (struct desc){ld_le64(raw), ld_le32(raw + 8), (uint16_t)ld_le16(raw + 12),
                       (uint16_t)ld_le16(raw + 14)};
    return true;
}

static bool add_buffer(struct walk *w, const struct desc *d)
{
    struct vq_elem *e = w->elem;
    bool in = d->flags & DESC_WRITE;
    uint64_t *sum = in ? &e->in_len : &e->out_len;

    if (!in && e->n_in)
        return broken(w->q, "a buffer to be read follows one to be written");
    if (*sum + d->len > UINT32_MAX)
        return broken(w->q, "a chain is longer than 4 GiB");
    *sum += d->len;
    if (w->n == w->room) {
        w->room *= 2;
        e = w->elem = g_realloc(e, sizeof(*e) + w->room * sizeof(e->buf[0]));
    }
    e->buf[w->n++] = (struct vq_buf){d->addr, d->len};
    if (in)
        e->n_in++;
    else
        e->n_out++;
    return true;
}

/* 2.6.5.3: a table of its own, which the rest of the chain is in. */
static bool enter_indirect(struct walk *w, const struct desc *d)
{
    if (w->indirect)
        return broken(w->q, "an indirect table within an indirect table");
    if (!d->len || d->len % DESC_SIZE || d->len / DESC_SIZE > 0x10000)
        return broken(w->q, "an indirect table of a size that cannot be");
    if (d->flags & DESC_NEXT)
        return broken(w->q, "an indirect descriptor with a successor");
    w->indirect = true;
    w->table = d->addr;
    w->table_size = d->len / DESC_SIZE;
    w->seen = 0;
    return true;
}

static bool walk_chain(struct walk *w, unsigned n)
{
    struct desc d;

    for (;;) {
        if (w->seen++ == w->table_size)
            return broken(w->q, "a chain of descriptors loops");
        if (!read_desc(w, n, &d))
            return false;
        if (d.flags & DESC_INDIRECT) {
            if (!enter_indirect(w, &d))
                return false;
            n = 0;
            continue;
        }
        if (!add_buffer(w, &d))
            return false;
        if (!(d.flags & DESC_NEXT))
            return true;
        n = d.next;
    }
}

/* ---- the available ring ---- */

static bool avail_index(struct virtqueue *q, uint16_t *index)
{
    if (!get16(q, q->s->avail + 2, index))
        return false;
    if ((uint16_t)(*index - q->s->next_avail) > q->s->size)
        return broken(q, "the index of the available ring jumped");
    return true;
}

bool virtqueue_pending(struct virtqueue *q)
{
    uint16_t index;

    return usable(q) && avail_index(q, &index) && index != q->s->next_avail;
}

/* 2.6.7.1: with event indices, of which chain the driver shall tell. */
static void ask_for_next(struct virtqueue *q)
{
    put16(q, q->s->used + 4 + 8u * q->s->size, q->s->next_avail);
}

struct vq_elem *virtqueue_pop(struct virtqueue *q)
{
    struct walk w = {.q = q, .table = q->s->desc, .table_size = q->s->size, .room = 8};
    uint16_t head;

    if (!virtqueue_pending(q))
        return NULL;
    atomic_thread_fence(memory_order_acquire); /* the index before what it announces */
    if (!get16(q, q->s->avail + 4 + 2u * (q->s->next_avail & (q->s->size - 1u)), &head))
        return NULL;
    w.elem = g_malloc0(sizeof(*w.elem) + w.room * sizeof(w.elem->buf[0]));
    if (!walk_chain(&w, head)) {
        g_free(w.elem);
        return NULL;
    }
    w.elem->head = head;
    q->s->next_avail++;
    if (q->s->event_idx)
        ask_for_next(q);
    return w.elem;
}

void virtqueue_unpop(struct virtqueue *q)
{
    q->s->next_avail--;
}

void virtqueue_want_notify(struct virtqueue *q, bool on)
{
    uint16_t flags;

    if (!usable(q))
        return;
    if (!q->s->event_idx) {
        if (get16(q, q->s->used, &flags))
            put16(q, q->s->used, (uint16_t)(on ? flags & ~USED_NO_NOTIFY : flags | USED_NO_NOTIFY));
    } else if (on) {
        ask_for_next(q);
    }
    atomic_thread_fence(memory_order_seq_cst); /* the wish before the next look at the ring */
}

/* ---- the used ring ---- */

void virtqueue_fill(struct virtqueue *q, unsigned index, uint16_t head, uint32_t written)
{
    uint8_t raw[8];

    if (!usable(q))
        return;
    st_le32(raw, head);
    st_le32(raw + 4, written);
    if (!pci_dma_write(q->pci,
                       q->s->used + 4 + 8u * ((q->s->next_used + index) & (q->s->size - 1u)), raw,
                       sizeof(raw)))
        broken(q, "a ring lies outside of memory");
}

void virtqueue_flush(struct virtqueue *q, unsigned n)
{
    if (!usable(q))
        return;
    q->s->next_used = (uint16_t)(q->s->next_used + n);
    atomic_thread_fence(memory_order_release); /* the entries before the index */
    put16(q, q->s->used + 2, q->s->next_used);
}

void virtqueue_push(struct virtqueue *q, uint16_t head, uint32_t written)
{
    virtqueue_fill(q, 0, head, written);
    virtqueue_flush(q, 1);
}

/* 2.6.7.1, 2.6.8.2: has the index gone past the one of which the driver wants to hear? */
static bool driver_wants(struct virtqueue *q)
{
    uint16_t old = q->s->signalled, event, flags;
    bool valid = q->s->signalled_valid;

    if (!q->s->event_idx)
        return get16(q, q->s->avail, &flags) && !(flags & AVAIL_NO_INTERRUPT);
    q->s->signalled = q->s->next_used;
    q->s->signalled_valid = true;
    if (!get16(q, q->s->avail + 4 + 2u * q->s->size, &event))
        return false;
    return !valid || (uint16_t)(q->s->next_used - event - 1) < (uint16_t)(q->s->next_used - old);
}

void virtqueue_notify(struct virtqueue *q)
{
    atomic_thread_fence(memory_order_seq_cst); /* the index before the look at the wish */
    if (usable(q) && driver_wants(q))
        q->interrupt(q->opaque, q);
}

/* ---- the buffers ---- */

static size_t copy(struct virtqueue *q, const struct vq_buf *buf, unsigned n, uint64_t off,
                   uint8_t *to, const uint8_t *from, size_t len)
{
    size_t done = 0;

    for (unsigned k = 0; k < n && done < len; k++) {
        size_t part;

        if (off >= buf[k].len) {
            off -= buf[k].len;
            continue;
        }
        part = MIN(len - done, (size_t)(buf[k].len - off));
        if (to)
            pci_dma_read(q->pci, buf[k].gpa + off, to + done, part);
        else
            pci_dma_write(q->pci, buf[k].gpa + off, from + done, part);
        done += part;
        off = 0;
    }
    return done;
}

size_t vq_elem_read(struct virtqueue *q, const struct vq_elem *e, uint64_t off, void *buf,
                    size_t len)
{
    return copy(q, e->buf, e->n_out, off, buf, NULL, len);
}

size_t vq_elem_write(struct virtqueue *q, const struct vq_elem *e, uint64_t off, const void *buf,
                     size_t len)
{
    return copy(q, e->buf + e->n_out, e->n_in, off, NULL, buf, len);
}
