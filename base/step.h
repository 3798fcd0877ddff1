/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named steps of algorithms that race: step("name") stands between two accesses to shared memory
 * whose order matters. It is nothing in a product. Built with PENUMBRA_STEPS it is where the tests'
 * scheduler (tests/unit/schedule.h) may let another thread go on, so that every interleaving can be
 * tried in turn instead of by luck.
 */
#ifndef BASE_STEP_H
#define BASE_STEP_H

#ifdef PENUMBRA_STEPS
/* `name` is a static string. Any thread; no effect in one that the scheduler does not know. */
void step(const char *name);
#else
#define step(name) ((void)0)
#endif

#endif
