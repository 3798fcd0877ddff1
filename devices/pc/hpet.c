/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * High precision event timers; see hpet.h. IA-PC HPET specification 1.0a, 2.3 (registers) and 2.3.9
 * (timer modes).
 *
 * The counter is not stored while it runs: it follows from when it was started. Each comparator
 * knows when it matches next (`match_ns`); the host's timer is armed for it only where something
 * would come of it. Short periods fire the host's timer at most every MIN_PERIOD_NS, the comparator
 * then leaps over the periods that have passed.
 */
#include "devices/pc/hpet.h"

#include "base/bits.h"
#include "base/lint.h"
#include "base/log.h"

#include <inttypes.h>

#define TICK_NS       10
#define PERIOD_FS     UINT64_C(10000000)
#define MIN_PERIOD_NS 50000
#define NEVER         INT64_C(-1)
#define FAR_TICKS     (UINT64_C(1) << 56) /* matches beyond this (22 years) are not waited for */

enum {
    REG_CAP = 0x000,
    REG_CONFIG = 0x010,
    REG_STATUS = 0x020,
    REG_COUNTER = 0x0f0,
    REG_TIMER0 = 0x100,
    TIMER_STRIDE = 0x20,
    TIMER_CONFIG = 0x00,
    TIMER_CMP = 0x08,

    CONFIG_ENABLE = 1 << 0,
    CONFIG_LEGACY = 1 << 1,

    T_LEVEL = 1 << 1,
    T_ENABLE = 1 << 2,
    T_PERIODIC = 1 << 3,
    T_PERIODIC_CAP = 1 << 4,
    T_SIZE_CAP = 1 << 5,
    T_VAL_SET = 1 << 6,
    T_32BIT = 1 << 8,
    T_ROUTE_SHIFT = 9,
    T_ROUTE = 0x1f << T_ROUTE_SHIFT,
    T_WMASK = T_LEVEL | T_ENABLE | T_PERIODIC | T_VAL_SET | T_32BIT | T_ROUTE,
};

/* The guest-visible part of a comparator. */
struct comparator {
    uint32_t config;
    uint64_t cmp, period;
    int64_t match_ns; /* of the next match, NEVER when none comes */
};

struct channel {
    struct hpet *hpet;
    unsigned n;
    struct timer timer;
    struct irq_line held; /* the line that we hold up in level mode */
};

struct hpet {
    struct device dev;
    struct hpet_config setup;
    struct bus_region region;
    struct channel channel[HPET_NUM_TIMERS];
    uint32_t route_cap;
    bool legacy_told;
    /* state */
    uint64_t config, counter; /* counter: its value when it stopped or, running, at start_ns */
    int64_t start_ns;
    uint32_t status;
    struct comparator cmp[HPET_NUM_TIMERS];

    uint8_t no_start; /* made periodic, and not given a first match; for strict mode, not state */
};

/* ---- time ---- */

static int64_t now_ns(const struct hpet *h)
{
    return clock_now(h->setup.clock);
}

static uint64_t counter(const struct hpet *h)
{
    if (!(h->config & CONFIG_ENABLE))
        return h->counter;
    return h->counter + (uint64_t)(now_ns(h) - h->start_ns) / TICK_NS;
}

static uint64_t width_mask(const struct comparator *c)
{
    return c->config & T_32BIT ? UINT32_MAX : UINT64_MAX;
}

static bool periodic(const struct comparator *c)
{
    return (c->config & T_PERIODIC) && c->period;
}

/* Works out the next match. `fired`: the present equality has had its interrupt. */
static void schedule(struct channel *ch, bool fired)
{
    struct hpet *h = ch->hpet;
    struct comparator *c = &h->cmp[ch->n];
    uint64_t count = counter(h), dist = (c->cmp - count) & width_mask(c);
    int64_t at;

    if (!dist && fired)
        dist = c->config & T_32BIT ? UINT64_C(1) << 32 : FAR_TICKS;
    c->match_ns = NEVER;
    timer_cancel(&ch->timer);
    if (!(h->config & CONFIG_ENABLE) || dist >= FAR_TICKS)
        return;
    c->match_ns = h->start_ns + (int64_t)((count - h->counter + dist) * TICK_NS);
    if (!(c->config & (T_ENABLE | T_LEVEL)))
        return;
    at = c->match_ns;
    if (periodic(c) && c->period < MIN_PERIOD_NS / TICK_NS && at < now_ns(h) + MIN_PERIOD_NS)
        at = now_ns(h) + MIN_PERIOD_NS;
    timer_arm(&ch->timer, at);
}

