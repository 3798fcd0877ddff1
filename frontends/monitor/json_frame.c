/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See json_frame.h. A byte ff, which UTF-8 never has, makes the stream begin anew: clients send it
 * when they do not know what was sent before them. */
#include "frontends/monitor/json_frame.h"

#include <string.h>

#include "base/mutant.h"

#define BEGIN_ANEW 0xff

void json_frame_init(struct json_frame *f)
{
    memset(f, 0, sizeof(*f));
    f->text = g_string_new(NULL);
}

void json_frame_clear(struct json_frame *f)
{
    g_string_free(f->text, TRUE);
    f->text = NULL;
}

void json_frame_reset(struct json_frame *f)
{
    g_string_truncate(f->text, 0);
    if (f->text->allocated_len > 1 << 16) { /* do not keep what one long text took */
        g_string_free(f->text, TRUE);
        f->text = g_string_new(NULL);
    }
    f->depth = 0;
    f->string = f->escaped = f->scalar = f->whole = f->junk = false;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_structure(uint8_t c)
{
    return c && strchr("{}[]:,\"", c);
}

static enum json_frame_result bad(struct json_frame *f, const char **why, const char *what)
{
    json_frame_reset(f);
    f->junk = true;
    *why = what;
    return JSON_FRAME_BAD;
}

static enum json_frame_result whole(struct json_frame *f)
{
    f->whole = true;
    return JSON_FRAME_WHOLE;
}

static enum json_frame_result in_string(struct json_frame *f, uint8_t c, const char **why)
{
    if (c < 0x20 && !MUTANT(json_string_over_lines))
        return bad(f, why, "a control character in a string");
    g_string_append_c(f->text, (char)c);
    if (f->escaped)
        f->escaped = false;
    else if (c == '\\')
        f->escaped = true;
    else if (c == '"')
        f->string = false;
    return !f->string && !f->depth ? whole(f) : JSON_FRAME_MORE;
}

static enum json_frame_result open_bracket(struct json_frame *f, uint8_t c, const char **why)
{
    uint8_t bit = (uint8_t)(1u << f->depth % 8);

    if (f->depth == JSON_FRAME_DEPTH - MUTANT(json_depth_of_one_less))
        return bad(f, why, "it is nested too deeply");
    if (c == '[')
        f->square[f->depth / 8] |= bit;
    else
        f->square[f->depth / 8] &= (uint8_t)~bit;
    f->depth++;
    g_string_append_c(f->text, (char)c);
    return JSON_FRAME_MORE;
}

static enum json_frame_result close_bracket(struct json_frame *f, uint8_t c, const char **why)
{
    unsigned level = f->depth - 1;

    if (!f->depth ||
        (!MUTANT(json_any_bracket_closes) && (f->square[level / 8] >> level % 8 & 1) != (c == ']')))
        return bad(f, why, "a bracket closes that was not opened");
    f->depth = level;
    g_string_append_c(f->text, (char)c);
    return level ? JSON_FRAME_MORE : whole(f);
}

static enum json_frame_result byte(struct json_frame *f, uint8_t c, const char **why)
{
    if (f->text->len == JSON_FRAME_MAX && !MUTANT(json_text_without_end))
        return bad(f, why, "it is too long");
    if (f->string)
        return in_string(f, c, why);
    if (c == '{' || c == '[')
        return open_bracket(f, c, why);
    if (c == '}' || c == ']')
        return close_bracket(f, c, why);
    if (!f->depth) {
        if (is_space(c))
            return JSON_FRAME_MORE;
        if (c != '"' && c != '-' && !g_ascii_isalnum(c))
            return bad(f, why, "a value was expected");
        f->scalar = c != '"';
    } else if (c < 0x20 && !is_space(c)) {
        return bad(f, why, "a control character");
    }
    f->string = c == '"';
    g_string_append_c(f->text, (char)c);
    return JSON_FRAME_MORE;
}

/* Junk ends with its line, or where an object could begin. True when c is to be looked at. */
static bool past_junk(struct json_frame *f, uint8_t c)
{
    if (f->junk && (c == '\n' || c == '{'))
        f->junk = false;
    return !f->junk;
}

enum json_frame_result json_frame_feed(struct json_frame *f, const uint8_t *buf, size_t len,
                                       size_t *taken, const char **why)
{
    if (f->whole)
        json_frame_reset(f);
    for (*taken = 0; *taken < len;) {
        enum json_frame_result r;
        uint8_t c = buf[*taken];

        if (c == BEGIN_ANEW && !MUTANT(json_never_begins_anew)) {
            json_frame_reset(f);
            ++*taken;
            continue;
        }
        if (f->scalar && (is_space(c) || is_structure(c))) { /* which belongs to the next */
            f->scalar = false;
            return whole(f);
        }
        ++*taken;
        if (f->scalar) {
            if (f->text->len == JSON_FRAME_MAX && !MUTANT(json_number_without_end))
                return bad(f, why, "it is too long");
            g_string_append_c(f->text, (char)c);
            continue;
        }
        if (!past_junk(f, c))
            continue;
        r = byte(f, c, why);
        if (r != JSON_FRAME_MORE)
            return r;
    }
    return JSON_FRAME_MORE;
}
