/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address decoding for ports and MMIO: a sorted array of regions, searched by halves; see bus.h. */
#include "devices/bus.h"

#include "base/bits.h"
#include "base/error.h"
#include "base/lint.h"
#include "base/log.h"

#include <inttypes.h>

struct bus {
    const char *name;
    uint64_t limit;
    GPtrArray *regions;        /* struct bus_region *, by base */
    struct bus_region *recent; /* the last one found: most guests poll */
};

struct bus *bus_new(const char *name, uint64_t limit)
{
    struct bus *bus = g_new0(struct bus, 1);

    bus->name = name;
    bus->limit = limit;
    bus->regions = g_ptr_array_new();
    return bus;
}

void bus_free(struct bus *bus)
{
    if (!bus)
        return;
    g_ptr_array_free(bus->regions, TRUE);
    g_free(bus);
}

void bus_region_init(struct bus_region *r, const char *name, uint64_t len,
                     const struct bus_ops *ops, void *opaque)
{
    invariant(len > 0);
    *r = (struct bus_region){.ops = ops, .opaque = opaque, .name = name, .len = len};
}

/* Index of the first region whose end lies above addr. */
static unsigned lower_bound(struct bus *bus, uint64_t addr)
{
    unsigned lo = 0, hi = bus->regions->len;

    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        const struct bus_region *r = g_ptr_array_index(bus->regions, mid);

        if (r->base + (r->len - 1) < addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

bool bus_map(struct bus *bus, struct bus_region *r, uint64_t base, GError **err)
{
    unsigned at;

    invariant(!r->bus);
    if (base > bus->limit || r->len - 1 > bus->limit - base) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_CONFIG,
                    "%s bus: %s at 0x%" PRIx64 " (0x%" PRIx64 " bytes) is out of range", bus->name,
                    r->name, base, r->len);
        return false;
    }
    at = lower_bound(bus, base);
    if (at < bus->regions->len) {
        const struct bus_region *next = g_ptr_array_index(bus->regions, at);

        if (next->base <= base + (r->len - 1)) {
            g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_CONFIG,
                        "%s bus: %s at 0x%" PRIx64 " overlaps %s at 0x%" PRIx64, bus->name, r->name,
                        base, next->name, next->base);
            return false;
        }
    }
    r->bus = bus;
    r->base = base;
    g_ptr_array_insert(bus->regions, (int)at, r);
    return true;
}

void bus_unmap(struct bus_region *r)
{
    struct bus *bus = r->bus;

    if (!bus)
        return;
    g_ptr_array_remove(bus->regions, r);
    if (bus->recent == r)
        bus->recent = NULL;
    r->bus = NULL;
}

struct bus_region *bus_find(struct bus *bus, uint64_t addr)
{
    struct bus_region *r = bus->recent;
    unsigned at;

    if (r && addr - r->base < r->len)
        return r;
    at = lower_bound(bus, addr);
    if (at == bus->regions->len)
        return NULL;
    r = g_ptr_array_index(bus->regions, at);
    if (addr - r->base >= r->len)
        return NULL;
    bus->recent = r;
    return r;
}

/* ---- strict mode ---- */

static void lint_narrow(const struct bus_region *r, const char *verb, uint64_t off, unsigned size)
{
    lint_report_of(LINT_ACCESS_WIDTH, r->base + off,
                   "%u-byte %s of %s+0x%" PRIx64 ", which takes %u bytes at least", size, verb,
                   r->name, off, r->ops->min_size);
}

static void lint_nobody(const struct bus *bus, const char *verb, uint64_t addr, unsigned size)
{
    lint_report_of(LINT_UNCLAIMED, addr, "%u-byte %s %s 0x%" PRIx64 ", where nobody is", size, verb,
                   bus->name, addr);
}

/* ---- accesses ---- */

static uint64_t ones(unsigned size)
{
    return zext(~UINT64_C(0), size);
}

