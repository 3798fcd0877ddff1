/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dialog in which a machine is made or edited: its fields, and what is wrong with them. */
#include <string.h>

#include "base/bits.h"
#include "frontends/cli/options.h"
#include "frontends/keyboard_layout.h"
#include "frontends/library/disk_image.h"
#include "frontends/sdl/library_int.h"

#define NEW_TITLE  "A new machine"
#define EDIT_TITLE "Edit the machine"
#define WIDTH      600

enum { DISK_NONE, DISK_NEW, DISK_FILE };
static const char *const form_disks[] = {"no disk", "a new disk", "a disk image that there is",
                                         NULL};
static const char *const boots[] = {"disk, then CD", "CD, then disk", NULL};
static const char *const boot_values[] = {"cd", "dc"};

/* The lists of the file's keys, and its own names for their values. */
static const char *const *choices(const char *section, const char *key)
{
    return machine_key(section, key)->choices;
}

static unsigned choice_of(const char *const *words, const char *value)
{
    for (unsigned n = 0; words[n]; n++) {
        if (!strcmp(words[n], value))
            return n;
    }
    return 0;
}

/* ---- from a file to the fields ---- */

static bool is_on(const struct machine_file *f, const char *section, const char *key)
{
    return !strcmp(machine_file_get(f, section, key), "on");
}

static void copy(char *to, size_t size, const struct machine_file *f, const char *section,
                 const char *key)
{
    g_strlcpy(to, machine_file_get(f, section, key), size);
}

static void fill(struct machine_form *form, const struct machine_file *f)
{
    copy(form->memory, sizeof(form->memory), f, "machine", "memory");
    copy(form->cpus, sizeof(form->cpus), f, "machine", "cpus");
    copy(form->disk_file, sizeof(form->disk_file), f, "disk", "file");
    copy(form->cd_file, sizeof(form->cd_file), f, "cd", "file");
    copy(form->more, sizeof(form->more), f, "options", "more");
    form->cd_drive = is_on(f, "cd", "drive");
    form->boot = machine_file_get(f, "machine", "boot")[0] == 'd';
    form->interface =
        choice_of(choices("disk", "interface"), machine_file_get(f, "disk", "interface"));
    form->model = choice_of(choices("network", "model"), machine_file_get(f, "network", "model"));
    copy(form->forwards, sizeof(form->forwards), f, "network", "hostfwd");
    form->network = choice_of(choices("network", "mode"), machine_file_get(f, "network", "mode"));
    form->sound = choice_of(choices("sound", "card"), machine_file_get(f, "sound", "card"));
    form->layout = choice_of(keyboard_layout_names, machine_file_get(f, "keyboard", "layout"));
    form->fullscreen = is_on(f, "display", "fullscreen");
    form->smooth = is_on(f, "display", "smooth");
    form->disk = *form->disk_file ? DISK_FILE : DISK_NONE;
    g_strlcpy(form->disk_size, "8G", sizeof(form->disk_size));
}

void library_form_clear(struct library_window *w)
{
    file_dialog_clear(&w->form.files);
    g_free(w->form.error);
    memset(&w->form, 0, sizeof(w->form));
}

void library_form_open(struct library_window *w, const struct library_machine *m)
{
    struct machine_form *form = &w->form;
    struct machine_file *fresh = machine_file_new("");

    library_form_clear(w);
    form->opening = true;
    form->editing = m != NULL;
    fill(form, m ? m->file : fresh);
    if (m) {
        g_strlcpy(form->original, m->name, sizeof(form->original));
        g_strlcpy(form->name, m->name, sizeof(form->name));
    } else {
        g_strlcpy(form->memory, "512M", sizeof(form->memory));
        form->disk = DISK_NEW;
        form->network = choice_of(choices("network", "mode"), "user");
    }
    machine_file_free(fresh);
}

/* ---- and back ---- */

static void set_flag(struct machine_file *f, const char *section, const char *key, bool on)
{
    machine_file_set(f, section, key, on ? "on" : "off");
}

static void take(const struct machine_form *form, struct machine_file *f)
{
    machine_file_set(f, "machine", "memory", form->memory);
    machine_file_set(f, "machine", "cpus", form->cpus);
    /* an order that only a hand can write stays while it begins with the same */
    if ((machine_file_get(f, "machine", "boot")[0] == 'd') != (form->boot == 1))
        machine_file_set(f, "machine", "boot", boot_values[form->boot]);
    machine_file_set(f, "disk", "file", form->disk == DISK_FILE ? form->disk_file : "");
    set_flag(f, "cd", "drive", form->cd_drive);
    machine_file_set(f, "cd", "file", form->cd_drive ? form->cd_file : "");
    machine_file_set(f, "network", "mode", choices("network", "mode")[form->network]);
    machine_file_set(f, "network", "model", choices("network", "model")[form->model]);
    machine_file_set(f, "network", "hostfwd", form->forwards);
    machine_file_set(f, "disk", "interface", choices("disk", "interface")[form->interface]);
    machine_file_set(f, "sound", "card", choices("sound", "card")[form->sound]);
    machine_file_set(f, "keyboard", "layout", keyboard_layout_names[form->layout]);
    set_flag(f, "display", "fullscreen", form->fullscreen);
    set_flag(f, "display", "smooth", form->smooth);
    machine_file_set(f, "options", "more", form->more);
}

