/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See machine_file.h. */
#include "frontends/library/machine_file.h"

#include <string.h>

#include "base/error.h"
#include "base/suggest.h"

#define MAX_KEYS 64

const char *machine_disk_section(unsigned n)
{
    static const char *const names[MACHINE_FILE_DISKS] = {"disk", "disk2", "disk3"};

    return names[n];
}

/* ---- reading ---- */

struct machine_file *machine_file_new(const char *path)
{
    struct machine_file *f = g_new0(struct machine_file, 1);
    char *base = g_path_get_basename(path);

    f->path = g_strdup(path);
    f->name = g_str_has_suffix(base, ".ini") ? g_strndup(base, strlen(base) - 4) : g_strdup(base);
    f->ini = ini_new();
    g_free(base);
    return f;
}

void machine_file_free(struct machine_file *f)
{
    if (!f)
        return;
    ini_free(f->ini);
    g_free(f->path);
    g_free(f->name);
    g_free(f);
}

static bool refuse(GError **err, const char *path, unsigned line, const char *what)
{
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "%s:%u: %s", path, line, what);
    return false;
}

/* "unknown WHAT 'WORD'", with the nearest of the known ones. */
static bool unknown(GError **err, const char *path, unsigned line, const char *what,
                    const char *word, const char *const *known, unsigned n)
{
    const char *near = suggest(word, known, n);
    g_autofree char *hint = near ? g_strdup_printf("; did you mean '%s'?", near) : g_strdup("");
    g_autofree char *text = g_strdup_printf("unknown %s '%s'%s", what, word, hint);

    return refuse(err, path, line, text);
}

static bool check_section(const char *path, unsigned line, const char *section, GError **err)
{
    const char *known[MAX_KEYS];
    unsigned n, n_known = 0;
    const struct machine_key *keys = machine_keys(&n);

    for (unsigned k = 0; k < n; k++) {
        if (!strcmp(keys[k].section, section))
            return true;
        if (!k || strcmp(keys[k].section, keys[k - 1].section))
            known[n_known++] = keys[k].section;
    }
    return unknown(err, path, line, "section", section, known, n_known);
}

static bool check_entry(const char *path, unsigned line, const struct ini_line *l, GError **err)
{
    const char *known[MAX_KEYS];
    unsigned n, n_known = 0;
    const struct machine_key *keys = machine_keys(&n);
    g_autofree char *why = NULL, *text = NULL;

    for (unsigned k = 0; k < n; k++) {
        if (!strcmp(keys[k].section, l->section))
            known[n_known++] = keys[k].key;
    }
    if (!machine_key(l->section, l->key)) {
        text = g_strdup_printf("key in [%s]", l->section);
        return unknown(err, path, line, text, l->key, known, n_known);
    }
    if (machine_key_check(l->section, l->key, l->value, &why))
        return true;
    text = g_strdup_printf("%s: %s", l->key, why);
    return refuse(err, path, line, text);
}

struct machine_file *machine_file_parse(const char *path, const char *text, gsize len, GError **err)
{
    struct ini *ini = ini_parse(path, text, len, err);
    struct machine_file *f;
    bool ok = true;

    if (!ini)
        return NULL;
    f = machine_file_new(path);
    ini_free(f->ini);
    f->ini = ini;
    for (guint n = 0; ok && n < ini->lines->len; n++) {
        const struct ini_line *l = g_ptr_array_index(ini->lines, n);

        if (l->key)
            ok = check_entry(path, n + 1, l, err);
        else if (l->section)
            ok = check_section(path, n + 1, l->section, err);
    }
    if (!ok)
        g_clear_pointer(&f, machine_file_free);
    return f;
}

struct machine_file *machine_file_load(const char *path, GError **err)
{
    struct machine_file *f;
    GError *why = NULL;
    char *text;
    gsize len;

    if (!g_file_get_contents(path, &text, &len, &why)) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "%s", why->message);
        g_error_free(why);
        return NULL;
    }
    f = machine_file_parse(path, text, len, err);
    g_free(text);
    return f;
}

/* ---- values ---- */

const char *machine_file_get(const struct machine_file *f, const char *section, const char *key)
{
    const char *v = ini_get(f->ini, section, key, NULL);

    return v ? v : machine_key(section, key)->value;
}

void machine_file_set(struct machine_file *f, const char *section, const char *key,
                      const char *value)
{
    if (ini_get(f->ini, section, key, NULL) || strcmp(value, machine_key(section, key)->value))
        ini_set(f->ini, section, key, value);
}

bool machine_file_save(const struct machine_file *f, GError **err)
{
    char *text = ini_text(f->ini);
    GError *why = NULL;
    bool ok = g_file_set_contents(f->path, text, -1, &why);

    if (!ok) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "%s", why->message);
        g_error_free(why);
    }
    g_free(text);
    return ok;
}

char *machine_file_path(const struct machine_file *f, const char *name)
{
    char *dir, *path;

    if (!*name)
        return NULL;
    if (g_path_is_absolute(name) || strstr(name, "://"))
        return g_strdup(name);
    dir = g_path_get_dirname(f->path);
    path = strcmp(dir, ".") ? g_build_filename(dir, name, NULL) : g_strdup(name);
    g_free(dir);
    return path;
}

/* ---- words of the command line ---- */

static void word_clear(gpointer data)
{
    g_free(((struct machine_word *)data)->word);
}

static void add(GArray *words, char *word, unsigned line)
{
    struct machine_word w = {word, line};

    g_array_append_val(words, w);
}

/* An option and its value; the value is taken over. */
static void add_pair(GArray *words, const char *option, char *value, unsigned line)
{
    add(words, g_strdup(option), line);
    add(words, value, line);
}

