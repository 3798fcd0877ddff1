/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See operands.h. */
#include "tests/diff/operands.h"

#include <stddef.h>
#include <string.h>

#include "base/bits.h"

const struct diff_operand diff_operands[OPR_COUNT] = {
    [OPR_Eb] = {ROLE_RM_GPR, 1},        [OPR_Ew] = {ROLE_RM_GPR, 2},
    [OPR_Ed] = {ROLE_RM_GPR, 4},        [OPR_Ev] = {ROLE_RM_GPR, SIZE_V},
    [OPR_Ey] = {ROLE_RM_GPR, SIZE_Y},   [OPR_Gb] = {ROLE_REG, 1},
    [OPR_Gw] = {ROLE_REG, 2},           [OPR_Gd] = {ROLE_REG, 4},
    [OPR_Gv] = {ROLE_REG, SIZE_V},      [OPR_Gy] = {ROLE_REG, SIZE_Y},
    [OPR_Ib] = {ROLE_IMM, 1},           [OPR_Iw] = {ROLE_IMM, 2},
    [OPR_Iz] = {ROLE_IMM, SIZE_Z},      [OPR_Iv] = {ROLE_IMM, SIZE_V},
    [OPR_sIb] = {ROLE_IMM, 1},          [OPR_Jb] = {ROLE_REL, 1},
    [OPR_Jz] = {ROLE_REL, SIZE_Z},      [OPR_M] = {ROLE_RM_MEM, SIZE_M},
    [OPR_Mb] = {ROLE_RM_MEM, 1},        [OPR_Mw] = {ROLE_RM_MEM, 2},
    [OPR_Md] = {ROLE_RM_MEM, 4},        [OPR_Mq] = {ROLE_RM_MEM, 8},
    [OPR_Mdq] = {ROLE_RM_MEM, 16},      [OPR_Mt] = {ROLE_RM_MEM, 10},
    [OPR_Mp] = {ROLE_RM_MEM, SIZE_P},   [OPR_Ma] = {ROLE_RM_MEM, SIZE_A},
    [OPR_Mx] = {ROLE_RM_MEM, SIZE_X},   [OPR_Ob] = {ROLE_MOFFS, 1},
    [OPR_Ov] = {ROLE_MOFFS, SIZE_V},    [OPR_Sw] = {ROLE_REG_SEG, 2},
    [OPR_Cd] = {ROLE_REG_CR, 8},        [OPR_Dd] = {ROLE_REG_DR, 8},
    [OPR_Ap] = {ROLE_FAR, SIZE_P},      [OPR_Zb] = {ROLE_OPCODE, 1},
    [OPR_Zv] = {ROLE_OPCODE, SIZE_V},   [OPR_STi] = {ROLE_RM_ONLY, 10},
    [OPR_Pq] = {ROLE_REG, 8},           [OPR_Qq] = {ROLE_RM_MMX, 8},
    [OPR_Nq] = {ROLE_RM_ONLY, 8},       [OPR_Vx] = {ROLE_REG, SIZE_X},
    [OPR_Vdq] = {ROLE_REG, 16},         [OPR_Ux] = {ROLE_RM_ONLY, SIZE_X},
    [OPR_Udq] = {ROLE_RM_ONLY, 16},     [OPR_Ww] = {ROLE_RM_VEC, 2},
    [OPR_Wd] = {ROLE_RM_VEC, 4},        [OPR_Wq] = {ROLE_RM_VEC, 8},
    [OPR_Wx] = {ROLE_RM_VEC, SIZE_X},   [OPR_Wdq] = {ROLE_RM_VEC, 16},
    [OPR_Wqq] = {ROLE_RM_VEC, 32},      [OPR_Wh] = {ROLE_RM_VEC, SIZE_H},
    [OPR_Wf] = {ROLE_RM_VEC, SIZE_F},   [OPR_We] = {ROLE_RM_VEC, SIZE_E},
    [OPR_By] = {ROLE_VVVV, SIZE_Y},     [OPR_Hx] = {ROLE_VVVV, SIZE_X},
    [OPR_Lx] = {ROLE_IMM_REG, 1},       [OPR_VMd] = {ROLE_RM_VSIB, SIZE_Y},
    [OPR_VMq] = {ROLE_RM_VSIB, SIZE_Y},
};

