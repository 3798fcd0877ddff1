/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PMOVSX and PMOVZX: the first elements of the source, as many as are wanted, made wider. SDM
 * volume 1, 12.10.2 and 14.7. */
#include "cpu/simd/int_ops.h"
#include "cpu/simd/portable_int.h"
#include "cpu/simd/vex.h"

static ALWAYS_INLINE __m128i ld16v(struct cpu *cpu, const struct insn *i, gva_t va)
{
    return _mm_cvtsi32_si128(mem_ld16(cpu, i, va));
}

/* A half, a quarter and an eighth of 128 and of 256 bits: how they are loaded, and their bytes. */
#define LD_128_h   ld64v
#define LD_128_f   ld32v
#define LD_128_e   ld16v
#define LD_256_h   ldu128
#define LD_256_f   ld64v
#define LD_256_e   ld32v
#define SIZE_128_h 8
#define SIZE_128_f 4
#define SIZE_128_e 2
#define SIZE_256_h 16
#define SIZE_256_f 8
#define SIZE_256_e 4

/* name(v): as many of v's first elements as fill 256 bits. */
#ifdef HOST_AVX2
#define WIDEN_256(name, narrow, wide, part)                                                        \
    static ALWAYS_INLINE V256 name(__m128i v)                                                      \
    {                                                                                              \
        return wide(v);                                                                            \
    }
#else
#define WIDEN_256(name, narrow, wide, part)                                                        \
    static ALWAYS_INLINE V256 name(__m128i v)                                                      \
    {                                                                                              \
        return v256_join(narrow(v), narrow(_mm_srli_si128(v, SIZE_128_##part)));                   \
    }
#endif

#define WIDEN(name, narrow, wide, part)                                                            \
    static ALWAYS_INLINE void name##_do(struct cpu *cpu, const struct insn *i, __m128i b)          \
    {                                                                                              \
        xmm_set(cpu, i->reg, narrow(b));                                                           \
    }                                                                                              \
    FORMS_LOAD(name, xmm_get(cpu, i->rm), LD_128_##part, SIZE_128_##part)                          \
    static ALWAYS_INLINE void v##name##_128_do(struct cpu *cpu, const struct insn *i, __m128i b)   \
    {                                                                                              \
        xmm_set_vex(cpu, i->reg, narrow(b));                                                       \
    }                                                                                              \
    WIDEN_256(name##_wide, narrow, wide, part)                                                     \
    static ALWAYS_INLINE void v##name##_256_do(struct cpu *cpu, const struct insn *i, __m128i b)   \
    {                                                                                              \
        ymm_set(cpu, i->reg, name##_wide(b));                                                      \
    }                                                                                              \
    HANDLERS_LOAD64(v##name##_128, xmm_get(cpu, i->rm), LD_128_##part, SIZE_128_##part)            \
    HANDLERS_LOAD64(v##name##_256, xmm_get(cpu, i->rm), LD_256_##part, SIZE_256_##part)            \
    FAMILY_VEX(h_v##name, v##name##_128, v##name##_256);
SIMD_WIDEN_OPS(WIDEN)
