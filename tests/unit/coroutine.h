/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions with stacks of their own that hand the processor to each other: what the scheduler of
 * schedule.h runs its threads on. AddressSanitizer is told of each change of stacks.
 */
#ifndef TESTS_UNIT_COROUTINE_H
#define TESTS_UNIT_COROUTINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct coroutine {
    uintptr_t sp; /* while it is not running; its registers are saved above */
    void *stack;  /* allocated here; NULL for the stack that the host's thread came with */
    size_t size;  /* of `stack` */
    void (*run)(void *arg);
    void *arg;
    const void *bottom; /* the stack's bounds as the sanitizer knows them */
    size_t bottom_size;
    void *fake; /* the sanitizer's, while the coroutine is not running */
};

/* A coroutine that calls run(arg) when it is first switched to. `run` must not return: it ends by
 * coroutine_leave(). `c` is zeroed or was started before; where it stood then is forgotten. */
void coroutine_start(struct coroutine *c, void (*run)(void *arg), void *arg);

/* From `from`, which is running, to `to`; returns when something switches back. The host thread's
 * own stack is a zeroed coroutine. */
void coroutine_switch(struct coroutine *from, struct coroutine *to);

/* The same, but `from` is never switched to again before it is started anew. */
void coroutine_leave(struct coroutine *from, struct coroutine *to) __attribute__((noreturn));

/* Frees its stack. It is not running. */
void coroutine_free(struct coroutine *c);

#endif
