/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Integer operations on 128 bits that SSE2 has not: the host's instruction in files compiled for
 * AVX2 hosts, else the same bits by SSE2 or C. Named as the intrinsics are. SDM volume 2: SSSE3
 * (volume 1, 12.5-12.6), SSE4.1 and SSE4.2 (12.10-12.11).
 */
#ifndef CPU_SIMD_PORTABLE_INT_H
#define CPU_SIMD_PORTABLE_INT_H

#include "cpu/simd/simd.h"

/* Bits of b where those of mask are set, else of a. */
static ALWAYS_INLINE __m128i select_bits(__m128i a, __m128i b, __m128i mask)
{
    return _mm_or_si128(_mm_and_si128(mask, b), _mm_andnot_si128(mask, a));
}

#ifdef HOST_AVX2
#include <immintrin.h>

#define shuffle_epi8   _mm_shuffle_epi8
#define hadd_epi16     _mm_hadd_epi16
#define hadd_epi32     _mm_hadd_epi32
#define hadds_epi16    _mm_hadds_epi16
#define hsub_epi16     _mm_hsub_epi16
#define hsub_epi32     _mm_hsub_epi32
#define hsubs_epi16    _mm_hsubs_epi16
#define maddubs_epi16  _mm_maddubs_epi16
#define sign_epi8      _mm_sign_epi8
#define sign_epi16     _mm_sign_epi16
#define sign_epi32     _mm_sign_epi32
#define mulhrs_epi16   _mm_mulhrs_epi16
#define abs_epi8       _mm_abs_epi8
#define abs_epi16      _mm_abs_epi16
#define abs_epi32      _mm_abs_epi32
#define mul_epi32      _mm_mul_epi32
#define mullo_epi32    _mm_mullo_epi32
#define min_epi8       _mm_min_epi8
#define min_epi32      _mm_min_epi32
#define min_epu16      _mm_min_epu16
#define min_epu32      _mm_min_epu32
#define max_epi8       _mm_max_epi8
#define max_epi32      _mm_max_epi32
#define max_epu16      _mm_max_epu16
#define max_epu32      _mm_max_epu32
#define cmpeq_epi64    _mm_cmpeq_epi64
#define cmpgt_epi64    _mm_cmpgt_epi64
#define packus_epi32   _mm_packus_epi32
#define minpos_epu16   _mm_minpos_epu16
#define blendv_epi8    _mm_blendv_epi8
#define cvtepi8_epi16  _mm_cvtepi8_epi16
#define cvtepi8_epi32  _mm_cvtepi8_epi32
#define cvtepi8_epi64  _mm_cvtepi8_epi64
#define cvtepi16_epi32 _mm_cvtepi16_epi32
#define cvtepi16_epi64 _mm_cvtepi16_epi64
#define cvtepi32_epi64 _mm_cvtepi32_epi64
#define cvtepu8_epi16  _mm_cvtepu8_epi16
#define cvtepu8_epi32  _mm_cvtepu8_epi32
#define cvtepu8_epi64  _mm_cvtepu8_epi64
#define cvtepu16_epi32 _mm_cvtepu16_epi32
#define cvtepu16_epi64 _mm_cvtepu16_epi64
#define cvtepu32_epi64 _mm_cvtepu32_epi64
#else

/* Each byte of a by its top bit, or b's. */
static ALWAYS_INLINE __m128i blendv_epi8(__m128i a, __m128i b, __m128i mask)
{
    return select_bits(a, b, _mm_cmpgt_epi8(_mm_setzero_si128(), mask));
}

static ALWAYS_INLINE __m128i shuffle_epi8(__m128i a, __m128i control)
{
    union xmm v, c, r;

    _mm_store_si128((__m128i *)&v, a);
    _mm_store_si128((__m128i *)&c, control);
    for (unsigned k = 0; k < 16; k++)
        r.b[k] = c.b[k] & 0x80 ? 0 : v.b[c.b[k] & 15];
    return _mm_load_si128((const __m128i *)&r);
}

/* ---- of two registers' elements side by side ---- */

/* The low words of all dwords of a, then of b. */
static ALWAYS_INLINE __m128i pack_low16(__m128i a, __m128i b)
{
    return _mm_packs_epi32(_mm_srai_epi32(_mm_slli_epi32(a, 16), 16),
                           _mm_srai_epi32(_mm_slli_epi32(b, 16), 16));
}

static ALWAYS_INLINE __m128i pack_high16(__m128i a, __m128i b)
{
    return _mm_packs_epi32(_mm_srai_epi32(a, 16), _mm_srai_epi32(b, 16));
}

