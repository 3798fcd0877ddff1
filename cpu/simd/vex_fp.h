/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What handlers of AVX floating point share: host instructions on 256 bits (on each half where the
 * host has no AVX), the check of exceptions that are not masked, and handlers of VEX scalars. SDM
 * volume 1, 14.1-14.3.
 */
#ifndef CPU_SIMD_VEX_FP_H
#define CPU_SIMD_VEX_FP_H

#include "cpu/simd/fp_ops.h"
#include "cpu/simd/vex.h"

/* As sse_finish, of 256 bits. */
static inline void vex_finish(struct cpu *cpu, const struct insn *i, enum sse_op op,
                              enum sse_kind kind, V256 x, V256 y)
{
    struct sse_work w = {
        .op = op, .kind = kind, .x = {v256_lo(x), v256_hi(x)}, .y = {v256_lo(y), v256_hi(y)}};

    sse_precise_end(cpu, i, &w);
}

/* fp_X_256: of two operands, of one. */
#ifdef HOST_AVX2
#define FP_BINARY_256(name)                                                                        \
    static ALWAYS_INLINE V256 fp_##name##_256(V256 a, V256 b)                                      \
    {                                                                                              \
        V256 r;                                                                                    \
                                                                                                   \
        __asm__ volatile("v" #name " %2, %1, %0" : "=x"(r) : "x"(a), "x"(b));                      \
        return r;                                                                                  \
    }
#define FP_UNARY_256(name)                                                                         \
    static ALWAYS_INLINE V256 fp_##name##_256(V256 b)                                              \
    {                                                                                              \
        V256 r;                                                                                    \
                                                                                                   \
        __asm__ volatile("v" #name " %1, %0" : "=x"(r) : "x"(b));                                  \
        return r;                                                                                  \
    }
#else
#define FP_BINARY_256(name)                                                                        \
    static ALWAYS_INLINE V256 fp_##name##_256(V256 a, V256 b)                                      \
    {                                                                                              \
        return v256_join(fp_##name(v256_lo(a), v256_lo(b)), fp_##name(v256_hi(a), v256_hi(b)));    \
    }
#define FP_UNARY_256(name)                                                                         \
    static ALWAYS_INLINE V256 fp_##name##_256(V256 b)                                              \
    {                                                                                              \
        return v256_join(fp_##name(v256_lo(b)), fp_##name(v256_hi(b)));                            \
    }
#endif

/* h_vX: reg := fp_X(vvvv, r/m) at both lengths; reg := fp_X(r/m). */
#define VEX_FP_PACKED(name, kind, op)                                                              \
    FP_BINARY_256(name)                                                                            \
    FP_DO(v##name##_128, __m128i, __m128i, fp_##name(xmm_get(cpu, i->vvvv), b),                    \
          sse_finish(cpu, i, op, kind, xmm_get(cpu, i->vvvv), b), xmm_set_vex)                     \
    FP_DO(v##name##_256, V256, V256, fp_##name##_256(ymm_get(cpu, i->vvvv), b),                    \
          vex_finish(cpu, i, op, kind, ymm_get(cpu, i->vvvv), b), ymm_set)                         \
    FORMS_VEX(v##name)
#define VEX_FP_UNARY(name)                                                                         \
    FP_UNARY_256(name)                                                                             \
    FP_DO_PLAIN(v##name##_128, __m128i, __m128i, fp_##name(b), xmm_set_vex)                        \
    FP_DO_PLAIN(v##name##_256, V256, V256, fp_##name##_256(b), ymm_set)                            \
    FORMS_VEX(v##name)

/* The family h_##name of a scalar from name##_do(cpu, i, __m128i): VEX.L does not count. */
#define FORMS_VEX_SCALAR(name, ld, size)                                                           \
    HANDLERS_LOAD64(name, xmm_get(cpu, i->rm), ld, size)                                           \
    FAMILY_VEX(h_##name, name, name);

/* h_vX: reg := fp_X(vvvv, r/m), whose lower lane alone is computed, from x and from r/m. */
#define VEX_FP_SCALAR_OF(name, ld, size, kind, op, x)                                              \
    FP_DO(v##name, __m128i, __m128i, fp_##name(xmm_get(cpu, i->vvvv), b),                          \
          sse_finish(cpu, i, op, kind, x, b), xmm_set_vex)                                         \
    FORMS_VEX_SCALAR(v##name, ld, size)
#define VEX_FP_SCALAR(name, ld, size, kind, op)                                                    \
    VEX_FP_SCALAR_OF(name, ld, size, kind, op, xmm_get(cpu, i->vvvv))
#define VEX_FP_SCALAR_CVT(name, ld, size, kind, op) VEX_FP_SCALAR_OF(name, ld, size, kind, op, b)

#endif
