/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What runs now, on a terminal: lines at the bottom that are drawn anew. */
#ifndef FRONTENDS_HEADLESS_PROGRESS_H
#define FRONTENDS_HEADLESS_PROGRESS_H

#include <glib.h>

struct progress {
    int fd;         /* a terminal, or -1: nothing is drawn */
    unsigned lines; /* that stand there now */
};

/* fd is used if it is a terminal that can be drawn on. */
void progress_init(struct progress *p, int fd);

/* Takes away what stands there, so that other lines can be printed. */
void progress_clear(struct progress *p);

/* Draws these lines in its place, cut to the terminal's width. */
void progress_draw(struct progress *p, const GPtrArray *lines);

#endif
