/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See library_window.h. On the left the machines, each with its picture, name and state; on the
 * right what is known of the one that is chosen, and what can be done with it.
 */
#include "frontends/sdl/library_window.h"

#include <glib-unix.h>
#include <string.h>

#include "base/log.h"
#include "frontends/sdl/library_int.h"
#include "frontends/sdl/thumbnail.h"
#include "frontends/sdl/window.h"

#define TICK_MS    16
#define REFRESH_US 300000 /* from one look at the directory to the next */
#define CARD_H     92.0f
#define PICTURE_W  96.0f
#define PICTURE_H  72.0f
#define LIST_W     300.0f

struct library_picture {
    gint64 written;
    SDL_Texture *texture; /* NULL: there is none that could be shown */
    unsigned w, h;
};

void library_notice(struct library_window *w, bool bad, const char *text)
{
    g_free(w->notice);
    w->notice = g_strdup(text);
    w->notice_bad = bad;
    w->exposed = true;
}

/* ---- pictures ---- */

static void picture_free(gpointer data)
{
    struct library_picture *p = data;

    if (p->texture)
        SDL_DestroyTexture(p->texture);
    g_free(p);
}

static struct library_picture *picture_of(struct library_window *w, const struct library_machine *m)
{
    struct library_picture *p = g_hash_table_lookup(w->pictures, m->name);
    uint32_t *pixels;

    if (p && p->written == m->pictured)
        return p;
    p = g_new0(struct library_picture, 1);
    p->written = m->pictured;
    g_hash_table_replace(w->pictures, g_strdup(m->name), p);
    pixels = m->pictured ? thumbnail_read(m->picture, &p->w, &p->h) : NULL;
    if (!pixels)
        return p;
    p->texture = SDL_CreateTexture(w->renderer, SDL_PIXELFORMAT_RGB888, SDL_TEXTUREACCESS_STATIC,
                                   (int)p->w, (int)p->h);
    if (p->texture) {
        SDL_UpdateTexture(p->texture, NULL, pixels, (int)p->w * 4);
        SDL_SetTextureScaleMode(p->texture, SDL_ScaleModeLinear);
    }
    g_free(pixels);
    return p;
}

static void draw_picture(struct library_window *w, const struct library_machine *m, float width,
                         float height)
{
    const struct library_picture *p = picture_of(w, m);
    float fit_w = width, fit_h = height;

    if (p->texture && (float)p->w * height > (float)p->h * width)
        fit_h = width * (float)p->h / (float)p->w;
    else if (p->texture)
        fit_w = height * (float)p->w / (float)p->h;
    gui_picture(w->gui, p->texture, fit_w, fit_h);
}

/* ---- the machines ---- */

static enum gui_colour state_colour(const struct library_machine *m)
{
    if (!m->file || m->said)
        return GUI_BAD;
    return m->state == MACHINE_OFF ? GUI_DIM : m->state == MACHINE_PAUSED ? GUI_WARN : GUI_GOOD;
}

static const char *state_text(const struct library_machine *m)
{
    if (!m->file)
        return "its file has an error";
    if (m->state == MACHINE_OFF)
        return m->said ? "off, ended badly" : "off";
    return m->state == MACHINE_PAUSED ? "paused" : "running";
}

static void draw_card(struct library_window *w, const struct library_machine *m)
{
    struct gui *g = w->gui;
    g_autofree char *part = g_strdup_printf("card-%s", m->name);
    bool twice;

    gui_part_begin(g, part, 0, CARD_H, true);
    draw_picture(w, m, PICTURE_W, PICTURE_H);
    gui_same_line(g, PICTURE_W + 20);
    gui_part_begin(g, "text", 0, 0, false);
    if (gui_row(g, m->name, !strcmp(m->name, w->selected), &twice)) {
        g_strlcpy(w->selected, m->name, sizeof(w->selected));
        if (twice && m->file && m->state == MACHINE_OFF)
            library_start(w, m);
    }
    gui_text(g, state_colour(m), "%s", state_text(m));
    gui_part_end(g);
    gui_part_end(g);
}

