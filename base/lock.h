/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mutexes and condition variables: POSIX threads' with the errors that cannot be handled made
 * invariants. (GLib's are built on futexes that ThreadSanitizer cannot see.) A zeroed struct lock
 * is a valid free one.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <pthread.h>

#include "base/error.h"

struct lock {
    pthread_mutex_t mutex;
};

struct condition {
    pthread_cond_t cond;
};

static inline void lock_init(struct lock *l)
{
    invariant(!pthread_mutex_init(&l->mutex, NULL));
}

/* Nobody may hold it or wait for it. */
static inline void lock_clear(struct lock *l)
{
    invariant(!pthread_mutex_destroy(&l->mutex));
}

/* Not recursive. */
static inline void lock_take(struct lock *l)
{
    invariant(!pthread_mutex_lock(&l->mutex));
}

static inline void lock_drop(struct lock *l)
{
    invariant(!pthread_mutex_unlock(&l->mutex));
}

static inline void condition_init(struct condition *c)
{
    invariant(!pthread_cond_init(&c->cond, NULL));
}

static inline void condition_clear(struct condition *c)
{
    invariant(!pthread_cond_destroy(&c->cond));
}

/* The lock is held, let go while waiting, and held again on return, which may come unasked. */
static inline void condition_wait(struct condition *c, struct lock *l)
{
    invariant(!pthread_cond_wait(&c->cond, &l->mutex));
}

static inline void condition_broadcast(struct condition *c)
{
    invariant(!pthread_cond_broadcast(&c->cond));
}

#endif
