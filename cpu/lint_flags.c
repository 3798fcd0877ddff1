/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule undefined-flag: an instruction whose outcome hangs on a flag that the last one to touch it
 * left undefined. What a block does to the flags is worked out when it is built, and kept in four
 * bytes of it; a vCPU has a mask of the flags that are undefined now, and each block that is
 * entered (op_enter) is held against it and changes it.
 *
 * Who merely saves flags (PUSHF, LAHF, an interrupt, SYSCALL) does not consume them, and what is
 * loaded as a whole is defined. Where the manual's word depends on values (shifts by CL) the flag
 * counts as defined: a report is always right. SDM volume 1, appendix A; volume 2.
 */
#include <stdio.h>
#include <string.h>

#include "cpu/blocks.h"
#include "cpu/lint.h"
#include "cpu/opcodes.h"

/* The six in a byte: OF takes the place of bit 1, which is none. */
static uint8_t pack(unsigned fl)
{
    return (uint8_t)((fl & (FL_CF | FL_PF | FL_AF | FL_ZF | FL_SF)) | (fl & FL_OF ? 2u : 0u));
}

static const char *const flag_name[8] = {"CF", "OF", "PF", NULL, "AF", NULL, "ZF", "SF"};

static bool is_one_of(const char *word, const char *const *list)
{
    while (*list && strcmp(*list, word) != 0)
        list++;
    return *list != NULL;
}

/* Rows say that they read all flags where some form leaves them as they were, or saves them. */
static unsigned consumed(const struct opcode *row)
{
    static const char *const carry[] = {"rcl", "rcr", "cmc", NULL};
    static const char *const adjust[] = {"aaa", "aas", NULL};
    static const char *const both[] = {"daa", "das", NULL};

    if (row->fl_read != FL_ARITH)
        return row->fl_read;
    if (is_one_of(row->mnemonic, carry))
        return FL_CF;
    if (is_one_of(row->mnemonic, adjust))
        return FL_AF;
    if (is_one_of(row->mnemonic, both))
        return FL_AF | FL_CF;
    return strcmp(row->mnemonic, "into") ? 0 : FL_OF;
}

static bool has_operand(const struct opcode *row, unsigned kind)
{
    return memchr(row->operand, (int)kind, sizeof(row->operand)) != NULL;
}

/* A shift's or rotation's count, or -1: it is in CL. */
static int count_of(const struct insn *i, const struct opcode *row)
{
    if (has_operand(row, OPR_CL))
        return -1;
    return (int)(i->imm & (i->osz == SZ64 ? 63 : 31));
}

/* What of it depends on the count. */
static void after_shift(const struct insn *i, const struct opcode *row, unsigned *def,
                        unsigned *undef)
{
    static const char *const lose_carry[] = {"shl", "shr", "shld", "shrd", NULL};
    int n = count_of(i, row);

    if (n <= 0) {
        *def = n ? row->fl_write : 0;
        *undef = 0;
    } else if (n == 1) {
        *undef &= ~(unsigned)FL_OF;
        *def |= FL_OF & row->fl_write;
    } else if (n >= 8 << i->osz && is_one_of(row->mnemonic, lose_carry)) {
        /* equal to the width is fine for the double ones, and only for them */
        if (n > 8 << i->osz || strlen(row->mnemonic) == 3)
            *undef |= FL_CF;
    }
}

/* What an instruction leaves defined and undefined; what is in neither it does not touch. */
static void effect(const struct insn *i, unsigned *def, unsigned *undef)
{
    static const char *const shifts[] = {"rol", "ror", "rcl",  "rcr",  "shl",
                                         "shr", "sar", "shld", "shrd", NULL};
    const struct opcode *row = &opcode_table[i->op];

    *undef = row->fl_undef;
    *def = row->fl_write & ~(unsigned)row->fl_undef;
    if (row->fl_undef && is_one_of(row->mnemonic, shifts))
        after_shift(i, row, def, undef);
    *def &= ~*undef;
}

void lint_scan_block(struct block *b)
{
    unsigned touched = 0, undef = 0;

    for (unsigned k = 0; k < b->n; k++) {
        unsigned use = consumed(&opcode_table[b->insns[k].op]), d, u;

        b->lint_use |= pack(use & ~touched);
        b->lint_self |= (use & undef) != 0;
        effect(&b->insns[k], &d, &u);
        touched |= d | u;
        undef = (undef & ~d) | u;
        if (u)
            b->lint_last = b->insns[k].off;
    }
    b->lint_def = pack(touched & ~undef);
    b->lint_undef = pack(undef);
}

/* "ZF and CF" of packed bits. */
static void name_flags(unsigned bits, char *buf, size_t size)
{
    buf[0] = 0;
    for (unsigned k = 0; k < 8; k++) {
        if (bits >> k & 1 && flag_name[k])
            snprintf(buf + strlen(buf), size - strlen(buf), "%s%s", buf[0] ? " and " : "",
                     flag_name[k]);
    }
}

static void tell(struct cpu *cpu, const struct insn *i, unsigned bits, uint64_t at)
{
    char names[48], culprit[160];

    name_flags(bits, names, sizeof(names));
    lint_insn_text(cpu, at, culprit, sizeof(culprit));
    cpu->cur = i;
    lint_report_of(LINT_UNDEFINED_FLAG, bits, "depends on %s, left undefined by %s", names,
                   culprit);
    cpu->cur = NULL;
}

/* Something in the block consumes what is undefined: goes through it once more, and tells. */
static __attribute__((cold, noinline)) void tell_block(struct cpu *cpu, const struct block *b)
{
    unsigned undef = cpu->lint_undef;
    uint64_t at[8];

    memcpy(at, cpu->lint_undef_at, sizeof(at));
    for (unsigned k = 0; k < b->n; k++) {
        const struct insn *i = &b->insns[k];
        unsigned bad = pack(consumed(&opcode_table[i->op])) & undef, d, u;

        if (bad)
            tell(cpu, i, bad, at[__builtin_ctz(bad)]);
        effect(i, &d, &u);
        undef = (undef & ~(bad | pack(d))) | pack(u);
        for (unsigned f = 0; f < 8; f++) {
            if (pack(u) >> f & 1)
                at[f] = cpu->gpr[REG_RIP] + i->off;
        }
    }
}

void lint_enter_block(struct cpu *cpu, const struct block *b)
{
    if (unlikely((cpu->lint_undef & b->lint_use) || b->lint_self))
        tell_block(cpu, b);
    /* told once: who consumes it next has the same cause */
    cpu->lint_undef &= (uint8_t) ~(b->lint_def | b->lint_use);
    cpu->lint_undef |= b->lint_undef;
    for (unsigned u = b->lint_undef; u; u &= u - 1)
        cpu->lint_undef_at[__builtin_ctz(u)] = cpu->gpr[REG_RIP] + b->lint_last;
}
