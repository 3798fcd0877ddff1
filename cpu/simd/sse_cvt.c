/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SSE and SSE2 conversions. SDM volume 1, sections 10.4.1.6, 11.4.1.6; those with MMX operands also
 * 11.6.5 (the x87 state they enter). */
#include "cpu/simd/fp_ops.h"

/* XMM to XMM; scalar ones keep the rest of reg. */
#define CVT_SCALAR(name, ld, size, kind, op)                                                       \
    FP_DO(name, __m128i, __m128i, fp_##name(xmm_get(cpu, i->reg), b),                              \
          sse_finish(cpu, i, op, kind, b, b), xmm_set)                                             \
    FORMS_LOAD(name, xmm_get(cpu, i->rm), ld, size)
FP_SCALAR_CVT_OPS(CVT_SCALAR)

#define CVT(name, ld, size, finish)                                                                \
    FP_DO(name, __m128i, __m128i, fp_##name(b), finish, xmm_set)                                   \
    FORMS_LOAD(name, xmm_get(cpu, i->rm), ld, size)
#define CVT_WHOLE(name)      CVT(name, lda128, 16, sse_precise_end(cpu, i, NULL))
#define CVT_WIDEN(name)      CVT(name, ld64v, 8, sse_precise_end(cpu, i, NULL))
#define CVT_NARROW(name, op) CVT(name, lda128, 16, sse_finish(cpu, i, op, SSE_PD, b, b))
FP_UNARY_CVT_OPS(CVT_WHOLE)
FP_NARROW_OPS(CVT_NARROW)
FP_WIDEN_OPS(CVT_WIDEN)

/* General register or memory to scalar. */
#define CVT_FROM_GPR(name, type, ld, size)                                                         \
    FP_DO_PLAIN(name, type, __m128i, fp_##name(xmm_get(cpu, i->reg), b), xmm_set)                  \
    HANDLERS_LOAD(name, (type)cpu->gpr[i->rm], ld, size)
CVT_FROM_GPR(cvtsi2ssl, uint32_t, mem_ld32, 4)
CVT_FROM_GPR(cvtsi2ssq, uint64_t, mem_ld64, 8)
CVT_FROM_GPR(cvtsi2sdl, uint32_t, mem_ld32, 4)
CVT_FROM_GPR(cvtsi2sdq, uint64_t, mem_ld64, 8)
FORMS_FAMILY_W(h_cvtsi2ss, cvtsi2ssl, cvtsi2ssq);
FORMS_FAMILY_W(h_cvtsi2sd, cvtsi2sdl, cvtsi2sdq);

/* Scalar to general register. */
static ALWAYS_INLINE void gpr_set(struct cpu *cpu, unsigned r, uint64_t v)
{
    cpu->gpr[r] = v;
}

#define CVT_TO_GPR1(name, handler, type, ld, size)                                                 \
    static ALWAYS_INLINE type handler##_of(__m128i b)                                              \
    {                                                                                              \
        type r;                                                                                    \
                                                                                                   \
        __asm__ volatile(#name " %1, %0" : "=r"(r) : "x"(b));                                      \
        return r;                                                                                  \
    }                                                                                              \
    FP_DO_PLAIN(handler, __m128i, type, handler##_of(b), gpr_set)                                  \
    HANDLERS_LOAD(handler, xmm_get(cpu, i->rm), ld, size)
#define CVT_TO_GPR(name, ld, size)                                                                 \
    CVT_TO_GPR1(name, name##_32, uint32_t, ld, size)                                               \
    CVT_TO_GPR1(name, name##_64, uint64_t, ld, size)                                               \
    FORMS_FAMILY_W(h_##name, name##_32, name##_64);
CVT_TO_GPR(cvtss2si, ld32v, 4)
CVT_TO_GPR(cvttss2si, ld32v, 4)
CVT_TO_GPR(cvtsd2si, ld64v, 8)
CVT_TO_GPR(cvttsd2si, ld64v, 8)

/* ---- MMX operands: as the XMM instruction on a register with zeros above ---- */

/* Packed integers to floats: `merge` puts the result into reg. */
#define CVT_FROM_MMX(name, as, merge, enter_for_memory)                                            \
    static ALWAYS_INLINE void name##_do(struct cpu *cpu, const struct insn *i, __m128i b)          \
    {                                                                                              \
        __m128i r;                                                                                 \
                                                                                                   \
        sse_check_begin(cpu);                                                                      \
        __asm__ volatile(#as " %1, %0" : "=x"(r) : "x"(b));                                        \
        sse_check_end(cpu, i);                                                                     \
        xmm_set(cpu, i->reg, merge(xmm_get(cpu, i->reg), r));                                      \
    }                                                                                              \
    HANDLER(name##_reg)                                                                            \
    {                                                                                              \
        X87_WAIT;                                                                                  \
        mmx_enter(cpu);                                                                            \
        name##_do(cpu, i, mmx_get(cpu, i->rm));                                                    \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(name##_gen)                                                                            \
    {                                                                                              \
        __m128i b;                                                                                 \
                                                                                                   \
        if (enter_for_memory)                                                                      \
            X87_WAIT;                                                                              \
        b = ld64v(cpu, i, ea_gen(cpu, i, 8, ACC_R));                                               \
        if (enter_for_memory)                                                                      \
            mmx_enter(cpu);                                                                        \
        name##_do(cpu, i, b);                                                                      \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY_RM(h_##name, name##_reg, name##_gen);

static ALWAYS_INLINE __m128i merge_all(__m128i old __attribute__((unused)), __m128i r)
{
    return r;
}
CVT_FROM_MMX(cvtpi2ps, cvtdq2ps, low_qword, true)
CVT_FROM_MMX(cvtpi2pd, cvtdq2pd, merge_all, false)

/* Floats to packed integers. The MMX state is entered even if #XM follows. */
#define CVT_TO_MMX(name, as, lower, ld, size)                                                      \
    static ALWAYS_INLINE void name##_do(struct cpu *cpu, const struct insn *i, __m128i b)          \
    {                                                                                              \
        __m128i r;                                                                                 \
                                                                                                   \
        mmx_enter(cpu);                                                                            \
        sse_check_begin(cpu);                                                                      \
        __asm__ volatile(#as " %1, %0" : "=x"(r) : "x"(lower(b)));                                 \
        sse_check_end(cpu, i);                                                                     \
        mmx_set(cpu, i->reg, r);                                                                   \
    }                                                                                              \
    HANDLER(name##_reg)                                                                            \
    {                                                                                              \
        X87_WAIT;                                                                                  \
        name##_do(cpu, i, xmm_get(cpu, i->rm));                                                    \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(name##_gen)                                                                            \
    {                                                                                              \
        X87_WAIT;                                                                                  \
        name##_do(cpu, i, ld(cpu, i, ea_gen(cpu, i, size, ACC_R)));                                \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY_RM(h_##name, name##_reg, name##_gen);
#define WHOLE(v) (v)
CVT_TO_MMX(cvtps2pi, cvtps2dq, _mm_move_epi64, ld64v, 8)
CVT_TO_MMX(cvttps2pi, cvttps2dq, _mm_move_epi64, ld64v, 8)
CVT_TO_MMX(cvtpd2pi, cvtpd2dq, WHOLE, lda128, 16)
CVT_TO_MMX(cvttpd2pi, cvttpd2dq, WHOLE, lda128, 16)
