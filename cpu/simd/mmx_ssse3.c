/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SSSE3 on MMX registers. SDM volume 1, section 12.6. */
#include "cpu/simd/int_ops.h"
#include "cpu/simd/mmx.h"
#include "cpu/simd/portable_int.h"

#define MMX_SHARED(name, op, wide) MMX_OP(name, op)
SIMD_SSSE3_OPS(MMX_SHARED)

/* Pairs are added within both operands side by side. */
#define MMX_HORIZONTAL(name, op, wide)                                                             \
    static ALWAYS_INLINE __m128i name##_64(__m128i a, __m128i b)                                   \
    {                                                                                              \
        __m128i both = _mm_unpacklo_epi64(a, b);                                                   \
                                                                                                   \
        return op(both, both);                                                                     \
    }                                                                                              \
    MMX_OP(name, name##_64)
SIMD_HORIZONTAL_OPS(MMX_HORIZONTAL)

#define MMX_ABS(name, op, wide)                                                                    \
    static ALWAYS_INLINE void mmx_##name##_do(struct cpu *cpu, const struct insn *i, __m128i b)    \
    {                                                                                              \
        mmx_set(cpu, i->reg, op(b));                                                               \
    }                                                                                              \
    MMX_FORMS(name, ld64v, 8)
SIMD_ABS_OPS(MMX_ABS)

/* An index has three bits here. */
static ALWAYS_INLINE __m128i shuffle_64(__m128i a, __m128i control)
{
    return shuffle_epi8(a, _mm_and_si128(control, _mm_set1_epi8((char)0x87)));
}
MMX_OP(pshufb, shuffle_64)

/* Eight bytes of sixteen, from byte imm on; zeros beyond. */
static ALWAYS_INLINE void mmx_palignr_do(struct cpu *cpu, const struct insn *i, __m128i b)
{
    uint64_t lo = low64(b), hi = low64(mmx_get(cpu, i->reg)), r = 0;
    unsigned bits = 8 * (uint8_t)i->imm;

    if (bits == 0)
        r = lo;
    else if (bits < 64)
        r = lo >> bits | hi << (64 - bits);
    else if (bits < 128)
        r = hi >> (bits - 64);
    mmx_set(cpu, i->reg, _mm_cvtsi64_si128((long long)r));
}
MMX_FORMS(palignr, ld64v, 8)
