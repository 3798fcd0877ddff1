/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The window: see sdl_display.h. Every tick of the timeout handles what SDL has queued and hands
 * over input; every other one brings the picture of the screen up to date and uploads the lines
 * that were drawn anew. A frame is only presented when something in it is other than before.
 */
#include "frontends/sdl/sdl_display.h"

#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "devices/display/vga_view.h"
#include "devices/input/input_router.h"
#include "frontends/library/machine_state.h"
#include "frontends/sdl/display_int.h"
#include "frontends/sdl/sdl_keys.h"
#include "frontends/sdl/thumbnail.h"
#include "frontends/sdl/window.h"

#define TICK_MS       16
#define TICKS_A_FRAME 2
#define LOCK_NS       2000000  /* how long a tick waits for the device lock */
#define NOTICE_US     6000000  /* how long a notice stands */
#define PICTURE_US    10000000 /* from one picture for the library to the next */
/* Modifiers of the window's own keys. */
#define HOT_MODS(mod) (((mod)&KMOD_CTRL) && ((mod)&KMOD_ALT) && !((mod)&KMOD_SHIFT))

/* ---- the way to the guest ---- */

static bool op_lock(void *opaque)
{
    return lock_take_within(((struct sdl_display *)opaque)->cfg.lock, LOCK_NS);
}

static void op_unlock(void *opaque)
{
    lock_drop(((struct sdl_display *)opaque)->cfg.lock);
}

static struct input_router *router(void *opaque)
{
    return machine_input(((struct sdl_display *)opaque)->cfg.machine);
}

static void op_key(void *opaque, enum pkey key, bool down)
{
    input_router_key(router(opaque), key, down);
}

static void op_release_keys(void *opaque)
{
    input_router_release_keys(router(opaque));
}

static void op_mouse(void *opaque, int dx, int dy, int wheel, unsigned buttons)
{
    input_router_move(router(opaque), dx, dy);
    input_router_wheel(router(opaque), wheel);
    input_router_buttons(router(opaque), buttons);
}

static void op_place(void *opaque, int x, int y)
{
    input_router_place(router(opaque), x, y);
}

static bool op_taken(void *opaque)
{
    return input_router_taken(router(opaque));
}

static bool op_caps(void *opaque)
{
    return input_router_leds(router(opaque)) & INPUT_LED_CAPS;
}

static const struct input_ops input_ops = {
    .lock = op_lock,
    .unlock = op_unlock,
    .key = op_key,
    .release_keys = op_release_keys,
    .mouse = op_mouse,
    .place = op_place,
    .taken = op_taken,
    .caps = op_caps,
};

/* ---- the window ---- */

static void set_title(struct sdl_display *d)
{
    char *title =
        g_strdup_printf("%s%s%s%s", d->name, strcmp(d->name, "Penumbra") ? " - Penumbra" : "",
                        d->paused ? " [paused]" : "",
                        d->grabbed ? " (Ctrl+Alt+G releases keyboard and mouse)" : "");

    SDL_SetWindowTitle(d->window, title);
    g_free(title);
}

void display_notice(struct sdl_display *d, bool bad, const char *text)
{
    g_free(d->notice);
    d->notice = g_strdup(text);
    d->notice_bad = bad;
    d->notice_until = g_get_monotonic_time() + NOTICE_US;
    d->exposed = true;
}

void display_grab(struct sdl_display *d, bool on)
{
    if (d->grabbed == on)
        return;
    if (!on && d->buttons)
        input_mouse(d->input, 0, 0, 0, 0);
    d->grabbed = on;
    d->buttons = 0;
    gui_ignore_mouse(d->gui, on);
    SDL_SetRelativeMouseMode(on ? SDL_TRUE : SDL_FALSE);
    SDL_SetWindowKeyboardGrab(d->window, on ? SDL_TRUE : SDL_FALSE);
    set_title(d);
    d->exposed = true;
}

void display_fullscreen(struct sdl_display *d, bool on)
{
    if (SDL_SetWindowFullscreen(d->window, on ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0) < 0)
        return;
    d->fullscreen = on;
    d->exposed = true;
}

bool display_bars(const struct sdl_display *d)
{
    int y;

    if (!d->fullscreen || gui_has_popup(d->gui))
        return true;
    SDL_GetMouseState(NULL, &y);
    return !d->grabbed && y < 2 * (int)gui_bar_height(d->gui);
}

/* What of the window is not the guest's, in its points. */
static int bars_height(const struct sdl_display *d)
{
    return d->fullscreen ? 0 : 2 * (int)gui_bar_height(d->gui);
}

