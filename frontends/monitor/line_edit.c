/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See line_edit.h. The terminal is one of ECMA-48's kind: the line is drawn anew after each change.
 */
#include "frontends/monitor/line_edit.h"

#include <string.h>

#define CTRL(c) ((c)&0x1f)

struct line_edit {
    const char *prompt;
    GPtrArray *(*complete)(const char *line, size_t *from);
    GString *line;
    size_t cursor; /* in bytes */
    GPtrArray *history;
    unsigned at; /* in the history; its length: the new line */
    char *fresh; /* the new line, while another is looked at */
    enum { PLAIN, ESCAPE, CSI, SS3 } state;
    unsigned parameter;
    char part[4]; /* of a character that has several bytes, so far */
    unsigned n_part;
};

struct line_edit *line_edit_new(const char *prompt,
                                GPtrArray *(*complete)(const char *line, size_t *from))
{
    struct line_edit *e = g_new0(struct line_edit, 1);

    e->prompt = prompt;
    e->complete = complete;
    e->line = g_string_new(NULL);
    e->history = g_ptr_array_new_with_free_func(g_free);
    return e;
}

void line_edit_free(struct line_edit *e)
{
    if (!e)
        return;
    g_string_free(e->line, TRUE);
    g_ptr_array_free(e->history, TRUE);
    g_free(e->fresh);
    g_free(e);
}

static bool continues(char c)
{
    return ((uint8_t)c & 0xc0) == 0x80;
}

static size_t before(const struct line_edit *e, size_t at)
{
    while (at && continues(e->line->str[--at]))
        ;
    return at;
}

static size_t behind(const struct line_edit *e, size_t at)
{
    if (at < e->line->len)
        at++;
    while (at < e->line->len && continues(e->line->str[at]))
        at++;
    return at;
}

static void draw(const struct line_edit *e, GString *show)
{
    unsigned left = 0;

    for (size_t k = e->cursor; k < e->line->len; k++)
        left += !continues(e->line->str[k]);
    g_string_append_printf(show, "\r%s%s\033[K", e->prompt, e->line->str);
    if (left)
        g_string_append_printf(show, "\033[%uD", left);
}

void line_edit_start(struct line_edit *e, GString *show)
{
    g_string_truncate(e->line, 0);
    e->cursor = 0;
    e->n_part = 0;
    e->state = PLAIN;
    e->at = e->history->len;
    g_clear_pointer(&e->fresh, g_free);
    draw(e, show);
}

static void erase(struct line_edit *e, size_t from, size_t to)
{
    g_string_erase(e->line, (gssize)from, (gssize)(to - from));
    e->cursor = from;
}

static void insert(struct line_edit *e, const char *text, size_t len)
{
    if (e->line->len + len > LINE_EDIT_MAX)
        return;
    g_string_insert_len(e->line, (gssize)e->cursor, text, (gssize)len);
    e->cursor += len;
}

static void erase_word(struct line_edit *e)
{
    size_t from = e->cursor;

    while (from && e->line->str[from - 1] == ' ')
        from--;
    while (from && e->line->str[from - 1] != ' ')
        from--;
    erase(e, from, e->cursor);
}

/* ---- history ---- */

static void look_at(struct line_edit *e, unsigned n)
{
    if (n > e->history->len)
        return;
    if (e->at == e->history->len) {
        g_free(e->fresh);
        e->fresh = g_strdup(e->line->str);
    }
    e->at = n;
    g_string_assign(e->line, n == e->history->len ? e->fresh : e->history->pdata[n]);
    e->cursor = e->line->len;
}

static void older(struct line_edit *e)
{
    if (e->at)
        look_at(e, e->at - 1);
}

static void newer(struct line_edit *e)
{
    if (e->at < e->history->len)
        look_at(e, e->at + 1);
}

static void remember(struct line_edit *e, const char *line)
{
    GPtrArray *h = e->history;

    if (!*line || (h->len && !strcmp(h->pdata[h->len - 1], line)))
        return;
    if (h->len == LINE_EDIT_HISTORY)
        g_ptr_array_remove_index(h, 0);
    g_ptr_array_add(h, g_strdup(line));
}

const char *line_edit_history(const struct line_edit *e, unsigned n)
{
    return n < e->history->len ? e->history->pdata[n] : NULL;
}

/* ---- completion ---- */

static size_t common_length(const GPtrArray *words)
{
    size_t n = strlen(words->pdata[0]);

    for (unsigned k = 1; k < words->len; k++) {
        const char *a = words->pdata[0], *b = words->pdata[k];
        size_t same = 0;

        while (same < n && a[same] == b[same])
            same++;
        n = same;
    }
    return n;
}

