/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Single elements to and from general registers and memory (PEXTR*, PINSR*), and PTEST, legacy and
 * with VEX. SDM volume 1, 12.10.6, 12.10.11 and 14.7. */
#include "cpu/simd/vex.h"

/* ---- PEXTRB, PEXTRW with a destination in memory, PEXTRD, PEXTRQ ---- */

#define EXTRACT(name, bits, field, mask)                                                           \
    HANDLER(name##_reg)                                                                            \
    {                                                                                              \
        cpu->gpr[i->rm] = cpu->ymm[i->reg].field[i->imm & (mask)];                                 \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(name##_gen)                                                                            \
    {                                                                                              \
        mem_st##bits(cpu, i, ea_gen(cpu, i, bits / 8, ACC_W),                                      \
                     cpu->ymm[i->reg].field[i->imm & (mask)]);                                     \
        NEXT;                                                                                      \
    }
EXTRACT(pextrb, 8, b, 15)
EXTRACT(pextrw, 16, w, 7)
EXTRACT(pextrd, 32, d, 3)
EXTRACT(pextrq, 64, q, 1)
FAMILY_RM(h_pextrb, pextrb_reg, pextrb_gen);
FAMILY_RM(h_pextrw_st, pextrw_reg, pextrw_gen);

/* Handlers n without W, and w with it. */
#define FAMILY_RM_W(name, n, w)                                                                    \
    const struct family FAMILY_NAME(name) = {                                                      \
        .fn = {{n##_reg, n##_gen}, {n##_reg, n##_gen}, {n##_reg, n##_gen}, {w##_reg, w##_gen}}}
FAMILY_RM_W(h_pextrd, pextrd, pextrq);

/* ---- PINSRB, PINSRD, PINSRQ ---- */

/* `rest` says where the other elements come from. */
#define INSERT(name, bits, field, mask, rest)                                                      \
    static ALWAYS_INLINE void name##_do(struct cpu *cpu, const struct insn *i, uint##bits##_t v)   \
    {                                                                                              \
        rest;                                                                                      \
        cpu->ymm[i->reg].field[i->imm & (mask)] = v;                                               \
    }                                                                                              \
    HANDLER(name##_reg)                                                                            \
    {                                                                                              \
        name##_do(cpu, i, (uint##bits##_t)cpu->gpr[i->rm]);                                        \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(name##_gen)                                                                            \
    {                                                                                              \
        name##_do(cpu, i, mem_ld##bits(cpu, i, ea_gen(cpu, i, bits / 8, ACC_R)));                  \
        NEXT;                                                                                      \
    }
#define FROM_DEST
#define FROM_VVVV xmm_set_vex(cpu, i->reg, xmm_get(cpu, i->vvvv))
INSERT(pinsrb, 8, b, 15, FROM_DEST)
INSERT(pinsrd, 32, d, 3, FROM_DEST)
INSERT(pinsrq, 64, q, 1, FROM_DEST)
INSERT(vpinsrb, 8, b, 15, FROM_VVVV)
INSERT(vpinsrd, 32, d, 3, FROM_VVVV)
INSERT(vpinsrq, 64, q, 1, FROM_VVVV)
FAMILY_RM(h_pinsrb, pinsrb_reg, pinsrb_gen);
FAMILY_RM(h_vpinsrb, vpinsrb_reg, vpinsrb_gen);
FAMILY_RM_W(h_pinsrd, pinsrd, pinsrq);
FAMILY_RM_W(h_vpinsrd, vpinsrd, vpinsrq);

/* ---- PTEST: ZF if nothing is in both, CF if the second is within the first ---- */

static ALWAYS_INLINE void set_test(struct cpu *cpu, uint64_t both, uint64_t outside)
{
    flags_set_arith(cpu, (both ? 0 : FL_ZF) | (outside ? 0 : FL_CF));
}

static ALWAYS_INLINE uint64_t any(__m128i v)
{
    return low64(v) | low64(_mm_unpackhi_epi64(v, v));
}

static ALWAYS_INLINE void ptest_do(struct cpu *cpu, const struct insn *i, __m128i b)
{
    __m128i a = xmm_get(cpu, i->reg);

    set_test(cpu, any(_mm_and_si128(a, b)), any(_mm_andnot_si128(a, b)));
}
FORMS_LOAD(ptest, xmm_get(cpu, i->rm), lda128, 16)

OP256(and_256, _mm_and_si128, _mm256_and_si256)
OP256(andnot_256, _mm_andnot_si128, _mm256_andnot_si256)

static ALWAYS_INLINE uint64_t any_256(V256 v)
{
    return any(_mm_or_si128(v256_lo(v), v256_hi(v)));
}

#define vptest_128_do ptest_do
static ALWAYS_INLINE void vptest_256_do(struct cpu *cpu, const struct insn *i, V256 b)
{
    V256 a = ymm_get(cpu, i->reg);

    set_test(cpu, any_256(and_256(a, b)), any_256(andnot_256(a, b)));
}
FORMS_VEX(vptest)
