/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a bus-mastering device reaches guest memory. Addresses come from the guest and are hostile: a
 * transfer that leaves RAM stops there and says so, and never touches host memory.
 *
 * Called with the device lock held. Writes are seen by everything that tracks memory (decoded code,
 * dirty logs).
 */
#ifndef DEVICES_DMA_H
#define DEVICES_DMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dma_space {
    void *opaque;
    /* Copies len bytes; false when part of the range is not RAM (that part reads as ones, is not
     * written). Must not recurse into MMIO handlers. */
    bool (*read)(void *opaque, uint64_t gpa, void *buf, size_t len);
    bool (*write)(void *opaque, uint64_t gpa, const void *buf, size_t len);
};

static inline bool dma_read(const struct dma_space *d, uint64_t gpa, void *buf, size_t len)
{
    return d->read(d->opaque, gpa, buf, len);
}

static inline bool dma_write(const struct dma_space *d, uint64_t gpa, const void *buf, size_t len)
{
    return d->write(d->opaque, gpa, buf, len);
}

#endif
