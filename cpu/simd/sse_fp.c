/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SSE and SSE2 floating-point arithmetic and comparison, by the host's instructions under the
 * guest's MXCSR. SDM volume 1, sections 10.4.1, 11.4.1, 11.5.
 */
#include "cpu/simd/fp_ops.h"

/* reg := op(reg, source); of scalar ones the rest of reg stays. */
#define FP_OP(name, ld, size, kind, op)                                                            \
    FP_DO(name, __m128i, __m128i, fp_##name(xmm_get(cpu, i->reg), b),                              \
          sse_finish(cpu, i, op, kind, xmm_get(cpu, i->reg), b), xmm_set)                          \
    FORMS_LOAD(name, xmm_get(cpu, i->rm), ld, size)
#define FP_PACKED(name, kind, op) FP_OP(name, lda128, 16, kind, op)
FP_PACKED_OPS(FP_PACKED)
FP_SCALAR_OPS(FP_OP)

#define FP_OP_1(name)                                                                              \
    FP_DO_PLAIN(name, __m128i, __m128i, fp_##name(b), xmm_set)                                     \
    FORMS_LOAD(name, xmm_get(cpu, i->rm), lda128, 16)
FP_UNARY_OPS(FP_OP_1)

/* ---- CMPccPS and the like: the predicate is an immediate ---- */

#define CMP_CASE(name, n)                                                                          \
    case n:                                                                                        \
        __asm__ volatile(#name " $" #n ", %1, %0" : "+x"(a) : "x"(b));                             \
        break;
#define FP_CMP(name, ld, size)                                                                     \
    static __m128i name##_by(__m128i a, __m128i b, unsigned predicate)                             \
    {                                                                                              \
        switch (predicate & 7) {                                                                   \
            CMP_CASE(name, 0)                                                                      \
            CMP_CASE(name, 1)                                                                      \
            CMP_CASE(name, 2)                                                                      \
            CMP_CASE(name, 3)                                                                      \
            CMP_CASE(name, 4)                                                                      \
            CMP_CASE(name, 5)                                                                      \
            CMP_CASE(name, 6)                                                                      \
            CMP_CASE(name, 7)                                                                      \
        }                                                                                          \
        return a;                                                                                  \
    }                                                                                              \
    FP_DO_PLAIN(name, __m128i, __m128i, name##_by(xmm_get(cpu, i->reg), b, (unsigned)i->imm),      \
                xmm_set)                                                                           \
    FORMS_LOAD(name, xmm_get(cpu, i->rm), ld, size)
FP_CMP(cmpps, lda128, 16)
FP_CMP(cmpss, ld32v, 4)
FP_CMP(cmppd, lda128, 16)
FP_CMP(cmpsd, ld64v, 8)

/* ---- comparison into EFLAGS: unordered ZF PF CF, less CF, equal ZF ---- */

static ALWAYS_INLINE void comi_set(struct cpu *cpu, unsigned r __attribute__((unused)),
                                   unsigned flags)
{
    flags_set_arith(cpu, flags);
}

#define FP_COMI(name, ld, size)                                                                    \
    static ALWAYS_INLINE unsigned name##_flags(__m128i a, __m128i b)                               \
    {                                                                                              \
        bool zf, pf, cf;                                                                           \
                                                                                                   \
        __asm__ volatile(#name " %[b], %[a]"                                                       \
                         : "=@ccz"(zf), "=@ccp"(pf), "=@ccc"(cf)                                   \
                         : [a] "x"(a), [b] "x"(b));                                                \
        return (zf ? FL_ZF : 0u) | (pf ? FL_PF : 0u) | (cf ? FL_CF : 0u);                          \
    }                                                                                              \
    FP_DO_PLAIN(name, __m128i, unsigned, name##_flags(xmm_get(cpu, i->reg), b), comi_set)          \
    FORMS_LOAD(name, xmm_get(cpu, i->rm), ld, size)
FP_COMI(comiss, ld32v, 4)
FP_COMI(ucomiss, ld32v, 4)
FP_COMI(comisd, ld64v, 8)
FP_COMI(ucomisd, ld64v, 8)
