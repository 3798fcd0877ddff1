/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See file_dialog.h. */
#include "frontends/sdl/file_dialog.h"

#include <string.h>

#define MAX_NAMES 5000

static gint by_name(gconstpointer a, gconstpointer b)
{
    const char *const *x = a, *const *y = b;
    bool dir_x = g_str_has_suffix(*x, "/"), dir_y = g_str_has_suffix(*y, "/");

    return dir_x != dir_y ? dir_y - dir_x : g_utf8_collate(*x, *y);
}

static void read_dir(struct file_dialog *d)
{
    GError *err = NULL;
    GDir *dir = g_dir_open(d->dir, 0, &err);
    const char *name;

    if (!d->names)
        d->names = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_set_size(d->names, 0);
    g_clear_pointer(&d->error, g_free);
    g_clear_pointer(&d->chosen, g_free);
    if (!dir) {
        d->error = g_strdup(err->message);
        g_error_free(err);
        return;
    }
    while ((name = g_dir_read_name(dir)) && d->names->len < MAX_NAMES) {
        g_autofree char *path = g_build_filename(d->dir, name, NULL);
        bool is_dir = g_file_test(path, G_FILE_TEST_IS_DIR);

        if (*name != '.' && g_utf8_validate(name, -1, NULL))
            g_ptr_array_add(d->names, g_strdup_printf("%s%s", name, is_dir ? "/" : ""));
    }
    g_dir_close(dir);
    g_ptr_array_sort(d->names, by_name);
}

static void go_to(struct file_dialog *d, const char *dir)
{
    char *canonical = g_canonicalize_filename(dir, NULL);

    g_strlcpy(d->dir, canonical, sizeof(d->dir));
    g_free(canonical);
    read_dir(d);
}

void file_dialog_open(struct file_dialog *d, const char *title, const char *path)
{
    char *dir = *path ? g_path_get_dirname(path) : g_strdup(g_get_home_dir());

    d->title = title;
    d->opening = true;
    g_strlcpy(d->path, path, sizeof(d->path));
    go_to(d, dir);
    g_free(dir);
}

/* A row was clicked: a file's name goes into the field, a directory is entered at the second. */
static bool row(struct file_dialog *d, const char *name, bool twice)
{
    g_autofree char *path = g_build_filename(d->dir, name, NULL);

    if (g_str_has_suffix(name, "/")) {
        if (twice)
            go_to(d, path);
        return false;
    }
    g_strlcpy(d->path, path, sizeof(d->path));
    g_free(d->chosen);
    d->chosen = g_strdup(name);
    return twice;
}

static bool draw_list(struct file_dialog *d, struct gui *g)
{
    g_autofree char *picked = NULL;
    bool twice = false, done = false;

    gui_part_begin(g, "files", 0, 240, true);
    if (d->error)
        gui_paragraph(g, GUI_BAD, d->error);
    if (gui_row(g, "../", false, &twice))
        picked = g_strdup("../");
    for (guint n = 0; n < d->names->len; n++) {
        const char *name = g_ptr_array_index(d->names, n);
        bool two;

        if (gui_row(g, name, d->chosen && !strcmp(d->chosen, name), &two)) {
            g_free(picked);
            picked = g_strdup(name);
            twice = two;
        }
    }
    gui_part_end(g);
    if (picked)
        done = row(d, picked, twice);
    return done;
}

bool file_dialog_draw(struct file_dialog *d, struct gui *g)
{
    bool done = false;

    if (!d->title)
        return false;
    if (d->opening)
        gui_dialog_open(g, d->title);
    d->opening = false;
    if (!gui_dialog_begin(g, d->title, 560))
        return false;
    gui_text(g, GUI_DIM, "%s", d->dir);
    done = draw_list(d, g);
    gui_focus(g);
    gui_field(g, "File", d->path, sizeof(d->path), "a path", NULL);
    done |= gui_entered(g) && *d->path;
    if (g_file_test(d->path, G_FILE_TEST_IS_DIR)) {
        if (done)
            go_to(d, d->path);
        done = false;
    }
    done |= gui_button(g, "Choose", *d->path && !g_file_test(d->path, G_FILE_TEST_IS_DIR));
    gui_same_line(g, 0);
    if (gui_button(g, "Cancel##file", true) || gui_escaped(g) || done)
        gui_dialog_close(g);
    gui_dialog_end(g);
    return done;
}

void file_dialog_clear(struct file_dialog *d)
{
    if (d->names)
        g_ptr_array_free(d->names, TRUE);
    g_free(d->error);
    g_free(d->chosen);
    memset(d, 0, sizeof(*d));
}
