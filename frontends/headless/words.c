/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See words.h. */
#include "frontends/headless/words.h"

#include "base/error.h"

#include <string.h>

#include "frontends/headless/spec.h"

/* Up to the closing `quote` after *p, which then points behind it; NULL when there is none. A
 * backslash keeps what follows it from closing. */
static char *quoted(const char **p, char quote)
{
    GString *s = g_string_new(NULL);
    const char *c = *p + 1;

    for (; *c && *c != quote; c++) {
        if (*c == '\\' && c[1] && (c[1] == quote || quote == '"')) {
            if (quote == '"')
                g_string_append_c(s, *c); /* g_strcompress's business */
            c++;
        } else if (*c == '\\' && c[1]) {
            g_string_append_c(s, *c++);
        }
        g_string_append_c(s, *c);
    }
    if (!*c) {
        g_string_free(s, TRUE);
        return NULL;
    }
    *p = c + 1;
    return g_string_free(s, FALSE);
}

static bool take(struct word *w, const char **p, GError **err)
{
    char quote = **p;

    if (quote != '"' && quote != '/') {
        const char *end = *p + strcspn(*p, " \t");

        w->kind = WORD_BARE;
        w->s = g_strndup(*p, (gsize)(end - *p));
        *p = end;
        return true;
    }
    w->kind = quote == '"' ? WORD_TEXT : WORD_REGEX;
    w->s = quoted(p, quote);
    if (!w->s)
        return error_option(err, "a %c is never closed", quote);
    if (quote == '"') {
        char *raw = w->s;

        w->s = g_strcompress(raw);
        g_free(raw);
    }
    if (**p && **p != ' ' && **p != '\t')
        return error_option(err, "'%s' stands right behind a closing %c", *p, quote);
    return true;
}

bool words_split(struct words *w, const char *line, GError **err)
{
    const char *p = line;

    w->n = 0;
    for (;;) {
        p += strspn(p, " \t");
        if (!*p || *p == '#')
            return true;
        if (w->n == WORDS_MAX)
            return error_option(err, "more than %d words", WORDS_MAX);
        w->w[w->n].s = NULL;
        if (!take(&w->w[w->n++], &p, err))
            return false;
    }
}

void words_clear(struct words *w)
{
    for (unsigned k = 0; k < w->n; k++)
        g_free(w->w[k].s);
    w->n = 0;
}
