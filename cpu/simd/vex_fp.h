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
static inline void vex_finish(struct cpu *cpu, const struct insn *i, V256 r, enum sse_result kind)
{
    sse_precise_end(cpu, i, v256_lo(r), v256_hi(r), kind);
}
#define FP_DO_256(name, compute, kind, set)                                                        \
    FP_DO(name, V256, V256, compute, vex_finish(cpu, i, r, kind), set)

/* fp_X_256: of two operands, of one. */
#ifdef HOST_AVX2
#define FP_BINARY_256(name, kind)                                                                  \
    static ALWAYS_INLINE V256 fp_##name##_256(V256 a, V256 b)                                      \
    {                                                                                              \
        V256 r;                                                                                    \
                                                                                                   \
        __asm__ volatile("v" #name " %2, %1, %0" : "=x"(r) : "x"(a), "x"(b));                      \
        return r;                                                                                  \
    }
#define FP_UNARY_256(name, kind)                                                                   \
    static ALWAYS_INLINE V256 fp_##name##_256(V256 b)                                              \
    {                                                                                              \
        V256 r;                                                                                    \
                                                                                                   \
        __asm__ volatile("v" #name " %1, %0" : "=x"(r) : "x"(b));                                  \
        return r;                                                                                  \
    }
#else
#define FP_BINARY_256(name, kind)                                                                  \
    static ALWAYS_INLINE V256 fp_##name##_256(V256 a, V256 b)                                      \
    {                                                                                              \
        return v256_join(fp_##name(v256_lo(a), v256_lo(b)), fp_##name(v256_hi(a), v256_hi(b)));    \
    }
#define FP_UNARY_256(name, kind)                                                                   \
    static ALWAYS_INLINE V256 fp_##name##_256(V256 b)                                              \
    {                                                                                              \
        return v256_join(fp_##name(v256_lo(b)), fp_##name(v256_hi(b)));                            \
    }
#endif

/* h_vX: reg := fp_X(vvvv, r/m) at both lengths; reg := fp_X(r/m). */
#define VEX_FP_PACKED(name, kind)                                                                  \
    FP_BINARY_256(name, kind)                                                                      \
    FP_DO_128(v##name##_128, fp_##name(xmm_get(cpu, i->vvvv), b), kind, xmm_set_vex)               \
    FP_DO_256(v##name##_256, fp_##name##_256(ymm_get(cpu, i->vvvv), b), kind, ymm_set)             \
    FORMS_VEX(v##name)
#define VEX_FP_UNARY(name, kind)                                                                   \
    FP_UNARY_256(name, kind)                                                                       \
    FP_DO_128(v##name##_128, fp_##name(b), kind, xmm_set_vex)                                      \
    FP_DO_256(v##name##_256, fp_##name##_256(b), kind, ymm_set)                                    \
    FORMS_VEX(v##name)

/* The family h_##name of a scalar from name##_do(cpu, i, __m128i): VEX.L does not count. */
#define FORMS_VEX_SCALAR(name, ld, size)                                                           \
    HANDLERS_VEX(name, xmm_get(cpu, i->rm), ld, size)                                              \
    FAMILY_VEX(h_##name, name, name);

/* h_vX: reg := fp_X(vvvv, r/m), whose lower lane alone is computed. */
#define VEX_FP_SCALAR(name, ld, size, kind)                                                        \
    FP_DO_128(v##name, fp_##name(xmm_get(cpu, i->vvvv), b), kind, xmm_set_vex)                     \
    FORMS_VEX_SCALAR(v##name, ld, size)

#endif
