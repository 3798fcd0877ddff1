/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of strict mode (lint.h) is for front ends: which rules are on, and what came of it. */
#ifndef BASE_LINT_CONTROL_H
#define BASE_LINT_CONTROL_H

#include <glib.h>

#include "base/lint.h"

/* ---- configuration ---- */

/* Reads a list as -lint has it: rules by name, or "all"; "no-NAME" without that rule; "file=F"
 * where the reports go (default stderr); "limit=N" how many places are told of a rule. NULL or no
 * rule at all: all of them but the notes (docs/lint.md). False with an error in one line, and
 * nothing changed. */
bool lint_configure(const char *list, GError **err);

/* The rules, one a line with what and why. The caller frees it. */
char *lint_help(void);

/* ---- results ---- */

/* How often a rule was broken, and at how many places. */
void lint_count(enum lint_rule r, uint64_t *times, uint64_t *places);

/* The summary, and each report with its count, line by line. Any thread. */
void lint_tell(void (*line)(void *opaque, const char *text), void *opaque);

/* Writes the summary where the reports went, forgets all, and switches everything off. Nobody may
 * report any more. Without lint_configure it does nothing. */
void lint_close(void);

#endif
