/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Handlers of MMX instructions: each runs as the SSE one on the lower half of a host vector, so
 * that the host's x87 state stays out of it. SDM volume 1, chapter 9.
 */
#ifndef CPU_SIMD_MMX_H
#define CPU_SIMD_MMX_H

#include "cpu/simd/simd.h"

/* h_mmx_##name around mmx_##name##_do(cpu, i, operand). Every one waits for x87 exceptions and
 * enters the MMX state, once nothing can fault any more. */
#define MMX_FORMS(name, ld, size)                                                                  \
    HANDLER(mmx_##name##_reg)                                                                      \
    {                                                                                              \
        X87_WAIT;                                                                                  \
        mmx_enter(cpu);                                                                            \
        mmx_##name##_do(cpu, i, mmx_get(cpu, i->rm));                                              \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(mmx_##name##_gen)                                                                      \
    {                                                                                              \
        __m128i b;                                                                                 \
                                                                                                   \
        X87_WAIT;                                                                                  \
        b = ld(cpu, i, ea_gen(cpu, i, size, ACC_R));                                               \
        mmx_enter(cpu);                                                                            \
        mmx_##name##_do(cpu, i, b);                                                                \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY_RM(h_mmx_##name, mmx_##name##_reg, mmx_##name##_gen);

/* reg := op(reg, r/m). */
#define MMX_OP_SIZE(name, op, ld, size)                                                            \
    static ALWAYS_INLINE void mmx_##name##_do(struct cpu *cpu, const struct insn *i, __m128i b)    \
    {                                                                                              \
        mmx_set(cpu, i->reg, op(mmx_get(cpu, i->reg), b));                                         \
    }                                                                                              \
    MMX_FORMS(name, ld, size)
#define MMX_OP(name, op) MMX_OP_SIZE(name, op, ld64v, 8)

#endif
