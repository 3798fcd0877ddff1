/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the two halves of the scheduler: running one schedule (schedule.c), and choosing which
 * (schedule_explore.c). */
#ifndef TESTS_UNIT_SCHEDULE_RUN_H
#define TESTS_UNIT_SCHEDULE_RUN_H

#include "tests/unit/coroutine.h"
#include "tests/unit/schedule.h"

#define RUN_CHECK  1000u /* for `current`: the check after the threads */
#define RUN_NOBODY 1001u /* no thread: the caller */

/* Who goes on, where that could be several. */
struct decision {
    uint8_t options[SCHEDULE_THREADS]; /* threads, the one that ran before first if it can go on */
    uint8_t n;                         /* of options */
    uint8_t chosen;                    /* index among them */
    bool preempts;                     /* any option but the first is a preemption */
    unsigned used;                     /* preemptions before this */
    const char *at;                    /* the step that the chosen one goes on from */
};

struct thread {
    struct coroutine co;
    const char *at; /* the step it has come to */
    bool ended;
    unsigned after; /* spins: lets these threads (a bit each) go on first, those that can */
    bool (*ready)(const void *arg); /* when not NULL: blocked until this is true */
    const void *ready_arg;
};

/* Schedules being run. Before each run_once(), `prefix` decisions are as they stand in `decisions`;
 * those after it are made by `choose`, which gives an index among the options. */
struct run {
    const struct schedule *s;
    struct thread threads[SCHEDULE_THREADS];
    struct coroutine main, check;
    unsigned current; /* thread that runs, or RUN_… */
    struct decision *decisions;
    unsigned depth, allocated; /* decisions made, and room for */
    unsigned prefix;
    unsigned (*choose)(struct run *r, const struct decision *d);
    unsigned steps; /* the most decisions that are progress */
    unsigned used;  /* preemptions so far */
    enum schedule_end end;
    char what[256]; /* the end's reason */
    void (*saved_dump)(void);

    /* for `choose` */
    uint64_t rng;
    unsigned shift;     /* at random: one in 2^shift decisions does not take the first option */
    const char *replay; /* what is left of the text of a schedule */
};

void run_begin(struct run *r);
void run_once(struct run *r);
void run_end(struct run *r);

#endif
