/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where Capstone 4 and the manual part: names, operands that are implied, instructions that it does
 * not know or gets wrong. Each entry of the tables behind these says why.
 */
#ifndef TESTS_UNIT_DECODE_KNOWN_H
#define TESTS_UNIT_DECODE_KNOWN_H

#include <capstone/capstone.h>
#include <stdbool.h>

#include "cpu/insn.h"
#include "tests/unit/decode_rows.h"

/* Bytes that mean the same and that Capstone reads as the manual does. */
struct spelling {
    uint8_t bytes[24];
    unsigned mode;
    int longer; /* than the encoding, in bytes */
};

/* How e is shown to Capstone: as it is, but for the reasons in decode_known.c. */
void known_spelling(struct spelling *s, const struct encoding *e, const struct insn *in);

/* Is `name` what Capstone calls the row's instruction? */
bool known_name(const struct opcode *row, const struct insn *in, const char *name);

/* Of the operands that the row has, does Capstone not list number k; of those that it lists, does
 * the row leave number k (of `listed`) to the manual's description? */
bool known_hidden(const struct opcode *row, const struct insn *in, unsigned k);
bool known_implied(const struct opcode *row, const struct insn *in, unsigned k, unsigned listed);

/* The size that it gives an Ew register: LAR, LSL and MOV to segment registers name the whole
 * register (SDM: reg/m16) and use 16 bits of it. */
unsigned known_word_size(const struct opcode *row, const struct insn *in);

/* Does Capstone list the two operands the other way round? */
bool known_swapped(const struct opcode *row);

/* Instructions that it does not know, and operands (number k of the row's) that it shows wrongly.
 */
bool known_missing(const struct encoding *e, const struct insn *in);
bool known_wrong(const struct encoding *e, const struct insn *in, unsigned k);

/* Capstone reads the name and stops: length and operands are not to be compared. */
bool known_short(const struct encoding *e, const struct insn *in);

#endif
