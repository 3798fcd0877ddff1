/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A client of the human monitor: a terminal with line editing, or anything else with plain lines.
 */
#include <string.h>

#include "frontends/monitor/expr.h"
#include "frontends/monitor/hmp.h"
#include "frontends/monitor/line_edit.h"
#include "frontends/monitor/qcode.h"
#include "frontends/monitor/session.h"

#define PROMPT "(penumbra) "

static void show(struct hmp *h, const GString *text)
{
    wire_write(h->session->wire, text->str, text->len);
}

static void prompt(struct hmp *h)
{
    GString *out = g_string_new(NULL);

    if (h->edit)
        line_edit_start(h->edit, out);
    else
        g_string_append(out, PROMPT);
    show(h, out);
    g_string_free(out, TRUE);
}

/* ---- completion ---- */

static void offer(GPtrArray *words, const char *word, const char *typed)
{
    if (g_str_has_prefix(word, typed))
        g_ptr_array_add(words, g_strdup(word));
}

/* Commands, of one word or two; what is typed is the first `len` bytes of a line. */
static void offer_commands(GPtrArray *words, const char *typed)
{
    for (unsigned g = 0; hmp_groups[g]; g++) {
        for (unsigned k = 0; k < hmp_groups[g]->n; k++)
            offer(words, hmp_groups[g]->command[k].name, typed);
    }
}

GPtrArray *hmp_complete(const char *line, size_t *from)
{
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
    const char *last = strrchr(line, ' '), *dollar = strrchr(line, '$');

    last = last ? last + 1 : line;
    if (g_str_has_prefix(line, "help ")) {
        *from = 5;
        offer_commands(words, line + 5);
    } else if (last == line || g_str_has_prefix(line, "info ")) {
        *from = 0;
        offer_commands(words, line);
    } else if (dollar && !strpbrk(dollar, " +-*/()")) {
        *from = (size_t)(dollar + 1 - line);
        for (unsigned k = 0; expr_register_name(k); k++)
            offer(words, expr_register_name(k), dollar + 1);
    } else if (g_str_has_prefix(line, "sendkey ")) {
        const char *dash = strrchr(last, '-');

        *from = (size_t)((dash ? dash + 1 : last) - line);
        for (unsigned k = 0; qcode_name(k); k++)
            offer(words, qcode_name(k), line + *from);
    }
    return words;
}

/* ---- lines ---- */

static void obey(struct hmp *h, const char *line)
{
    GString *out = g_string_new(NULL);

    hmp_run(h, line, out);
    show(h, out);
    g_string_free(out, TRUE);
    prompt(h);
}

static void typed(struct hmp *h, uint8_t byte)
{
    GString *out = g_string_new(NULL);
    char *line = line_edit_type(h->edit, byte, out);

    show(h, out);
    if (line)
        obey(h, line);
    g_free(line);
    g_string_free(out, TRUE);
}

static void plain(struct hmp *h, uint8_t byte)
{
    if (byte != '\n') {
        h->too_long |= h->line->len == HMP_LINE_MAX;
        if (!h->too_long && byte && byte != '\r')
            g_string_append_c(h->line, (char)byte);
        return;
    }
    if (h->too_long) {
        static const char refusal[] = "Error: the line is too long\n";

        wire_write(h->session->wire, refusal, strlen(refusal));
        prompt(h);
    } else {
        obey(h, h->line->str);
    }
    h->too_long = false;
    g_string_truncate(h->line, 0);
}

/* ---- the wire ---- */

static void opened(void *opaque)
{
    struct hmp *h = opaque;
    char *banner = g_strdup_printf("%sPenumbra %s monitor - 'help' lists the commands\n",
                                   h->session == h->mon->shared ? "\r\n" : "", h->mon->cfg.version);

    h->session->met = true;
    g_string_truncate(h->line, 0);
    h->too_long = false;
    if (wire_is_tty(h->session->wire) && !h->edit)
        h->edit = line_edit_new(PROMPT, hmp_complete);
    wire_write(h->session->wire, banner, strlen(banner));
    g_free(banner);
    prompt(h);
}

static size_t input(void *opaque, const uint8_t *buf, size_t len)
{
    struct hmp *h = opaque;
    size_t done = 0;

    while (h->mon->ready && done < len && !wire_full(h->session->wire) &&
           wire_open(h->session->wire)) {
        if (h->edit)
            typed(h, buf[done++]);
        else
            plain(h, buf[done++]);
    }
    return done;
}

struct wire_ops hmp_wire_ops(struct hmp *h)
{
    return (struct wire_ops){h, opened, input, NULL};
}

struct hmp *hmp_new(struct monitor *mon, struct session *s)
{
    struct hmp *h = g_new0(struct hmp, 1);

    h->mon = mon;
    h->session = s;
    h->line = g_string_new(NULL);
    return h;
}

void hmp_free(struct hmp *h)
{
    if (!h)
        return;
    line_edit_free(h->edit);
    g_string_free(h->line, TRUE);
    g_free(h);
}
