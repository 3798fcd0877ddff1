/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See image.h. Programs run in the top directory of the tree that the spec or Penumbra lies in. */
#include "frontends/headless/image.h"

#include "base/error.h"

#include <string.h>

#define TREE_MARK "script/guest-file"

void image_names_init(struct image_names *n, const struct spec *spec, const char *artifacts)
{
    *n = (struct image_names){.spec = spec, .artifacts = artifacts};
    n->path = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

void image_names_clear(struct image_names *n)
{
    g_hash_table_unref(n->path);
}

static const char *look_up(void *opaque, const char *name)
{
    const struct image_names *n = opaque;

    if (!strcmp(name, "dir"))
        return n->spec->dir;
    if (!strcmp(name, "artifacts"))
        return n->artifacts;
    if (g_str_has_prefix(name, "image."))
        return g_hash_table_lookup(n->path, name + strlen("image."));
    return NULL;
}

char *image_expand(const struct image_names *n, const char *text, GError **err)
{
    return spec_expand(text, look_up, (void *)n, err);
}

char *image_path(const struct image_names *n, const char *text, GError **err)
{
    char *s = image_expand(n, text, err), *path;

    if (!s)
        return NULL;
    path = g_canonicalize_filename(s, n->spec->dir);
    g_free(s);
    return path;
}

/* The directory at or above `from` that holds Penumbra's tree; NULL when none does. */
static char *tree_above(const char *from)
{
    char *dir = g_strdup(from);

    for (;;) {
        char *mark = g_build_filename(dir, TREE_MARK, NULL), *up;
        bool found = g_file_test(mark, G_FILE_TEST_EXISTS);

        g_free(mark);
        if (found)
            return dir;
        up = g_path_get_dirname(dir);
        if (!strcmp(up, dir)) {
            g_free(up);
            g_free(dir);
            return NULL;
        }
        g_free(dir);
        dir = up;
    }
}

static char *tree(const struct spec *spec)
{
    char *top = tree_above(spec->dir), *exe;

    if (!top && (exe = g_file_read_link("/proc/self/exe", NULL))) {
        top = tree_above(exe);
        g_free(exe);
    }
    return top;
}

/* The last line that is not empty; it points into text, which is cut there. */
static char *last_line(char *text)
{
    char *line;

    g_strchomp(text);
    line = strrchr(text, '\n');
    return g_strstrip(line ? line + 1 : text);
}

/* What a program's last line names, from directory `top`. */
static char *run(char **argv, const char *top, GError **err)
{
    char *out = NULL, *said = NULL, *path = NULL;
    GError *why = NULL;
    int status;

    if (!g_spawn_sync(top, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_CHILD_INHERITS_STDIN, NULL,
                      NULL, &out, &said, &status, &why)) {
        error_option(err, "%s", why->message);
        g_error_free(why);
        return NULL;
    }
    if (!g_spawn_check_wait_status(status, NULL))
        error_option(err, "%s: %s", argv[0], *last_line(said) ? last_line(said) : "it failed");
    else if (!*last_line(out))
        error_option(err, "%s printed no file's name", argv[0]);
    else
        path = g_canonicalize_filename(last_line(out), top);
    g_free(out);
    g_free(said);
    return path;
}

static char *get(const struct image_names *n, char **argv, enum image_how how, GError **err)
{
    char *top, *path = NULL;

    if (how == IMAGE_FILE)
        return g_canonicalize_filename(argv[1], n->spec->dir);
    top = tree(n->spec);
    if (how == IMAGE_RUN)
        path = run(argv + 1, top ? top : n->spec->dir, err);
    else if (!top)
        error_option(err, "packages are fetched by %s of Penumbra's tree, which is not here",
                     TREE_MARK);
    else
        path = run((char *[]){TREE_MARK, argv[1], argv[2], NULL}, top, err);
    g_free(top);
    return path;
}

static bool get_one(struct image_names *n, const struct spec_image *image, GError **err)
{
    char **argv = g_strdupv(image->argv), *path = NULL;
    GError *why = NULL;

    for (unsigned k = 0; argv[k] && !why; k++) {
        g_free(argv[k]);
        argv[k] = image_expand(n, image->argv[k], &why);
    }
    if (!why)
        path = get(n, argv, image->how, &why);
    if (path && !g_file_test(path, G_FILE_TEST_EXISTS))
        error_option(&why, "%s is not there", path);
    g_strfreev(argv);
    if (why) {
        error_option(err, "no image %s: %s", image->name, why->message);
        g_error_free(why);
        g_free(path);
        return false;
    }
    g_hash_table_insert(n->path, g_strdup(image->name), path);
    return true;
}

bool image_get_all(struct image_names *n, GError **err)
{
    for (unsigned k = 0; k < n->spec->images->len; k++) {
        if (!get_one(n, g_ptr_array_index(n->spec->images, k), err))
            return false;
    }
    return true;
}
