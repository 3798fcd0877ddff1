/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instruction bytes for fuzzing; see code.h. SDM volume 2, chapter 2. */
#include "tests/fuzz/code.h"

#include "base/bits.h"
#include "cpu/cpu.h"
#include "cpu/decode.h"

static bool row_in_mode(const struct opcode *row, unsigned mode)
{
    return !(row->attr & (mode == MODE_64 ? A_I64 : A_O64));
}

static const struct opcode *pick_row(struct fuzz_input *in, unsigned mode)
{
    const struct opcode *row;

    do
        row = &opcode_table[fuzz_below(in, 65536) % opcode_count];
    while (!row_in_mode(row, mode));
    return row;
}

static bool row_is_vex(const struct opcode *row)
{
    return row->map == VF || row->map == V38 || row->map == V3A;
}

/* Legacy prefixes, of which up to 14 are legal. */
static unsigned put_legacy(struct fuzz_input *in, uint8_t *to)
{
    static const uint8_t any[] = {0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
    unsigned n = 0;

    while (n < 14 && fuzz_once_in(in, 6))
        to[n++] = any[fuzz_below(in, ARRAY_SIZE(any))];
    return n;
}

/* Mandatory prefix, REX, escape and opcode of a legacy row. */
static unsigned put_legacy_opcode(struct fuzz_input *in, const struct opcode *row, unsigned mode,
                                  uint8_t *to)
{
    static const uint8_t mandatory[] = {[P66] = 0x66, [PF3] = 0xf3, [PF2] = 0xf2};
    unsigned n = 0;

    if (row->prefix >= P66)
        to[n++] = mandatory[row->prefix];
    if (mode == MODE_64 && fuzz_below(in, 2))
        to[n++] = (uint8_t)(0x40 | fuzz_below(in, 16));
    if (row->map != M0)
        to[n++] = 0x0f;
    if (row->map == M38 || row->map == M3A)
        to[n++] = row->map == M38 ? 0x38 : 0x3a;
    to[n++] = (uint8_t)(row->opcode + (row->attr & A_PLUSR ? fuzz_below(in, 8) : 0));
    return n;
}

/* VEX and opcode. vvvv is a register or none, whether the row has one or not. */
static unsigned put_vex(struct fuzz_input *in, const struct opcode *row, uint8_t *to)
{
    static const uint8_t pp[] = {[P66] = 1, [PF3] = 2, [PF2] = 3};
    unsigned last = pp[row->prefix] | (fuzz_u8(in) & 0x84), n = 0;

    last |= fuzz_below(in, 2) ? 0x78 : fuzz_below(in, 16) << 3;
    last = row->ext & EXT_W0 ? last & 0x7f : row->ext & EXT_W1 ? last | 0x80 : last;
    last = row->ext & EXT_L0 ? last & ~4u : row->ext & EXT_L1 ? last | 4 : last;
    if (row->map == VF && !(last & 0x80) && fuzz_below(in, 2)) {
        to[n++] = 0xc5;
        last |= fuzz_u8(in) & 0x80;
    } else {
        to[n++] = 0xc4;
        to[n++] = (uint8_t)((fuzz_below(in, 4) ? 0xe0 : fuzz_u8(in) & 0xe0) | (row->map - VF + 1));
    }
    to[n++] = (uint8_t)last;
    to[n++] = row->opcode;
    return n;
}

/* A ModRM byte that the row takes, if it has one (otherwise the first of what follows). */
static uint8_t pick_modrm(struct fuzz_input *in, const struct opcode *row)
{
    unsigned m = fuzz_u8(in);

    if (row->ext & EXT_BYTE)
        return (uint8_t)row->ext;
    if (row->ext & EXT_REG)
        m = (m & 0xc7) | (row->ext & 7u) << 3;
    if (row->ext & EXT_RONLY)
        m |= 0xc0;
    if ((row->ext & EXT_MEM) && m >= 0xc0)
        m &= 0x7f;
    return (uint8_t)m;
}

unsigned fuzz_insn(struct fuzz_input *in, unsigned mode, uint8_t *to)
{
    unsigned n = 0, tail = 15;
    bool small = fuzz_below(in, 2);

    if (!fuzz_once_in(in, 16)) {
        const struct opcode *row = pick_row(in, mode);

        n = put_legacy(in, to);
        n += row_is_vex(row) ? put_vex(in, row, to + n) : put_legacy_opcode(in, row, mode, to + n);
        to[n++] = pick_modrm(in, row);
        tail = 9;
    }
    /* SIB, displacement, immediate: small numbers and signs more often than others */
    for (; tail; tail--, n++)
        to[n] = small && tail < 9 ? (uint8_t)(fuzz_u8(in) & 0x80 ? 0xff : 0) : fuzz_u8(in);
    return n;
}

unsigned fuzz_insn_whole(struct fuzz_input *in, unsigned mode, uint8_t *to)
{
    unsigned n = fuzz_insn(in, mode, to);
    struct insn i;

    return decode(to, n, mode, ~(feature_set)0, &i) == DECODE_OK ? i.len : n;
}
