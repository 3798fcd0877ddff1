/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The entropy device: fills buffers with random bytes. VIRTIO 1.1, 5.4. */
#ifndef DEVICES_VIRTIO_VIRTIO_RNG_H
#define DEVICES_VIRTIO_VIRTIO_RNG_H

#include "base/clock.h"
#include "devices/virtio/virtio.h"

struct virtio_rng_config {
    struct pci_bus *bus;
    uint8_t devfn;
    enum virtio_form form;
    struct vclock *clock;
    uint64_t max_bytes; /* in `period`, so that a guest does not drain the host; 0: any number */
    int64_t period;     /* nanoseconds, > 0 */
    /* Where the bytes come from; fewer than len only when there are none for now. */
    size_t (*random)(void *opaque, void *buf, size_t len);
    void *opaque;
};

/* NULL with an error. Device lock held. */
struct virtio_rng *virtio_rng_new(const struct virtio_rng_config *cfg, GError **err);
struct device *virtio_rng_device(struct virtio_rng *r);

#endif
