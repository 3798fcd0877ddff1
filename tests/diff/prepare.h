/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operands that make something of an instruction: see gen.h. */
#ifndef TESTS_DIFF_PREPARE_H
#define TESTS_DIFF_PREPARE_H

#include "tests/diff/gen.h"

/* Does the row look at the stack? */
bool diff_wants_stack(const struct opcode *row);

/* The stack pointer somewhere in the region. */
void diff_set_stack(struct diff_gen *g);

/* Registers, memory, the address and immediates, as the row's kind wants them. */
void diff_prepare(struct diff_gen *g);
void diff_prepare_immediates(struct diff_gen *g);

#endif
