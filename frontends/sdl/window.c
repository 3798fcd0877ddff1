/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See window.h. */
#include "frontends/sdl/window.h"

#include "base/error.h"

static bool fail(GError **err, const char *who, const char *what)
{
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_HOST, "%s: %s: %s", who, what, SDL_GetError());
    return false;
}

/* Which of SDL's drivers to try: those of the displays that the environment names. Left to itself
 * SDL goes on to drivers that show nothing to anybody. A person who sets SDL_VIDEODRIVER knows
 * better. */
static bool choose_driver(const char *who, GError **err)
{
    const char *x11 = g_getenv("DISPLAY"), *wayland = g_getenv("WAYLAND_DISPLAY");
    bool has_x11 = x11 && *x11, has_wayland = wayland && *wayland;
    const char *asked = g_getenv("SDL_VIDEODRIVER");

    if (asked && *asked)
        return true;
    if (!has_x11 && !has_wayland) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_HOST,
                    "%s: no display: neither DISPLAY nor WAYLAND_DISPLAY is set", who);
        return false;
    }
    SDL_SetHint(SDL_HINT_VIDEODRIVER, !has_wayland ? "x11" : !has_x11 ? "wayland" : "x11,wayland");
    return true;
}

bool window_open(const char *what, const char *title, int w, int h, const char *renderer_name,
                 SDL_Window **window, SDL_Renderer **renderer, GError **err)
{
    *window = NULL;
    *renderer = NULL;
    /* Ctrl+C in the terminal stays the program's, and the desktop's screen saver its own. */
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
    SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
    /* a click that gives the window the focus is also heard */
    SDL_SetHint(SDL_HINT_MOUSE_FOCUS_CLICKTHROUGH, "1");
    SDL_SetHint(SDL_HINT_QUIT_ON_LAST_WINDOW_CLOSE, "1");
    if (renderer_name)
        SDL_SetHint(SDL_HINT_RENDER_DRIVER, renderer_name);
    if (!choose_driver(what, err))
        return false;
    if (SDL_InitSubSystem(SDL_INIT_VIDEO) < 0)
        return fail(err, what, "no display");
    *window = SDL_CreateWindow(title, SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED, w, h,
                               SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI);
    if (*window)
        *renderer = SDL_CreateRenderer(*window, -1, 0);
    if (*window && !*renderer && !renderer_name)
        *renderer = SDL_CreateRenderer(*window, -1, SDL_RENDERER_SOFTWARE);
    if (*renderer)
        return true;
    fail(err, what, *window ? "cannot draw in the window" : "cannot open a window");
    window_close(*window, NULL);
    return false;
}

void window_close(SDL_Window *window, SDL_Renderer *renderer)
{
    if (renderer)
        SDL_DestroyRenderer(renderer);
    if (window)
        SDL_DestroyWindow(window);
    SDL_QuitSubSystem(SDL_INIT_VIDEO);
}