static ALWAYS_INLINE __m128i even32(__m128i a, __m128i b)
{
    return _mm_castps_si128(_mm_shuffle_ps(_mm_castsi128_ps(a), _mm_castsi128_ps(b), 0x88));
}

static ALWAYS_INLINE __m128i odd32(__m128i a, __m128i b)
{
    return _mm_castps_si128(_mm_shuffle_ps(_mm_castsi128_ps(a), _mm_castsi128_ps(b), 0xdd));
}

#define HORIZONTAL(name, op, even, odd)                                                            \
    static ALWAYS_INLINE __m128i name(__m128i a, __m128i b)                                        \
    {                                                                                              \
        return op(even(a, b), odd(a, b));                                                          \
    }
HORIZONTAL(hadd_epi16, _mm_add_epi16, pack_low16, pack_high16)
HORIZONTAL(hadds_epi16, _mm_adds_epi16, pack_low16, pack_high16)
HORIZONTAL(hsub_epi16, _mm_sub_epi16, pack_low16, pack_high16)
HORIZONTAL(hsubs_epi16, _mm_subs_epi16, pack_low16, pack_high16)
HORIZONTAL(hadd_epi32, _mm_add_epi32, even32, odd32)
HORIZONTAL(hsub_epi32, _mm_sub_epi32, even32, odd32)
#undef HORIZONTAL

/* Dwords to words with unsigned saturation. */
static ALWAYS_INLINE __m128i clamp_u16(__m128i v)
{
    return _mm_or_si128(_mm_andnot_si128(_mm_srai_epi32(v, 31), v),
                        _mm_cmpgt_epi32(v, _mm_set1_epi32(0xffff)));
}

static ALWAYS_INLINE __m128i packus_epi32(__m128i a, __m128i b)
{
    return pack_low16(clamp_u16(a), clamp_u16(b));
}

/* ---- products ---- */

static ALWAYS_INLINE __m128i maddubs_epi16(__m128i a, __m128i b)
{
    __m128i even = _mm_mullo_epi16(_mm_and_si128(a, _mm_set1_epi16(0xff)),
                                   _mm_srai_epi16(_mm_slli_epi16(b, 8), 8));
    __m128i odd = _mm_mullo_epi16(_mm_srli_epi16(a, 8), _mm_srai_epi16(b, 8));

    return _mm_adds_epi16(even, odd);
}

/* A product of Q15 numbers, rounded, as a dword. */
static ALWAYS_INLINE __m128i round_q15(__m128i product)
{
    return _mm_srai_epi32(_mm_add_epi32(_mm_srai_epi32(product, 14), _mm_set1_epi32(1)), 1);
}

static ALWAYS_INLINE __m128i mulhrs_epi16(__m128i a, __m128i b)
{
    __m128i lo = _mm_mullo_epi16(a, b), hi = _mm_mulhi_epi16(a, b);

    return pack_low16(round_q15(_mm_unpacklo_epi16(lo, hi)), round_q15(_mm_unpackhi_epi16(lo, hi)));
}

/* The signed product is the unsigned one less 2^32 times what a negative factor has too much. */
static ALWAYS_INLINE __m128i mul_epi32(__m128i a, __m128i b)
{
    __m128i excess = _mm_add_epi32(_mm_and_si128(_mm_srai_epi32(a, 31), b),
                                   _mm_and_si128(_mm_srai_epi32(b, 31), a));

    return _mm_sub_epi64(_mm_mul_epu32(a, b), _mm_slli_epi64(excess, 32));
}

static ALWAYS_INLINE __m128i mullo_epi32(__m128i a, __m128i b)
{
    __m128i even = _mm_mul_epu32(a, b);
    __m128i odd = _mm_mul_epu32(_mm_srli_epi64(a, 32), _mm_srli_epi64(b, 32));

    return _mm_unpacklo_epi32(_mm_shuffle_epi32(even, 0x08), _mm_shuffle_epi32(odd, 0x08));
}

/* ---- signs ---- */

