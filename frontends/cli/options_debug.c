/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options for testing and debugging: logs, counters. */
#include "frontends/cli/option.h"

#include <string.h>

#include "base/bits.h"
#include "base/log.h"

static bool opt_log(struct options *o, const char *value, GError **err)
{
    const char *bad, *names[32];
    unsigned n = 0;

    if (!strcmp(value, "help")) {
        GString *s = g_string_new("Log categories:\n");

        for (; log_category_name(n); n++)
            g_string_append_printf(s, "  %-6s %s\n", log_category_name(n), log_category_what(n));
        o->help_text = option_own(o, g_string_free(s, FALSE));
        return true;
    }
    if (log_set_mask(value, &bad))
        return true;
    for (; log_category_name(n) && n < ARRAY_SIZE(names); n++)
        names[n] = log_category_name(n);
    return option_fail_unknown(err, "log category",
                               option_own(o, g_strndup(bad, strcspn(bad, ","))), names, n);
}

static bool opt_log_file(struct options *o, const char *value, GError **err)
{
    int r = log_set_file(value);

    (void)o;
    return r == 0 || option_fail(err, "%s: cannot write: %s", value, g_strerror(-r));
}

static bool opt_start_paused(struct options *o, const char *value, GError **err)
{
    (void)value;
    (void)err;
    o->machine.start_paused = true;
    return true;
}

static bool opt_stats(struct options *o, const char *value, GError **err)
{
    (void)value;
    (void)err;
    o->stats = true;
    return true;
}

static const struct option options[] = {
    {"S", NULL, "start paused", opt_start_paused},
    {"stats", NULL, "print counters at the end", opt_stats},
    {"d", "LIST", "log what happens; -d help lists the categories", opt_log},
    {"D", "FILE", "where the log goes (default stderr)", opt_log_file},
};

const struct option_group options_debug = {options, ARRAY_SIZE(options)};
