/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of what stands behind screen and serial lines. */
#include "frontends/cli/option.h"

#include "base/error.h"
#include "base/suggest.h"

#include <string.h>

#include "base/bits.h"
#include "frontends/keyboard_layout.h"

static bool opt_serial(struct options *o, const char *value, GError **err)
{
    for (unsigned n = 0; n < MACHINE_MAX_SERIAL; n++) {
        if (!o->serial[n]) {
            o->serial[n] = value;
            return true;
        }
    }
    return error_option(err, "-serial: there are only %d ports", MACHINE_MAX_SERIAL);
}

static bool opt_debugcon(struct options *o, const char *value, GError **err)
{
    (void)err;
    o->port_e9 = value;
    return true;
}

static bool opt_nographic(struct options *o, const char *value, GError **err)
{
    (void)value;
    (void)err;
    o->nographic = true;
    return true;
}

/* What QEMU's window takes behind its name; its graphics are drawn by SDL's renderer of that kind.
 */
static bool sdl_parameter(struct options *o, const char *key, const char *value, GError **err)
{
    static const char *const keys[] = {"full-screen", "gl", "show-cursor", "window-close",
                                       "zoom-to-fit"};
    static const char *const gls[] = {"on", "off", "core", "es"};
    bool on;

    if (!strcmp(key, "full-screen"))
        return option_on_off("-display sdl: full-screen", value, &o->full_screen, err);
    if (!strcmp(key, "zoom-to-fit"))
        return option_on_off("-display sdl: zoom-to-fit", value, &o->smooth, err);
    if (!strcmp(key, "show-cursor"))
        return option_on_off("-display sdl: show-cursor", value, &o->show_cursor, err);
    if (!strcmp(key, "window-close")) {
        if (!option_on_off("-display sdl: window-close", value, &on, err))
            return false;
        o->no_window_close = !on;
        return true;
    }
    if (strcmp(key, "gl"))
        return suggest_error(err, "-display sdl parameter", key, keys, ARRAY_SIZE(keys));
    value = value ? value : "on";
    for (unsigned k = 0; k < ARRAY_SIZE(gls); k++) {
        if (strcmp(value, gls[k]))
            continue;
        o->renderer = !strcmp(value, "off")  ? "software"
                      : !strcmp(value, "es") ? "opengles2"
                                             : "opengl";
        return true;
    }
    return suggest_error(err, "-display sdl gl", value, gls, ARRAY_SIZE(gls));
}

static bool opt_display(struct options *o, const char *value, GError **err)
{
    static const char *const kinds[] = {"none", "text", "sdl"};
    const char *kind;
    struct option_pairs p;

    if (!option_pairs(o, value, &p, err))
        return false;
    kind = p.n && !p.value[0] ? p.key[0] : value;
    for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
        if (strcmp(kind, kinds[k]))
            continue;
        o->display = (enum display_kind)k;
        o->display_given = true;
        if (o->display != DISPLAY_SDL && p.n > 1)
            return error_option(err, "-display %s has no parameter '%s'", kind, p.key[1]);
        for (unsigned n = 1; n < p.n; n++) {
            if (!sdl_parameter(o, p.key[n], p.value[n], err))
                return false;
        }
        return true;
    }
    return suggest_error(err, "display", kind, kinds, ARRAY_SIZE(kinds));
}

static bool opt_full_screen(struct options *o, const char *value, GError **err)
{
    (void)value;
    (void)err;
    o->full_screen = true;
    return true;
}

static bool opt_layout(struct options *o, const char *value, GError **err)
{
    o->layout = value;
    return keyboard_layout_find(value) ||
           suggest_error(err, "keyboard layout", value, keyboard_layout_names,
                         g_strv_length((char **)(uintptr_t)keyboard_layout_names));
}

static bool opt_vga(struct options *o, const char *value, GError **err)
{
    static const char *const kinds[] = {"std", "none"};

    if (strcmp(value, "std") && strcmp(value, "none"))
        return suggest_error(err, "VGA", value, kinds, ARRAY_SIZE(kinds));
    o->machine.no_vga = !strcmp(value, "none");
    o->vga_given = true;
    return true;
}

static bool opt_screendump(struct options *o, const char *value, GError **err)
{
    (void)err;
    o->screendump = value;
    return true;
}

static const struct option options[] = {
    {"serial", "stdio|file:F|pty|unix:PATH|tcp:HOST:PORT|chardev:ID|null|none",
     "serial port; may be repeated", opt_serial},
    {"debugcon", "stdio|file:F|…", "what the guest writes to port 0xe9", opt_debugcon},
    {"nographic", NULL,
     "no window; serial port and monitor on the terminal: Ctrl-A x leaves, Ctrl-A c changes",
     opt_nographic},
    {"display", "none|text|sdl[,full-screen=on][,zoom-to-fit=on][,gl=on|off]...",
     "where the screen goes", opt_display},
    {"full-screen", NULL, "the window begins on the whole screen", opt_full_screen},
    {"k", "us|de|fr|gb", "the guest's keyboard layout, for text that is pasted", opt_layout},
    {"vga", "std|none", "the display adapter", opt_vga},
    {"screendump", "FILE", "write the text screen at the end and on SIGUSR1", opt_screendump},
};

const struct option_group options_io = {options, ARRAY_SIZE(options)};
