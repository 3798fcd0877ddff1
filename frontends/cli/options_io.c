/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of what stands behind screen and serial lines. */
#include "frontends/cli/option.h"

#include <string.h>

#include "base/bits.h"

static bool opt_serial(struct options *o, const char *value, GError **err)
{
    for (unsigned n = 0; n < MACHINE_MAX_SERIAL; n++) {
        if (!o->serial[n]) {
            o->serial[n] = value;
            return true;
        }
    }
    return option_fail(err, "-serial: there are only %d ports", MACHINE_MAX_SERIAL);
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

static bool opt_display(struct options *o, const char *value, GError **err)
{
    static const char *const kinds[] = {"none", "text", "sdl"};

    for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
        if (!strcmp(value, kinds[k])) {
            o->display = (enum display_kind)k;
            o->display_given = true;
            return true;
        }
    }
    return option_fail_unknown(err, "display", value, kinds, ARRAY_SIZE(kinds));
}

static bool opt_vga(struct options *o, const char *value, GError **err)
{
    static const char *const kinds[] = {"std", "none"};

    if (strcmp(value, "std") && strcmp(value, "none"))
        return option_fail_unknown(err, "VGA", value, kinds, ARRAY_SIZE(kinds));
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
    {"serial", "stdio|file:F|pty|null|none", "serial port; may be repeated", opt_serial},
    {"debugcon", "stdio|file:F|…", "what the guest writes to port 0xe9", opt_debugcon},
    {"nographic", NULL,
     "no window; serial port and monitor on the terminal: Ctrl-A x leaves, Ctrl-A c changes",
     opt_nographic},
    {"display", "none|text|sdl", "where the screen goes", opt_display},
    {"vga", "std|none", "the display adapter", opt_vga},
    {"screendump", "FILE", "write the text screen at the end and on SIGUSR1", opt_screendump},
};

const struct option_group options_io = {options, ARRAY_SIZE(options)};
