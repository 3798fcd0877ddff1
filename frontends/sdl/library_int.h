/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the library's window share. Main thread, but where it says otherwise. */
#ifndef FRONTENDS_SDL_LIBRARY_INT_H
#define FRONTENDS_SDL_LIBRARY_INT_H

#include <glib.h>
#include <SDL.h>

#include "frontends/library/library.h"
#include "frontends/sdl/file_dialog.h"
#include "frontends/sdl/gui.h"

/* The fields of a machine that is made or edited. */
struct machine_form {
    bool opening;
    bool editing;       /* a machine that is there; its name stays */
    char original[256]; /* its name */
    char name[128], memory[32], cpus[16];
    unsigned disk; /* of form_disks: none, a new one, an image that is there */
    char disk_size[32], disk_file[4096];
    bool cd_drive;
    char cd_file[4096];
    /* in the lists of library_form.c and of the file's keys */
    unsigned boot, interface, network, model, sound, layout;
    char forwards[256];
    bool fullscreen, smooth;
    char more[1024];
    char *error;     /* what went wrong at the end */
    unsigned browse; /* which field the file dialog is for */
    struct file_dialog files;
};

/* A copy that is being made by a thread of its own. */
struct copy_job {
    GThread *thread;
    char *dir, *name;
    struct machine_file *from;
    _Atomic uint64_t done;
    _Atomic bool stop, ended;
    GError *err; /* the thread's, until it has ended */
};

struct library_window {
    SDL_Window *window;
    SDL_Renderer *renderer;
    struct gui *gui;
    GMainLoop *loop;
    struct library *library;
    char *program;
    GHashTable *pictures; /* of names to struct library_picture */
    char selected[256];   /* the machine that is chosen; "" for none */
    struct machine_form form;
    struct copy_job *copy;
    char copy_name[128];
    bool ask_delete, delete_images, ask_copy, exposed, refreshed;
    char *notice;
    bool notice_bad;
    gint64 refreshed_at;
};

/* library_window.c */
void library_notice(struct library_window *w, bool bad, const char *text);

/* library_start.c: the process of a machine. */
void library_start(struct library_window *w, const struct library_machine *m);

/* library_form.c: the dialog to make or edit a machine (m NULL: to make one). */
void library_form_open(struct library_window *w, const struct library_machine *m);
void library_form_draw(struct library_window *w);
void library_form_clear(struct library_window *w);

/* library_dialogs.c: those that ask before a machine is removed or copied. */
void library_dialogs_draw(struct library_window *w);
/* True while a copy goes on. */
bool library_copying(struct library_window *w);
void library_stop_copying(struct library_window *w);

#endif
