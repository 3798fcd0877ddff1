/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of disks, CDs and their images: docs/disks.md. */
#include "frontends/cli/option.h"

#include "base/error.h"
#include "base/suggest.h"

#include <string.h>

#include "base/bits.h"

#define MAX_SERIAL 20 /* characters, of an ATA disk */
#define MAX_ID     60

static const char *const interfaces[] = {"ide", "none", "virtio", "floppy", "pflash"};
static const char *const caches[] = {"writeback", "writethrough", "none", "directsync", "unsafe"};

/* A -drive in the making: what there is of it, and where it wants to be. */
struct wanted {
    struct machine_drive d;
    uint64_t index, bus, unit;
    bool has_index, has_bus;
};

static struct wanted plain(const char *file)
{
    return (struct wanted){.d = {.file = file, .write_error = BLOCK_ERROR_STOP_IF_FULL}};
}

static const char *called(const struct machine_drive *d)
{
    return d->file ? d->file : "an empty drive";
}

/* ---- places ---- */

/* A place on the IDE cables; place < 0: the first free one, for CDs from the second channel on. */
static bool add_ide(struct options *o, int place, const struct machine_drive *d, GError **err)
{
    static const int disks[MACHINE_IDE_DRIVES] = {0, 1, 2, 3},
                     cds[MACHINE_IDE_DRIVES] = {2, 3, 1, 0};
    struct machine_drive *all = o->machine.drive;

    for (unsigned k = 0; k < MACHINE_IDE_DRIVES && place < 0; k++) {
        int n = d->cd ? cds[k] : disks[k];

        if (!all[n].present)
            place = n;
    }
    if (place < 0)
        return error_option(err, "no free IDE place for '%s' (there are four)", called(d));
    if (all[place].present)
        return error_option(err, "two drives want IDE place %d ('%s' and '%s')", place,
                            called(&all[place]), called(d));
    all[place] = *d;
    all[place].index = (unsigned)place;
    return true;
}

static bool index_is_used(const struct options *o, const struct machine_drive *d, unsigned index)
{
    for (unsigned n = MACHINE_IDE_DRIVES; n < MACHINE_MAX_DRIVES; n++) {
        const struct machine_drive *one = &o->machine.drive[n];

        if (one->present && one->interface == d->interface && one->index == index)
            return true;
    }
    return false;
}

/* One that is no IDE drive, with the index that it wants or the first free one. */
static bool add_other(struct options *o, const struct wanted *w, GError **err)
{
    struct machine_drive *all = o->machine.drive, d = w->d;
    unsigned n = MACHINE_IDE_DRIVES;

    while (n < MACHINE_MAX_DRIVES && all[n].present)
        n++;
    if (n == MACHINE_MAX_DRIVES)
        return error_option(err, "-drive: there is room for %u drives besides those of IDE",
                            MACHINE_MAX_DRIVES - MACHINE_IDE_DRIVES);
    d.index = (unsigned)w->index;
    if (w->has_index && index_is_used(o, &d, d.index))
        return error_option(err, "-drive: two drives have if=%s and index=%u",
                            interfaces[d.interface], d.index);
    while (!w->has_index && index_is_used(o, &d, d.index))
        d.index++;
    if (d.interface == MACHINE_IF_FLOPPY && d.index > 1)
        return error_option(err, "-drive: there are two floppy drives, index=0 and index=1");
    if (d.interface == MACHINE_IF_PFLASH && d.index > 1)
        return error_option(err, "-drive: there are two flash chips, unit=0 and unit=1");
    all[n] = d;
    return true;
}

static bool add(struct options *o, struct wanted *w, GError **err)
{
    for (unsigned n = 0; w->d.id && n < MACHINE_MAX_DRIVES; n++) {
        const struct machine_drive *one = &o->machine.drive[n];

        if (one->present && one->id && !strcmp(one->id, w->d.id))
            return error_option(err, "-drive: two drives have id=%s", w->d.id);
    }
    w->d.present = true;
    w->d.readonly |= w->d.cd;
    if (w->d.interface == MACHINE_IF_PFLASH && w->d.cd)
        return error_option(err, "-drive: if=pflash is a flash chip, and no CD");
    if (w->d.interface != MACHINE_IF_IDE)
        return add_other(o, w, err);
    if (w->has_index && w->index >= MACHINE_IDE_DRIVES)
        return error_option(err, "-drive: index: '%u' is not a number from 0 to 3",
                            (unsigned)w->index);
    return add_ide(o,
                   w->has_index ? (int)w->index
                   : w->has_bus ? (int)(w->bus * 2 + w->unit)
                                : -1,
                   &w->d, err);
}

