/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See library.h. */
#include "frontends/library/library.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/error.h"
#include "frontends/library/disk_image.h"

#define MAX_MACHINES 1000
#define LOG_TAIL     4096 /* bytes of NAME.log that are looked at */

static bool fail(GError **err, const char *what, const char *path)
{
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "cannot %s %s: %s", what, path,
                g_strerror(errno));
    return false;
}

char *library_default_dir(void)
{
    return g_build_filename(g_get_user_data_dir(), "penumbra", "machines", NULL);
}

char *library_path(const char *dir, const char *name)
{
    return g_strdup_printf("%s/%s.ini", dir, name);
}

static void machine_free_entry(gpointer data)
{
    struct library_machine *m = data;

    machine_file_free(m->file);
    g_free(m->name);
    g_free(m->path);
    g_free(m->error);
    g_free(m->picture);
    g_free(m->said);
    g_free(m);
}

struct library *library_open(const char *dir, GError **err)
{
    struct library *l;

    if (g_mkdir_with_parents(dir, 0700) < 0) {
        fail(err, "make", dir);
        return NULL;
    }
    l = g_new0(struct library, 1);
    l->dir = g_strdup(dir);
    l->machines = g_ptr_array_new_with_free_func(machine_free_entry);
    library_refresh(l);
    return l;
}

void library_free(struct library *l)
{
    if (!l)
        return;
    g_ptr_array_free(l->machines, TRUE);
    g_free(l->dir);
    g_free(l);
}

struct library_machine *library_find(const struct library *l, const char *name)
{
    for (guint n = 0; n < l->machines->len; n++) {
        struct library_machine *m = g_ptr_array_index(l->machines, n);

        if (!strcmp(m->name, name))
            return m;
    }
    return NULL;
}

/* ---- what is there ---- */

static gint64 written(const char *path)
{
    GStatBuf st;

    return g_stat(path, &st) < 0 ? 0
                                 : (gint64)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000;
}

/* The last line of NAME.log: one of a run that ended badly, since others leave it empty. */
static char *last_words(const char *ini)
{
    g_autofree char *path = machine_sibling(ini, ".log"), *text = NULL;
    gsize len;
    char *line;

    if (!g_file_get_contents(path, &text, &len, NULL))
        return NULL;
    line = len > LOG_TAIL ? text + len - LOG_TAIL : text;
    g_strchomp(line);
    if (strrchr(line, '\n'))
        line = strrchr(line, '\n') + 1;
    return *line ? g_utf8_make_valid(line, -1) : NULL;
}

/* True when anything is other than it was. */
static bool look_at(struct library_machine *m)
{
    gint64 changed = written(m->path), pictured = written(m->picture);
    enum machine_state state;
    GError *err = NULL;
    bool news = false;
    int pid;

    state = machine_state_look(m->path, &pid);
    if (changed != m->changed || (!m->file && !m->error)) {
        g_clear_pointer(&m->file, machine_file_free);
        g_clear_pointer(&m->error, g_free);
        m->file = machine_file_load(m->path, &err);
        if (!m->file)
            m->error = g_strdup(err->message);
        g_clear_error(&err);
        news = true;
    }
    if (state != m->state || pid != m->pid || pictured != m->pictured)
        news = true;
    if (state == MACHINE_OFF) {
        char *said = last_words(m->path);

        news |= g_strcmp0(said, m->said) != 0;
        g_free(m->said);
        m->said = said;
    } else {
        g_clear_pointer(&m->said, g_free);
    }
    m->changed = changed;
    m->pictured = pictured;
    m->state = state;
    m->pid = pid;
    return news;
}

static gint by_name(gconstpointer a, gconstpointer b)
{
    const struct library_machine *const *x = a, *const *y = b;

    return g_utf8_collate((*x)->name, (*y)->name);
}

static void add_machine(struct library *l, const char *file)
{
    struct library_machine *m = g_new0(struct library_machine, 1);

    m->name = g_strndup(file, strlen(file) - 4);
    m->path = library_path(l->dir, m->name);
    m->picture = machine_sibling(m->path, ".png");
    g_ptr_array_add(l->machines, m);
}

static bool drop_gone(struct library *l)
{
    guint before = l->machines->len;

    for (guint n = l->machines->len; n-- > 0;) {
        const struct library_machine *m = g_ptr_array_index(l->machines, n);

        if (!g_file_test(m->path, G_FILE_TEST_EXISTS))
            g_ptr_array_remove_index(l->machines, n);
    }
    return l->machines->len != before;
}

bool library_refresh(struct library *l)
{
    GDir *dir = g_dir_open(l->dir, 0, NULL);
    bool news = drop_gone(l);
    const char *file;

    while (dir && (file = g_dir_read_name(dir)) && l->machines->len < MAX_MACHINES) {
        g_autofree char *name = NULL;

        if (!g_str_has_suffix(file, ".ini"))
            continue;
        name = g_strndup(file, strlen(file) - 4);
        if (!machine_name_check(name, NULL) || library_find(l, name))
            continue;
        add_machine(l, file);
        news = true;
    }
    if (dir)
        g_dir_close(dir);
    g_ptr_array_sort(l->machines, by_name);
    for (guint n = 0; n < l->machines->len; n++)
        news |= look_at(g_ptr_array_index(l->machines, n));
    return news;
}

