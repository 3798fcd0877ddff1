/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The counter's arithmetic. Intel 8254 data sheet (231164), "Mode definitions", "Counter latch",
 * "Read-back" and "Operation common to all modes". A count written now is loaded one clock later.
 */
#include "devices/pc/pit_counter.h"

#include "base/bits.h"

static unsigned mode_of(const struct pit_counter *c)
{
    unsigned mode = (unsigned)bits(c->control, 3, 1);

    return mode > 5 ? mode - 4 : mode;
}

static bool bcd(const struct pit_counter *c)
{
    return c->control & 1;
}

static unsigned access_of(const struct pit_counter *c)
{
    return (unsigned)bits(c->control, 5, 4);
}

/* Modes 2 and 3 go on for ever. */
static bool periodic(const struct pit_counter *c)
{
    return mode_of(c) == 2 || mode_of(c) == 3;
}

/* The count that the guest's 16 bits stand for; nibbles above nine keep their weight. */
static uint32_t decode(const struct pit_counter *c, uint16_t v)
{
    uint32_t n = v;

    if (bcd(c)) {
        n = (v >> 12) * 1000u + (v >> 8 & 15) * 100u + (v >> 4 & 15) * 10u + (v & 15);
        n %= 10000;
        return n ? n : 10000;
    }
    return n ? n : 65536;
}

static uint16_t encode(const struct pit_counter *c, uint32_t n)
{
    if (!bcd(c))
        return (uint16_t)n;
    n %= 10000;
    return (uint16_t)(n / 1000 << 12 | n / 100 % 10 << 8 | n / 10 % 10 << 4 | n % 10);
}

/* Clocks since the count was loaded; negative while it is not. */
static int64_t elapsed(const struct pit_counter *c, int64_t tick)
{
    return c->run == PIT_PAUSED ? c->held : tick - c->start;
}

/* Mode 3's high part is the longer one of an odd count. */
static uint32_t high_part(uint32_t count)
{
    return (count + 1) / 2;
}

/* The counting element, as a number of clocks. */
static uint32_t value_at(const struct pit_counter *c, int64_t tick)
{
    uint32_t wrap = bcd(c) ? 10000 : 65536, pos;
    int64_t d;

    if (c->run == PIT_IDLE)
        return c->count;
    d = elapsed(c, tick);
    if (d < 0)
        return c->count;
    switch (mode_of(c)) {
    case 2: return c->count - (uint32_t)(d % c->count);
    case 3:
        /* by twos from an even number, twice a period */
        pos = (uint32_t)(d % c->count);
        if (pos >= high_part(c->count))
            pos -= high_part(c->count);
        return (c->count & ~1u) - 2 * pos;
    default: return (c->count + wrap - (uint32_t)(d % wrap)) % wrap;
    }
}

bool pit_counter_out(const struct pit_counter *c, int64_t tick)
{
    int64_t d;

    if (c->run == PIT_IDLE)
        return mode_of(c) != 0;
    d = elapsed(c, tick);
    if (d < 0)
        return mode_of(c) != 0;
    switch (mode_of(c)) {
    case 0:
    case 1: return d >= c->count;
    case 2: return c->count == 1 || d % c->count != c->count - 1;
    case 3: return d % c->count < high_part(c->count);
    default: return d != c->count;
    }
}

int64_t pit_counter_next_rise(const struct pit_counter *c, int64_t tick)
{
    int64_t d = tick - c->start, at;

    if (c->run != PIT_RUN)
        return PIT_NEVER;
    if (periodic(c)) {
        if (c->count == 1)
            return PIT_NEVER; /* not a count the chip allows: the output stays high */
        return c->start + (d < 0 ? 1 : d / c->count + 1) * c->count;
    }
    at = c->start + c->count + (mode_of(c) >= 4 ? 1 : 0);
    return at > tick ? at : PIT_NEVER;
}

int64_t pit_counter_next_edge(const struct pit_counter *c, int64_t tick)
{
    int64_t rise = pit_counter_next_rise(c, tick), fall = PIT_NEVER;

    if (c->run != PIT_RUN)
        return PIT_NEVER;
    switch (mode_of(c)) {
    case 1: fall = c->start; break;
    case 2: fall = rise == PIT_NEVER ? rise : rise - 1; break;
    case 3: fall = rise == PIT_NEVER ? rise : rise - c->count / 2; break;
    case 4:
    case 5: fall = c->start + c->count; break;
    }
    return fall > tick && fall < rise ? fall : rise;
}

void pit_counter_sync(struct pit_counter *c, int64_t tick)
{
    int64_t end;

    if (!c->next_pending || c->run != PIT_RUN || !periodic(c))
        return;
    end = pit_counter_next_edge(c, c->held);
    if (mode_of(c) == 2 || end == PIT_NEVER)
        end = pit_counter_next_rise(c, c->held);
    if (end == PIT_NEVER)
        end = c->held + 1;
    if (tick < end)
        return;
    /* a low half that begins with the new count is the second half of a period of it */
    if (mode_of(c) == 3 && c->count > 1 && !pit_counter_out(c, end))
        c->start = end - high_part(c->next);
    else
        c->start = end;
    c->count = c->next;
    c->next_pending = false;
}

