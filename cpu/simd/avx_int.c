/* SPDX-License-Identifier: GPL-2.0-or-later */
/* AVX and AVX2 integer arithmetic, comparison and logic on two sources (the bitwise float
 * operations are the same ones). SDM volume 1, 14.7. */
#include "cpu/simd/int_ops.h"
#include "cpu/simd/vex.h"

#define SHARED(name, narrow, wide) VEX_OP(v##name, narrow, wide)
SIMD_INT_OPS(SHARED)
