/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compare-and-branch in one handler: CMP or TEST followed by Jcc, in flat 32- and 64-bit code. The
 * flags are stored all the same (the code behind may read them), but the branch does not wait for
 * them: it looks at the operands.
 */
#include "cpu/fuse.h"

#include "cpu/branch.h"
#include "cpu/exec.h"
#include "cpu/opcodes.h"
#include "cpu/regs.h"

/* Conditions on a - b ... */
#define CMP_b(bits)  (a < b)
#define CMP_ae(bits) (a >= b)
#define CMP_e(bits)  (a == b)
#define CMP_ne(bits) (a != b)
#define CMP_be(bits) (a <= b)
#define CMP_a(bits)  (a > b)
#define CMP_s(bits)  ((int##bits##_t)r < 0)
#define CMP_ns(bits) ((int##bits##_t)r >= 0)
#define CMP_l(bits)  ((int##bits##_t)a < (int##bits##_t)b)
#define CMP_ge(bits) ((int##bits##_t)a >= (int##bits##_t)b)
#define CMP_le(bits) ((int##bits##_t)a <= (int##bits##_t)b)
#define CMP_g(bits)  ((int##bits##_t)a > (int##bits##_t)b)
/* … and on a & b, where CF and OF are clear. */
#define TEST_b(bits)  false
#define TEST_ae(bits) true
#define TEST_e(bits)  (r == 0)
#define TEST_ne(bits) (r != 0)
#define TEST_be(bits) (r == 0)
#define TEST_a(bits)  (r != 0)
#define TEST_s(bits)  ((int##bits##_t)r < 0)
#define TEST_ns(bits) ((int##bits##_t)r >= 0)
#define TEST_l(bits)  ((int##bits##_t)r < 0)
#define TEST_ge(bits) ((int##bits##_t)r >= 0)
#define TEST_le(bits) ((int##bits##_t)r <= 0)
#define TEST_g(bits)  ((int##bits##_t)r > 0)

/* First operand, second operand, by the comparison's form. */
#define A_eg_r(bits)   GET_##bits(i->rm)
#define B_eg_r(bits)   GET_##bits(i->reg)
#define A_ei_r(bits)   GET_##bits(i->rm)
#define B_ei_r(bits)   (uint##bits##_t) i->imm
#define A_ge_r(bits)   GET_##bits(i->reg)
#define B_ge_r(bits)   GET_##bits(i->rm)
#define A_eg_b64(bits) mem_ld##bits(cpu, i, ea_b64(cpu, i))
#define B_eg_b64(bits) GET_##bits(i->reg)
#define A_ei_b64(bits) mem_ld##bits(cpu, i, ea_b64(cpu, i))
#define B_ei_b64(bits) (uint##bits##_t) i->imm
#define A_ge_b64(bits) GET_##bits(i->reg)
#define B_ge_b64(bits) mem_ld##bits(cpu, i, ea_b64(cpu, i))
#define A_ei_x64(bits) mem_ld##bits(cpu, i, ea_x64(cpu, i))
#define B_ei_x64(bits) (uint##bits##_t) i->imm
#define A_ei_x32(bits) mem_ld##bits(cpu, i, ea_x32(cpu, i))
#define B_ei_x32(bits) (uint##bits##_t) i->imm

/* The branch j, taken or not; its .scale says whether its target is in the page (bind.c). */
#define FINISH(cond)                                                                               \
    do {                                                                                           \
        const struct insn *j = i + 1;                                                              \
        struct block_links *links = branch_links(j);                                               \
        uint64_t next = cpu->gpr[REG_RIP] + j->off + j->len;                                       \
        if (cond) {                                                                                \
            uint64_t t = next + j->imm;                                                            \
            struct block *to = links->taken;                                                       \
            if (j->osz == SZ32)                                                                    \
                t = (uint32_t)t;                                                                   \
            if (likely(to)) {                                                                      \
                cpu->gpr[REG_RIP] = t;                                                             \
                ENTER_BLOCK(to);                                                                   \
            }                                                                                      \
            i = j;                                                                                 \
            if (j->osz == SZ64 && unlikely(!gva_canonical(cpu, t)))                                \
                RAISE_ERR(EXC_GP, 0);                                                              \
            if (j->scale)                                                                          \
                BRANCH_LINKED(t, &links->taken);                                                   \
            BRANCH_CACHED(t);                                                                      \
        } else {                                                                                   \
            struct block *to = links->fall;                                                        \
            if (j->osz == SZ32)                                                                    \
                next = (uint32_t)next;                                                             \
            if (likely(to)) {                                                                      \
                cpu->gpr[REG_RIP] = next;                                                          \
                ENTER_BLOCK(to);                                                                   \
            }                                                                                      \
            if ((next & ~PAGE_MASK) == 0)                                                          \
                BRANCH_CACHED(next);                                                               \
            BRANCH_LINKED(next, &links->fall);                                                     \
        }                                                                                          \
    } while (0)

