/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What came over a serial line, to be searched: waiting goes forward from match to match, as a
 * person reads; counting looks at all of it. Carriage returns, NULs and the
 * escape sequences of terminals are left out. Main thread.
 */
#ifndef FRONTENDS_HEADLESS_TEXT_STREAM_H
#define FRONTENDS_HEADLESS_TEXT_STREAM_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define TEXT_STREAM_MAX  (16u << 20) /* bytes that are kept; older ones are forgotten */
#define TEXT_STREAM_SPAN 65536u      /* the longest match that is found whatever else comes */

/* When what is before that place (text_stream_total's measure) had come. */
struct text_stream_stamp {
    gsize end;
    uint64_t count; /* the guest's instructions */
};

struct text_stream {
    GString *text;
    unsigned char escape; /* inside a sequence: how it began; 0: outside */
    gsize after;          /* where the last match of a wait ended */
    gsize forgotten;      /* bytes before text */
    gsize scanned;        /* so much was searched by the present wait, for nothing */
    GArray *stamps;       /* of struct text_stream_stamp, behind the last match */
    uint64_t came;        /* the stamp of the last match of a wait */
};

void text_stream_init(struct text_stream *t);
void text_stream_clear(struct text_stream *t);

/* `count`: the guest's instructions when it had said that, never going back. */
void text_stream_add(struct text_stream *t, const char *bytes, gsize len, uint64_t count);

/* Whether the pattern comes after the last match; takes it if so. 1, 0, or -1 with an error when
 * the pattern cannot be searched for. */
int text_stream_wait(struct text_stream *t, const GRegex *regex, GError **err);

/* From now on a wait looks for something else. */
void text_stream_begin(struct text_stream *t);

/* Bytes that ever came, forgotten ones too. */
gsize text_stream_total(const struct text_stream *t);

/* Something that is watched for from a moment on: both begin as text_stream_total(). */
struct text_stream_watch {
    gsize begin, seen;
};

/* Whether it is in what came since the watch began and was not looked at before. As above. */
int text_stream_seen(const struct text_stream *t, const GRegex *regex, struct text_stream_watch *w,
                     GError **err);

/* How many times it is in the whole, at most `max`; -1 as above. */
int text_stream_count(const struct text_stream *t, const GRegex *regex, unsigned max, GError **err);

#endif
