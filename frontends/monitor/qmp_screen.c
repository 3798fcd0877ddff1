/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP: what is on the screen, as a file. */
#include <string.h>

#include "base/lock.h"
#include "devices/display/vga_render.h"
#include "frontends/monitor/command.h"
#include "frontends/screenshot.h"
#include "machine/board.h"

/* PPM, as QEMU has it, unless the name says otherwise. */
static const char *default_format(const char *file)
{
    return g_str_has_suffix(file, ".png") ? "png" : "ppm";
}

static bool screendump(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    const char *file = args_string(args, "filename", "");
    const char *format = args_string(args, "format", default_format(file));
    struct vga *vga = mon->board->vga;
    struct vga_surface s = {0};
    bool png = !strcmp(format, "png"), ok;

    (void)ret;
    if (json_object_get(args, "device"))
        return monitor_fail_as(MONITOR_NO_DEVICE, err, "Device '%s' not found",
                               args_string(args, "device", ""));
    if (args_int(args, "head", 0))
        return monitor_fail(err, "Parameter 'head' must be 0: there is one screen");
    if (!png && strcmp(format, "ppm"))
        return monitor_fail(err, "Parameter 'format' does not accept value '%s'", format);
    if (!vga)
        return monitor_fail(err, "there is no screen: the machine has no display adapter");
    lock_take(mon->board->lock);
    vga_render(vga, vga_frame(vga), &s);
    lock_drop(mon->board->lock);
    ok = png ? screenshot_write_png(file, &s, err) : screenshot_write_ppm(file, &s, err);
    vga_surface_free(&s);
    return ok;
}

static const struct mon_command commands[] = {
    {"screendump", "filename:s,device:s?,head:i?,format:s?", "saves the screen as PNG or PPM",
     .qmp = screendump},
};
const struct mon_group qmp_screen = {commands, G_N_ELEMENTS(commands)};
