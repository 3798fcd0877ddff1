/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The debug console port; see debugcon.h. Bochs documentation, "port e9 hack". */
#include "devices/pc/debugcon.h"

struct debugcon {
    struct device dev;
    struct debugcon_config cfg;
    struct bus_region region;
};

static uint64_t debugcon_read(void *opaque, uint64_t off, unsigned size)
{
    (void)opaque;
    (void)off;
    (void)size;
    return 0xe9;
}

static void debugcon_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct debugcon *d = opaque;
    uint8_t byte = (uint8_t)val;

    (void)off;
    (void)size;
    if (d->cfg.chr)
        char_write(d->cfg.chr, &byte, 1);
}

static const struct bus_ops debugcon_ops = {debugcon_read, debugcon_write, 1, 1};

static void debugcon_destroy(void *self)
{
    struct debugcon *d = self;

    bus_unmap(&d->region);
    g_free(d);
}

static const struct state_field fields[] = {STATE_END};

static const struct device_type debugcon_type = {
    .name = "debugcon",
    .version = 1,
    .fields = fields,
    .destroy = debugcon_destroy,
};

struct debugcon *debugcon_new(const struct debugcon_config *cfg, GError **err)
{
    struct debugcon *d = g_new0(struct debugcon, 1);

    d->cfg = *cfg;
    d->dev = (struct device){.type = &debugcon_type, .self = d};
    bus_region_init(&d->region, "debug console", 1, &debugcon_ops, d);
    if (!bus_map(cfg->ports, &d->region, cfg->base ? cfg->base : 0xe9, err)) {
        g_free(d);
        return NULL;
    }
    return d;
}

struct device *debugcon_device(struct debugcon *d)
{
    return &d->dev;
}
