/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of [sections] with lines "key = value", kept as people wrote them: comments, blank lines
 * and order survive a change of a value. Every entry knows its line, which GLib's key files forget
 * and errors need.
 *
 * A comment is a line that begins with # or ;. A value is what follows the = without the blanks
 * around it; one in double quotes keeps its blanks.
 */
#ifndef FRONTENDS_LIBRARY_INI_H
#define FRONTENDS_LIBRARY_INI_H

#include <glib.h>
#include <stdbool.h>

#define INI_MAX_SIZE (64 * 1024) /* bytes of a file */

struct ini_line {
    char *section; /* the one it begins (key NULL) or stands in; NULL: comment or blank line */
    char *key, *value;
    char *text; /* the line as it was read; NULL: to be made from key and value */
};

struct ini {
    GPtrArray *lines; /* of struct ini_line; element n is line n + 1 */
};

struct ini *ini_new(void);
void ini_free(struct ini *ini); /* NULL: no effect */

/* NULL with one error "PATH:LINE: ...". `path` is only for that. */
struct ini *ini_parse(const char *path, const char *text, gsize len, GError **err);

/* The value, owned by `ini`, and its line, counted from 1 (`line` may be NULL); NULL and 0 when
 * there is none. */
const char *ini_get(const struct ini *ini, const char *section, const char *key, unsigned *line);

/* Sets a value, or takes the entry away (NULL). What follows a line's end in the value is cut off.
 */
void ini_set(struct ini *ini, const char *section, const char *key, const char *value);

/* The file's text; g_free. */
char *ini_text(const struct ini *ini);

#endif
