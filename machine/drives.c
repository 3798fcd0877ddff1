/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See drives.h. */
#include "machine/drives.h"

#include <errno.h>

#include "backends/block.h"
#include "base/error.h"
#include "base/lock.h"
#include "machine/board.h"
#include "machine/media.h"

static const char *const interfaces[] = {"ide", "none", "virtio", "floppy", "pflash"};

bool machine_drive_info(struct machine *m, unsigned n, struct machine_drive_info *out)
{
    struct board *b = machine_board(m);
    const struct machine_drive *d = &b->cfg.drive[n];
    const struct board_drive *drive = &b->drive[n];
    struct block *block;

    *out =
        (struct machine_drive_info){.cd = d->cd, .snapshot = d->snapshot && !d->cd && !d->readonly};
    if (!d->present)
        return false;
    if (d->id)
        g_strlcpy(out->name, d->id, sizeof(out->name));
    else if (n < MACHINE_IDE_DRIVES)
        g_snprintf(out->name, sizeof(out->name), "ide%u-%s%u", n / 2, d->cd ? "cd" : "hd", n % 2);
    else
        g_snprintf(out->name, sizeof(out->name), "%s%u", interfaces[d->interface], d->index);
    lock_take(b->lock);
    block = drive->block;
    out->removable = drive->ops != NULL;
    if (drive->ops) {
        out->tray_open = drive->ops->tray_open(drive->device, drive->place);
        out->tray_locked = drive->ops->tray_locked(drive->device, drive->place);
    }
    if (block) {
        out->medium = true;
        out->readonly = block_readonly(block);
        out->file = g_strdup(block_name(block));
        out->bytes = block_size(block);
        out->format = block_format(block);
        out->stats = block_stats(block);
    }
    lock_drop(b->lock);
    return true;
}

/* Another medium for a drive whose first one was configured so. */
static struct block *open_medium(const struct machine_drive *d, const char *file, GError **err)
{
    const struct block_spec spec = {.file = file,
                                    .readonly = d->cd || d->readonly,
                                    .snapshot = d->snapshot && !d->cd && !d->readonly,
                                    .cache = d->cache,
                                    .discard = d->discard};
    struct block *b = block_open(&spec, err);

    if (b && d->cd && !media_check_cd(b, err)) {
        block_free(b);
        return NULL;
    }
    if (b)
        block_set_error_policy(b, d->read_error, d->write_error);
    return b;
}

bool machine_change_medium(struct machine *m, unsigned n, const char *file, bool force,
                           GError **err)
{
    struct board *b = machine_board(m);
    struct board_drive *drive;
    struct block *fresh = NULL, *old = NULL, *unused;
    bool ok;

    for (unsigned k = 0; n == MACHINE_FIRST_CD && k < MACHINE_MAX_DRIVES; k++) {
        if (b->cfg.drive[k].present && b->cfg.drive[k].cd)
            n = k;
    }
    if (n == MACHINE_FIRST_CD) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_CONFIG, "there is no CD drive");
        return false;
    }
    drive = &b->drive[n];
    if (!b->cfg.drive[n].present || !drive->ops) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_CONFIG,
                    "only a CD or floppy drive can have its medium changed");
        return false;
    }
    if (file) {
        fresh = open_medium(&b->cfg.drive[n], file, err);
        if (!fresh)
            return false;
    }
    lock_take(b->lock);
    if (fresh)
        block_attach(fresh, b->blocks);
    ok = drive->ops->change(drive->device, drive->place, fresh, force, &old, err);
    if (ok) {
        drive->block = fresh;
        b->told_error[n] = false;
    }
    unused = ok ? old : fresh;
    if (unused)
        block_detach(unused);
    lock_drop(b->lock);
    block_free(unused);
    return ok;
}

bool machine_resize_drive(struct machine *m, unsigned n, uint64_t bytes, GError **err)
{
    struct board *b = machine_board(m);
    struct board_drive *drive = &b->drive[n];
    int rc = -ENOTSUP;

    lock_take(b->lock);
    if (drive->block && drive->resized) {
        rc = block_resize(drive->block, bytes);
        if (!rc)
            drive->resized(drive->device);
    }
    lock_drop(b->lock);
    if (!rc)
        return true;
    if (!drive->resized)
        return error_config(err, "only the size of a virtio disk can be changed");
    if (rc == -ENOTSUP)
        return error_config(err, "only a raw image file without snapshot can be resized here");
    if (rc == -EINVAL)
        return error_config(err, "a disk can be made larger, by whole sectors, but not smaller");
    return error_config(err, "cannot resize the image: %s", g_strerror(-rc));
}
