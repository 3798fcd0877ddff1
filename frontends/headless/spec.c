/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Specs are INI files: sections in brackets, `key = value`, lines that go on with a blank, comments
 * with # or ;. A reader of our own, because in [script] each line is a step, the order counts, and
 * every error has a line.
 */
#include "frontends/headless/spec.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "base/suggest.h"

static const char *const sections[] = {"guest", "image", "machine", "script"};
enum { IN_GUEST, IN_IMAGE, IN_MACHINE, IN_SCRIPT, IN_NONE };

struct reader {
    struct spec *s;
    unsigned section, line; /* of what is being read */
    bool seen[IN_NONE];
};

/* ---- ${...} ---- */

char *spec_expand(const char *text, const char *(*look_up)(void *opaque, const char *name),
                  void *opaque, GError **err)
{
    GString *out = g_string_new(NULL);

    for (const char *p = text, *end; *p; p = end) {
        const char *value;
        char *name;

        end = p + 1;
        if (p[0] != '$' || p[1] != '{') {
            g_string_append_c(out, *p);
            continue;
        }
        end = strchr(p, '}');
        if (!end) {
            error_option(err, "a ${ is never closed");
            g_string_free(out, TRUE);
            return NULL;
        }
        name = g_strndup(p + 2, (gsize)(end++ - p - 2));
        value = look_up(opaque, name);
        if (value)
            g_string_append(out, value);
        else
            error_option(err, "nothing is called ${%s} here", name);
        g_free(name);
        if (!value) {
            g_string_free(out, TRUE);
            return NULL;
        }
    }
    return g_string_free(out, FALSE);
}

/* Only whether a name is known when all is read up to here. */
static const char *look_up_nothing(void *opaque, const char *name)
{
    const struct spec *s = opaque;

    if (!strcmp(name, "dir") || !strcmp(name, "artifacts"))
        return "";
    for (unsigned k = 0; g_str_has_prefix(name, "image.") && k < s->images->len; k++) {
        const struct spec_image *image = g_ptr_array_index(s->images, k);

        if (!strcmp(name + strlen("image."), image->name))
            return "";
    }
    return NULL;
}

static bool check_names(struct spec *s, const char *text, GError **err)
{
    char *expanded = text ? spec_expand(text, look_up_nothing, s, err) : g_strdup("");

    g_free(expanded);
    return expanded != NULL;
}

/* ---- keys ---- */

static bool is_name(const char *s)
{
    return *s && *s != '.' && *s != '-' && strlen(s) <= 64 &&
           strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == strlen(s);
}

static bool set_once(char **to, const char *key, const char *value, GError **err)
{
    if (*to)
        return error_option(err, "%s is given twice", key);
    *to = g_strdup(value);
    return true;
}

static bool set_tags(struct spec *s, const char *value, GError **err)
{
    if (s->tags)
        return error_option(err, "tags is given twice");
    s->tags = g_strsplit_set(value, " ,", -1);
    for (unsigned k = 0; s->tags[k]; k++) {
        if (*s->tags[k] && !is_name(s->tags[k]))
            return error_option(err, "a tag has a-z, 0-9, -, _ and . only, not '%s'", s->tags[k]);
    }
    return true;
}

static bool set_guard(struct spec *s, const char *value, GError **err)
{
    char *end;
    unsigned long n;

    errno = 0;
    n = g_ascii_isdigit(*value) ? strtoul(value, &end, 10) : 0;
    if (!n || *end || errno || n > SPEC_MAX_GUARD_S)
        return error_option(err, "guard is a number of the host's seconds up to %d, not '%s'",
                            SPEC_MAX_GUARD_S, value);
    s->guard_s = (unsigned)n;
    return true;
}

static bool guest_key(struct reader *r, const char *key, const char *value, GError **err)
{
    static const char *const known[] = {"name", "description", "tags", "guard"};

    if (!strcmp(key, "name")) {
        if (!is_name(value))
            return error_option(err, "a name has a-z, 0-9, -, _ and . only, not '%s'", value);
        return set_once(&r->s->name, key, value, err);
    }
    if (!strcmp(key, "description"))
        return set_once(&r->s->description, key, value, err);
    if (!strcmp(key, "tags"))
        return set_tags(r->s, value, err);
    if (!strcmp(key, "guard"))
        return set_guard(r->s, value, err);
    return suggest_error(err, "key", key, known, ARRAY_SIZE(known));
}

