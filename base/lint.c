/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See lint.h and lint_control.h. */
#include "base/lint_control.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/mutant.h"

uint64_t lint_mask;

static const struct {
    const char *name, *what, *why, *manual;
} rules[LINT_RULES] = {
#define LINT(id, name, what, why, manual) {name, what, why, manual},
#include "base/lint.def"
#undef LINT
};

#define ALL_RULES (~UINT64_C(0) >> (64 - LINT_RULES))
/* What systems break on purpose, as when they probe: only where it is asked for. */
#define NOTES         (UINT64_C(1) << LINT_UNCLAIMED)
#define DEFAULT_LIMIT 200 /* places told of a rule */

/* What tells one report from others, and how often it came. */
struct finding {
    enum lint_rule rule;
    uint64_t place, subject;
    const char *fmt; /* compared as a pointer: the statement that reports */
    uint64_t times;
    char *text;
};

static struct {
    struct lock lock;
    bool configured;
    FILE *file; /* NULL: stderr */
    uint64_t limit;
    GHashTable *seen;   /* struct finding, by what tells them apart */
    GPtrArray *in_turn; /* the same, as they came */
    uint64_t times[LINT_RULES], places[LINT_RULES];
    bool limited[LINT_RULES];
} lint;

static _Thread_local const struct lint_where *where;

const struct lint_where *lint_set_where(const struct lint_where *w)
{
    const struct lint_where *was = where;

    where = w;
    return was;
}

/* ---- findings ---- */

static guint finding_hash(gconstpointer p)
{
    const struct finding *f = p;
    uint64_t h = f->place * UINT64_C(0x9e3779b97f4a7c15) ^ f->subject ^ (uintptr_t)f->fmt;

    return (guint)((h ^ h >> 29) * 31 + f->rule);
}

static gboolean finding_equal(gconstpointer p, gconstpointer q)
{
    const struct finding *a = p, *b = q;

    return a->rule == b->rule && a->place == b->place && a->subject == b->subject &&
           a->fmt == b->fmt;
}

static void finding_free(gpointer p)
{
    struct finding *f = p;

    g_free(f->text);
    g_free(f);
}

/* Counts one more of it; false when it is new. The lock is held. */
static bool count_again(const struct finding *like)
{
    struct finding *f = lint.seen ? g_hash_table_lookup(lint.seen, like) : NULL;

    if (!f)
        return false;
    f->times++;
    lint.times[f->rule]++;
    return true;
}

/* One call, so that lines of several processes that share stderr stay whole. */
static void put_line(const char *text)
{
    fprintf(lint.file ? lint.file : stderr, "%s\n", text);
}

/* "lint: RULE at PLACE: MESSAGE" */
static char *compose(enum lint_rule r, const char *fmt, va_list ap)
{
    GString *s = g_string_new("lint: ");
    char place[320];

    g_string_append_printf(s, "%s: ", rules[r].name);
    if (where) {
        where->tell(where->opaque, place, sizeof(place));
        g_string_append_printf(s, "%s: ", place);
    }
    g_string_append_vprintf(s, fmt, ap);
    return g_string_free(s, FALSE);
}

/* The rule has as many places as it may; the lock is held. */
static bool over_limit(enum lint_rule r)
{
    if (lint.places[r] < lint.limit)
        return false;
    lint.times[r]++;
    if (!lint.limited[r]) {
        char *text = g_strdup_printf("lint: %s: at more than %" PRIu64 " places; no more are told",
                                     rules[r].name, lint.limit);

        put_line(text);
        g_free(text);
    }
    lint.limited[r] = true;
    return true;
}

static void add(const struct finding *like, char *text)
{
    struct finding *f = g_new(struct finding, 1);

    if (!lint.seen) {
        lint.seen = g_hash_table_new(finding_hash, finding_equal);
        lint.in_turn = g_ptr_array_new_with_free_func(finding_free);
    }
    *f = *like;
    f->times = 1;
    f->text = text;
    g_hash_table_add(lint.seen, f);
    g_ptr_array_add(lint.in_turn, f);
    lint.times[f->rule]++;
    lint.places[f->rule]++;
    put_line(text);
}

void lint_say(enum lint_rule r, uint64_t subject, const char *fmt, ...)
{
    struct finding like = {.rule = r, .subject = subject, .fmt = fmt};
    bool done;
    char *text;
    va_list ap;

    if (where)
        like.place = where->place(where->opaque);
    lock_take(&lint.lock);
    done = count_again(&like) || over_limit(r);
    lock_drop(&lint.lock);
    if (done)
        return;
    va_start(ap, fmt); /* outside: disassembles */
    text = compose(r, fmt, ap);
    va_end(ap);
    lock_take(&lint.lock);
    if (count_again(&like) || over_limit(r)) /* another thread was faster */
        g_free(text);
    else
        add(&like, text);
    lock_drop(&lint.lock);
}

/* ---- configuration ---- */

static int find_rule(const char *name, size_t len)
{
    for (unsigned k = 0; k < LINT_RULES; k++) {
        if (strlen(rules[k].name) == len && !strncmp(rules[k].name, name, len))
            return (int)k;
    }
    return -1;
}

struct wish {
    uint64_t with, without, limit;
    const char *file;
};