void display_scale(struct sdl_display *d, int factor)
{
    SDL_Rect room;
    int w = d->screen.w, h = d->screen.h, bars = bars_height(d);

    if (!w || (SDL_GetWindowFlags(d->window) & (SDL_WINDOW_FULLSCREEN | SDL_WINDOW_MAXIMIZED)))
        return;
    if (SDL_GetDisplayUsableBounds(SDL_GetWindowDisplayIndex(d->window), &room) == 0) {
        while (factor > 1 && (w * factor > room.w || h * factor + bars > room.h))
            factor--;
        if (w > room.w || h + bars > room.h) {
            SDL_Rect r = screen_place((SDL_Rect){0, 0, room.w, room.h - bars}, w, h, true);

            SDL_SetWindowSize(d->window, r.w, r.h + bars);
            return;
        }
    }
    SDL_SetWindowSize(d->window, w * factor, h * factor + bars);
    d->exposed = true;
}

/* After a change of mode a window that floats freely becomes as large as the screen, at the factor
 * it had, within what the desktop has room for. */
static void fit_window(struct sdl_display *d, int old_w, int old_h)
{
    int win_w, win_h, n = 1;

    SDL_GetWindowSize(d->window, &win_w, &win_h);
    if (old_w && old_h)
        n = MIN(win_w / old_w, (win_h - bars_height(d)) / old_h);
    display_scale(d, MAX(n, 1));
}

/* ---- input ---- */

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
    input_release_keys(d->input);
    d->hotkey = code;
    if (code == SDL_SCANCODE_G)
        display_grab(d, !d->grabbed);
    else
        display_fullscreen(d, !d->fullscreen);
    return true;
}

static void key_event(struct sdl_display *d, const SDL_KeyboardEvent *e)
{
    bool ours = gui_has_popup(d->gui);
    enum pkey key;

    /* what comes up does so for both: the one that did not see it go down does not mind */
    if (ours || e->type == SDL_KEYUP)
        gui_event(d->gui, (const SDL_Event *)e);
    if ((ours && e->type == SDL_KEYDOWN) || hot_key(d, e) || e->repeat)
        return;
    key = sdl_key(e->keysym.scancode);
    if (key != PKEY_NONE)
        input_key(d->input, key, e->type == SDL_KEYDOWN);
}

static unsigned button_bit(uint8_t button)
{
    switch (button) {
    case SDL_BUTTON_LEFT: return INPUT_LEFT;
    case SDL_BUTTON_RIGHT: return INPUT_RIGHT;
    case SDL_BUTTON_MIDDLE: return INPUT_MIDDLE;
    case SDL_BUTTON_X1: return INPUT_SIDE;
    case SDL_BUTTON_X2: return INPUT_EXTRA;
    default: return 0;
    }
}

/* The part of the renderer's pixels that is the guest's. */
static SDL_Rect room_of(const struct sdl_display *d, float *scale)
{
    int w, h, points_h, bar = d->fullscreen ? 0 : (int)gui_bar_height(d->gui);

    SDL_GetRendererOutputSize(d->renderer, &w, &h);
    SDL_GetWindowSize(d->window, NULL, &points_h);
    *scale = points_h ? (float)h / (float)points_h : 1;
    bar = (int)((float)bar * *scale);
    return (SDL_Rect){0, bar, MAX(w, 1), MAX(h - 2 * bar, 1)};
}

/* Is that point of the window the guest's, not of a bar, a menu or a panel? */
static bool on_screen(const struct sdl_display *d, int y)
{
    int h, bar = display_bars(d) ? (int)gui_bar_height(d->gui) : 0;

    SDL_GetWindowSize(d->window, NULL, &h);
    return !gui_has_popup(d->gui) && !gui_has_pointer(d->gui) && y >= bar && y < h - bar;
}

/* That point of the window as a pixel of the renderer's. */
static SDL_Point pixel_at(const struct sdl_display *d, int x, int y)
{
    float scale;

    room_of(d, &scale);
    return (SDL_Point){(int)((float)x * scale), (int)((float)y * scale)};
}

/* Ungrabbed, over the screen of a guest that is told places: what happens there is the guest's. */
bool display_pointer_is_guests(const struct sdl_display *d, int x, int y)
{
    SDL_Point at = pixel_at(d, x, y);

    return d->absolute && !d->grabbed && on_screen(d, y) && SDL_PointInRect(&at, &d->shown);
}

/* The pointer is at that point of the window; one that was dragged out of the screen, at its edge.
 */
static void place_event(struct sdl_display *d, int x, int y)
{
    SDL_Point p = screen_point(&d->screen, d->shown, pixel_at(d, x, y), INPUT_ABS_MAX);

    if (d->absolute && !d->grabbed)
        input_place(d->input, p.x, p.y);
}

