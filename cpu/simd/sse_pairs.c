/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two instructions in one handler. A register cleared with PXOR or XORPS, and an integer converted
 * into it: compilers write the pair for each conversion, since CVTSI2SD keeps the upper half. And
 * two operations on doubles of which the second takes the first's result as its source. SDM volume
 * 2, CVTSI2SD, CVTSI2SS, ADDSD, SUBSD, MULSD, DIVSD.
 */
#include "cpu/fuse.h"
#include "cpu/simd/fp_ops.h"

/* With an exception unmasked the conversion is left to its own handler. */
#define ZEROED(name, type)                                                                         \
    HANDLER(zeroed_##name)                                                                         \
    {                                                                                              \
        __m128i r = _mm_setzero_si128();                                                           \
                                                                                                   \
        if (unlikely(cpu->mxcsr_unmasked)) {                                                       \
            xmm_set(cpu, i->reg, r);                                                               \
            NEXT;                                                                                  \
        }                                                                                          \
        xmm_set(cpu, i->reg, fp_##name(r, (type)cpu->gpr[i[1].rm]));                               \
        GOTO_INSN(i + 2);                                                                          \
    }
FP_FROM_GPR_OPS(ZEROED)

/* second(another register, first(reg, rm)). */
#define CHAINED(first, second)                                                                     \
    HANDLER(first##_##second)                                                                      \
    {                                                                                              \
        __m128i r;                                                                                 \
                                                                                                   \
        if (unlikely(cpu->mxcsr_unmasked))                                                         \
            GOTO_HANDLER(h_##first.fn[SZ32][FORM_REG]);                                            \
        r = fp_##first(xmm_get(cpu, i->reg), xmm_get(cpu, i->rm));                                 \
        xmm_set(cpu, i->reg, r);                                                                   \
        xmm_set(cpu, i[1].reg, fp_##second(xmm_get(cpu, i[1].reg), r));                            \
        GOTO_INSN(i + 2);                                                                          \
    }
#define CHAINS(X)                                                                                  \
    X(mulsd, addsd)                                                                                \
    X(mulsd, subsd)                                                                                \
    X(mulsd, mulsd)                                                                                \
    X(divsd, addsd)                                                                                \
    X(divsd, subsd)                                                                                \
    X(addsd, addsd)                                                                                \
    X(addsd, mulsd)                                                                                \
    X(subsd, mulsd)                                                                                \
    X(subsd, addsd)

extern const struct family h_pxor, h_cvtsi2ss, h_cvtsi2sd, h_addsd, h_subsd, h_mulsd, h_divsd;

CHAINS(CHAINED)

static insn_fn *chain_of(const struct insn *i, const struct insn *j)
{
#define CHAIN(first, second)                                                                       \
    if (i->fn == h_##first.fn[i->osz][FORM_REG] && j->fn == h_##second.fn[j->osz][FORM_REG])       \
        return first##_##second;
    CHAINS(CHAIN)
    return NULL;
}

insn_fn *sse_fuse(const struct insn *i, const struct insn *j)
{
    bool clears;

    if (j->rm == i->reg && j->reg != i->reg)
        return chain_of(i, j);
    clears = i->fn == h_pxor.fn[i->osz][FORM_REG] && i->reg == i->rm;

    if (!clears || j->reg != i->reg)
        return NULL;
    if (j->fn == h_cvtsi2sd.fn[j->osz][FORM_REG])
        return j->osz == SZ64 ? zeroed_cvtsi2sdq : zeroed_cvtsi2sdl;
    if (j->fn == h_cvtsi2ss.fn[j->osz][FORM_REG])
        return j->osz == SZ64 ? zeroed_cvtsi2ssq : zeroed_cvtsi2ssl;
    return NULL;
}
