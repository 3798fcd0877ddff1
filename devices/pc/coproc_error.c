/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Coprocessor error logic; see coproc_error.h. 82371SB (PIIX3) datasheet, "Coprocessor error
 * register" (port F0) and FERR#/IGNNE# in the signal description; SDM volume 1, D.2.1.
 */
#include "devices/pc/coproc_error.h"

struct coproc_error {
    struct device dev;
    struct coproc_error_config cfg;
    struct bus_region region;

    bool ferr;    /* the processor's pin */
    bool latched; /* interrupt 13 is asked for */
};

static void set_ferr(void *opaque, int n, bool level)
{
    struct coproc_error *c = opaque;

    (void)n;
    if (level && !c->ferr) {
        c->latched = true;
        irq_set(c->cfg.irq13, true);
    }
    c->ferr = level;
}

/* Nothing drives the data lines. */
static uint64_t coproc_error_read(void *opaque, uint64_t off, unsigned size)
{
    (void)opaque;
    (void)off;
    (void)size;
    return 0xff;
}

static void coproc_error_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct coproc_error *c = opaque;

    (void)off;
    (void)val;
    (void)size;
    c->latched = false;
    irq_set(c->cfg.irq13, false);
    if (c->ferr && c->cfg.ignne)
        c->cfg.ignne(c->cfg.opaque);
}

static const struct bus_ops coproc_error_ops = {coproc_error_read, coproc_error_write, 1, 1};

static void coproc_error_drive(void *self)
{
    struct coproc_error *c = self;

    irq_set(c->cfg.irq13, c->latched);
}

static void coproc_error_destroy(void *self)
{
    struct coproc_error *c = self;

    bus_unmap(&c->region);
    g_free(c);
}

static const struct state_field fields[] = {
    STATE_FIELD(struct coproc_error, ferr),
    STATE_FIELD(struct coproc_error, latched),
    STATE_END,
};

static const struct device_type coproc_error_type = {
    .name = "coproc-error",
    .version = 1,
    .fields = fields,
    .reset = coproc_error_drive,
    .post_load = coproc_error_drive,
    .destroy = coproc_error_destroy,
};

struct coproc_error *coproc_error_new(const struct coproc_error_config *cfg, GError **err)
{
    struct coproc_error *c = g_new0(struct coproc_error, 1);

    c->cfg = *cfg;
    c->dev = (struct device){.type = &coproc_error_type, .self = c};
    bus_region_init(&c->region, "coprocessor error", 1, &coproc_error_ops, c);
    if (!bus_map(cfg->ports, &c->region, 0xf0, err)) {
        g_free(c);
        return NULL;
    }
    device_reset(&c->dev);
    return c;
}

struct device *coproc_error_device(struct coproc_error *c)
{
    return &c->dev;
}

struct irq_line coproc_error_ferr_input(struct coproc_error *c)
{
    return (struct irq_line){.set = set_ferr, .opaque = c};
}