bool diff_row_named(const struct opcode *row, const char *list)
{
    size_t n = strlen(row->mnemonic);

    for (const char *at = list; (at = strstr(at, row->mnemonic)) != NULL; at++) {
        if ((at == list || at[-1] == ',') && (at[n] == ',' || !at[n]))
            return true;
    }
    return false;
}

bool diff_row_has(const struct opcode *row, unsigned operand_kind)
{
    for (unsigned n = 0; n < ARRAY_SIZE(row->operand); n++) {
        if (row->operand[n] == operand_kind)
            return true;
    }
    return false;
}

bool diff_row_plays(const struct opcode *row, enum diff_role role)
{
    for (unsigned n = 0; n < ARRAY_SIZE(row->operand); n++) {
        if (diff_operands[row->operand[n]].role == role)
            return true;
    }
    return false;
}

bool diff_row_is_vex(const struct opcode *row)
{
    return row->map >= VF;
}

bool diff_row_is_xsave(const struct opcode *row)
{
    return strncmp(row->mnemonic, "xsave", 5) == 0 || strncmp(row->mnemonic, "xrstor", 6) == 0;
}

bool diff_row_uses_fpu(const struct opcode *row)
{
    return (row->attr & (A_FPU | A_SSE | A_AVX)) || row->feature == FEATURE_FPU ||
           diff_row_plays(row, ROLE_RM_VEC) || diff_row_is_xsave(row);
}

bool diff_row_has_modrm(const struct opcode *row)
{
    for (unsigned n = 0; n < ARRAY_SIZE(row->operand); n++) {
        unsigned role = diff_operands[row->operand[n]].role;

        if (role >= ROLE_RM_GPR && role <= ROLE_REG_DR)
            return true;
    }
    return (row->ext & ~EXT_VEX) != 0;
}

bool diff_row_takes_memory(const struct opcode *row)
{
    if (!diff_row_has_modrm(row) || (row->ext & (EXT_RONLY | EXT_BYTE)) ||
        diff_row_plays(row, ROLE_REG_CR) || diff_row_plays(row, ROLE_REG_DR))
        return false;
    return !diff_row_plays(row, ROLE_RM_ONLY);
}

bool diff_row_takes_register(const struct opcode *row)
{
    return !(row->ext & EXT_MEM) && !diff_row_plays(row, ROLE_RM_MEM) &&
           !diff_row_plays(row, ROLE_RM_VSIB);
}

unsigned diff_operand_size(const struct opcode *row, unsigned kind, const struct diff_sizes *s)
{
    unsigned size = diff_operands[kind].size;

    switch (size) {
    case SIZE_V: return s->v;
    case SIZE_Z: return s->v == 2 ? 2 : 4;
    case SIZE_Y: return s->w ? 8 : 4;
    case SIZE_P: return s->v + 2;
    case SIZE_A: return 2 * s->v;
    case SIZE_X: return s->vec;
    case SIZE_H: return s->vec / 2;
    case SIZE_F: return s->vec / 4;
    case SIZE_E: return s->vec / 8;
    case SIZE_M: break;
    case 8: return diff_row_named(row, "cmpxchg8b") && s->w ? 16 : 8;
    default: return size;
    }
    if (diff_row_is_xsave(row))
        return 576 + 256;
    if (diff_row_named(row, "fxsave,fxrstor"))
        return 512;
    if (diff_row_named(row, "fnsave,frstor"))
        return s->v == 2 ? 94 : 108;
    if (diff_row_named(row, "fnstenv,fldenv"))
        return s->v == 2 ? 14 : 28;
    return s->v;
}

unsigned diff_memory_size(const struct opcode *row, const struct diff_sizes *s)
{
    for (unsigned n = 0; n < ARRAY_SIZE(row->operand); n++) {
        unsigned role = diff_operands[row->operand[n]].role;

        if ((role >= ROLE_RM_GPR && role <= ROLE_RM_VSIB) || role == ROLE_MOFFS)
            return diff_operand_size(row, row->operand[n], s);
    }
    return s->v;
}
