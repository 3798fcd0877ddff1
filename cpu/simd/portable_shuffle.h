/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations that move elements by an immediate or by another vector's elements, as functions: the
 * host's instructions in files compiled for AVX2 hosts (an immediate is made a vector of selectors
 * first), else the same bits by SSE2 or C. wide_X is X on 256 bits. SDM volume 2, under PSHUFD,
 * PSHUFLW, PSHUFHW, SHUFPS, SHUFPD, PSLLDQ, PSRLDQ, VPERMILPS, VPERMILPD, BLENDVPS.
 */
#ifndef CPU_SIMD_PORTABLE_SHUFFLE_H
#define CPU_SIMD_PORTABLE_SHUFFLE_H

#include "cpu/simd/simd.h"

static ALWAYS_INLINE union xmm as_union(__m128i v)
{
    union xmm u;

    _mm_store_si128((__m128i *)&u, v);
    return u;
}

/* All ones or zeros by the top bit of each element. */
static ALWAYS_INLINE __m128i signs_epi32(__m128i v)
{
    return _mm_srai_epi32(v, 31);
}

static ALWAYS_INLINE __m128i signs_epi64(__m128i v)
{
    return _mm_shuffle_epi32(_mm_srai_epi32(v, 31), 0xf5);
}

/* The even dwords twice each, the odd ones, and the low qword. */
#define duplicate_even(v) _mm_shuffle_epi32(v, 0xa0)
#define duplicate_odd(v)  _mm_shuffle_epi32(v, 0xf5)
#define duplicate_low(v)  _mm_unpacklo_epi64(v, v)

#ifdef HOST_AVX2
#include <immintrin.h>

/* ---- dwords and qwords ---- */

#define permilvar_ps(a, c)      _mm_castps_si128(_mm_permutevar_ps(_mm_castsi128_ps(a), c))
#define permilvar_pd(a, c)      _mm_castpd_si128(_mm_permutevar_pd(_mm_castsi128_pd(a), c))
#define wide_permilvar_ps(a, c) _mm256_castps_si256(_mm256_permutevar_ps(_mm256_castsi256_ps(a), c))
#define wide_permilvar_pd(a, c) _mm256_castpd_si256(_mm256_permutevar_pd(_mm256_castsi256_pd(a), c))

#define wide_duplicate_even(v) _mm256_shuffle_epi32(v, 0xa0)
#define wide_duplicate_odd(v)  _mm256_shuffle_epi32(v, 0xf5)
#define wide_duplicate_low(v)  _mm256_unpacklo_epi64(v, v)

/* Selectors for the first two: the low two bits of a dword count, and bit 1 of a qword. */
static ALWAYS_INLINE __m128i by_fields(unsigned imm)
{
    return _mm_srlv_epi32(_mm_set1_epi32((int)imm), _mm_setr_epi32(0, 2, 4, 6));
}

static ALWAYS_INLINE __m256i wide_by_bits(unsigned imm)
{
    return _mm256_srlv_epi64(_mm256_set1_epi64x((long long)(imm << 1)),
                             _mm256_setr_epi64x(0, 1, 2, 3));
}

static ALWAYS_INLINE __m128i shuffle_epi32(__m128i v, unsigned imm)
{
    return permilvar_ps(v, by_fields(imm));
}

static ALWAYS_INLINE __m256i wide_shuffle_epi32(__m256i v, unsigned imm)
{
    return wide_permilvar_ps(v, _mm256_broadcastsi128_si256(by_fields(imm)));
}

static ALWAYS_INLINE __m128i shuffle_ps(__m128i a, __m128i b, unsigned imm)
{
    __m128i by = by_fields(imm);

    return _mm_blend_epi32(permilvar_ps(a, by), permilvar_ps(b, by), 0xc);
}

static ALWAYS_INLINE __m256i wide_shuffle_ps(__m256i a, __m256i b, unsigned imm)
{
    __m256i by = _mm256_broadcastsi128_si256(by_fields(imm));

    return _mm256_blend_epi32(wide_permilvar_ps(a, by), wide_permilvar_ps(b, by), 0xcc);
}

static ALWAYS_INLINE __m128i shuffle_pd(__m128i a, __m128i b, unsigned imm)
{
    __m128i by = _mm256_castsi256_si128(wide_by_bits(imm));

    return _mm_blend_epi32(permilvar_pd(a, by), permilvar_pd(b, by), 0xc);
}

static ALWAYS_INLINE __m256i wide_shuffle_pd(__m256i a, __m256i b, unsigned imm)
{
    __m256i by = wide_by_bits(imm);

    return _mm256_blend_epi32(wide_permilvar_pd(a, by), wide_permilvar_pd(b, by), 0xcc);
}

/* ---- words: selectors of bytes ---- */

/* The four 2-bit fields of imm in the words of a 64-bit value. */
static ALWAYS_INLINE uint64_t spread_fields(unsigned imm)
{
    return ((uint8_t)imm * UINT64_C(0x0000040010004001)) & UINT64_C(0x0003000300030003);
}

static ALWAYS_INLINE __m128i by_low_words(unsigned imm)
{
    uint64_t low = spread_fields(imm) * 0x0202 + UINT64_C(0x0100010001000100);

    return _mm_set_epi64x(0x0f0e0d0c0b0a0908, (long long)low);
}

