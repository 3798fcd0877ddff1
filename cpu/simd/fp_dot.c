/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dot products, SSE4.1 and AVX: products of the lanes that imm[7:4] selects, their sum into those
 * that imm[3:0] does, zeros into the rest. SDM volume 2, DPPS and DPPD: pairs are added, then the
 * sums; an exception that is not masked stops the instruction at the step that finds it.
 */
#include "cpu/simd/vex_fp.h"

/* Lanes whose bit in `bits` is set. */
static __m128i lanes_ps(unsigned bits)
{
    const __m128i bit = _mm_set_epi32(8, 4, 2, 1);

    return _mm_cmpeq_epi32(_mm_and_si128(_mm_set1_epi32((int)bits), bit), bit);
}

static __m128i lanes_pd(unsigned bits)
{
    const __m128i bit = _mm_set_epi32(2, 2, 1, 1);

    return _mm_cmpeq_epi32(_mm_and_si128(_mm_set1_epi32((int)bits), bit), bit);
}

/* Both halves of 256 bits, the first of which is all there is of 128: then the other is zero. */
struct halves {
    __m128i v[2];
    unsigned n;
};

/* a := the operation on a and b; sums are of neighbouring lanes. */
#define STEP(compute, op_, kind_)                                                                  \
    static struct halves step_##compute(struct cpu *cpu, const struct insn *i, struct halves a,    \
                                        struct halves b)                                           \
    {                                                                                              \
        struct halves r = {{_mm_setzero_si128(), _mm_setzero_si128()}, a.n};                       \
                                                                                                   \
        sse_check_begin(cpu);                                                                      \
        for (unsigned k = 0; k < a.n; k++)                                                         \
            r.v[k] = fp_##compute(a.v[k], b.v[k]);                                                 \
        if (unlikely(cpu->mxcsr_unmasked)) {                                                       \
            struct sse_work w = {.op = op_, .kind = kind_};                                        \
                                                                                                   \
            memcpy(w.x, a.v, sizeof(w.x));                                                         \
            memcpy(w.y, b.v, sizeof(w.y));                                                         \
            sse_precise_end(cpu, i, &w);                                                           \
        }                                                                                          \
        return r;                                                                                  \
    }
STEP(mulps, SSE_MUL, SSE_PS)
STEP(haddps, SSE_HADD, SSE_PS)
STEP(mulpd, SSE_MUL, SSE_PD)
STEP(haddpd, SSE_HADD, SSE_PD)

static struct halves mask(struct halves a, __m128i lanes)
{
    return (struct halves){{_mm_and_si128(a.v[0], lanes), _mm_and_si128(a.v[1], lanes)}, a.n};
}

static struct halves dot_ps(struct cpu *cpu, const struct insn *i, struct halves a, struct halves b)
{
    __m128i from = lanes_ps((unsigned)i->imm >> 4);

    a = step_mulps(cpu, i, mask(a, from), mask(b, from));
    a = step_haddps(cpu, i, a, a);
    a = step_haddps(cpu, i, a, a);
    return mask(a, lanes_ps((unsigned)i->imm));
}

static struct halves dot_pd(struct cpu *cpu, const struct insn *i, struct halves a, struct halves b)
{
    __m128i from = lanes_pd((unsigned)i->imm >> 4);

    a = step_mulpd(cpu, i, mask(a, from), mask(b, from));
    a = step_haddpd(cpu, i, a, a);
    return mask(a, lanes_pd((unsigned)i->imm));
}

#define DOT_128(name, dot)                                                                         \
    static void name##_do(struct cpu *cpu, const struct insn *i, __m128i b)                        \
    {                                                                                              \
        struct halves x = {{xmm_get(cpu, i->reg), _mm_setzero_si128()}, 1};                        \
                                                                                                   \
        xmm_set(cpu, i->reg, dot(cpu, i, x, (struct halves){{b, _mm_setzero_si128()}, 1}).v[0]);   \
    }                                                                                              \
    FORMS_RM(name, xmm_get(cpu, i->rm), lda128, 16)                                                \
    static void v##name##_128_do(struct cpu *cpu, const struct insn *i, __m128i b)                 \
    {                                                                                              \
        struct halves x = {{xmm_get(cpu, i->vvvv), _mm_setzero_si128()}, 1};                       \
                                                                                                   \
        xmm_set_vex(cpu, i->reg,                                                                   \
                    dot(cpu, i, x, (struct halves){{b, _mm_setzero_si128()}, 1}).v[0]);            \
    }                                                                                              \
    HANDLERS_RM(v##name##_128, xmm_get(cpu, i->rm), ldu128, 16)

DOT_128(dpps, dot_ps)
DOT_128(dppd, dot_pd)
FAMILY_VEX_RM(h_vdppd, vdppd_128, vdppd_128);

static void vdpps_256_do(struct cpu *cpu, const struct insn *i, V256 b)
{
    V256 a = ymm_get(cpu, i->vvvv);
    struct halves r = dot_ps(cpu, i, (struct halves){{v256_lo(a), v256_hi(a)}, 2},
                             (struct halves){{v256_lo(b), v256_hi(b)}, 2});

    ymm_set(cpu, i->reg, v256_join(r.v[0], r.v[1]));
}
HANDLERS_RM(vdpps_256, ymm_get(cpu, i->rm), ldu256, 32)
FAMILY_VEX_RM(h_vdpps, vdpps_128, vdpps_256);
