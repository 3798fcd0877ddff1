/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System control port A; see port92.h. 82371SB (PIIX3) datasheet, "Port 92 register". */
#include "devices/pc/port92.h"

#include "base/log.h"

enum {
    FAST_INIT = 1 << 0,
    FAST_A20 = 1 << 1,
};

struct port92 {
    struct device dev;
    struct port92_config cfg;
    struct bus_region region;

    uint8_t val;
    bool kbd_a20;
};

static void update_a20(struct port92 *p)
{
    irq_set(p->cfg.a20, p->kbd_a20 || (p->val & FAST_A20));
}

static void set_kbd_a20(void *opaque, int n, bool level)
{
    struct port92 *p = opaque;

    (void)n;
    p->kbd_a20 = level;
    update_a20(p);
}

static uint64_t port92_read(void *opaque, uint64_t off, unsigned size)
{
    const struct port92 *p = opaque;

    (void)off;
    (void)size;
    return p->val;
}

static void port92_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct port92 *p = opaque;
    bool init = (val & FAST_INIT) && !(p->val & FAST_INIT);

    (void)off;
    (void)size;
    p->val = val & (FAST_INIT | FAST_A20);
    update_a20(p);
    if (init) {
        log_msg(LOG_RESET, "port 92: fast init");
        irq_pulse(p->cfg.reset);
    }
}

static const struct bus_ops port92_ops = {port92_read, port92_write, 1, 1};

static void port92_reset(void *self)
{
    update_a20(self);
}

static void port92_destroy(void *self)
{
    struct port92 *p = self;

    bus_unmap(&p->region);
    g_free(p);
}

static const struct state_field fields[] = {
    STATE_FIELD(struct port92, val),
    STATE_KEEP(struct port92, kbd_a20), /* an input: the keyboard controller's reset drives it */
    STATE_END,
};

static const struct device_type port92_type = {
    .name = "port92",
    .version = 1,
    .fields = fields,
    .reset = port92_reset,
    .post_load = port92_reset,
    .destroy = port92_destroy,
};

struct port92 *port92_new(const struct port92_config *cfg, GError **err)
{
    struct port92 *p = g_new0(struct port92, 1);

    p->cfg = *cfg;
    p->dev = (struct device){.type = &port92_type, .self = p};
    bus_region_init(&p->region, "port 92", 1, &port92_ops, p);
    if (!bus_map(cfg->ports, &p->region, 0x92, err)) {
        g_free(p);
        return NULL;
    }
    device_reset(&p->dev);
    return p;
}

struct device *port92_device(struct port92 *p)
{
    return &p->dev;
}

struct irq_line port92_a20_input(struct port92 *p)
{
    return (struct irq_line){.set = set_kbd_a20, .opaque = p};
}
