/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The local APIC's timer: one-shot, periodic and TSC-deadline; Intel SDM volume 3A, "APIC timer".
 * The count is never stored: it follows from when it was loaded. A periodic timer fires the host's
 * timer at most every MIN_PERIOD_NS; what falls in between would have merged in the IRR anyway.
 */
#include "devices/pc/apic_internal.h"

#include "base/bits.h"

#define MIN_PERIOD_NS 50000

enum {
    MODE_ONE_SHOT = 0,
    MODE_PERIODIC = 1,
    MODE_TSC_DEADLINE = 2,
};

static unsigned timer_mode(const struct apic *a)
{
    return (unsigned)bits(a->lvt[LVT_INDEX(APIC_LVT_TIMER)], 18, 17);
}

/* Bits 3, 1 and 0 of the register: 2, 4 .. 128, and the last one is 1. */
static uint64_t divisor(const struct apic *a)
{
    unsigned v = (a->timer_divide & 3) | (a->timer_divide >> 1 & 4);

    return v == 7 ? 1 : UINT64_C(2) << v;
}

/* Whole ticks since the count was loaded. */
static uint64_t elapsed(const struct apic *a)
{
    int64_t ns = clock_now(a->config.clock) - a->timer_start;

    if (ns <= 0)
        return 0;
    return muldiv64((uint64_t)ns, a->config.timer_hz, NS_PER_SEC * divisor(a));
}

/* When `ticks` after loading will have passed, rounded up. */
static int64_t tick_time(const struct apic *a, uint64_t ticks)
{
    unsigned __int128 num = (unsigned __int128)ticks * divisor(a) * NS_PER_SEC;

    return a->timer_start + (int64_t)((num + a->config.timer_hz - 1) / a->config.timer_hz);
}

uint32_t apic_timer_count(const struct apic *a)
{
    uint64_t gone;

    if (!a->timer_init || a->timer_done || timer_mode(a) >= MODE_TSC_DEADLINE)
        return 0;
    gone = elapsed(a);
    if (timer_mode(a) == MODE_PERIODIC)
        return a->timer_init - (uint32_t)(gone % a->timer_init);
    return gone >= a->timer_init ? 0 : a->timer_init - (uint32_t)gone;
}

static void arm_periodic(struct apic *a)
{
    int64_t now = clock_now(a->config.clock);
    uint64_t next = elapsed(a) + 1;
    int64_t at;

    if (a->lvt[LVT_INDEX(APIC_LVT_TIMER)] & LVT_MASKED) {
        timer_cancel(&a->timer);
        return;
    }
    next = (next + a->timer_init - 1) / a->timer_init * a->timer_init;
    at = tick_time(a, next);
    if (tick_time(a, a->timer_init) - a->timer_start < MIN_PERIOD_NS && at < now + MIN_PERIOD_NS)
        at = now + MIN_PERIOD_NS;
    timer_arm(&a->timer, at);
}

static void fire(void *opaque);

static void arm_deadline(struct apic *a)
{
    int64_t at = INT64_MAX;

    if (a->tsc_deadline && a->config.tsc_to_ns)
        at = a->config.tsc_to_ns(a->config.opaque, a->tsc_deadline);
    if (at <= clock_now(a->config.clock)) /* past: before the next instruction, not a while later */
        fire(a);
    else if (at < INT64_MAX / 2)
        timer_arm(&a->timer, at);
    else
        timer_cancel(&a->timer);
}

/* Sets the host's timer from the registers. One that is due already is left to fire: its interrupt
 * happened before whatever is being written now. */
void apic_timer_rearm(struct apic *a)
{
    if (timer_armed(&a->timer) && a->timer.deadline <= clock_now(a->config.clock))
        return;
    switch (timer_mode(a)) {
    case MODE_ONE_SHOT:
        if (a->timer_init && !a->timer_done)
            timer_arm(&a->timer, tick_time(a, a->timer_init));
        else
            timer_cancel(&a->timer);
        break;
    case MODE_PERIODIC:
        if (a->timer_init && !a->timer_done)
            arm_periodic(a);
        else
            timer_cancel(&a->timer);
        break;
    case MODE_TSC_DEADLINE: arm_deadline(a); break;
    default: timer_cancel(&a->timer); break;
    }
}

static void fire(void *opaque)
{
    struct apic *a = opaque;

    switch (timer_mode(a)) {
    case MODE_ONE_SHOT: a->timer_done = true; break;
    case MODE_PERIODIC: arm_periodic(a); break;
    case MODE_TSC_DEADLINE: a->tsc_deadline = 0; break;
    }
    apic_lvt_fire(a, LVT_INDEX(APIC_LVT_TIMER));
}

void apic_timer_setup(struct apic *a)
{
    timer_init(&a->timer, a->config.clock, fire, a);
}

void apic_timer_stop(struct apic *a)
{
    timer_cancel(&a->timer);
    a->timer_init = 0;
    a->timer_divide = 0;
    a->timer_start = 0;
    a->timer_done = false;
    a->tsc_deadline = 0;
}

void apic_timer_set_init(struct apic *a, uint32_t val)
{
    if (timer_mode(a) >= MODE_TSC_DEADLINE)
        return;
    timer_cancel(&a->timer);
    a->timer_init = val;
    a->timer_start = clock_now(a->config.clock);
    a->timer_done = false;
    apic_timer_rearm(a);
}

/* The count goes on from where it is, at the new rate. */
void apic_timer_set_divide(struct apic *a, uint32_t val)
{
    uint64_t gone = elapsed(a);

    if (timer_mode(a) == MODE_PERIODIC && a->timer_init)
        gone %= a->timer_init;
    else if (gone > a->timer_init)
        gone = a->timer_init;
    a->timer_divide = val;
    a->timer_start = 0;
    a->timer_start = clock_now(a->config.clock) - tick_time(a, gone);
    if (timer_mode(a) < MODE_TSC_DEADLINE)
        apic_timer_rearm(a);
}

/* Between one-shot and periodic: the count goes on from where it is, and one that has run out stays
 * at zero until it is loaded again. */
static void change_counting(struct apic *a)
{
    uint64_t gone = elapsed(a);

    if (timer_mode(a) == MODE_PERIODIC)
        a->timer_done |= gone >= a->timer_init;
    else if (!a->timer_done)
        a->timer_start = tick_time(a, gone / a->timer_init * a->timer_init);
}

void apic_timer_lvt_written(struct apic *a, uint32_t old)
{
    bool was = bits(old, 18, 17) >= MODE_TSC_DEADLINE, is = timer_mode(a) >= MODE_TSC_DEADLINE;

    if (was != is) {
        timer_cancel(&a->timer);
        a->timer_init = 0;
        a->timer_done = false;
        a->tsc_deadline = 0;
    } else if (bits(old, 18, 17) != timer_mode(a)) {
        timer_cancel(&a->timer);
        if (a->timer_init && !is)
            change_counting(a);
    }
    apic_timer_rearm(a);
}

uint64_t apic_tsc_deadline_read(const struct apic *a)
{
    return timer_mode(a) == MODE_TSC_DEADLINE ? a->tsc_deadline : 0;
}

void apic_tsc_deadline_write(struct apic *a, uint64_t tsc)
{
    if (timer_mode(a) != MODE_TSC_DEADLINE || !apic_enabled(a))
        return;
    timer_cancel(&a->timer);
    a->tsc_deadline = tsc;
    apic_timer_rearm(a);
}

void apic_tsc_changed(struct apic *a)
{
    if (timer_mode(a) != MODE_TSC_DEADLINE)
        return;
    timer_cancel(&a->timer);
    apic_timer_rearm(a);
}
