/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP: drives and their media. A drive is named by its place, as in "ide1-cd0". */
#include <string.h>

#include "frontends/monitor/command.h"
#include "machine/drives.h"
#include "machine/machine.h"

/* Frees what the info has. */
static json_t *inserted(struct machine_drive_info *d)
{
    static const char *const limits[] = {"bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"};
    json_t *i = json_object(), *image = json_object(), *cache = json_object();

    json_object_set_new(image, "filename", json_text(d->file));
    json_object_set_new(image, "format", json_string(d->format));
    json_object_set_new(image, "virtual-size", json_integer((json_int_t)d->bytes));
    json_object_set_new(cache, "writeback", json_true());
    json_object_set_new(cache, "direct", json_false());
    json_object_set_new(cache, "no-flush", json_false());
    json_object_set_new(i, "file", json_text(d->file));
    json_object_set_new(i, "ro", json_boolean(d->readonly));
    json_object_set_new(i, "drv", json_string(d->format));
    json_object_set_new(i, "encrypted", json_false());
    json_object_set_new(i, "detect_zeroes", json_string("off"));
    json_object_set_new(i, "write_threshold", json_integer(0));
    json_object_set_new(i, "backing_file_depth", json_integer(d->snapshot ? 1 : 0));
    json_object_set_new(i, "image", image);
    json_object_set_new(i, "cache", cache);
    for (unsigned k = 0; k < G_N_ELEMENTS(limits); k++)
        json_object_set_new(i, limits[k], json_integer(0));
    g_free(d->file);
    return i;
}

static bool query_block(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    struct machine_drive_info d;

    (void)args;
    (void)err;
    *ret = json_array();
    for (unsigned n = 0; n < MACHINE_MAX_DRIVES; n++) {
        json_t *one;

        if (!machine_drive_info(mon->machine, n, &d))
            continue;
        one = json_object();
        json_object_set_new(one, "device", json_string(d.name));
        json_object_set_new(one, "type", json_string("unknown"));
        json_object_set_new(one, "removable", json_boolean(d.removable));
        json_object_set_new(one, "locked", json_boolean(d.tray_locked));
        if (d.cd)
            json_object_set_new(one, "tray_open", json_boolean(d.tray_open));
        if (d.medium)
            json_object_set_new(one, "inserted", inserted(&d));
        json_array_append_new(*ret, one);
    }
    return true;
}

/* The drive that `device` or `id` names; -1 with an error. */
static int named_drive(struct monitor *mon, const json_t *args, GError **err)
{
    const char *device = args_string(args, "device", NULL), *id = args_string(args, "id", NULL);
    struct machine_drive_info d;

    if (!device == !id) {
        monitor_fail(err, "%s",
                     device ? "Parameters 'device' and 'id' exclude each other"
                            : "Parameter 'device' is missing");
        return -1;
    }
    for (unsigned n = 0; n < MACHINE_MAX_DRIVES; n++) {
        if (!machine_drive_info(mon->machine, n, &d))
            continue;
        g_free(d.file);
        if (!strcmp(d.name, device ? device : id))
            return (int)n;
    }
    monitor_fail_as(device ? MONITOR_NO_DEVICE : MONITOR_GENERIC, err, "Device '%s' not found",
                    device ? device : id);
    return -1;
}

static bool change(struct monitor *mon, const json_t *args, const char *file, GError **err)
{
    int n = named_drive(mon, args, err);

    return n >= 0 && machine_change_medium(mon->machine, (unsigned)n, file,
                                           args_bool(args, "force", false), err);
}

static bool eject(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    (void)ret;
    return change(mon, args, NULL, err);
}

static bool change_medium(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    const char *format = args_string(args, "format", "raw");
    const char *mode = args_string(args, "read-only-mode", "retain");

    (void)ret;
    if (strcmp(format, "raw"))
        return monitor_fail(err, "Parameter 'format' must be 'raw', not '%s'", format);
    if (strcmp(mode, "retain") && strcmp(mode, "read-only"))
        return monitor_fail(err, "Parameter 'read-only-mode' must be 'retain' or 'read-only': a "
                                 "CD is never written");
    return change(mon, args, args_string(args, "filename", ""), err);
}

static bool resize(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    int64_t size = args_int(args, "size", 0);
    int n = named_drive(mon, args, err);

    (void)ret;
    if (n < 0)
        return false;
    if (size <= 0)
        return monitor_fail(err, "Parameter 'size' expects a number of bytes");
    return machine_resize_drive(mon->machine, (unsigned)n, (uint64_t)size, err);
}

static const struct mon_command commands[] = {
    {"query-block", "", "the drives and what is in them", .qmp = query_block},
    {"eject", "device:s?,id:s?,force:b?", "opens a CD or floppy drive and takes out what is in it",
     .qmp = eject},
    {"block_resize", "device:s?,id:s?,size:i", "makes the raw image of a virtio disk larger",
     .qmp = resize},
    {"blockdev-change-medium", "device:s?,id:s?,filename:s,format:s?,force:b?,read-only-mode:s?",
     "puts another medium into a CD or floppy drive, and closes it", .qmp = change_medium},
};
const struct mon_group qmp_block = {commands, G_N_ELEMENTS(commands)};
