/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SSE3's arithmetic on neighbouring lanes. SDM volume 1, 12.3; volume 2, ADDSUBPS and so on. */
#include "cpu/simd/fp_ops.h"

#define SSE3_OP(name, kind)                                                                        \
    static ALWAYS_INLINE void name##_do(struct cpu *cpu, const struct insn *i, __m128i b)          \
    {                                                                                              \
        __m128i r;                                                                                 \
                                                                                                   \
        sse_check_begin(cpu);                                                                      \
        r = fp_##name(xmm_get(cpu, i->reg), b);                                                    \
        sse_check_end(cpu, i, r, kind);                                                            \
        xmm_set(cpu, i->reg, r);                                                                   \
    }                                                                                              \
    FORMS_LOAD(name, xmm_get(cpu, i->rm), lda128, 16)
FP_SSE3_OPS(SSE3_OP)
