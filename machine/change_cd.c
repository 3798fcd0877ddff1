/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another medium in a CD drive of a running machine; see machine.h. */
#include "backends/block.h"
#include "base/error.h"
#include "base/lock.h"
#include "devices/storage/piix_ide.h"
#include "machine/board.h"
#include "machine/media.h"

static bool is_cd(const struct board *b, unsigned place)
{
    return b->cfg.drive[place].present && b->cfg.drive[place].cd;
}

bool machine_change_cd(struct machine *m, unsigned place, const char *file, GError **err)
{
    struct board *b = machine_board(m);
    struct block *block = NULL, *old = NULL;
    bool ok;

    for (unsigned n = 0; place == MACHINE_FIRST_CD && n < MACHINE_MAX_DRIVES; n++) {
        if (is_cd(b, n))
            place = n;
    }
    if (place >= MACHINE_MAX_DRIVES || !is_cd(b, place)) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_CONFIG, "there is no CD drive%s",
                    place >= MACHINE_MAX_DRIVES ? "" : " in that place");
        return false;
    }
    if (file) {
        block = block_open_raw(file, true, err);
        if (!block || !media_check_cd(block, err)) {
            block_free(block);
            return false;
        }
    }
    lock_take(b->lock);
    ok = piix_ide_change_medium(b->ide, place / 2, place % 2, block, false, &old, err);
    if (ok)
        b->block[place] = block;
    lock_drop(b->lock);
    block_free(ok ? old : block);
    return ok;
}
