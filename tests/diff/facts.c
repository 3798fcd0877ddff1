/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See facts.h. */
#include "tests/diff/facts.h"

#include <string.h>

#include "cpu/cpu.h"
#include "cpu/flags.h"

static feature_set features;

void diff_facts_features(feature_set set)
{
    features = set;
}

static bool is_double(const struct opcode *row)
{
    return diff_row_named(row, "shld,shrd");
}

static unsigned masked(unsigned count, const struct insn *i)
{
    return count & (i->osz == SZ64 ? 63 : 31);
}

unsigned diff_shift_count(const struct diff_facts *f, const struct diff_case *c)
{
    const struct opcode *row = f->row;

    return masked(diff_row_has(row, OPR_I1)   ? 1
                  : diff_row_has(row, OPR_CL) ? (unsigned)c->in.gpr[REG_RCX] & 0xff
                                              : (unsigned)f->insn.imm,
                  &f->insn);
}

/* After a shift by that many. */
static unsigned shift_undefined(const struct opcode *row, unsigned count, unsigned size)
{
    unsigned undef = row->fl_undef;

    if (count == 0)
        return 0;
    if (count == 1)
        undef &= ~(unsigned)FL_OF;
    if (diff_row_named(row, "shl,shr") && count >= size)
        undef |= FL_CF;
    if (is_double(row) && count > size)
        undef = FL_ARITH;
    return undef;
}

unsigned diff_carry_undefined(unsigned undefined, const uint8_t *code, unsigned mode)
{
    struct insn i;
    const struct opcode *row;
    unsigned count;

    if (decode(code, INSN_MAX_LEN, mode, features, &i) != DECODE_OK)
        return undefined;
    row = &opcode_table[i.op];
    if (diff_kind_of(row) != KIND_SHIFT)
        return (undefined & ~(unsigned)row->fl_write) | row->fl_undef;
    if (diff_row_has(row, OPR_CL))
        return undefined | row->fl_undef | FL_CF | (is_double(row) ? FL_ARITH : 0);
    count = masked(diff_row_has(row, OPR_I1) ? 1 : (unsigned)i.imm, &i);
    if (count == 0)
        return undefined;
    return (undefined & ~(unsigned)row->fl_write) | shift_undefined(row, count, 8u << i.osz);
}

static void first(struct diff_facts *f, const struct diff_case *c)
{
    const struct insn *i = &f->insn;
    bool vec = diff_row_is_vex(f->row);

    f->kind = diff_kind_of(f->row);
    f->size.v = 1u << i->osz;
    f->size.w = vec ? f->bytes.vex_w : f->bytes.rex & 8;
    f->size.vec = f->bytes.vex_l ? 32 : 16;
    f->undefined = f->row->fl_undef;
    if (f->kind == KIND_SHIFT)
        f->undefined = shift_undefined(f->row, diff_shift_count(f, c), 8u << i->osz);
}

void diff_facts_find(struct diff_facts *f, const struct diff_case *c)
{
    uint8_t code[DIFF_CODE_MAX + INSN_MAX_LEN + 1];
    unsigned at;

    memcpy(code, c->code, c->len);
    memset(code + c->len, 0xcc, INSN_MAX_LEN + 1); /* as it stands in memory */
    f->row = NULL;
    f->kind = KIND_PLAIN;
    f->undefined = f->ever = 0;
    f->count = 1;
    f->stays = f->uses_fpu = false;
    diff_bytes_read(&f->bytes, code, c->setup->mode);
    f->status = decode(code, INSN_MAX_LEN, c->setup->mode, features, &f->insn);
    if (f->status != DECODE_OK)
        return;
    f->row = &opcode_table[f->insn.op];
    f->stays = !(f->row->attr & A_END);
    f->uses_fpu = diff_row_uses_fpu(f->row);
    first(f, c);
    f->ever = f->undefined;
    for (at = f->insn.len; at < c->len; f->count++) {
        struct insn i;

        if (decode(code + at, INSN_MAX_LEN, c->setup->mode, features, &i) != DECODE_OK) {
            f->stays = false;
            return;
        }
        f->stays &= !(opcode_table[i.op].attr & A_END);
        f->uses_fpu |= diff_row_uses_fpu(&opcode_table[i.op]);
        f->undefined = diff_carry_undefined(f->undefined, code + at, c->setup->mode);
        f->ever |= f->undefined;
        at += i.len;
    }
    f->stays &= at == c->len;
}
