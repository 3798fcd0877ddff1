/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Floating-point operations of SSE and AVX by the host's instructions under the guest's MXCSR, once
 * each, for who makes handlers of them: lists of what there is, and fp_X(a, b), on 128 bits. Inline
 * assembly, so that no compiler folds, reorders or drops one. With HOST_AVX2 in the VEX encoding,
 * whose flags and results are the same. SDM volume 1, 10.4.1, 11.4.1 and 14.1.
 */
#ifndef CPU_SIMD_FP_OPS_H
#define CPU_SIMD_FP_OPS_H

#include "cpu/simd/simd.h"

/* dest := op(first, second), lane by lane: X(name, enum sse_kind, enum sse_op). */
#define FP_PACKED_OPS(X)                                                                           \
    X(addps, SSE_PS, SSE_ADD)                                                                      \
    X(addpd, SSE_PD, SSE_ADD)                                                                      \
    X(subps, SSE_PS, SSE_SUB)                                                                      \
    X(subpd, SSE_PD, SSE_SUB)                                                                      \
    X(mulps, SSE_PS, SSE_MUL)                                                                      \
    X(mulpd, SSE_PD, SSE_MUL)                                                                      \
    X(divps, SSE_PS, SSE_DIV)                                                                      \
    X(divpd, SSE_PD, SSE_DIV)                                                                      \
    X(minps, SSE_PS, SSE_OTHER)                                                                    \
    X(minpd, SSE_PD, SSE_OTHER)                                                                    \
    X(maxps, SSE_PS, SSE_OTHER)                                                                    \
    X(maxpd, SSE_PD, SSE_OTHER)

/* The lowest lane of op(first, second), or of op(second), under the rest of the first:
 * X(name, load, size in memory, enum sse_kind, enum sse_op). */
#define FP_SCALAR_OPS(X)                                                                           \
    X(addss, ld32v, 4, SSE_SS, SSE_ADD)                                                            \
    X(addsd, ld64v, 8, SSE_SD, SSE_ADD)                                                            \
    X(subss, ld32v, 4, SSE_SS, SSE_SUB)                                                            \
    X(subsd, ld64v, 8, SSE_SD, SSE_SUB)                                                            \
    X(mulss, ld32v, 4, SSE_SS, SSE_MUL)                                                            \
    X(mulsd, ld64v, 8, SSE_SD, SSE_MUL)                                                            \
    X(divss, ld32v, 4, SSE_SS, SSE_DIV)                                                            \
    X(divsd, ld64v, 8, SSE_SD, SSE_DIV)                                                            \
    X(minss, ld32v, 4, SSE_SS, SSE_OTHER)                                                          \
    X(minsd, ld64v, 8, SSE_SD, SSE_OTHER)                                                          \
    X(maxss, ld32v, 4, SSE_SS, SSE_OTHER)                                                          \
    X(maxsd, ld64v, 8, SSE_SD, SSE_OTHER)                                                          \
    X(sqrtss, ld32v, 4, SSE_SS, SSE_OTHER)                                                         \
    X(sqrtsd, ld64v, 8, SSE_SD, SSE_OTHER)                                                         \
    X(rcpss, ld32v, 4, SSE_SS, SSE_OTHER)                                                          \
    X(rsqrtss, ld32v, 4, SSE_SS, SSE_OTHER)

/* Likewise, conversions between the two formats: of the source. */
#define FP_SCALAR_CVT_OPS(X)                                                                       \
    X(cvtss2sd, ld32v, 4, SSE_SS, SSE_OTHER)                                                       \
    X(cvtsd2ss, ld64v, 8, SSE_SD, SSE_NARROW)

/* dest := op(source), as wide: X(name). */
#define FP_UNARY_OPS(X)                                                                            \
    X(sqrtps)                                                                                      \
    X(sqrtpd)                                                                                      \
    X(rcpps)                                                                                       \
    X(rsqrtps)
#define FP_UNARY_CVT_OPS(X)                                                                        \
    X(cvtdq2ps)                                                                                    \
    X(cvtps2dq)                                                                                    \
    X(cvttps2dq)

/* dest := op(source), where the source is half as wide: X(name), */
#define FP_WIDEN_OPS(X)                                                                            \
    X(cvtps2pd)                                                                                    \
    X(cvtdq2pd)
/* and where the destination is: zeros above it; X(name, enum sse_op). */
#define FP_NARROW_OPS(X)                                                                           \
    X(cvtpd2ps, SSE_NARROW)                                                                        \
    X(cvtpd2dq, SSE_OTHER)                                                                         \
    X(cvttpd2dq, SSE_OTHER)

/* Of SSE3, on neighbours: as FP_PACKED_OPS. */
#define FP_SSE3_OPS(X)                                                                             \
    X(addsubps, SSE_PS, SSE_ADDSUB)                                                                \
    X(addsubpd, SSE_PD, SSE_ADDSUB)                                                                \
    X(haddps, SSE_PS, SSE_HADD)                                                                    \
    X(haddpd, SSE_PD, SSE_HADD)                                                                    \
    X(hsubps, SSE_PS, SSE_HSUB)                                                                    \
    X(hsubpd, SSE_PD, SSE_HSUB)

