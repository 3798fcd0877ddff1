/* SPDX-License-Identifier: GPL-2.0-or-later */
/* AVX comparisons by a predicate of five bits. SDM volume 2, CMPPD, table 3-1. */
#include "cpu/simd/vex_fp.h"

#ifdef HOST_AVX2
#define CMP_CASE(name, n)                                                                          \
    case n:                                                                                        \
        __asm__ volatile("v" #name " $" #n ", %2, %1, %0" : "=x"(r) : "x"(a), "x"(b));             \
        break;
#define CMP_8(name, a, b, c, d, e, f, g, h)                                                        \
    CMP_CASE(name, a)                                                                              \
    CMP_CASE(name, b)                                                                              \
    CMP_CASE(name, c)                                                                              \
    CMP_CASE(name, d) CMP_CASE(name, e) CMP_CASE(name, f) CMP_CASE(name, g) CMP_CASE(name, h)
#define CMP_BY(function, name, type)                                                               \
    static __attribute__((noinline)) type function(type a, type b, unsigned predicate)             \
    {                                                                                              \
        type r = a;                                                                                \
                                                                                                   \
        switch (predicate & 31) {                                                                  \
            CMP_8(name, 0, 1, 2, 3, 4, 5, 6, 7)                                                    \
            CMP_8(name, 8, 9, 10, 11, 12, 13, 14, 15)                                              \
            CMP_8(name, 16, 17, 18, 19, 20, 21, 22, 23)                                            \
            CMP_8(name, 24, 25, 26, 27, 28, 29, 30, 31)                                            \
        }                                                                                          \
        return r;                                                                                  \
    }
CMP_BY(cmpps_by, cmpps, __m128i)
CMP_BY(cmppd_by, cmppd, __m128i)
CMP_BY(cmpss_by, cmpss, __m128i)
CMP_BY(cmpsd_by, cmpsd, __m128i)
CMP_BY(cmpps_by_256, cmpps, V256)
CMP_BY(cmppd_by_256, cmppd, V256)
#else
/* Which outcomes make a predicate true; predicate 16 + n is n but for what NaNs signal. */
enum { LESS = 1, EQUAL = 2, GREATER = 4, UNORDERED = 8 };
static const uint8_t true_if[16] = {
    [0] = EQUAL,
    [1] = LESS,
    [2] = LESS | EQUAL,
    [3] = UNORDERED,
    [4] = LESS | GREATER | UNORDERED,
    [5] = EQUAL | GREATER | UNORDERED,
    [6] = GREATER | UNORDERED,
    [7] = LESS | EQUAL | GREATER,
    [8] = EQUAL | UNORDERED,
    [9] = LESS | UNORDERED,
    [10] = LESS | EQUAL | UNORDERED,
    [11] = 0,
    [12] = LESS | GREATER,
    [13] = EQUAL | GREATER,
    [14] = GREATER,
    [15] = LESS | EQUAL | GREATER | UNORDERED,
};

/* Does a quiet NaN raise IE? */
static bool signalling(unsigned predicate)
{
    return (predicate & 16 ? 0x9999u : 0x6666u) >> (predicate & 15) & 1;
}

/* All flags come from the first two comparisons; the others see no NaN. */
#define CMP_BY(type)                                                                               \
    FP_BINARY(cmpeq##type)                                                                         \
    FP_BINARY(cmplt##type)                                                                         \
    FP_BINARY(cmpunord##type)                                                                      \
    static __attribute__((noinline))                                                               \
    __m128i cmp##type##_by(__m128i a, __m128i b, unsigned predicate)                               \
    {                                                                                              \
        unsigned set = true_if[predicate & 15];                                                    \
        __m128i none = _mm_setzero_si128(), r = none;                                              \
        __m128i unordered = fp_cmpunord##type(a, b), less, equal, greater;                         \
                                                                                                   \
        if (signalling(predicate))                                                                 \
            (void)fp_cmplt##type(a, b);                                                            \
        a = _mm_andnot_si128(unordered, a);                                                        \
        b = _mm_andnot_si128(unordered, b);                                                        \
        less = fp_cmplt##type(a, b);                                                               \
        equal = _mm_andnot_si128(unordered, fp_cmpeq##type(a, b));                                 \
        greater = _mm_or_si128(_mm_or_si128(less, equal), unordered);                              \
        greater = _mm_cmpeq_epi32(greater, none);                                                  \
        r = _mm_or_si128(r, set & LESS ? less : none);                                             \
        r = _mm_or_si128(r, set & EQUAL ? equal : none);                                           \
        r = _mm_or_si128(r, set & GREATER ? greater : none);                                       \
        return _mm_or_si128(r, set & UNORDERED ? unordered : none);                                \
    }                                                                                              \
    static V256 cmp##type##_by_256(V256 a, V256 b, unsigned predicate)                             \
    {                                                                                              \
        return v256_join(cmp##type##_by(v256_lo(a), v256_lo(b), predicate),                        \
                         cmp##type##_by(v256_hi(a), v256_hi(b), predicate));                       \
    }
CMP_BY(ps)
CMP_BY(pd)

/* Scalars are compared with zeros above them. */
static __m128i cmpss_by(__m128i a, __m128i b, unsigned predicate)
{
    __m128i none = _mm_setzero_si128();

    return fp_merge_ss(a, cmpps_by(fp_merge_ss(none, a), fp_merge_ss(none, b), predicate));
}

static __m128i cmpsd_by(__m128i a, __m128i b, unsigned predicate)
{
    __m128i none = _mm_setzero_si128();

    return fp_merge_sd(a, cmppd_by(fp_merge_sd(none, a), fp_merge_sd(none, b), predicate));
}
#endif

#define CMP(name)                                                                                  \
    FP_DO_PLAIN(v##name, __m128i, __m128i, name##_by(xmm_get(cpu, i->vvvv), b, (unsigned)i->imm),  \
                xmm_set_vex)
#define CMP_PACKED(name)                                                                           \
    CMP(name)                                                                                      \
    FP_DO_PLAIN(v##name##_256, V256, V256,                                                         \
                name##_by_256(ymm_get(cpu, i->vvvv), b, (unsigned)i->imm), ymm_set)                \
    HANDLERS_LOAD64(v##name, xmm_get(cpu, i->rm), ldu128, 16)                                      \
    HANDLERS_LOAD64(v##name##_256, ymm_get(cpu, i->rm), ldu256, 32)                                \
    FAMILY_VEX(h_v##name, v##name, v##name##_256);
CMP_PACKED(cmpps)
CMP_PACKED(cmppd)
CMP(cmpss)
FORMS_VEX_SCALAR(vcmpss, ld32v, 4)
CMP(cmpsd)
FORMS_VEX_SCALAR(vcmpsd, ld64v, 8)
