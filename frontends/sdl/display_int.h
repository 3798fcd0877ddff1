/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of a machine's window share. All of it is the main thread's. */
#ifndef FRONTENDS_SDL_DISPLAY_INT_H
#define FRONTENDS_SDL_DISPLAY_INT_H

#include <SDL.h>

#include "frontends/sdl/file_dialog.h"
#include "frontends/sdl/gui.h"
#include "frontends/sdl/input.h"
#include "frontends/sdl/meters.h"
#include "frontends/sdl/screen.h"
#include "frontends/sdl/sdl_display.h"

struct sdl_display {
    struct sdl_display_config cfg;
    char *name, *picture;
    SDL_Window *window;
    SDL_Renderer *renderer;
    struct gui *gui;
    struct screen screen;
    struct vga_view *view;
    struct input *input;
    struct meters meters;
    guint source;
    unsigned ticks;
    bool grabbed, fullscreen, exposed, hidden;
    bool paused, quitting;
    bool new_picture;    /* the screen changed since it was last written to `picture` */
    gint64 pictured;     /* when that was */
    unsigned buttons;    /* INPUT_* held while grabbed, or over the screen */
    bool absolute;       /* the guest is told places: no grab is needed (input_router_absolute) */
    SDL_Scancode hotkey; /* one of ours that is down: its release is not the guest's either */
    SDL_Rect shown;      /* where the screen is, in the renderer's pixels */
    const char *layout;
    bool statistics, ask_quit;
    char *notice; /* in the status bar for a while */
    bool notice_bad;
    gint64 notice_until;
    unsigned drive; /* whose CD is being changed */
    struct file_dialog files;
};

/* sdl_display.c */
void display_grab(struct sdl_display *d, bool on);
void display_fullscreen(struct sdl_display *d, bool on);
void display_scale(struct sdl_display *d, int factor); /* the window's size, by the screen's */
void display_notice(struct sdl_display *d, bool bad, const char *text);
/* The bars are there: not over a guest that has the whole screen to itself. */
bool display_bars(const struct sdl_display *d);

/* Ungrabbed, at this point of the window what the pointer does is the guest's. */
bool display_pointer_is_guests(const struct sdl_display *d, int x, int y);

/* display_menu.c: the menu bar and the dialogs behind it. */
void display_menus(struct sdl_display *d);
void display_dialogs(struct sdl_display *d);

/* display_status.c: the bar at the bottom, the plots. */
void display_status(struct sdl_display *d, float y, float w, float h);
void display_statistics(struct sdl_display *d);

#endif
