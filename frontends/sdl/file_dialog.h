/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A dialog that asks for a file: directories to walk, or a path typed. */
#ifndef FRONTENDS_SDL_FILE_DIALOG_H
#define FRONTENDS_SDL_FILE_DIALOG_H

#include <glib.h>
#include <stdbool.h>

#include "frontends/sdl/gui.h"

struct file_dialog {
    const char *title;
    char dir[4096];
    char path[4096];  /* the field's; the result */
    GPtrArray *names; /* of the directory's entries: directories end with a slash */
    char *error;      /* why there are none; NULL */
    char *chosen;     /* the row that was clicked; NULL */
    bool opening;     /* to be opened in the next frame */
};

/* Where it begins: the directory of `path`, or the person's own if that is "". */
void file_dialog_open(struct file_dialog *d, const char *title, const char *path);

/* In every frame, where the dialog that it belongs to is drawn. True when a file was chosen: its
 * path is in d->path. */
bool file_dialog_draw(struct file_dialog *d, struct gui *g);

void file_dialog_clear(struct file_dialog *d);

#endif
