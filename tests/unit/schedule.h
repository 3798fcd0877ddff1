/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A deterministic scheduler for tests of racing algorithms. Up to SCHEDULE_THREADS functions run as
 * threads that take turns, all on the calling thread of the host, and change only at the named
 * steps of base/step.h (and where base/lock.h would block). schedule_explore() runs them again and
 * again, each time in another order: first every order without preemption, then every one with one
 * preemption, with two, and so on up to a bound, then some at random from a fixed seed. Whatever
 * fails is printed as the list of (thread, step) that led there, with the text that replays it:
 *
 *     SCHEDULE=1:0011 build/steps/tests/unit/race_x
 *
 * Only orders in which memory is sequentially consistent are tried: what the host or the compiler
 * may reorder is argued in comments of the code, and watched by ThreadSanitizer.
 */
#ifndef TESTS_UNIT_SCHEDULE_H
#define TESTS_UNIT_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/step.h"

#define SCHEDULE_THREADS 4

struct schedule_thread {
    const char *name;
    void (*run)(void *ctx);
};

/* What to explore. Members after `n` may be 0, which means the value in the comment. */
struct schedule {
    void (*setup)(void *ctx); /* makes everything new, before each schedule; may be NULL */
    void (*check)(void *ctx); /* after the last thread ended; says by schedule_expect(); or NULL */
    void *ctx;                /* handed to setup, check and the threads */
    struct schedule_thread threads[SCHEDULE_THREADS];
    unsigned n;           /* threads */
    unsigned preemptions; /* 2: the most that are tried exhaustively; SCHEDULE_ALL for no bound */
    uint64_t limit;       /* 2 million: exhaustive search ends after so many schedules */
    uint64_t random;      /* none: schedules tried at random after that */
    uint64_t seed;        /* of these */
    unsigned steps;       /* 20 thousand: a schedule that is longer makes no progress */
};

#define SCHEDULE_ALL 1000u

enum schedule_end {
    SCHEDULE_GOOD,
    SCHEDULE_FAILED,      /* an expectation or an invariant */
    SCHEDULE_DEADLOCK,    /* every thread that has not ended waits */
    SCHEDULE_NO_PROGRESS, /* too many steps */
};

struct schedule_result {
    enum schedule_end end; /* of the last schedule that was run: exploring stops at the first bad */
    uint64_t schedules;    /* how many were run */
    unsigned preemptions;  /* in the last */
    bool complete;         /* every schedule there is was run */
    char what[256];        /* what failed, in words */
    char replay[4096];     /* for schedule_replay(), empty when too long */
};

/* Explores; a bad schedule is printed and fails the cmocka test that runs. Where the environment
 * has SCHEDULE, only that schedule is run, and printed. Exploring without finding that there is
 * more than one schedule fails too: such a test has no steps, and would prove nothing. */
void schedule_explore_at(const struct schedule *s, const char *file, int line);
#define schedule_explore(s) schedule_explore_at((s), __FILE__, __LINE__)

/* The same, but tells instead of failing: for races that must be found. */
struct schedule_result schedule_search(const struct schedule *s);

/* Runs and prints the one schedule that `text` tells: the number of a thread for each decision. */
struct schedule_result schedule_replay(const struct schedule *s, const char *text);

/* In a thread or in `check`: ends the schedule as failed unless `cond`. Does not return then: what
 * the threads hold is abandoned, and `setup` must not mind. */
#define schedule_expect(cond)                                                                      \
    do {                                                                                           \
        if (!(cond))                                                                               \
            schedule_fail(__FILE__, __LINE__, "%s", #cond);                                        \
    } while (0)
void schedule_fail(const char *file, int line, const char *fmt, ...)
    __attribute__((noreturn, format(printf, 3, 4)));

#endif