/* One access that lies inside r and is no wider than its max_size. */
static uint64_t region_read(struct bus_region *r, uint64_t off, unsigned size)
{
    unsigned min = r->ops->min_size ? r->ops->min_size : 1;

    if (!r->ops->read)
        return ones(size);
    if (size < min) {
        uint64_t aligned = off & ~(uint64_t)(min - 1);

        lint_narrow(r, "read", off, size);
        return zext(r->ops->read(r->opaque, aligned, min) >> (8 * (off - aligned)), size);
    }
    return zext(r->ops->read(r->opaque, off, size), size);
}

static void region_write(struct bus_region *r, uint64_t off, uint64_t val, unsigned size)
{
    if (!r->ops->write)
        return;
    if (size < r->ops->min_size) {
        log_guest("%s: %u-byte write at offset 0x%" PRIx64 " is too narrow", r->name, size, off);
        lint_narrow(r, "write", off, size);
        return;
    }
    r->ops->write(r->opaque, off, zext(val, size), size);
}

/* How many of the `size` bytes at addr can go to r in one piece: a power of two. */
static unsigned piece(const struct bus_region *r, uint64_t addr, unsigned size)
{
    unsigned max = r->ops->max_size ? r->ops->max_size : 4;
    uint64_t room = r->len - (addr - r->base);

    while (size > max || size > room)
        size >>= 1;
    return size;
}

static void log_access(const struct bus *bus, const struct bus_region *r, const char *verb,
                       uint64_t addr, uint64_t val, unsigned size)
{
    log_msg(LOG_DEV, "%s: %s 0x%" PRIx64 " %s+0x%" PRIx64 " = 0x%" PRIx64 " (%u)", bus->name, verb,
            addr, r->name, addr - r->base, val, size);
}

uint64_t bus_read(struct bus *bus, uint64_t addr, unsigned size)
{
    uint64_t val = 0;
    unsigned done = 0;

    while (done < size) {
        struct bus_region *r = bus_find(bus, addr + done);
        unsigned left = size - done;
        /* the largest power of two not above what is left */
        unsigned n = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
        uint64_t part;

        if (r) {
            n = piece(r, addr + done, n);
            part = region_read(r, addr + done - r->base, n);
            if (unlikely(log_on(LOG_DEV)))
                log_access(bus, r, "reads", addr + done, part, n);
        } else {
            n = 1;
            part = 0xff;
            if (!done)
                lint_nobody(bus, "read of", addr, size);
            if (!done && log_on(LOG_IO))
                log_msg(LOG_IO, "%s: nobody reads 0x%" PRIx64 " (%u)", bus->name, addr, size);
        }
        val |= part << (8 * done);
        done += n;
    }
    return val;
}

void bus_write(struct bus *bus, uint64_t addr, uint64_t val, unsigned size)
{
    unsigned done = 0;

    while (done < size) {
        struct bus_region *r = bus_find(bus, addr + done);
        unsigned left = size - done;
        unsigned n = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;

        if (r) {
            n = piece(r, addr + done, n);
            if (unlikely(log_on(LOG_DEV)))
                log_access(bus, r, "writes", addr + done, zext(val >> (8 * done), n), n);
            region_write(r, addr + done - r->base, val >> (8 * done), n);
        } else {
            n = 1;
            if (!done)
                lint_nobody(bus, "write to", addr, size);
            if (!done && log_on(LOG_IO))
                log_msg(LOG_IO, "%s: nobody takes 0x%" PRIx64 " = 0x%" PRIx64 " (%u)", bus->name,
                        addr, val, size);
        }
        done += n;
    }
}

void bus_foreach(struct bus *bus, void (*fn)(const struct bus_region *r, void *opaque),
                 void *opaque)
{
    for (unsigned k = 0; k < bus->regions->len; k++)
        fn(g_ptr_array_index(bus->regions, k), opaque);
}
