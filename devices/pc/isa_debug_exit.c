/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The exit port of test guests; see isa_debug_exit.h. */
#include "devices/pc/isa_debug_exit.h"

#include "base/error.h"

struct isa_debug_exit {
    struct device dev;
    struct isa_debug_exit_config cfg;
    struct bus_region region;
};

static uint64_t exit_read(void *opaque, uint64_t off, unsigned size)
{
    (void)opaque;
    (void)off;
    (void)size;
    return 0;
}

static void exit_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct isa_debug_exit *d = opaque;

    (void)off;
    (void)size;
    d->cfg.exit(d->cfg.opaque, (uint32_t)val);
}

static const struct bus_ops exit_ops = {exit_read, exit_write, 1, 4};

static void exit_destroy(void *self)
{
    struct isa_debug_exit *d = self;

    bus_unmap(&d->region);
    g_free(d);
}

static const struct state_field fields[] = {STATE_END};

static const struct device_type exit_type = {
    .name = "isa-debug-exit",
    .version = 1,
    .fields = fields,
    .destroy = exit_destroy,
};

struct isa_debug_exit *isa_debug_exit_new(const struct isa_debug_exit_config *cfg, GError **err)
{
    struct isa_debug_exit *d;

    if (cfg->length != 1 && cfg->length != 2 && cfg->length != 4) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION,
                    "isa-debug-exit: iosize %u is not 1, 2 or 4", cfg->length);
        return NULL;
    }
    d = g_new0(struct isa_debug_exit, 1);
    d->cfg = *cfg;
    d->dev = (struct device){.type = &exit_type, .self = d};
    bus_region_init(&d->region, "isa-debug-exit", cfg->length, &exit_ops, d);
    if (!bus_map(cfg->ports, &d->region, cfg->base, err)) {
        g_free(d);
        return NULL;
    }
    return d;
}

struct device *isa_debug_exit_device(struct isa_debug_exit *d)
{
    return &d->dev;
}
