/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The block device's inside, for virtio_blk.c and virtio_blk_req.c. */
#ifndef DEVICES_VIRTIO_VIRTIO_BLK_INT_H
#define DEVICES_VIRTIO_VIRTIO_BLK_INT_H

#include "devices/virtio/virtio_blk.h"

#define BLK_MAX_SEGMENTS 32u                 /* of a discard or zeroing */
#define BLK_MAX_SECTORS  (UINT32_C(1) << 22) /* of one such segment */

struct blk_request;

struct virtio_blk {
    struct device dev;
    struct virtio virtio;
    struct virtio_blk_config cfg; /* serial is not for use: see id */
    char id[VIRTIO_BLK_ID_LEN];   /* padded with zeros, maybe without one at the end */
    uint8_t writable[64];

    /* Requests in flight. They are not state: none is while that is saved or loaded. */
    struct blk_request *flying; /* a list */
    unsigned in_flight[VIRTIO_BLK_MAX_QUEUES];
    size_t held;  /* bytes of their buffers */
    bool stalled; /* chains wait for some of those to end */

    bool wce_written; /* state: the driver has said what `writeback` shall be */
};

/* Takes what is in queue n, as far as there is room. */
void blk_serve(struct virtio_blk *d, unsigned n);

/* Takes back all that is in flight, and forgets it. */
void blk_forget(struct virtio_blk *d);

/* Whether a write must be durable when the driver hears that it was done: 5.2.5. */
bool blk_writes_through(struct virtio_blk *d);

#endif
