/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -open: a machine of the library, whose file stands for the options that make it. */
#include "frontends/cli/option.h"

#include "base/error.h"

#include <string.h>

#include "base/bits.h"
#include "frontends/library/library.h"

/* NAME of the library, or the path of a file. */
static char *find_file(const char *value)
{
    g_autofree char *dir = NULL;

    if (strchr(value, '/') || g_str_has_suffix(value, ".ini"))
        return g_strdup(value);
    dir = library_default_dir();
    return library_path(dir, value);
}

/* The words as options; an error names the line that the word came from. */
static bool take_words(struct options *o, const struct machine_file *f, const GArray *words,
                       GError **err)
{
    char **argv = g_new0(char *, words->len + 1);
    bool ok;
    int at;

    for (guint n = 0; n < words->len; n++)
        argv[n] = option_own(o, g_strdup(g_array_index(words, struct machine_word, n).word));
    ok = options_take(o, (int)words->len, argv, &at, err);
    if (!ok) {
        unsigned line = g_array_index(words, struct machine_word, (guint)at).line;

        if (line)
            g_prefix_error(err, "%s:%u: ", f->path, line);
        else
            g_prefix_error(err, "%s: ", f->path);
    }
    g_free(argv);
    return ok;
}

static bool opt_open(struct options *o, const char *value, GError **err)
{
    char *path = option_own(o, find_file(value));
    struct machine_file *f;
    GArray *words;
    bool ok;

    if (o->opened)
        return error_option(err, "-open: one machine at a time ('%s' is open)", o->opened);
    o->opened = path;
    f = machine_file_load(path, err);
    words = f ? machine_file_words(f, err) : NULL;
    ok = words && take_words(o, f, words, err);
    if (ok)
        o->smooth = !strcmp(machine_file_get(f, "display", "smooth"), "on");
    if (words)
        g_array_unref(words);
    machine_file_free(f);
    return ok;
}

static const struct option options[] = {
    {"open", "NAME|FILE.ini", "a machine of the library; further options add to it", opt_open},
};

const struct option_group options_library = {options, ARRAY_SIZE(options)};
