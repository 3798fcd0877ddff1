/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SSE and SSE2 moves. SDM volume 1, sections 10.4.1.1, 11.4.1.1, 11.4.4; non-temporal ones are
 * plain stores here. */
#include "cpu/simd/simd.h"

static ALWAYS_INLINE void load_all_do(struct cpu *cpu, const struct insn *i, __m128i v)
{
    xmm_set(cpu, i->reg, v);
}

/* MOVAPS MOVAPD MOVDQA; MOVUPS MOVUPD MOVDQU. */
#define mova_ld_do load_all_do
#define movu_ld_do load_all_do
FORMS_LOAD(mova_ld, xmm_get(cpu, i->rm), lda128, 16)
FORMS_LOAD(movu_ld, xmm_get(cpu, i->rm), ldu128, 16)
FORMS_STORE(mova_st, xmm_set(cpu, i->rm, xmm_get(cpu, i->reg)), xmm_get(cpu, i->reg), sta128, 16)
FORMS_STORE(movu_st, xmm_set(cpu, i->rm, xmm_get(cpu, i->reg)), xmm_get(cpu, i->reg), stu128, 16)

/* ---- scalars: a load from memory clears the rest, a register copy keeps it ---- */

static ALWAYS_INLINE __m128i low_dword(__m128i old, __m128i v)
{
    return _mm_castps_si128(_mm_move_ss(_mm_castsi128_ps(old), _mm_castsi128_ps(v)));
}

