/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compares what the decoder made of an encoding with what Capstone makes of the same bytes: length,
 * name, registers, memory operands, immediates.
 */
#ifndef TESTS_UNIT_DECODE_COMPARE_H
#define TESTS_UNIT_DECODE_COMPARE_H

#include <stdbool.h>

#include "cpu/insn.h"
#include "tests/unit/decode_rows.h"

/* What became of the comparisons. */
struct compare_stats {
    unsigned long compared;  /* whole instructions that agreed, length, name and operands */
    unsigned long operands;  /* operands among them */
    unsigned long respelled; /* of all: shown to Capstone in other bytes of the same meaning */
    unsigned long unknown;   /* Capstone does not know the instruction, as a table says */
    unsigned long failed;
};

void compare_begin(void);
void compare_end(void);

/* Compares `in`, which decode() made of e, and counts it. Failures are printed (the first of a
 * row). */
void compare_insn(const struct encoding *e, const struct insn *in, struct compare_stats *st);

#endif
