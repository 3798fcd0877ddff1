/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "Did you mean": the nearest of some known words. */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* The word of words[0..n-1] with the smallest edit distance to `word`, or NULL when none is close
 * (more than half of it would have to change). */
const char *suggest(const char *word, const char *const *words, size_t n);

/* Sets *err to "unknown WHAT 'WORD'; did you mean …?"; false, to be returned. */
bool suggest_error(GError **err, const char *what, const char *word, const char *const *words,
                   size_t n);

#endif