static unsigned line_of(const struct machine_file *f, const char *section, const char *key)
{
    unsigned line;

    ini_get(f->ini, section, key, &line);
    return line;
}

/* An option whose value is the entry's as it stands, if it is said. */
static void add_said(const struct machine_file *f, GArray *words, const char *option,
                     const char *section, const char *key)
{
    unsigned line;
    const char *v = ini_get(f->ini, section, key, &line);

    if (v && *v)
        add_pair(words, option, g_strdup(v), line);
}

static char *double_commas(const char *s)
{
    g_auto(GStrv) parts = g_strsplit(s, ",", -1);

    return g_strjoinv(",,", parts);
}

static bool is_on(const struct machine_file *f, const char *section, const char *key)
{
    return !strcmp(machine_file_get(f, section, key), "on");
}

static bool on_ahci(const struct machine_file *f, unsigned n)
{
    return *machine_file_get(f, machine_disk_section(n), "file") &&
           !strcmp(machine_file_get(f, machine_disk_section(n), "interface"), "ahci");
}

/* A disk on AHCI is a device of its own, on the controller that the first of them brings along. */
static void add_ahci(const struct machine_file *f, GArray *words, unsigned n)
{
    unsigned line = line_of(f, machine_disk_section(n), "interface"), before = 0;

    for (unsigned k = 0; k < n; k++)
        before += on_ahci(f, k);
    if (!before)
        add_pair(words, "-device", g_strdup("ahci,id=ahci"), line);
    add_pair(words, "-device",
             g_strdup_printf("ide-hd,drive=%s,bus=ahci.%u", machine_disk_section(n), before), line);
}

static void add_disk(const struct machine_file *f, GArray *words, unsigned n)
{
    const char *section = machine_disk_section(n);
    bool ahci = on_ahci(f, n);
    g_autofree char *id = ahci ? g_strdup_printf("none,id=%s", section) : NULL;
    g_autofree char *path = machine_file_path(f, machine_file_get(f, section, "file"));
    g_autofree char *file = path ? double_commas(path) : NULL;

    if (file)
        add_pair(words, "-drive",
                 g_strdup_printf("file=%s,format=%s,if=%s%s%s", file,
                                 machine_file_get(f, section, "format"),
                                 ahci ? id : machine_file_get(f, section, "interface"),
                                 is_on(f, section, "readonly") ? ",readonly=on" : "",
                                 is_on(f, section, "snapshot") ? ",snapshot=on" : ""),
                 line_of(f, section, "file"));
    if (ahci)
        add_ahci(f, words, n);
}

static void add_cd(const struct machine_file *f, GArray *words)
{
    char *path = machine_file_path(f, machine_file_get(f, "cd", "file"));

    if (!is_on(f, "cd", "drive"))
        g_free(path);
    else if (path)
        add_pair(words, "-cdrom", path, line_of(f, "cd", "file"));
    else
        add_pair(words, "-drive", g_strdup("if=ide,media=cdrom"), line_of(f, "cd", "drive"));
}

static void add_network(const struct machine_file *f, GArray *words)
{
    const char *forward = machine_file_get(f, "network", "hostfwd");
    g_autofree char *forwards = machine_forwards(forward);
    bool user = strcmp(machine_file_get(f, "network", "mode"), "none");

    add_pair(
        words, "-nic",
        user ? g_strdup_printf("user,model=%s%s", machine_file_get(f, "network", "model"), forwards)
             : g_strdup("none"), /* without it there would be one */
        line_of(f, "network", user && *forward ? "hostfwd" : "mode"));
}

static void add_sound(const struct machine_file *f, GArray *words)
{
    const char *card = machine_file_get(f, "sound", "card");

    if (strcmp(card, "none"))
        add_pair(words, "-audio", g_strdup_printf("driver=sdl,model=%s", card),
                 line_of(f, "sound", "card"));
}

static bool add_more(const struct machine_file *f, GArray *words, GError **err)
{
    const char *more = machine_file_get(f, "options", "more");
    unsigned line = line_of(f, "options", "more");
    GError *why = NULL;
    char **argv;

    if (!*more)
        return true;
    if (!g_shell_parse_argv(more, NULL, &argv, &why)) {
        refuse(err, f->path, line, why->message);
        g_error_free(why);
        return false;
    }
    for (unsigned k = 0; argv[k]; k++)
        add(words, g_strdup(argv[k]), line);
    g_strfreev(argv);
    return true;
}

GArray *machine_file_words(const struct machine_file *f, GError **err)
{
    GArray *words = g_array_new(FALSE, FALSE, sizeof(struct machine_word));
    char *firmware = machine_file_path(f, machine_file_get(f, "machine", "firmware"));

    g_array_set_clear_func(words, word_clear);
    add_pair(words, "-name", g_strdup(f->name), 0);
    add_pair(words, "-m", g_strdup(machine_file_get(f, "machine", "memory")),
             line_of(f, "machine", "memory"));
    add_said(f, words, "-smp", "machine", "cpus");
    add_said(f, words, "-cpu", "machine", "cpu");
    add_said(f, words, "-accel", "machine", "accel");
    add_said(f, words, "-boot", "machine", "boot");
    if (firmware)
        add_pair(words, "-bios", firmware, line_of(f, "machine", "firmware"));
    for (unsigned n = 0; n < MACHINE_FILE_DISKS; n++)
        add_disk(f, words, n);
    add_cd(f, words);
    add_network(f, words);
    add_sound(f, words);
    if (is_on(f, "display", "fullscreen"))
        add(words, g_strdup("-full-screen"), line_of(f, "display", "fullscreen"));
    add_said(f, words, "-k", "keyboard", "layout");
    if (!add_more(f, words, err))
        g_clear_pointer(&words, g_array_unref);
    return words;
}
