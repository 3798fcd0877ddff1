/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of options: comma lists, numbers, switches, and errors that name the nearest known word.
 */
#include "frontends/cli/option.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "frontends/cli/suggest.h"

bool option_fail(GError **err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    g_propagate_error(err, g_error_new_valist(PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION, fmt, ap));
    va_end(ap);
    return false;
}

bool option_fail_unknown(GError **err, const char *what, const char *word, const char *const *known,
                         size_t n)
{
    const char *near = suggest(word, known, n);

    if (near)
        return option_fail(err, "unknown %s '%s'; did you mean '%s'?", what, word, near);
    return option_fail(err, "unknown %s '%s'", what, word);
}

void option_warn(struct options *o, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    g_ptr_array_add(o->warnings, g_strdup_vprintf(fmt, ap));
    va_end(ap);
}

char *option_own(struct options *o, char *s)
{
    g_ptr_array_add(o->owned, s);
    return s;
}

bool option_pairs(struct options *o, const char *list, struct option_pairs *p, GError **err)
{
    GString *item = g_string_new(NULL);

    p->n = 0;
    for (const char *c = list;; c++) {
        if (*c == ',' && c[1] == ',') {
            g_string_append_c(item, ',');
            c++;
            continue;
        }
        if (*c && *c != ',') {
            g_string_append_c(item, *c);
            continue;
        }
        if (item->len) {
            char *text = option_own(o, g_strdup(item->str)), *eq = strchr(text, '=');

            if (p->n == ARRAY_SIZE(p->key)) {
                g_string_free(item, TRUE);
                return option_fail(err, "too many parameters in '%s'", list);
            }
            if (eq)
                *eq = 0;
            p->key[p->n] = text;
            p->value[p->n++] = eq ? eq + 1 : NULL;
        }
        g_string_truncate(item, 0);
        if (!*c)
            break;
    }
    g_string_free(item, TRUE);
    return true;
}

bool option_on_off(const char *what, const char *value, bool *out, GError **err)
{
    if (!value || !strcmp(value, "on") || !strcmp(value, "yes") || !strcmp(value, "true"))
        *out = true;
    else if (!strcmp(value, "off") || !strcmp(value, "no") || !strcmp(value, "false"))
        *out = false;
    else
        return option_fail(err, "%s is 'on' or 'off', not '%s'", what, value);
    return true;
}

bool option_number(const char *what, const char *value, uint64_t max, uint64_t *out, GError **err)
{
    char *end;

    errno = 0;
    *out = value && g_ascii_isdigit(*value) ? strtoull(value, &end, 0) : 0;
    if (!value || !g_ascii_isdigit(*value) || *end || errno || *out > max)
        return option_fail(err, "%s: '%s' is not a number from 0 to %" PRIu64, what,
                           value ? value : "", max);
    return true;
}
