/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all files here share: registers and memory operands as host vectors, the forms of a handler,
 * and the check of SSE exceptions that the guest has not masked. SDM volume 1, chapters 9-11.
 */
#ifndef CPU_SIMD_SIMD_H
#define CPU_SIMD_SIMD_H

#include <emmintrin.h>

#include "cpu/exec_x87.h"

/* ---- XMM registers and memory ---- */

static inline __m128i xmm_get(const struct cpu *cpu, unsigned r)
{
    return _mm_load_si128((const __m128i *)&cpu->ymm[r]);
}

static inline void xmm_set(struct cpu *cpu, unsigned r, __m128i v)
{
    _mm_store_si128((__m128i *)&cpu->ymm[r], v);
}

__attribute__((noinline, cold)) __m128i simd_ld128_slow(struct cpu *cpu, const struct insn *i,
                                                        gva_t va);
__attribute__((noinline, cold)) void simd_st128_slow(struct cpu *cpu, const struct insn *i,
                                                     gva_t va, __m128i v);
/* #GP(0) for an operand that is not aligned. */
__attribute__((noreturn, cold)) void simd_misaligned(struct cpu *cpu, const struct insn *i);

/* 16 bytes at any alignment. */
static ALWAYS_INLINE __m128i ldu128(struct cpu *cpu, const struct insn *i, gva_t va)
{
    const void *p = tlb_hit(cpu, va, 16, ACC_R);

    return likely(p) ? _mm_loadu_si128((const __m128i *)p) : simd_ld128_slow(cpu, i, va);
}

static ALWAYS_INLINE void stu128(struct cpu *cpu, const struct insn *i, gva_t va, __m128i v)
{
    void *p = tlb_hit(cpu, va, 16, ACC_W);

    if (likely(p))
        _mm_storeu_si128((__m128i *)p, v);
    else
        simd_st128_slow(cpu, i, va, v);
}

/* 16 bytes that must be aligned. */
static ALWAYS_INLINE __m128i lda128(struct cpu *cpu, const struct insn *i, gva_t va)
{
    if (unlikely(va & 15))
        simd_misaligned(cpu, i);
    return ldu128(cpu, i, va);
}

static ALWAYS_INLINE void sta128(struct cpu *cpu, const struct insn *i, gva_t va, __m128i v)
{
    if (unlikely(va & 15))
        simd_misaligned(cpu, i);
    stu128(cpu, i, va, v);
}

/* 8 and 4 bytes, zero-extended; not by way of a general register. */
static ALWAYS_INLINE __m128i ld64v(struct cpu *cpu, const struct insn *i, gva_t va)
{
    const void *p = tlb_hit(cpu, va, 8, ACC_R);

    return likely(p) ? _mm_loadl_epi64((const __m128i *)p)
                     : _mm_cvtsi64_si128((long long)mem_read_slow(cpu, i, va, 8));
}

static ALWAYS_INLINE __m128i ld32v(struct cpu *cpu, const struct insn *i, gva_t va)
{
    const void *p = tlb_hit(cpu, va, 4, ACC_R);

    return likely(p) ? _mm_castps_si128(_mm_load_ss(p))
                     : _mm_cvtsi32_si128((int)mem_read_slow(cpu, i, va, 4));
}

/* v's low 64 bits below old's high ones. */
static ALWAYS_INLINE __m128i low_qword(__m128i old, __m128i v)
{
    return _mm_castpd_si128(_mm_move_sd(_mm_castsi128_pd(old), _mm_castsi128_pd(v)));
}

static inline uint64_t low64(__m128i v)
{
    return (uint64_t)_mm_cvtsi128_si64(v);
}

static inline uint32_t low32(__m128i v)
{
    return (uint32_t)_mm_cvtsi128_si32(v);
}

/* ---- forms ---- */

