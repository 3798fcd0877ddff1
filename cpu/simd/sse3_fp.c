/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SSE3's arithmetic on neighbouring lanes. SDM volume 1, 12.3; volume 2, ADDSUBPS and so on. */
#include "cpu/simd/fp_ops.h"

#define SSE3_OP(name, kind, op)                                                                    \
    FP_DO(name, __m128i, __m128i, fp_##name(xmm_get(cpu, i->reg), b),                              \
          sse_finish(cpu, i, op, kind, xmm_get(cpu, i->reg), b), xmm_set)                          \
    FORMS_LOAD(name, xmm_get(cpu, i->rm), lda128, 16)
FP_SSE3_OPS(SSE3_OP)
