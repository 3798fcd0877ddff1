/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comma lists of parameters and their values; see pairs.h. */
#include "base/pairs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static void add(struct pairs *p, const GString *item)
{
    char *text = g_strdup(item->str), *eq = strchr(text, '=');

    if (eq)
        *eq = 0;
    p->key[p->n] = text;
    p->value[p->n++] = eq ? eq + 1 : NULL;
}

bool pairs_split(struct pairs *p, const char *list, GError **err)
{
    GString *item = g_string_new(NULL);
    bool full = false;

    p->n = 0;
    for (const char *c = list; !full; c++) {
        if (*c == ',' && c[1] == ',') {
            g_string_append_c(item, *c++);
            continue;
        }
        if (*c && *c != ',') {
            g_string_append_c(item, *c);
            continue;
        }
        if (item->len && !(full = p->n == PAIRS_MAX))
            add(p, item);
        g_string_truncate(item, 0);
        if (!*c)
            break;
    }
    g_string_free(item, TRUE);
    if (!full)
        return true;
    pairs_clear(p);
    return error_option(err, "too many parameters in '%s'", list);
}

void pairs_clear(struct pairs *p)
{
    while (p->n)
        g_free(p->key[--p->n]);
}

bool pairs_on_off(const char *what, const char *value, bool *out, GError **err)
{
    if (!value || !strcmp(value, "on") || !strcmp(value, "yes") || !strcmp(value, "true"))
        *out = true;
    else if (!strcmp(value, "off") || !strcmp(value, "no") || !strcmp(value, "false"))
        *out = false;
    else
        return error_option(err, "%s is 'on' or 'off', not '%s'", what, value);
    return true;
}

bool pairs_number(const char *what, const char *value, uint64_t max, uint64_t *out, GError **err)
{
    char *end;

    errno = 0;
    *out = value && g_ascii_isdigit(*value) ? strtoull(value, &end, 0) : 0;
    if (!value || !g_ascii_isdigit(*value) || *end || errno || *out > max)
        return error_option(err, "%s: '%s' is not a number from 0 to %" PRIu64, what,
                            value ? value : "", max);
    return true;
}
