/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `-display text`: the guest's VGA text screen painted on a terminal, in colour and with its
 * cursor, about ten times a second and only where it changed. Output only. Runs from a timeout
 * source of the default GLib main context.
 */
#ifndef FRONTENDS_CLI_TEXT_VIEW_H
#define FRONTENDS_CLI_TEXT_VIEW_H

#include <glib.h>

#include "devices/display/vga.h"

struct text_view;

struct text_view_config {
    struct vga *vga; /* outlives the view */
    int fd;          /* the terminal; stays the caller's */
    void *opaque;
    void (*lock)(void *opaque); /* the device lock; called on the main thread */
    void (*unlock)(void *opaque);
};

/* Takes the terminal over (alternate screen) and begins to paint. NULL with an error when fd is not
 * a terminal. */
struct text_view *text_view_new(const struct text_view_config *cfg, GError **err);

/* Paints what changed since the last time; the timeout calls it, and so may whoever wants the
 * screen up to date at once. Main thread, without the device lock. */
void text_view_update(struct text_view *v);

/* Gives the terminal back as it was; NULL is fine. */
void text_view_free(struct text_view *v);

#endif
