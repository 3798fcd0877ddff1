/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See text_stream.h. */
#include "frontends/headless/text_stream.h"

#include "base/mutant.h"

#define ESC 0x1b
#define BEL 0x07

#define STAMPS_MAX (1u << 20) /* an even number */

void text_stream_init(struct text_stream *t)
{
    *t =
        (struct text_stream){.text = g_string_new(NULL),
                             .stamps = g_array_new(FALSE, FALSE, sizeof(struct text_stream_stamp))};
}

void text_stream_clear(struct text_stream *t)
{
    if (t->text)
        g_string_free(t->text, TRUE);
    g_clear_pointer(&t->stamps, g_array_unref);
    t->text = NULL;
}

/* Forgets the older half when there is too much. */
static void trim(struct text_stream *t)
{
    gsize cut = t->text->len > TEXT_STREAM_MAX ? t->text->len / 2 : 0;

    g_string_erase(t->text, 0, (gssize)cut);
    t->forgotten += cut;
    t->after -= MIN(t->after, cut);
    t->scanned -= MIN(t->scanned, cut);
}

/* Whether a byte belongs to an escape sequence. ECMA-48: ESC [ parameters, a final byte; ESC ]
 * text, BEL or ESC \\; else ESC, intermediate bytes, a final byte. */
static bool in_escape(struct text_stream *t, unsigned char c)
{
    bool intermediate = c >= 0x20 && c <= 0x2f;

    switch (t->escape) {
    case 0: t->escape = c == ESC ? ESC : 0; return c == ESC;
    case ESC:
        if (c == '[' || c == ']')
            t->escape = c;
        else if (!intermediate && c != ESC)
            t->escape = 0;
        return true;
    case '[':
        if (!intermediate && (c < 0x30 || c > 0x3f))
            t->escape = c == ESC ? ESC : 0;
        return true;
    default:
        if (c == ESC || c == BEL || c == '\n') /* a newline ends what was none */
            t->escape = c == ESC ? ESC : 0;
        return c != '\n';
    }
}

/* Of too many only each other one is kept: text counts as having come a little later. */
static void thin_out(GArray *stamps)
{
    guint n = 0;

    for (guint k = 1; k < stamps->len; k += 2)
        g_array_index(stamps, struct text_stream_stamp, n++) =
            g_array_index(stamps, struct text_stream_stamp, k);
    g_array_set_size(stamps, n);
}

static void stamp(struct text_stream *t, uint64_t count)
{
    struct text_stream_stamp s = {text_stream_total(t), count};

    if (t->stamps->len >= STAMPS_MAX)
        thin_out(t->stamps);
    g_array_append_val(t->stamps, s);
}

/* The stamp of what ends there; those before are of no use any more. */
static uint64_t take_stamp(struct text_stream *t, gsize end)
{
    guint k = 0;

    while (k < t->stamps->len && g_array_index(t->stamps, struct text_stream_stamp, k).end < end)
        k++;
    if (k)
        g_array_remove_range(t->stamps, 0, k);
    return t->stamps->len ? g_array_index(t->stamps, struct text_stream_stamp, 0).count : t->came;
}

void text_stream_add(struct text_stream *t, const char *bytes, gsize len, uint64_t count)
{
    for (gsize k = 0; k < len; k++) {
        if (!in_escape(t, (unsigned char)bytes[k]) && bytes[k] && bytes[k] != '\r')
            g_string_append_c(t->text, bytes[k]);
    }
    stamp(t, count);
    trim(t);
}

/* The first match that begins at `from` or later; its end in *end. */
static int search(const struct text_stream *t, const GRegex *regex, gsize from, gsize *end,
                  GError **err)
{
    GMatchInfo *info;
    int found, stop = 0;

    found =
        g_regex_match_full(regex, t->text->str, (gssize)t->text->len, (gint)from, 0, &info, err);
    if (found)
        g_match_info_fetch_pos(info, 0, NULL, &stop);
    *end = (gsize)stop;
    g_match_info_free(info);
    return err && *err ? -1 : found;
}

/* Where to begin when all up to `scanned` was searched for nothing: a match may have begun in it.
 */
static gsize back(const struct text_stream *t, gsize scanned)
{
    gsize from = scanned > TEXT_STREAM_SPAN ? scanned - TEXT_STREAM_SPAN : 0;

    while (from && t->text->str[from - 1] != '\n' && from + 2 * TEXT_STREAM_SPAN > scanned)
        from--; /* to the beginning of its line, for ^ and what may stand before */
    return from;
}

void text_stream_begin(struct text_stream *t)
{
    t->scanned = t->after;
}

int text_stream_wait(struct text_stream *t, const GRegex *regex, GError **err)
{
    gsize end;
    int found;

    if (t->scanned == t->text->len && t->scanned != t->after)
        return 0; /* nothing new */
    found = search(t, regex, MAX(t->after, back(t, t->scanned)), &end, err);
    t->scanned = t->text->len;
    if (found > 0) {
        t->after = MUTANT(waits_look_back) ? 0 : end;
        t->came = take_stamp(t, t->forgotten + end);
    }
    return found;
}

gsize text_stream_total(const struct text_stream *t)
{
    return t->forgotten + t->text->len;
}

int text_stream_seen(const struct text_stream *t, const GRegex *regex, struct text_stream_watch *w,
                     GError **err)
{
    gsize end, first, begin = w->seen - MIN(w->seen, t->forgotten);

    if (begin == t->text->len)
        return 0;
    first = MAX(back(t, begin), w->begin - MIN(w->begin, t->forgotten));
    w->seen = text_stream_total(t);
    return search(t, regex, first, &end, err);
}

int text_stream_count(const struct text_stream *t, const GRegex *regex, unsigned max, GError **err)
{
    gsize from = 0, end;
    unsigned n = 0;

    while (n < max && from <= t->text->len) {
        int found = search(t, regex, from, &end, err);

        if (found < 0)
            return -1;
        if (!found)
            break;
        n++;
        from = MAX(end, from + 1); /* an empty match does not hold us up */
    }
    return (int)n;
}
