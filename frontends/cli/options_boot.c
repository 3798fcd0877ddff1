/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of what is booted: kernel, firmware, disks, order. */
#include "frontends/cli/option.h"

#include <string.h>

#include "base/bits.h"

static bool opt_kernel(struct options *o, const char *value, GError **err)
{
    (void)err;
    o->machine.kernel = value;
    return true;
}

static bool opt_initrd(struct options *o, const char *value, GError **err)
{
    (void)err;
    o->machine.initrd = value;
    return true;
}

static bool opt_append(struct options *o, const char *value, GError **err)
{
    (void)err;
    o->machine.append = value;
    return true;
}

static bool opt_bios(struct options *o, const char *value, GError **err)
{
    (void)err;
    o->machine.bios = value;
    return true;
}

static bool opt_dir(struct options *o, const char *value, GError **err)
{
    (void)err;
    o->machine.firmware_dir = value;
    return true;
}

/* Takes a place on the IDE cables; place < 0: the first free one, for CDs from the second channel
 * on. */
static bool add_drive(struct options *o, int place, const struct machine_drive *d, GError **err)
{
    struct machine_drive *all = o->machine.drive;

    if (place < 0) {
        static const int disks[] = {0, 1, 2, 3}, cds[] = {2, 3, 1, 0};

        for (unsigned k = 0; k < MACHINE_MAX_DRIVES && place < 0; k++) {
            int n = d->cd ? cds[k] : disks[k];

            if (!all[n].present)
                place = n;
        }
        if (place < 0)
            return option_fail(err, "no free IDE place for '%s' (there are four)",
                               d->file ? d->file : "an empty drive");
    }
    if (all[place].present)
        return option_fail(err, "two drives want IDE place %d ('%s' and '%s')", place,
                           all[place].file ? all[place].file : "an empty drive",
                           d->file ? d->file : "an empty drive");
    all[place] = *d;
    all[place].present = true;
    return true;
}

static bool opt_cdrom(struct options *o, const char *value, GError **err)
{
    struct machine_drive d = {.file = value, .cd = true, .readonly = true};

    return add_drive(o, -1, &d, err);
}

static bool add_disk(struct options *o, int place, const char *value, GError **err)
{
    struct machine_drive d = {.file = value};

    return add_drive(o, place, &d, err);
}

static bool opt_hda(struct options *o, const char *value, GError **err)
{
    return add_disk(o, 0, value, err);
}

static bool opt_hdb(struct options *o, const char *value, GError **err)
{
    return add_disk(o, 1, value, err);
}

static bool opt_hdc(struct options *o, const char *value, GError **err)
{
    return add_disk(o, 2, value, err);
}

static bool opt_hdd(struct options *o, const char *value, GError **err)
{
    return add_disk(o, 3, value, err);
}

