/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages among APICs, and the page they answer at; see apic_bus.h. */
#include "devices/pc/apic_bus.h"

#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"
#include "devices/pc/apic_internal.h"

#include <inttypes.h>

#define MAX_EOI 4

struct apic_bus {
    struct apic_bus_config config;
    GPtrArray *apics;      /* struct apic *, in order of creation */
    struct apic_page page; /* at the default base */
    struct {
        void (*fn)(void *opaque, uint8_t vector);
        void *opaque;
    } eoi[MAX_EOI];
};

static struct apic *apic_at(struct apic_bus *bus, unsigned k)
{
    return g_ptr_array_index(bus->apics, k);
}

/* ---- the page ---- */

/* The APIC of the CPU that asks, if it has its registers here. */
static struct apic *answering(struct apic_page *page)
{
    const struct apic_bus_config *config = &page->bus->config;
    struct apic *a = config->current ? config->current(config->opaque) : NULL;

    return a && apic_claims(a, page->region.base) ? a : NULL;
}

static uint64_t page_read(void *opaque, uint64_t off, unsigned size)
{
    struct apic *a = answering(opaque);
    uint32_t val = 0;

    (void)size;
    if (!a)
        return ~UINT64_C(0);
    if (off & 0xf || off >= 0x400)
        log_guest("apic %u: read between registers, offset 0x%" PRIx64, a->id, off);
    else if (apic_reg_read(a, (unsigned)off >> 4, &val) && off >> 4 != APIC_EOI)
        return val;
    apic_lint_no_register(a, "read", off);
    return val;
}

static void page_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct apic *a = answering(opaque);

    (void)size;
    if (!a)
        return;
    if (off & 0xf || off >= 0x400) {
        log_guest("apic %u: write between registers, offset 0x%" PRIx64, a->id, off);
    } else {
        apic_lint_written(a, (unsigned)off >> 4, (uint32_t)val);
        if (apic_reg_write(a, (unsigned)off >> 4, (uint32_t)val))
            return;
    }
    apic_lint_no_register(a, "write", off);
}

static const struct bus_ops page_ops = {page_read, page_write, 4, 4};

static void page_init(struct apic_page *page, struct apic_bus *bus)
{
    page->bus = bus;
    bus_region_init(&page->region, "local-apic", 0x1000, &page_ops, page);
}

/* Guests may move their APICs, several to the same place: the first one maps the page for all. */
void apic_bus_changed(struct apic_bus *bus)
{
    if (!bus->config.mmio)
        return;
    for (unsigned k = 0; k < bus->apics->len; k++)
        bus_unmap(&apic_at(bus, k)->moved.region);
    for (unsigned k = 0; k < bus->apics->len; k++) {
        struct apic *a = apic_at(bus, k);
        uint64_t base = apic_page_base(a);
        const struct bus_region *there = bus_find(bus->config.mmio, base);
        GError *err = NULL;

        if (!apic_enabled(a) || apic_in_x2(a) ||
            (there && there->ops == &page_ops && there->base == base))
            continue;
        if (!bus_map(bus->config.mmio, &a->moved.region, base, &err)) {
            log_guest("apic %u: cannot move: %s", a->id, err->message);
            g_error_free(err);
        }
    }
}

/* ---- life ---- */

struct apic_bus *apic_bus_new(const struct apic_bus_config *config, GError **err)
{
    struct apic_bus *bus = g_new0(struct apic_bus, 1);

    bus->config = *config;
    bus->apics = g_ptr_array_new();
    page_init(&bus->page, bus);
    if (config->mmio && !bus_map(config->mmio, &bus->page.region, APIC_DEFAULT_BASE, err)) {
        apic_bus_free(bus);
        return NULL;
    }
    return bus;
}

void apic_bus_free(struct apic_bus *bus)
{
    if (!bus)
        return;
    invariant(bus->apics->len == 0);
    bus_unmap(&bus->page.region);
    g_ptr_array_free(bus->apics, TRUE);
    g_free(bus);
}

