/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Encodings of the rows of opcodes.def, for the decoder's test: prefixes, opcode, ModRM and SIB as
 * the row demands, then bytes that make every displacement and immediate a corner value. SDM volume
 * 2, chapter 2 (instruction format).
 */
#ifndef TESTS_UNIT_DECODE_ROWS_H
#define TESTS_UNIT_DECODE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu/opcodes.h"

/* One encoding. What was put in is kept, so that it need not be found again in the bytes. */
struct encoding {
    uint8_t bytes[48]; /* the instruction, and corner values behind it */
    unsigned fixed;    /* bytes before displacement and immediate */
    unsigned legacy;   /* of these, prefixes other than REX */
    unsigned mode;     /* MODE_16, MODE_32, MODE_64 */
    unsigned rep;      /* 0, 0xf2 or 0xf3: the last one */
    unsigned seg;      /* prefix byte of the override, or 0 */
    bool op66, addr67, lock, has_modrm;
    bool wide;    /* VEX.L */
    uint8_t vvvv; /* VEX.vvvv, the right way round */
    uint8_t rex; /* 0 when there is none; of VEX in 64-bit mode: what says the same of R, X, B, W */
    uint8_t modrm, sib, opcode;
};

/* Prefixes and operands to make an encoding of. */
struct form {
    const char *prefixes; /* ends at the first 0 */
    unsigned rex;         /* 0 when there is none */
    unsigned plus;        /* register in the opcode, A_PLUSR only */
    unsigned modrm, sib;
    unsigned tail; /* which corner values, any number */
};

/* Has the row a ModRM byte? */
bool row_has_modrm(const struct opcode *row);

/* Has it the operand, or one addressed by a vector (VSIB)? */
bool row_has(const struct opcode *row, unsigned kind);
bool row_has_vsib(const struct opcode *row);

/* Has the encoding's memory operand a 16-bit address? */
bool encoding_asz16(const struct encoding *e);

/* Does the ModRM byte fit the row? */
bool row_takes_modrm(const struct opcode *row, unsigned modrm);

/* A ModRM byte that the row takes, of the register form if `reg`. False when there is none. */
bool row_modrm(const struct opcode *row, bool reg, unsigned *modrm);

/* Does the row exist in that mode? */
bool row_in_mode(const struct opcode *row, unsigned mode);

/* Would an earlier row of the table take these bytes? Only opcode 90 is shared between rows. */
bool form_is_other_row(const struct opcode *row, const struct form *f);

/* Encodes f as the row in a mode: mandatory prefix first, so that f may add redundant ones. */
void encode(struct encoding *e, const struct opcode *row, unsigned mode, const struct form *f);

/* Calls visit for every encoding that is to be tested of row k in a mode; returns how many. */
unsigned encode_row(unsigned k, unsigned mode, void (*visit)(const struct encoding *e, void *arg),
                    void *arg);

#endif