/* ---- -drive ---- */

/* The place of `word` among n known ones; -1 with an error. */
static int choose(const char *what, const char *word, const char *const *known, size_t n,
                  GError **err)
{
    for (size_t k = 0; k < n; k++) {
        if (!strcmp(known[k], word))
            return (int)k;
    }
    suggest_error(err, what, word, known, n);
    return -1;
}

static bool set_format(struct machine_drive *d, const char *v, GError **err)
{
    const char *const *known = block_open_formats();
    unsigned n = 0;
    int k;

    while (known[n])
        n++;
    k = choose("disk format", v, known, n, err);
    if (k >= 0)
        d->format = known[k];
    return k >= 0;
}

static bool set_interface(struct machine_drive *d, const char *v, GError **err)
{
    int k = choose("-drive interface", v, interfaces, ARRAY_SIZE(interfaces), err);

    d->interface = (enum machine_interface)MAX(k, 0);
    return k >= 0;
}

static bool set_cache(struct machine_drive *d, const char *v, GError **err)
{
    int k = choose("-drive cache mode", v, caches, ARRAY_SIZE(caches), err);

    d->cache = (enum block_cache)MAX(k, 0);
    return k >= 0;
}

static bool set_discard(struct machine_drive *d, const char *v, GError **err)
{
    static const char *const known[] = {"ignore", "unmap", "off", "on"};
    int k = choose("-drive discard mode", v, known, ARRAY_SIZE(known), err);

    d->discard = k == 1 || k == 3;
    return k >= 0;
}

static bool set_policy(const char *what, enum block_error_policy *p, const char *v, bool writing,
                       GError **err)
{
    static const char *const known[] = {"report", "ignore", "stop", "enospc"};
    int k = choose(what, v, known, writing ? 4 : 3, err);

    *p = (enum block_error_policy)MAX(k, 0);
    return k >= 0;
}

static bool set_text(const char *what, const char **to, const char *v, size_t max, GError **err)
{
    if (!*v || strlen(v) > max)
        return error_option(err, "-drive: %s has 1 to %zu characters", what, max);
    *to = v;
    return true;
}

static bool set_aio(const char *v, GError **err)
{
    static const char *const known[] = {"threads", "native", "io_uring"}; /* all are threads */

    return choose("-drive aio", v, known, ARRAY_SIZE(known), err) >= 0;
}

static bool set_media(struct machine_drive *d, const char *v, GError **err)
{
    d->cd = !strcmp(v, "cdrom");
    return d->cd || !strcmp(v, "disk") ||
           error_option(err, "-drive: media is 'disk' or 'cdrom', not '%s'", v);
}

/* One parameter; `given` is NULL for a bare word. */
static bool set(struct wanted *w, const char *key, const char *given, GError **err)
{
    static const char *const keys[] = {
        "file",   "format",   "if",       "index", "media",   "unit",   "bus",    "id",
        "serial", "readonly", "snapshot", "cache", "discard", "werror", "rerror", "aio"};
    struct machine_drive *d = &w->d;
    const char *v = given ? given : "";

    switch (choose("-drive parameter", key, keys, ARRAY_SIZE(keys), err)) {
    case 0: d->file = v; return true;
    case 1: return set_format(d, v, err);
    case 2: return set_interface(d, v, err);
    case 3:
        w->has_index = true;
        return option_number("-drive: index", v, MACHINE_MAX_DRIVES, &w->index, err);
    case 4: return set_media(d, v, err);
    case 5: w->has_bus = true; return option_number("-drive: unit", v, 1, &w->unit, err);
    case 6: w->has_bus = true; return option_number("-drive: bus", v, 1, &w->bus, err);
    case 7: return set_text("id", &d->id, v, MAX_ID, err);
    case 8: return set_text("serial", &d->serial, v, MAX_SERIAL, err);
    case 9: return option_on_off("-drive: readonly", given, &d->readonly, err);
    case 10: return option_on_off("-drive: snapshot", given, &d->snapshot, err);
    case 11: return set_cache(d, v, err);
    case 12: return set_discard(d, v, err);
    case 13: return set_policy("-drive werror", &d->write_error, v, true, err);
    case 14: return set_policy("-drive rerror", &d->read_error, v, false, err);
    case 15: return set_aio(v, err);
    default: return false;
    }
}

