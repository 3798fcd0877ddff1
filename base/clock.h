/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine's one virtual clock and the timers that devices hang on it. Time is in nanoseconds
 * since the machine was built; it stands still while the machine is stopped. Host-paced by
 * CLOCK_MONOTONIC, or by hand (`clock_new_manual`), which unit tests and instruction-counted runs
 * use.
 *
 * Locking: timers are armed, cancelled and fired with the device lock held (unit tests have only
 * one thread and need none). clock_now() may be called by any thread at any time.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define NS_PER_SEC INT64_C(1000000000)

struct vclock;

/* One timer, embedded in its owner; not armed when zeroed by timer_init. */
struct timer {
    struct vclock *clock;
    void (*fire)(void *opaque); /* called once a deadline, timer no longer armed; may re-arm */
    void *opaque;
    int64_t deadline; /* ns; valid while armed */
    uint64_t order;   /* of arming: among equal deadlines the earlier armed fires first */
    int heap_index;   /* place in the clock's heap, -1 when not armed */
};

struct vclock *clock_new_host(void);
struct vclock *clock_new_manual(void);
void clock_free(struct vclock *c);

/* Virtual nanoseconds. Never goes back. */
int64_t clock_now(struct vclock *c);

/* Manual clock only: moves time to `ns` (not before now), firing every timer on the way, each at
 * its own deadline; those with the same one in the order in which they were armed. */
void clock_advance_to(struct vclock *c, int64_t ns);

/* Manual clock only: moves time to `ns` (not back) without firing anything: for who will see to the
 * timers at a better moment. Any thread. */
void clock_move_to(struct vclock *c, int64_t ns);

/* The earliest deadline, -1 when no timer is armed. Device lock held. */
int64_t clock_next(const struct vclock *c);

/* Stops and continues time of a host clock. */
void clock_stop(struct vclock *c);
void clock_cont(struct vclock *c);
bool clock_stopped(const struct vclock *c);

/* Fires all timers whose deadline has come, in order (as clock_advance_to). Returns the next
 * deadline, or -1 when none is armed. Device lock held. */
int64_t clock_run_timers(struct vclock *c);

/* Called (device lock held) whenever the earliest deadline may have come nearer, so that whoever
 * sleeps until it can be woken. A NULL hook takes it away. */
void clock_set_rearm_hook(struct vclock *c, void (*hook)(void *opaque), void *opaque);

void timer_init(struct timer *t, struct vclock *c, void (*fire)(void *opaque), void *opaque);

/* Arms (or moves) the timer to fire at `deadline` ns; one in the past fires at the next chance.
 * INT64_MAX is a time like any other, which no machine will see. */
void timer_arm(struct timer *t, int64_t deadline);

/* No effect when it is not armed. */
void timer_cancel(struct timer *t);

static inline bool timer_armed(const struct timer *t)
{
    return t->heap_index >= 0;
}

/* a * b / c without overflow in between; c > 0, result must fit. Converts ticks and nanoseconds. */
static inline uint64_t muldiv64(uint64_t a, uint64_t b, uint64_t c)
{
    return (uint64_t)((unsigned __int128)a * b / c);
}

#endif
