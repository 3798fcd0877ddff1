/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See board_drives.h. */
#include "machine/board_drives.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/lock.h"
#include "base/log.h"
#include "machine/board.h"
#include "machine/media.h"
#include "machine/notes.h"

static const char *const doing[] = {"reading", "writing", "flushing", "discarding", "zeroing"};

/* An image's error, before the guest hears of it: a person does, once an image and policy. */
static void image_failed(void *opaque, const struct block_error *e)
{
    struct board *b = opaque;
    unsigned n = 0;

    while (n < MACHINE_MAX_DRIVES && b->drive[n].block != e->block)
        n++;
    if (n == MACHINE_MAX_DRIVES) /* a medium that is just being taken out */
        return;
    if (!b->told_error[n] || e->policy == BLOCK_ERROR_STOP)
        log_user("%s: error %s at byte %" PRIu64 ": %s (%s)", block_name(e->block), doing[e->op],
                 e->off, g_strerror(-e->err),
                 e->policy == BLOCK_ERROR_STOP
                     ? "the machine pauses, and tries again when it goes on"
                 : e->policy == BLOCK_ERROR_IGNORE ? "kept from the guest; later ones are not shown"
                                                   : "told to the guest; later ones are not shown");
    b->told_error[n] = true;
    if (b->image_failed)
        b->image_failed(b->image_failed_opaque, n, e);
}

static bool open_drive(struct board *b, unsigned n, GError **err)
{
    const struct machine_drive *d = &b->cfg.drive[n];
    struct block_spec spec = {
        .file = d->file,
        .format = d->format,
        .readonly = d->readonly || d->cd,
        .snapshot = d->snapshot && !d->cd && !d->readonly,
        .cache = d->cache,
        .discard = d->discard,
    };
    struct block *block;

    if (!d->present || !d->file)
        return true;
    block = block_open(&spec, err);
    if (!block)
        return false;
    b->drive[n].block = block;
    if (d->cd && !media_check_cd(block, err))
        return false;
    block_set_error_policy(block, d->read_error, d->write_error);
    block_attach(block, b->blocks);
    return true;
}

bool board_drives_open(struct board *b, GError **err)
{
    const struct block_engine_config cfg = {.lock = b->lock,
                                            .counted = b->cfg.icount,
                                            .clock = b->clock,
                                            .error = image_failed,
                                            .opaque = b};

    b->blocks = block_engine_new(&cfg);
    for (unsigned n = 0; n < MACHINE_MAX_DRIVES; n++) {
        if (!open_drive(b, n, err))
            return false;
    }
    return true;
}

void board_drives_close(struct board *b)
{
    for (unsigned n = 0; n < MACHINE_MAX_DRIVES; n++) {
        struct block *block = b->drive[n].block;
        int rc = 0;

        if (!block)
            continue;
        block_detach(block);
        rc = block_flush(block);
        if (rc)
            log_user("%s: what the guest wrote last may be lost: %s", block_name(block),
                     g_strerror(-rc));
        block_free(block);
        b->drive[n].block = NULL;
    }
    block_engine_free(b->blocks);
    b->blocks = NULL;
}

bool board_drives_check(struct board *b, GError **err)
{
    for (unsigned n = 0; n < MACHINE_MAX_DRIVES; n++) {
        const struct machine_drive *d = &b->cfg.drive[n];

        if (!d->present || b->drive[n].taken || d->interface == MACHINE_IF_NONE)
            continue;
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION, "there is no %s for drive '%s'",
                    d->interface == MACHINE_IF_FLOPPY   ? "floppy controller"
                    : d->interface == MACHINE_IF_PFLASH ? "flash chip"
                                                        : "virtio disk",
                    d->file ? d->file : "(empty)");
        return false;
    }
    return true;
}

struct board_drive *board_take_drive(struct board *b, const char *id,
                                     const struct machine_drive **d, GError **err)
{
    for (unsigned n = 0; n < MACHINE_MAX_DRIVES; n++) {
        const struct machine_drive *one = &b->cfg.drive[n];

        if (!one->present || !one->id || g_strcmp0(one->id, id))
            continue;
        if (one->interface != MACHINE_IF_NONE || b->drive[n].taken) {
            g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION, "drive '%s' is %s", id,
                        b->drive[n].taken ? "used by two devices"
                                          : "no drive for a device: it was not given with if=none");
            return NULL;
        }
        b->drive[n].taken = true;
        if (d)
            *d = one;
        return &b->drive[n];
    }
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION,
                "there is no drive '%s' (-drive if=none,id=%s,file=…)", id, id);
    return NULL;
}

uint64_t board_count_drives(const struct board *b)
{
    uint64_t sum = 0;

    for (unsigned n = 0; n < MACHINE_MAX_DRIVES; n++) {
        if (b->drive[n].block) {
            struct block_stats s = block_stats(b->drive[n].block);

            sum += s.reads + s.writes + s.flushes + s.discards;
        }
    }
    return sum;
}

struct board_drive *board_next_drive(struct board *b, enum machine_interface interface,
                                     const struct machine_drive **d)
{
    int best = -1;

    for (unsigned n = 0; n < MACHINE_MAX_DRIVES; n++) {
        const struct machine_drive *one = &b->cfg.drive[n];

        if (one->present && one->interface == interface && !b->drive[n].taken &&
            (best < 0 || one->index < b->cfg.drive[best].index))
            best = (int)n;
    }
    if (best < 0)
        return NULL;
    b->drive[best].taken = true;
    if (d)
        *d = &b->cfg.drive[best];
    return &b->drive[best];
}
