/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AVX and AVX2 instructions that move elements across the 128-bit halves: permutes, broadcasts,
 * insertion and extraction of a half. SDM volume 2, VBROADCAST, VEXTRACTF128, VEXTRACTI128,
 * VINSERTF128, VINSERTI128, VPBROADCAST, VPERM*.
 */
#include "cpu/simd/portable_shuffle.h"
#include "cpu/simd/vex.h"

/* Half 0 or 1 of a register. */
static ALWAYS_INLINE __m128i half_get(const struct cpu *cpu, unsigned r, unsigned which)
{
    return _mm_load_si128((const __m128i *)&cpu->ymm[r].x[which]);
}

/* ---- halves ---- */

static ALWAYS_INLINE void vinsert128_do(struct cpu *cpu, const struct insn *i, __m128i b)
{
    if (i->imm & 1)
        ymm_set(cpu, i->reg, v256_join(half_get(cpu, i->vvvv, 0), b));
    else
        ymm_set(cpu, i->reg, v256_join(b, half_get(cpu, i->vvvv, 1)));
}
HANDLERS_LOAD64(vinsert128, xmm_get(cpu, i->rm), ldu128, 16)
FAMILY_VEX(h_vinsert128, vinsert128, vinsert128);

HANDLERS_STORE64(vextract128, xmm_set_vex(cpu, i->rm, half_get(cpu, i->reg, i->imm & 1)),
                 half_get(cpu, i->reg, i->imm & 1), stu128, 16)
FAMILY_VEX(h_vextract128, vextract128, vextract128);

/* One half of VPERM2F128's result, by four bits of the immediate. */
static ALWAYS_INLINE __m128i pick_half(const struct cpu *cpu, const struct insn *i, V256 b,
                                       unsigned by)
{
    if (by & 8)
        return _mm_setzero_si128();
    if (by & 2)
        return by & 1 ? v256_hi(b) : v256_lo(b);
    return half_get(cpu, i->vvvv, by & 1);
}

static ALWAYS_INLINE void vperm2128_do(struct cpu *cpu, const struct insn *i, V256 b)
{
    unsigned imm = (unsigned)i->imm;

    ymm_set(cpu, i->reg, v256_join(pick_half(cpu, i, b, imm), pick_half(cpu, i, b, imm >> 4)));
}
HANDLERS_LOAD64(vperm2128, ymm_get(cpu, i->rm), ldu256, 32)
FAMILY_VEX(h_vperm2128, vperm2128, vperm2128);

/* ---- elements, from all of a register ---- */

#ifdef HOST_AVX2
#define permute8x32 _mm256_permutevar8x32_epi32

/* By the immediate's four fields of two bits. */
static ALWAYS_INLINE V256 permute4x64(V256 v, unsigned imm)
{
    __m256i n = _mm256_srlv_epi64(_mm256_set1_epi64x(imm), _mm256_setr_epi64x(0, 2, 4, 6));

    n = _mm256_slli_epi64(_mm256_and_si256(n, _mm256_set1_epi64x(3)), 1);
    n = _mm256_or_si256(n, _mm256_slli_epi64(n, 32));
    return permute8x32(v, _mm256_or_si256(n, _mm256_set1_epi64x(1LL << 32)));
}
#else
static ALWAYS_INLINE union ymm wide_union(V256 v)
{
    union ymm u;

    v256_storeu(&u, v);
    return u;
}

static ALWAYS_INLINE V256 permute8x32(V256 v, V256 by)
{
    union ymm u = wide_union(v), c = wide_union(by), r;

    for (unsigned k = 0; k < 8; k++)
        r.d[k] = u.d[c.d[k] & 7];
    return v256_loadu(&r);
}

static ALWAYS_INLINE V256 permute4x64(V256 v, unsigned imm)
{
    union ymm u = wide_union(v), r;

    for (unsigned k = 0; k < 4; k++)
        r.q[k] = u.q[imm >> (2 * k) & 3];
    return v256_loadu(&r);
}
#endif

/* VPERMD and VPERMPS: vvvv has the selectors. */
static ALWAYS_INLINE void vpermd_do(struct cpu *cpu, const struct insn *i, V256 b)
{
    ymm_set(cpu, i->reg, permute8x32(b, ymm_get(cpu, i->vvvv)));
}
HANDLERS_LOAD64(vpermd, ymm_get(cpu, i->rm), ldu256, 32)
FAMILY_VEX(h_vpermd, vpermd, vpermd);

static ALWAYS_INLINE void vpermq_do(struct cpu *cpu, const struct insn *i, V256 b)
{
    ymm_set(cpu, i->reg, permute4x64(b, (unsigned)i->imm));
}
HANDLERS_LOAD64(vpermq, ymm_get(cpu, i->rm), ldu256, 32)
FAMILY_VEX(h_vpermq, vpermq, vpermq);

/* ---- broadcasts: the element that all of the result is made of ---- */

#define BROADCAST(name, field, ld, size, set)                                                      \
    static ALWAYS_INLINE void name##_128_do(struct cpu *cpu, const struct insn *i, uint64_t v)     \
    {                                                                                              \
        xmm_set_vex(cpu, i->reg, set(v));                                                          \
    }                                                                                              \
    static ALWAYS_INLINE void name##_256_do(struct cpu *cpu, const struct insn *i, uint64_t v)     \
    {                                                                                              \
        ymm_set(cpu, i->reg, v256_join(set(v), set(v)));                                           \
    }                                                                                              \
    HANDLERS_LOAD64(name##_128, cpu->ymm[i->rm].field[0], ld, size)                                \
    HANDLERS_LOAD64(name##_256, cpu->ymm[i->rm].field[0], ld, size)                                \
    FAMILY_VEX(h_##name, name##_128, name##_256);
#define SET_B(v) _mm_set1_epi8((char)(v))
#define SET_W(v) _mm_set1_epi16((short)(v))
#define SET_D(v) _mm_set1_epi32((int)(v))
#define SET_Q(v) _mm_set1_epi64x((long long)(v))
BROADCAST(vpbroadcastb, b, mem_ld8, 1, SET_B)
BROADCAST(vpbroadcastw, w, mem_ld16, 2, SET_W)
BROADCAST(vpbroadcastd, d, mem_ld32, 4, SET_D)
BROADCAST(vpbroadcastq, q, mem_ld64, 8, SET_Q)

static ALWAYS_INLINE void vbroadcast128_do(struct cpu *cpu, const struct insn *i, __m128i b)
{
    ymm_set(cpu, i->reg, v256_join(b, b));
}
HANDLERS_LOAD64(vbroadcast128, xmm_get(cpu, i->rm), ldu128, 16)
FAMILY_VEX(h_vbroadcast128, vbroadcast128, vbroadcast128);
