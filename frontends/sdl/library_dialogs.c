/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Removing a machine, which asks first, and copying one, which may take its time. */
#include <stdatomic.h>
#include <string.h>

#include "frontends/sdl/library_int.h"

#define DELETE_TITLE "Delete the machine?"
#define COPY_TITLE   "Duplicate the machine"

/* ---- a copy ---- */

static gpointer copy_thread(gpointer opaque)
{
    struct copy_job *job = opaque;

    library_duplicate(job->dir, job->from, job->name, &job->done, &job->stop, &job->err);
    atomic_store(&job->ended, true);
    return NULL;
}

static void start_copy(struct library_window *w, const struct library_machine *m)
{
    struct copy_job *job = g_new0(struct copy_job, 1);

    job->dir = g_strdup(w->library->dir);
    job->name = g_strdup(w->copy_name);
    job->from = machine_file_load(m->path, NULL);
    if (!job->from) { /* it has gone meanwhile */
        g_free(job->dir);
        g_free(job->name);
        g_free(job);
        return;
    }
    w->copy = job;
    job->thread = g_thread_new("copy", copy_thread, job);
}

static void end_copy(struct library_window *w)
{
    struct copy_job *job = g_steal_pointer(&w->copy);

    g_thread_join(job->thread);
    if (job->err)
        library_notice(w, true, job->err->message);
    else
        g_strlcpy(w->selected, job->name, sizeof(w->selected));
    g_clear_error(&job->err);
    machine_file_free(job->from);
    g_free(job->dir);
    g_free(job->name);
    g_free(job);
    library_refresh(w->library);
}

bool library_copying(struct library_window *w)
{
    if (w->copy && atomic_load(&w->copy->ended))
        end_copy(w);
    return w->copy != NULL;
}

void library_stop_copying(struct library_window *w)
{
    if (!w->copy)
        return;
    atomic_store(&w->copy->stop, true);
    end_copy(w);
}

/* ---- the dialogs ---- */

static void copy_dialog(struct library_window *w, const struct library_machine *m)
{
    struct gui *g = w->gui;
    char *why = NULL;
    bool ok;

    if (w->ask_copy) {
        g_snprintf(w->copy_name, sizeof(w->copy_name), "%.100s copy", m ? m->name : "");
        gui_dialog_open(g, COPY_TITLE);
    }
    w->ask_copy = false;
    if (!gui_dialog_begin(g, COPY_TITLE, 420))
        return;
    gui_paragraph(g, GUI_NORMAL, "The copy gets copies of the disks that lie in the library.");
    ok = m && library_name_free(w->library, w->copy_name, &why);
    gui_focus(g);
    gui_field(g, "Name of the copy", w->copy_name, sizeof(w->copy_name), "", why);
    if (m && m->state != MACHINE_OFF) {
        gui_paragraph(g, GUI_BAD, "It is running: what its disks hold now would not fit together.");
        ok = false;
    }
    if (gui_button(g, "Duplicate##now", ok) && ok) {
        start_copy(w, m);
        gui_dialog_close(g);
    }
    gui_same_line(g, 0);
    if (gui_button(g, "Cancel##copy", true) || gui_escaped(g) || !m)
        gui_dialog_close(g);
    gui_dialog_end(g);
    g_free(why);
}

static void list_images(struct library_window *w, const struct library_machine *m)
{
    g_auto(GStrv) images = m->file ? library_images(m->file, w->library->dir) : NULL;
    struct gui *g = w->gui;

    if (!images || !images[0]) {
        w->delete_images = false;
        return;
    }
    gui_check(g, "and its disks, with all that is on them:", &w->delete_images);
    for (unsigned n = 0; images[n]; n++)
        gui_text(g, GUI_DIM, "    %s", images[n]);
}

static void delete_dialog(struct library_window *w, struct library_machine *m)
{
    struct gui *g = w->gui;
    bool done = false;

    if (w->ask_delete) {
        w->delete_images = false;
        gui_dialog_open(g, DELETE_TITLE);
    }
    w->ask_delete = false;
    if (!gui_dialog_begin(g, DELETE_TITLE, 520))
        return;
    if (m) {
        g_autofree char *text = g_strdup_printf("'%s' is taken out of the library.", m->name);

        gui_paragraph(g, GUI_NORMAL, text);
        list_images(w, m);
    }
    gui_gap(g);
    gui_focus(g);
    if (gui_button(g, "Keep it", true) || gui_escaped(g) || !m)
        done = true;
    gui_same_line(g, 0);
    if (m && gui_button(g, "Delete it", m->state == MACHINE_OFF)) {
        GError *err = NULL;

        if (!library_delete(w->library, m, w->delete_images, &err)) {
            library_notice(w, true, err->message);
            g_error_free(err);
        }
        *w->selected = 0;
        done = true;
    }
    if (done)
        gui_dialog_close(g);
    gui_dialog_end(g);
}

void library_dialogs_draw(struct library_window *w)
{
    copy_dialog(w, library_find(w->library, w->selected));
    delete_dialog(w, library_find(w->library, w->selected));
}
