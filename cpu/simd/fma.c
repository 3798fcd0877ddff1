/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FMA: x * y + z with one rounding. The digits of a mnemonic say which of the three operands (1 the
 * destination, 2 VEX.vvvv, 3 r/m) are the factors and which is added. SDM volume 1, 14.5; volume 2,
 * VFMADD132PD and so on.
 */
#include "cpu/simd/soft_simd.h"
#include "cpu/simd/vex_fp.h"

/* What is done to the product and to the even and the odd lanes of z: 1 negates. */
#define FMA_PACKED_OPS(X, digits, x, y, z)                                                         \
    X(vfmadd##digits##ps, SSE_PS, x, y, z, 0, 0, 0)                                                \
    X(vfmadd##digits##pd, SSE_PD, x, y, z, 0, 0, 0)                                                \
    X(vfmsub##digits##ps, SSE_PS, x, y, z, 0, 1, 1)                                                \
    X(vfmsub##digits##pd, SSE_PD, x, y, z, 0, 1, 1)                                                \
    X(vfnmadd##digits##ps, SSE_PS, x, y, z, 1, 0, 0)                                               \
    X(vfnmadd##digits##pd, SSE_PD, x, y, z, 1, 0, 0)                                               \
    X(vfnmsub##digits##ps, SSE_PS, x, y, z, 1, 1, 1)                                               \
    X(vfnmsub##digits##pd, SSE_PD, x, y, z, 1, 1, 1)
#define FMA_MIXED_OPS(X, digits, x, y, z)                                                          \
    X(vfmaddsub##digits##ps, SSE_PS, x, y, z, 0, 1, 0)                                             \
    X(vfmaddsub##digits##pd, SSE_PD, x, y, z, 0, 1, 0)                                             \
    X(vfmsubadd##digits##ps, SSE_PS, x, y, z, 0, 0, 1)                                             \
    X(vfmsubadd##digits##pd, SSE_PD, x, y, z, 0, 0, 1)
#define FMA_SCALAR_OPS(X, digits, x, y, z)                                                         \
    X(vfmadd##digits##ss, SSE_SS, ld32v, 4, x, y, z, 0, 0, 0)                                      \
    X(vfmadd##digits##sd, SSE_SD, ld64v, 8, x, y, z, 0, 0, 0)                                      \
    X(vfmsub##digits##ss, SSE_SS, ld32v, 4, x, y, z, 0, 1, 1)                                      \
    X(vfmsub##digits##sd, SSE_SD, ld64v, 8, x, y, z, 0, 1, 1)                                      \
    X(vfnmadd##digits##ss, SSE_SS, ld32v, 4, x, y, z, 1, 0, 0)                                     \
    X(vfnmadd##digits##sd, SSE_SD, ld64v, 8, x, y, z, 1, 0, 0)                                     \
    X(vfnmsub##digits##ss, SSE_SS, ld32v, 4, x, y, z, 1, 1, 1)                                     \
    X(vfnmsub##digits##sd, SSE_SD, ld64v, 8, x, y, z, 1, 1, 1)

#ifdef HOST_AVX2
#define FMA_ON(function, name, type)                                                               \
    static ALWAYS_INLINE type function(type a, type b, type c)                                     \
    {                                                                                              \
        __asm__ volatile(#name " %2, %1, %0" : "+x"(a) : "x"(b), "x"(c));                          \
        return a;                                                                                  \
    }
#define FMA_128(name, kind, x, y, z, product, even, odd) FMA_ON(name##_on, name, __m128i)
#define FMA_256(name, kind, x, y, z, product, even, odd) FMA_ON(name##_on_256, name, V256)
#else
/* Each lane; those that kind has not stay as in `a`. */
static __attribute__((noinline)) __m128i fma_lanes(__m128i a, const __m128i xyz[3],
                                                   enum sse_kind kind, const bool minus[3])
{
    const struct soft_format *f = soft_format_of(kind);
    struct soft_env e = soft_begin();
    union xmm x, y, z, r;

    _mm_store_si128((__m128i *)&x, xyz[0]);
    _mm_store_si128((__m128i *)&y, xyz[1]);
    _mm_store_si128((__m128i *)&z, xyz[2]);
    _mm_store_si128((__m128i *)&r, a);
    for (unsigned n = 0; n < soft_lanes(kind); n++)
        soft_set_lane(&r, kind, n,
                      soft_fma(&e, f, soft_lane(&x, kind, n), soft_lane(&y, kind, n),
                               soft_lane(&z, kind, n), minus[0], minus[1 + (n & 1)]));
    soft_end(&e);
    return _mm_load_si128((const __m128i *)&r);
}

#define FMA_128(name, kind, x, y, z, product, even, odd)                                           \
    static __m128i name##_on(__m128i a, __m128i b, __m128i c)                                      \
    {                                                                                              \
        return fma_lanes(a, (const __m128i[]){x, y, z}, kind, (const bool[]){product, even, odd}); \
    }
#define FMA_256(name, kind, x, y, z, product, even, odd)                                           \
    static V256 name##_on_256(V256 a, V256 b, V256 c)                                              \
    {                                                                                              \
        return v256_join(name##_on(v256_lo(a), v256_lo(b), v256_lo(c)),                            \
                         name##_on(v256_hi(a), v256_hi(b), v256_hi(c)));                           \
    }
#endif

#define FMA_DO_128(handler, name, kind_, x_, y_, z_, product, even, odd)                           \
    FMA_128(name, kind_, x_, y_, z_, product, even, odd)                                           \
    static void handler##_finish(struct cpu *cpu, const struct insn *i, __m128i a, __m128i b,      \
                                 __m128i c)                                                        \
    {                                                                                              \
        struct sse_work w = {.op = SSE_FMA,                                                        \
                             .kind = kind_,                                                        \
                             .x = {x_},                                                            \
                             .y = {y_},                                                            \
                             .z = {z_},                                                            \
                             .minus = {product, even, odd}};                                       \
                                                                                                   \
        sse_precise_end(cpu, i, &w);                                                               \
    }                                                                                              \
    FP_DO(handler, __m128i, __m128i, name##_on(xmm_get(cpu, i->reg), xmm_get(cpu, i->vvvv), b),    \
          handler##_finish(cpu, i, xmm_get(cpu, i->reg), xmm_get(cpu, i->vvvv), b), xmm_set_vex)
#define FMA_DO_256(handler, name, kind_, x_, y_, z_, product, even, odd)                           \
    FMA_256(name, kind_, x_, y_, z_, product, even, odd)                                           \
    static void handler##_finish(struct cpu *cpu, const struct insn *i, V256 a, V256 b, V256 c)    \
    {                                                                                              \
        struct sse_work w = {.op = SSE_FMA,                                                        \
                             .kind = kind_,                                                        \
                             .x = {v256_lo(x_), v256_hi(x_)},                                      \
                             .y = {v256_lo(y_), v256_hi(y_)},                                      \
                             .z = {v256_lo(z_), v256_hi(z_)},                                      \
                             .minus = {product, even, odd}};                                       \
                                                                                                   \
        sse_precise_end(cpu, i, &w);                                                               \
    }                                                                                              \
    FP_DO(handler, V256, V256, name##_on_256(ymm_get(cpu, i->reg), ymm_get(cpu, i->vvvv), b),      \
          handler##_finish(cpu, i, ymm_get(cpu, i->reg), ymm_get(cpu, i->vvvv), b), ymm_set)
#define FMA_BOTH(name, ...)                                                                        \
    FMA_DO_128(name##_128, name, __VA_ARGS__)                                                      \
    FMA_DO_256(name##_256, name, __VA_ARGS__)

/* Where all is software, how memory is addressed does not matter. */
#ifdef HOST_AVX2
#define FMA_FORMS_PACKED FORMS_VEX
#define FMA_FORMS_SCALAR FORMS_VEX_SCALAR
#else
#define FMA_FORMS_PACKED FORMS_VEX_RM
#define FMA_FORMS_SCALAR(name, ld, size)                                                           \
    HANDLERS_RM(name, xmm_get(cpu, i->rm), ld, size)                                               \
    FAMILY_VEX_RM(h_##name, name, name);
#endif

#define FMA_PACKED(name, ...)                                                                      \
    FMA_BOTH(name, __VA_ARGS__)                                                                    \
    FMA_FORMS_PACKED(name)
#define FMA_MIXED(name, ...)                                                                       \
    FMA_BOTH(name, __VA_ARGS__)                                                                    \
    FORMS_VEX_RM(name)
#define FMA_SCALAR(name, kind, ld, size, ...)                                                      \
    FMA_DO_128(name, name, kind, __VA_ARGS__)                                                      \
    FMA_FORMS_SCALAR(name, ld, size)

FMA_PACKED_OPS(FMA_PACKED, 132, a, c, b)
FMA_PACKED_OPS(FMA_PACKED, 213, b, a, c)
FMA_PACKED_OPS(FMA_PACKED, 231, b, c, a)
FMA_MIXED_OPS(FMA_MIXED, 132, a, c, b)
FMA_MIXED_OPS(FMA_MIXED, 213, b, a, c)
FMA_MIXED_OPS(FMA_MIXED, 231, b, c, a)
FMA_SCALAR_OPS(FMA_SCALAR, 132, a, c, b)
FMA_SCALAR_OPS(FMA_SCALAR, 213, b, a, c)
FMA_SCALAR_OPS(FMA_SCALAR, 231, b, c, a)
