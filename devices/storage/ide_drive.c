/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See ide_drive.h. */
#include "devices/storage/ide_drive.h"

#include <errno.h>

#include "base/error.h"
#include "base/log.h"
#include "devices/storage/ide_cd.h"
#include "devices/storage/ide_disk.h"

static bool image_does(const struct ide_unit *u, enum ide_kind kind, const struct block *block,
                       GError **err)
{
    uint64_t size = block ? block_size(block) : 0;

    if (kind == IDE_KIND_CD ? !block || size > 0 : size >= IDE_SECTOR)
        return true;
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE,
                "'%s' is too small for %s: it has %" G_GUINT64_FORMAT " bytes",
                block ? block_name(block) : "(nothing)",
                kind == IDE_KIND_CD ? "a CD"
                : u->sata           ? "a disk"
                                    : "an IDE disk",
                size);
    return false;
}

bool ide_drive_attach(struct ide_unit *u, enum ide_kind kind, struct block *block,
                      const char *serial, GError **err)
{
    if (!image_does(u, kind, block, err))
        return false;
    g_strlcpy(u->serial, serial, sizeof(u->serial));
    u->kind = kind;
    if (kind == IDE_KIND_CD) {
        u->ops = &ide_cd_ops;
        ide_cd_change(u, block);
        u->keep = (struct ide_cd_keep){0}; /* it was there when the power came */
    } else {
        u->ops = &ide_disk_ops;
        u->block = block;
        u->sectors = block_size(block) / IDE_SECTOR;
        if (block_size(block) % IDE_SECTOR)
            log_user("%s: the last %u bytes are no whole sector and cannot be reached",
                     block_name(block), (unsigned)(block_size(block) % IDE_SECTOR));
    }
    ide_unit_reset(u, IDE_RESET_HARD);
    return true;
}

bool ide_drive_change(struct ide_unit *u, struct block *block, bool force, struct block **old,
                      GError **err)
{
    if (!image_does(u, IDE_KIND_CD, block, err))
        return false;
    if (u->cd.locked && !force) {
        u->keep.eject_button_event = true;
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION, "the guest has locked the CD tray");
        return false;
    }
    if (old)
        *old = u->block;
    if (u->block)
        block_drain(u->block);
    ide_cd_change(u, block);
    ide_unit_give_up(u, -EIO); /* what waited for the machine to go on after an error */
    return true;
}
