/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The block device: a disk on an image. VIRTIO 1.1, 5.2. */
#ifndef DEVICES_VIRTIO_VIRTIO_BLK_H
#define DEVICES_VIRTIO_VIRTIO_BLK_H

#include "backends/block.h"
#include "devices/virtio/virtio.h"

#define VIRTIO_BLK_MAX_QUEUES (VIRTIO_MAX_QUEUES - 1)
#define VIRTIO_BLK_ID_LEN     20u

/* Feature bits: 5.2.3. */
#define VIRTIO_BLK_F_SEG_MAX      (UINT64_C(1) << 2)
#define VIRTIO_BLK_F_GEOMETRY     (UINT64_C(1) << 4)
#define VIRTIO_BLK_F_RO           (UINT64_C(1) << 5)
#define VIRTIO_BLK_F_BLK_SIZE     (UINT64_C(1) << 6)
#define VIRTIO_BLK_F_FLUSH        (UINT64_C(1) << 9)
#define VIRTIO_BLK_F_TOPOLOGY     (UINT64_C(1) << 10)
#define VIRTIO_BLK_F_CONFIG_WCE   (UINT64_C(1) << 11)
#define VIRTIO_BLK_F_MQ           (UINT64_C(1) << 12)
#define VIRTIO_BLK_F_DISCARD      (UINT64_C(1) << 13)
#define VIRTIO_BLK_F_WRITE_ZEROES (UINT64_C(1) << 14)

struct virtio_blk_config {
    struct pci_bus *bus;
    uint8_t devfn;
    enum virtio_form form;
    struct block *block; /* attached to an engine; the caller's, and there for as long */
    const char *serial;  /* up to VIRTIO_BLK_ID_LEN bytes are the guest's to see; may be NULL */
    unsigned queues;     /* 1 to VIRTIO_BLK_MAX_QUEUES */
    uint16_t queue_size; /* a power of two, 4 to VIRTQUEUE_MAX */
    uint32_t logical, physical; /* bytes of a block; powers of two from 512, logical <= physical */
    bool config_wce, discard, write_zeroes; /* what is offered, where the image can do it */
};

/* NULL with an error. Device lock held. */
struct virtio_blk *virtio_blk_new(const struct virtio_blk_config *cfg, GError **err);
struct device *virtio_blk_device(struct virtio_blk *d);

/* The image has another size: the driver is told. Device lock held. */
void virtio_blk_resized(struct virtio_blk *d);

#endif
