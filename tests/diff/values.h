/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A seeded generator of numbers, floating-point operands in every format, addresses in the region,
 * and selectors, each with every kind of corner.
 */
#ifndef TESTS_DIFF_VALUES_H
#define TESTS_DIFF_VALUES_H

#include "tests/diff/state.h"

struct rng {
    uint64_t state; /* not zero */
};

uint64_t rng_next(struct rng *g);

/* 0 .. n-1. */
static inline unsigned rng_below(struct rng *g, unsigned n)
{
    return (unsigned)(((rng_next(g) >> 32) * n) >> 32);
}

/* True once in n times. */
static inline bool rng_one_in(struct rng *g, unsigned n)
{
    return rng_below(g, n) == 0;
}

/* Corner values and random ones. */
uint64_t rng_value(struct rng *g);
uint16_t rng_half(struct rng *g);
uint32_t rng_single(struct rng *g);
uint64_t rng_double(struct rng *g);
void rng_extended(struct rng *g, uint8_t out[10]);

/* `n` bytes (a multiple of 8) of one format or another. */
void rng_vector(struct rng *g, uint8_t *out, unsigned n);

/* x87, SSE and AVX state; `pending`: an x87 exception may wait. */
void rng_fpu(struct rng *g, struct diff_fpu *f, bool pending);

/* Linear address for an operand of n bytes: mostly in the middle of a page, and at every kind of
 * edge. */
uint64_t rng_address(struct rng *g, unsigned n, bool code64);

/* Linear address for the stack pointer, likewise. */
uint64_t rng_stack(struct rng *g);

/* Where a branch may lead (linear): away from where the code stands. */
uint64_t rng_landing(struct rng *g, bool code64);

/* Good selectors, bad ones and null ones; none that depends on the host's kernel. */
uint16_t rng_selector(struct rng *g);

#endif
