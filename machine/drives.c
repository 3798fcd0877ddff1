/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See drives.h. */
#include "machine/drives.h"

#include "backends/block.h"
#include "base/error.h"
#include "base/lock.h"
#include "devices/storage/piix_ide.h"
#include "machine/board.h"
#include "machine/media.h"

bool machine_drive_info(struct machine *m, unsigned n, struct machine_drive_info *out)
{
    struct board *b = machine_board(m);
    const struct machine_drive *d = &b->cfg.drive[n];
    struct block *block;

    *out = (struct machine_drive_info){.cd = d->cd, .snapshot = d->snapshot && !d->cd};
    if (!d->present)
        return false;
    g_snprintf(out->name, sizeof(out->name), "ide%u-%s%u", n / 2, d->cd ? "cd" : "hd", n % 2);
    lock_take(b->lock);
    block = piix_ide_block(b->ide, n / 2, n % 2);
    out->tray_open = piix_ide_tray_open(b->ide, n / 2, n % 2);
    out->tray_locked = d->cd && piix_ide_tray_locked(b->ide, n / 2, n % 2);
    if (block) {
        out->medium = true;
        out->readonly = block_readonly(block);
        out->file = g_strdup(block_name(block));
        out->bytes = block_size(block);
    }
    lock_drop(b->lock);
    return true;
}

bool machine_change_medium(struct machine *m, unsigned n, const char *file, bool force,
                           GError **err)
{
    struct board *b = machine_board(m);
    struct block *fresh = NULL, *old = NULL;
    bool ok;

    for (unsigned k = 0; n == MACHINE_FIRST_CD && k < MACHINE_MAX_DRIVES; k++) {
        if (b->cfg.drive[k].present && b->cfg.drive[k].cd)
            n = k;
    }
    if (n == MACHINE_FIRST_CD) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_CONFIG, "there is no CD drive");
        return false;
    }
    if (!b->cfg.drive[n].present || !b->cfg.drive[n].cd) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_CONFIG,
                    "only a CD drive can have its medium changed");
        return false;
    }
    if (file) {
        fresh = block_open_raw(file, true, err);
        if (!fresh || !media_check_cd(fresh, err)) {
            block_free(fresh);
            return false;
        }
    }
    lock_take(b->lock);
    ok = piix_ide_change_medium(b->ide, n / 2, n % 2, fresh, force, &old, err);
    if (ok)
        b->block[n] = fresh;
    lock_drop(b->lock);
    block_free(ok ? old : fresh);
    return ok;
}
