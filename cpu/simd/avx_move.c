/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AVX moves between registers and memory; non-temporal ones are plain here. What writes no vector
 * register shares the handlers of the legacy instruction. SDM volume 1, 14.1-14.3; volume 2, under
 * the names without V, VZEROALL and VZEROUPPER.
 */
#include "cpu/simd/vex.h"

static ALWAYS_INLINE void set_128_do(struct cpu *cpu, const struct insn *i, __m128i v)
{
    xmm_set_vex(cpu, i->reg, v);
}

static ALWAYS_INLINE void set_256_do(struct cpu *cpu, const struct insn *i, V256 v)
{
    ymm_set(cpu, i->reg, v);
}

/* VMOVUPS VMOVUPD VMOVDQU VLDDQU; VMOVAPS VMOVAPD VMOVDQA VMOVNT*. */
#define vmovu_ld_128_do set_128_do
#define vmovu_ld_256_do set_256_do
#define vmova_ld_128_do set_128_do
#define vmova_ld_256_do set_256_do
FORMS_VEX(vmovu_ld)
HANDLERS_LOAD64(vmova_ld_128, xmm_get(cpu, i->rm), lda128, 16)
HANDLERS_LOAD64(vmova_ld_256, ymm_get(cpu, i->rm), lda256, 32)
FAMILY_VEX(h_vmova_ld, vmova_ld_128, vmova_ld_256);