#ifdef HOST_AVX2
#define FP_BINARY(name)                                                                            \
    static ALWAYS_INLINE __m128i fp_##name(__m128i a, __m128i b)                                   \
    {                                                                                              \
        __m128i r;                                                                                 \
                                                                                                   \
        __asm__ volatile("v" #name " %2, %1, %0" : "=x"(r) : "x"(a), "x"(b));                      \
        return r;                                                                                  \
    }
#define FP_UNARY(name)                                                                             \
    static ALWAYS_INLINE __m128i fp_##name(__m128i b)                                              \
    {                                                                                              \
        __m128i r;                                                                                 \
                                                                                                   \
        __asm__ volatile("v" #name " %1, %0" : "=x"(r) : "x"(b));                                  \
        return r;                                                                                  \
    }
#else
#define FP_BINARY(name)                                                                            \
    static ALWAYS_INLINE __m128i fp_##name(__m128i a, __m128i b)                                   \
    {                                                                                              \
        __asm__ volatile(#name " %1, %0" : "+x"(a) : "x"(b));                                      \
        return a;                                                                                  \
    }
#define FP_UNARY(name)                                                                             \
    static ALWAYS_INLINE __m128i fp_##name(__m128i b)                                              \
    {                                                                                              \
        __m128i r;                                                                                 \
                                                                                                   \
        __asm__ volatile(#name " %1, %0" : "=x"(r) : "x"(b));                                      \
        return r;                                                                                  \
    }
#endif
#define FP_BINARY_PACKED(name, kind, op)           FP_BINARY(name)
#define FP_BINARY_SCALAR(name, ld, size, kind, op) FP_BINARY(name)
#define FP_UNARY_NARROW(name, op)                  FP_UNARY(name)
FP_PACKED_OPS(FP_BINARY_PACKED)
FP_SCALAR_OPS(FP_BINARY_SCALAR)
FP_SCALAR_CVT_OPS(FP_BINARY_SCALAR)
FP_UNARY_OPS(FP_UNARY)
FP_UNARY_CVT_OPS(FP_UNARY)
FP_WIDEN_OPS(FP_UNARY)
FP_NARROW_OPS(FP_UNARY_NARROW)

/* The lowest lane from a general register: X(name, type). */
#define FP_FROM_GPR_OPS(X)                                                                         \
    X(cvtsi2ssl, uint32_t)                                                                         \
    X(cvtsi2ssq, uint64_t)                                                                         \
    X(cvtsi2sdl, uint32_t)                                                                         \
    X(cvtsi2sdq, uint64_t)
#ifdef HOST_AVX2
#define FP_FROM_GPR(name, type)                                                                    \
    static ALWAYS_INLINE __m128i fp_##name(__m128i a, type b)                                      \
    {                                                                                              \
        __m128i r;                                                                                 \
                                                                                                   \
        __asm__ volatile("v" #name " %2, %1, %0" : "=x"(r) : "x"(a), "r"(b));                      \
        return r;                                                                                  \
    }
#else
#define FP_FROM_GPR(name, type)                                                                    \
    static ALWAYS_INLINE __m128i fp_##name(__m128i a, type b)                                      \
    {                                                                                              \
        __asm__ volatile(#name " %1, %0" : "+x"(a) : "r"(b));                                      \
        return a;                                                                                  \
    }
#endif
FP_FROM_GPR_OPS(FP_FROM_GPR)

static ALWAYS_INLINE __m128i fp_merge_ss(__m128i above, __m128i low)
{
    return _mm_castps_si128(_mm_move_ss(_mm_castsi128_ps(above), _mm_castsi128_ps(low)));
}

static ALWAYS_INLINE __m128i fp_merge_sd(__m128i above, __m128i low)
{
    return _mm_castpd_si128(_mm_move_sd(_mm_castsi128_pd(above), _mm_castsi128_pd(low)));
}

/* Four of the eight singles of a and b, two of their four doubles, as SHUFPS and SHUFPD pick them.
 */
#define FP_PICK_PS(a, b, imm)                                                                      \
    _mm_castps_si128(_mm_shuffle_ps(_mm_castsi128_ps(a), _mm_castsi128_ps(b), imm))
#define FP_PICK_PD(a, b, imm)                                                                      \
    _mm_castpd_si128(_mm_shuffle_pd(_mm_castsi128_pd(a), _mm_castsi128_pd(b), imm))

#ifdef HOST_AVX2
FP_SSE3_OPS(FP_BINARY_PACKED)
#else
/* Even lanes are subtracted, odd ones added; the others are 0 - 0 and 0 + 0 meanwhile, which no
 * flag tells of. */
#define FP_ADDSUB(type, odd)                                                                       \
    static ALWAYS_INLINE __m128i fp_addsub##type(__m128i a, __m128i b)                             \
    {                                                                                              \
        __m128i m = odd;                                                                           \
        __m128i difference = fp_sub##type(_mm_andnot_si128(m, a), _mm_andnot_si128(m, b));         \
        __m128i sum = fp_add##type(_mm_and_si128(m, a), _mm_and_si128(m, b));                      \
                                                                                                   \
        return _mm_or_si128(_mm_andnot_si128(m, difference), _mm_and_si128(m, sum));               \
    }
FP_ADDSUB(ps, _mm_set_epi32(-1, 0, -1, 0))
FP_ADDSUB(pd, _mm_set_epi32(-1, -1, 0, 0))

#define FP_HORIZONTAL(name, op, pick, even, odd)                                                   \
    static ALWAYS_INLINE __m128i fp_##name(__m128i a, __m128i b)                                   \
    {                                                                                              \
        return op(pick(a, b, even), pick(a, b, odd));                                              \
    }
FP_HORIZONTAL(haddps, fp_addps, FP_PICK_PS, 0x88, 0xdd)
FP_HORIZONTAL(hsubps, fp_subps, FP_PICK_PS, 0x88, 0xdd)
FP_HORIZONTAL(haddpd, fp_addpd, FP_PICK_PD, 0, 3)
FP_HORIZONTAL(hsubpd, fp_subpd, FP_PICK_PD, 0, 3)
#endif

#endif
