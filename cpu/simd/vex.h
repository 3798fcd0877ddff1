/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What handlers of VEX instructions on vectors are made with: 256-bit values, and families of three
 * operands (destination, VEX.vvvv, r/m) at both lengths. SDM volume 1, 14.1-14.3; volume 2, 2.3.
 *
 * Files that include this are compiled twice (files.ninja). With HOST_AVX2 a 256-bit value is one
 * host vector; without it is two of 128 bits, and what an instruction does to 256 bits is done to
 * each half by what the legacy instruction does: AVX2 is made that way.
 *
 * Memory operands may have any alignment but those of the aligned moves.
 */
#ifndef CPU_SIMD_VEX_H
#define CPU_SIMD_VEX_H

#include "cpu/simd/simd.h"

#ifdef HOST_AVX2
#include <immintrin.h>

#define V256 __m256i

static ALWAYS_INLINE V256 ymm_get(const struct cpu *cpu, unsigned r)
{
    return _mm256_load_si256((const __m256i *)&cpu->ymm[r]);
}

static ALWAYS_INLINE void ymm_set(struct cpu *cpu, unsigned r, V256 v)
{
    _mm256_store_si256((__m256i *)&cpu->ymm[r], v);
}

static ALWAYS_INLINE V256 v256_loadu(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

static ALWAYS_INLINE void v256_storeu(void *p, V256 v)
{
    _mm256_storeu_si256((__m256i *)p, v);
}

static ALWAYS_INLINE V256 v256_join(__m128i lo, __m128i hi)
{
    return _mm256_set_m128i(hi, lo);
}

static ALWAYS_INLINE __m128i v256_lo(V256 v)
{
    return _mm256_castsi256_si128(v);
}

static ALWAYS_INLINE __m128i v256_hi(V256 v)
{
    return _mm256_extracti128_si256(v, 1);
}

/* name(a, b) on 256 bits: by the wide intrinsic, or by the narrow one on each half. */
#define OP256(name, narrow, wide)                                                                  \
    static ALWAYS_INLINE V256 name(V256 a, V256 b)                                                 \
    {                                                                                              \
        return wide(a, b);                                                                         \
    }
/* Likewise of one operand. */
#define OP256_1(name, narrow, wide)                                                                \
    static ALWAYS_INLINE V256 name(V256 a)                                                         \
    {                                                                                              \
        return wide(a);                                                                            \
    }
#else
struct v256 {
    __m128i lo, hi;
};
#define V256 struct v256

static ALWAYS_INLINE V256 v256_loadu(const void *p)
{
    const __m128i *q = p;

    return (V256){_mm_loadu_si128(q), _mm_loadu_si128(q + 1)};
}

static ALWAYS_INLINE void v256_storeu(void *p, V256 v)
{
    __m128i *q = p;

    _mm_storeu_si128(q, v.lo);
    _mm_storeu_si128(q + 1, v.hi);
}

static ALWAYS_INLINE V256 ymm_get(const struct cpu *cpu, unsigned r)
{
    return v256_loadu(&cpu->ymm[r]);
}

static ALWAYS_INLINE void ymm_set(struct cpu *cpu, unsigned r, V256 v)
{
    v256_storeu(&cpu->ymm[r], v);
}

static ALWAYS_INLINE V256 v256_join(__m128i lo, __m128i hi)
{
    return (V256){lo, hi};
}

static ALWAYS_INLINE __m128i v256_lo(V256 v)
{
    return v.lo;
}

static ALWAYS_INLINE __m128i v256_hi(V256 v)
{
    return v.hi;
}

#define OP256(name, narrow, wide)                                                                  \
    static ALWAYS_INLINE V256 name(V256 a, V256 b)                                                 \
    {                                                                                              \
        return (V256){narrow(a.lo, b.lo), narrow(a.hi, b.hi)};                                     \
    }
#define OP256_1(name, narrow, wide)                                                                \
    static ALWAYS_INLINE V256 name(V256 a)                                                         \
    {                                                                                              \
        return (V256){narrow(a.lo), narrow(a.hi)};                                                 \
    }
#endif

/* The lower half of a register; VEX.128 and scalar forms clear the upper one: with one store, so
 * that a load of all 256 bits can be forwarded from it. */
static ALWAYS_INLINE void xmm_set_vex(struct cpu *cpu, unsigned r, __m128i v)
{
#ifdef HOST_AVX2
    V256 whole = _mm256_zextsi128_si256(v);

    __asm__("" : "+x"(whole)); /* or the compiler splits it */
    ymm_set(cpu, r, whole);
#else
    ymm_set(cpu, r, v256_join(v, _mm_setzero_si128()));
#endif
}

/* ---- 32 bytes of memory ---- */

static __attribute__((noinline, cold, unused)) V256 ld256_slow(struct cpu *cpu,
                                                               const struct insn *i, gva_t va)
{
    uint8_t buf[32];

    mem_check_aligned(cpu, i, va, 16); /* of a YMM operand, too: so do processors */
    mem_read_bytes(cpu, i, va, buf, 32, ACC_R);
    return v256_loadu(buf);
}

static __attribute__((noinline, cold, unused)) void
st256_slow(struct cpu *cpu, const struct insn *i, gva_t va, V256 v)
{
    uint8_t buf[32];

    v256_storeu(buf, v);
    mem_check_aligned(cpu, i, va, 16);
    mem_write_bytes(cpu, i, va, buf, 32, ACC_W);
}

static ALWAYS_INLINE V256 ldu256(struct cpu *cpu, const struct insn *i, gva_t va)
{
    const void *p = tlb_hit(cpu, va, 32, ACC_R);

    return likely(p) ? v256_loadu(p) : ld256_slow(cpu, i, va);
}

static ALWAYS_INLINE void stu256(struct cpu *cpu, const struct insn *i, gva_t va, V256 v)
{
    void *p = tlb_hit(cpu, va, 32, ACC_W);

    if (likely(p))
        v256_storeu(p, v);
    else
        st256_slow(cpu, i, va, v);
}

/* Those that must be aligned. */
static ALWAYS_INLINE V256 lda256(struct cpu *cpu, const struct insn *i, gva_t va)
{
    if (unlikely(va & 31))
        simd_misaligned(cpu, i);
    return ldu256(cpu, i, va);
}

static ALWAYS_INLINE void sta256(struct cpu *cpu, const struct insn *i, gva_t va, V256 v)
{
    if (unlikely(va & 31))
        simd_misaligned(cpu, i);
    stu256(cpu, i, va, v);
}

/* ---- forms ---- */

/* Made of the handlers of simd.h, without those for flat 32-bit memory, which few use with AVX. */

/* A family of handlers `n` for VL128 and `w` for VL256. */
#define FAMILY_VEX(name, n, w)                                                                     \
    const struct family FAMILY_NAME(name) = {.fn = {                                               \
                                                 [VL128] = {[FORM_REG] = n##_reg,                  \
                                                            [FORM_GEN] = n##_gen,                  \
                                                            [FORM_X64] = n##_x64,                  \
                                                            [FORM_B64] = n##_b64},                 \
                                                 [VL256] = {[FORM_REG] = w##_reg,                  \
                                                            [FORM_GEN] = w##_gen,                  \
                                                            [FORM_X64] = w##_x64,                  \
                                                            [FORM_B64] = w##_b64},                 \
                                             }}

/* The family h_##name from name##_128_do(cpu, i, __m128i) and name##_256_do(cpu, i, V256), whose
 * r/m operand is as wide as the vector and need not be aligned. */
#define FORMS_VEX(name)                                                                            \
    HANDLERS_LOAD64(name##_128, xmm_get(cpu, i->rm), ldu128, 16)                                   \
    HANDLERS_LOAD64(name##_256, ymm_get(cpu, i->rm), ldu256, 32)                                   \
    FAMILY_VEX(h_##name, name##_128, name##_256);

/* h_##name: reg := op(vvvv, r/m), `narrow` on 128 bits, `wide` the host's intrinsic on 256. */
#define VEX_OP(name, narrow, wide)                                                                 \
    OP256(name##_wide, narrow, wide)                                                               \
    static ALWAYS_INLINE void name##_128_do(struct cpu *cpu, const struct insn *i, __m128i b)      \
    {                                                                                              \
        xmm_set_vex(cpu, i->reg, narrow(xmm_get(cpu, i->vvvv), b));                                \
    }                                                                                              \
    static ALWAYS_INLINE void name##_256_do(struct cpu *cpu, const struct insn *i, V256 b)         \
    {                                                                                              \
        ymm_set(cpu, i->reg, name##_wide(ymm_get(cpu, i->vvvv), b));                               \
    }                                                                                              \
    FORMS_VEX(name)

/* h_##name: reg := op(r/m). */
#define VEX_OP_1(name, narrow, wide)                                                               \
    OP256_1(name##_wide, narrow, wide)                                                             \
    static ALWAYS_INLINE void name##_128_do(struct cpu *cpu, const struct insn *i, __m128i b)      \
    {                                                                                              \
        xmm_set_vex(cpu, i->reg, narrow(b));                                                       \
    }                                                                                              \
    static ALWAYS_INLINE void name##_256_do(struct cpu *cpu, const struct insn *i, V256 b)         \
    {                                                                                              \
        ymm_set(cpu, i->reg, name##_wide(b));                                                      \
    }                                                                                              \
    FORMS_VEX(name)

/* For cold instructions: registers, and memory of any form. */
#define FAMILY_VEX_RM(name, n, w)                                                                  \
    const struct family FAMILY_NAME(name) = {                                                      \
        .fn = {[VL128] = {n##_reg, n##_gen}, [VL256] = {w##_reg, w##_gen}}}
/* As FORMS_VEX. */
#define FORMS_VEX_RM(name)                                                                         \
    HANDLERS_RM(name##_128, xmm_get(cpu, i->rm), ldu128, 16)                                       \
    HANDLERS_RM(name##_256, ymm_get(cpu, i->rm), ldu256, 32)                                       \
    FAMILY_VEX_RM(h_##name, name##_128, name##_256);

/* Of registers alone: handlers `n` for VL128 and `w` for VL256. */
#define FAMILY_VEX_REG(name, n, w)                                                                 \
    const struct family FAMILY_NAME(name) = {.fn = {[VL128] = {n}, [VL256] = {w}}}

/* ---- with an immediate; the upper half goes by the bits from `step` on ---- */

#ifdef HOST_AVX2
#define OP256_IMM(name, narrow, wide, step)                                                        \
    static ALWAYS_INLINE V256 name(V256 a, unsigned imm)                                           \
    {                                                                                              \
        return wide(a, imm);                                                                       \
    }
#define OP256_2IMM(name, narrow, wide, step)                                                       \
    static ALWAYS_INLINE V256 name(V256 a, V256 b, unsigned imm)                                   \
    {                                                                                              \
        return wide(a, b, imm);                                                                    \
    }
#else
#define OP256_IMM(name, narrow, wide, step)                                                        \
    static ALWAYS_INLINE V256 name(V256 a, unsigned imm)                                           \
    {                                                                                              \
        return (V256){narrow(a.lo, imm), narrow(a.hi, imm >> (step))};                             \
    }
#define OP256_2IMM(name, narrow, wide, step)                                                       \
    static ALWAYS_INLINE V256 name(V256 a, V256 b, unsigned imm)                                   \
    {                                                                                              \
        return (V256){narrow(a.lo, b.lo, imm), narrow(a.hi, b.hi, imm >> (step))};                 \
    }
#endif

/* h_##name: reg := op(r/m, imm). */
#define VEX_OP_IMM(name, narrow, wide, step)                                                       \
    OP256_IMM(name##_wide, narrow, wide, step)                                                     \
    static ALWAYS_INLINE void name##_128_do(struct cpu *cpu, const struct insn *i, __m128i b)      \
    {                                                                                              \
        xmm_set_vex(cpu, i->reg, narrow(b, (unsigned)i->imm));                                     \
    }                                                                                              \
    static ALWAYS_INLINE void name##_256_do(struct cpu *cpu, const struct insn *i, V256 b)         \
    {                                                                                              \
        ymm_set(cpu, i->reg, name##_wide(b, (unsigned)i->imm));                                    \
    }                                                                                              \
    FORMS_VEX(name)

/* h_##name: reg := op(vvvv, r/m, imm). */
#define VEX_OP_2IMM(name, narrow, wide, step)                                                      \
    OP256_2IMM(name##_wide, narrow, wide, step)                                                    \
    static ALWAYS_INLINE void name##_128_do(struct cpu *cpu, const struct insn *i, __m128i b)      \
    {                                                                                              \
        xmm_set_vex(cpu, i->reg, narrow(xmm_get(cpu, i->vvvv), b, (unsigned)i->imm));              \
    }                                                                                              \
    static ALWAYS_INLINE void name##_256_do(struct cpu *cpu, const struct insn *i, V256 b)         \
    {                                                                                              \
        ymm_set(cpu, i->reg, name##_wide(ymm_get(cpu, i->vvvv), b, (unsigned)i->imm));             \
    }                                                                                              \
    FORMS_VEX(name)

#endif