static void button_event(struct sdl_display *d, const SDL_MouseButtonEvent *e)
{
    unsigned bit = button_bit(e->button);

    if (display_pointer_is_guests(d, e->x, e->y) || (!d->grabbed && (d->buttons & bit))) {
        gui_event(d->gui, (const SDL_Event *)e);
        place_event(d, e->x, e->y);
        d->buttons = e->type == SDL_MOUSEBUTTONDOWN ? d->buttons | bit : d->buttons & ~bit;
        input_mouse(d->input, 0, 0, 0, d->buttons);
        return;
    }
    if (!d->grabbed) {
        /* the click that grabs is not the guest's */
        if (e->type == SDL_MOUSEBUTTONDOWN && e->button == SDL_BUTTON_LEFT && on_screen(d, e->y))
            display_grab(d, true);
        else
            gui_event(d->gui, (const SDL_Event *)e);
        return;
    }
    if (e->type == SDL_MOUSEBUTTONDOWN)
        d->buttons |= bit;
    else if (!(d->buttons & bit))
        return; /* released here, but pressed before the grab */
    else
        d->buttons &= ~bit;
    input_mouse(d->input, 0, 0, 0, d->buttons);
}

static void wheel_event(struct sdl_display *d, const SDL_Event *e)
{
    int y = e->wheel.direction == SDL_MOUSEWHEEL_FLIPPED ? -e->wheel.y : e->wheel.y;

    int at_x, at_y;

    SDL_GetMouseState(&at_x, &at_y);
    if (!d->grabbed && !display_pointer_is_guests(d, at_x, at_y))
        gui_event(d->gui, e);
    else if (y)
        input_mouse(d->input, 0, 0, y, d->buttons);
}

static void window_event(struct sdl_display *d, const SDL_Event *e)
{
    switch (e->window.event) {
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
        input_release_keys(d->input);
        d->hotkey = SDL_SCANCODE_UNKNOWN;
        display_grab(d, false);
        break;
    default: break;
    }
    gui_event(d->gui, e);
}

static void quit_event(struct sdl_display *d)
{
    display_grab(d, false);
    if (d->quitting) /* it was said twice: the dialog, and the guest that does not end */
        machine_quit(d->cfg.machine, MACHINE_EXIT_OFF);
    else if (!d->cfg.no_close)
        d->ask_quit = true;
    d->exposed = true;
}

static void handle_event(struct sdl_display *d, const SDL_Event *e)
{
    switch (e->type) {
    case SDL_KEYDOWN:
    case SDL_KEYUP: key_event(d, &e->key); break;
    case SDL_MOUSEMOTION:
        if (d->grabbed)
            input_mouse(d->input, e->motion.xrel, e->motion.yrel, 0, d->buttons);
        else
            gui_event(d->gui, e);
        if (d->buttons || display_pointer_is_guests(d, e->motion.x, e->motion.y))
            place_event(d, e->motion.x, e->motion.y);
        break;
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP: button_event(d, &e->button); break;
    case SDL_MOUSEWHEEL: wheel_event(d, e); break;
    case SDL_TEXTINPUT: gui_event(d->gui, e); break;
    case SDL_WINDOWEVENT: window_event(d, e); break;
    case SDL_RENDER_TARGETS_RESET:
    case SDL_RENDER_DEVICE_RESET:
        screen_lost(&d->screen);
        gui_textures_lost(d->gui);
        d->exposed = true;
        break;
    case SDL_QUIT: quit_event(d); break;
    default: break;
    }
}

/* ---- output ---- */

static void present(struct sdl_display *d)
{
    int w, h, bar = (int)gui_bar_height(d->gui);
    bool popup = gui_has_popup(d->gui);
    float scale;
    SDL_Rect room = room_of(d, &scale);

    d->exposed = false;
    SDL_GetWindowSize(d->window, &w, &h);
    SDL_SetRenderDrawColor(d->renderer, 0, 0, 0, 255);
    SDL_RenderClear(d->renderer);
    d->shown = screen_draw(&d->screen, room);
    gui_begin(d->gui);
    gui_note(d->gui, "screen", (float)d->shown.x / scale, (float)d->shown.y / scale,
             (float)d->shown.w / scale, (float)d->shown.h / scale, "guest");
    if (display_bars(d)) {
        display_menus(d);
        display_status(d, (float)(h - bar), (float)w, (float)bar);
    }
    display_statistics(d);
    display_dialogs(d);
    gui_end(d->gui);
    if (gui_has_popup(d->gui) && !popup)
        input_release_keys(d->input);
}

