/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's picture in a part of the window: a streaming texture to which only the lines go that
 * were drawn anew, shown by whole factors, sharp, or as large as there is room, smoothly.
 */
#ifndef FRONTENDS_SDL_SCREEN_H
#define FRONTENDS_SDL_SCREEN_H

#include <SDL.h>
#include <stdbool.h>

#include "devices/display/vga_view.h"

struct screen {
    SDL_Renderer *renderer;
    SDL_Texture *texture; /* as large as the picture, which it shows; NULL: not made yet */
    int w, h;
    bool stale;              /* all of the texture is to be uploaded */
    bool smooth;             /* any factor, not whole ones */
    uint64_t lines_uploaded; /* so far */
};

/* Takes what the view drew in its last refresh; true when the picture has another size than before.
 */
bool screen_update(struct screen *s, struct vga_view *view);

/* Draws it into `room` (of the renderer's pixels), and says where it came to be. */
SDL_Rect screen_draw(const struct screen *s, SDL_Rect room);

/* The guest's pixel that is shown at `at`, or the nearest one, as a place of 0 to `max` (at least
 * the picture's size) across and down, such that a guest which spreads 0..max over its pixels, or
 * 0..max+1 over their edges, comes to that pixel. */
SDL_Point screen_point(const struct screen *s, SDL_Rect shown, SDL_Point at, int max);

/* The texture is gone, or its content. */
void screen_lost(struct screen *s);

/* Where a picture of w x h goes in a room: centred; by the largest whole factor, in proportion
 * where the room is too small for it, or always so when it is to be smooth. */
SDL_Rect screen_place(SDL_Rect room, int w, int h, bool smooth);

#endif
