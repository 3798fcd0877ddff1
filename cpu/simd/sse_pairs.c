/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two instructions in one handler: a register cleared with PXOR or XORPS, and an integer converted
 * into it. Compilers write the pair for each conversion, since CVTSI2SD keeps the upper half. SDM
 * volume 2, CVTSI2SD, CVTSI2SS.
 */
#include "cpu/fuse.h"
#include "cpu/simd/simd.h"

/* With an exception unmasked the conversion is left to its own handler. */
#define ZEROED(name, mnemonic, type)                                                               \
    HANDLER(zeroed_##name)                                                                         \
    {                                                                                              \
        __m128i r = _mm_setzero_si128();                                                           \
                                                                                                   \
        if (unlikely(cpu->mxcsr_unmasked)) {                                                       \
            xmm_set(cpu, i->reg, r);                                                               \
            NEXT;                                                                                  \
        }                                                                                          \
        __asm__ volatile(mnemonic " %1, %0" : "+x"(r) : "r"((type)cpu->gpr[i[1].rm]));             \
        xmm_set(cpu, i->reg, r);                                                                   \
        GOTO_INSN(i + 2);                                                                          \
    }
ZEROED(cvtsi2ss32, "cvtsi2ssl", uint32_t)
ZEROED(cvtsi2ss64, "cvtsi2ssq", uint64_t)
ZEROED(cvtsi2sd32, "cvtsi2sdl", uint32_t)
ZEROED(cvtsi2sd64, "cvtsi2sdq", uint64_t)

extern const struct family h_pxor, h_cvtsi2ss, h_cvtsi2sd;

insn_fn *sse_fuse(const struct insn *i, const struct insn *j)
{
    bool clears = i->fn == h_pxor.fn[i->osz][FORM_REG] && i->reg == i->rm;

    if (!clears || j->reg != i->reg)
        return NULL;
    if (j->fn == h_cvtsi2sd.fn[j->osz][FORM_REG])
        return j->osz == SZ64 ? zeroed_cvtsi2sd64 : zeroed_cvtsi2sd32;
    if (j->fn == h_cvtsi2ss.fn[j->osz][FORM_REG])
        return j->osz == SZ64 ? zeroed_cvtsi2ss64 : zeroed_cvtsi2ss32;
    return NULL;
}
