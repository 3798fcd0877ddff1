/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Floating point in integers, for what a host of SSE2 alone has no instruction for: fused
 * multiply-add, halves, rounding to integers. Results and flags are the processor's, bit for bit,
 * also with overflow
 * and underflow not masked, when the flags alone count. SDM volume 1, chapter 4 and 11.5, 14.4
 * (half precision), 14.5 (FMA).
 */
#ifndef CPU_SIMD_SOFT_FP_H
#define CPU_SIMD_SOFT_FP_H

#include <stdbool.h>
#include <stdint.h>

struct soft_format {
    unsigned fraction; /* bits of it; the leading one is not among them */
    unsigned exponent;
};

extern const struct soft_format soft_half, soft_single, soft_double;

/* RC, DAZ, FZ, OM and UM are what counts in mxcsr; exception flags (MXCSR_FLAGS) are added to
 * `flags`. */
struct soft_env {
    uint32_t mxcsr;
    uint32_t flags;
};

/* x * y + z, rounded once; with the product negated, with z negated. */
uint64_t soft_fma(struct soft_env *e, const struct soft_format *f, uint64_t x, uint64_t y,
                  uint64_t z, bool minus_product, bool minus_z);

/* x / y */
uint64_t soft_div(struct soft_env *e, const struct soft_format *f, uint64_t x, uint64_t y);

/* 1.0 */
uint64_t soft_one(const struct soft_format *f);

/* To an integer in the same format. */
uint64_t soft_round(struct soft_env *e, const struct soft_format *f, uint64_t v);

/* To a format with less of both fields. Halves know no FZ. */
uint64_t soft_narrow(struct soft_env *e, const struct soft_format *from,
                     const struct soft_format *to, uint64_t v);

/* Halves know no DAZ, either. */
uint32_t soft_from_half(struct soft_env *e, uint16_t v);

/* Rounding as the low bits of an immediate of ROUNDPS or VCVTPS2PH say: a mode, or MXCSR's. */
void soft_round_by(struct soft_env *e, unsigned imm);

#endif
