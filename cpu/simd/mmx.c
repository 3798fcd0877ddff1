/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MMX, with what SSE and SSE2 added to it. SDM volume 1, chapter 9 and section 10.4.4. */
#include "cpu/simd/mmx.h"

#include "cpu/simd/int_ops.h"

#define MMX_SHARED(name, op, wide) MMX_OP(name, op)
SIMD_INT_OPS(MMX_SHARED)
SIMD_SHIFT_OPS(MMX_SHARED)

#define MMX_SHIFT_IMM(name, op, wide)                                                              \
    HANDLER(mmx_##name##_imm)                                                                      \
    {                                                                                              \
        X87_WAIT;                                                                                  \
        mmx_enter(cpu);                                                                            \
        mmx_set(cpu, i->rm, op(mmx_get(cpu, i->rm), _mm_cvtsi32_si128((uint8_t)i->imm)));          \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY(h_mmx_##name##_imm, mmx_##name##_imm);
SIMD_SHIFT_OPS(MMX_SHIFT_IMM)

/* ---- shuffles ---- */

/* The upper halves of two MMX registers interleaved are the upper half of the lower ones
 * interleaved. */
#define UPPER(name, op)                                                                            \
    static ALWAYS_INLINE __m128i name(__m128i a, __m128i b)                                        \
    {                                                                                              \
        return _mm_unpackhi_epi64(op(a, b), _mm_setzero_si128());                                  \
    }
UPPER(upper_bw, _mm_unpacklo_epi8)
UPPER(upper_wd, _mm_unpacklo_epi16)
UPPER(upper_dq, _mm_unpacklo_epi32)

/* Packing takes its eight result bytes from both operands side by side. */
#define PACK(name, op)                                                                             \
    static ALWAYS_INLINE __m128i name(__m128i a, __m128i b)                                        \
    {                                                                                              \
        return op(_mm_unpacklo_epi64(a, b), _mm_setzero_si128());                                  \
    }
PACK(pack_sswb, _mm_packs_epi16)
PACK(pack_ssdw, _mm_packs_epi32)
PACK(pack_uswb, _mm_packus_epi16)

MMX_OP_SIZE(punpcklbw, _mm_unpacklo_epi8, ld32v, 4)
MMX_OP_SIZE(punpcklwd, _mm_unpacklo_epi16, ld32v, 4)
MMX_OP_SIZE(punpckldq, _mm_unpacklo_epi32, ld32v, 4)
MMX_OP(punpckhbw, upper_bw)
MMX_OP(punpckhwd, upper_wd)
MMX_OP(punpckhdq, upper_dq)
MMX_OP(packsswb, pack_sswb)
MMX_OP(packssdw, pack_ssdw)
MMX_OP(packuswb, pack_uswb)

static ALWAYS_INLINE void mmx_pshufw_do(struct cpu *cpu, const struct insn *i, __m128i b)
{
    uint64_t v = low64(b), r = 0;

    for (unsigned n = 0; n < 4; n++)
        r |= ((v >> (16 * ((i->imm >> (2 * n)) & 3))) & 0xffff) << (16 * n);
    mmx_set(cpu, i->reg, _mm_cvtsi64_si128((long long)r));
}
MMX_FORMS(pshufw, ld64v, 8)

/* ---- general registers ---- */

static void mmx_insert(struct cpu *cpu, const struct insn *i, uint16_t v)
{
    mmx_enter(cpu);
    st_le16(cpu->fpu.st[i->reg & 7] + 2 * (i->imm & 3), v);
    st_le16(cpu->fpu.st[i->reg & 7] + 8, 0xffff);
}

HANDLER(mmx_pinsrw_reg)
{
    X87_WAIT;
    mmx_insert(cpu, i, (uint16_t)cpu->gpr[i->rm]);
    NEXT;
}

HANDLER(mmx_pinsrw_gen)
{
    X87_WAIT;
    mmx_insert(cpu, i, mem_ld16(cpu, i, ea_gen(cpu, i, 2, ACC_R)));
    NEXT;
}
FAMILY_RM(h_mmx_pinsrw, mmx_pinsrw_reg, mmx_pinsrw_gen);

HANDLER(mmx_pextrw)
{
    X87_WAIT;
    mmx_enter(cpu);
    cpu->gpr[i->reg] = ld_le16(cpu->fpu.st[i->rm & 7] + 2 * (i->imm & 3));
    NEXT;
}
FAMILY(h_mmx_pextrw, mmx_pextrw);

HANDLER(mmx_pmovmskb)
{
    X87_WAIT;
    mmx_enter(cpu);
    cpu->gpr[i->reg] = (unsigned)_mm_movemask_epi8(mmx_get(cpu, i->rm));
    NEXT;
}
FAMILY(h_mmx_pmovmskb, mmx_pmovmskb);

/* ---- moves ---- */

static ALWAYS_INLINE void mmx_movq_ld_do(struct cpu *cpu, const struct insn *i, __m128i b)
{
    mmx_set(cpu, i->reg, b);
}
MMX_FORMS(movq_ld, ld64v, 8)

HANDLER(mmx_movq_st_reg)
{
    X87_WAIT;
    mmx_enter(cpu);
    mmx_set(cpu, i->rm, mmx_get(cpu, i->reg));
    NEXT;
}

HANDLER(mmx_movq_st_gen)
{
    X87_WAIT;
    mem_st64(cpu, i, ea_gen(cpu, i, 8, ACC_W), ld_le64(cpu->fpu.st[i->reg & 7]));
    mmx_enter(cpu);
    NEXT;
}
FAMILY_RM(h_mmx_movq_st, mmx_movq_st_reg, mmx_movq_st_gen);

/* MOVD, and MOVQ with REX.W: the general register or memory is 32 or 64 bits wide. */
#define MMX_MOVD(bits)                                                                             \
    HANDLER(mmx_movd_ld_reg##bits)                                                                 \
    {                                                                                              \
        X87_WAIT;                                                                                  \
        mmx_enter(cpu);                                                                            \
        mmx_set(cpu, i->reg, _mm_cvtsi64_si128((long long)(uint##bits##_t)cpu->gpr[i->rm]));       \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(mmx_movd_ld_gen##bits)                                                                 \
    {                                                                                              \
        __m128i b;                                                                                 \
                                                                                                   \
        X87_WAIT;                                                                                  \
        b = ld##bits##v(cpu, i, ea_gen(cpu, i, bits / 8, ACC_R));                                  \
        mmx_enter(cpu);                                                                            \
        mmx_set(cpu, i->reg, b);                                                                   \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(mmx_movd_st_reg##bits)                                                                 \
    {                                                                                              \
        X87_WAIT;                                                                                  \
        mmx_enter(cpu);                                                                            \
        cpu->gpr[i->rm] = ld_le##bits(cpu->fpu.st[i->reg & 7]);                                    \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(mmx_movd_st_gen##bits)                                                                 \
    {                                                                                              \
        X87_WAIT;                                                                                  \
        mem_st##bits(cpu, i, ea_gen(cpu, i, bits / 8, ACC_W),                                      \
                     ld_le##bits(cpu->fpu.st[i->reg & 7]));                                        \
        mmx_enter(cpu);                                                                            \
        NEXT;                                                                                      \
    }
MMX_MOVD(32)
MMX_MOVD(64)
#define FAMILY_MOVD(name, reg, gen)                                                                \
    const struct family name = {                                                                   \
        .fn = {{reg##32, gen##32}, {reg##32, gen##32}, {reg##32, gen##32}, {reg##64, gen##64}}}
FAMILY_MOVD(h_mmx_movd_ld, mmx_movd_ld_reg, mmx_movd_ld_gen);
FAMILY_MOVD(h_mmx_movd_st, mmx_movd_st_reg, mmx_movd_st_gen);

HANDLER(maskmovq)
{
    X87_WAIT;
    simd_masked_store(cpu, i, mmx_get(cpu, i->reg), mmx_get(cpu, i->rm), 8);
    mmx_enter(cpu);
    NEXT;
}
FAMILY(h_maskmovq, maskmovq);

HANDLER(emms)
{
    X87_WAIT;
    cpu->fpu.top = 0;
    cpu->fpu.tags = 0;
    NEXT;
}
FAMILY(h_emms, emms);