#define STORE(name, st128, st256)                                                                  \
    HANDLERS_STORE64(name##_128, xmm_set_vex(cpu, i->rm, xmm_get(cpu, i->reg)),                    \
                     xmm_get(cpu, i->reg), st128, 16)                                              \
    HANDLERS_STORE64(name##_256, ymm_set(cpu, i->rm, ymm_get(cpu, i->reg)), ymm_get(cpu, i->reg),  \
                     st256, 32)                                                                    \
    FAMILY_VEX(h_##name, name##_128, name##_256);
STORE(vmovu_st, stu128, stu256)
STORE(vmova_st, sta128, sta256)

/* ---- scalars; between registers the rest comes from vvvv. VEX.L does not count ---- */

static ALWAYS_INLINE __m128i merge32(__m128i rest, __m128i low)
{
    return _mm_castps_si128(_mm_move_ss(_mm_castsi128_ps(rest), _mm_castsi128_ps(low)));
}

static ALWAYS_INLINE __m128i merge64(__m128i rest, __m128i low)
{
    return _mm_castpd_si128(_mm_move_sd(_mm_castsi128_pd(rest), _mm_castsi128_pd(low)));
}

#define SCALAR(name, width, field, n)                                                              \
    HANDLERS_LOAD64(name##_ld, merge##width(xmm_get(cpu, i->vvvv), xmm_get(cpu, i->rm)),           \
                    ld##width##v, n)                                                               \
    FAMILY_VEX(h_##name##_ld, name##_ld, name##_ld);                                               \
    HANDLERS_STORE64(                                                                              \
        name##_st,                                                                                 \
        xmm_set_vex(cpu, i->rm, merge##width(xmm_get(cpu, i->vvvv), xmm_get(cpu, i->reg))),        \
        cpu->ymm[i->reg].field[0], mem_st##width, n)                                               \
    FAMILY_VEX(h_##name##_st, name##_st, name##_st);
#define vmovss_ld_do set_128_do
#define vmovsd_ld_do set_128_do
SCALAR(vmovss, 32, d, 4)
SCALAR(vmovsd, 64, q, 8)

#define vmovq_ld_do set_128_do
HANDLERS_LOAD64(vmovq_ld, _mm_move_epi64(xmm_get(cpu, i->rm)), ld64v, 8)
FAMILY_VEX(h_vmovq_ld, vmovq_ld, vmovq_ld);
HANDLERS_STORE64(vmovq_st, xmm_set_vex(cpu, i->rm, _mm_move_epi64(xmm_get(cpu, i->reg))),
                 cpu->ymm[i->reg].q[0], mem_st64, 8)
FAMILY_VEX(h_vmovq_st, vmovq_st, vmovq_st);

/* ---- general registers: VMOVD, and VMOVQ by VEX.W; the stores are the legacy ones' ---- */

#define vmovd_ld_do  set_128_do
#define vmovdq_ld_do set_128_do
HANDLERS_LOAD64(vmovd_ld, _mm_cvtsi32_si128((int)cpu->gpr[i->rm]), ld32v, 4)
HANDLERS_LOAD64(vmovdq_ld, _mm_cvtsi64_si128((long long)cpu->gpr[i->rm]), ld64v, 8)
const struct family FAMILY_NAME(h_vmovd_ld) = {.fn = {
                                                   [SZ32] = {[FORM_REG] = vmovd_ld_reg,
                                                             [FORM_GEN] = vmovd_ld_gen,
                                                             [FORM_X64] = vmovd_ld_x64,
                                                             [FORM_B64] = vmovd_ld_b64},
                                                   [SZ64] = {[FORM_REG] = vmovdq_ld_reg,
                                                             [FORM_GEN] = vmovdq_ld_gen,
                                                             [FORM_X64] = vmovdq_ld_x64,
                                                             [FORM_B64] = vmovdq_ld_b64},
                                               }};

/* ---- halves: VMOVLPS and VMOVHLPS, VMOVHPS and VMOVLHPS; the stores are the legacy ones' ---- */

static ALWAYS_INLINE void vmovlps_ld_do(struct cpu *cpu, const struct insn *i, __m128i b)
{
    xmm_set_vex(cpu, i->reg, merge64(xmm_get(cpu, i->vvvv), b));
}
HANDLERS_LOAD64(vmovlps_ld, _mm_unpackhi_epi64(xmm_get(cpu, i->rm), xmm_get(cpu, i->rm)), ld64v, 8)
FAMILY_VEX(h_vmovlps_ld, vmovlps_ld, vmovlps_ld);

static ALWAYS_INLINE void vmovhps_ld_do(struct cpu *cpu, const struct insn *i, __m128i b)
{
    xmm_set_vex(cpu, i->reg, _mm_unpacklo_epi64(xmm_get(cpu, i->vvvv), b));
}
HANDLERS_LOAD64(vmovhps_ld, xmm_get(cpu, i->rm), ld64v, 8)
FAMILY_VEX(h_vmovhps_ld, vmovhps_ld, vmovhps_ld);

/* ---- masks of signs ---- */

#define MASK_OF(name, of, bits)                                                                    \
    HANDLER(name##_128)                                                                            \
    {                                                                                              \
        cpu->gpr[i->reg] = of(xmm_get(cpu, i->rm));                                                \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(name##_256)                                                                            \
    {                                                                                              \
        V256 v = ymm_get(cpu, i->rm);                                                              \
                                                                                                   \
        cpu->gpr[i->reg] = of(v256_lo(v)) | of(v256_hi(v)) << (bits);                              \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY_VEX_REG(h_##name, name##_128, name##_256);
#define SIGNS_PS(v) (unsigned)_mm_movemask_ps(_mm_castsi128_ps(v))
#define SIGNS_PD(v) (unsigned)_mm_movemask_pd(_mm_castsi128_pd(v))
#define SIGNS_B(v)  (unsigned)_mm_movemask_epi8(v)
MASK_OF(vmovmskps, SIGNS_PS, 4)
MASK_OF(vmovmskpd, SIGNS_PD, 2)
MASK_OF(vpmovmskb, SIGNS_B, 16)

/* ---- all registers; outside 64-bit mode there are eight ---- */

static ALWAYS_INLINE unsigned registers(const struct cpu *cpu)
{
    return cpu_code64(cpu) ? 16 : 8;
}

HANDLER(vzeroupper)
{
    for (unsigned r = 0; r < registers(cpu); r++)
        _mm_store_si128((__m128i *)&cpu->ymm[r].x[1], _mm_setzero_si128());
    NEXT;
}

HANDLER(vzeroall)
{
    for (unsigned r = 0; r < registers(cpu); r++)
        xmm_set_vex(cpu, r, _mm_setzero_si128());
    NEXT;
}
FAMILY_VEX_REG(h_vzero, vzeroupper, vzeroall);