/* ---- interrupts ---- */

static struct irq_line route(const struct channel *ch)
{
    const struct hpet *h = ch->hpet;
    unsigned n = (h->cmp[ch->n].config & T_ROUTE) >> T_ROUTE_SHIFT;

    if ((h->config & CONFIG_LEGACY) && ch->n == 0)
        return h->setup.irq0;
    if ((h->config & CONFIG_LEGACY) && ch->n == 1)
        return h->setup.irq8;
    return n < HPET_NUM_GSIS ? h->setup.gsi[n] : (struct irq_line){0};
}

/* Level mode: holds the line while the status bit stands; moves it when the route has moved. */
static void update_line(struct channel *ch)
{
    const struct hpet *h = ch->hpet;
    const struct comparator *c = &h->cmp[ch->n];
    bool want = (c->config & T_LEVEL) && (c->config & T_ENABLE) && (h->status & (1u << ch->n));
    struct irq_line to = want ? route(ch) : (struct irq_line){0};

    if (to.set == ch->held.set && to.opaque == ch->held.opaque && to.n == ch->held.n)
        return;
    irq_set(ch->held, false);
    ch->held = to;
    irq_set(to, true);
}

/* The counter has reached the comparator, perhaps some periods ago. */
static void match(struct channel *ch)
{
    struct hpet *h = ch->hpet;
    struct comparator *c = &h->cmp[ch->n];

    if (periodic(c)) {
        uint64_t late = (uint64_t)(now_ns(h) - c->match_ns) / TICK_NS;

        c->cmp = (c->cmp + (late / c->period + 1) * c->period) & width_mask(c);
    }
    schedule(ch, true);
    if (c->config & T_LEVEL) {
        h->status |= 1u << ch->n;
        update_line(ch);
    } else if (c->config & T_ENABLE) {
        irq_pulse(route(ch));
    }
}

static void fire(void *opaque)
{
    struct channel *ch = opaque;

    if (ch->hpet->cmp[ch->n].match_ns != NEVER)
        match(ch);
}

/* Before a comparator is looked at or changed: what has happened by now happens first. */
static void settle(struct channel *ch)
{
    const struct comparator *c = &ch->hpet->cmp[ch->n];

    if (c->match_ns != NEVER && c->match_ns <= now_ns(ch->hpet))
        match(ch);
}

static void tell_legacy(struct hpet *h)
{
    bool on = h->config & CONFIG_LEGACY;

    if (on == h->legacy_told)
        return;
    h->legacy_told = on;
    if (h->setup.legacy)
        h->setup.legacy(h->setup.opaque, on);
}

/* ---- registers, all 64 bits wide ---- */

static uint64_t reg_read(struct hpet *h, unsigned reg)
{
    unsigned n = (reg - REG_TIMER0) / TIMER_STRIDE;

    switch (reg) {
    case REG_CAP: return HPET_BLOCK_ID | PERIOD_FS << 32;
    case REG_CONFIG: return h->config;
    case REG_STATUS: return h->status;
    case REG_COUNTER: return counter(h);
    }
    if (reg < REG_TIMER0 || n >= HPET_NUM_TIMERS)
        return 0;
    settle(&h->channel[n]);
    switch (reg % TIMER_STRIDE) {
    case TIMER_CONFIG:
        return (h->cmp[n].config & ~(uint32_t)T_VAL_SET) | T_PERIODIC_CAP | T_SIZE_CAP |
               (uint64_t)h->route_cap << 32;
    case TIMER_CMP: return h->cmp[n].cmp;
    default: return 0; /* no FSB delivery */
    }
}

static uint64_t merge(uint64_t old, uint64_t val, uint64_t mask)
{
    return (old & ~mask) | (val & mask);
}

/* ---- strict mode ---- */

static void lint_reserved(const char *name, unsigned n, uint64_t val, uint64_t reserved)
{
    if (val & reserved)
        lint_report_of(LINT_HPET_ACCESS, n, "hpet: reserved bits 0x%" PRIx64 " set in %s",
                       val & reserved, name);
}

/* Timer n is to be configured as `val`. */
static void lint_timer_config(struct hpet *h, unsigned n, uint32_t val)
{
    unsigned to = (val & T_ROUTE) >> T_ROUTE_SHIFT;
    bool legacy = (h->config & CONFIG_LEGACY) && n < 2;

    lint_reserved("a timer's configuration", REG_TIMER0 + n, val, 0xffff0081);
    if ((val & T_ENABLE) && !legacy && !(h->route_cap >> to & 1))
        lint_report_of(LINT_HPET_TIMER, n,
                       "hpet: timer %u enabled for input %u, where it cannot go", n, to);
    if ((val & T_PERIODIC) && !(h->cmp[n].config & T_PERIODIC))
        h->no_start |= (uint8_t)(1u << n);
    if (!(val & T_PERIODIC) || (val & T_VAL_SET))
        h->no_start &= (uint8_t) ~(1u << n);
}

