/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What cannot be compared, and what is compared: which rows and bytes are not run on the host and
 * why, where processors may differ, and how two results differ. Each reason has a count.
 */
#ifndef TESTS_DIFF_JUDGE_H
#define TESTS_DIFF_JUDGE_H

#include "tests/diff/facts.h"

/* Why a row is never run, or NULL. */
const char *diff_row_excluded(const struct opcode *row);

/* Why a case is not run, or NULL. */
const char *diff_case_excluded(const struct diff_facts *f, const struct diff_case *c);

/* What differs, or NULL. *allowed is then, if what differs is left to the processor, or known to be
 * AMD's own way, the reason; else NULL. */
const char *diff_judge(struct diff_memory *m, const struct diff_facts *f, const struct diff_case *c,
                       const struct diff_state *host, const struct diff_state *guest,
                       const char **allowed);

#endif
