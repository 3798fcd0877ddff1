/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The SHA instructions: rounds and message schedules of SHA-1 and SHA-256 (FIPS 180-4, 4.1
 * and 6.1-6.2) on what the manual says stands where. SDM volume 2. The native ones need a host that
 * has them. */
#include "cpu/simd/simd.h"

#ifdef HOST_AVX2
#include <immintrin.h>

#define sha1_next_e   _mm_sha1nexte_epu32
#define sha1_msg1     _mm_sha1msg1_epu32
#define sha1_msg2     _mm_sha1msg2_epu32
#define sha256_rounds _mm_sha256rnds2_epu32
#define sha256_msg1   _mm_sha256msg1_epu32
#define sha256_msg2   _mm_sha256msg2_epu32

static ALWAYS_INLINE __m128i sha1_rounds(__m128i abcd, __m128i we, unsigned function)
{
    switch (function) {
    case 0: return _mm_sha1rnds4_epu32(abcd, we, 0);
    case 1: return _mm_sha1rnds4_epu32(abcd, we, 1);
    case 2: return _mm_sha1rnds4_epu32(abcd, we, 2);
    default: return _mm_sha1rnds4_epu32(abcd, we, 3);
    }
}
#else
static ALWAYS_INLINE union xmm words(__m128i v)
{
    union xmm u;

    _mm_store_si128((__m128i *)&u, v);
    return u;
}

/* d3 is the uppermost. */
static ALWAYS_INLINE __m128i vector(uint32_t d3, uint32_t d2, uint32_t d1, uint32_t d0)
{
    return _mm_set_epi32((int)d3, (int)d2, (int)d1, (int)d0);
}

static uint32_t rotl(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}

static uint32_t rotr(uint32_t v, unsigned n)
{
    return v >> n | v << (32 - n);
}

static uint32_t choose(uint32_t x, uint32_t y, uint32_t z)
{
    return (x & y) ^ (~x & z);
}

static uint32_t majority(uint32_t x, uint32_t y, uint32_t z)
{
    return (x & y) ^ (x & z) ^ (y & z);
}

/* ---- SHA-1 ---- */

static uint32_t sha1_f(unsigned function, uint32_t b, uint32_t c, uint32_t d)
{
    if (function == 0)
        return choose(b, c, d);
    return function == 2 ? majority(b, c, d) : b ^ c ^ d;
}

/* Four rounds on A, B, C, D (A uppermost); the first word of the other operand has E in it. */
static __m128i sha1_rounds(__m128i abcd, __m128i we, unsigned function)
{
    static const uint32_t constant[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    union xmm s = words(abcd), w = words(we);
    uint32_t a = s.d[3], b = s.d[2], c = s.d[1], d = s.d[0], e = 0;

    for (unsigned k = 4; k-- > 0;) {
        uint32_t t = rotl(a, 5) + sha1_f(function, b, c, d) + e + w.d[k] + constant[function];

        e = d;
        d = c;
        c = rotl(b, 30);
        b = a;
        a = t;
    }
    return vector(a, b, c, d);
}

static __m128i sha1_next_e(__m128i a, __m128i b)
{
    return _mm_add_epi32(b, vector(rotl(words(a).d[3], 30), 0, 0, 0));
}

static __m128i sha1_msg1(__m128i a, __m128i b)
{
    union xmm x = words(a), y = words(b);

    return vector(x.d[1] ^ x.d[3], x.d[0] ^ x.d[2], y.d[3] ^ x.d[1], y.d[2] ^ x.d[0]);
}

static __m128i sha1_msg2(__m128i a, __m128i b)
{
    union xmm x = words(a), y = words(b);
    uint32_t w16 = rotl(x.d[3] ^ y.d[2], 1), w17 = rotl(x.d[2] ^ y.d[1], 1);
    uint32_t w18 = rotl(x.d[1] ^ y.d[0], 1), w19 = rotl(x.d[0] ^ w16, 1);

    return vector(w16, w17, w18, w19);
}

/* ---- SHA-256 ---- */

static uint32_t schedule0(uint32_t v)
{
    return rotr(v, 7) ^ rotr(v, 18) ^ v >> 3;
}

static uint32_t schedule1(uint32_t v)
{
    return rotr(v, 17) ^ rotr(v, 19) ^ v >> 10;
}

/* Two rounds on C, D, G, H and A, B, E, F; the low words of wk are the message's, with the
 * constants added. */
static __m128i sha256_rounds(__m128i cdgh, __m128i abef, __m128i wk)
{
    union xmm x = words(cdgh), y = words(abef), w = words(wk);
    uint32_t a = y.d[3], b = y.d[2], c = x.d[3], d = x.d[2];
    uint32_t e = y.d[1], f = y.d[0], g = x.d[1], h = x.d[0];

    for (unsigned k = 0; k < 2; k++) {
        uint32_t t1 = h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + choose(e, f, g) + w.d[k];
        uint32_t t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + majority(a, b, c);

        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    return vector(a, b, e, f);
}

static __m128i sha256_msg1(__m128i a, __m128i b)
{
    union xmm x = words(a);
    uint32_t w4 = words(b).d[0];

    return _mm_add_epi32(
        a, vector(schedule0(w4), schedule0(x.d[3]), schedule0(x.d[2]), schedule0(x.d[1])));
}

static __m128i sha256_msg2(__m128i a, __m128i b)
{
    union xmm x = words(a), y = words(b);
    uint32_t w16 = x.d[0] + schedule1(y.d[2]), w17 = x.d[1] + schedule1(y.d[3]);

    return vector(x.d[3] + schedule1(w17), x.d[2] + schedule1(w16), w17, w16);
}
#endif

#define SHA_OP(name, result)                                                                       \
    static ALWAYS_INLINE void name##_do(struct cpu *cpu, const struct insn *i, __m128i b)          \
    {                                                                                              \
        __m128i a = xmm_get(cpu, i->reg);                                                          \
                                                                                                   \
        xmm_set(cpu, i->reg, result);                                                              \
    }                                                                                              \
    FORMS_LOAD(name, xmm_get(cpu, i->rm), lda128, 16)
SHA_OP(sha1rnds4, sha1_rounds(a, b, i->imm & 3))
SHA_OP(sha1nexte, sha1_next_e(a, b))
SHA_OP(sha1msg1, sha1_msg1(a, b))
SHA_OP(sha1msg2, sha1_msg2(a, b))
SHA_OP(sha256rnds2, sha256_rounds(a, b, xmm_get(cpu, 0)))
SHA_OP(sha256msg1, sha256_msg1(a, b))
SHA_OP(sha256msg2, sha256_msg2(a, b))