static void image_free(void *opaque)
{
    struct spec_image *image = opaque;

    g_free(image->name);
    g_strfreev(image->argv);
    g_free(image);
}

static bool image_how(struct spec_image *image, const char *value, GError **err)
{
    static const char *const known[] = {"file", "package", "run"};
    GError *why = NULL;
    unsigned n;
    int argc;

    if (!g_shell_parse_argv(value, &argc, &image->argv, &why)) {
        error_option(err, "%s", why->message);
        g_error_free(why);
        return false;
    }
    for (n = 0; n < ARRAY_SIZE(known) && strcmp(image->argv[0], known[n]); n++)
        ;
    if (n == ARRAY_SIZE(known))
        return suggest_error(err, "way to an image", image->argv[0], known, n);
    image->how = (enum image_how)n;
    if (image->how == IMAGE_FILE && argc != 2)
        return error_option(err, "'file' is followed by one file");
    if (image->how == IMAGE_PACKAGE && argc != 3)
        return error_option(err, "'package' is followed by a package and the path of a file in it");
    if (image->how == IMAGE_RUN && argc < 2)
        return error_option(err, "'run' is followed by a program");
    return true;
}

static bool image_key(struct reader *r, const char *key, const char *value, GError **err)
{
    struct spec_image *image = g_new0(struct spec_image, 1);

    image->name = g_strdup(key);
    image->line = r->line;
    if (!is_name(key))
        error_option(err, "an image's name has a-z, 0-9, -, _ and . only, not '%s'", key);
    else if (image_how(image, value, err) && check_names(r->s, value, err)) {
        for (unsigned k = 0; k < r->s->images->len; k++) {
            const struct spec_image *other = g_ptr_array_index(r->s->images, k);

            if (!strcmp(other->name, key)) {
                image_free(image);
                return error_option(err, "image %s is given twice", key);
            }
        }
        g_ptr_array_add(r->s->images, image);
        return true;
    }
    image_free(image);
    return false;
}

static bool machine_key(struct reader *r, const char *key, const char *value, GError **err)
{
    static const char *const known[] = {"options"};
    GError *why = NULL;

    if (strcmp(key, "options"))
        return suggest_error(err, "key", key, known, ARRAY_SIZE(known));
    if (r->s->options)
        return error_option(err, "options is given twice");
    r->s->options_line = r->line;
    if (!g_shell_parse_argv(value, NULL, &r->s->options, &why)) {
        error_option(err, "%s", why->message);
        g_error_free(why);
        return false;
    }
    return check_names(r->s, value, err);
}

/* ---- lines ---- */

static bool open_section(struct reader *r, char *line, GError **err)
{
    char *end = strchr(line, ']');

    if (!end || end[1])
        return error_option(err, "a section is [NAME], alone on its line");
    *end = 0;
    for (r->section = 0; r->section < IN_NONE; r->section++) {
        if (!strcmp(line + 1, sections[r->section]))
            break;
    }
    if (r->section == IN_NONE)
        return suggest_error(err, "section", line + 1, sections, ARRAY_SIZE(sections));
    if (r->seen[r->section])
        return error_option(err, "section [%s] is there twice", line + 1);
    r->seen[r->section] = true;
    return true;
}

static bool read_step(struct reader *r, const char *line, GError **err)
{
    struct step step;

    if (!step_parse(&step, line, err))
        return false;
    step.line = r->line;
    g_array_append_val(r->s->steps, step);
    return check_names(r->s, step.file, err) && check_names(r->s, step.mask, err);
}

static bool read_line(struct reader *r, char *line, GError **err)
{
    static bool (*const keys[])(struct reader *, const char *, const char *,
                                GError **) = {guest_key, image_key, machine_key};
    char *eq;

    if (*line == '[')
        return open_section(r, line, err);
    if (r->section == IN_NONE)
        return error_option(err, "a [section] should come first");
    if (r->section == IN_SCRIPT)
        return read_step(r, line, err);
    eq = strchr(line, '=');
    if (!eq)
        return error_option(err, "neither 'key = value' nor a [section]");
    *eq = 0;
    g_strchomp(line);
    g_strchug(eq + 1);
    if (!eq[1])
        return error_option(err, "%s has no value", line);
    return keys[r->section](r, line, eq + 1, err);
}

