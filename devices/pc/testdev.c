/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The test device; see testdev.h. Addresses and meanings as kvm-unit-tests uses them: 0xe0 takes
 * accesses of any width, 0xe8 only bytes, into which wider ones are cut; a write to port 0x2000+n
 * sets interrupt input n to whether the value is not zero. 0xe4 takes a guest-physical address and
 * reads as zero.
 */
#include "devices/pc/testdev.h"

#include "base/bits.h"

#define SCRATCH_MEMORY 0x10000

struct testdev {
    struct device dev;
    struct testdev_config cfg;
    struct bus_region wide_ports, flush_port, byte_ports, irq_ports, memory_region;

    uint8_t scratch[4];
    uint8_t bytes[4];
    uint8_t level[TESTDEV_NUM_IRQS];
    uint8_t memory[SCRATCH_MEMORY];
};

static uint64_t wide_read(void *opaque, uint64_t off, unsigned size)
{
    const struct testdev *t = opaque;

    uint32_t val = 0;

    memcpy(&val, t->scratch + off, size);
    return val;
}

static void wide_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct testdev *t = opaque;

    memcpy(t->scratch + off, &val, size);
}

static uint64_t flush_read(void *opaque, uint64_t off, unsigned size)
{
    (void)opaque;
    (void)off;
    (void)size;
    return 0;
}

static void flush_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct testdev *t = opaque;

    (void)off;
    (void)size;
    if (t->cfg.flush_page)
        t->cfg.flush_page(t->cfg.opaque, val & ~UINT64_C(0xfff));
}

static uint64_t byte_read(void *opaque, uint64_t off, unsigned size)
{
    const struct testdev *t = opaque;

    (void)size;
    return t->bytes[off];
}

static void byte_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct testdev *t = opaque;

    (void)size;
    t->bytes[off] = (uint8_t)val;
}

static uint64_t irq_read(void *opaque, uint64_t off, unsigned size)
{
    const struct testdev *t = opaque;

    (void)size;
    return t->level[off];
}

/* Any width names the input by its first port. */
static void irq_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct testdev *t = opaque;

    (void)size;
    t->level[off] = val != 0;
    irq_set(t->cfg.irq[off], val != 0);
}

static uint64_t memory_read(void *opaque, uint64_t off, unsigned size)
{
    const struct testdev *t = opaque;

    return ld_le(t->memory + off, size);
}

static void memory_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct testdev *t = opaque;

    st_le(t->memory + off, val, size);
}

static const struct bus_ops wide_ops = {wide_read, wide_write, 1, 4};
static const struct bus_ops flush_ops = {flush_read, flush_write, 1, 4};
static const struct bus_ops byte_ops = {byte_read, byte_write, 1, 1};
static const struct bus_ops irq_ops = {irq_read, irq_write, 1, 4};
static const struct bus_ops memory_ops = {memory_read, memory_write, 1, 8};

static void testdev_drive(void *self)
{
    struct testdev *t = self;

    for (unsigned n = 0; n < TESTDEV_NUM_IRQS; n++)
        irq_set(t->cfg.irq[n], t->level[n]);
}

static void testdev_destroy(void *self)
{
    struct testdev *t = self;

    bus_unmap(&t->wide_ports);
    bus_unmap(&t->flush_port);
    bus_unmap(&t->byte_ports);
    bus_unmap(&t->irq_ports);
    bus_unmap(&t->memory_region);
    g_free(t);
}

static const struct state_field fields[] = {
    STATE_ARRAY(struct testdev, scratch),
    STATE_ARRAY(struct testdev, bytes),
    STATE_ARRAY(struct testdev, level),
    STATE_ARRAY(struct testdev, memory),
    STATE_END,
};

static const struct device_type testdev_type = {
    .name = "pc-testdev",
    .version = 1,
    .fields = fields,
    .reset = testdev_drive,
    .post_load = testdev_drive,
    .destroy = testdev_destroy,
};

struct testdev *testdev_new(const struct testdev_config *cfg, GError **err)
{
    struct testdev *t = g_new0(struct testdev, 1);

    t->cfg = *cfg;
    t->dev = (struct device){.type = &testdev_type, .self = t};
    bus_region_init(&t->wide_ports, "pc-testdev ports", 4, &wide_ops, t);
    bus_region_init(&t->flush_port, "pc-testdev flush port", 4, &flush_ops, t);
    bus_region_init(&t->byte_ports, "pc-testdev byte ports", 4, &byte_ops, t);
    bus_region_init(&t->irq_ports, "pc-testdev irq ports", TESTDEV_NUM_IRQS, &irq_ops, t);
    bus_region_init(&t->memory_region, "pc-testdev memory", SCRATCH_MEMORY, &memory_ops, t);
    if (!bus_map(cfg->ports, &t->wide_ports, 0xe0, err) ||
        !bus_map(cfg->ports, &t->flush_port, 0xe4, err) ||
        !bus_map(cfg->ports, &t->byte_ports, 0xe8, err) ||
        !bus_map(cfg->ports, &t->irq_ports, 0x2000, err) ||
        !bus_map(cfg->mmio, &t->memory_region, 0xff000000, err)) {
        testdev_destroy(t);
        return NULL;
    }
    device_reset(&t->dev);
    return t;
}

struct device *testdev_device(struct testdev *t)
{
    return &t->dev;
}