static void draw_list(struct library_window *w, float h)
{
    struct gui *g = w->gui;

    gui_part_begin(g, "machines", LIST_W, h, false);
    for (guint n = 0; n < w->library->machines->len; n++)
        draw_card(w, g_ptr_array_index(w->library->machines, n));
    if (!w->library->machines->len)
        gui_paragraph(g, GUI_DIM, "There are no machines yet. \"New...\" makes one.");
    gui_part_end(g);
}

static void line(struct gui *g, const char *what, const char *value)
{
    gui_text(g, GUI_DIM, "%s", what);
    gui_same_line(g, 110);
    gui_text(g, GUI_NORMAL, "%s", value);
}

static void draw_settings(struct library_window *w, const struct library_machine *m)
{
    static const char *const shown[][3] = {
        {"Memory", "machine", "memory"}, {"Processors", "machine", "cpus"},
        {"Disk", "disk", "file"},        {"CD", "cd", "file"},
        {"Network", "network", "mode"},  {"Sound", "sound", "card"},
    };

    for (unsigned n = 0; n < G_N_ELEMENTS(shown); n++) {
        const char *value = machine_file_get(m->file, shown[n][1], shown[n][2]);

        line(w->gui, shown[n][0], *value ? value : "none");
    }
}

static void draw_actions(struct library_window *w, struct library_machine *m)
{
    struct gui *g = w->gui;
    bool off = m->state == MACHINE_OFF;

    if (gui_button(g, "Start", m->file && off))
        library_start(w, m);
    gui_same_line(g, 0);
    if (gui_button(g, "Edit...", m->file && off))
        library_form_open(w, m);
    gui_same_line(g, 0);
    if (gui_button(g, "Duplicate...", m->file && off && !w->copy))
        w->ask_copy = true;
    gui_same_line(g, 0);
    if (gui_button(g, "Delete...", off))
        w->ask_delete = true;
}

static void draw_chosen(struct library_window *w, struct library_machine *m)
{
    struct gui *g = w->gui;

    gui_text(g, GUI_NORMAL, "%s", m->name);
    gui_text(g, state_colour(m), "%s", state_text(m));
    gui_gap(g);
    draw_actions(w, m);
    gui_gap(g);
    if (m->error)
        gui_paragraph(g, GUI_BAD, m->error);
    if (m->said)
        gui_paragraph(g, GUI_BAD, m->said);
    draw_picture(w, m, 320, 220);
    if (m->file)
        draw_settings(w, m);
    gui_text(g, GUI_DIM, "%s", m->path);
}

static void draw_all(struct library_window *w)
{
    struct library_machine *m = library_find(w->library, w->selected);
    struct gui *g = w->gui;
    float bar = gui_bar_height(g);
    int width, height;

    SDL_GetWindowSize(w->window, &width, &height);
    gui_panel_begin(g, "library", 0, 0, (float)width, (float)height);
    if (gui_button(g, "New...", true))
        library_form_open(w, NULL);
    gui_same_line(g, 0);
    if (w->copy) {
        g_autofree char *text = g_strdup_printf("copying '%s', %" G_GUINT64_FORMAT " MiB",
                                                w->copy->name, (guint64)(w->copy->done >> 20));

        gui_text(g, GUI_WARN, "%s", text);
    } else if (w->notice) {
        gui_text(g, w->notice_bad ? GUI_BAD : GUI_GOOD, "%s", w->notice);
    } else {
        gui_text(g, GUI_DIM, "%u machine%s in %s", w->library->machines->len,
                 w->library->machines->len == 1 ? "" : "s", w->library->dir);
    }
    gui_separator(g);
    draw_list(w, (float)height - 3 * bar - 12);
    gui_same_line(g, LIST_W + 28);
    gui_part_begin(g, "chosen", 0, (float)height - 3 * bar - 12, false);
    if (m)
        draw_chosen(w, m);
    gui_part_end(g);
    library_form_draw(w);
    library_dialogs_draw(w);
    gui_panel_end(g);
}

