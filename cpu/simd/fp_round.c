/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rounding to integers in the same format, SSE4.1 and AVX. SDM volume 2, ROUNDPD and so on. */
#include "cpu/simd/soft_simd.h"
#include "cpu/simd/vex_fp.h"

#ifdef HOST_AVX2
#define ROUND_CASE(name, n)                                                                        \
    case n:                                                                                        \
        __asm__ volatile("v" #name " $" #n ", %1, %0" : "=x"(r) : "x"(v));                         \
        break;
#define ROUND_4(name, a, b, c, d)                                                                  \
    ROUND_CASE(name, a) ROUND_CASE(name, b) ROUND_CASE(name, c) ROUND_CASE(name, d)
#define FP_ROUND(function, name, type)                                                             \
    static __attribute__((noinline)) type function(type v, unsigned imm)                           \
    {                                                                                              \
        type r = v;                                                                                \
                                                                                                   \
        switch (imm & 15) {                                                                        \
            ROUND_4(name, 0, 1, 2, 3)                                                              \
            ROUND_4(name, 4, 5, 6, 7)                                                              \
            ROUND_4(name, 8, 9, 10, 11)                                                            \
            ROUND_4(name, 12, 13, 14, 15)                                                          \
        }                                                                                          \
        return r;                                                                                  \
    }
FP_ROUND(fp_roundps, roundps, __m128i)
FP_ROUND(fp_roundpd, roundpd, __m128i)
FP_ROUND(fp_roundps_256, roundps, V256)
FP_ROUND(fp_roundpd_256, roundpd, V256)
#else
static __m128i round_lanes(__m128i a, unsigned imm, enum sse_kind kind)
{
    struct soft_env e = soft_begin();
    union xmm v;

    soft_round_by(&e, imm);
    _mm_store_si128((__m128i *)&v, a);
    for (unsigned n = 0; n < soft_lanes(kind); n++)
        soft_set_lane(&v, kind, n, soft_round(&e, soft_format_of(kind), soft_lane(&v, kind, n)));
    if (imm & 8)
        e.flags &= ~MXCSR_PE;
    soft_end(&e);
    return _mm_load_si128((const __m128i *)&v);
}

static __m128i fp_roundps(__m128i v, unsigned imm)
{
    return round_lanes(v, imm, SSE_PS);
}

static __m128i fp_roundpd(__m128i v, unsigned imm)
{
    return round_lanes(v, imm, SSE_PD);
}

static V256 fp_roundps_256(V256 v, unsigned imm)
{
    return v256_join(fp_roundps(v256_lo(v), imm), fp_roundps(v256_hi(v), imm));
}

static V256 fp_roundpd_256(V256 v, unsigned imm)
{
    return v256_join(fp_roundpd(v256_lo(v), imm), fp_roundpd(v256_hi(v), imm));
}
#endif

/* Scalars: zeros above, which are integers. */
static __m128i fp_roundss(__m128i above, __m128i v, unsigned imm)
{
    return fp_merge_ss(above, fp_roundps(fp_merge_ss(_mm_setzero_si128(), v), imm));
}

static __m128i fp_roundsd(__m128i above, __m128i v, unsigned imm)
{
    return fp_merge_sd(above, fp_roundpd(fp_merge_sd(_mm_setzero_si128(), v), imm));
}

#define ROUND_PACKED(name)                                                                         \
    FP_DO_PLAIN(name, __m128i, __m128i, fp_##name(b, (unsigned)i->imm), xmm_set)                   \
    FORMS_RM(name, xmm_get(cpu, i->rm), lda128, 16)                                                \
    FP_DO_PLAIN(v##name##_128, __m128i, __m128i, fp_##name(b, (unsigned)i->imm), xmm_set_vex)      \
    FP_DO_PLAIN(v##name##_256, V256, V256, fp_##name##_256(b, (unsigned)i->imm), ymm_set)          \
    FORMS_VEX_RM(v##name)
ROUND_PACKED(roundps)
ROUND_PACKED(roundpd)

#define ROUND_SCALAR(name, ld, size)                                                               \
    FP_DO_PLAIN(name, __m128i, __m128i, fp_##name(xmm_get(cpu, i->reg), b, (unsigned)i->imm),      \
                xmm_set)                                                                           \
    FORMS_LOAD(name, xmm_get(cpu, i->rm), ld, size)                                                \
    FP_DO_PLAIN(v##name, __m128i, __m128i, fp_##name(xmm_get(cpu, i->vvvv), b, (unsigned)i->imm),  \
                xmm_set_vex)                                                                       \
    FORMS_VEX_SCALAR(v##name, ld, size)
ROUND_SCALAR(roundss, ld32v, 4)
ROUND_SCALAR(roundsd, ld64v, 8)