/* What all words begin with is put in; if there is no more of that, they are shown. */
static void complete(struct line_edit *e, GString *show)
{
    char *typed = g_strndup(e->line->str, e->cursor);
    size_t from = 0, common;
    GPtrArray *words = e->complete(typed, &from);

    if (words->len) {
        common = common_length(words);
        if (common > e->cursor - from) {
            insert(e, (char *)words->pdata[0] + (e->cursor - from), common - (e->cursor - from));
        } else if (words->len > 1) {
            g_string_append(show, "\r\n");
            for (unsigned k = 0; k < words->len; k++)
                g_string_append_printf(show, "%s%s", k ? "  " : "", (char *)words->pdata[k]);
            g_string_append(show, "\r\n");
        }
        if (words->len == 1)
            insert(e, " ", 1);
    }
    g_ptr_array_free(words, TRUE);
    g_free(typed);
}

/* ---- keys ---- */

static void control_key(struct line_edit *e, uint8_t c, GString *show)
{
    switch (c) {
    case CTRL('A'): e->cursor = 0; break;
    case CTRL('E'): e->cursor = e->line->len; break;
    case CTRL('B'): e->cursor = before(e, e->cursor); break;
    case CTRL('F'): e->cursor = behind(e, e->cursor); break;
    case CTRL('D'): erase(e, e->cursor, behind(e, e->cursor)); break;
    case CTRL('U'): erase(e, 0, e->cursor); break;
    case CTRL('K'): g_string_truncate(e->line, e->cursor); break;
    case CTRL('W'): erase_word(e); break;
    case CTRL('P'): older(e); break;
    case CTRL('N'): newer(e); break;
    case CTRL('L'): g_string_append(show, "\033[H\033[2J"); break;
    case CTRL('I'): complete(e, show); break;
    case CTRL('H'):
    case 0x7f: erase(e, before(e, e->cursor), e->cursor); break;
    case 0x1b: e->state = ESCAPE; return;
    default: return;
    }
    draw(e, show);
}

/* The last byte of a key's sequence. */
static void sequence(struct line_edit *e, uint8_t c, GString *show)
{
    if (c == '~')
        c = e->parameter == 1 || e->parameter == 7   ? 'H'
            : e->parameter == 4 || e->parameter == 8 ? 'F'
            : e->parameter == 3                      ? '~'
                                                     : 0;
    switch (c) {
    case 'A': older(e); break;
    case 'B': newer(e); break;
    case 'C': e->cursor = behind(e, e->cursor); break;
    case 'D': e->cursor = before(e, e->cursor); break;
    case 'H': e->cursor = 0; break;
    case 'F': e->cursor = e->line->len; break;
    case '~': erase(e, e->cursor, behind(e, e->cursor)); break;
    default: return;
    }
    draw(e, show);
}

static void in_sequence(struct line_edit *e, uint8_t c, GString *show)
{
    if (e->state == ESCAPE) {
        e->state = c == '[' ? CSI : c == 'O' ? SS3 : PLAIN;
        e->parameter = 0;
    } else if (e->state == CSI && c >= 0x20 && c < 0x40) {
        if (c >= '0' && c <= '9')
            e->parameter = MIN(e->parameter * 10 + c - '0', 1000);
    } else {
        e->state = PLAIN;
        sequence(e, c, show);
    }
}

/* A byte of a character that has several: it comes into the line when it is whole. What is no UTF-8
 * does not. */
static void wide(struct line_edit *e, char c, GString *show)
{
    gunichar ch;

    e->part[e->n_part++] = c;
    ch = g_utf8_get_char_validated(e->part, (gssize)e->n_part);
    if (ch == (gunichar)-2 && e->n_part < sizeof(e->part))
        return;
    if (ch < (gunichar)-2 && !g_unichar_iscntrl(ch)) {
        insert(e, e->part, e->n_part);
        draw(e, show);
        e->n_part = 0;
    } else {
        bool begins = e->n_part > 1 && !continues(c); /* the next, the last being cut off */

        e->n_part = 0;
        if (begins)
            wide(e, c, show);
    }
}

char *line_edit_type(struct line_edit *e, uint8_t byte, GString *show)
{
    char c = (char)byte;

    if (byte < 0x80)
        e->n_part = 0;
    if (e->state != PLAIN) {
        in_sequence(e, byte, show);
    } else if (c == '\r' || c == '\n') {
        char *line = g_strdup(e->line->str);

        e->cursor = e->line->len;
        draw(e, show);
        g_string_append(show, "\r\n");
        remember(e, line);
        return line;
    } else if (byte < 0x20 || byte == 0x7f) {
        control_key(e, byte, show);
    } else if (byte < 0x80) {
        insert(e, &c, 1);
        draw(e, show);
    } else {
        wide(e, c, show);
    }
    return NULL;
}
