/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See groups.h. */
#include "tests/diff/groups.h"

#include <string.h>

#include "base/bits.h"
#include "tests/diff/gen.h"

static bool is_mmx(const struct opcode *row)
{
    return diff_row_has(row, OPR_Pq) || diff_row_has(row, OPR_Qq) || diff_row_has(row, OPR_Nq) ||
           diff_row_named(row, "emms");
}

static bool is_avx(const struct opcode *row)
{
    return diff_row_is_vex(row) && (row->attr & A_AVX);
}

static bool is_x87(const struct opcode *row)
{
    return !is_mmx(row) &&
           ((row->attr & A_FPU) || row->feature == FEATURE_FPU || diff_row_is_xsave(row));
}

static bool is_sse(const struct opcode *row)
{
    return !is_mmx(row) && !is_avx(row) && (row->attr & A_SSE);
}

static bool is_int(const struct opcode *row)
{
    return !is_mmx(row) && !is_avx(row) && !is_x87(row) && !is_sse(row);
}

/* Rows that on registers alone neither branch nor leave a register undefined. */
static bool in_sequence(const struct opcode *row)
{
    enum diff_kind kind = diff_kind_of(row);

    return !(row->attr & (A_END | A_PRIV | A_STACK)) && diff_row_takes_register(row) &&
           !diff_row_plays(row, ROLE_MOFFS) &&
           (kind == KIND_PLAIN || kind == KIND_SHIFT || kind == KIND_CMPXCHG ||
            kind == KIND_BIT_OFFSET) &&
           !diff_row_named(
               row,
               "shld,shrd,bsf,bsr,lar,lsl,fcomi,fcomip,fucomi,fucomip,fstpnce,vpextrd,vpinsrd");
}

const struct diff_group diff_groups[] = {
    {"int64", DIFF_ROWS, is_int, 20, {0}, 1},
    {"int32", DIFF_ROWS, is_int, 16, {1, 2, 3}, 3},
    {"int16", DIFF_ROWS, is_int, 12, {4, 5}, 2},
    {"x87", DIFF_ROWS, is_x87, 10, {0, 0, 1, 0, 0, 4}, 6},
    {"mmx", DIFF_ROWS, is_mmx, 6, {0, 0, 0, 0, 1, 4}, 6},
    {"sse", DIFF_ROWS, is_sse, 16, {0, 0, 0, 0, 1, 4}, 6},
    {"avx", DIFF_ROWS, is_avx, 24, {0, 0, 0, 0, 0, 0, 1, 4}, 8},
    {"sequences", DIFF_SEQUENCES, in_sequence, 10, {0, 0, 0, 1, 2, 3, 4, 5}, 8},
    {"undefined", DIFF_UNDEFINED, in_sequence, 4, {0, 0, 1, 4}, 4},
};
const unsigned diff_group_count = ARRAY_SIZE(diff_groups);
