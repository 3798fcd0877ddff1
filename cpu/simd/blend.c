/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SSE4.1 blends of floats, INSERTPS and EXTRACTPS; their AVX forms, VPBLENDD, VPBLENDVB; VTESTPS
 * and VTESTPD. SDM volume 1, 12.10.3 and 12.10.7; volume 2, under the names.
 */
#include "cpu/simd/portable_int.h"
#include "cpu/simd/portable_shuffle.h"
#include "cpu/simd/vex.h"

/* ---- chosen by an immediate, a bit an element ---- */

/* Elements that have a bit of `bits` where imm has it: all ones. */
static ALWAYS_INLINE __m128i mask_of(unsigned imm, __m128i bits)
{
    return _mm_cmpeq_epi32(_mm_and_si128(_mm_set1_epi32((int)imm), bits), bits);
}

static ALWAYS_INLINE __m128i blend_ps(__m128i a, __m128i b, unsigned imm)
{
    return select_bits(a, b, mask_of(imm, _mm_setr_epi32(1, 2, 4, 8)));
}

static ALWAYS_INLINE __m128i blend_pd(__m128i a, __m128i b, unsigned imm)
{
    return select_bits(a, b, mask_of(imm, _mm_setr_epi32(1, 1, 2, 2)));
}

#ifdef HOST_AVX2
static ALWAYS_INLINE V256 wide_blend(V256 a, V256 b, unsigned imm, V256 bits)
{
    V256 mask = _mm256_and_si256(_mm256_set1_epi32((int)imm), bits);

    return _mm256_blendv_epi8(a, b, _mm256_cmpeq_epi32(mask, bits));
}
#define wide_blend_ps(a, b, imm)                                                                   \
    wide_blend(a, b, imm, _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128))
#define wide_blend_pd(a, b, imm) wide_blend(a, b, imm, _mm256_setr_epi32(1, 1, 2, 2, 4, 4, 8, 8))
#endif

