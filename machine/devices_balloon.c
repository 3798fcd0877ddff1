/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory balloon on the board. A page that the guest gives away is taken from it in three
 * steps: nothing that was made of it is used any more (shadow page tables, TLBs: the MMU's
 * invalidation), the host gets its memory, and whoever tracks stores to it hears that its contents
 * are others (memslots_drop).
 */
#include "machine/balloon.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/lock.h"
#include "cpu/types.h"
#include "devices/virtio/virtio_balloon.h"
#include "machine/board.h"
#include "machine/board_build.h"
#include "machine/devices_virtio.h"

/* Not firmware, nor what a device shows. */
static bool is_ram(const struct board *b, uint64_t gfn)
{
    const struct memslot *s = memslots_find(b->mem.slots, gfn);

    return s &&
           (s->id == MEMORY_SLOT_LOW || s->id == MEMORY_SLOT_MAIN || s->id == MEMORY_SLOT_HIGH);
}

static void drop(void *opaque, const uint64_t *gfn, unsigned n)
{
    struct board *b = opaque;

    board_drop_pages(b, gfn, n);
    for (unsigned k = 0; k < n; k++) {
        if (is_ram(b, gfn[k]))
            memslots_drop(b->mem.slots, gfn[k]);
    }
}

static bool build_balloon(struct board *b, const struct device_config *c, GError **err)
{
    struct virtio_balloon_config cfg = {
        .bus = b->pci,
        .pages = (uint32_t)MIN(b->cfg.ram_size >> VIRTIO_BALLOON_PAGE_SHIFT, UINT32_MAX),
        .deflate_on_oom = device_flag(c, "deflate-on-oom"),
        .opaque = b,
        .drop = drop};

    if (!virtio_form_of(c, &cfg.form, err) || !board_pci_place(b, c, &cfg.devfn, err))
        return false;
    b->balloon = virtio_balloon_new(&cfg, err);
    return b->balloon && board_add(b, virtio_balloon_device(b->balloon));
}

static const struct device_prop balloon_props[] = {
    {.name = "deflate-on-oom",
     .type = PROP_ON_OFF,
     .what = "the guest takes pages back by itself before it runs out of memory"},
    VIRTIO_PROPS,
    DEVICE_PROPS_END,
};

const struct device_kind virtio_balloon_kind = {
    .name = "virtio-balloon-pci",
    .bus = "PCI",
    .what = "takes memory from the guest and gives it back",
    .family = FAMILY_MISC,
    .limit = 1,
    .props = balloon_props,
    .build = build_balloon,
};

/* ---- front ends ---- */

static bool no_balloon(GError **err)
{
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_CONFIG,
                "the machine has no balloon (-device virtio-balloon-pci)");
    return false;
}

bool machine_balloon_set(struct machine *m, uint64_t bytes, GError **err)
{
    struct board *b = machine_board(m);
    uint64_t out = b->cfg.ram_size - MIN(bytes, b->cfg.ram_size);

    if (!b->balloon)
        return no_balloon(err);
    lock_take(b->lock);
    virtio_balloon_set_target(b->balloon, (uint32_t)(out >> VIRTIO_BALLOON_PAGE_SHIFT));
    lock_drop(b->lock);
    return true;
}

static char *stats_text(const uint64_t *stats)
{
    static const char *const names[BALLOON_STATS] = {
        "swapped in", "swapped out", "major faults", "minor faults",     "free",
        "total",      "available",   "disk caches",  "huge allocations", "huge failures"};
    GString *s = g_string_new(NULL);

    for (unsigned k = 0; k < BALLOON_STATS; k++) {
        if (stats[k] != BALLOON_STAT_UNKNOWN)
            g_string_append_printf(s, " %s=%" PRIu64 "\n", names[k], stats[k]);
    }
    return g_string_free(s, FALSE);
}

bool machine_balloon_get(struct machine *m, uint64_t *bytes, char **stats, GError **err)
{
    struct board *b = machine_board(m);
    uint64_t told[BALLOON_STATS];

    if (!b->balloon)
        return no_balloon(err);
    lock_take(b->lock);
    *bytes = b->cfg.ram_size -
             ((uint64_t)virtio_balloon_actual(b->balloon) << VIRTIO_BALLOON_PAGE_SHIFT);
    if (stats)
        virtio_balloon_stats(b->balloon, told);
    lock_drop(b->lock);
    if (stats)
        *stats = stats_text(told);
    return true;
}
