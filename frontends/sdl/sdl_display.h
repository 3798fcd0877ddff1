/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `-display sdl`: the guest's screen in a window, its keyboard and mouse from it. Lives on the
 * thread that runs the default GLib main loop, from a timeout source; takes the device lock only
 * while it draws the screen into its own memory.
 *
 * Keys of the window's own: Ctrl+Alt+G grabs or releases the mouse, Ctrl+Alt+F goes full screen and
 * back; a click grabs, too.
 */
#ifndef FRONTENDS_SDL_SDL_DISPLAY_H
#define FRONTENDS_SDL_SDL_DISPLAY_H

#include <glib.h>
#include <stdbool.h>

#include "devices/display/vga.h"
#include "devices/input/keys.h"

struct sdl_display;

/* The callbacks run on the main thread WITHOUT the device lock: they take it themselves. Each gets
 * `opaque`; any but lock and unlock may be NULL. */
struct sdl_display_config {
    const char *name; /* of the machine, for the title; copied */
    struct vga *vga;  /* outlives the display */
    void *opaque;
    void (*lock)(void *opaque); /* the device lock */
    void (*unlock)(void *opaque);
    void (*key)(void *opaque, enum pkey key, bool down);
    /* Every key that is down comes up: the window lost the focus, or a key of ours was pressed. */
    void (*release_keys)(void *opaque);
    /* Relative movement in pixels (right, down), wheel detents (positive: away from the user), and
     * the buttons now held (PS2_MOUSE_* of devices/input/ps2_mouse.h). Only while grabbed. */
    void (*mouse)(void *opaque, int dx, int dy, int wheel, unsigned buttons);
    /* The user closes the window. The window stays until sdl_display_free(). */
    void (*quit)(void *opaque);
    bool fullscreen; /* start so */
};

/* Opens the window and starts to serve it from the default main context. NULL with an error when
 * there is no display to open it on. */
struct sdl_display *sdl_display_new(const struct sdl_display_config *cfg, GError **err);

/* Closes the window; NULL is fine. */
void sdl_display_free(struct sdl_display *d);

#endif
