/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The window: see sdl_display.h. Every tick of the timeout handles what SDL has queued; every other
 * one brings the picture of the screen up to date and uploads the lines that were drawn anew to a
 * streaming texture. The picture is scaled by whole numbers as long as the window is large enough
 * for it.
 */
#include "frontends/sdl/sdl_display.h"

#include "base/error.h"
#include "devices/display/vga_view.h"
#include "devices/input/ps2_mouse.h"
#include "frontends/sdl/sdl_keys.h"

#include <SDL.h>
#include <string.h>

#define TICK_MS       16
#define TICKS_A_FRAME 2
/* Modifiers of the window's own keys. */
#define HOT_MODS(mod) (((mod)&KMOD_CTRL) && ((mod)&KMOD_ALT) && !((mod)&KMOD_SHIFT))

struct sdl_display {
    struct sdl_display_config cfg;
    char *name;
    SDL_Window *window;
    SDL_Renderer *renderer;
    SDL_Texture *texture; /* as large as the view's picture, which it shows */
    int texture_w, texture_h;
    struct vga_view *view;
    guint source;
    unsigned ticks;
    bool grabbed, fullscreen, exposed, hidden, quitting;
    unsigned buttons;    /* PS2_MOUSE_* held while grabbed */
    SDL_Scancode hotkey; /* one of ours that is down: its release is not the guest's either */
};

static bool fail(GError **err, const char *what)
{
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_HOST, "-display sdl: %s: %s", what,
                SDL_GetError());
    return false;
}

static void set_title(struct sdl_display *d)
{
    char *title =
        g_strdup_printf("%s%s (%s)", d->name, strcmp(d->name, "Penumbra") ? " - Penumbra" : "",
                        d->grabbed ? "Ctrl+Alt+G releases the mouse" : "click to use the mouse");

    SDL_SetWindowTitle(d->window, title);
    g_free(title);
}

static void set_grab(struct sdl_display *d, bool on)
{
    if (d->grabbed == on)
        return;
    if (!on && d->buttons && d->cfg.mouse)
        d->cfg.mouse(d->cfg.opaque, 0, 0, 0, 0);
    d->grabbed = on;
    d->buttons = 0;
    SDL_SetRelativeMouseMode(on ? SDL_TRUE : SDL_FALSE);
    SDL_SetWindowKeyboardGrab(d->window, on ? SDL_TRUE : SDL_FALSE);
    set_title(d);
}

static void set_fullscreen(struct sdl_display *d, bool on)
{
    if (SDL_SetWindowFullscreen(d->window, on ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0) < 0)
        return;
    d->fullscreen = on;
    d->exposed = true;
}

static void release_keys(struct sdl_display *d)
{
    if (d->cfg.release_keys)
        d->cfg.release_keys(d->cfg.opaque);
}

/* --- input --- */

/* Keys of the window itself; true when this was one. */
static bool hot_key(struct sdl_display *d, const SDL_KeyboardEvent *e)
{
    SDL_Scancode code = e->keysym.scancode;

    if (e->type == SDL_KEYUP) {
        if (code != d->hotkey)
            return false;
        d->hotkey = SDL_SCANCODE_UNKNOWN;
        return true;
    }
    if (!HOT_MODS(e->keysym.mod) || (code != SDL_SCANCODE_G && code != SDL_SCANCODE_F))
        return false;
    if (e->repeat)
        return true;
    /* the guest saw Ctrl and Alt go down; it is not to keep them */
    release_keys(d);
    d->hotkey = code;
    if (code == SDL_SCANCODE_G)
        set_grab(d, !d->grabbed);
    else
        set_fullscreen(d, !d->fullscreen);
    return true;
}

static void key_event(struct sdl_display *d, const SDL_KeyboardEvent *e)
{
    enum pkey key;

    if (hot_key(d, e) || e->repeat)
        return;
    key = sdl_key(e->keysym.scancode);
    if (key != PKEY_NONE && d->cfg.key)
        d->cfg.key(d->cfg.opaque, key, e->type == SDL_KEYDOWN);
}

