/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See result.h. */
#include "frontends/headless/result.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/mutant.h"

static const char *const verdicts[] = {"runs", "passed", "failed", "skipped", "host"};

char *result_line(const struct result *r)
{
    char *text = g_strescape(r->text ? r->text : "", NULL), *line;

    line = g_strdup_printf("%s\t%d\t%" PRIu64 "\t%" PRId64 "\t%s\t%s\t%s\n", verdicts[r->verdict],
                           r->started, r->instructions, r->time_ns, r->serial, r->state, text);
    g_free(text);
    return line;
}

static bool parse_number(const char *s, uint64_t *out)
{
    char *end;

    errno = 0;
    *out = g_ascii_isdigit(*s) ? strtoull(s, &end, 10) : 0;
    return g_ascii_isdigit(*s) && !*end && !errno && *out <= INT64_MAX;
}

/* A sum, or nothing. */
static bool is_sum(const char *s)
{
    return !*s || MUTANT(any_text_is_a_sum) ||
           (strlen(s) == RESULT_SUM - 1 && strspn(s, "0123456789abcdef") == RESULT_SUM - 1);
}

bool result_parse(struct result *r, const char *line)
{
    char **f = g_strsplit(line, "\t", 8);
    uint64_t instructions, ns, started;
    unsigned v = 0;
    bool ok = g_strv_length(f) == 7;

    while (ok && v < ARRAY_SIZE(verdicts) && strcmp(f[0], verdicts[v]))
        v++;
    ok = ok && v < ARRAY_SIZE(verdicts) && parse_number(f[1], &started) && started <= 1 &&
         parse_number(f[2], &instructions) && parse_number(f[3], &ns) && is_sum(f[4]) &&
         is_sum(f[5]);
    if (ok) {
        g_free(r->text);
        *r = (struct result){.verdict = (enum verdict)v,
                             .text = *f[6] ? g_strcompress(f[6]) : NULL,
                             .started = started,
                             .instructions = instructions,
                             .time_ns = (int64_t)ns};
        g_strlcpy(r->serial, f[4], sizeof(r->serial));
        g_strlcpy(r->state, f[5], sizeof(r->state));
    }
    g_strfreev(f);
    return ok;
}

void result_clear(struct result *r)
{
    g_free(r->text);
    *r = (struct result){.verdict = VERDICT_NONE};
}
