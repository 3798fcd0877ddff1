/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a case's bytes are: the row of its first instruction, the flags that the manual leaves
 * undefined after all of them, and whether they may go elsewhere. A case that comes from a line of
 * text is judged like one that was just made, so this knows nothing but the case.
 */
#ifndef TESTS_DIFF_FACTS_H
#define TESTS_DIFF_FACTS_H

#include "cpu/decode.h"
#include "tests/diff/bytes.h"
#include "tests/diff/gen.h"

struct diff_facts {
    struct diff_bytes bytes;
    enum decode_status status;
    const struct opcode *row; /* NULL: the bytes are no instruction */
    enum diff_kind kind;
    struct insn insn;
    struct diff_sizes size;
    unsigned count;     /* instructions */
    unsigned undefined; /* flags, after all of them, */
    unsigned ever;      /* and after any */
    bool uses_fpu;      /* some instruction looks at x87 or vector registers */
    bool stays;         /* goes on right behind its last byte, or faults */
};

/* The features that the emulated CPU has. To be set before anything else. */
void diff_facts_features(feature_set features);

void diff_facts_find(struct diff_facts *f, const struct diff_case *c);

/* Flags that are undefined after one more instruction whose operands are not known, given those
 * before it. */
unsigned diff_carry_undefined(unsigned undefined, const uint8_t *code, unsigned mode);

/* The count that a shift or rotate uses, masked as the processor does. */
unsigned diff_shift_count(const struct diff_facts *f, const struct diff_case *c);

#endif
