/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SSSE3, SSE4.1 and SSE4.2 integer arithmetic, comparison and PSHUFB on vectors, legacy and with
 * VEX. SDM volume 1, 12.6, 12.10, 12.11 and 14.7. */
#include "cpu/simd/int_ops.h"
#include "cpu/simd/portable_int.h"
#include "cpu/simd/vex.h"

#define OP_2(name, op, wide)                                                                       \
    static ALWAYS_INLINE void name##_do(struct cpu *cpu, const struct insn *i, __m128i b)          \
    {                                                                                              \
        xmm_set(cpu, i->reg, op(xmm_get(cpu, i->reg), b));                                         \
    }                                                                                              \
    FORMS_LOAD(name, xmm_get(cpu, i->rm), lda128, 16)                                              \
    VEX_OP(v##name, op, wide)
SIMD_SSSE3_OPS(OP_2)
SIMD_HORIZONTAL_OPS(OP_2)
SIMD_SSE4_OPS(OP_2)
OP_2(pshufb, shuffle_epi8, _mm256_shuffle_epi8)

#define OP_1(name, op, wide)                                                                       \
    static ALWAYS_INLINE void name##_do(struct cpu *cpu, const struct insn *i, __m128i b)          \
    {                                                                                              \
        xmm_set(cpu, i->reg, op(b));                                                               \
    }                                                                                              \
    FORMS_LOAD(name, xmm_get(cpu, i->rm), lda128, 16)                                              \
    VEX_OP_1(v##name, op, wide)
SIMD_ABS_OPS(OP_1)

/* There is no wide one. */
static ALWAYS_INLINE void phminposuw_do(struct cpu *cpu, const struct insn *i, __m128i b)
{
    xmm_set(cpu, i->reg, minpos_epu16(b));
}
FORMS_RM(phminposuw, xmm_get(cpu, i->rm), lda128, 16)

static ALWAYS_INLINE void vphminposuw_do(struct cpu *cpu, const struct insn *i, __m128i b)
{
    xmm_set_vex(cpu, i->reg, minpos_epu16(b));
}
FORMS_RM(vphminposuw, xmm_get(cpu, i->rm), ldu128, 16)