/* The first match of a periodic timer follows from nothing else. */
static void lint_cmp(struct hpet *h, unsigned n)
{
    if (h->no_start >> n & 1)
        lint_report_of(LINT_HPET_TIMER, n,
                       "hpet: timer %u gets its period, but no first match (Tn_VAL_SET_CNF)", n);
    h->no_start &= (uint8_t) ~(1u << n);
}

static void lint_misaligned(const char *verb, uint64_t off)
{
    lint_report_of(LINT_HPET_ACCESS, off, "hpet: %s across registers at offset 0x%" PRIx64, verb,
                   off);
}

static void write_config(struct hpet *h, uint64_t val)
{
    bool was = h->config & CONFIG_ENABLE, is = val & CONFIG_ENABLE;

    for (unsigned n = 0; n < HPET_NUM_TIMERS; n++)
        settle(&h->channel[n]);
    if (was && !is)
        h->counter = counter(h);
    if (!was && is)
        h->start_ns = now_ns(h);
    h->config = val & (CONFIG_ENABLE | CONFIG_LEGACY);
    tell_legacy(h);
    for (unsigned n = 0; n < HPET_NUM_TIMERS; n++) {
        if (was != is)
            schedule(&h->channel[n], false);
        update_line(&h->channel[n]);
    }
}

static void write_counter(struct hpet *h, uint64_t val)
{
    if (h->config & CONFIG_ENABLE) {
        log_guest("hpet: main counter written while it runs");
        lint_report(LINT_HPET_COUNTER, "hpet: the main counter is written while it runs");
    }
    for (unsigned n = 0; n < HPET_NUM_TIMERS; n++)
        settle(&h->channel[n]);
    h->counter = val;
    h->start_ns = now_ns(h);
    for (unsigned n = 0; n < HPET_NUM_TIMERS; n++)
        schedule(&h->channel[n], false);
}

static void write_timer_config(struct channel *ch, uint32_t val)
{
    struct hpet *h = ch->hpet;
    struct comparator *c = &h->cmp[ch->n];
    unsigned to = (val & T_ROUTE) >> T_ROUTE_SHIFT;

    if (lint_on(LINT_HPET_TIMER) || lint_on(LINT_HPET_ACCESS))
        lint_timer_config(h, ch->n, val);
    if (to >= HPET_NUM_GSIS || !(h->route_cap & (1u << to)))
        val = (val & ~(uint32_t)T_ROUTE) | (c->config & T_ROUTE);
    c->config = val & T_WMASK;
    c->cmp &= width_mask(c);
    c->period &= width_mask(c);
    if (!(c->config & T_LEVEL))
        h->status &= ~(1u << ch->n);
    update_line(ch);
    /* a match that had its interrupt is not matched again by a change of the configuration */
    schedule(ch, true);
}

/* In periodic mode the register is the period, and the accumulator too where VAL_SET announced it.
 */
static void write_cmp(struct channel *ch, uint64_t val, uint64_t mask)
{
    struct comparator *c = &ch->hpet->cmp[ch->n];

    mask &= width_mask(c);
    if (!mask)
        return;
    lint_cmp(ch->hpet, ch->n);
    if (!(c->config & T_PERIODIC) || (c->config & T_VAL_SET))
        c->cmp = merge(c->cmp, val, mask);
    if (c->config & T_PERIODIC)
        c->period = merge(c->period, val, mask);
    c->config &= ~(uint32_t)T_VAL_SET;
    schedule(ch, false);
}

static void reg_write(struct hpet *h, unsigned reg, uint64_t val, uint64_t mask)
{
    unsigned n = (reg - REG_TIMER0) / TIMER_STRIDE;

    switch (reg) {
    case REG_CONFIG:
        lint_reserved("the general configuration", REG_CONFIG, val & mask,
                      ~(uint64_t)(CONFIG_ENABLE | CONFIG_LEGACY));
        write_config(h, merge(h->config, val, mask));
        return;
    case REG_STATUS:
        h->status &= ~(uint32_t)(val & mask);
        for (n = 0; n < HPET_NUM_TIMERS; n++)
            update_line(&h->channel[n]);
        return;
    case REG_COUNTER: write_counter(h, merge(counter(h), val, mask)); return;
    }
    if (reg < REG_TIMER0 || n >= HPET_NUM_TIMERS)
        return;
    settle(&h->channel[n]);
    if (reg % TIMER_STRIDE == TIMER_CONFIG)
        write_timer_config(&h->channel[n], (uint32_t)merge(h->cmp[n].config, val, mask));
    else if (reg % TIMER_STRIDE == TIMER_CMP)
        write_cmp(&h->channel[n], val, mask);
}

