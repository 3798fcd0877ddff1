/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A split virtqueue: descriptors, the ring of those the driver has made available, the ring of
 * those the device has used. Virtual I/O Device (VIRTIO) Version 1.1, 2.6; the legacy layout 2.6.2.
 *
 * The rings are in guest memory and hostile. A chain that loops, is longer than the queue, lies
 * outside of RAM or mixes its parts breaks the queue: `broken` is called once, and nothing more
 * comes from it until it is reset.
 *
 * All calls with the device lock held.
 */
#ifndef DEVICES_VIRTIO_VIRTQUEUE_H
#define DEVICES_VIRTIO_VIRTQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/pci/pci.h"

#define VIRTQUEUE_MAX 1024 /* descriptors */

/* What the driver made of a queue, and where both are. */
struct virtqueue_state {
    uint64_t desc, avail, used; /* guest-physical */
    uint16_t size;              /* as the driver chose; a power of two up to max_size */
    uint16_t vector;            /* MSI-X */
    uint16_t next_avail, next_used;
    uint16_t signalled; /* next_used when it was last looked at whether the driver wants to know */
    bool signalled_valid;
    bool enabled, broken;
    bool event_idx; /* VIRTIO_F_RING_EVENT_IDX was negotiated */
};

struct virtqueue {
    struct virtqueue_state *s;
    struct pci_device *pci; /* whose DMA it is */
    uint16_t max_size;      /* a power of two up to VIRTQUEUE_MAX */
    void *opaque;
    void (*broken)(void *opaque, struct virtqueue *q, const char *why);
    void (*interrupt)(void *opaque, struct virtqueue *q); /* used buffers are there to be seen */
};

struct vq_buf {
    uint64_t gpa;
    uint32_t len;
};

/* A chain: what the driver has written for the device, then what the device may write. */
struct vq_elem {
    uint16_t head;
    unsigned n_out, n_in;
    uint64_t out_len, in_len; /* bytes, below 4 GiB each */
    struct vq_buf buf[];      /* n_out, then n_in */
};

/* As after a reset of the device. */
void virtqueue_reset(struct virtqueue *q);

/* The next chain, g_free'd by the caller; NULL when there is none, or the queue is not in use. */
struct vq_elem *virtqueue_pop(struct virtqueue *q);

/* The last popped chain goes back: it will be popped again. Nothing was pushed since. */
void virtqueue_unpop(struct virtqueue *q);

/* What a chain asks for cannot be answered in it: the queue is broken, as by a bad ring. */
void virtqueue_break(struct virtqueue *q, const char *why);

/* Is a chain waiting? */
bool virtqueue_pending(struct virtqueue *q);

/* Whether the driver shall notify of further chains: off is a hint that saves exits. After
 * turning it on, look again at what is pending. */
void virtqueue_want_notify(struct virtqueue *q, bool on);

/* Gives a chain back, with `written` bytes in its in-buffers. */
void virtqueue_push(struct virtqueue *q, uint16_t head, uint32_t written);

/* The same for chains that are seen by the driver at once: fill n of them at index 0, 1, …, then
 * flush. */
void virtqueue_fill(struct virtqueue *q, unsigned index, uint16_t head, uint32_t written);
void virtqueue_flush(struct virtqueue *q, unsigned n);

/* Interrupts the driver if it wants to hear of what was pushed. */
void virtqueue_notify(struct virtqueue *q);

/* Copies from the out-buffers, or into the in-buffers, beginning at byte `off` of all of them
 * together; how many bytes there were. What is not RAM reads as ones and swallows writes. */
size_t vq_elem_read(struct virtqueue *q, const struct vq_elem *e, uint64_t off, void *buf,
                    size_t len);
size_t vq_elem_write(struct virtqueue *q, const struct vq_elem *e, uint64_t off, const void *buf,
                     size_t len);

#endif
