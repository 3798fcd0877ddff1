/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminal view: see text_view.h. Two grids of cells, what the guest shows and what the
 * terminal shows; only the difference is sent, as ECMA-48 control sequences (and xterm's alternate
 * screen and bright colours). A terminal that does not keep up is asked again later instead of
 * being waited for.
 */
#include "frontends/cli/text_view.h"

#include "base/error.h"
#include "devices/display/vga_text.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TICK_MS  100
#define MAX_COLS 256
#define MAX_ROWS 128
/* Bytes that a terminal which says it can take some surely takes without blocking. */
#define CHUNK 512

struct screen {
    unsigned cols, rows; /* 0: nothing known */
    bool blinks, cursor;
    unsigned cursor_col, cursor_row;
    struct vga_text_cell cell[MAX_ROWS][MAX_COLS];
};

struct text_view {
    struct text_view_config cfg;
    guint source;
    struct screen now, painted;
    unsigned term_cols, term_rows;
    unsigned top;    /* first row of the screen that the terminal shows */
    char *note;      /* one line instead of a screen, in graphics modes */
    GString *queued; /* not yet taken by the terminal */
};

/* --- what the guest shows --- */

static void grab_text(struct screen *s, const struct vga *vga, unsigned cols, unsigned rows)
{
    s->cols = MIN(cols, MAX_COLS);
    s->rows = MIN(rows, MAX_ROWS);
    s->blinks = vga_text_blinks(vga);
    s->cursor = vga_text_cursor(vga, &s->cursor_col, &s->cursor_row);
    for (unsigned row = 0; row < s->rows; row++) {
        for (unsigned col = 0; col < s->cols; col++)
            s->cell[row][col] = vga_text_at(vga, col, row);
    }
}

/* Fills v->now; in graphics modes returns the note to show instead (the caller's). */
static char *grab_screen(struct text_view *v)
{
    const struct vga *vga = v->cfg.vga;
    unsigned cols, rows;
    char *note = NULL;

    v->cfg.lock(v->cfg.opaque);
    if (vga_text_size(vga, &cols, &rows))
        grab_text(&v->now, vga, cols, rows);
    else
        note = g_strchomp(vga_text_screen(vga));
    v->cfg.unlock(v->cfg.opaque);
    return note;
}

/* --- painting --- */

/* The VGA numbers colours blue first, ECMA-48 red first. */
static unsigned ansi_color(unsigned c)
{
    return (c & 2) | (c & 1) << 2 | (c >> 2 & 1);
}

static void set_attr(GString *out, uint8_t attr, bool blinks)
{
    unsigned fg = attr & 15, bg = attr >> 4;
    bool blink = blinks && bg & 8;

    if (blinks)
        bg &= 7;
    g_string_append_printf(out, "\033[0;%u;%u%sm", (fg & 8 ? 90 : 30) + ansi_color(fg),
                           (bg & 8 ? 100 : 40) + ansi_color(bg), blink ? ";5" : "");
}

/* Rows top.. of the screen, `rows` of them, at the top of the terminal. */
static void paint_cells(struct text_view *v, unsigned cols, unsigned rows)
{
    const struct screen *now = &v->now;
    bool all = now->blinks != v->painted.blinks;
    int attr = -1;

    for (unsigned row = 0; row < rows; row++) {
        unsigned at = ~0u; /* the column where the terminal's cursor is known to be */

        for (unsigned col = 0; col < cols; col++) {
            struct vga_text_cell c = now->cell[v->top + row][col];
            struct vga_text_cell old = v->painted.cell[v->top + row][col];

            if (!all && c.ch == old.ch && c.attr == old.attr)
                continue;
            if (col != at)
                g_string_append_printf(v->queued, "\033[%u;%uH", row + 1, col + 1);
            if (c.attr != attr)
                set_attr(v->queued, c.attr, now->blinks);
            attr = c.attr;
            g_string_append(v->queued, vga_text_utf8(c.ch));
            at = col + 1;
        }
    }
}

static void clear(struct text_view *v)
{
    g_string_append(v->queued, "\033[0m\033[2J");
    /* a cleared terminal holds blanks without colour, which no cell with an attribute equals */
    for (unsigned row = 0; row < MAX_ROWS; row++) {
        for (unsigned col = 0; col < MAX_COLS; col++)
            v->painted.cell[row][col] = (struct vga_text_cell){' ', 0};
    }
    v->painted.cursor = false;
}

