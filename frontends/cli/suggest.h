/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "Did you mean": the nearest of some known words. */
#ifndef FRONTENDS_CLI_SUGGEST_H
#define FRONTENDS_CLI_SUGGEST_H

#include <stddef.h>

/* The word of words[0..n-1] with the smallest edit distance to `word`, or NULL when none is close
 * (more than half of it would have to change). */
const char *suggest(const char *word, const char *const *words, size_t n);

#endif