static unsigned button_bit(uint8_t button)
{
    switch (button) {
    case SDL_BUTTON_LEFT: return PS2_MOUSE_LEFT;
    case SDL_BUTTON_RIGHT: return PS2_MOUSE_RIGHT;
    case SDL_BUTTON_MIDDLE: return PS2_MOUSE_MIDDLE;
    case SDL_BUTTON_X1: return PS2_MOUSE_SIDE;
    case SDL_BUTTON_X2: return PS2_MOUSE_EXTRA;
    default: return 0;
    }
}

static void send_mouse(struct sdl_display *d, int dx, int dy, int wheel)
{
    if (d->cfg.mouse)
        d->cfg.mouse(d->cfg.opaque, dx, dy, wheel, d->buttons);
}

static void button_event(struct sdl_display *d, const SDL_MouseButtonEvent *e)
{
    unsigned bit = button_bit(e->button);

    if (!d->grabbed) {
        /* the click that grabs is not the guest's */
        if (e->type == SDL_MOUSEBUTTONDOWN && e->button == SDL_BUTTON_LEFT)
            set_grab(d, true);
        return;
    }
    if (e->type == SDL_MOUSEBUTTONDOWN)
        d->buttons |= bit;
    else if (!(d->buttons & bit))
        return; /* released here, but pressed before the grab */
    else
        d->buttons &= ~bit;
    send_mouse(d, 0, 0, 0);
}

static void window_event(struct sdl_display *d, const SDL_WindowEvent *e)
{
    switch (e->event) {
    case SDL_WINDOWEVENT_EXPOSED:
    case SDL_WINDOWEVENT_SIZE_CHANGED: d->exposed = true; break;
    case SDL_WINDOWEVENT_MINIMIZED:
    case SDL_WINDOWEVENT_HIDDEN: d->hidden = true; break;
    case SDL_WINDOWEVENT_RESTORED:
    case SDL_WINDOWEVENT_MAXIMIZED:
    case SDL_WINDOWEVENT_SHOWN:
        d->hidden = false;
        d->exposed = true;
        break;
    case SDL_WINDOWEVENT_FOCUS_LOST:
        release_keys(d);
        d->hotkey = SDL_SCANCODE_UNKNOWN;
        set_grab(d, false);
        break;
    default: break;
    }
}

static void handle_event(struct sdl_display *d, const SDL_Event *e)
{
    switch (e->type) {
    case SDL_KEYDOWN:
    case SDL_KEYUP: key_event(d, &e->key); break;
    case SDL_MOUSEMOTION:
        if (d->grabbed)
            send_mouse(d, e->motion.xrel, e->motion.yrel, 0);
        break;
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP: button_event(d, &e->button); break;
    case SDL_MOUSEWHEEL:
        if (d->grabbed && e->wheel.y)
            send_mouse(d, 0, 0,
                       e->wheel.direction == SDL_MOUSEWHEEL_FLIPPED ? -e->wheel.y : e->wheel.y);
        break;
    case SDL_WINDOWEVENT: window_event(d, &e->window); break;
    case SDL_RENDER_TARGETS_RESET:
    case SDL_RENDER_DEVICE_RESET:
        /* the driver lost our pixels */
        if (d->texture)
            SDL_DestroyTexture(d->texture);
        d->texture = NULL;
        d->exposed = true;
        break;
    case SDL_QUIT:
        set_grab(d, false);
        if (!d->quitting && d->cfg.quit)
            d->cfg.quit(d->cfg.opaque);
        d->quitting = true;
        break;
    default: break;
    }
}

/* --- output --- */

/* The largest whole factor at which w x h fits into the window, 0 when even once is too large. */
static int whole_scale(int win_w, int win_h, int w, int h)
{
    int sx = win_w / w, sy = win_h / h;

    return sx < sy ? sx : sy;
}

