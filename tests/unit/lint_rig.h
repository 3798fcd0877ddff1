/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests of lint's rules: switches some on, and looks at what was reported. */
#ifndef TESTS_UNIT_LINT_RIG_H
#define TESTS_UNIT_LINT_RIG_H

#include <glib.h>
#include <string.h>

#include "base/lint_control.h"
#include "tests/unit/unit.h"

static inline void lint_begin(const char *rules)
{
    char *list = g_strdup_printf("%s,file=/dev/null", rules);
    GError *err = NULL;

    lint_close();
    if (!lint_configure(list, &err))
        fail_msg("%s: %s", list, err->message);
    g_free(list);
}

static inline uint64_t lint_times(enum lint_rule r)
{
    uint64_t times, places;

    lint_count(r, &times, &places);
    return times;
}

static inline void lint_gather(void *opaque, const char *text)
{
    g_string_append_printf((GString *)opaque, "%s\n", text);
}

/* The rule was reported so often, and nothing else was. */
static inline void lint_expect(enum lint_rule r, uint64_t times)
{
    GString *s = g_string_new(NULL);
    uint64_t others = 0;

    lint_tell(lint_gather, s);
    for (unsigned k = 0; k < LINT_RULES; k++)
        others += k != (unsigned)r ? lint_times((enum lint_rule)k) : 0;
    if (lint_times(r) != times || others)
        fail_msg("wanted %u of rule %u, not: %s", (unsigned)times, r, s->str);
    g_string_free(s, TRUE);
}

/* Some report has this in it. */
static inline void lint_expect_text(const char *text)
{
    GString *s = g_string_new(NULL);

    lint_tell(lint_gather, s);
    if (!strstr(s->str, text))
        fail_msg("no \"%s\" in: %s", text, s->str);
    g_string_free(s, TRUE);
}

#endif
