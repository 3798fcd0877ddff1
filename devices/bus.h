/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one bus mechanism, instantiated for ports (64 KiB) and for MMIO (the physical address space).
 * A region is a range with handlers that get an offset from the region's start and their own
 * pointer. Ranges never overlap: a second claim is an error that names both.
 *
 * All calls are made with the device lock held.
 */
#ifndef DEVICES_BUS_H
#define DEVICES_BUS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct bus;

struct bus_ops {
    /* `size` is 1, 2, 4 or 8 bytes, between min_size and max_size; `off` < the region's length.
     * Accesses wider than max_size reach the handler in pieces, low offset first; those narrower
     * than min_size are widened to it (reads: the wanted bytes are cut out; writes: refused and
     * logged). A NULL read answers all ones, a NULL write is dropped. */
    uint64_t (*read)(void *opaque, uint64_t off, unsigned size);
    void (*write)(void *opaque, uint64_t off, uint64_t val, unsigned size);
    uint8_t min_size; /* 0 means 1 */
    uint8_t max_size; /* 0 means 4 */
};

/* A range on a bus. Embedded in its owner, who keeps it alive while it is mapped. */
struct bus_region {
    const struct bus_ops *ops;
    void *opaque;
    const char *name; /* static string, for messages */
    uint64_t len;     /* bytes, > 0 */
    /* set by bus_map */
    struct bus *bus; /* NULL while not mapped */
    uint64_t base;
};

/* A bus of addresses 0..limit (inclusive). `name` is static. */
struct bus *bus_new(const char *name, uint64_t limit);
void bus_free(struct bus *bus);

/* Fills a region in; it is not mapped yet. */
void bus_region_init(struct bus_region *r, const char *name, uint64_t len,
                     const struct bus_ops *ops, void *opaque);

/* Maps at `base`. False with an error naming both owners when it overlaps or leaves the bus. */
bool bus_map(struct bus *bus, struct bus_region *r, uint64_t base, GError **err);

/* Takes the region off its bus; no effect when it is not mapped. */
void bus_unmap(struct bus_region *r);

/* The region at addr, or NULL. */
struct bus_region *bus_find(struct bus *bus, uint64_t addr);

/* Guest accesses of 1, 2, 4 or 8 bytes at any alignment; bytes that nobody claims read as ones. */
uint64_t bus_read(struct bus *bus, uint64_t addr, unsigned size);
void bus_write(struct bus *bus, uint64_t addr, uint64_t val, unsigned size);

/* Calls fn for each region in address order (for `info mtree` and tests). */
void bus_foreach(struct bus *bus, void (*fn)(const struct bus_region *r, void *opaque),
                 void *opaque);

#endif
