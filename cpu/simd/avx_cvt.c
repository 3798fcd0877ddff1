/* SPDX-License-Identifier: GPL-2.0-or-later */
/* AVX conversions between floats, and between floats and integers; those into general registers are
 * the legacy ones. SDM volume 2, CVT*. */
#include "cpu/simd/vex_fp.h"

FP_UNARY_CVT_OPS(VEX_FP_UNARY)
FP_SCALAR_CVT_OPS(VEX_FP_SCALAR_CVT)

/* ---- from half as wide ---- */

#ifdef HOST_AVX2
#define WIDEN_256(name)                                                                            \
    static ALWAYS_INLINE V256 name##_widen(__m128i b)                                              \
    {                                                                                              \
        V256 r;                                                                                    \
                                                                                                   \
        __asm__ volatile("v" #name " %1, %0" : "=x"(r) : "x"(b));                                  \
        return r;                                                                                  \
    }
#define NARROW_256(name)                                                                           \
    static ALWAYS_INLINE __m128i name##_narrow(V256 b)                                             \
    {                                                                                              \
        __m128i r;                                                                                 \
                                                                                                   \
        __asm__ volatile("v" #name "y %1, %0" : "=x"(r) : "x"(b));                                 \
        return r;                                                                                  \
    }
#else
#define WIDEN_256(name)                                                                            \
    static ALWAYS_INLINE V256 name##_widen(__m128i b)                                              \
    {                                                                                              \
        return v256_join(fp_##name(b), fp_##name(_mm_unpackhi_epi64(b, b)));                       \
    }
#define NARROW_256(name)                                                                           \
    static ALWAYS_INLINE __m128i name##_narrow(V256 b)                                             \
    {                                                                                              \
        return _mm_unpacklo_epi64(fp_##name(v256_lo(b)), fp_##name(v256_hi(b)));                   \
    }
#endif

#define CVT_WIDEN(name)                                                                            \
    WIDEN_256(name)                                                                                \
    FP_DO_PLAIN(v##name##_128, __m128i, __m128i, fp_##name(b), xmm_set_vex)                        \
    FP_DO_PLAIN(v##name##_256, __m128i, V256, name##_widen(b), ymm_set)                            \
    HANDLERS_LOAD64(v##name##_128, xmm_get(cpu, i->rm), ld64v, 8)                                  \
    HANDLERS_LOAD64(v##name##_256, xmm_get(cpu, i->rm), ldu128, 16)                                \
    FAMILY_VEX(h_v##name, v##name##_128, v##name##_256);
FP_WIDEN_OPS(CVT_WIDEN)

/* ---- to half as wide ---- */

#define CVT_NARROW(name, op)                                                                       \
    NARROW_256(name)                                                                               \
    FP_DO(v##name##_128, __m128i, __m128i, fp_##name(b), sse_finish(cpu, i, op, SSE_PD, b, b),     \
          xmm_set_vex)                                                                             \
    FP_DO(v##name##_256, V256, __m128i, name##_narrow(b), vex_finish(cpu, i, op, SSE_PD, b, b),    \
          xmm_set_vex)                                                                             \
    FORMS_VEX(v##name)
FP_NARROW_OPS(CVT_NARROW)

/* ---- general register or memory to scalar; the operand size is VEX.W's ---- */

#define CVT_FROM_GPR(name, suffix, type, ld, size)                                                 \
    FP_DO_PLAIN(v##name##suffix, type, __m128i, fp_##name##suffix(xmm_get(cpu, i->vvvv), b),       \
                xmm_set_vex)                                                                       \
    HANDLERS_LOAD64(v##name##suffix, (type)cpu->gpr[i->rm], ld, size)
#define CVT_FROM_GPR_FAMILY(name)                                                                  \
    CVT_FROM_GPR(name, l, uint32_t, mem_ld32, 4)                                                   \
    CVT_FROM_GPR(name, q, uint64_t, mem_ld64, 8)                                                   \
    const struct family FAMILY_NAME(h_v##name) = {.fn = {                                          \
                                                      [SZ32] = {[FORM_REG] = v##name##l_reg,       \
                                                                [FORM_GEN] = v##name##l_gen,       \
                                                                [FORM_X64] = v##name##l_x64,       \
                                                                [FORM_B64] = v##name##l_b64},      \
                                                      [SZ64] = {[FORM_REG] = v##name##q_reg,       \
                                                                [FORM_GEN] = v##name##q_gen,       \
                                                                [FORM_X64] = v##name##q_x64,       \
                                                                [FORM_B64] = v##name##q_b64},      \
                                                  }};
CVT_FROM_GPR_FAMILY(cvtsi2ss)
CVT_FROM_GPR_FAMILY(cvtsi2sd)
