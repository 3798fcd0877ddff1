/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A reader-writer lock that prefers writers, as one of POSIX threads (which ThreadSanitizer sees),
 * with a hint for long holders: somebody is waiting, so let go at the next good place. As to
 * PENUMBRA_STEPS see base/lock.h.
 */
#ifndef BASE_RWLOCK_H
#define BASE_RWLOCK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/step.h"

struct rwlock {
    pthread_rwlock_t lock;
    atomic_uint readers_waiting; /* about to take it, or blocked in taking it */
    atomic_uint writers_waiting;
#ifdef PENUMBRA_STEPS
    unsigned readers; /* scheduled threads that hold it */
    bool written;     /* one holds it for writing */
#endif
};

#ifdef PENUMBRA_STEPS
static inline bool rwlock_may_read(const void *arg)
{
    const struct rwlock *l = arg;

    return !l->written && !atomic_load(&l->writers_waiting);
}

static inline bool rwlock_may_write(const void *arg)
{
    const struct rwlock *l = arg;

    return !l->written && !l->readers;
}
#endif

static inline void rwlock_init(struct rwlock *l)
{
    pthread_rwlockattr_t attr;

    invariant(!pthread_rwlockattr_init(&attr));
    /* without this, readers that let go and take it again at once would starve a writer */
    invariant(!pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP));
    invariant(!pthread_rwlock_init(&l->lock, &attr));
    invariant(!pthread_rwlockattr_destroy(&attr));
    atomic_init(&l->readers_waiting, 0);
    atomic_init(&l->writers_waiting, 0);
#ifdef PENUMBRA_STEPS
    l->readers = 0;
    l->written = false;
#endif
}

/* Nobody may hold it or wait for it. */
static inline void rwlock_clear(struct rwlock *l)
{
    invariant(!pthread_rwlock_destroy(&l->lock));
}

/* Not recursive, for readers neither: a writer may be waiting between the two. */
static inline void rwlock_read(struct rwlock *l)
{
    atomic_fetch_add_explicit(&l->readers_waiting, 1, memory_order_relaxed);
#ifdef PENUMBRA_STEPS
    if (step_scheduled()) {
        step_wait("rwlock_read", rwlock_may_read, l);
        l->readers++;
    } else
#endif
        invariant(!pthread_rwlock_rdlock(&l->lock));
    atomic_fetch_sub_explicit(&l->readers_waiting, 1, memory_order_relaxed);
}

/* Takes it for reading if that needs no waiting; else false, at once. */
static inline bool rwlock_try_read(struct rwlock *l)
{
#ifdef PENUMBRA_STEPS
    if (step_scheduled()) {
        step("rwlock_try_read");
        if (!rwlock_may_read(l))
            return false;
        l->readers++;
        return true;
    }
#endif
    return !pthread_rwlock_tryrdlock(&l->lock);
}

static inline void rwlock_write(struct rwlock *l)
{
    atomic_fetch_add_explicit(&l->writers_waiting, 1, memory_order_relaxed);
#ifdef PENUMBRA_STEPS
    if (step_scheduled()) {
        step_wait("rwlock_write", rwlock_may_write, l);
        l->written = true;
    } else
#endif
        invariant(!pthread_rwlock_wrlock(&l->lock));
    atomic_fetch_sub_explicit(&l->writers_waiting, 1, memory_order_relaxed);
}

/* Lets go of either kind. */
static inline void rwlock_drop(struct rwlock *l)
{
#ifdef PENUMBRA_STEPS
    if (step_scheduled()) {
        invariant(l->written || l->readers);
        if (l->written)
            l->written = false;
        else
            l->readers--;
        step("rwlock_drop");
        return;
    }
#endif
    invariant(!pthread_rwlock_unlock(&l->lock));
}

/* A hint for a holder, right now or a moment ago: for a reader, that a writer waits; for the
 * writer, that anybody does. */
static inline bool rwlock_read_contended(struct rwlock *l)
{
    return atomic_load_explicit(&l->writers_waiting, memory_order_relaxed);
}

static inline bool rwlock_write_contended(struct rwlock *l)
{
    return rwlock_read_contended(l) ||
           atomic_load_explicit(&l->readers_waiting, memory_order_relaxed);
}

/* Does anybody hold it? For checks only: a moment later it may be otherwise. */
static inline bool rwlock_is_held(struct rwlock *l)
{
#ifdef PENUMBRA_STEPS
    if (step_scheduled())
        return l->written || l->readers;
#endif
    if (pthread_rwlock_trywrlock(&l->lock))
        return true;
    invariant(!pthread_rwlock_unlock(&l->lock));
    return false;
}

#endif