static ALWAYS_INLINE __m128i by_high_words(unsigned imm)
{
    uint64_t high = spread_fields(imm) * 0x0202 + UINT64_C(0x0908090809080908);

    return _mm_set_epi64x((long long)high, 0x0706050403020100);
}

/* ---- the register as a whole: a window into selectors, some of which clear ---- */

static const uint8_t byte_window[48] __attribute__((unused)) = {
    0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
    0,    1,    2,    3,    4,    5,    6,    7,    8,    9,    10,   11,   12,   13,   14,   15,
    0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80};

static ALWAYS_INLINE __m128i by_bytes_left(unsigned imm)
{
    return _mm_loadu_si128((const __m128i *)(byte_window + 16 - (imm > 16 ? 16 : imm)));
}

static ALWAYS_INLINE __m128i by_bytes_right(unsigned imm)
{
    return _mm_loadu_si128((const __m128i *)(byte_window + 16 + (imm > 16 ? 16 : imm)));
}

#define BY_BYTES(name, by)                                                                         \
    static ALWAYS_INLINE __m128i name(__m128i v, unsigned imm)                                     \
    {                                                                                              \
        return _mm_shuffle_epi8(v, by(imm));                                                       \
    }                                                                                              \
    static ALWAYS_INLINE __m256i wide_##name(__m256i v, unsigned imm)                              \
    {                                                                                              \
        return _mm256_shuffle_epi8(v, _mm256_broadcastsi128_si256(by(imm)));                       \
    }
BY_BYTES(shufflelo_epi16, by_low_words)
BY_BYTES(shufflehi_epi16, by_high_words)
BY_BYTES(shift_bytes_left, by_bytes_left)
BY_BYTES(shift_bytes_right, by_bytes_right)
#undef BY_BYTES
#else
/* Field n of imm, of two bits. */
static ALWAYS_INLINE unsigned field(unsigned imm, unsigned n)
{
    return (imm >> (2 * n)) & 3;
}

static ALWAYS_INLINE __m128i shuffle_ps(__m128i a, __m128i b, unsigned imm)
{
    union xmm u = as_union(a), v = as_union(b);

    return _mm_setr_epi32((int)u.d[field(imm, 0)], (int)u.d[field(imm, 1)], (int)v.d[field(imm, 2)],
                          (int)v.d[field(imm, 3)]);
}

static ALWAYS_INLINE __m128i shuffle_epi32(__m128i v, unsigned imm)
{
    return shuffle_ps(v, v, imm);
}

static ALWAYS_INLINE __m128i shuffle_pd(__m128i a, __m128i b, unsigned imm)
{
    union xmm u = as_union(a), v = as_union(b);

    return _mm_set_epi64x((long long)v.q[(imm >> 1) & 1], (long long)u.q[imm & 1]);
}

static ALWAYS_INLINE __m128i pick_words(const uint16_t *w, unsigned imm)
{
    uint64_t v = w[field(imm, 0)] | (uint32_t)w[field(imm, 1)] << 16 |
                 (uint64_t)w[field(imm, 2)] << 32 | (uint64_t)w[field(imm, 3)] << 48;

    return _mm_cvtsi64_si128((long long)v);
}

static ALWAYS_INLINE __m128i shufflelo_epi16(__m128i v, unsigned imm)
{
    union xmm u = as_union(v);

    return _mm_unpacklo_epi64(pick_words(u.w, imm), _mm_cvtsi64_si128((long long)u.q[1]));
}

static ALWAYS_INLINE __m128i shufflehi_epi16(__m128i v, unsigned imm)
{
    union xmm u = as_union(v);

    return _mm_unpacklo_epi64(v, pick_words(u.w + 4, imm));
}

/* A window of 16 bytes that slides over the value between zeros. */
static ALWAYS_INLINE __m128i slide_bytes(__m128i v, int by)
{
    uint8_t window[48] = {0};

    _mm_storeu_si128((__m128i *)(window + 16), v);
    return _mm_loadu_si128((const __m128i *)(window + 16 + by));
}

static ALWAYS_INLINE __m128i shift_bytes_left(__m128i v, unsigned imm)
{
    return slide_bytes(v, imm > 16 ? -16 : -(int)imm);
}

static ALWAYS_INLINE __m128i shift_bytes_right(__m128i v, unsigned imm)
{
    return slide_bytes(v, imm > 16 ? 16 : (int)imm);
}

static ALWAYS_INLINE __m128i permilvar_ps(__m128i v, __m128i control)
{
    union xmm u = as_union(v), c = as_union(control), r;

    for (unsigned n = 0; n < 4; n++)
        r.d[n] = u.d[c.d[n] & 3];
    return _mm_load_si128((const __m128i *)&r);
}

static ALWAYS_INLINE __m128i permilvar_pd(__m128i v, __m128i control)
{
    union xmm u = as_union(v), c = as_union(control);

    return _mm_set_epi64x((long long)u.q[(c.q[1] >> 1) & 1], (long long)u.q[(c.q[0] >> 1) & 1]);
}
#endif

#endif
