/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named steps of algorithms that race: step("name") stands between two accesses to shared memory
 * whose order matters. It is nothing in a product. Built with PENUMBRA_STEPS it is where the tests'
 * scheduler (tests/unit/schedule.h) may let another thread go on, so that every interleaving can be
 * tried in turn instead of by luck.
 *
 * Names are static strings. In a thread that the scheduler does not know none of this does
 * anything, with PENUMBRA_STEPS or without.
 */
#ifndef BASE_STEP_H
#define BASE_STEP_H

#include <stdbool.h>

#ifdef PENUMBRA_STEPS

/* What the scheduler does at each; see the functions below for what they mean. */
struct step_ops {
    void (*step)(const char *name);
    void (*spin)(const char *name);
    bool (*scheduled)(void);
    void (*wait)(const char *name, bool (*ready)(const void *arg), const void *arg);
};

/* NULL but while schedules are run. */
extern const struct step_ops *step_ops;

/* Another thread may go on here. */
static inline void step(const char *name)
{
    if (step_ops)
        step_ops->step(name);
}

/* The same in a loop that tries again because another thread is in the middle of something: each of
 * the others goes on first, to its next step, if it can. */
static inline void step_spin(const char *name)
{
    if (step_ops)
        step_ops->spin(name);
}

/* Does the scheduler run the calling thread? */
static inline bool step_scheduled(void)
{
    return step_ops && step_ops->scheduled();
}

/* Others go on until ready(arg), which has no side effects, is true; it is still so on return. For
 * primitives that block, in place of blocking, where step_scheduled(). */
static inline void step_wait(const char *name, bool (*ready)(const void *arg), const void *arg)
{
    if (step_ops)
        step_ops->wait(name, ready, arg);
}

#else

#define step(name)       ((void)0)
#define step_spin(name)  ((void)0)
#define step_scheduled() false

#endif

#endif