/* All 16 bytes are stored: a load of them could not be forwarded from two stores. */
#define SCALAR(name, width, field, n, low)                                                         \
    HANDLER_REG(name##_ld, xmm_set(cpu, i->reg, low(xmm_get(cpu, i->reg), xmm_get(cpu, i->rm))))   \
    HANDLER_GEN(name##_ld, n, ACC_R, xmm_set(cpu, i->reg, ld##width##v(cpu, i, va)))               \
    HANDLER_X32(name##_ld, xmm_set(cpu, i->reg, ld##width##v(cpu, i, va)))                         \
    HANDLERS_64(name##_ld, xmm_set(cpu, i->reg, ld##width##v(cpu, i, va)))                         \
    FAMILY_FORMS(h_##name##_ld, name##_ld_reg, name##_ld_gen, name##_ld_x32, name##_ld_x64,        \
                 name##_ld_b64);                                                                   \
    FORMS_STORE(name##_st, xmm_set(cpu, i->rm, low(xmm_get(cpu, i->rm), xmm_get(cpu, i->reg))),    \
                cpu->ymm[i->reg].field[0], mem_st##width, n)
SCALAR(movss, 32, d, 4, low_dword)
SCALAR(movsd, 64, q, 8, low_qword)

/* MOVQ between XMM registers and memory: always clears the upper half. */
static ALWAYS_INLINE void movq_ld_do(struct cpu *cpu, const struct insn *i, __m128i v)
{
    xmm_set(cpu, i->reg, _mm_move_epi64(v));
}
FORMS_LOAD(movq_ld, xmm_get(cpu, i->rm), ld64v, 8)
FORMS_STORE(movq_st, xmm_set(cpu, i->rm, _mm_move_epi64(xmm_get(cpu, i->reg))),
            cpu->ymm[i->reg].q[0], mem_st64, 8)

/* ---- general registers: MOVD, and MOVQ with REX.W ---- */

static ALWAYS_INLINE void movd_ld_do(struct cpu *cpu, const struct insn *i, __m128i v)
{
    xmm_set(cpu, i->reg, v);
}
#define movdq_ld_do movd_ld_do
HANDLERS_LOAD(movd_ld, _mm_cvtsi32_si128((int)cpu->gpr[i->rm]), ld32v, 4)
HANDLERS_LOAD(movdq_ld, _mm_cvtsi64_si128((long long)cpu->gpr[i->rm]), ld64v, 8)
FORMS_FAMILY_W(h_movd_ld, movd_ld, movdq_ld);
HANDLERS_STORE(movd_st, cpu->gpr[i->rm] = cpu->ymm[i->reg].d[0], cpu->ymm[i->reg].d[0], mem_st32, 4)
HANDLERS_STORE(movdq_st, cpu->gpr[i->rm] = cpu->ymm[i->reg].q[0], cpu->ymm[i->reg].q[0], mem_st64,
               8)
FORMS_FAMILY_W(h_movd_st, movd_st, movdq_st);

HANDLER(movnti32)
{
    mem_st32(cpu, i, ea_gen(cpu, i, 4, ACC_W), (uint32_t)cpu->gpr[i->reg]);
    NEXT;
}
HANDLER(movnti64)
{
    mem_st64(cpu, i, ea_gen(cpu, i, 8, ACC_W), cpu->gpr[i->reg]);
    NEXT;
}
const struct family h_movnti = {
    .fn = {{movnti32, movnti32}, {movnti32, movnti32}, {movnti32, movnti32}, {movnti64, movnti64}}};

/* ---- halves: MOVLPS/MOVHLPS, MOVHPS/MOVLHPS and their PD forms ---- */

static ALWAYS_INLINE void movlps_ld_do(struct cpu *cpu, const struct insn *i, __m128i v)
{
    xmm_set(cpu, i->reg, low_qword(xmm_get(cpu, i->reg), v));
}
FORMS_LOAD(movlps_ld, _mm_unpackhi_epi64(xmm_get(cpu, i->rm), xmm_get(cpu, i->rm)), ld64v, 8)

static ALWAYS_INLINE void movhps_ld_do(struct cpu *cpu, const struct insn *i, __m128i v)
{
    xmm_set(cpu, i->reg, _mm_unpacklo_epi64(xmm_get(cpu, i->reg), v));
}
FORMS_LOAD(movhps_ld, xmm_get(cpu, i->rm), ld64v, 8)

HANDLER(movlps_st)
{
    mem_st64(cpu, i, ea_gen(cpu, i, 8, ACC_W), cpu->ymm[i->reg].q[0]);
    NEXT;
}
FAMILY(h_movlps_st, movlps_st);

HANDLER(movhps_st)
{
    mem_st64(cpu, i, ea_gen(cpu, i, 8, ACC_W), cpu->ymm[i->reg].q[1]);
    NEXT;
}
FAMILY(h_movhps_st, movhps_st);

/* ---- MASKMOVDQU and MASKMOVQ: bytes whose mask has the top bit, to DS:rDI ---- */

void simd_masked_store(struct cpu *cpu, const struct insn *i, __m128i v, __m128i mask, unsigned n)
{
    uint64_t off = cpu->gpr[REG_RDI];
    uint8_t bytes[16];
    unsigned select = (unsigned)_mm_movemask_epi8(mask) & ((1u << n) - 1), first, last;
    gva_t va;

    if (i->asz != SZ64)
        off = i->asz == SZ32 ? (uint32_t)off : (uint16_t)off;
    va = seg_linear(cpu, i, i->seg, off, n, ACC_W);
    if (!select)
        return;
    first = (unsigned)__builtin_ctz(select);
    last = 31 - (unsigned)__builtin_clz(select);
    _mm_storeu_si128((__m128i *)bytes, v);
    mem_probe(cpu, i, va + first, last - first + 1, ACC_W);
    for (unsigned k = first; k <= last; k++) {
        if (select & (1u << k))
            mem_st8(cpu, i, va + k, bytes[k]);
    }
}

HANDLER(maskmovdqu)
{
    simd_masked_store(cpu, i, xmm_get(cpu, i->reg), xmm_get(cpu, i->rm), 16);
    NEXT;
}
FAMILY(h_maskmovdqu, maskmovdqu);

/* ---- between the MMX and XMM registers ---- */

HANDLER(movq2dq)
{
    X87_WAIT;
    mmx_enter(cpu);
    xmm_set(cpu, i->reg, mmx_get(cpu, i->rm));
    NEXT;
}
FAMILY(h_movq2dq, movq2dq);

HANDLER(movdq2q)
{
    X87_WAIT;
    mmx_enter(cpu);
    mmx_set(cpu, i->reg, xmm_get(cpu, i->rm));
    NEXT;
}
FAMILY(h_movdq2q, movdq2q);