#define BLEND_IMM(name, op, step)                                                                  \
    static ALWAYS_INLINE void name##_do(struct cpu *cpu, const struct insn *i, __m128i b)          \
    {                                                                                              \
        xmm_set(cpu, i->reg, op(xmm_get(cpu, i->reg), b, (unsigned)i->imm));                       \
    }                                                                                              \
    FORMS_RM(name, xmm_get(cpu, i->rm), lda128, 16)                                                \
    VEX_OP_2IMM(v##name, op, wide_##op, step)
BLEND_IMM(blendps, blend_ps, 4)
BLEND_IMM(blendpd, blend_pd, 2)

/* ---- chosen by the signs of a vector's elements ---- */

#ifdef HOST_AVX2
#define OP256_3(name, narrow, wide)                                                                \
    static ALWAYS_INLINE V256 name(V256 a, V256 b, V256 c)                                         \
    {                                                                                              \
        return wide(a, b, c);                                                                      \
    }
#define wide_blendv_epi8           _mm256_blendv_epi8
#define wide_blendv_by32(a, b, by) _mm256_blendv_epi8(a, b, _mm256_srai_epi32(by, 31))
#define wide_blendv_by64(a, b, by)                                                                 \
    _mm256_blendv_epi8(a, b, _mm256_cmpgt_epi64(_mm256_setzero_si256(), by))
#else
#define OP256_3(name, narrow, wide)                                                                \
    static ALWAYS_INLINE V256 name(V256 a, V256 b, V256 c)                                         \
    {                                                                                              \
        return (V256){narrow(a.lo, b.lo, c.lo), narrow(a.hi, b.hi, c.hi)};                         \
    }
#endif
#define blendv_by32(a, b, by) blendv_epi8(a, b, signs_epi32(by))
#define blendv_by64(a, b, by) blendv_epi8(a, b, signs_epi64(by))

/* SSE4.1's take XMM0. */
#define BLENDV(name, op)                                                                           \
    static ALWAYS_INLINE void name##_do(struct cpu *cpu, const struct insn *i, __m128i b)          \
    {                                                                                              \
        xmm_set(cpu, i->reg, op(xmm_get(cpu, i->reg), b, xmm_get(cpu, 0)));                        \
    }                                                                                              \
    FORMS_LOAD(name, xmm_get(cpu, i->rm), lda128, 16)
BLENDV(pblendvb, blendv_epi8)
BLENDV(blendvps, blendv_by32)
BLENDV(blendvpd, blendv_by64)

#define VBLENDV(name, op)                                                                          \
    OP256_3(name##_wide, op, wide_##op)                                                            \
    static ALWAYS_INLINE void name##_128_do(struct cpu *cpu, const struct insn *i, __m128i b)      \
    {                                                                                              \
        xmm_set_vex(cpu, i->reg,                                                                   \
                    op(xmm_get(cpu, i->vvvv), b, xmm_get(cpu, (unsigned)i->imm >> 4)));            \
    }                                                                                              \
    static ALWAYS_INLINE void name##_256_do(struct cpu *cpu, const struct insn *i, V256 b)         \
    {                                                                                              \
        ymm_set(cpu, i->reg,                                                                       \
                name##_wide(ymm_get(cpu, i->vvvv), b, ymm_get(cpu, (unsigned)i->imm >> 4)));       \
    }                                                                                              \
    FORMS_VEX(name)
VBLENDV(vpblendvb, blendv_epi8)
VBLENDV(vblendvps, blendv_by32)
VBLENDV(vblendvpd, blendv_by64)

/* ---- single elements ---- */

/* a with v at imm[5:4], and zeros by imm[3:0]; imm[7:6] chose v from a register. */
static ALWAYS_INLINE __m128i insert_ps(__m128i a, uint32_t v, unsigned imm)
{
    union xmm u = as_union(a);
    __m128i zeros = mask_of(imm, _mm_setr_epi32(1, 2, 4, 8));

    u.d[imm >> 4 & 3] = v;
    return _mm_andnot_si128(zeros, _mm_load_si128((const __m128i *)&u));
}

static ALWAYS_INLINE void insertps_do(struct cpu *cpu, const struct insn *i, uint32_t v)
{
    xmm_set(cpu, i->reg, insert_ps(xmm_get(cpu, i->reg), v, (unsigned)i->imm));
}
FORMS_RM(insertps, cpu->ymm[i->rm].d[i->imm >> 6], mem_ld32, 4)

static ALWAYS_INLINE void vinsertps_do(struct cpu *cpu, const struct insn *i, uint32_t v)
{
    xmm_set_vex(cpu, i->reg, insert_ps(xmm_get(cpu, i->vvvv), v, (unsigned)i->imm));
}
HANDLERS_RM(vinsertps, cpu->ymm[i->rm].d[i->imm >> 6], mem_ld32, 4)
FAMILY_VEX_RM(h_vinsertps, vinsertps, vinsertps);

/* The AVX form, too: it writes no vector register. */
HANDLER(extractps_reg)
{
    cpu->gpr[i->rm] = cpu->ymm[i->reg].d[i->imm & 3];
    NEXT;
}

HANDLER(extractps_gen)
{
    mem_st32(cpu, i, ea_gen(cpu, i, 4, ACC_W), cpu->ymm[i->reg].d[i->imm & 3]);
    NEXT;
}
FAMILY_RM(h_extractps, extractps_reg, extractps_gen);

/* ---- tests of signs: ZF when none is set in both, CF when none is in the second alone ---- */

#define SIGNS_PS(v) _mm_movemask_ps(_mm_castsi128_ps(v))
#define SIGNS_PD(v) _mm_movemask_pd(_mm_castsi128_pd(v))
#define TEST(name, signs)                                                                          \
    static ALWAYS_INLINE void name##_128_do(struct cpu *cpu, const struct insn *i, __m128i b)      \
    {                                                                                              \
        __m128i a = xmm_get(cpu, i->reg);                                                          \
                                                                                                   \
        flags_set_arith(cpu, (signs(_mm_and_si128(a, b)) ? 0u : FL_ZF) |                           \
                                 (signs(_mm_andnot_si128(a, b)) ? 0u : FL_CF));                    \
    }                                                                                              \
    static ALWAYS_INLINE void name##_256_do(struct cpu *cpu, const struct insn *i, V256 b)         \
    {                                                                                              \
        V256 a = ymm_get(cpu, i->reg);                                                             \
        __m128i al = v256_lo(a), ah = v256_hi(a), bl = v256_lo(b), bh = v256_hi(b);                \
        int both = signs(_mm_and_si128(al, bl)) | signs(_mm_and_si128(ah, bh));                    \
        int second = signs(_mm_andnot_si128(al, bl)) | signs(_mm_andnot_si128(ah, bh));            \
                                                                                                   \
        flags_set_arith(cpu, (both ? 0u : FL_ZF) | (second ? 0u : FL_CF));                         \
    }                                                                                              \
    FORMS_VEX_RM(name)
TEST(vtestps, SIGNS_PS)
TEST(vtestpd, SIGNS_PD)
