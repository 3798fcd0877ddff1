/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -chardev: character backends with an id, for the devices that name it. */
#include "frontends/cli/option.h"

#include "base/error.h"
#include "base/suggest.h"

#include <string.h>

#include "base/bits.h"

static const char *const kinds[] = {"stdio", "file", "pty", "null"};
static const char *const keys[] = {"id", "path", "signal"};

struct chardev_words {
    const char *kind, *id, *path;
    bool keep_signals;
};

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
        else if (!strcmp(p.key[k], "path")) {
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

static bool opt_chardev(struct options *o, const char *list, GError **err)
{
    struct chardev_words w = {.keep_signals = true};
    unsigned n = o->machine.n_chardevs;
    const char *spec;

    if (n == MACHINE_MAX_CHARDEVS)
        return error_option(err, "-chardev: there can be at most %d", MACHINE_MAX_CHARDEVS);
    if (!parse(o, list, &w, err))
        return false;
    for (unsigned k = 0; k < n; k++) {
        if (!strcmp(o->machine.chardev[k].id, w.id))
            return error_option(err, "-chardev: there are two with id=%s", w.id);
    }
    spec = w.kind;
    if (w.path)
        spec = option_own(o, g_strconcat("file:", w.path, NULL));
    else if (!strcmp(w.kind, "stdio"))
        spec = w.keep_signals ? "stdio,signal=on" : "stdio";
    o->machine.chardev[n].id = w.id;
    o->chardev_spec[n] = spec;
    o->machine.n_chardevs++;
    return true;
}

static const struct option options[] = {
    {"chardev", "stdio|file|pty|null,id=ID…",
     "a character backend for the device that names it (virtconsole,chardev=ID)", opt_chardev},
};
const struct option_group options_chardev = {options, ARRAY_SIZE(options)};