static uint64_t new_disk_bytes(const struct machine_form *form)
{
    uint64_t bytes = 0;

    if (form->disk == DISK_NEW)
        machine_size(form->disk_size, &bytes);
    return bytes;
}

/* A disk for a machine that had none: NAME.img, or with a number if that is taken. */
static bool add_disk(struct machine_file *f, uint64_t bytes, GError **err)
{
    bool ok = false;

    for (unsigned n = 1; n < 100 && !ok; n++) {
        g_autofree char *end = n > 1 ? g_strdup_printf("-%u.img", n) : g_strdup(".img");
        g_autofree char *path = machine_sibling(f->path, end), *base = g_path_get_basename(path);

        if (g_file_test(path, G_FILE_TEST_EXISTS))
            continue;
        if (!disk_image_create(path, bytes, err))
            return false;
        machine_file_set(f, "disk", "file", base);
        ok = true;
    }
    return ok;
}

/* True when it is done. */
static bool finish(struct library_window *w)
{
    struct machine_form *form = &w->form;
    g_autofree char *path = library_path(w->library->dir, form->name);
    struct machine_file *f = NULL;
    GError *err = NULL;
    bool ok;

    f = form->editing ? machine_file_load(path, &err) : machine_file_new(path);
    ok = f != NULL;
    if (ok)
        take(form, f);
    if (ok && form->editing)
        ok = (form->disk != DISK_NEW || add_disk(f, new_disk_bytes(form), &err)) &&
             machine_file_save(f, &err);
    else if (ok)
        ok = library_create(w->library, f, new_disk_bytes(form), &err);
    machine_file_free(f);
    g_clear_pointer(&form->error, g_free);
    if (!ok) {
        form->error = g_strdup(err->message);
        g_error_free(err);
        return false;
    }
    g_strlcpy(w->selected, form->name, sizeof(w->selected));
    library_refresh(w->library);
    return true;
}

/* ---- what is wrong with a field; NULL: nothing. g_free ---- */

static char *wrong_value(const char *section, const char *key, const char *value)
{
    char *why;

    machine_key_check(section, key, value, &why);
    return why;
}

static char *wrong_name(const struct library_window *w)
{
    char *why = NULL;

    if (!w->form.editing)
        library_name_free(w->library, w->form.name, &why);
    return why;
}

static char *wrong_size(const struct machine_form *form)
{
    uint64_t bytes;

    if (!machine_size(form->disk_size, &bytes))
        return g_strdup_printf("'%s' is not a size (a number, then M, G or T)", form->disk_size);
    if (bytes < DISK_IMAGE_MIN || bytes > DISK_IMAGE_MAX)
        return g_strdup("a disk has 1M to 64T");
    return NULL;
}

static char *wrong_file(const struct library_window *w, const char *name)
{
    g_autofree char *path = NULL;

    if (strstr(name, "://"))
        return NULL;
    path =
        g_path_is_absolute(name) ? g_strdup(name) : g_build_filename(w->library->dir, name, NULL);
    if (g_file_test(path, G_FILE_TEST_IS_DIR))
        return g_strdup("this is a directory");
    return g_file_test(path, G_FILE_TEST_EXISTS) ? NULL : g_strdup("there is no such file");
}

/* ---- the dialog ---- */

/* A field with what is wrong with it; true when nothing is. `why` is freed. */
static bool field(struct gui *g, const char *label, char *text, size_t size, const char *hint,
                  char *why)
{
    gui_field(g, label, text, size, hint, why);
    g_free(why);
    return !why;
}

static void browse(struct library_window *w, struct gui *g, const char *label, unsigned which,
                   const char *title, const char *path)
{
    gui_same_line(g, 0);
    if (!gui_button(g, label, true))
        return;
    w->form.browse = which;
    file_dialog_open(&w->form.files, title, g_path_is_absolute(path) ? path : "");
}

