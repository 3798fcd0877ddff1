/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SSE and SSE2 shuffles: unpack, pack, PSHUF*, SHUFP*, PINSRW, PEXTRW, PMOVMSKB, MOVMSKP*. SDM
 * volume 1, sections 10.4.4, 11.4.1.4 and 11.4.2. */
#include "cpu/simd/simd.h"

#define SHUFFLE_OP(name, op)                                                                       \
    static ALWAYS_INLINE void name##_do(struct cpu *cpu, const struct insn *i, __m128i b)          \
    {                                                                                              \
        xmm_set(cpu, i->reg, op(xmm_get(cpu, i->reg), b));                                         \
    }                                                                                              \
    FORMS_LOAD(name, xmm_get(cpu, i->rm), lda128, 16)
SHUFFLE_OP(punpcklbw, _mm_unpacklo_epi8)
SHUFFLE_OP(punpcklwd, _mm_unpacklo_epi16)
SHUFFLE_OP(punpckldq, _mm_unpacklo_epi32)
SHUFFLE_OP(punpcklqdq, _mm_unpacklo_epi64)
SHUFFLE_OP(punpckhbw, _mm_unpackhi_epi8)
SHUFFLE_OP(punpckhwd, _mm_unpackhi_epi16)
SHUFFLE_OP(punpckhdq, _mm_unpackhi_epi32)
SHUFFLE_OP(punpckhqdq, _mm_unpackhi_epi64)
SHUFFLE_OP(packsswb, _mm_packs_epi16)
SHUFFLE_OP(packssdw, _mm_packs_epi32)
SHUFFLE_OP(packuswb, _mm_packus_epi16)

/* Element n of the result is element (imm >> n * width) of a source. */
static ALWAYS_INLINE unsigned pick(const struct insn *i, unsigned n)
{
    return ((unsigned)i->imm >> (2 * n)) & 3;
}

static ALWAYS_INLINE union xmm as_union(__m128i v)
{
    union xmm u;

    _mm_store_si128((__m128i *)&u, v);
    return u;
}

static ALWAYS_INLINE __m128i words4(const uint16_t *w, const struct insn *i)
{
    uint64_t v = w[pick(i, 0)] | (uint32_t)w[pick(i, 1)] << 16 | (uint64_t)w[pick(i, 2)] << 32 |
                 (uint64_t)w[pick(i, 3)] << 48;

    return _mm_cvtsi64_si128((long long)v);
}

static ALWAYS_INLINE void pshufd_do(struct cpu *cpu, const struct insn *i, __m128i b)
{
    union xmm u = as_union(b);

    xmm_set(cpu, i->reg,
            _mm_setr_epi32((int)u.d[pick(i, 0)], (int)u.d[pick(i, 1)], (int)u.d[pick(i, 2)],
                           (int)u.d[pick(i, 3)]));
}
FORMS_LOAD(pshufd, xmm_get(cpu, i->rm), lda128, 16)

static ALWAYS_INLINE void pshuflw_do(struct cpu *cpu, const struct insn *i, __m128i b)
{
    union xmm u = as_union(b);

    xmm_set(cpu, i->reg, _mm_unpacklo_epi64(words4(u.w, i), _mm_cvtsi64_si128((long long)u.q[1])));
}
FORMS_LOAD(pshuflw, xmm_get(cpu, i->rm), lda128, 16)

static ALWAYS_INLINE void pshufhw_do(struct cpu *cpu, const struct insn *i, __m128i b)
{
    union xmm u = as_union(b);

    xmm_set(cpu, i->reg, _mm_unpacklo_epi64(b, words4(u.w + 4, i)));
}
FORMS_LOAD(pshufhw, xmm_get(cpu, i->rm), lda128, 16)

static ALWAYS_INLINE void shufps_do(struct cpu *cpu, const struct insn *i, __m128i b)
{
    union xmm a = as_union(xmm_get(cpu, i->reg)), u = as_union(b);

    xmm_set(cpu, i->reg,
            _mm_setr_epi32((int)a.d[pick(i, 0)], (int)a.d[pick(i, 1)], (int)u.d[pick(i, 2)],
                           (int)u.d[pick(i, 3)]));
}
FORMS_LOAD(shufps, xmm_get(cpu, i->rm), lda128, 16)

static ALWAYS_INLINE void shufpd_do(struct cpu *cpu, const struct insn *i, __m128i b)
{
    union xmm a = as_union(xmm_get(cpu, i->reg)), u = as_union(b);

    xmm_set(cpu, i->reg,
            _mm_set_epi64x((long long)u.q[(i->imm >> 1) & 1], (long long)a.q[i->imm & 1]));
}
FORMS_LOAD(shufpd, xmm_get(cpu, i->rm), lda128, 16)

/* ---- to and from general registers ---- */

static ALWAYS_INLINE void pinsrw_do(struct cpu *cpu, const struct insn *i, uint16_t v)
{
    cpu->ymm[i->reg].w[i->imm & 7] = v;
}
FORMS_RM(pinsrw, (uint16_t)cpu->gpr[i->rm], mem_ld16, 2)

HANDLER(pextrw)
{
    cpu->gpr[i->reg] = cpu->ymm[i->rm].w[i->imm & 7];
    NEXT;
}
FAMILY(h_pextrw, pextrw);

HANDLER(pmovmskb)
{
    cpu->gpr[i->reg] = (unsigned)_mm_movemask_epi8(xmm_get(cpu, i->rm));
    NEXT;
}
FAMILY(h_pmovmskb, pmovmskb);

HANDLER(movmskps)
{
    cpu->gpr[i->reg] = (unsigned)_mm_movemask_ps(_mm_castsi128_ps(xmm_get(cpu, i->rm)));
    NEXT;
}
FAMILY(h_movmskps, movmskps);

HANDLER(movmskpd)
{
    cpu->gpr[i->reg] = (unsigned)_mm_movemask_pd(_mm_castsi128_pd(xmm_get(cpu, i->rm)));
    NEXT;
}
FAMILY(h_movmskpd, movmskpd);
