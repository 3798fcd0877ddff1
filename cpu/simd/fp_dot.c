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

/* a[k] := op(x of a[k], y of b[k]) */
#define STEP(op, kind, x, y)                                                                       \
    do {                                                                                           \
        sse_check_begin(cpu);                                                                      \
        for (unsigned k = 0; k < a.n; k++)                                                         \
            a.v[k] = op(x, y);                                                                     \
        if (unlikely(cpu->mxcsr_unmasked))                                                         \
            sse_precise_end(cpu, i, a.v[0], a.v[1], kind);                                         \
    } while (0)

static struct halves dot_ps(struct cpu *cpu, const struct insn *i, struct halves a, struct halves b)
{
    __m128i from = lanes_ps((unsigned)i->imm >> 4), to = lanes_ps((unsigned)i->imm);

    STEP(fp_mulps, SSE_PS, _mm_and_si128(a.v[k], from), _mm_and_si128(b.v[k], from));
    STEP(fp_addps, SSE_PS, FP_PICK_PS(a.v[k], a.v[k], 0x88), FP_PICK_PS(a.v[k], a.v[k], 0xdd));
    STEP(fp_addps, SSE_PS, FP_PICK_PS(a.v[k], a.v[k], 0x00), FP_PICK_PS(a.v[k], a.v[k], 0x55));
    for (unsigned k = 0; k < a.n; k++)
        a.v[k] = _mm_and_si128(a.v[k], to);
    return a;
}

static struct halves dot_pd(struct cpu *cpu, const struct insn *i, struct halves a, struct halves b)
{
    __m128i from = lanes_pd((unsigned)i->imm >> 4), to = lanes_pd((unsigned)i->imm);

    STEP(fp_mulpd, SSE_PD, _mm_and_si128(a.v[k], from), _mm_and_si128(b.v[k], from));
    STEP(fp_addpd, SSE_PD, FP_PICK_PD(a.v[k], a.v[k], 0), FP_PICK_PD(a.v[k], a.v[k], 3));
    a.v[0] = _mm_and_si128(a.v[0], to);
    return a;
}

#define DOT_128(name, dot)                                                                         \
    static void name##_do(struct cpu *cpu, const struct insn *i, __m128i b)                        \
    {                                                                                              \
        struct halves x = {{xmm_get(cpu, i->reg), _mm_setzero_si128()}, 1};                        \
                                                                                                   \
        xmm_set(cpu, i->reg, dot(cpu, i, x, (struct halves){{b, b}, 1}).v[0]);                     \
    }                                                                                              \
    FORMS_RM(name, xmm_get(cpu, i->rm), lda128, 16)                                                \
    static void v##name##_128_do(struct cpu *cpu, const struct insn *i, __m128i b)                 \
    {                                                                                              \
        struct halves x = {{xmm_get(cpu, i->vvvv), _mm_setzero_si128()}, 1};                       \
                                                                                                   \
        xmm_set_vex(cpu, i->reg, dot(cpu, i, x, (struct halves){{b, b}, 1}).v[0]);                 \
    }                                                                                              \
    HANDLERS_VEX_RM(v##name##_128, xmm_get(cpu, i->rm), ldu128, 16)

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
HANDLERS_VEX_RM(vdpps_256, ymm_get(cpu, i->rm), ldu256, 32)
FAMILY_VEX_RM(h_vdpps, vdpps_128, vdpps_256);