static bool draw_disk(struct library_window *w, struct gui *g)
{
    struct machine_form *form = &w->form;
    bool ok = true;

    gui_choice(g, "Disk", form_disks, &form->disk, true);
    if (form->disk == DISK_NEW)
        ok = field(g, "Its size", form->disk_size, sizeof(form->disk_size), "8G", wrong_size(form));
    if (form->disk == DISK_FILE) {
        char *why = wrong_file(w, form->disk_file);

        gui_field(g, "Image", form->disk_file, sizeof(form->disk_file), "a path", NULL);
        browse(w, g, "Browse...##disk", 0, "A disk image", form->disk_file);
        if (why)
            gui_paragraph(g, GUI_BAD, why);
        ok = !why;
        g_free(why);
    }
    if (form->disk != DISK_NONE) {
        gui_choice(g, "Disk interface", choices("disk", "interface"), &form->interface, true);
        gui_hint(g, "virtio is the quickest, for guests that have its drivers");
    }
    return ok;
}

static bool draw_cd(struct library_window *w, struct gui *g)
{
    struct machine_form *form = &w->form;
    char *why;
    bool ok;

    gui_check(g, "CD drive", &form->cd_drive);
    if (!form->cd_drive)
        return true;
    gui_field(g, "CD image", form->cd_file, sizeof(form->cd_file), "empty", NULL);
    browse(w, g, "Browse...##cd", 1, "A CD image", form->cd_file);
    why = *form->cd_file ? wrong_file(w, form->cd_file) : NULL;
    ok = !why;
    if (why)
        gui_paragraph(g, GUI_BAD, why);
    g_free(why);
    return ok;
}

static bool draw_network(struct library_window *w, struct gui *g)
{
    struct machine_form *form = &w->form;
    bool there = options_known("nic");

    gui_choice(g, "Network", choices("network", "mode"), &form->network, there);
    if (!there)
        gui_hint(g, "This build has no network");
    if (!there || !strcmp(choices("network", "mode")[form->network], "none"))
        return true;
    gui_choice(g, "Network card", choices("network", "model"), &form->model, true);
    return field(g, "Forwarded ports", form->forwards, sizeof(form->forwards),
                 "none; e.g. tcp:127.0.0.1:2222-:22",
                 wrong_value("network", "hostfwd", form->forwards));
}

static void draw_rest(struct library_window *w, struct gui *g)
{
    struct machine_form *form = &w->form;
    bool has_sound = options_known("audio");

    gui_choice(g, "Boots from", boots, &form->boot, true);
    gui_choice(g, "Sound card", choices("sound", "card"), &form->sound, has_sound);
    if (!has_sound)
        gui_hint(g, "This build has no sound cards");
    gui_choice(g, "Keyboard layout", keyboard_layout_names, &form->layout, true);
    gui_hint(g, "The guest's, for text that is pasted");
    gui_check(g, "Whole screen", &form->fullscreen);
    gui_same_line(g, 160);
    gui_check(g, "Scale smoothly", &form->smooth);
}

static bool draw_fields(struct library_window *w, struct gui *g)
{
    struct machine_form *form = &w->form;
    bool ok = true;

    if (form->editing) {
        gui_text(g, GUI_DIM, "%s", form->name);
    } else {
        gui_focus(g);
        ok &= field(g, "Name", form->name, sizeof(form->name), "e.g. Debian", wrong_name(w));
    }
    ok &= field(g, "Memory", form->memory, sizeof(form->memory), "512M",
                wrong_value("machine", "memory", form->memory));
    ok &= field(g, "Processors", form->cpus, sizeof(form->cpus), "1",
                wrong_value("machine", "cpus", form->cpus));
    ok &= draw_disk(w, g);
    ok &= draw_cd(w, g);
    ok &= draw_network(w, g);
    draw_rest(w, g);
    ok &= field(g, "More options", form->more, sizeof(form->more), "as on the command line",
                wrong_value("options", "more", form->more));
    return ok;
}

static void take_file(struct library_window *w)
{
    struct machine_form *form = &w->form;

    if (form->browse == 0)
        g_strlcpy(form->disk_file, form->files.path, sizeof(form->disk_file));
    else
        g_strlcpy(form->cd_file, form->files.path, sizeof(form->cd_file));
}

void library_form_draw(struct library_window *w)
{
    struct machine_form *form = &w->form;
    const char *title = form->editing ? EDIT_TITLE : NEW_TITLE;
    struct gui *g = w->gui;
    bool ok, done = false;

    if (form->opening)
        gui_dialog_open(g, title);
    form->opening = false;
    if (!gui_dialog_begin(g, title, WIDTH))
        return;
    ok = draw_fields(w, g);
    if (form->error)
        gui_paragraph(g, GUI_BAD, form->error);
    gui_gap(g);
    if (gui_button(g, form->editing ? "Save" : "Create", ok))
        done = finish(w);
    gui_same_line(g, 0);
    if (gui_button(g, "Cancel", true) || done || (!form->files.title && gui_escaped(g)))
        gui_dialog_close(g);
    if (file_dialog_draw(&form->files, g))
        take_file(w);
    gui_dialog_end(g);
}
