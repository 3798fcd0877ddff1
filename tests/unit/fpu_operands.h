/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operands with the corner cases of every format, from a seeded generator. */
#ifndef TESTS_UNIT_FPU_OPERANDS_H
#define TESTS_UNIT_FPU_OPERANDS_H

#include <stdint.h>

#include "tests/unit/fpu_rig.h"

struct rng {
    uint64_t state; /* not zero */
};

uint64_t rng_next(struct rng *g);

/* 0 .. n-1. */
static inline unsigned rng_below(struct rng *g, unsigned n)
{
    return (unsigned)(rng_next(g) >> 33) % n;
}

uint32_t rng_single(struct rng *g);
uint64_t rng_double(struct rng *g);
void rng_extended(struct rng *g, uint8_t out[10]);

/* A whole starting state. Nothing is pending in it. */
void rng_case_x87(struct rng *g, struct fpu_case *c);
void rng_case_simd(struct rng *g, struct fpu_case *c);

#endif
