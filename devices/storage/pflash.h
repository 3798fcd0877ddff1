/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parallel NOR flash with an image behind it: where firmware is run from, and where it keeps its
 * variables. One 8-bit chip with Intel's basic command set (CFI command set 0001) and blocks of 4
 * KiB, on a bus of bytes: wider accesses are so many cycles.
 *
 * While the chip reads as memory (read-array mode) it is memory: a slot that the board shows, whose
 * stores come here all the same. In the other modes it is MMIO.
 *
 * The image: what was programmed or erased is written, durably, while the status register says
 * "busy". A guest that reads the status until it says "ready" knows what is in the file; and as the
 * chip does not read as memory before it is ready, neither does a guest get so far that does not
 * look: it waits in its read-array command.
 */
#ifndef DEVICES_STORAGE_PFLASH_H
#define DEVICES_STORAGE_PFLASH_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/bus.h"
#include "devices/device.h"

#define PFLASH_BLOCK 4096u /* bytes that are erased at once */

struct block;
struct pflash;
struct vclock;

struct pflash_config {
    const char *name; /* static, for messages */
    struct bus *mmio;
    struct vclock *clock;
    uint64_t base;       /* guest-physical, a multiple of a page */
    struct block *block; /* its size is a multiple of PFLASH_BLOCK, and a few MiB; read-only images
                            make a chip that is write-protected. Attached to its engine; the
                            caller's, who frees it after the device */
    /* Loads from base.. find the memory `hva` of the block's size, while stores still come by the
     * bus; or they, too, come by the bus. Device lock held. */
    void *opaque;
    void (*show)(void *opaque, void *hva);
    void (*hide)(void *opaque);
};

/* Reads the image, and claims its range of memory. Nothing is shown before the first reset. NULL
 * with an error when the image cannot be read or the range is taken. Main thread. */
struct pflash *pflash_new(const struct pflash_config *cfg, GError **err);

struct device *pflash_device(struct pflash *f);

/* What it holds, of the image's size, page-aligned; as long as the device lives. */
uint8_t *pflash_memory(struct pflash *f);

#endif
