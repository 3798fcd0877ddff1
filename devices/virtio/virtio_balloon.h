/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory balloon: the guest gives pages back for as long as it is asked to do without them.
 * VIRTIO 1.1, 5.5. */
#ifndef DEVICES_VIRTIO_VIRTIO_BALLOON_H
#define DEVICES_VIRTIO_VIRTIO_BALLOON_H

#include "devices/virtio/virtio.h"

#define VIRTIO_BALLOON_F_STATS_VQ       (UINT64_C(1) << 1)
#define VIRTIO_BALLOON_F_DEFLATE_ON_OOM (UINT64_C(1) << 2)

#define VIRTIO_BALLOON_PAGE_SHIFT 12
#define VIRTIO_BALLOON_BATCH      256u /* pages */

/* What a driver tells of its memory (5.5.6.4), by tag. */
enum virtio_balloon_stat {
    BALLOON_STAT_SWAP_IN,
    BALLOON_STAT_SWAP_OUT,
    BALLOON_STAT_MAJOR_FAULTS,
    BALLOON_STAT_MINOR_FAULTS,
    BALLOON_STAT_FREE,
    BALLOON_STAT_TOTAL,
    BALLOON_STAT_AVAILABLE,
    BALLOON_STAT_CACHES,
    BALLOON_STAT_HUGE_ALLOCATIONS,
    BALLOON_STAT_HUGE_FAILURES,
    BALLOON_STATS,
};
#define BALLOON_STAT_UNKNOWN UINT64_MAX

struct virtio_balloon_config {
    struct pci_bus *bus;
    uint8_t devfn;
    enum virtio_form form;
    uint32_t pages; /* of RAM: more than these are in no balloon */
    bool deflate_on_oom;
    void *opaque;
    /* These pages are in the balloon: their contents are nobody's any more, and they read as zeros
     * when they are touched again. 1 to VIRTIO_BALLOON_BATCH frame numbers, any at all. */
    void (*drop)(void *opaque, const uint64_t *gfn, unsigned n);
    /* The driver has told of another size; may be NULL. */
    void (*changed)(void *opaque);
};

/* NULL with an error. Device lock held, here and below. */
struct virtio_balloon *virtio_balloon_new(const struct virtio_balloon_config *cfg, GError **err);
struct device *virtio_balloon_device(struct virtio_balloon *d);

/* How many pages shall be in the balloon; and how many are, as the driver says. */
void virtio_balloon_set_target(struct virtio_balloon *d, uint32_t pages);
uint32_t virtio_balloon_actual(const struct virtio_balloon *d);

/* What the driver told last (BALLOON_STATS numbers, BALLOON_STAT_UNKNOWN where it did not), and
 * asks it to tell anew. */
void virtio_balloon_stats(struct virtio_balloon *d, uint64_t *stats);

#endif
