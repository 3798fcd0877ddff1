/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -chardev: character backends with an id, for what names it: devices, -serial, -debugcon, -mon. */
#include "frontends/cli/option.h"

#include "base/error.h"
#include "base/suggest.h"

#include <string.h>

#include "backends/socket_place.h"
#include "base/bits.h"

static const char *const kinds[] = {"stdio", "file", "pty", "socket", "null"};
static const char *const keys[] = {"id", "path", "signal"};
static const char *const socket_keys[] = {"id",     "path",    "host",   "port",
                                          "server", "wait",    "ipv4",   "reconnect",
                                          "telnet", "nodelay", "nowait", "ipv6"};

struct chardev_words {
    const char *kind, *id, *path, *host, *port;
    GString *more; /* parameters of a socket */
    bool keep_signals;
};

/* A parameter of a socket: to be judged by socket_place_parse, with all of them. */
static bool socket_pair(struct chardev_words *w, const char *key, const char *value, GError **err)
{
    if (!strcmp(key, "host"))
        w->host = value;
    else if (!strcmp(key, "port"))
        w->port = value;
    else if (!strcmp(key, "path"))
        w->path = value;
    else if (!strcmp(key, "ipv4") || !strcmp(key, "ipv6"))
        return error_option(err, "-chardev socket: host= says by itself which protocol is meant");
    else {
        for (unsigned k = 0; k < ARRAY_SIZE(socket_keys); k++) {
            if (strcmp(key, socket_keys[k]))
                continue;
            g_string_append_printf(w->more, value ? ",%s=%s" : ",%s", key, value);
            return true;
        }
        return suggest_error(err, "-chardev socket parameter", key, socket_keys,
                             ARRAY_SIZE(socket_keys));
    }
    return true;
}

/* What the place is called where only a place can stand. */
static char *socket_spec(const struct chardev_words *w, GError **err)
{
    GString *s;

    if (!w->path == !w->port) {
        error_option(err, "-chardev socket: needs either path=PATH or host=HOST,port=PORT");
        return NULL;
    }
    s = g_string_new(w->path ? "unix:" : "tcp:");
    if (w->path) {
        for (const char *c = w->path; *c; c++)
            g_string_append(s, *c == ',' ? ",," : (char[]){*c, 0});
    } else {
        bool v6 = w->host && strchr(w->host, ':');

        g_string_append_printf(s, v6 ? "[%s]:%s" : "%s:%s", w->host ? w->host : "", w->port);
    }
    g_string_append(s, w->more->str);
    return g_string_free(s, FALSE);
}

static bool parse(struct options *o, const char *list, struct chardev_words *w, GError **err)
{
    struct option_pairs p;
    bool known = false;

    if (!option_pairs(o, list, &p, err))
        return false;
    w->kind = p.n && !p.value[0] ? p.key[0] : "";
    for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++)
        known |= !strcmp(w->kind, kinds[k]);
    if (!known)
        return suggest_error(err, "-chardev backend", w->kind, kinds, ARRAY_SIZE(kinds));
    for (unsigned k = 1; k < p.n; k++) {
        if (!strcmp(p.key[k], "id"))
            w->id = p.value[k];
        else if (!strcmp(w->kind, "socket")) {
            if (!socket_pair(w, p.key[k], p.value[k], err))
                return false;
        } else if (!strcmp(p.key[k], "path")) {
            if (strcmp(w->kind, "file"))
                return error_option(err, "-chardev %s: path= is for files", w->kind);
            w->path = p.value[k];
        } else if (!strcmp(p.key[k], "signal")) {
            if (!option_on_off("-chardev: signal", p.value[k], &w->keep_signals, err))
                return false;
        } else
            return suggest_error(err, "-chardev parameter", p.key[k], keys, ARRAY_SIZE(keys));
    }
    if (!w->id || !*w->id)
        return error_option(err, "-chardev: needs id=ID, by which a device can name it");
    if (!strcmp(w->kind, "file") && (!w->path || !*w->path))
        return error_option(err, "-chardev file: needs path=FILE");
    return true;
}

