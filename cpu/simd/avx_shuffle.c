/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AVX and AVX2 shuffles within each 128 bits: unpack, pack, VPSHUF*, VSHUFP*, VMOV*DUP, VPERMILP*,
 * VPINSRW. Those across are in avx_permute.c. SDM volume 2, under the names without V and
 * VPERMILPS, VPERMILPD.
 */
#include "cpu/simd/int_ops.h"
#include "cpu/simd/portable_shuffle.h"
#include "cpu/simd/vex.h"

#define SHUFFLE_OP(name, narrow, wide) VEX_OP(v##name, narrow, wide)
SIMD_PACK_OPS(SHUFFLE_OP)

/* VPERMILPS by an immediate is VPSHUFD. */
VEX_OP_IMM(vpshufd, shuffle_epi32, wide_shuffle_epi32, 0)
VEX_OP_IMM(vpshuflw, shufflelo_epi16, wide_shufflelo_epi16, 0)
VEX_OP_IMM(vpshufhw, shufflehi_epi16, wide_shufflehi_epi16, 0)
VEX_OP_2IMM(vshufps, shuffle_ps, wide_shuffle_ps, 0)
VEX_OP_2IMM(vshufpd, shuffle_pd, wide_shuffle_pd, 2)

#define permil_pd(a, imm)      shuffle_pd(a, a, imm)
#define wide_permil_pd(a, imm) wide_shuffle_pd(a, a, imm)
VEX_OP_IMM(vpermilpd_imm, permil_pd, wide_permil_pd, 2)
VEX_OP(vpermilps, permilvar_ps, wide_permilvar_ps)
VEX_OP(vpermilpd, permilvar_pd, wide_permilvar_pd)

VEX_OP_1(vmovsldup, duplicate_even, wide_duplicate_even)
VEX_OP_1(vmovshdup, duplicate_odd, wide_duplicate_odd)

/* VMOVDDUP of 128 bits takes 64 from memory. */
OP256_1(vmovddup_wide, duplicate_low, wide_duplicate_low)
static ALWAYS_INLINE void vmovddup_128_do(struct cpu *cpu, const struct insn *i, __m128i b)
{
    xmm_set_vex(cpu, i->reg, duplicate_low(b));
}

static ALWAYS_INLINE void vmovddup_256_do(struct cpu *cpu, const struct insn *i, V256 b)
{
    ymm_set(cpu, i->reg, vmovddup_wide(b));
}
HANDLERS_LOAD64(vmovddup_128, xmm_get(cpu, i->rm), ld64v, 8)
HANDLERS_LOAD64(vmovddup_256, ymm_get(cpu, i->rm), ldu256, 32)
FAMILY_VEX(h_vmovddup, vmovddup_128, vmovddup_256);

static ALWAYS_INLINE void vpinsrw_do(struct cpu *cpu, const struct insn *i, uint16_t v)
{
    union xmm u = as_union(xmm_get(cpu, i->vvvv));

    u.w[i->imm & 7] = v;
    xmm_set_vex(cpu, i->reg, _mm_load_si128((const __m128i *)&u));
}
HANDLERS_RM(vpinsrw, (uint16_t)cpu->gpr[i->rm], mem_ld16, 2)
FAMILY_VEX_RM(h_vpinsrw, vpinsrw, vpinsrw);
