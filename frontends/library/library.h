/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machines of a person: the files NAME.ini of one directory, with what belongs to each beside
 * it: NAME.png (its last screen), NAME.img (a disk that was made for it), NAME.state (who runs it)
 * and NAME.log (what it said last). No windows here; one thread.
 */
#ifndef FRONTENDS_LIBRARY_LIBRARY_H
#define FRONTENDS_LIBRARY_LIBRARY_H

#include <glib.h>
#include <stdbool.h>

#include "frontends/library/machine_file.h"
#include "frontends/library/machine_state.h"

struct library_machine {
    char *name, *path;         /* of NAME.ini */
    struct machine_file *file; /* NULL when it cannot be read: then */
    char *error;               /* is what is wrong with it, "PATH:LINE: …" */
    enum machine_state state;
    int pid;         /* of who runs it */
    char *picture;   /* NAME.png, which need not be there */
    gint64 pictured; /* when it was written (microseconds); 0: there is none */
    gint64 changed;  /* when the file was */
    char *said;      /* the last line that the last run wrote, if it ended badly; NULL */
};

struct library {
    char *dir;
    GPtrArray *machines; /* of struct library_machine, by name */
};

/* $XDG_DATA_HOME/penumbra/machines, or ~/.local/share/penumbra/machines. g_free. */
char *library_default_dir(void);

/* The library in dir, which is made if need be. NULL with an error. */
struct library *library_open(const char *dir, GError **err);
void library_free(struct library *l); /* NULL: no effect */

/* Looks at the directory; true when anything is other than before. Machines that are still there
 * stay the same objects. */
bool library_refresh(struct library *l);

/* NULL: there is none. */
struct library_machine *library_find(const struct library *l, const char *name);

/* The path that NAME.ini has or would have in directory dir; g_free. */
char *library_path(const char *dir, const char *name);

/* May a new machine be called so? Else *why (g_free). */
bool library_name_free(const struct library *l, const char *name, char **why);

/* Writes a new machine; with disk_bytes also the image NAME.img, as its first disk. False with an
 * error, and nothing made. */
bool library_create(struct library *l, struct machine_file *f, uint64_t disk_bytes, GError **err);

/* A copy named `name` of machine m, with copies of the images that lie in the library. May take
 * long: for another thread than the library's, which refreshes later; reads only `dir` and m's
 * file. done and stop as of disk_image_copy. */
bool library_duplicate(const char *dir, const struct machine_file *from, const char *name,
                       _Atomic uint64_t *done, _Atomic bool *stop, GError **err);

/* Removes the machine, with what belongs to it, and with those images of its disks that lie in the
 * library if `images`. Not one that runs. False with an error. */
bool library_delete(struct library *l, struct library_machine *m, bool images, GError **err);

/* The images of disks in the library's directory itself, NULL at the end; g_strfreev. */
char **library_images(const struct machine_file *f, const char *dir);

#endif
