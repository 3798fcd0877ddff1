/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PALIGNR, PBLENDW, MPSADBW and MOVNTDQA, legacy and with VEX. SDM volume 1, 12.6.5,
 * 12.10.3, 12.10.9, 12.10.10 and 14.7. */
#include "cpu/simd/portable_int.h"
#include "cpu/simd/vex.h"

OP256(shuffle_256, shuffle_epi8, _mm256_shuffle_epi8)
OP256(or_256, _mm_or_si128, _mm256_or_si256)

static ALWAYS_INLINE V256 twice(__m128i v)
{
    return v256_join(v, v);
}

/* ---- PALIGNR: 16 bytes of first:second, from byte imm on; zeros beyond ---- */

/* PSHUFB's controls for any imm are windows of one table. */
static const uint8_t align_table[64] = {
    0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
    0,    1,    2,    3,    4,    5,    6,    7,    8,    9,    10,   11,   12,   13,   14,   15,
    0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
    0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
};

/* Which bytes of the first operand come where, and of the second. */
static ALWAYS_INLINE __m128i control_first(const struct insn *i)
{
    unsigned n = (uint8_t)i->imm > 32 ? 32 : (uint8_t)i->imm;

    return _mm_loadu_si128((const __m128i *)(align_table + n));
}

static ALWAYS_INLINE __m128i control_second(const struct insn *i)
{
    unsigned n = (uint8_t)i->imm > 16 ? 16 : (uint8_t)i->imm;

    return _mm_loadu_si128((const __m128i *)(align_table + 16 + n));
}

static ALWAYS_INLINE __m128i align(const struct insn *i, __m128i a, __m128i b)
{
    return _mm_or_si128(shuffle_epi8(a, control_first(i)), shuffle_epi8(b, control_second(i)));
}

static ALWAYS_INLINE V256 align_256(const struct insn *i, V256 a, V256 b)
{
    return or_256(shuffle_256(a, twice(control_first(i))),
                  shuffle_256(b, twice(control_second(i))));
}

/* Legacy and VEX handlers of name(i, first, second) and wide(i, first, second). */
#define BY_IMMEDIATE(name, narrow, wide)                                                           \
    static ALWAYS_INLINE void name##_do(struct cpu *cpu, const struct insn *i, __m128i b)          \
    {                                                                                              \
        xmm_set(cpu, i->reg, narrow(i, xmm_get(cpu, i->reg), b));                                  \
    }                                                                                              \
    FORMS_LOAD(name, xmm_get(cpu, i->rm), lda128, 16)                                              \
    static ALWAYS_INLINE void v##name##_128_do(struct cpu *cpu, const struct insn *i, __m128i b)   \
    {                                                                                              \
        xmm_set_vex(cpu, i->reg, narrow(i, xmm_get(cpu, i->vvvv), b));                             \
    }                                                                                              \
    static ALWAYS_INLINE void v##name##_256_do(struct cpu *cpu, const struct insn *i, V256 b)      \
    {                                                                                              \
        ymm_set(cpu, i->reg, wide(i, ymm_get(cpu, i->vvvv), b));                                   \
    }                                                                                              \
    FORMS_VEX(v##name)
BY_IMMEDIATE(palignr, align, align_256)

/* ---- PBLENDW: the immediate's bits say whether a word is the second's ---- */

static ALWAYS_INLINE __m128i blendw(const struct insn *i, __m128i a, __m128i b)
{
    __m128i bit = _mm_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128);
    __m128i of_b = _mm_cmpeq_epi16(_mm_and_si128(_mm_set1_epi16((uint8_t)i->imm), bit), bit);

    return select_bits(a, b, of_b);
}

static ALWAYS_INLINE V256 blendw_256(const struct insn *i, V256 a, V256 b)
{
    return v256_join(blendw(i, v256_lo(a), v256_lo(b)), blendw(i, v256_hi(a), v256_hi(b)));
}
BY_IMMEDIATE(pblendw, blendw, blendw_256)

/* ---- MPSADBW: differences of four bytes of the second and of four at each of eight places of the
 * first, summed ---- */

static ALWAYS_INLINE __m128i sums_of_differences(__m128i a, __m128i b, unsigned imm)
{
    uint8_t window[32] = {0}, block[16];
    __m128i sum = _mm_setzero_si128();

    _mm_storeu_si128((__m128i *)window, a);
    _mm_storeu_si128((__m128i *)block, b);
    for (unsigned k = 0; k < 4; k++) {
        __m128i x = _mm_loadl_epi64((const __m128i *)(window + (imm & 4) + k));
        __m128i y = _mm_set1_epi8((char)block[4 * (imm & 3) + k]);
        __m128i diff = _mm_or_si128(_mm_subs_epu8(x, y), _mm_subs_epu8(y, x));

        sum = _mm_add_epi16(sum, _mm_unpacklo_epi8(diff, _mm_setzero_si128()));
    }
    return sum;
}

static __attribute__((noinline)) __m128i mpsad(const struct insn *i, __m128i a, __m128i b)
{
    return sums_of_differences(a, b, (unsigned)i->imm);
}

/* The upper half has bits of its own in the immediate. */
static ALWAYS_INLINE V256 mpsad_256(const struct insn *i, V256 a, V256 b)
{
    return v256_join(mpsad(i, v256_lo(a), v256_lo(b)),
                     sums_of_differences(v256_hi(a), v256_hi(b), (unsigned)i->imm >> 3));
}
BY_IMMEDIATE(mpsadbw, mpsad, mpsad_256)

/* ---- MOVNTDQA: an aligned load; memory alone ---- */

HANDLER(movntdqa)
{
    xmm_set(cpu, i->reg, lda128(cpu, i, ea_gen(cpu, i, 16, ACC_R)));
    NEXT;
}
FAMILY(h_movntdqa, movntdqa);

HANDLER(vmovntdqa_128)
{
    xmm_set_vex(cpu, i->reg, lda128(cpu, i, ea_gen(cpu, i, 16, ACC_R)));
    NEXT;
}

HANDLER(vmovntdqa_256)
{
    ymm_set(cpu, i->reg, lda256(cpu, i, ea_gen(cpu, i, 32, ACC_R)));
    NEXT;
}
const struct family FAMILY_NAME(h_vmovntdqa) = {
    .fn = {[VL128] = {[FORM_GEN] = vmovntdqa_128}, [VL256] = {[FORM_GEN] = vmovntdqa_256}}};
