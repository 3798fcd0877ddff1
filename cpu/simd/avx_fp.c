/* SPDX-License-Identifier: GPL-2.0-or-later */
/* AVX floating-point arithmetic. SDM volume 1, 14.1-14.3; volume 2, ADDPS and so on, VEX forms. */
#include "cpu/simd/vex_fp.h"

FP_PACKED_OPS(VEX_FP_PACKED)
FP_SSE3_OPS(VEX_FP_PACKED)
FP_UNARY_OPS(VEX_FP_UNARY)
FP_SCALAR_OPS(VEX_FP_SCALAR)