/* ---- the window ---- */

static void handle_event(struct library_window *w, const SDL_Event *e)
{
    switch (e->type) {
    case SDL_QUIT: g_main_loop_quit(w->loop); break;
    case SDL_RENDER_TARGETS_RESET:
    case SDL_RENDER_DEVICE_RESET:
        gui_textures_lost(w->gui);
        g_hash_table_remove_all(w->pictures);
        w->exposed = true;
        break;
    case SDL_WINDOWEVENT: w->exposed = true; __attribute__((fallthrough));
    default: gui_event(w->gui, e); break;
    }
    if (e->type == SDL_MOUSEBUTTONDOWN)
        g_clear_pointer(&w->notice, g_free);
}

static void present(struct library_window *w)
{
    w->exposed = false;
    SDL_SetRenderDrawColor(w->renderer, 20, 20, 22, 255);
    SDL_RenderClear(w->renderer);
    gui_begin(w->gui);
    draw_all(w);
    gui_end(w->gui);
}

static gboolean tick(gpointer opaque)
{
    struct library_window *w = opaque;
    gint64 now = g_get_monotonic_time();
    bool copying = library_copying(w);
    SDL_Event e;

    while (SDL_PollEvent(&e))
        handle_event(w, &e);
    if (now - w->refreshed_at > REFRESH_US) {
        w->exposed |= library_refresh(w->library) || copying;
        w->refreshed_at = now;
    }
    if (w->exposed || gui_busy(w->gui))
        present(w);
    return G_SOURCE_CONTINUE;
}

static gboolean on_signal(gpointer opaque)
{
    g_main_loop_quit(((struct library_window *)opaque)->loop);
    return G_SOURCE_CONTINUE;
}

static bool open_all(struct library_window *w, GError **err)
{
    g_autofree char *dir = library_default_dir();

    if (!window_open("penumbra (without options, -help lists them)", "Penumbra", 860, 560, NULL,
                     &w->window, &w->renderer, err))
        return false;
    SDL_SetWindowMinimumSize(w->window, 640, 400);
    w->gui = gui_new(w->window, w->renderer, "library");
    if (!w->gui) {
        g_set_error(err, G_SPAWN_ERROR, 0, "cannot draw in the window: %s", SDL_GetError());
        return false;
    }
    w->library = library_open(dir, err);
    return w->library != NULL;
}

int library_window_run(const char *program)
{
    struct library_window w = {.program = g_strdup(program), .exposed = true};
    guint source, signals[3];
    GError *err = NULL;
    int status = 0;

    w.loop = g_main_loop_new(NULL, FALSE);
    w.pictures = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, picture_free);
    if (open_all(&w, &err)) {
        source = g_timeout_add(TICK_MS, tick, &w);
        signals[0] = g_unix_signal_add(SIGINT, on_signal, &w);
        signals[1] = g_unix_signal_add(SIGTERM, on_signal, &w);
        signals[2] = g_unix_signal_add(SIGHUP, on_signal, &w);
        g_main_loop_run(w.loop);
        g_source_remove(source);
        for (unsigned n = 0; n < 3; n++)
            g_source_remove(signals[n]);
        library_stop_copying(&w);
    } else {
        log_user("%s", err->message);
        g_error_free(err);
        status = 1;
    }
    library_form_clear(&w);
    g_hash_table_destroy(w.pictures);
    library_free(w.library);
    gui_free(w.gui);
    if (w.window)
        window_close(w.window, w.renderer);
    g_main_loop_unref(w.loop);
    g_free(w.notice);
    g_free(w.program);
    return status;
}
