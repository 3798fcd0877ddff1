/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mutexes and condition variables: POSIX threads' with the errors that cannot be handled made
 * invariants. (GLib's are built on futexes that ThreadSanitizer cannot see.) A zeroed struct lock
 * is a valid free one.
 *
 * Built with PENUMBRA_STEPS, a thread that the tests' scheduler runs never blocks here (all of them
 * are one thread of the host): it lets the others go on until it can have the lock.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "base/error.h"
#include "base/step.h"

struct lock {
    pthread_mutex_t mutex;
#ifdef PENUMBRA_STEPS
    bool taken; /* by a scheduled thread */
#endif
};

struct condition {
    pthread_cond_t cond;
#ifdef PENUMBRA_STEPS
    unsigned long broadcasts;
#endif
};

#ifdef PENUMBRA_STEPS
static inline bool lock_is_free(const void *l)
{
    return !((const struct lock *)l)->taken;
}

struct condition_waiter {
    const struct condition *condition;
    unsigned long broadcasts; /* when the wait began */
};

static inline bool condition_is_met(const void *waiter)
{
    const struct condition_waiter *w = waiter;

    return w->condition->broadcasts != w->broadcasts;
}
#endif

static inline void lock_init(struct lock *l)
{
    invariant(!pthread_mutex_init(&l->mutex, NULL));
#ifdef PENUMBRA_STEPS
    l->taken = false;
#endif
}

/* Nobody may hold it or wait for it. */
static inline void lock_clear(struct lock *l)
{
    invariant(!pthread_mutex_destroy(&l->mutex));
}

/* Not recursive. */
static inline void lock_take(struct lock *l)
{
#ifdef PENUMBRA_STEPS
    if (step_scheduled()) {
        step_wait("lock_take", lock_is_free, l);
        l->taken = true;
        return;
    }
#endif
    invariant(!pthread_mutex_lock(&l->mutex));
}

/* The same for at most ns nanoseconds; false when it was not to be had. Not for threads of the
 * tests' scheduler. */
static inline bool lock_take_within(struct lock *l, long ns)
{
    struct timespec until;
    int error = pthread_mutex_trylock(&l->mutex);

    if (error == EBUSY && ns) {
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += ns;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        error = pthread_mutex_timedlock(&l->mutex, &until);
    }
    invariant(!error || error == EBUSY || error == ETIMEDOUT);
    return !error;
}

static inline void lock_drop(struct lock *l)
{
#ifdef PENUMBRA_STEPS
    if (step_scheduled()) {
        invariant(l->taken);
        l->taken = false;
        step("lock_drop");
        return;
    }
#endif
    invariant(!pthread_mutex_unlock(&l->mutex));
}

/* Takes it if nobody has it; else false, at once. */
static inline bool lock_try(struct lock *l)
{
#ifdef PENUMBRA_STEPS
    if (step_scheduled()) {
        step("lock_try");
        if (l->taken)
            return false;
        l->taken = true;
        return true;
    }
#endif
    return !pthread_mutex_trylock(&l->mutex);
}

static inline void condition_init(struct condition *c)
{
    pthread_condattr_t monotonic;

    invariant(!pthread_condattr_init(&monotonic));
    invariant(!pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC));
    invariant(!pthread_cond_init(&c->cond, &monotonic));
    pthread_condattr_destroy(&monotonic);
#ifdef PENUMBRA_STEPS
    c->broadcasts = 0;
#endif
}

static inline void condition_clear(struct condition *c)
{
    invariant(!pthread_cond_destroy(&c->cond));
}

/* The lock is held, let go while waiting, and held again on return, which may come unasked. */
static inline void condition_wait(struct condition *c, struct lock *l)
{
#ifdef PENUMBRA_STEPS
    if (step_scheduled()) {
        const struct condition_waiter w = {.condition = c, .broadcasts = c->broadcasts};

        lock_drop(l);
        step_wait("condition_wait", condition_is_met, &w);
        lock_take(l);
        return;
    }
#endif
    invariant(!pthread_cond_wait(&c->cond, &l->mutex));
}

/* The same, but for `ns` nanoseconds at most. Not for tests that schedule threads by steps. */
static inline void condition_wait_for(struct condition *c, struct lock *l, int64_t ns)
{
    struct timespec until;
    int err;

    clock_gettime(CLOCK_MONOTONIC, &until);
    ns += until.tv_nsec;
    until.tv_sec += (time_t)(ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    err = pthread_cond_timedwait(&c->cond, &l->mutex, &until);
    invariant(!err || err == ETIMEDOUT);
}

/* Wakes one that waits, if there is one: where any of them will do. */
static inline void condition_signal(struct condition *c)
{
#ifdef PENUMBRA_STEPS
    c->broadcasts++; /* all of them, which they must bear in any case */
#endif
    invariant(!pthread_cond_signal(&c->cond));
}

static inline void condition_broadcast(struct condition *c)
{
#ifdef PENUMBRA_STEPS
    c->broadcasts++;
#endif
    invariant(!pthread_cond_broadcast(&c->cond));
}

#endif
