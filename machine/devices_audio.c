/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kinds of sound cards. */
#include "devices/audio/ac97.h"
#include "machine/board.h"
#include "machine/board_build.h"
#include "machine/device_families.h"
#include "machine/sound.h"

#define AUDIO_PROPS                                                                                \
    {                                                                                              \
        .name = "audiodev", .type = PROP_TEXT, .what = "where it plays to: the id of an -audiodev" \
    }

static bool build_ac97(struct board *b, const struct device_config *c, GError **err)
{
    struct ac97_config cfg = {.bus = b->pci, .clock = b->clock};
    struct ac97 *d;

    cfg.audio = board_audio(b, device_text(c, "audiodev"), err);
    if (!cfg.audio || !board_pci_place(b, c, &cfg.devfn, err))
        return false;
    d = ac97_new(&cfg, err);
    return d && board_add(b, ac97_device(d));
}

static const struct device_prop ac97_props[] = {AUDIO_PROPS, DEVICE_PROPS_END};

static const struct device_kind ac97_kind = {
    .name = "AC97",
    .bus = "PCI",
    .what = "Intel 82801AA AC97 Audio",
    .family = FAMILY_SOUND,
    .props = ac97_props,
    .build = build_ac97,
};

const struct device_kind *const devices_audio[] = {
    &ac97_kind,
    NULL,
};
