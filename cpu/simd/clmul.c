/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCLMULQDQ, and with VEX at both lengths: products of polynomials over GF(2). SDM volume 2. */
#include "cpu/simd/vex.h"

/* Of the low halves. */
#ifdef HOST_AVX2
#define clmul_low(a, b) _mm_clmulepi64_si128(a, b, 0)
#else
static __m128i clmul_low(__m128i a, __m128i b)
{
    uint64_t x = low64(a), y = low64(b), lo = 0, hi = 0;

    for (unsigned k = 0; k < 64; k++) {
        uint64_t take = -(y >> k & 1);

        lo ^= x << k & take;
        hi ^= x >> 1 >> (63 - k) & take;
    }
    return _mm_set_epi64x((long long)hi, (long long)lo);
}
#endif

static ALWAYS_INLINE __m128i half(__m128i v, bool upper)
{
    return upper ? _mm_unpackhi_epi64(v, v) : v;
}

static ALWAYS_INLINE __m128i clmul(const struct insn *i, __m128i a, __m128i b)
{
    return clmul_low(half(a, i->imm & 1), half(b, i->imm & 16));
}

static ALWAYS_INLINE void pclmulqdq_do(struct cpu *cpu, const struct insn *i, __m128i b)
{
    xmm_set(cpu, i->reg, clmul(i, xmm_get(cpu, i->reg), b));
}
FORMS_LOAD(pclmulqdq, xmm_get(cpu, i->rm), lda128, 16)

static ALWAYS_INLINE void vpclmulqdq_128_do(struct cpu *cpu, const struct insn *i, __m128i b)
{
    xmm_set_vex(cpu, i->reg, clmul(i, xmm_get(cpu, i->vvvv), b));
}

static ALWAYS_INLINE void vpclmulqdq_256_do(struct cpu *cpu, const struct insn *i, V256 b)
{
    V256 a = ymm_get(cpu, i->vvvv);

    ymm_set(cpu, i->reg,
            v256_join(clmul(i, v256_lo(a), v256_lo(b)), clmul(i, v256_hi(a), v256_hi(b))));
}
FORMS_VEX(vpclmulqdq)
