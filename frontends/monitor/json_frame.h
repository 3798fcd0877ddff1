/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where one JSON text ends and the next begins in a stream without framing, as QMP is one (RFC
 * 8259). Only brackets and strings are looked at: what a frame means is the JSON library's
 * business. Length and nesting are bounded, and garbage costs its sender one complaint.
 */
#ifndef FRONTENDS_MONITOR_JSON_FRAME_H
#define FRONTENDS_MONITOR_JSON_FRAME_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_FRAME_MAX   (1u << 20) /* bytes of one text */
#define JSON_FRAME_DEPTH 1024u      /* brackets within brackets */

struct json_frame {
    GString *text; /* of the frame, so far or whole */
    unsigned depth;
    uint8_t square[JSON_FRAME_DEPTH / 8]; /* a bit a level: the bracket is [, not { */
    bool string, escaped;                 /* inside a string; behind its backslash */
    bool scalar;                          /* a number or a word, outside of everything */
    bool whole;                           /* text is a frame that was handed out */
    bool junk; /* complained already; what follows is dropped to the next line or { */
};

enum json_frame_result {
    JSON_FRAME_MORE,  /* all was taken, and no text is complete */
    JSON_FRAME_WHOLE, /* f->text is one, until the next call */
    JSON_FRAME_BAD,   /* *why says what cannot begin or go on a text; the next one is looked for */
};

void json_frame_init(struct json_frame *f);
void json_frame_clear(struct json_frame *f);

/* The stream begins anew. */
void json_frame_reset(struct json_frame *f);

/* Takes bytes until something is to be told; *taken says how many. */
enum json_frame_result json_frame_feed(struct json_frame *f, const uint8_t *buf, size_t len,
                                       size_t *taken, const char **why);

#endif
