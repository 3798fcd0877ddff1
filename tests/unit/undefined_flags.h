/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of the flags that the manual leaves undefined: one list for docs/cpu.md
 * (tests/doc/cpu_doc.c) and for the test that holds the handlers to it. Where processors agree, it
 * is what they do.
 */
#ifndef TESTS_UNIT_UNDEFINED_FLAGS_H
#define TESTS_UNIT_UNDEFINED_FLAGS_H

#include <stdint.h>

enum undefined_rule {
    UNDEFINED_KEPT,   /* as it was */
    UNDEFINED_CLEAR,  /* 0 */
    UNDEFINED_RESULT, /* SF, ZF, PF as of the result (of products: of its low half) */
    UNDEFINED_LAST,   /* OF of a shift by one, if the last bit is shifted by itself */
    UNDEFINED_SIGN,   /* OF: the sign is not what it was */
};

struct undefined_choice {
    const char *mnemonics; /* with blanks between */
    uint16_t flags;        /* FL_* */
    enum undefined_rule rule;
};

extern const struct undefined_choice undefined_choices[];
extern const unsigned undefined_choice_count;

/* The rule for one flag of an instruction, or NULL when it is not in the list. */
const struct undefined_choice *undefined_choice_of(const char *mnemonic, uint16_t flag);

#endif