static bool opt_drive(struct options *o, const char *value, GError **err)
{
    struct wanted w = plain(NULL);
    struct option_pairs p;

    if (!option_pairs(o, value, &p, err))
        return false;
    for (unsigned k = 0; k < p.n; k++) {
        if (!set(&w, p.key[k], p.value[k], err))
            return false;
    }
    if ((!w.d.file || !*w.d.file) && !w.d.cd && w.d.interface != MACHINE_IF_FLOPPY)
        return error_option(err, "-drive: no file=");
    if (w.d.file && !*w.d.file)
        w.d.file = NULL;
    if (w.has_index && w.has_bus)
        return error_option(err, "-drive: index= and bus=, unit= say the same twice");
    if (w.has_bus && w.d.interface == MACHINE_IF_PFLASH && !w.bus) {
        w.has_index = true;
        w.index = w.unit;
    } else if (w.has_bus && w.d.interface != MACHINE_IF_IDE) {
        return error_option(err, "-drive: bus= and unit= are for if=ide, unit= also for if=pflash");
    }
    if (w.d.interface == MACHINE_IF_NONE && !w.d.id)
        return error_option(err, "-drive: if=none needs an id=, by which a -device finds it");
    return add(o, &w, err);
}

/* ---- the short ones ---- */

static bool opt_cdrom(struct options *o, const char *value, GError **err)
{
    struct wanted w = plain(value);

    w.d.cd = true;
    return add(o, &w, err);
}

static bool add_at(struct options *o, const char *file, enum machine_interface interface,
                   unsigned index, GError **err)
{
    struct wanted w = plain(file);

    w.d.interface = interface;
    w.index = index;
    w.has_index = true;
    return add(o, &w, err);
}

static bool opt_hda(struct options *o, const char *value, GError **err)
{
    return add_at(o, value, MACHINE_IF_IDE, 0, err);
}

static bool opt_hdb(struct options *o, const char *value, GError **err)
{
    return add_at(o, value, MACHINE_IF_IDE, 1, err);
}

static bool opt_hdc(struct options *o, const char *value, GError **err)
{
    return add_at(o, value, MACHINE_IF_IDE, 2, err);
}

static bool opt_hdd(struct options *o, const char *value, GError **err)
{
    return add_at(o, value, MACHINE_IF_IDE, 3, err);
}

static bool opt_fda(struct options *o, const char *value, GError **err)
{
    return add_at(o, value, MACHINE_IF_FLOPPY, 0, err);
}

static bool opt_fdb(struct options *o, const char *value, GError **err)
{
    return add_at(o, value, MACHINE_IF_FLOPPY, 1, err);
}

static bool opt_pflash(struct options *o, const char *value, GError **err)
{
    struct wanted w = plain(value);

    w.d.interface = MACHINE_IF_PFLASH;
    return add(o, &w, err);
}

static bool opt_snapshot(struct options *o, const char *value, GError **err)
{
    (void)value;
    (void)err;
    o->snapshot = true;
    return true;
}

static const struct option options[] = {
    {"cdrom", "FILE", "CD image in the second IDE channel", opt_cdrom},
    {"drive",
     "file=F[,format=F][,if=ide|none|virtio|floppy|pflash][,index=N][,media=cdrom][,id=ID]…",
     "a disk or CD; all of it in docs/disks.md", opt_drive},
    {"hda", "FILE", "disk image, IDE place 0 (also -hdb, -hdc, -hdd)", opt_hda},
    {"hdb", "FILE", NULL, opt_hdb},
    {"hdc", "FILE", NULL, opt_hdc},
    {"hdd", "FILE", NULL, opt_hdd},
    {"fda", "FILE", "floppy image in the first drive (-fdb: the second)", opt_fda},
    {"fdb", "FILE", NULL, opt_fdb},
    {"pflash", "FILE", "image of a flash chip: firmware, then its variables", opt_pflash},
    {"snapshot", NULL, "throw away what the guest writes to the disks", opt_snapshot},
};

const struct option_group options_drive = {options, ARRAY_SIZE(options)};
