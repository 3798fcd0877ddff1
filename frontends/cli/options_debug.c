/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options for testing and debugging: logs, counters. */
#include "frontends/cli/option.h"

#include "base/error.h"
#include "base/suggest.h"

#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "base/symbols.h"
#include "cpu/trace_filter.h"

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
    return suggest_error(err, "log category", option_own(o, g_strndup(bad, strcspn(bad, ","))),
                         names, n);
}

static bool opt_log_filter(struct options *o, const char *value, GError **err)
{
    const char *bad, *why = trace_filter_add(value, &bad);

    (void)o;
    return !why || error_option(err, "-dfilter: '%.*s' %s", (int)strcspn(bad, ","), bad, why);
}

static bool opt_symbols(struct options *o, const char *value, GError **err)
{
    (void)o;
    return symbols_add_file(value, err);
}

static bool opt_log_file(struct options *o, const char *value, GError **err)
{
    int r = log_set_file(value);

    (void)o;
    return r == 0 || error_option(err, "%s: cannot write: %s", value, g_strerror(-r));
}

static bool opt_start_paused(struct options *o, const char *value, GError **err)
{
    (void)value;
    (void)err;
    o->machine.start_paused = true;
    return true;
}

static bool opt_ring(struct options *o, const char *value, GError **err)
{
    static const char *const keys[] = {"count"};
    struct option_pairs p;
    uint64_t count = 100000;

    if (!option_pairs(o, value, &p, err))
        return false;
    if (!p.n || p.value[0])
        return error_option(err, "-ring wants a file first: FILE[,count=N]");
    for (unsigned k = 1; k < p.n; k++) {
        if (strcmp(p.key[k], "count"))
            return suggest_error(err, "-ring parameter", p.key[k], keys, ARRAY_SIZE(keys));
        if (!option_number("-ring count", p.value[k], 1u << 24, &count, err))
            return false;
        if (!count)
            return error_option(err, "-ring count is 1 or more");
    }
    o->machine.ring_file = p.key[0];
    o->machine.ring = (unsigned)count;
    return true;
}

static bool opt_profile(struct options *o, const char *value, GError **err)
{
    (void)err;
    o->profile = value;
    o->machine.profile = true;
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
    {"ring", "FILE[,count=N]", "write the last instructions when there is trouble (100000 a CPU)",
     opt_ring},
    {"profile", "FILE", "write where the guest's time goes, as folded stacks", opt_profile},
    {"S", NULL, "start paused", opt_start_paused},
    {"stats", NULL, "print counters at the end", opt_stats},
    {"d", "LIST", "log what happens; -d help lists the categories", opt_log},
    {"dfilter", "FIRST..LAST|FROM+SIZE|FROM-SIZE|cpl=N|cr3=N,...",
     "what exec, insn, int and mmu are to tell of", opt_log_filter},
    {"symbols", "FILE", "names for addresses: an ELF file or a System.map; may be repeated",
     opt_symbols},
    {"D", "FILE", "where the log goes (default stderr)", opt_log_file},
};

const struct option_group options_debug = {options, ARRAY_SIZE(options)};