/* Centred; by a whole factor, or shrunk in proportion where the window is too small. */
static SDL_Rect place(int win_w, int win_h, int w, int h)
{
    int n = whole_scale(win_w, win_h, w, h);
    SDL_Rect r = {.w = w * n, .h = h * n};

    if (n < 1 && (int64_t)win_w * h < (int64_t)win_h * w) {
        r.w = win_w;
        r.h = (int)((int64_t)h * win_w / w);
    } else if (n < 1) {
        r.w = (int)((int64_t)w * win_h / h);
        r.h = win_h;
    }
    r.x = (win_w - r.w) / 2;
    r.y = (win_h - r.h) / 2;
    return r;
}

/* After a change of mode a window that floats freely becomes as large as the screen, at the factor
 * it had, within what the desktop has room for. */
static void fit_window(struct sdl_display *d, int old_w, int old_h, int w, int h)
{
    SDL_Rect room;
    int win_w, win_h, n = 1;

    if (SDL_GetWindowFlags(d->window) & (SDL_WINDOW_FULLSCREEN | SDL_WINDOW_MAXIMIZED))
        return;
    SDL_GetWindowSize(d->window, &win_w, &win_h);
    if (old_w)
        n = whole_scale(win_w, win_h, old_w, old_h);
    if (n < 1)
        n = 1;
    if (SDL_GetDisplayUsableBounds(SDL_GetWindowDisplayIndex(d->window), &room) == 0) {
        while (n > 1 && (w * n > room.w || h * n > room.h))
            n--;
        if (w > room.w || h > room.h) {
            SDL_Rect r = place(room.w, room.h, w, h);

            SDL_SetWindowSize(d->window, r.w, r.h);
            return;
        }
    }
    SDL_SetWindowSize(d->window, w * n, h * n);
}

static bool fit_texture(struct sdl_display *d, const struct vga_surface *picture)
{
    int w = (int)picture->width, h = (int)picture->height;

    if (d->texture && d->texture_w == w && d->texture_h == h)
        return true;
    d->exposed = true; /* there will be nothing in it */
    if (d->texture)
        SDL_DestroyTexture(d->texture);
    d->texture =
        SDL_CreateTexture(d->renderer, SDL_PIXELFORMAT_RGB888, SDL_TEXTUREACCESS_STREAMING, w, h);
    if (!d->texture)
        return false;
    if (d->texture_w != w || d->texture_h != h)
        fit_window(d, d->texture_w, d->texture_h, w, h);
    d->texture_w = w;
    d->texture_h = h;
    return true;
}

static void upload(struct sdl_display *d, const struct vga_surface *picture, unsigned first,
                   unsigned n)
{
    const SDL_Rect lines = {.y = (int)first, .w = d->texture_w, .h = (int)n};

    SDL_UpdateTexture(d->texture, &lines, picture->pixels + first * picture->stride,
                      (int)(picture->stride * 4));
}

static void present(struct sdl_display *d)
{
    const struct vga_surface *picture = vga_view_picture(d->view);
    const struct vga_run *run;
    SDL_Rect to;
    int win_w, win_h;
    unsigned n;

    if (!fit_texture(d, picture))
        return;
    run = vga_view_runs(d->view, &n);
    if (d->exposed)
        upload(d, picture, 0, picture->height);
    for (unsigned k = 0; k < n && !d->exposed; k++)
        upload(d, picture, run[k].first, run[k].n);
    if (SDL_GetRendererOutputSize(d->renderer, &win_w, &win_h) < 0)
        return;
    to = place(win_w, win_h, d->texture_w, d->texture_h);
    SDL_SetTextureScaleMode(d->texture,
                            to.w < d->texture_w ? SDL_ScaleModeLinear : SDL_ScaleModeNearest);
    SDL_SetRenderDrawColor(d->renderer, 0, 0, 0, 255);
    SDL_RenderClear(d->renderer);
    SDL_RenderCopy(d->renderer, d->texture, NULL, &to);
    SDL_RenderPresent(d->renderer);
    d->exposed = false;
}

