/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Edit distance (insert, delete, replace) over short words; see suggest.h. */
#include "base/suggest.h"

#include <stdint.h>
#include <string.h>

#include "base/error.h"

#define MAX_WORD 64

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;

    return m < c ? m : c;
}

static size_t distance(const char *a, const char *b)
{
    size_t row[MAX_WORD + 1], la = strlen(a), lb = strlen(b);

    if (la > MAX_WORD || lb > MAX_WORD)
        return SIZE_MAX; /* no word of ours is that long */
    for (size_t k = 0; k <= lb; k++)
        row[k] = k;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t k = 1; k <= lb; k++) {
            size_t up = row[k];

            row[k] = min3(up + 1, row[k - 1] + 1, diagonal + (a[i - 1] != b[k - 1]));
            diagonal = up;
        }
    }
    return row[lb];
}

const char *suggest(const char *word, const char *const *words, size_t n)
{
    const char *best = NULL;
    size_t least = strlen(word) / 2 + 1;

    for (size_t k = 0; k < n; k++) {
        size_t d = distance(word, words[k]);

        if (d < least) {
            least = d;
            best = words[k];
        }
    }
    return best;
}

bool suggest_error(GError **err, const char *what, const char *word, const char *const *words,
                   size_t n)
{
    const char *near = suggest(word, words, n);

    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION, "unknown %s '%s'%s%s%s", what, word,
                near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return false;
}
