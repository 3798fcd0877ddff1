/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See ini.h. */
#include "frontends/library/ini.h"

#include <string.h>

#include "base/error.h"

static void line_free(gpointer data)
{
    struct ini_line *l = data;

    g_free(l->section);
    g_free(l->key);
    g_free(l->value);
    g_free(l->text);
    g_free(l);
}

struct ini *ini_new(void)
{
    struct ini *ini = g_new0(struct ini, 1);

    ini->lines = g_ptr_array_new_with_free_func(line_free);
    return ini;
}

void ini_free(struct ini *ini)
{
    if (!ini)
        return;
    g_ptr_array_free(ini->lines, TRUE);
    g_free(ini);
}

static struct ini_line *line_at(const struct ini *ini, guint n)
{
    return (struct ini_line *)g_ptr_array_index(ini->lines, n);
}

__attribute__((format(printf, 4, 5))) static bool fail_at(GError **err, const char *path,
                                                          unsigned line, const char *fmt, ...)
{
    va_list ap;
    char *what;

    va_start(ap, fmt);
    what = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "%s:%u: %s", path, line, what);
    g_free(what);
    return false;
}

/* ---- reading ---- */

/* What stands behind the '='; blanks around it, and quotes around all of it, are not part of it. */
static char *unquote(const char *s)
{
    char *v = g_strstrip(g_strdup(s));
    size_t len = strlen(v);

    if (len >= 2 && v[0] == '"' && v[len - 1] == '"') {
        memmove(v, v + 1, len - 2);
        v[len - 2] = 0;
    }
    return v;
}

static bool has_section(const struct ini *ini, const char *section)
{
    for (guint n = 0; n < ini->lines->len; n++) {
        const struct ini_line *l = line_at(ini, n);

        if (l->section && !l->key && !strcmp(l->section, section))
            return true;
    }
    return false;
}

/* One line of the file, the last of ini's; *section is the one it stands in. */
static bool parse_line(struct ini *ini, const char *path, const char *text, const char **section,
                       GError **err)
{
    struct ini_line *l = g_new0(struct ini_line, 1);
    g_autofree char *s = g_strstrip(g_strdup(text));
    size_t len = strlen(s);
    unsigned at = ini->lines->len + 1;
    char *eq = strchr(s, '=');

    l->text = g_strdup(text);
    if (*s == '[') {
        char *name = NULL;

        if (len > 2 && s[len - 1] == ']')
            name = g_strstrip(g_strndup(s + 1, len - 2));
        if (name && !has_section(ini, name))
            l->section = name;
        g_ptr_array_add(ini->lines, l);
        *section = l->section;
        if (l->section)
            return true;
        if (!name)
            return fail_at(err, path, at, "'%s' is not a section ([name])", s);
        fail_at(err, path, at, "section [%s] is there already", name);
        g_free(name);
        return false;
    }
    g_ptr_array_add(ini->lines, l);
    if (!*s || *s == '#' || *s == ';')
        return true;
    if (!eq || eq == s)
        return fail_at(err, path, at, "'%s' is neither a section, nor key = value, nor a comment",
                       s);
    *eq = 0;
    g_strchomp(s);
    if (!*section)
        return fail_at(err, path, at, "'%s' stands before the first section", s);
    if (ini_get(ini, *section, s, NULL))
        return fail_at(err, path, at, "'%s' is said twice in [%s]", s, *section);
    l->section = g_strdup(*section);
    l->key = g_strdup(s);
    l->value = unquote(eq + 1);
    return true;
}

struct ini *ini_parse(const char *path, const char *text, gsize len, GError **err)
{
    struct ini *ini;
    const char *section = NULL, *bad;
    g_auto(GStrv) lines = NULL;
    bool ok = true;

    if (len > INI_MAX_SIZE) {
        fail_at(err, path, 1, "the file is larger than %d KiB", INI_MAX_SIZE / 1024);
        return NULL;
    }
    if (!g_utf8_validate(text, (gssize)len, &bad)) {
        unsigned at = 1;

        for (const char *p = text; p < bad; p++)
            at += *p == '\n';
        fail_at(err, path, at, "there is a byte that is no UTF-8 text");
        return NULL;
    }
    ini = ini_new();
    lines = g_strsplit(text, "\n", -1);
    for (unsigned n = 0; ok && lines[n]; n++) {
        if (!lines[n + 1] && !*lines[n])
            break; /* behind the last line's end */
        ok = parse_line(ini, path, lines[n], &section, err);
    }
    if (!ok)
        g_clear_pointer(&ini, ini_free);
    return ini;
}

const char *ini_get(const struct ini *ini, const char *section, const char *key, unsigned *line)
{
    for (guint n = 0; n < ini->lines->len; n++) {
        const struct ini_line *l = line_at(ini, n);

        if (l->key && !strcmp(l->section, section) && !strcmp(l->key, key)) {
            if (line)
                *line = n + 1;
            return l->value;
        }
    }
    if (line)
        *line = 0;
    return NULL;
}

/* ---- changing and writing ---- */

/* The place behind the last entry of the section, which is made at the end if there is none. */
static guint place_in(struct ini *ini, const char *section)
{
    guint place = 0;

    for (guint n = 0; n < ini->lines->len; n++) {
        const struct ini_line *l = line_at(ini, n);

        if (l->section && !strcmp(l->section, section))
            place = n + 1;
    }
    if (!place) {
        struct ini_line *l;

        if (ini->lines->len) {
            l = g_new0(struct ini_line, 1);
            l->text = g_strdup("");
            g_ptr_array_add(ini->lines, l);
        }
        l = g_new0(struct ini_line, 1);
        l->section = g_strdup(section);
        g_ptr_array_add(ini->lines, l);
        place = ini->lines->len;
    }
    return place;
}

void ini_set(struct ini *ini, const char *section, const char *key, const char *value)
{
    unsigned at;
    const char *old = ini_get(ini, section, key, &at);
    g_autofree char *v = g_strndup(value ? value : "", value ? strcspn(value, "\r\n") : 0);
    struct ini_line *l;

    if (!value) {
        if (old)
            g_ptr_array_remove_index(ini->lines, at - 1);
        return;
    }
    if (old && !strcmp(old, v))
        return;
    if (old) {
        l = line_at(ini, at - 1);
        g_clear_pointer(&l->text, g_free);
        g_free(l->value);
    } else {
        guint place = place_in(ini, section);

        l = g_new0(struct ini_line, 1);
        l->section = g_strdup(section);
        l->key = g_strdup(key);
        g_ptr_array_insert(ini->lines, (gint)place, l);
    }
    l->value = g_steal_pointer(&v);
}

static bool needs_quotes(const char *v)
{
    size_t len = strlen(v);

    return len && (g_ascii_isspace(v[0]) || g_ascii_isspace(v[len - 1]) || v[0] == '"');
}

char *ini_text(const struct ini *ini)
{
    GString *s = g_string_new(NULL);

    for (guint n = 0; n < ini->lines->len; n++) {
        const struct ini_line *l = line_at(ini, n);

        if (l->text)
            g_string_append(s, l->text);
        else if (!l->key)
            g_string_append_printf(s, "[%s]", l->section);
        else if (needs_quotes(l->value))
            g_string_append_printf(s, "%s = \"%s\"", l->key, l->value);
        else
            g_string_append_printf(s, "%s = %s", l->key, l->value);
        g_string_append_c(s, '\n');
    }
    return g_string_free(s, FALSE);
}