static void place_cursor(struct text_view *v, unsigned cols, unsigned rows)
{
    const struct screen *s = &v->now;

    if (s->cursor && s->cursor_col < cols && s->cursor_row - v->top < rows)
        g_string_append_printf(v->queued, "\033[0m\033[%u;%uH\033[?25h", s->cursor_row - v->top + 1,
                               s->cursor_col + 1);
    else
        g_string_append(v->queued, "\033[0m\033[?25l");
}

static void paint_text(struct text_view *v)
{
    unsigned cols = MIN(v->now.cols, v->term_cols), rows = MIN(v->now.rows, v->term_rows);
    /* of a screen with more rows than the terminal, the lower part once the cursor is there */
    unsigned top = v->now.cursor && v->now.cursor_row >= rows ? v->now.rows - rows : 0;
    size_t before;

    if (v->painted.cols != v->now.cols || v->painted.rows != v->now.rows || v->top != top)
        clear(v);
    v->top = top;
    before = v->queued->len;
    paint_cells(v, cols, rows);
    if (v->queued->len != before || v->now.cursor != v->painted.cursor ||
        v->now.cursor_col != v->painted.cursor_col || v->now.cursor_row != v->painted.cursor_row)
        place_cursor(v, cols, rows);
    v->painted = v->now;
}

static void paint_note(struct text_view *v, char *note)
{
    if (g_strcmp0(note, v->note) || v->painted.cols) {
        clear(v);
        v->painted.cols = v->painted.rows = 0;
        g_string_append_printf(v->queued, "\033[H%s\033[?25l", note);
    }
    g_free(v->note);
    v->note = note;
}

/* --- the terminal --- */

/* Sends what the terminal takes now. */
static void flush(struct text_view *v)
{
    while (v->queued->len) {
        struct pollfd p = {.fd = v->cfg.fd, .events = POLLOUT};
        ssize_t n;

        if (poll(&p, 1, 0) <= 0)
            return;
        n = write(v->cfg.fd, v->queued->str, MIN(v->queued->len, CHUNK));
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            return;
        if (n <= 0) {
            g_string_truncate(v->queued, 0); /* it is gone; so is what was meant for it */
            return;
        }
        g_string_erase(v->queued, 0, n);
    }
}

/* True when the terminal has another size than last time. */
static bool measure(struct text_view *v)
{
    struct winsize ws = {.ws_row = 0};
    unsigned cols = 80, rows = 25;

    if (ioctl(v->cfg.fd, TIOCGWINSZ, &ws) == 0 && ws.ws_col && ws.ws_row) {
        cols = ws.ws_col;
        rows = ws.ws_row;
    }
    if (cols == v->term_cols && rows == v->term_rows)
        return false;
    v->term_cols = cols;
    v->term_rows = rows;
    return true;
}

void text_view_update(struct text_view *v)
{
    char *note;

    flush(v);
    if (v->queued->len)
        return;
    if (measure(v)) {
        g_free(v->note);
        v->note = NULL;
        clear(v);
    }
    note = grab_screen(v);
    if (note)
        paint_note(v, note);
    else
        paint_text(v);
    flush(v);
}

static gboolean tick(gpointer opaque)
{
    text_view_update(opaque);
    return G_SOURCE_CONTINUE;
}

struct text_view *text_view_new(const struct text_view_config *cfg, GError **err)
{
    struct text_view *v;

    if (!isatty(cfg->fd)) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_HOST,
                    "-display text: the output is not a terminal");
        return NULL;
    }
    v = g_new0(struct text_view, 1);
    v->cfg = *cfg;
    v->queued = g_string_new("\033[?1049h");
    v->source = g_timeout_add(TICK_MS, tick, v);
    text_view_update(v);
    return v;
}

void text_view_free(struct text_view *v)
{
    if (!v)
        return;
    g_source_remove(v->source);
    g_string_append(v->queued, "\033[0m\033[?25h\033[?1049l");
    flush(v);
    g_string_free(v->queued, TRUE);
    g_free(v->note);
    g_free(v);
}
