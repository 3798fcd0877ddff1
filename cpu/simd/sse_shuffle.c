/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SSE, SSE2 and SSE3 shuffles: unpack, pack, PSHUF*, SHUFP*, MOV*DUP, byte shifts, PINSRW, PEXTRW,
 * PMOVMSKB, MOVMSKP*. SDM volume 1, sections 10.4.4, 11.4.1.4, 11.4.2 and 12.3.3. */
#include "cpu/simd/int_ops.h"
#include "cpu/simd/portable_shuffle.h"

#define SHUFFLE_OP(name, op, wide)                                                                 \
    static ALWAYS_INLINE void name##_do(struct cpu *cpu, const struct insn *i, __m128i b)          \
    {                                                                                              \
        xmm_set(cpu, i->reg, op(xmm_get(cpu, i->reg), b));                                         \
    }                                                                                              \
    FORMS_LOAD(name, xmm_get(cpu, i->rm), lda128, 16)
SIMD_PACK_OPS(SHUFFLE_OP)

#define SHUFFLE_IMM(name, op)                                                                      \
    static ALWAYS_INLINE void name##_do(struct cpu *cpu, const struct insn *i, __m128i b)          \
    {                                                                                              \
        xmm_set(cpu, i->reg, op(b, (unsigned)i->imm));                                             \
    }                                                                                              \
    FORMS_LOAD(name, xmm_get(cpu, i->rm), lda128, 16)
SHUFFLE_IMM(pshufd, shuffle_epi32)
SHUFFLE_IMM(pshuflw, shufflelo_epi16)
SHUFFLE_IMM(pshufhw, shufflehi_epi16)

#define SHUFFLE_2IMM(name, op)                                                                     \
    static ALWAYS_INLINE void name##_do(struct cpu *cpu, const struct insn *i, __m128i b)          \
    {                                                                                              \
        xmm_set(cpu, i->reg, op(xmm_get(cpu, i->reg), b, (unsigned)i->imm));                       \
    }                                                                                              \
    FORMS_LOAD(name, xmm_get(cpu, i->rm), lda128, 16)
SHUFFLE_2IMM(shufps, shuffle_ps)
SHUFFLE_2IMM(shufpd, shuffle_pd)

#define DUPLICATE(name, op, ld, size)                                                              \
    static ALWAYS_INLINE void name##_do(struct cpu *cpu, const struct insn *i, __m128i b)          \
    {                                                                                              \
        xmm_set(cpu, i->reg, op(b));                                                               \
    }                                                                                              \
    FORMS_LOAD(name, xmm_get(cpu, i->rm), ld, size)
DUPLICATE(movsldup, duplicate_even, lda128, 16)
DUPLICATE(movshdup, duplicate_odd, lda128, 16)
DUPLICATE(movddup, duplicate_low, ld64v, 8)

#define SHIFT_BYTES(name, op)                                                                      \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        xmm_set(cpu, i->rm, op(xmm_get(cpu, i->rm), (unsigned)i->imm));                            \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY(h_##name, name);
SHIFT_BYTES(pslldq, shift_bytes_left)
SHIFT_BYTES(psrldq, shift_bytes_right)

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