static bool opt_drive(struct options *o, const char *value, GError **err)
{
    static const char *const keys[] = {"file", "format", "if",       "index",   "media",
                                       "unit", "bus",    "readonly", "snapshot"};
    struct machine_drive d = {0};
    uint64_t index = 0, bus = 0, unit = 0;
    bool has_index = false, has_bus = false;
    struct option_pairs p;

    if (!option_pairs(o, value, &p, err))
        return false;
    for (unsigned k = 0; k < p.n; k++) {
        const char *key = p.key[k], *v = p.value[k] ? p.value[k] : "";
        bool ok = true;

        if (!strcmp(key, "file"))
            d.file = v;
        else if (!strcmp(key, "format"))
            ok = !strcmp(v, "raw") || option_fail(err, "-drive: format '%s' is not 'raw'", v);
        else if (!strcmp(key, "if"))
            ok = !strcmp(v, "ide") || option_fail(err, "-drive: interface '%s' is not 'ide'", v);
        else if (!strcmp(key, "media"))
            ok = (d.cd = !strcmp(v, "cdrom")) || !strcmp(v, "disk") ||
                 option_fail(err, "-drive: media is 'disk' or 'cdrom', not '%s'", v);
        else if (!strcmp(key, "index"))
            ok = has_index = option_number("-drive: index", v, 3, &index, err);
        else if (!strcmp(key, "bus"))
            ok = has_bus = option_number("-drive: bus", v, 1, &bus, err);
        else if (!strcmp(key, "unit"))
            ok = has_bus = option_number("-drive: unit", v, 1, &unit, err);
        else if (!strcmp(key, "readonly"))
            ok = option_on_off("-drive: readonly", p.value[k], &d.readonly, err);
        else if (!strcmp(key, "snapshot"))
            ok = option_on_off("-drive: snapshot", p.value[k], &d.snapshot, err);
        else
            ok = option_fail_unknown(err, "-drive parameter", key, keys, ARRAY_SIZE(keys));
        if (!ok)
            return false;
    }
    if ((!d.file || !*d.file) && !d.cd)
        return option_fail(err, "-drive: no file=");
    if (d.file && !*d.file)
        d.file = NULL;
    if (has_index && has_bus)
        return option_fail(err, "-drive: index= and bus=, unit= say the same twice");
    return add_drive(o, has_index ? (int)index : has_bus ? (int)(bus * 2 + unit) : -1, &d, err);
}

static bool opt_boot(struct options *o, const char *value, GError **err)
{
    static const char *const keys[] = {"order", "menu"};
    struct option_pairs p;

    if (!option_pairs(o, value, &p, err))
        return false;
    for (unsigned k = 0; k < p.n; k++) {
        const char *order = !p.value[k] && k == 0 ? p.key[k] : NULL;

        if (!strcmp(p.key[k], "order"))
            order = p.value[k] ? p.value[k] : "";
        if (order) {
            if (!*order || strspn(order, "acdn") != strlen(order))
                return option_fail(err, "-boot: order '%s' is not made of a, c, d and n", order);
            o->machine.boot_order = order;
        } else if (!strcmp(p.key[k], "menu")) {
            if (!option_on_off("-boot: menu", p.value[k], &o->machine.boot_menu, err))
                return false;
        } else {
            return option_fail_unknown(err, "-boot parameter", p.key[k], keys, ARRAY_SIZE(keys));
        }
    }
    return true;
}

static bool opt_snapshot(struct options *o, const char *value, GError **err)
{
    (void)value;
    (void)err;
    o->snapshot = true;
    return true;
}

static bool opt_no_reboot(struct options *o, const char *value, GError **err)
{
    (void)value;
    (void)err;
    o->machine.no_reboot = true;
    return true;
}

static const struct option options[] = {
    {"kernel", "FILE", "boot a Linux bzImage or Multiboot kernel directly", opt_kernel},
    {"initrd", "FILE", "its initial RAM disk (Multiboot: \"file args,file2\")", opt_initrd},
    {"append", "STRING", "its command line", opt_append},
    {"cdrom", "FILE", "CD image in the second IDE channel", opt_cdrom},
    {"drive", "file=F,format=raw,if=ide[,index=N][,media=cdrom][,readonly=on][,snapshot=on]",
     "a disk or CD", opt_drive},
    {"hda", "FILE", "disk image, IDE place 0 (also -hdb, -hdc, -hdd)", opt_hda},
    {"hdb", "FILE", NULL, opt_hdb},
    {"hdc", "FILE", NULL, opt_hdc},
    {"hdd", "FILE", NULL, opt_hdd},
    {"snapshot", NULL, "throw away what the guest writes to the disks", opt_snapshot},
    {"boot", "[order=]cd[,menu=on]", "what the firmware tries: a, c disk, d CD, n", opt_boot},
    {"bios", "FILE", "firmware image (default SeaBIOS)", opt_bios},
    {"L", "DIR", "where to look for firmware first", opt_dir},
    {"no-reboot", NULL, "a guest reset ends the machine (see docs/exit-status.md)", opt_no_reboot},
};

const struct option_group options_boot = {options, ARRAY_SIZE(options)};