#define FUSED_CMP(form, bits, cc)                                                                  \
    HANDLER(cmp_##form##bits##_##cc)                                                               \
    {                                                                                              \
        uint##bits##_t b = B_##form(bits), a = A_##form(bits), r = (uint##bits##_t)(a - b);        \
                                                                                                   \
        flags_sub##bits(cpu, a, b, r);                                                             \
        FINISH(CMP_##cc(bits));                                                                    \
    }
#define FUSED_TEST(form, bits, cc)                                                                 \
    HANDLER(test_##form##bits##_##cc)                                                              \
    {                                                                                              \
        uint##bits##_t b = B_##form(bits), a = A_##form(bits), r = (uint##bits##_t)(a & b);        \
                                                                                                   \
        flags_logic##bits(cpu, r);                                                                 \
        FINISH(TEST_##cc(bits));                                                                   \
    }

#define CONDITIONS(X, form, bits)                                                                  \
    X(form, bits, b)                                                                               \
    X(form, bits, ae)                                                                              \
    X(form, bits, e) X(form, bits, ne) X(form, bits, be) X(form, bits, a) X(form, bits, s)         \
        X(form, bits, ns) X(form, bits, l) X(form, bits, ge) X(form, bits, le) X(form, bits, g)
#define SIZES(X, form) CONDITIONS(X, form, 8) CONDITIONS(X, form, 32) CONDITIONS(X, form, 64)

SIZES(FUSED_CMP, eg_r)
SIZES(FUSED_CMP, ei_r)
SIZES(FUSED_CMP, ge_r)
SIZES(FUSED_CMP, eg_b64)
SIZES(FUSED_CMP, ei_b64)
SIZES(FUSED_CMP, ge_b64)
SIZES(FUSED_CMP, ei_x64)
SIZES(FUSED_CMP, ei_x32)
SIZES(FUSED_TEST, eg_r)
SIZES(FUSED_TEST, ei_r)
SIZES(FUSED_TEST, ei_b64)
SIZES(FUSED_TEST, ei_x64)
SIZES(FUSED_TEST, ei_x32)

/* Handlers by condition code (low nibble of Jcc's opcode). */
#define BY_CC(op, form, bits)                                                                      \
    {                                                                                              \
        NULL, NULL, op##_##form##bits##_b, op##_##form##bits##_ae, op##_##form##bits##_e,          \
            op##_##form##bits##_ne, op##_##form##bits##_be, op##_##form##bits##_a,                 \
            op##_##form##bits##_s, op##_##form##bits##_ns, NULL, NULL, op##_##form##bits##_l,      \
            op##_##form##bits##_ge, op##_##form##bits##_le, op##_##form##bits##_g                  \
    }
#define FUSION(op, order, form, regs)                                                              \
    {                                                                                              \
        &h_##op##_##order, FORM_##form,                                                            \
        {                                                                                          \
            [SZ8] = BY_CC(op, order##_##regs, 8), [SZ32] = BY_CC(op, order##_##regs, 32),          \
            [SZ64] = BY_CC(op, order##_##regs, 64)                                                 \
        }                                                                                          \
    }

extern const struct family h_cmp_eg, h_cmp_ei, h_cmp_ge, h_test_eg, h_test_ei;

static const struct fusion {
    const struct family *first;
    enum insn_form form;
    insn_fn *fn[4][16];
} fusions[] = {
    FUSION(cmp, eg, REG, r),    FUSION(cmp, ei, REG, r),    FUSION(cmp, ge, REG, r),
    FUSION(cmp, eg, B64, b64),  FUSION(cmp, ei, B64, b64),  FUSION(cmp, ge, B64, b64),
    FUSION(cmp, ei, X64, x64),  FUSION(cmp, ei, X32, x32),  FUSION(test, eg, REG, r),
    FUSION(test, ei, REG, r),   FUSION(test, ei, B64, b64), FUSION(test, ei, X64, x64),
    FUSION(test, ei, X32, x32),
};

static bool is_jcc(const struct insn *j)
{
    const struct opcode *row = &opcode_table[j->op];

    return (row->map == M0 && (row->opcode & 0xf0) == 0x70) ||
           (row->map == MF && (row->opcode & 0xf0) == 0x80);
}

static void fuse_vectors(struct block *b)
{
    for (unsigned k = 0; k + 1 < b->n; k++) {
        insn_fn *both = sse_fuse(&b->insns[k], &b->insns[k + 1]);

        if (both)
            b->insns[k].fn = both;
    }
}

void fuse_block(struct block *b)
{
    struct insn *i, *j;
    unsigned cc;

    fuse_vectors(b);
    if (b->n < 2 || !(b->mode & MODE_FLAT) || (b->mode & MODE_STEP))
        return;
    i = &b->insns[b->n - 2];
    j = i + 1;
    if (!is_jcc(j) || j->osz < SZ32)
        return;
    cc = opcode_table[j->op].opcode & 15;
    for (unsigned k = 0; k < ARRAY_SIZE(fusions); k++) {
        const struct fusion *f = &fusions[k];

        if (i->fn == f->first->fn[i->osz][f->form] && f->fn[i->osz][cc]) {
            i->fn = f->fn[i->osz][cc];
            return;
        }
    }
}