/* ---- changes ---- */

bool library_name_free(const struct library *l, const char *name, char **why)
{
    g_autofree char *path = NULL;

    if (!machine_name_check(name, why))
        return false;
    path = library_path(l->dir, name);
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return true;
    if (why)
        *why = g_strdup_printf("there is a machine '%s' already", name);
    return false;
}

bool library_create(struct library *l, struct machine_file *f, uint64_t disk_bytes, GError **err)
{
    g_autofree char *image = machine_sibling(f->path, ".img"), *base = NULL, *why = NULL;

    if (!library_name_free(l, f->name, &why)) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION, "%s", why);
        return false;
    }
    if (disk_bytes) {
        if (!disk_image_create(image, disk_bytes, err))
            return false;
        base = g_path_get_basename(image);
        machine_file_set(f, "disk", "file", base);
    }
    if (!machine_file_save(f, err)) {
        if (disk_bytes)
            g_unlink(image);
        return false;
    }
    library_refresh(l);
    return true;
}

/* Does the machine's file name an image that lies in dir itself? Then its path; g_free. */
static char *image_in(const struct machine_file *f, const char *section, const char *dir)
{
    char *path = machine_file_path(f, machine_file_get(f, section, "file"));
    char *in = path ? g_path_get_dirname(path) : NULL;

    if (!in || strcmp(in, dir))
        g_clear_pointer(&path, g_free);
    g_free(in);
    return path;
}

char **library_images(const struct machine_file *f, const char *dir)
{
    GPtrArray *all = g_ptr_array_new();

    for (unsigned n = 0; n < MACHINE_FILE_DISKS; n++) {
        char *path = image_in(f, machine_disk_section(n), dir);

        if (path && g_file_test(path, G_FILE_TEST_IS_REGULAR))
            g_ptr_array_add(all, path);
        else
            g_free(path);
    }
    g_ptr_array_add(all, NULL);
    return (char **)g_ptr_array_free(all, FALSE);
}

/* Copies what the copy is to have of its own, and names it in the copy. */
static bool copy_images(const char *dir, const struct machine_file *from, struct machine_file *to,
                        GPtrArray *made, _Atomic uint64_t *done, _Atomic bool *stop, GError **err)
{
    for (unsigned n = 0; n < MACHINE_FILE_DISKS; n++) {
        const char *section = machine_disk_section(n);
        g_autofree char *path = image_in(from, section, dir);
        char *copy, *base, *end;

        if (!path || !strcmp(machine_file_get(from, section, "readonly"), "on"))
            continue;
        end = n ? g_strdup_printf("-%u.img", n + 1) : g_strdup(".img");
        copy = machine_sibling(to->path, end);
        g_free(end);
        if (!disk_image_copy(path, copy, done, stop, err)) {
            g_free(copy);
            return false;
        }
        g_ptr_array_add(made, copy);
        base = g_path_get_basename(copy);
        machine_file_set(to, section, "file", base);
        g_free(base);
    }
    return true;
}

bool library_duplicate(const char *dir, const struct machine_file *from, const char *name,
                       _Atomic uint64_t *done, _Atomic bool *stop, GError **err)
{
    g_autofree char *path = library_path(dir, name), *text = ini_text(from->ini);
    struct machine_file *to = machine_file_parse(path, text, strlen(text), err);
    GPtrArray *made = g_ptr_array_new_with_free_func(g_free);
    bool ok = to != NULL;

    if (ok && g_file_test(path, G_FILE_TEST_EXISTS)) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION, "there is a machine '%s' already",
                    name);
        ok = false;
    }
    ok = ok && copy_images(dir, from, to, made, done, stop, err) && machine_file_save(to, err);
    for (guint n = 0; !ok && n < made->len; n++)
        g_unlink(g_ptr_array_index(made, n));
    g_ptr_array_free(made, TRUE);
    machine_file_free(to);
    return ok;
}

bool library_delete(struct library *l, struct library_machine *m, bool images, GError **err)
{
    static const char *const ends[] = {".png", ".log", ".state"};
    struct machine_state_lock *lock = machine_state_claim(m->path, err);
    g_auto(GStrv) files = images && m->file ? library_images(m->file, l->dir) : NULL;
    bool ok = lock != NULL;

    for (unsigned n = 0; ok && files && files[n]; n++)
        ok = g_unlink(files[n]) == 0 || fail(err, "remove", files[n]);
    ok = ok && (g_unlink(m->path) == 0 || fail(err, "remove", m->path));
    for (unsigned n = 0; ok && n < G_N_ELEMENTS(ends); n++) {
        g_autofree char *path = machine_sibling(m->path, ends[n]);

        g_unlink(path);
    }
    machine_state_release(lock);
    library_refresh(l);
    return ok;
}
