/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 8254's ports, its interrupt and the system control port B. Intel 8254 data sheet (231164) for
 * the control words; 82371SB (PIIX3) datasheet, "NMI status and control register", for port 0x61.
 *
 * Channel 0's line is driven by a timer at the exact times of its edges, all computed from the tick
 * at which counting began, so that nothing drifts. Rates that no guest can serve are thinned out:
 * there are at least MIN_TICKS between two interrupts, and the counters stay exact.
 */
#include "devices/pc/pit.h"

#include "base/bits.h"
#include "base/lint.h"
#include "base/log.h"
#include "devices/pc/pit_counter.h"

#define MIN_TICKS     24 /* 20 us */
#define REFRESH_TICKS 18 /* a DRAM refresh request each 15 us */

enum {
    PORTB_GATE2 = 1 << 0,
    PORTB_SPEAKER = 1 << 1,
    PORTB_WRITABLE = 0x0f,
    PORTB_REFRESH = 1 << 4,
    PORTB_OUT2 = 1 << 5,
};

struct pit {
    struct device dev;
    struct pit_config cfg;
    struct bus_region counter_ports, portb_region;
    struct timer irq_timer;

    struct pit_counter ch[3];
    uint8_t portb;
    int64_t seen;     /* tick up to which channel 0's edges were passed on */
    int64_t last_irq; /* tick of the last rising edge that was passed on */

    bool programmed[3]; /* a control word has come; for strict mode, not state */
};

int64_t pit_tick_at(int64_t ns)
{
    return (int64_t)muldiv64((uint64_t)ns, PIT_HZ, NS_PER_SEC);
}

static int64_t tick_now(const struct pit *p)
{
    return pit_tick_at(clock_now(p->cfg.clock));
}

/* The first nanosecond of a tick. */
int64_t pit_ns_of_tick(int64_t tick)
{
    return (int64_t)((((unsigned __int128)tick * NS_PER_SEC) + PIT_HZ - 1) / PIT_HZ);
}

/* Passes on what channel 0's output did until now. */
static void settle(struct pit *p)
{
    struct pit_counter *c = &p->ch[0];
    int64_t tick = tick_now(p);
    bool rose = pit_counter_next_rise(c, p->seen) <= tick;

    pit_counter_sync(c, tick);
    rose = rose || pit_counter_next_rise(c, p->seen) <= tick;
    p->seen = tick;
    if (rose) {
        p->last_irq = tick;
        irq_set(p->cfg.irq0, false);
        irq_set(p->cfg.irq0, true);
    }
    irq_set(p->cfg.irq0, pit_counter_out(c, tick));
}

static void arm(struct pit *p)
{
    const struct pit_counter *c = &p->ch[0];
    int64_t rise = pit_counter_next_rise(c, p->seen), edge = pit_counter_next_edge(c, p->seen);
    int64_t earliest = p->last_irq + MIN_TICKS;

    if (edge == PIT_NEVER) {
        timer_cancel(&p->irq_timer);
        return;
    }
    /* a short low pulse is passed on together with its end */
    if (rise != PIT_NEVER && rise - edge < MIN_TICKS)
        edge = rise;
    if (edge < earliest) {
        rise = pit_counter_next_rise(c, earliest - 1);
        edge = rise != PIT_NEVER ? rise : earliest;
    }
    timer_arm(&p->irq_timer, pit_ns_of_tick(edge));
}

static void irq_fire(void *opaque)
{
    struct pit *p = opaque;

    settle(p);
    arm(p);
}

static void speaker_changed(struct pit *p)
{
    if (p->cfg.speaker)
        p->cfg.speaker(p->cfg.speaker_opaque);
}

/* After channel n was programmed. */
static void programmed(struct pit *p, unsigned n)
{
    if (n == 0) {
        irq_set(p->cfg.irq0, pit_counter_out(&p->ch[0], p->seen));
        arm(p);
    } else if (n == 2) {
        speaker_changed(p);
    }
}

/* ---- strict mode; "Programming the 8254", "Read operations" ---- */

static void lint_use(const struct pit *p, unsigned n, const char *how)
{
    if (!p->programmed[n])
        lint_report_of(LINT_PIT_INIT, n, "pit: counter %u is %s before it has a control word", n,
                       how);
}

