/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtio kinds that are of no other family, and what all of them share. */
#include "machine/devices_virtio.h"

#include <string.h>

#include "base/error.h"
#include "base/random.h"
#include "devices/virtio/virtio_rng.h"
#include "machine/board.h"
#include "machine/board_build.h"
#include "machine/device_families.h"

bool virtio_form_of(const struct device_config *c, enum virtio_form *form, GError **err)
{
    bool legacy = !device_flag(c, "disable-legacy"), modern = !device_flag(c, "disable-modern");

    if (!legacy && !modern) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_CONFIG,
                    "%s: with both disable-legacy and disable-modern nothing is left",
                    device_config_kind(c)->name);
        return false;
    }
    *form = legacy && modern ? VIRTIO_TRANSITIONAL : modern ? VIRTIO_MODERN : VIRTIO_LEGACY;
    return true;
}

bool virtio_queue_size(const struct device_config *c, GError **err)
{
    uint64_t n = device_number(c, "queue-size");

    if (n && !(n & (n - 1)))
        return true;
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_CONFIG, "%s: queue-size must be a power of two",
                device_config_kind(c)->name);
    return false;
}

/* ---- entropy ---- */

static size_t host_random(void *opaque, void *buf, size_t len)
{
    (void)opaque;
    return random_host(buf, len) ? len : 0;
}

/* With -icount the same bytes in every run. */
static size_t fixed_random(void *opaque, void *buf, size_t len)
{
    struct board *b = opaque;
    uint8_t *at = buf;

    for (size_t k = 0; k < len; k++)
        at[k] = (uint8_t)random_next(&b->random);
    return len;
}

static bool build_rng(struct board *b, const struct device_config *c, GError **err)
{
    struct virtio_rng_config cfg = {.bus = b->pci,
                                    .clock = b->clock,
                                    .max_bytes = device_number(c, "max-bytes"),
                                    .period = (int64_t)device_number(c, "period") * 1000000,
                                    .random = b->cfg.icount ? fixed_random : host_random,
                                    .opaque = b};
    struct virtio_rng *r;

    if (!virtio_form_of(c, &cfg.form, err) || !board_pci_place(b, c, &cfg.devfn, err))
        return false;
    r = virtio_rng_new(&cfg, err);
    return r && board_add(b, virtio_rng_device(r));
}

static const struct device_prop rng_props[] = {
    {"max-bytes", PROP_SIZE, "that the guest gets in a period; 0: any number", .max = INT64_MAX},
    {"period", PROP_NUMBER, "milliseconds", .min = 1, .max = 1000000000, .number = 1000},
    VIRTIO_PROPS,
    DEVICE_PROPS_END,
};

static const struct device_kind rng_kind = {
    .name = "virtio-rng-pci",
    .bus = "PCI",
    .what = "random bytes from the host",
    .family = FAMILY_MISC,
    .props = rng_props,
    .build = build_rng,
};

const struct device_kind *const devices_virtio[] = {
    &virtio_balloon_kind, &virtio_blk_kind,  &rng_kind, &virtio_serial_kind,
    &virtio_console_kind, &virtio_line_kind, NULL,
};
