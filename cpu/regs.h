/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Register operands by size for handler templates: GET_n reads, SET_n writes with the
 * architecture's rule (32-bit writes clear the upper half, narrower ones keep it). For 8-bit
 * operands the number is the byte offset that the decoder made.
 */
#ifndef CPU_REGS_H
#define CPU_REGS_H

#include "cpu/flags.h"

#define GET_8(n)  REG8(cpu, n)
#define GET_16(n) ((uint16_t)cpu->gpr[n])
#define GET_32(n) ((uint32_t)cpu->gpr[n])
#define GET_64(n) (cpu->gpr[n])

#define SET_8(n, v) (REG8(cpu, n) = (uint8_t)(v))
#define SET_16(n, v)                                                                               \
    do {                                                                                           \
        uint16_t set16_ = (uint16_t)(v);                                                           \
        memcpy(&cpu->gpr[n], &set16_, 2);                                                          \
    } while (0)
#define SET_32(n, v) (cpu->gpr[n] = (uint32_t)(v))
#define SET_64(n, v) (cpu->gpr[n] = (v))

/* Expands M(bits, form, ea) for each form of a memory operand, where ea is an expression for the
 * linear address that takes the access kind. */
#define EA_gen(bits, acc) ea_gen(cpu, i, (bits) / 8, acc)
#define EA_x32(bits, acc) ea_x32(cpu, i)
#define EA_x64(bits, acc) ea_x64(cpu, i)
#define EA_b64(bits, acc) ea_b64(cpu, i)

/* ---- flags of arithmetic, by operand size (flags.h) ---- */

#define CARRY_VEC(bits, c)                                                                         \
    ((bits) == 64 ? (uint64_t)(c) & (CC_CF | CC_TOP | CC_AF)                                       \
                  : ((uint64_t)(c) << (64 - (bits))) | ((uint64_t)(c)&CC_AF))

#define DEFINE_FLAG_SETTERS(bits)                                                                  \
    static inline void flags_add##bits(struct cpu *cpu, uint##bits##_t a, uint##bits##_t b,        \
                                       uint##bits##_t r)                                           \
    {                                                                                              \
        uint##bits##_t c = (uint##bits##_t)((a & b) | ((a | b) & ~r));                             \
                                                                                                   \
        cpu->cc_res = (uint64_t)(int64_t)(int##bits##_t)r;                                         \
        cpu->cc_vec = CARRY_VEC(bits, c);                                                          \
    }                                                                                              \
    static inline void flags_sub##bits(struct cpu *cpu, uint##bits##_t a, uint##bits##_t b,        \
                                       uint##bits##_t r)                                           \
    {                                                                                              \
        uint##bits##_t c = (uint##bits##_t)((~a & b) | ((~a | b) & r));                            \
                                                                                                   \
        cpu->cc_res = (uint64_t)(int64_t)(int##bits##_t)r;                                         \
        cpu->cc_vec = CARRY_VEC(bits, c);                                                          \
    }                                                                                              \
    static inline void flags_logic##bits(struct cpu *cpu, uint##bits##_t r)                        \
    {                                                                                              \
        cpu->cc_res = (uint64_t)(int64_t)(int##bits##_t)r;                                         \
        cpu->cc_vec = 0;                                                                           \
    }
DEFINE_FLAG_SETTERS(8)
DEFINE_FLAG_SETTERS(16)
DEFINE_FLAG_SETTERS(32)
DEFINE_FLAG_SETTERS(64)
#undef DEFINE_FLAG_SETTERS

/* CF := cf and OF := of, everything else as it is. */
static inline void flags_set_cf_of(struct cpu *cpu, bool cf, bool of)
{
    cpu->cc_vec =
        (cpu->cc_vec & ~(CC_CF | CC_TOP)) | ((uint64_t)cf << 63) | ((uint64_t)(cf ^ of) << 62);
}

/* CF := cf, everything else (OF too) as it is. */
static inline void flags_set_cf(struct cpu *cpu, bool cf)
{
    flags_set_cf_of(cpu, cf, flag_of(cpu));
}

#endif