/* Accesses are 4 or 8 bytes, aligned; an 8-byte one across two registers is taken as two. */
static uint64_t hpet_read(void *opaque, uint64_t off, unsigned size)
{
    struct hpet *h = opaque;

    if (off & 3) {
        log_guest("hpet: unaligned read at offset 0x%" PRIx64, off);
        lint_misaligned("read", off);
        return 0;
    }
    if (size == 8 && (off & 4)) {
        lint_misaligned("read", off);
        return hpet_read(h, off, 4) | hpet_read(h, off + 4, 4) << 32;
    }
    return zext(reg_read(h, (unsigned)off & ~7u) >> (off & 4 ? 32 : 0), size);
}

static void hpet_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct hpet *h = opaque;
    unsigned shift = off & 4 ? 32 : 0;

    if (off & 3) {
        log_guest("hpet: unaligned write at offset 0x%" PRIx64, off);
        lint_misaligned("write", off);
        return;
    }
    if (size == 8 && shift) {
        lint_misaligned("write", off);
        hpet_write(h, off, zext(val, 4), 4);
        hpet_write(h, off + 4, val >> 32, 4);
        return;
    }
    reg_write(h, (unsigned)off & ~7u, val << shift, zext(UINT64_MAX, size) << shift);
}

static const struct bus_ops hpet_ops = {hpet_read, hpet_write, 4, 8};

/* ---- the device ---- */

static void hpet_reset(void *self)
{
    struct hpet *h = self;

    h->no_start = 0;
    for (unsigned n = 0; n < HPET_NUM_TIMERS; n++) {
        h->cmp[n].cmp = UINT64_MAX;
        h->cmp[n].match_ns = NEVER;
        timer_cancel(&h->channel[n].timer);
        update_line(&h->channel[n]);
    }
    tell_legacy(h);
}

static void hpet_post_load(void *self)
{
    struct hpet *h = self;

    tell_legacy(h);
    for (unsigned n = 0; n < HPET_NUM_TIMERS; n++) {
        struct channel *ch = &h->channel[n];

        update_line(ch);
        timer_cancel(&ch->timer);
        if (h->cmp[n].match_ns != NEVER && (h->cmp[n].config & (T_ENABLE | T_LEVEL)))
            timer_arm(&ch->timer, h->cmp[n].match_ns);
    }
}

static void hpet_destroy(void *self)
{
    struct hpet *h = self;

    for (unsigned n = 0; n < HPET_NUM_TIMERS; n++)
        timer_cancel(&h->channel[n].timer);
    bus_unmap(&h->region);
    g_free(h);
}

static const struct state_field hpet_fields[] = {
    STATE_FIELD(struct hpet, config),   STATE_FIELD(struct hpet, counter),
    STATE_FIELD(struct hpet, start_ns), STATE_FIELD(struct hpet, status),
    STATE_ARRAY(struct hpet, cmp),      STATE_END,
};

static const struct device_type hpet_type = {
    .name = "hpet",
    .version = 1,
    .fields = hpet_fields,
    .reset = hpet_reset,
    .post_load = hpet_post_load,
    .destroy = hpet_destroy,
};

struct hpet *hpet_new(const struct hpet_config *config, GError **err)
{
    struct hpet *h = g_new0(struct hpet, 1);

    h->dev = (struct device){&hpet_type, h};
    h->setup = *config;
    for (unsigned n = 0; n < HPET_NUM_GSIS; n++)
        h->route_cap |= config->gsi[n].set ? 1u << n : 0;
    bus_region_init(&h->region, "hpet", HPET_LEN, &hpet_ops, h);
    if (!bus_map(config->mmio, &h->region, HPET_DEFAULT_BASE, err)) {
        g_free(h);
        return NULL;
    }
    for (unsigned n = 0; n < HPET_NUM_TIMERS; n++) {
        struct channel *ch = &h->channel[n];

        ch->hpet = h;
        ch->n = n;
        timer_init(&ch->timer, config->clock, fire, ch);
    }
    device_reset(&h->dev);
    return h;
}

struct device *hpet_device(struct hpet *h)
{
    return &h->dev;
}