/* True when the picture is another. */
static bool refresh(struct sdl_display *d)
{
    int w = d->screen.w, h = d->screen.h;
    bool drawn;

    if (!op_lock(d))
        return false; /* the next tick's */
    d->absolute = input_router_absolute(router(d));
    drawn = vga_view_refresh(d->view, vga_frame(machine_vga(d->cfg.machine)));
    op_unlock(d);
    if (!drawn && d->screen.texture)
        return false;
    if (screen_update(&d->screen, d->view))
        fit_window(d, w, h);
    d->new_picture = true;
    return true;
}

static void write_picture(struct sdl_display *d)
{
    GError *err = NULL;

    if (!d->picture || !d->new_picture)
        return;
    d->new_picture = false;
    d->pictured = g_get_monotonic_time();
    if (!thumbnail_write(d->picture, vga_view_picture(d->view), &err)) {
        log_user("%s", err->message);
        g_error_free(err);
        g_clear_pointer(&d->picture, g_free); /* once is enough */
    }
}

/* The status bar's numbers. */
static bool measure(struct sdl_display *d, gint64 now)
{
    struct machine_counters c;

    if (!meters_due(&d->meters, now))
        return false;
    machine_count(d->cfg.machine, &c);
    return meters_take(&d->meters, &c, now);
}

static gboolean tick(gpointer opaque)
{
    struct sdl_display *d = opaque;
    gint64 now = g_get_monotonic_time();
    bool news;
    SDL_Event e;

    while (SDL_PollEvent(&e))
        handle_event(d, &e);
    input_tick(d->input);
    news = measure(d, now);
    if (d->notice && now > d->notice_until) {
        g_clear_pointer(&d->notice, g_free);
        news = true;
    }
    if (d->hidden)
        return G_SOURCE_CONTINUE;
    if (d->ticks++ % TICKS_A_FRAME == 0)
        news |= refresh(d);
    if (news || d->exposed || gui_busy(d->gui))
        present(d);
    if (now - d->pictured > PICTURE_US)
        write_picture(d);
    return G_SOURCE_CONTINUE;
}

/* ---- life ---- */

static void on_note(void *opaque, const struct machine_note *note)
{
    struct sdl_display *d = opaque;

    if (note->event != MACHINE_EVENT_PAUSED && note->event != MACHINE_EVENT_RESUMED)
        return;
    d->paused = note->event == MACHINE_EVENT_PAUSED;
    if (d->cfg.state)
        machine_state_tell(d->cfg.state, d->paused ? MACHINE_PAUSED : MACHINE_RUNNING);
    set_title(d);
    d->exposed = true;
    write_picture(d);
}

struct sdl_display *sdl_display_new(const struct sdl_display_config *cfg, GError **err)
{
    struct sdl_display *d = g_new0(struct sdl_display, 1);
    g_autofree char *role = NULL;

    d->cfg = *cfg;
    d->cfg.name = d->cfg.picture = NULL;
    d->name = g_strdup(cfg->name && *cfg->name ? cfg->name : "guest");
    d->picture = g_strdup(cfg->picture);
    d->layout = cfg->layout ? cfg->layout : keyboard_layout_names[0];
    role = g_strdup_printf("machine-%s", d->name);
    if (!window_open("-display sdl", d->name, 720, 400, cfg->renderer, &d->window, &d->renderer,
                     err)) {
        g_free(d->name);
        g_free(d->picture);
        g_free(d);
        return NULL;
    }
    d->gui = gui_new(d->window, d->renderer, role);
    if (!d->gui) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_HOST,
                    "-display sdl: cannot draw in the window: %s", SDL_GetError());
        sdl_display_free(d);
        return NULL;
    }
    d->screen.renderer = d->renderer;
    d->screen.smooth = cfg->smooth;
    d->input = input_new(&input_ops, d);
    lock_take(cfg->lock);
    d->view = vga_view_new(machine_vga(cfg->machine));
    lock_drop(cfg->lock);
    machine_listen(cfg->machine, on_note, d);
    SDL_SetWindowMinimumSize(d->window, 480, 200);
    SDL_StopTextInput();
    set_title(d);
    if (cfg->fullscreen)
        display_fullscreen(d, true);
    d->exposed = true;
    d->source = g_timeout_add(TICK_MS, tick, d);
    return d;
}

void sdl_display_free(struct sdl_display *d)
{
    if (!d)
        return;
    if (d->source)
        g_source_remove(d->source);
    if (d->view) {
        write_picture(d);
        SDL_SetRelativeMouseMode(SDL_FALSE);
        screen_lost(&d->screen);
        lock_take(d->cfg.lock);
        vga_view_free(d->view);
        lock_drop(d->cfg.lock);
    }
    gui_free(d->gui);
    window_close(d->window, d->renderer);
    input_free(d->input);
    file_dialog_clear(&d->files);
    g_free(d->notice);
    g_free(d->picture);
    g_free(d->name);
    g_free(d);
}
