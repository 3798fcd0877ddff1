/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `-display sdl`: a machine in a window, with its menus and its status (docs/desktop.md). Lives on
 * the thread that runs the default GLib main loop, from a timeout source; takes the device lock
 * only while it draws the screen into its own memory or hands over input, and waits for it for no
 * longer than a person would not notice.
 *
 * Keys of the window's own: Ctrl+Alt+G grabs or releases keyboard and mouse, Ctrl+Alt+F goes full
 * screen and back; a click grabs, too.
 */
#ifndef FRONTENDS_SDL_SDL_DISPLAY_H
#define FRONTENDS_SDL_SDL_DISPLAY_H

#include <glib.h>
#include <stdbool.h>

#include "base/lock.h"
#include "machine/machine.h"

struct sdl_display;
struct machine_state_lock;

struct sdl_display_config {
    struct machine *machine;          /* not started yet; outlives the display */
    struct lock *lock;                /* the device lock */
    const char *name;                 /* of the machine, for the title; copied */
    const char *renderer;             /* SDL's name of one that is asked for, or NULL */
    const char *layout;               /* the guest's keyboard; NULL: us */
    const char *picture;              /* the PNG that is to show its last screen, or NULL; copied */
    struct machine_state_lock *state; /* tells the library when it is paused; or NULL */
    bool fullscreen, smooth;          /* start so */
    bool no_close;                    /* closing the window does nothing */
};

/* Opens the window and starts to serve it from the default main context. NULL with an error when
 * there is no display to open it on. */
struct sdl_display *sdl_display_new(const struct sdl_display_config *cfg, GError **err);

/* Closes the window; NULL is fine. */
void sdl_display_free(struct sdl_display *d);

#endif
