/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of opcodes.def in groups: each is a test, run by a process of its own. */
#ifndef TESTS_DIFF_GROUPS_H
#define TESTS_DIFF_GROUPS_H

#include <stdbool.h>

#include "cpu/opcodes.h"

enum diff_group_kind { DIFF_ROWS, DIFF_SEQUENCES, DIFF_UNDEFINED };

struct diff_group {
    const char *name;
    enum diff_group_kind kind;
    bool (*has)(const struct opcode *row);
    unsigned share;    /* of the cases */
    unsigned setup[8]; /* of diff_setups, in turn */
    unsigned setups;
};

extern const struct diff_group diff_groups[];
extern const unsigned diff_group_count;

#endif
