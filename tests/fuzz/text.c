/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzing what reads texts that others have written. The first byte says which reader:
 *   j  a stream of QMP: framing, in pieces and at once, JSON, the form of arguments
 *   e  the human monitor's expressions
 *   l  its line editor and completion, key by key
 *   s  the spec of a guest
 *   m  a table of symbols: an ELF file or a System.map
 *   p  the place of a monitor, serial line or other character backend
 *   n  what -netdev says
 *   f  the frames that another machine sends through a socket
 * Whatever comes, a reader takes it or names one error.
 */
#include <glib.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "backends/socket_place.h"
#include "base/symbols.h"
#include "cpu/state.h"
#include "frontends/headless/spec.h"
#include "frontends/monitor/command.h"
#include "frontends/monitor/expr.h"
#include "frontends/monitor/hmp.h"
#include "frontends/monitor/json_frame.h"
#include "frontends/monitor/line_edit.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text_net.h"

const size_t fuzz_max_len = 4096;

static char kind;

void fuzz_show(void)
{
    fprintf(stderr, "reader '%c'\n", kind);
}

/* One of the two: it was taken, or there is one line of error. Takes err. */
static void one_error(bool ok, GError *err)
{
    fuzz_expect(ok == !err);
    if (!err)
        return;
    fuzz_expect(*err->message);
    g_error_free(err);
}

/* ---- QMP ---- */

/* Frames and complaints of a stream that comes in pieces. */
static GString *frames(const uint8_t *data, size_t size, size_t piece)
{
    struct json_frame f;
    GString *all = g_string_new(NULL);
    size_t taken;

    json_frame_init(&f);
    for (size_t at = 0; at < size; at += taken) {
        size_t n = MIN(piece, size - at);
        const char *why = NULL;

        switch (json_frame_feed(&f, data + at, n, &taken, &why)) {
        case JSON_FRAME_WHOLE:
            fuzz_expect(f.text->len && f.text->len <= JSON_FRAME_MAX);
            g_string_append_len(all, f.text->str, (gssize)f.text->len);
            g_string_append_c(all, '\0');
            break;
        case JSON_FRAME_BAD:
            fuzz_expect(why && *why);
            g_string_append(all, "\1");
            break;
        default: fuzz_expect(taken == n);
        }
        fuzz_expect(taken <= n);
    }
    json_frame_clear(&f);
    return all;
}

static void arguments(const json_t *j)
{
    const json_t *args = json_object_get(j, "arguments");

    if (args && !json_is_object(args))
        return;
    for (unsigned g = 0; qmp_groups[g]; g++) {
        for (unsigned k = 0; k < qmp_groups[g]->n; k++) {
            GError *err = NULL;

            one_error(args_check(qmp_groups[g]->command[k].args, args, &err), err);
        }
    }
}

static void qmp(const uint8_t *data, size_t size)
{
    GString *all = frames(data, size, size + 1), *bytes = frames(data, size, 1);

    fuzz_expect(g_string_equal(all, bytes));
    for (size_t at = 0; at < all->len; at += strlen(all->str + at) + 1) {
        json_t *j = json_loads(all->str + at, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);

        if (j)
            arguments(j);
        json_decref(j);
    }
    g_string_free(all, TRUE);
    g_string_free(bytes, TRUE);
}

/* ---- the human monitor ---- */

static void expression(const char *text)
{
    static const struct x86_state cpu;

    for (unsigned more = 0; more < 2; more++) {
        const char *at = text;
        GError *err = NULL;
        uint64_t v;
        bool ok = expr_eval(&at, &cpu, more, &v, &err);

        fuzz_expect(!ok || (at > text && at <= text + strlen(text)));
        one_error(ok, err);
    }
}

static void line(const uint8_t *data, size_t size)
{
    struct line_edit *e = line_edit_new("> ", hmp_complete);
    GString *show = g_string_new(NULL);

    line_edit_start(e, show);
    for (size_t k = 0; k < size; k++) {
        char *text = line_edit_type(e, data[k], show);

        fuzz_expect(!text || (strlen(text) <= LINE_EDIT_MAX && g_utf8_validate(text, -1, NULL)));
        if (text)
            line_edit_start(e, show);
        g_free(text);
    }
    fuzz_expect(g_utf8_validate(show->str, (gssize)show->len, NULL));
    g_string_free(show, TRUE);
    line_edit_free(e);
}

/* ---- files ---- */

static void spec(const char *text)
{
    GError *err = NULL;
    struct spec *s = spec_parse("fuzz.ini", text, &err);

    one_error(s != NULL, err);
    spec_free(s);
}

static void symbols(const uint8_t *data, size_t size)
{
    FILE *f = tmpfile();
    char path[40], name[64];
    GError *err = NULL;
    uint64_t start;
    bool ok;

    fuzz_expect(f && fwrite(data, 1, size, f) == size && !fflush(f));
    g_snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(f));
    ok = symbols_add_file(path, &err);
    fuzz_expect(ok || !symbols_known());
    one_error(ok, err);
    for (unsigned k = 0; k < 64; k++) {
        uint64_t at = UINT64_C(1) << k;

        if (symbols_name(at, name, sizeof(name)))
            fuzz_expect(symbols_start(at, &start) && start <= at);
    }
    symbols_clear();
    fclose(f);
}

static void place(const char *text)
{
    struct socket_place p;
    GError *err = NULL;
    bool ok = socket_place_parse("-x", text, &p, &err);

    fuzz_expect(!ok || (strlen(p.path) < sizeof(p.path) && strlen(p.host) < sizeof(p.host)));
    one_error(ok, err);
}

static void netdev(const char *text)
{
    GError *err = NULL;
    bool ok = text_netdev(text, &err);

    one_error(ok, err);
}

void fuzz_one(const uint8_t *data, size_t size)
{
    static const char kinds[] = "jelsmpnf";
    char *text;

    if (!size)
        return;
    kind = strchr(kinds, data[0]) && data[0] ? (char)data[0] : kinds[data[0] % 8];
    data++;
    size--;
    text = g_strndup((const char *)data, size);
    switch (kind) {
    case 'j': qmp(data, size); break;
    case 'e': expression(text); break;
    case 'l': line(data, size); break;
    case 's': spec(text); break;
    case 'p': place(text); break;
    case 'n': netdev(text); break;
    case 'f': text_net_stream(data, size); break;
    default: symbols(data, size);
    }
    g_free(text);
}