#define SIGNS(bits)                                                                                \
    static ALWAYS_INLINE __m128i sign_epi##bits(__m128i a, __m128i b)                              \
    {                                                                                              \
        __m128i zero = _mm_setzero_si128(), neg = _mm_cmpgt_epi##bits(zero, b);                    \
                                                                                                   \
        return _mm_andnot_si128(_mm_cmpeq_epi##bits(b, zero),                                      \
                                _mm_sub_epi##bits(_mm_xor_si128(a, neg), neg));                    \
    }                                                                                              \
    static ALWAYS_INLINE __m128i abs_epi##bits(__m128i a)                                          \
    {                                                                                              \
        return sign_epi##bits(a, a);                                                               \
    }
SIGNS(8)
SIGNS(16)
SIGNS(32)
#undef SIGNS

/* ---- order ---- */

#define MIN_MAX(type, greater)                                                                     \
    static ALWAYS_INLINE __m128i min_##type(__m128i a, __m128i b)                                  \
    {                                                                                              \
        return select_bits(a, b, greater(a, b));                                                   \
    }                                                                                              \
    static ALWAYS_INLINE __m128i max_##type(__m128i a, __m128i b)                                  \
    {                                                                                              \
        return select_bits(b, a, greater(a, b));                                                   \
    }

/* Unsigned numbers are in the order that signed ones are in without their top bit's weight. */
static ALWAYS_INLINE __m128i greater_epu16(__m128i a, __m128i b)
{
    __m128i top = _mm_set1_epi16(INT16_MIN);

    return _mm_cmpgt_epi16(_mm_xor_si128(a, top), _mm_xor_si128(b, top));
}

static ALWAYS_INLINE __m128i greater_epu32(__m128i a, __m128i b)
{
    __m128i top = _mm_set1_epi32(INT32_MIN);

    return _mm_cmpgt_epi32(_mm_xor_si128(a, top), _mm_xor_si128(b, top));
}
MIN_MAX(epi8, _mm_cmpgt_epi8)
MIN_MAX(epi32, _mm_cmpgt_epi32)
MIN_MAX(epu16, greater_epu16)
MIN_MAX(epu32, greater_epu32)
#undef MIN_MAX

static ALWAYS_INLINE __m128i cmpeq_epi64(__m128i a, __m128i b)
{
    __m128i half = _mm_cmpeq_epi32(a, b);

    return _mm_and_si128(half, _mm_shuffle_epi32(half, 0xb1));
}

/* The upper halves, signed, decide; where they are equal the lower ones, unsigned. */
static ALWAYS_INLINE __m128i cmpgt_epi64(__m128i a, __m128i b)
{
    __m128i top = _mm_set1_epi64x(0x80000000);
    __m128i greater = _mm_cmpgt_epi32(_mm_xor_si128(a, top), _mm_xor_si128(b, top));
    __m128i by_low = _mm_and_si128(_mm_cmpeq_epi32(a, b), _mm_slli_epi64(greater, 32));

    return _mm_shuffle_epi32(_mm_or_si128(greater, by_low), 0xf5);
}

/* The least word, then its index; the rest is zero. */
static ALWAYS_INLINE __m128i minpos_epu16(__m128i a)
{
    union xmm v;
    unsigned at = 0;

    _mm_store_si128((__m128i *)&v, a);
    for (unsigned k = 1; k < 8; k++)
        at = v.w[k] < v.w[at] ? k : at;
    return _mm_cvtsi32_si128((int)(at << 16 | v.w[at]));
}

/* ---- widening ---- */

static ALWAYS_INLINE __m128i cvtepi8_epi16(__m128i v)
{
    return _mm_srai_epi16(_mm_unpacklo_epi8(v, v), 8);
}

static ALWAYS_INLINE __m128i cvtepi16_epi32(__m128i v)
{
    return _mm_srai_epi32(_mm_unpacklo_epi16(v, v), 16);
}

static ALWAYS_INLINE __m128i cvtepi32_epi64(__m128i v)
{
    return _mm_unpacklo_epi32(v, _mm_srai_epi32(v, 31));
}

static ALWAYS_INLINE __m128i cvtepu8_epi16(__m128i v)
{
    return _mm_unpacklo_epi8(v, _mm_setzero_si128());
}

static ALWAYS_INLINE __m128i cvtepu16_epi32(__m128i v)
{
    return _mm_unpacklo_epi16(v, _mm_setzero_si128());
}

static ALWAYS_INLINE __m128i cvtepu32_epi64(__m128i v)
{
    return _mm_unpacklo_epi32(v, _mm_setzero_si128());
}

#define IN_STEPS(name, first, then)                                                                \
    static ALWAYS_INLINE __m128i name(__m128i v)                                                   \
    {                                                                                              \
        return then(first(v));                                                                     \
    }
IN_STEPS(cvtepi8_epi32, cvtepi8_epi16, cvtepi16_epi32)
IN_STEPS(cvtepi8_epi64, cvtepi8_epi32, cvtepi32_epi64)
IN_STEPS(cvtepi16_epi64, cvtepi16_epi32, cvtepi32_epi64)
IN_STEPS(cvtepu8_epi32, cvtepu8_epi16, cvtepu16_epi32)
IN_STEPS(cvtepu8_epi64, cvtepu8_epi32, cvtepu32_epi64)
IN_STEPS(cvtepu16_epi64, cvtepu16_epi32, cvtepu32_epi64)
#undef IN_STEPS
#endif

#endif