static void lint_latch(const struct pit *p, unsigned n)
{
    lint_use(p, n, "latched");
    if ((p->ch[n].control & 0x30) == 0x30 && p->ch[n].read_high)
        lint_report_of(LINT_PIT_ACCESS, n,
                       "pit: counter %u is latched when only one byte of two has been read", n);
}

static void lint_count(const struct pit *p, unsigned n, uint8_t val)
{
    const struct pit_counter *c = &p->ch[n];
    unsigned access = c->control >> 4 & 3, mode = c->control >> 1 & 3;
    unsigned count = access == 1 ? val : access == 2 ? val << 8 : (unsigned)val << 8 | c->write_low;
    bool periodic = mode >= 2;

    lint_use(p, n, "given a count");
    if (access == 3 && !c->write_high)
        return;
    if (periodic && count == 1)
        lint_report_of(LINT_PIT_COUNT, n, "pit: counter %u gets a count of 1 in mode %u", n, mode);
    for (unsigned shift = 0; (c->control & 1) && shift < 16; shift += 4) {
        if ((count >> shift & 15) > 9) {
            lint_report_of(LINT_PIT_COUNT, n, "pit: counter %u counts in BCD, which 0x%04x is not",
                           n, count);
            break;
        }
    }
}

static void lint_control(const struct pit *p, uint8_t val)
{
    unsigned n = val >> 6;

    if (n < 3 && !(val & 0x30))
        lint_latch(p, n);
    if (n < 3)
        return;
    if (val & 1)
        lint_report(LINT_PIT_ACCESS, "pit: bit 0 of the read-back command 0x%02x must be 0", val);
    for (n = 0; n < 3; n++) {
        if ((val & (2u << n)) && !(val & 0x20))
            lint_latch(p, n);
        else if (val & (2u << n))
            lint_use(p, n, "asked for its status");
    }
}

static bool lint_wanted(void)
{
    return lint_on(LINT_PIT_INIT) || lint_on(LINT_PIT_ACCESS) || lint_on(LINT_PIT_COUNT);
}

static void read_back(struct pit *p, uint8_t val, int64_t tick)
{
    for (unsigned n = 0; n < 3; n++) {
        if (!(val & (2u << n)))
            continue;
        if (!(val & 0x20))
            pit_counter_latch(&p->ch[n], tick);
        if (!(val & 0x10))
            pit_counter_latch_status(&p->ch[n], tick);
    }
}

static void control_write(struct pit *p, uint8_t val)
{
    int64_t tick = tick_now(p);
    unsigned n = val >> 6;

    if (n == 3) {
        read_back(p, val, tick);
    } else if (!(val & 0x30)) {
        pit_counter_latch(&p->ch[n], tick);
    } else {
        pit_counter_control(&p->ch[n], val);
        p->programmed[n] = true;
        programmed(p, n);
    }
}

static uint64_t pit_read(void *opaque, uint64_t off, unsigned size)
{
    struct pit *p = opaque;

    (void)size;
    settle(p);
    if (off == 3) {
        lint_report(LINT_PIT_ACCESS, "pit: the control word register is write-only");
        return 0xff;
    }
    if (lint_wanted())
        lint_use(p, off & 3, "read");
    return pit_counter_read(&p->ch[off & 3], tick_now(p));
}

static void pit_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct pit *p = opaque;

    (void)size;
    settle(p);
    if (off == 3) {
        if (lint_wanted())
            lint_control(p, (uint8_t)val);
        control_write(p, (uint8_t)val);
        return;
    }
    if (lint_wanted())
        lint_count(p, off & 3, (uint8_t)val);
    pit_counter_write(&p->ch[off & 3], (uint8_t)val, p->seen);
    programmed(p, (unsigned)off & 3);
}

static uint64_t portb_read(void *opaque, uint64_t off, unsigned size)
{
    struct pit *p = opaque;
    int64_t tick = tick_now(p);

    (void)off;
    (void)size;
    pit_counter_sync(&p->ch[2], tick);
    return p->portb | (tick / REFRESH_TICKS & 1 ? PORTB_REFRESH : 0) |
           (pit_counter_out(&p->ch[2], tick) ? PORTB_OUT2 : 0);
}

