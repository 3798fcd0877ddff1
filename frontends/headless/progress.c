/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See progress.h. Control sequences: ECMA-48, CUU and ED. */
#include "frontends/headless/progress.h"

#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void progress_init(struct progress *p, int fd)
{
    const char *term = g_getenv("TERM");

    *p = (struct progress){.fd = isatty(fd) && term && strcmp(term, "dumb") ? fd : -1};
}

static void put(const struct progress *p, const GString *s)
{
    ssize_t n = write(p->fd, s->str, s->len);

    (void)n; /* a terminal that is gone shows nothing */
}

static void append_clear(struct progress *p, GString *s)
{
    if (p->lines)
        g_string_append_printf(s, "\033[%uA\r\033[J", p->lines);
    p->lines = 0;
}

void progress_clear(struct progress *p)
{
    GString *s = g_string_new(NULL);

    append_clear(p, s);
    if (p->fd >= 0 && s->len)
        put(p, s);
    g_string_free(s, TRUE);
}

static void measure(const struct progress *p, unsigned *rows, unsigned *columns)
{
    struct winsize w;
    bool known = !ioctl(p->fd, TIOCGWINSZ, &w);

    *columns = known && w.ws_col > 10 ? w.ws_col : 80;
    *rows = known && w.ws_row > 2 ? w.ws_row : 24;
}

/* At most so many characters, none of which moves the cursor. */
static void append_line(GString *s, const char *line, unsigned width)
{
    char *valid = g_utf8_make_valid(line, -1);
    const char *p = valid;

    for (unsigned n = 0; *p && n < width; n++, p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);

        g_string_append_unichar(s, g_unichar_isprint(c) ? c : '?');
    }
    g_string_append_c(s, '\n');
    g_free(valid);
}

void progress_draw(struct progress *p, const GPtrArray *lines)
{
    unsigned rows, columns, skip;
    GString *s;

    if (p->fd < 0)
        return;
    s = g_string_new(NULL);
    append_clear(p, s);
    /* what has scrolled away could not be drawn anew: the last lines that fit, of which the cursor
     * needs one */
    measure(p, &rows, &columns);
    skip = lines->len > rows - 1 ? lines->len - (rows - 1) : 0;
    for (guint k = skip; k < lines->len; k++)
        append_line(s, g_ptr_array_index(lines, k), columns - 1);
    p->lines = lines->len - skip;
    put(p, s);
    g_string_free(s, TRUE);
}
