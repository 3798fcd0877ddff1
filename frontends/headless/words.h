/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of a line of a script: bare ones, "fixed text" with C's escapes, /regular expressions/.
 */
#ifndef FRONTENDS_HEADLESS_WORDS_H
#define FRONTENDS_HEADLESS_WORDS_H

#include <glib.h>
#include <stdbool.h>

#define WORDS_MAX 64

enum word_kind { WORD_BARE, WORD_TEXT, WORD_REGEX };

struct word {
    enum word_kind kind;
    char *s; /* text: with its escapes done; regex: as between the slashes, \/ being / */
};

struct words {
    unsigned n;
    struct word w[WORDS_MAX];
};

/* Splits a line at blanks; a word that begins with # ends it. False with an error that says what is
 * wrong, without its place; words_clear either way. */
bool words_split(struct words *w, const char *line, GError **err);
void words_clear(struct words *w);

#endif