static void portb_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct pit *p = opaque;
    uint8_t changed = (uint8_t)(p->portb ^ val);

    (void)off;
    (void)size;
    p->portb = val & PORTB_WRITABLE;
    pit_counter_gate(&p->ch[2], p->portb & PORTB_GATE2, tick_now(p));
    if (changed & (PORTB_GATE2 | PORTB_SPEAKER))
        speaker_changed(p);
}

static const struct bus_ops pit_ops = {pit_read, pit_write, 1, 1};
static const struct bus_ops portb_ops = {portb_read, portb_write, 1, 1};

bool pit_out_at(const struct pit *p, unsigned chan, int64_t ns)
{
    struct pit_counter c = p->ch[chan % 3];

    pit_counter_sync(&c, pit_tick_at(ns));
    return pit_counter_out(&c, pit_tick_at(ns));
}

bool pit_speaker_at(const struct pit *p, int64_t ns)
{
    return (p->portb & PORTB_SPEAKER) && pit_out_at(p, 2, ns);
}

void pit_speaker_now(const struct pit *p, struct pit_speaker *out)
{
    *out = (struct pit_speaker){p->ch[2], p->portb & PORTB_SPEAKER};
}

/* The chip has no reset; counters that nobody programmed stand still, in the mode a BIOS will use.
 */
static void pit_reset(void *self)
{
    struct pit *p = self;

    for (unsigned n = 0; n < 3; n++) {
        p->ch[n].control = 0x36;
        p->ch[n].gate = n != 2;
        p->programmed[n] = false;
    }
    p->seen = tick_now(p);
    p->last_irq = p->seen - MIN_TICKS;
    timer_cancel(&p->irq_timer);
    irq_set(p->cfg.irq0, pit_counter_out(&p->ch[0], p->seen));
    speaker_changed(p);
}

static void pit_trust(void *self)
{
    struct pit *p = self;

    p->programmed[0] = p->programmed[1] = p->programmed[2] = true;
}

static void pit_post_load(void *self)
{
    struct pit *p = self;

    pit_trust(p);
    for (unsigned n = 0; n < 3; n++) {
        struct pit_counter *c = &p->ch[n];

        if (!c->count || c->count > 65536)
            c->count = 65536;
        if (!c->next || c->next > 65536)
            c->next = 65536;
        c->latched = MIN(c->latched, 2);
    }
    irq_set(p->cfg.irq0, pit_counter_out(&p->ch[0], p->seen));
    arm(p);
    speaker_changed(p);
}

static void pit_destroy(void *self)
{
    struct pit *p = self;

    timer_cancel(&p->irq_timer);
    bus_unmap(&p->counter_ports);
    bus_unmap(&p->portb_region);
    g_free(p);
}

static const struct state_field fields[] = {
    STATE_ARRAY(struct pit, ch),
    STATE_FIELD(struct pit, portb),
    STATE_FIELD(struct pit, seen),
    STATE_FIELD(struct pit, last_irq),
    STATE_END,
};

static const struct device_type pit_type = {
    .name = "pit",
    .version = 1,
    .fields = fields,
    .reset = pit_reset,
    .post_load = pit_post_load,
    .trust = pit_trust,
    .destroy = pit_destroy,
};

struct pit *pit_new(const struct pit_config *cfg, GError **err)
{
    struct pit *p = g_new0(struct pit, 1);

    p->cfg = *cfg;
    p->dev = (struct device){.type = &pit_type, .self = p};
    timer_init(&p->irq_timer, cfg->clock, irq_fire, p);
    bus_region_init(&p->counter_ports, "pit", 4, &pit_ops, p);
    bus_region_init(&p->portb_region, "port B", 1, &portb_ops, p);
    if (!bus_map(cfg->ports, &p->counter_ports, 0x40, err) ||
        !bus_map(cfg->ports, &p->portb_region, 0x61, err)) {
        pit_destroy(p);
        return NULL;
    }
    device_reset(&p->dev);
    return p;
}

struct device *pit_device(struct pit *p)
{
    return &p->dev;
}
