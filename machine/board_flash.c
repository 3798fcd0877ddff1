/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See board_flash.h. */
#include "machine/board_flash.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/log.h"
#include "devices/storage/pflash.h"
#include "machine/board.h"
#include "machine/board_build.h"

#define FLASH_MAX (UINT64_C(16) << 20) /* of all chips: below them are the APICs */
#define FLASH_END (UINT64_C(1) << 32)

G_STATIC_ASSERT(ARRAY_SIZE(((struct board *)0)->flash) == MEMORY_FLASHES);
G_STATIC_ASSERT(ARRAY_SIZE(((struct machine_config *)0)->pflash) == MEMORY_FLASHES);

static void show(void *opaque, void *hva)
{
    const struct board_flash *f = opaque;

    memory_flash_show(&f->board->mem, f->n, f->base, f->size, hva);
}

static void hide(void *opaque)
{
    const struct board_flash *f = opaque;

    memory_flash_hide(&f->board->mem, f->n);
}

/* The drive of the configuration that is chip n: by its index, or by the name that -machine has. */
static const struct machine_drive *find(const struct machine_config *cfg, unsigned n)
{
    for (unsigned k = 0; k < MACHINE_MAX_DRIVES; k++) {
        const struct machine_drive *d = &cfg->drive[k];

        if (d->present && d->interface == MACHINE_IF_PFLASH && d->index == n)
            return d;
    }
    return NULL;
}

bool board_flash_wanted(const struct machine_config *cfg)
{
    return cfg->pflash[0] || find(cfg, 0);
}

static struct board_drive *take(struct board *b, unsigned n, GError **err)
{
    const struct machine_drive *d = find(&b->cfg, n);

    if (d && b->cfg.pflash[n]) {
        error_option(err, "flash chip %u is given twice, by -machine and by -drive", n);
        return NULL;
    }
    if (!d)
        return board_take_drive(b, b->cfg.pflash[n], NULL, err);
    b->drive[d - b->cfg.drive].taken = true;
    return &b->drive[d - b->cfg.drive];
}

static bool check(const struct block *block, uint64_t end, GError **err)
{
    uint64_t size = block_size(block);

    if (!size || size % PFLASH_BLOCK)
        return error_option(err,
                            "flash image '%s': its size, %" PRIu64 " bytes, is not a multiple "
                            "of 4 KiB",
                            block_name(block), size);
    if (size > FLASH_MAX - (FLASH_END - end))
        return error_option(err,
                            "flash image '%s': %" PRIu64 " KiB are more than the %" PRIu64
                            " KiB that there is room for",
                            block_name(block), size >> 10, (FLASH_MAX - (FLASH_END - end)) >> 10);
    return true;
}

/* Chip n, to end at `end`. */
static bool build(struct board *b, unsigned n, uint64_t end, GError **err)
{
    static const char *const names[] = {"flash 0", "flash 1"};
    struct board_drive *drive = take(b, n, err);
    struct board_flash *f = &b->flash[n];
    struct pflash_config cfg = {.name = names[n],
                                .mmio = b->mmio,
                                .clock = b->clock,
                                .opaque = f,
                                .show = show,
                                .hide = hide};

    if (!drive)
        return false;
    if (!drive->block)
        return error_option(err, "flash chip %u has no image", n);
    if (!check(drive->block, end, err))
        return false;
    *f = (struct board_flash){.board = b, .n = n, .size = block_size(drive->block)};
    f->base = end - f->size;
    cfg.block = drive->block;
    cfg.base = f->base;
    f->chip = pflash_new(&cfg, err);
    if (!f->chip)
        return false;
    log_msg(LOG_BOOT, "boot: flash %u at 0x%" PRIx64 ", %s", n, f->base, block_name(drive->block));
    return board_add(b, pflash_device(f->chip));
}

bool board_flash_build(struct board *b, GError **err)
{
    uint64_t end = FLASH_END;

    for (unsigned n = 0; n < MEMORY_FLASHES; n++) {
        if (!b->cfg.pflash[n] && !find(&b->cfg, n))
            continue;
        if (n && !b->flash[0].chip)
            return error_option(err, "flash chip 1 needs chip 0, which firmware is run from");
        if (!build(b, n, end, err))
            return false;
        end = b->flash[n].base;
    }
    if (b->flash[0].chip)
        memory_set_low_bios(&b->mem, pflash_memory(b->flash[0].chip), b->flash[0].size);
    return true;
}
