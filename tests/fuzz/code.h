/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instruction bytes for fuzzing: of a row of opcodes.def, or anything. */
#ifndef TESTS_FUZZ_CODE_H
#define TESTS_FUZZ_CODE_H

#include "cpu/opcodes.h"
#include "tests/fuzz/input.h"

#define FUZZ_INSN_MAX 40

/* Writes what may be an instruction in `mode` (MODE_16, MODE_32 or MODE_64) at `to` (room for
 * FUZZ_INSN_MAX bytes): mostly one of some row, with prefixes that need not suit it; now and then
 * bytes as they come. How many bytes were written; an instruction may be shorter. */
unsigned fuzz_insn(struct fuzz_input *in, unsigned mode, uint8_t *to);

/* The same, but how long the instruction is that they make, if they do. */
unsigned fuzz_insn_whole(struct fuzz_input *in, unsigned mode, uint8_t *to);

#endif
