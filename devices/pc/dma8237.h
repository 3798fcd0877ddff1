/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PC AT's two 8237A DMA controllers and their page registers: channels 0-3 move bytes, 5-7
 * words, 4 is the cascade. Devices ask for their data here; the addresses, counts and modes are the
 * guest's. All calls with the device lock held.
 */
#ifndef DEVICES_PC_DMA8237_H
#define DEVICES_PC_DMA8237_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "devices/bus.h"
#include "devices/device.h"
#include "devices/dma.h"

struct dma8237_config {
    struct bus *ports;
    struct dma_space *memory; /* outlives the controllers */
};

enum dma8237_dir {
    DMA8237_TO_MEMORY,   /* the device gives data (the 8237's "write transfer") */
    DMA8237_FROM_MEMORY, /* the device takes data ("read transfer") */
};

struct dma8237;

/* NULL with an error when the ports are taken. Claims 0x00-0x0f, 0x80-0x8f and 0xc0-0xdf. */
struct dma8237 *dma8237_new(const struct dma8237_config *cfg, GError **err);
struct device *dma8237_device(struct dma8237 *d);

/* The device on channel `chan` (0..3, 5..7): `ready` is called when the channel can move data for
 * it after a guest's register write, while its request line is up or the guest requested by
 * software. */
void dma8237_attach(struct dma8237 *d, unsigned chan, void (*ready)(void *opaque), void *opaque);

/* The device's request line, shown in the status register. */
void dma8237_dreq(struct dma8237 *d, unsigned chan, bool level);

/* Whether a transfer would be served now: enabled, unmasked, and the cascade open. */
bool dma8237_ready(const struct dma8237 *d, unsigned chan);

/* Moves up to `len` bytes (even on channels 5..7, an odd one is rounded down) between buf and the
 * guest's memory. Returns the bytes moved: fewer when the terminal count is reached, which sets *tc
 * (and, unless the channel initialises itself again, masks it); none when the channel is not ready
 * or is programmed for the other direction. A verify transfer counts but touches no memory, and
 * leaves buf alone. `tc` may be NULL. */
size_t dma8237_transfer(struct dma8237 *d, unsigned chan, enum dma8237_dir dir, void *buf,
                        size_t len, bool *tc);

#endif
