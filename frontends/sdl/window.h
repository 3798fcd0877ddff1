/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A window with a renderer: what the library's and a machine's have in common. Main thread. */
#ifndef FRONTENDS_SDL_WINDOW_H
#define FRONTENDS_SDL_WINDOW_H

#include <glib.h>
#include <SDL.h>
#include <stdbool.h>

/* Opens SDL's video and a window in it; `what` begins the error, which is one line when there is no
 * display. renderer_name: SDL's name of a renderer that is asked for, or NULL. */
bool window_open(const char *what, const char *title, int w, int h, const char *renderer_name,
                 SDL_Window **window, SDL_Renderer **renderer, GError **err);

/* Either may be NULL. Closes SDL's video, too. */
void window_close(SDL_Window *window, SDL_Renderer *renderer);

#endif