static bool read_item(struct wish *w, const char *item, GError **err)
{
    bool no = g_str_has_prefix(item, "no-");
    const char *name = no ? item + 3 : item;
    int r = find_rule(name, strlen(name));

    if (g_str_has_prefix(item, "file=") && item[5]) {
        w->file = item + 5;
    } else if (g_str_has_prefix(item, "limit=")) {
        char *end;

        errno = 0;
        w->limit = strtoull(item + 6, &end, 10);
        if (!g_ascii_isdigit(item[6]) || *end || errno || !w->limit || w->limit > 1000000)
            return error_option(err, "-lint: limit '%s' is not a number from 1 to 1000000",
                                item + 6);
    } else if (!strcmp(item, "all")) {
        w->with |= ALL_RULES;
    } else if (r < 0) {
        return error_option(err, "-lint: there is no rule '%s' (-lint help lists them)", item);
    } else if (no) {
        w->without |= UINT64_C(1) << r;
    } else {
        w->with |= UINT64_C(1) << r;
    }
    return true;
}

bool lint_configure(const char *list, GError **err)
{
    char **items = g_strsplit(list ? list : "", ",", -1);
    struct wish w = {.limit = DEFAULT_LIMIT};
    FILE *file = NULL;
    bool ok = true;

    for (char **item = items; *item && ok; item++)
        ok = !**item || read_item(&w, *item, err);
    if (ok && w.file && !(file = fopen(w.file, "w")))
        ok = error_option(err, "%s: cannot write: %s", w.file, g_strerror(errno));
    g_strfreev(items);
    if (!ok)
        return false;
    if (file)
        setvbuf(file, NULL, _IOLBF, 0);
    if (lint.file)
        fclose(lint.file);
    lint.file = file;
    lint.limit = w.limit;
    lint.configured = true;
    lint_mask = (w.with                    ? w.with
                 : MUTANT(notes_are_rules) ? ALL_RULES
                                           : ALL_RULES & ~NOTES) &
                ~w.without;
    return true;
}

char *lint_help(void)
{
    GString *s = g_string_new("Rules of -lint (docs/lint.md has more):\n");

    for (unsigned k = 0; k < LINT_RULES; k++)
        g_string_append_printf(s, "%s\n  %s;\n  %s (%s)\n", rules[k].name, rules[k].what,
                               rules[k].why, rules[k].manual);
    return g_string_free(s, FALSE);
}

/* ---- results ---- */

void lint_count(enum lint_rule r, uint64_t *times, uint64_t *places)
{
    lock_take(&lint.lock);
    *times = lint.times[r];
    *places = lint.places[r];
    lock_drop(&lint.lock);
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

/* "lint: 2 reports (7 times): stale-tlb 1 (6), split-lock 1 (1)"; the caller frees it. */
static char *summary(void)
{
    uint64_t times = 0, places = 0;
    GString *s = g_string_new("lint: ");
    const char *sep = ": ";

    for (unsigned k = 0; k < LINT_RULES; k++) {
        times += lint.times[k];
        places += lint.places[k];
    }
    if (!times) {
        g_string_append(s, "no reports");
        return g_string_free(s, FALSE);
    }
    g_string_append_printf(s, "%" PRIu64 " report%s, %" PRIu64 " time%s", places, plural(places),
                           times, plural(times));
    for (unsigned k = 0; k < LINT_RULES; k++) {
        if (!lint.times[k])
            continue;
        g_string_append_printf(s, "%s%s %" PRIu64 "%s (%" PRIu64 ")", sep, rules[k].name,
                               lint.places[k], lint.limited[k] ? "+" : "", lint.times[k]);
        sep = ", ";
    }
    return g_string_free(s, FALSE);
}

void lint_tell(void (*line)(void *opaque, const char *text), void *opaque)
{
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

    lock_take(&lint.lock);
    if (!lint.configured) {
        g_ptr_array_add(lines, g_strdup("lint: off (-lint switches it on)"));
    } else {
        g_ptr_array_add(lines, summary());
        for (guint k = 0; lint.in_turn && k < lint.in_turn->len; k++) {
            const struct finding *f = g_ptr_array_index(lint.in_turn, k);

            g_ptr_array_add(
                lines, g_strdup_printf("%8" PRIu64 " %s", f->times, f->text + strlen("lint: ")));
        }
    }
    lock_drop(&lint.lock);
    for (guint k = 0; k < lines->len; k++)
        line(opaque, g_ptr_array_index(lines, k));
    g_ptr_array_free(lines, TRUE);
}

void lint_close(void)
{
    char *text;

    if (!lint.configured)
        return;
    text = summary();
    put_line(text);
    g_free(text);
    if (lint.file)
        fclose(lint.file);
    if (lint.seen)
        g_hash_table_destroy(lint.seen);
    if (lint.in_turn)
        g_ptr_array_free(lint.in_turn, TRUE);
    lint.file = NULL;
    lint.seen = NULL;
    lint.in_turn = NULL;
    memset(lint.times, 0, sizeof(lint.times));
    memset(lint.places, 0, sizeof(lint.places));
    memset(lint.limited, 0, sizeof(lint.limited));
    lint.configured = false;
    lint_mask = 0;
}
