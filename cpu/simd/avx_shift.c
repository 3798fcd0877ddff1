/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AVX and AVX2 shifts: of all elements by one count, of the whole register by bytes, and of each
 * element by a count of its own. SDM volume 2, under PSLLW..PSRLQ, PSLLDQ, PSRLDQ,
 * VPSLLVD..VPSRAVD.
 */
#include "cpu/simd/int_ops.h"
#include "cpu/simd/portable_shuffle.h"
#include "cpu/simd/vex.h"

/* a shifted by the low 64 bits of a vector. */
#ifdef HOST_AVX2
#define OP256_COUNT(name, narrow, wide)                                                            \
    static ALWAYS_INLINE V256 name(V256 a, __m128i count)                                          \
    {                                                                                              \
        return wide(a, count);                                                                     \
    }
#else
#define OP256_COUNT(name, narrow, wide)                                                            \
    static ALWAYS_INLINE V256 name(V256 a, __m128i count)                                          \
    {                                                                                              \
        return (V256){narrow(a.lo, count), narrow(a.hi, count)};                                   \
    }
#endif

/* The count is r/m, of 128 bits at either length, or an immediate; then vvvv is the destination. */
#define SHIFT(name, narrow, wide)                                                                  \
    OP256_COUNT(name##_wide, narrow, wide)                                                         \
    static ALWAYS_INLINE void v##name##_128_do(struct cpu *cpu, const struct insn *i, __m128i b)   \
    {                                                                                              \
        xmm_set_vex(cpu, i->reg, narrow(xmm_get(cpu, i->vvvv), b));                                \
    }                                                                                              \
    static ALWAYS_INLINE void v##name##_256_do(struct cpu *cpu, const struct insn *i, __m128i b)   \
    {                                                                                              \
        ymm_set(cpu, i->reg, name##_wide(ymm_get(cpu, i->vvvv), b));                               \
    }                                                                                              \
    HANDLERS_RM(v##name##_128, xmm_get(cpu, i->rm), ldu128, 16)                                    \
    HANDLERS_RM(v##name##_256, xmm_get(cpu, i->rm), ldu128, 16)                                    \
    FAMILY_VEX_RM(h_v##name, v##name##_128, v##name##_256);                                        \
    HANDLER(v##name##_imm_128)                                                                     \
    {                                                                                              \
        xmm_set_vex(cpu, i->vvvv, narrow(xmm_get(cpu, i->rm), _mm_cvtsi32_si128((int)i->imm)));    \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(v##name##_imm_256)                                                                     \
    {                                                                                              \
        ymm_set(cpu, i->vvvv, name##_wide(ymm_get(cpu, i->rm), _mm_cvtsi32_si128((int)i->imm)));   \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY_VEX_REG(h_v##name##_imm, v##name##_imm_128, v##name##_imm_256);
SIMD_SHIFT_OPS(SHIFT)

#define SHIFT_BYTES(name, op)                                                                      \
    OP256_IMM(name##_wide, op, wide_##op, 0)                                                       \
    HANDLER(name##_128)                                                                            \
    {                                                                                              \
        xmm_set_vex(cpu, i->vvvv, op(xmm_get(cpu, i->rm), (unsigned)i->imm));                      \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(name##_256)                                                                            \
    {                                                                                              \
        ymm_set(cpu, i->vvvv, name##_wide(ymm_get(cpu, i->rm), (unsigned)i->imm));                 \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY_VEX_REG(h_##name, name##_128, name##_256);
SHIFT_BYTES(vpslldq, shift_bytes_left)
SHIFT_BYTES(vpsrldq, shift_bytes_right)

/* ---- each element by a count of its own; one that is too large shifts everything out ---- */

#ifdef HOST_AVX2
#define sllv_epi32 _mm_sllv_epi32
#define sllv_epi64 _mm_sllv_epi64
#define srlv_epi32 _mm_srlv_epi32
#define srlv_epi64 _mm_srlv_epi64
#define srav_epi32 _mm_srav_epi32
#else
#define SHIFT_EACH(name, field, n, expr)                                                           \
    static ALWAYS_INLINE __m128i name(__m128i a, __m128i count)                                    \
    {                                                                                              \
        union xmm u = as_union(a), c = as_union(count);                                            \
                                                                                                   \
        for (unsigned k = 0; k < (n); k++)                                                         \
            u.field[k] = expr;                                                                     \
        return _mm_load_si128((const __m128i *)&u);                                                \
    }
SHIFT_EACH(sllv_epi32, d, 4, c.d[k] < 32 ? u.d[k] << c.d[k] : 0)
SHIFT_EACH(sllv_epi64, q, 2, c.q[k] < 64 ? u.q[k] << c.q[k] : 0)
SHIFT_EACH(srlv_epi32, d, 4, c.d[k] < 32 ? u.d[k] >> c.d[k] : 0)
SHIFT_EACH(srlv_epi64, q, 2, c.q[k] < 64 ? u.q[k] >> c.q[k] : 0)
SHIFT_EACH(srav_epi32, d, 4, (uint32_t)((int32_t)u.d[k] >> (c.d[k] < 32 ? c.d[k] : 31)))
#endif
VEX_OP(vpsllvd, sllv_epi32, _mm256_sllv_epi32)
VEX_OP(vpsllvq, sllv_epi64, _mm256_sllv_epi64)
VEX_OP(vpsrlvd, srlv_epi32, _mm256_srlv_epi32)
VEX_OP(vpsrlvq, srlv_epi64, _mm256_srlv_epi64)
VEX_OP(vpsravd, srav_epi32, _mm256_srav_epi32)
