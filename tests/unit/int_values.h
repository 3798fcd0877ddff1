/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers, addresses in int_rig's region and selectors for test cases, with every kind of corner.
 */
#ifndef TESTS_UNIT_INT_VALUES_H
#define TESTS_UNIT_INT_VALUES_H

#include <stdbool.h>

#include "tests/unit/fpu_operands.h"
#include "tests/unit/int_rig.h"

/* True once in n times. */
static inline bool int_one_in(struct rng *g, unsigned n)
{
    return rng_below(g, n) == 0;
}

/* Corner values and random ones. */
uint64_t int_rng_value(struct rng *g);

/* Linear address for an operand of n bytes: mostly in the middle of a page, and at every kind of
 * edge. */
uint64_t int_pick_address(struct rng *g, unsigned n, bool code64);

/* Linear address for the stack pointer, likewise. */
uint64_t int_pick_stack(struct rng *g);

/* Where a branch may lead (linear): away from where the code stands. */
uint64_t int_pick_landing(struct rng *g, bool code64);

/* Good selectors, bad ones and null ones; none that depends on the host's kernel. */
uint16_t int_pick_selector(struct rng *g);

/* The base of the segment that sel names. */
uint64_t int_selector_base(uint16_t sel);

#endif