/* The first of lines[*n...] with those that go on with it; "" for a comment. */
static char *whole_line(char **lines, unsigned *n, bool joins)
{
    GString *s = g_string_new(g_strstrip(lines[(*n)++]));

    if (*s->str == '#' || *s->str == ';')
        g_string_truncate(s, 0);
    joins = joins && *s->str != '[';
    while (joins && s->len && lines[*n] && (lines[*n][0] == ' ' || lines[*n][0] == '\t')) {
        const char *more = g_strstrip(lines[(*n)++]);

        if (*more && *more != '#' && *more != ';')
            g_string_append_printf(s, " %s", more);
    }
    return g_string_free(s, FALSE);
}

static bool read_lines(struct reader *r, char **lines, GError **err)
{
    bool ok = true;

    for (unsigned n = 0; ok && lines[n];) {
        char *line;

        r->line = n + 1;
        line = whole_line(lines, &n, r->section != IN_SCRIPT);
        ok = !*line || read_line(r, line, err);
        g_free(line);
    }
    return ok;
}

static bool complete(struct reader *r, GError **err)
{
    struct spec *s = r->s;

    if (!s->description)
        return error_option(err, "[guest] has no description");
    if (!s->options)
        return error_option(err, "[machine] has no options");
    if (!s->steps->len)
        return error_option(err, "[script] has no step: what would a good run be?");
    if (!s->name) {
        s->name = g_path_get_basename(s->path);
        if (g_str_has_suffix(s->name, ".ini"))
            s->name[strlen(s->name) - strlen(".ini")] = 0;
        if (!is_name(s->name))
            return error_option(err, "the file's name makes no guest's name; [guest] needs a name");
    }
    if (!s->tags)
        s->tags = g_new0(char *, 1);
    return true;
}

static void clear_step(gpointer step)
{
    step_clear(step);
}

struct spec *spec_parse(const char *path, const char *text, GError **err)
{
    struct spec *s = g_new0(struct spec, 1);
    struct reader r = {.s = s, .section = IN_NONE, .line = 1};
    char **lines = g_strsplit(text, "\n", -1), *dir = g_path_get_dirname(path);
    GError *why = NULL;
    bool ok;

    s->path = g_strdup(path);
    s->dir = g_canonicalize_filename(dir, NULL);
    s->guard_s = SPEC_GUARD_S;
    s->images = g_ptr_array_new_with_free_func(image_free);
    s->steps = g_array_new(FALSE, FALSE, sizeof(struct step));
    g_array_set_clear_func(s->steps, clear_step);
    ok = read_lines(&r, lines, &why) && complete(&r, &why);
    g_strfreev(lines);
    g_free(dir);
    if (ok)
        return s;
    error_option(err, "%s:%u: %s", path, r.line, why->message);
    g_error_free(why);
    spec_free(s);
    return NULL;
}

struct spec *spec_load(const char *path, GError **err)
{
    GError *why = NULL;
    struct spec *s = NULL;
    char *text;
    gsize len;

    if (!g_file_get_contents(path, &text, &len, &why)) {
        error_option(err, "%s", why->message);
        g_error_free(why);
        return NULL;
    }
    if (len > SPEC_MAX_SIZE || memchr(text, 0, len) || !g_utf8_validate(text, (gssize)len, NULL))
        error_option(err, "%s:1: this is no spec: not a text file of at most %d KiB", path,
                     SPEC_MAX_SIZE / 1024);
    else
        s = spec_parse(path, text, err);
    g_free(text);
    return s;
}

void spec_free(struct spec *s)
{
    if (!s)
        return;
    g_free(s->path);
    g_free(s->dir);
    g_free(s->name);
    g_free(s->description);
    g_strfreev(s->tags);
    g_ptr_array_free(s->images, TRUE);
    g_strfreev(s->options);
    g_array_free(s->steps, TRUE);
    g_free(s);
}

bool spec_has_tag(const struct spec *s, const char *tag)
{
    return g_strv_contains((const char *const *)s->tags, tag);
}