bool apic_bus_add(struct apic_bus *bus, struct apic *a, GError **err)
{
    if (a->id == 0xff || apic_bus_find(bus, a->id)) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_CONFIG, "APIC id %u is taken", a->id);
        return false;
    }
    page_init(&a->moved, bus);
    g_ptr_array_add(bus->apics, a);
    return true;
}

void apic_bus_remove(struct apic_bus *bus, struct apic *a)
{
    bus_unmap(&a->moved.region);
    g_ptr_array_remove(bus->apics, a);
    apic_bus_changed(bus);
}

struct apic *apic_bus_find(struct apic_bus *bus, uint8_t id)
{
    for (unsigned k = 0; k < bus->apics->len; k++) {
        if (apic_at(bus, k)->id == id)
            return apic_at(bus, k);
    }
    return NULL;
}

/* ---- messages ---- */

/* Of those addressed and listening, the one with the lowest processor priority; among equals the
 * first, so that a run can be repeated. */
static struct apic *lowest_priority(struct apic_bus *bus, const struct apic_msg *msg)
{
    struct apic *best = NULL;

    for (unsigned k = 0; k < bus->apics->len; k++) {
        struct apic *a = apic_at(bus, k);

        if (!apic_enabled(a) || !(a->svr & SVR_ENABLE) || !apic_matches(a, msg->dest, msg->logical))
            continue;
        if (!best || apic_ppr(a) < apic_ppr(best))
            best = a;
    }
    return best;
}

bool apic_bus_send(struct apic_bus *bus, const struct apic_msg *msg)
{
    bool taken = false;

    if (msg->mode == APIC_LOWEST) {
        struct apic *a = lowest_priority(bus, msg);

        taken = a && apic_take(a, msg);
    } else {
        for (unsigned k = 0; k < bus->apics->len; k++) {
            struct apic *a = apic_at(bus, k);

            if (apic_matches(a, msg->dest, msg->logical))
                taken |= apic_take(a, msg);
        }
    }
    if (!taken)
        log_guest("apic: nobody takes vector 0x%02x for %s destination 0x%02x, mode %d",
                  msg->vector, msg->logical ? "logical" : "physical", msg->dest, msg->mode);
    return taken;
}

void apic_bus_broadcast(struct apic_bus *bus, const struct apic_msg *msg, struct apic *self)
{
    for (unsigned k = 0; k < bus->apics->len; k++) {
        if (apic_at(bus, k) != self)
            apic_take(apic_at(bus, k), msg);
    }
}

bool apic_bus_msi(struct apic_bus *bus, uint64_t addr, uint32_t data)
{
    struct apic_msg msg = {
        .dest = apic_dest8((uint8_t)bits(addr, 19, 12)),
        .logical = bits(addr, 2, 2),
        .level = bits(data, 15, 15),
        .vector = (uint8_t)data,
        .mode = (enum apic_delivery)bits(data, 10, 8),
    };

    if (addr >> 20 != 0xfee || (int)msg.mode == 3 || msg.mode == APIC_SIPI) {
        log_guest("apic: malformed message 0x%x to 0x%" PRIx64, data, addr);
        return false;
    }
    if (bits(data, 15, 14) == 2)
        return true; /* level de-assert: nothing to do */
    return apic_bus_send(bus, &msg);
}

void apic_bus_add_eoi(struct apic_bus *bus, void (*eoi)(void *opaque, uint8_t vector), void *opaque)
{
    for (unsigned k = 0; k < MAX_EOI; k++) {
        if (!bus->eoi[k].fn) {
            bus->eoi[k].fn = eoi;
            bus->eoi[k].opaque = opaque;
            return;
        }
    }
    invariant(!"more IO-APICs than the APIC bus has room for");
}

void apic_bus_remove_eoi(struct apic_bus *bus, void *opaque)
{
    for (unsigned k = 0; k < MAX_EOI; k++) {
        if (bus->eoi[k].opaque == opaque) {
            bus->eoi[k].fn = NULL;
            bus->eoi[k].opaque = NULL;
        }
    }
}

void apic_bus_eoi(struct apic_bus *bus, uint8_t vector)
{
    for (unsigned k = 0; k < MAX_EOI; k++) {
        if (bus->eoi[k].fn)
            bus->eoi[k].fn(bus->eoi[k].opaque, vector);
    }
}