/* As char_open has it; NULL with an error. */
static const char *spec_of(struct options *o, const struct chardev_words *w, GError **err)
{
    struct socket_place place;
    char *spec;

    if (!strcmp(w->kind, "socket")) {
        spec = socket_spec(w, err);
        if (spec && !socket_place_parse("-chardev socket", option_own(o, spec), &place, err))
            return NULL;
        return spec;
    }
    if (w->path)
        return option_own(o, g_strconcat("file:", w->path, NULL));
    if (!strcmp(w->kind, "stdio"))
        return w->keep_signals ? "stdio,signal=on" : "stdio";
    return w->kind;
}

static bool add_chardev(struct options *o, const char *list, struct chardev_words *w, GError **err)
{
    unsigned n = o->machine.n_chardevs;

    if (!parse(o, list, w, err))
        return false;
    for (unsigned k = 0; k < n; k++) {
        if (!strcmp(o->machine.chardev[k].id, w->id))
            return error_option(err, "-chardev: there are two with id=%s", w->id);
    }
    o->chardev_spec[n] = spec_of(o, w, err);
    if (!o->chardev_spec[n])
        return false;
    o->machine.chardev[n].id = w->id;
    o->machine.n_chardevs++;
    return true;
}

static bool opt_chardev(struct options *o, const char *list, GError **err)
{
    struct chardev_words w = {.keep_signals = true, .more = g_string_new(NULL)};
    bool ok = o->machine.n_chardevs < MACHINE_MAX_CHARDEVS
                  ? add_chardev(o, list, &w, err)
                  : error_option(err, "-chardev: there can be at most %d", MACHINE_MAX_CHARDEVS);

    g_string_free(w.more, TRUE);
    return ok;
}

/* ---- who else than a device names one ---- */

const char *option_chardev_id(const char *value)
{
    return g_str_has_prefix(value, "chardev:") ? value + strlen("chardev:") : NULL;
}

/* Takes a backend from those that devices may name. */
static const char *take(struct options *o, const char *what, const char *id, GError **err)
{
    struct machine_config *m = &o->machine;

    for (unsigned k = 0; k < m->n_chardevs; k++) {
        const char *spec = o->chardev_spec[k];

        if (strcmp(m->chardev[k].id, id))
            continue;
        m->n_chardevs--;
        for (; k < m->n_chardevs; k++) {
            m->chardev[k] = m->chardev[k + 1];
            o->chardev_spec[k] = o->chardev_spec[k + 1];
        }
        return spec;
    }
    error_option(err, "%s: there is no -chardev with id=%s that is free", what, id);
    return NULL;
}

bool options_chardev_finish(struct options *o, GError **err)
{
    for (unsigned n = 0; n < MACHINE_MAX_SERIAL; n++) {
        const char *id = o->serial[n] ? option_chardev_id(o->serial[n]) : NULL;

        if (id && !(o->serial[n] = take(o, "-serial", id, err)))
            return false;
    }
    if (o->port_e9 && option_chardev_id(o->port_e9) &&
        !(o->port_e9 = take(o, "-debugcon", option_chardev_id(o->port_e9), err)))
        return false;
    for (unsigned n = 0; n < o->n_monitors; n++) {
        const char *spec;

        if (!o->monitor_chardev[n])
            continue;
        spec = take(o, "-mon", o->monitor_chardev[n], err);
        if (!spec)
            return false;
        if (g_str_has_prefix(spec, "stdio"))
            spec = "stdio";
        if (!socket_place_parse("-mon", spec, &o->monitor[n].place, err))
            return false;
    }
    return true;
}

static const struct option options[] = {
    {"chardev", "stdio|file|pty|socket|null,id=ID…",
     "a character backend for what names it (virtconsole,chardev=ID; -serial chardev:ID; -mon)",
     opt_chardev},
};
const struct option_group options_chardev = {options, ARRAY_SIZE(options)};
