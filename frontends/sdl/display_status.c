/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The status bar of a machine's window, and the plots of its counters. */
#include <math.h>
#include <string.h>

#include "accel/accel.h"
#include "frontends/sdl/display_int.h"
#include "machine/board.h"

/* ---- the bar ---- */

/* Why it is this engine: what each says of this host. */
static char *engines(void)
{
    GString *s = g_string_new("Engines on this host:");

    for (unsigned k = 0; accel_by_index(k); k++) {
        const struct accel_ops *a = accel_by_index(k);
        char why[128];
        bool ok = a->probe(why, sizeof(why));

        g_string_append_printf(s, "\n%s: %s: %s", a->name, ok ? "can be used" : "not here", why);
    }
    return g_string_free(s, FALSE);
}

static void engine_text(const struct sdl_display *d, struct gui *g)
{
    const struct machine_config *cfg = &machine_board(d->cfg.machine)->cfg;
    g_autofree char *why = engines();

    gui_text(g, GUI_NORMAL, "%s, %s MMU", cfg->accel,
             d->meters.last.has_shadow ? "shadow" : "walk");
    gui_hint(g, why);
}

static void mouse_text(const struct sdl_display *d, struct gui *g)
{
    if (d->grabbed)
        gui_text(g, GUI_WARN, "mouse: Ctrl+Alt+G frees it");
    else if (d->absolute)
        gui_text(g, GUI_GOOD, "mouse: a tablet, no grab needed");
    else
        gui_text(g, GUI_DIM, "mouse: click to grab");
}

/* Lit while something happens there. */
static void lamp(struct gui *g, float *x, const char *label, bool lit, const char *hint)
{
    gui_same_line(g, *x);
    gui_text(g, lit ? GUI_GOOD : GUI_DIM, "%s", label);
    gui_hint(g, hint);
    *x += 18 + 7 * (float)strlen(label);
}

static void lamps(const struct sdl_display *d, struct gui *g, float *x)
{
    const struct meters *m = &d->meters;

    lamp(g, x, "disk", m->disk, "Lit while the guest uses a drive, of whatever kind");
    lamp(g, x,
         m->sent == m->got ? "net"
         : m->sent         ? "net >"
                           : "net <",
         m->sent || m->got, "Lit while frames go through a network adapter: > sent, < received");
    lamp(g, x, "sound", m->heard, "Lit while the guest can be heard");
}

static void typing_text(const struct sdl_display *d, struct gui *g)
{
    unsigned left = input_typing(d->input);

    if (left) {
        gui_same_line(g, 0);
        gui_text(g, GUI_WARN, "typing, %u left", left);
    }
}

void display_status(struct sdl_display *d, float y, float w, float h)
{
    struct gui *g = d->gui;
    float x = 292;

    gui_panel_begin(g, "status", 0, y, w, h);
    if (d->notice) {
        gui_text(g, d->notice_bad ? GUI_BAD : GUI_GOOD, "%s", d->notice);
        gui_hint(g, d->notice);
        gui_panel_end(g);
        return;
    }
    gui_text(g, d->paused ? GUI_WARN : GUI_GOOD, d->paused ? "paused" : "running");
    gui_same_line(g, 70);
    engine_text(d, g);
    gui_same_line(g, 210);
    gui_text(g, GUI_NORMAL, "%.0f MIPS", d->paused ? 0.0 : meter_rate(&d->meters, METER_MIPS));
    gui_hint(g, "Million instructions of the guest in a second, all processors together");
    lamps(d, g, &x);
    gui_same_line(g, x);
    mouse_text(d, g);
    typing_text(d, g);
    if (w > 640) {
        gui_same_line(g, w - 85);
        gui_text(g, GUI_DIM, "%dx%d", d->screen.w, d->screen.h);
    }
    gui_panel_end(g);
}

/* ---- the plots ---- */

static void plot(const struct meters *m, struct gui *g, enum meter which)
{
    double rate = (double)meter_rate(m, which);
    g_autofree char *text = rate >= 1e6
                                ? g_strdup_printf("%.1f M %s", rate / 1e6, meter_name(which))
                                : g_strdup_printf("%.0f %s", rate, meter_name(which));

    gui_plot(g, text, m->rate[which], METERS_SAMPLES, 36);
}

void display_statistics(struct sdl_display *d)
{
    struct gui *g = d->gui;
    int w, h;

    if (!d->statistics)
        return;
    SDL_GetWindowSize(d->window, &w, &h);
    if (gui_float_begin(g, "Statistics", &d->statistics, (float)w - 300, gui_bar_height(g) + 12,
                        280)) {
        const struct meters *m = &d->meters;

        for (unsigned k = 0; k < METER_COUNT; k++) {
            if (meter_there(m, k))
                plot(m, g, k);
        }
        if (m->last.has_shadow)
            gui_text(g, GUI_DIM, "shadow pages zapped: %" G_GUINT64_FORMAT,
                     (guint64)m->last.pages_zapped);
        gui_text(g, GUI_DIM, "the last %d seconds", METERS_SAMPLES * METERS_EVERY / 1000000);
    }
    gui_float_end(g);
}
