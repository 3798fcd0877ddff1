/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SSE2 integer arithmetic, comparison, logic and shifts (the bitwise float operations are the same
 * ones). SDM volume 1, section 11.4.3. */
#include "cpu/simd/int_ops.h"
#include "cpu/simd/simd.h"

#define INT_OP(name, op, wide)                                                                     \
    static ALWAYS_INLINE void name##_do(struct cpu *cpu, const struct insn *i, __m128i b)          \
    {                                                                                              \
        xmm_set(cpu, i->reg, op(xmm_get(cpu, i->reg), b));                                         \
    }                                                                                              \
    FORMS_LOAD(name, xmm_get(cpu, i->rm), lda128, 16)
SIMD_INT_OPS(INT_OP)
SIMD_SHIFT_OPS(INT_OP)

#define SHIFT_IMM(name, op, wide)                                                                  \
    HANDLER(name##_imm)                                                                            \
    {                                                                                              \
        xmm_set(cpu, i->rm, op(xmm_get(cpu, i->rm), _mm_cvtsi32_si128((uint8_t)i->imm)));          \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY(h_##name##_imm, name##_imm);
SIMD_SHIFT_OPS(SHIFT_IMM)
