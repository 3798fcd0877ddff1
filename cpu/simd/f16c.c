/* SPDX-License-Identifier: GPL-2.0-or-later */
/* F16C: halves in memory or registers to singles and back. SDM volume 1, 14.4; volume 2, VCVTPH2PS
 * and VCVTPS2PH. */
#include "cpu/simd/soft_simd.h"
#include "cpu/simd/vex_fp.h"

#ifdef HOST_AVX2
FP_UNARY(cvtph2ps)
static ALWAYS_INLINE V256 from_half_256(__m128i b)
{
    V256 r;

    __asm__ volatile("vcvtph2ps %1, %0" : "=x"(r) : "x"(b));
    return r;
}

/* Eight halves of a V256, or four with zeros above; the immediate says how to round. */
#define TO_HALF_CASE(n)                                                                            \
    case n:                                                                                        \
        __asm__ volatile("vcvtps2ph $" #n ", %1, %0" : "=x"(r) : "x"(v));                          \
        break;
#define TO_HALF(name, type)                                                                        \
    static __m128i name(type v, unsigned imm)                                                      \
    {                                                                                              \
        __m128i r;                                                                                 \
                                                                                                   \
        switch (imm & 7) {                                                                         \
            TO_HALF_CASE(0)                                                                        \
            TO_HALF_CASE(1)                                                                        \
            TO_HALF_CASE(2)                                                                        \
            TO_HALF_CASE(3)                                                                        \
        default: TO_HALF_CASE(4)                                                                   \
        }                                                                                          \
        return r;                                                                                  \
    }
TO_HALF(to_half, __m128i)
TO_HALF(to_half_256, V256)
#else
/* The lower four of b. */
static __m128i fp_cvtph2ps(__m128i b)
{
    struct soft_env e = soft_begin();
    union xmm v, r;

    _mm_store_si128((__m128i *)&v, b);
    for (unsigned n = 0; n < 4; n++)
        r.d[n] = soft_from_half(&e, v.w[n]);
    soft_end(&e);
    return _mm_load_si128((const __m128i *)&r);
}

static V256 from_half_256(__m128i b)
{
    return v256_join(fp_cvtph2ps(b), fp_cvtph2ps(_mm_unpackhi_epi64(b, b)));
}

static __m128i to_half(__m128i b, unsigned imm)
{
    struct soft_env e = soft_begin();
    union xmm v, r = {.q = {0, 0}};

    soft_round_by(&e, imm);
    _mm_store_si128((__m128i *)&v, b);
    for (unsigned n = 0; n < 4; n++)
        r.w[n] = (uint16_t)soft_narrow(&e, &soft_single, &soft_half, v.d[n]);
    soft_end(&e);
    return _mm_load_si128((const __m128i *)&r);
}

static __m128i to_half_256(V256 v, unsigned imm)
{
    return _mm_unpacklo_epi64(to_half(v256_lo(v), imm), to_half(v256_hi(v), imm));
}
#endif

FP_DO_PLAIN(vcvtph2ps_128, __m128i, __m128i, fp_cvtph2ps(b), xmm_set_vex)
FP_DO_PLAIN(vcvtph2ps_256, __m128i, V256, from_half_256(b), ymm_set)
HANDLERS_LOAD64(vcvtph2ps_128, xmm_get(cpu, i->rm), ld64v, 8)
HANDLERS_LOAD64(vcvtph2ps_256, xmm_get(cpu, i->rm), ldu128, 16)
FAMILY_VEX(h_vcvtph2ps, vcvtph2ps_128, vcvtph2ps_256);

/* What VCVTPS2PH stores: the upper half is zero for 128 bits. */
static ALWAYS_INLINE __m128i halves_of(struct cpu *cpu, const struct insn *i)
{
    if (i->osz == VL256)
        return to_half_256(ymm_get(cpu, i->reg), (unsigned)i->imm);
    return to_half(xmm_get(cpu, i->reg), (unsigned)i->imm);
}

static __attribute__((noinline, cold)) __m128i halves_precise(struct cpu *cpu, const struct insn *i)
{
    V256 v = ymm_get(cpu, i->reg);
    struct sse_work w = {.op = SSE_TO_HALF, .kind = SSE_PS, .imm = (uint8_t)i->imm};
    __m128i r;

    w.x[0] = v256_lo(v);
    w.x[1] = i->osz == VL256 ? v256_hi(v) : _mm_setzero_si128();
    sse_precise_begin(cpu);
    r = halves_of(cpu, i);
    sse_precise_end(cpu, i, &w);
    return r;
}

static ALWAYS_INLINE __m128i halves(struct cpu *cpu, const struct insn *i)
{
    return unlikely(cpu->mxcsr_unmasked) ? halves_precise(cpu, i) : halves_of(cpu, i);
}

HANDLER(vcvtps2ph_reg)
{
    xmm_set_vex(cpu, i->rm, halves(cpu, i));
    NEXT;
}

static ALWAYS_INLINE void store_halves(struct cpu *cpu, const struct insn *i, gva_t va, __m128i r)
{
    if (i->osz == VL256)
        stu128(cpu, i, va, r);
    else
        mem_st64(cpu, i, va, low64(r));
}

/* Where the store may fault: then no flag has come up. */
static __attribute__((noinline)) void vcvtps2ph_slow(struct cpu *cpu, const struct insn *i,
                                                     gva_t va)
{
    unsigned size = i->osz == VL256 ? 16 : 8;

    mem_check_aligned(cpu, i, va, size);
    mem_probe(cpu, i, va, size, ACC_W);
    store_halves(cpu, i, va, halves(cpu, i));
}

HANDLER(vcvtps2ph_gen)
{
    unsigned size = i->osz == VL256 ? 16 : 8;
    gva_t va = ea_gen(cpu, i, size, ACC_W);

    if (likely(tlb_hit(cpu, va, size, ACC_W)))
        store_halves(cpu, i, va, halves(cpu, i));
    else
        vcvtps2ph_slow(cpu, i, va);
    NEXT;
}
FAMILY_RM(h_vcvtps2ph, vcvtps2ph_reg, vcvtps2ph_gen);