/* One handler: `stmt` on registers, or at the linear address va. */
#define HANDLER_REG(name, stmt)                                                                    \
    HANDLER(name##_reg)                                                                            \
    {                                                                                              \
        stmt;                                                                                      \
        NEXT;                                                                                      \
    }
#define HANDLER_AT(name, form, address, stmt)                                                      \
    HANDLER(name##_##form)                                                                         \
    {                                                                                              \
        gva_t va = address;                                                                        \
                                                                                                   \
        stmt;                                                                                      \
        NEXT;                                                                                      \
    }
#define HANDLER_GEN(name, size, acc, stmt) HANDLER_AT(name, gen, ea_gen(cpu, i, size, acc), stmt)
#define HANDLER_X32(name, stmt)            HANDLER_AT(name, x32, ea_x32(cpu, i), stmt)
#define HANDLERS_64(name, stmt)                                                                    \
    HANDLER_AT(name, x64, ea_x64(cpu, i), stmt)                                                    \
    HANDLER_AT(name, b64, ea_b64(cpu, i), stmt)

/* Handlers around a function name##_do(cpu, i, operand): the operand is regexpr for registers, and
 * what ld makes of the address for memory. Those for registers and for any memory; */
#define HANDLERS_RM(name, regexpr, ld, size)                                                       \
    HANDLER_REG(name, name##_do(cpu, i, regexpr))                                                  \
    HANDLER_GEN(name, size, ACC_R, name##_do(cpu, i, ld(cpu, i, va)))
/* for flat 64-bit memory, too; */
#define HANDLERS_LOAD64(name, regexpr, ld, size)                                                   \
    HANDLERS_RM(name, regexpr, ld, size)                                                           \
    HANDLERS_64(name, name##_do(cpu, i, ld(cpu, i, va)))
/* and of all five forms. */
#define HANDLERS_LOAD(name, regexpr, ld, size)                                                     \
    HANDLERS_LOAD64(name, regexpr, ld, size)                                                       \
    HANDLER_X32(name, name##_do(cpu, i, ld(cpu, i, va)))

/* The same for stores: st(cpu, i, va, value) to memory, `regstmt` for registers. */
#define HANDLERS_STORE64(name, regstmt, value, st, size)                                           \
    HANDLER_REG(name, regstmt)                                                                     \
    HANDLER_GEN(name, size, ACC_W, st(cpu, i, va, value))                                          \
    HANDLERS_64(name, st(cpu, i, va, value))
#define HANDLERS_STORE(name, regstmt, value, st, size)                                             \
    HANDLERS_STORE64(name, regstmt, value, st, size)                                               \
    HANDLER_X32(name, st(cpu, i, va, value))

#define FORMS_FAMILY(name)                                                                         \
    FAMILY_FORMS(h_##name, name##_reg, name##_gen, name##_x32, name##_x64, name##_b64)
#define FORMS_LOAD(name, regexpr, ld, size)                                                        \
    HANDLERS_LOAD(name, regexpr, ld, size)                                                         \
    FORMS_FAMILY(name);
#define FORMS_STORE(name, regstmt, value, st, size)                                                \
    HANDLERS_STORE(name, regstmt, value, st, size)                                                 \
    FORMS_FAMILY(name);

/* A family whose handlers are n's without REX.W, and w's with it (operand size SZ64). */
#define FORMS_FAMILY_W(name, n, w)                                                                 \
    const struct family FAMILY_NAME(name) = {                                                      \
        .fn = {{n##_reg, n##_gen, n##_x32, n##_x64, n##_b64},                                      \
               {n##_reg, n##_gen, n##_x32, n##_x64, n##_b64},                                      \
               {n##_reg, n##_gen, n##_x32, n##_x64, n##_b64},                                      \
               {w##_reg, w##_gen, w##_x32, w##_x64, w##_b64}}}

/* For cold instructions: registers, and memory of any form. */
#define FORMS_RM(name, regexpr, ld, size)                                                          \
    HANDLERS_RM(name, regexpr, ld, size)                                                           \
    FAMILY_RM(h_##name, name##_reg, name##_gen);

/* The selected of n bytes of v to DS:rDI (or its override). */
void simd_masked_store(struct cpu *cpu, const struct insn *i, __m128i v, __m128i mask, unsigned n);

/* ---- exceptions that are not masked ---- */

/* What was computed: with overflow or underflow not masked, flags differ from those of the masked
 * run. SSE_OTHER can do neither. */
enum sse_op {
    SSE_OTHER,
    SSE_ADD,
    SSE_SUB,
    SSE_MUL,
    SSE_DIV,
    SSE_ADDSUB,
    SSE_HADD,
    SSE_HSUB,
    SSE_FMA,
    SSE_NARROW,  /* doubles to singles */
    SSE_TO_HALF, /* singles to halves */
};
enum sse_kind { SSE_PS, SSE_SS, SSE_PD, SSE_SD };

/* The operands, halves of 256 bits; of less the upper ones are zero. */
struct sse_work {
    enum sse_op op;
    enum sse_kind kind;
    __m128i x[2], y[2], z[2];
    uint8_t minus[3]; /* SSE_FMA: the product, z in even lanes, in odd ones */
    uint8_t imm;      /* SSE_TO_HALF: how to round */
};

/* Between the two the host's instruction runs with clean flags. The second does not return when an
 * exception is due, and nothing of the guest but MXCSR's flags has changed then; w may be NULL for
 * SSE_OTHER. */
__attribute__((noinline, cold)) void sse_precise_begin(struct cpu *cpu);
__attribute__((noinline, cold)) void sse_precise_end(struct cpu *cpu, const struct insn *i,
                                                     const struct sse_work *w);

static inline void sse_finish(struct cpu *cpu, const struct insn *i, enum sse_op op,
                              enum sse_kind kind, __m128i x, __m128i y)
{
    struct sse_work w = {.op = op, .kind = kind, .x = {x}, .y = {y}};

    sse_precise_end(cpu, i, &w);
}

/*
 * name##_do(cpu, i, b): set(cpu, i->reg, r), where r is what the expression `compute` makes of cpu,
 * i and b on the host. When the guest has not masked every exception this is done out of line, so
 * that one branch is all that others pay: the statement `finish` then judges the flags. It does not
 * return when an exception is due, and nothing of the guest but MXCSR's flags has changed then.
 */
#define FP_DO(name, operand, result, compute, finish, set)                                         \
    static __attribute__((noinline, cold)) void name##_precise(struct cpu *cpu,                    \
                                                               const struct insn *i, operand b)    \
    {                                                                                              \
        result r;                                                                                  \
                                                                                                   \
        sse_precise_begin(cpu);                                                                    \
        r = compute;                                                                               \
        finish;                                                                                    \
        set(cpu, i->reg, r);                                                                       \
    }                                                                                              \
    static ALWAYS_INLINE void name##_do(struct cpu *cpu, const struct insn *i, operand b)          \
    {                                                                                              \
        if (unlikely(cpu->mxcsr_unmasked))                                                         \
            name##_precise(cpu, i, b);                                                             \
        else                                                                                       \
            set(cpu, i->reg, compute);                                                             \
    }

/* For what can neither overflow nor underflow. */
#define FP_DO_PLAIN(name, operand, result, compute, set)                                           \
    FP_DO(name, operand, result, compute, sse_precise_end(cpu, i, NULL), set)

/* Around a host instruction where FP_DO does not fit. */
static ALWAYS_INLINE void sse_check_begin(struct cpu *cpu)
{
    if (unlikely(cpu->mxcsr_unmasked))
        sse_precise_begin(cpu);
}

static ALWAYS_INLINE void sse_check_end(struct cpu *cpu, const struct insn *i)
{
    if (unlikely(cpu->mxcsr_unmasked))
        sse_precise_end(cpu, i, NULL);
}

/* ---- MMX ---- */

/* What every MMX instruction but EMMS does to the x87 (SDM volume 1, section 9.5.1). */
static inline void mmx_enter(struct cpu *cpu)
{
    cpu->fpu.top = 0;
    cpu->fpu.tags = 0xff;
}

static inline __m128i mmx_get(const struct cpu *cpu, unsigned r)
{
    return _mm_loadl_epi64((const __m128i *)cpu->fpu.st[r & 7]);
}

/* The exponent and sign above an MMX register become ones. */
static inline void mmx_set(struct cpu *cpu, unsigned r, __m128i v)
{
    uint8_t *st = cpu->fpu.st[r & 7];

    _mm_storel_epi64((__m128i *)st, v);
    st_le16(st + 8, 0xffff);
}

#endif