static void refresh(struct sdl_display *d)
{
    bool drawn;

    d->cfg.lock(d->cfg.opaque);
    drawn = vga_view_refresh(d->view, vga_frame(d->cfg.vga));
    d->cfg.unlock(d->cfg.opaque);
    if (drawn || d->exposed)
        present(d);
}

static gboolean tick(gpointer opaque)
{
    struct sdl_display *d = opaque;
    SDL_Event e;

    while (SDL_PollEvent(&e))
        handle_event(d, &e);
    if (!d->hidden && d->ticks++ % TICKS_A_FRAME == 0)
        refresh(d);
    return G_SOURCE_CONTINUE;
}

/* --- life --- */

static bool open_window(struct sdl_display *d, GError **err)
{
    uint32_t flags = SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI;

    d->window = SDL_CreateWindow(d->name, SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED, 720,
                                 400, flags);
    if (!d->window)
        return fail(err, "cannot open a window");
    d->renderer = SDL_CreateRenderer(d->window, -1, 0);
    if (!d->renderer)
        d->renderer = SDL_CreateRenderer(d->window, -1, SDL_RENDERER_SOFTWARE);
    if (!d->renderer)
        return fail(err, "cannot draw in the window");
    SDL_SetWindowMinimumSize(d->window, 160, 100);
    set_title(d);
    return true;
}

/* Which of SDL's drivers to try: those of the displays that the environment names. Left to itself
 * SDL goes on to drivers that show nothing to anybody. A person who sets SDL_VIDEODRIVER knows
 * better. */
static bool choose_driver(GError **err)
{
    const char *x11 = g_getenv("DISPLAY"), *wayland = g_getenv("WAYLAND_DISPLAY");
    bool has_x11 = x11 && *x11, has_wayland = wayland && *wayland;
    const char *asked = g_getenv("SDL_VIDEODRIVER");

    if (asked && *asked)
        return true;
    if (!has_x11 && !has_wayland) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_HOST,
                    "-display sdl: no display: neither DISPLAY nor WAYLAND_DISPLAY is set");
        return false;
    }
    SDL_SetHint(SDL_HINT_VIDEODRIVER, !has_wayland ? "x11" : !has_x11 ? "wayland" : "x11,wayland");
    return true;
}

struct sdl_display *sdl_display_new(const struct sdl_display_config *cfg, GError **err)
{
    struct sdl_display *d;

    /* Ctrl+C in the terminal stays the program's, and the desktop's screen saver its own. */
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
    SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
    /* a click that gives the window the focus also grabs */
    SDL_SetHint(SDL_HINT_MOUSE_FOCUS_CLICKTHROUGH, "1");
    if (!choose_driver(err))
        return NULL;
    if (SDL_InitSubSystem(SDL_INIT_VIDEO) < 0) {
        fail(err, "no display");
        return NULL;
    }
    d = g_new0(struct sdl_display, 1);
    d->cfg = *cfg;
    d->cfg.name = NULL;
    d->name = g_strdup(cfg->name && *cfg->name ? cfg->name : "guest");
    if (!open_window(d, err)) {
        sdl_display_free(d);
        return NULL;
    }
    cfg->lock(cfg->opaque);
    d->view = vga_view_new(cfg->vga);
    cfg->unlock(cfg->opaque);
    SDL_StopTextInput();
    if (cfg->fullscreen)
        set_fullscreen(d, true);
    d->source = g_timeout_add(TICK_MS, tick, d);
    return d;
}

void sdl_display_free(struct sdl_display *d)
{
    if (!d)
        return;
    if (d->source)
        g_source_remove(d->source);
    if (d->window)
        set_grab(d, false);
    if (d->texture)
        SDL_DestroyTexture(d->texture);
    if (d->renderer)
        SDL_DestroyRenderer(d->renderer);
    if (d->window)
        SDL_DestroyWindow(d->window);
    SDL_QuitSubSystem(SDL_INIT_VIDEO);
    if (d->view) {
        d->cfg.lock(d->cfg.opaque);
        vga_view_free(d->view);
        d->cfg.unlock(d->cfg.opaque);
    }
    g_free(d->name);
    g_free(d);
}