/* A count is complete. */
static void load(struct pit_counter *c, uint16_t v, int64_t tick)
{
    uint32_t n = decode(c, v);
    unsigned mode = mode_of(c);

    c->written = true;
    if (periodic(c) && c->run == PIT_RUN && tick >= c->start) {
        c->next = n;
        c->next_pending = true;
        c->held = tick; /* when it was asked for: the edge after it is the one */
        return;
    }
    if (mode == 1 || mode == 5) {
        /* waits for the trigger, even while an earlier count is still running */
        c->next = n;
        c->next_pending = true;
        if (c->run == PIT_IDLE)
            c->count = n;
        return;
    }
    c->count = n;
    c->start = tick + 1;
    c->held = 0;
    c->next_pending = false;
    if (c->gate)
        c->run = PIT_RUN;
    else
        c->run = periodic(c) ? PIT_IDLE : PIT_PAUSED;
}

void pit_counter_control(struct pit_counter *c, uint8_t control)
{
    c->control = control & 0x3f;
    c->run = PIT_IDLE;
    c->written = c->next_pending = false;
    c->write_high = c->read_high = false;
    c->latched = 0;
    c->status_latched = false;
}

void pit_counter_write(struct pit_counter *c, uint8_t val, int64_t tick)
{
    pit_counter_sync(c, tick);
    switch (access_of(c)) {
    case 1: load(c, val, tick); break;
    case 2: load(c, (uint16_t)(val << 8), tick); break;
    case 3:
        if (c->write_high) {
            load(c, (uint16_t)(c->write_low | val << 8), tick);
        } else {
            c->write_low = val;
            /* mode 0: the first byte stops the counter and takes the output low */
            if (mode_of(c) == 0) {
                c->count = value_at(c, tick);
                c->run = PIT_IDLE;
            }
        }
        c->write_high = !c->write_high;
        break;
    }
}

void pit_counter_latch(struct pit_counter *c, int64_t tick)
{
    uint16_t v;

    if (c->latched)
        return; /* the first latch stands until it is read */
    pit_counter_sync(c, tick);
    v = encode(c, value_at(c, tick));
    c->latch[0] = (uint8_t)v;
    c->latch[1] = (uint8_t)(v >> 8);
    c->latched = access_of(c) == 3 ? 2 : 1;
    c->read_high = false;
}

void pit_counter_latch_status(struct pit_counter *c, int64_t tick)
{
    bool null;

    if (c->status_latched)
        return;
    pit_counter_sync(c, tick);
    null = !c->written || (c->run == PIT_RUN && tick < c->start) ||
           (c->next_pending && !(periodic(c) && c->run == PIT_IDLE));
    c->status = (uint8_t)(pit_counter_out(c, tick) << 7 | null << 6 | c->control);
    c->status_latched = true;
}

uint8_t pit_counter_read(struct pit_counter *c, int64_t tick)
{
    unsigned access = access_of(c);
    bool high = access == 2;
    uint16_t v;

    if (c->status_latched) {
        c->status_latched = false;
        return c->status;
    }
    if (access == 3) {
        high = c->read_high;
        c->read_high = !high;
    }
    if (c->latched) {
        c->latched--;
        return c->latch[high];
    }
    pit_counter_sync(c, tick);
    v = encode(c, value_at(c, tick));
    return (uint8_t)(high ? v >> 8 : v);
}

/* The gate's rising edge. */
static void trigger(struct pit_counter *c, int64_t tick)
{
    if (!c->written)
        return;
    switch (mode_of(c)) {
    case 0:
    case 4:
        if (c->run == PIT_PAUSED) {
            c->start = tick - c->held;
            if (c->held == 0)
                c->start++; /* not loaded yet */
            c->run = PIT_RUN;
        }
        return;
    default:
        if (c->next_pending)
            c->count = c->next;
        c->next_pending = false;
        /* an output that is low already in mode 1 stays so */
        c->start = mode_of(c) == 1 && !pit_counter_out(c, tick) ? tick : tick + 1;
        c->run = PIT_RUN;
        return;
    }
}

void pit_counter_gate(struct pit_counter *c, bool gate, int64_t tick)
{
    if (gate == c->gate)
        return;
    pit_counter_sync(c, tick);
    c->gate = gate;
    if (gate) {
        trigger(c, tick);
        return;
    }
    switch (mode_of(c)) {
    case 0:
    case 4:
        if (c->run == PIT_RUN) {
            c->held = tick < c->start ? 0 : tick - c->start;
            c->run = PIT_PAUSED;
        }
        break;
    case 2:
    case 3:
        /* the output goes high at once; the next rising edge starts afresh */
        if (c->run == PIT_RUN) {
            uint32_t stopped = value_at(c, tick);

            if (!c->next_pending)
                c->next = c->count;
            c->next_pending = true;
            c->count = stopped ? stopped : c->next;
            c->run = PIT_IDLE;
        }
        break;
    }
}
