/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kinds of sound cards. */
#include "base/error.h"
#include "devices/audio/ac97.h"
#include "devices/audio/hda.h"
#include "devices/audio/sb16.h"
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

static bool build_sb16(struct board *b, const struct device_config *c, GError **err)
{
    static const unsigned irq[SB16_IRQS] = {9, 5, 7, 10}; /* a card's line 2 is the PC's 9 */
    struct sb16_config cfg = {.ports = b->ports,
                              .base = (uint16_t)device_number(c, "iobase"),
                              .clock = b->clock,
                              .dma = b->isa_dma,
                              .irq_no = (unsigned)device_number(c, "irq"),
                              .dma8 = (unsigned)device_number(c, "dma"),
                              .dma16 = (unsigned)device_number(c, "dma16")};
    struct sb16 *s;

    for (unsigned k = 0; k < SB16_IRQS; k++)
        cfg.irq[k] = irq_mux_input(&b->irq, irq[k], IRQ_SOUND);
    cfg.audio = board_audio(b, device_text(c, "audiodev"), err);
    s = cfg.audio ? sb16_new(&cfg, err) : NULL;
    return s && board_add(b, sb16_device(s));
}

static const struct device_prop sb16_props[] = {
    AUDIO_PROPS,
    {"iobase", PROP_NUMBER, "its ports", .min = 0x100, .max = 0x3f0, .number = 0x220},
    {"irq", PROP_NUMBER, "its interrupt: 2, 5, 7 or 10", .max = 15, .number = 5},
    {"dma", PROP_NUMBER, "its channel for 8 bits: 0, 1 or 3", .max = 7, .number = 1},
    {"dma16", PROP_NUMBER, "its channel for 16 bits: 5, 6 or 7", .max = 7, .number = 5},
    DEVICE_PROPS_END,
};

static const struct device_kind sb16_kind = {
    .name = "sb16",
    .bus = "ISA",
    .what = "Creative Sound Blaster 16",
    .family = FAMILY_SOUND,
    .limit = 1,
    .props = sb16_props,
    .build = build_sb16,
};

/* ---- High Definition Audio ---- */

static bool build_hda(struct board *b, const struct device_config *c, uint16_t id, GError **err)
{
    struct hda_config cfg = {.bus = b->pci, .clock = b->clock, .device_id = id};

    if (!board_pci_place(b, c, &cfg.devfn, err))
        return false;
    b->hda = hda_new(&cfg, err);
    return b->hda && board_add(b, hda_device(b->hda));
}

static bool build_ich6(struct board *b, const struct device_config *c, GError **err)
{
    return build_hda(b, c, 0x2668, err);
}

static bool build_ich9(struct board *b, const struct device_config *c, GError **err)
{
    return build_hda(b, c, 0x293e, err);
}

static bool build_codec(struct board *b, const struct device_config *c, bool duplex, GError **err)
{
    struct audio *a;

    if (!b->hda)
        return error_config(err, "%s: it is a codec of a -device intel-hda, which comes first",
                            device_config_kind(c)->name);
    a = board_audio(b, device_text(c, "audiodev"), err);
    return a && hda_add_codec(b->hda, a, duplex, err);
}

static bool build_duplex(struct board *b, const struct device_config *c, GError **err)
{
    return build_codec(b, c, true, err);
}

static bool build_output(struct board *b, const struct device_config *c, GError **err)
{
    return build_codec(b, c, false, err);
}

static const struct device_prop codec_props[] = {AUDIO_PROPS, DEVICE_PROPS_END};

static const struct device_kind ich6_kind = {
    .name = "intel-hda",
    .bus = "PCI",
    .what = "Intel HD Audio Controller (ich6)",
    .family = FAMILY_SOUND,
    .build = build_ich6,
};

static const struct device_kind ich9_kind = {
    .name = "ich9-intel-hda",
    .bus = "PCI",
    .what = "Intel HD Audio Controller (ich9)",
    .family = FAMILY_SOUND,
    .build = build_ich9,
};

static const struct device_kind duplex_kind = {
    .name = "hda-duplex",
    .bus = "HDA",
    .what = "HDA Audio Codec, duplex (line-out, line-in)",
    .family = FAMILY_SOUND,
    .props = codec_props,
    .build = build_duplex,
};

static const struct device_kind output_kind = {
    .name = "hda-output",
    .bus = "HDA",
    .what = "HDA Audio Codec, output-only (line-out)",
    .family = FAMILY_SOUND,
    .props = codec_props,
    .build = build_output,
};

const struct device_kind *const devices_audio[] = {
    &ac97_kind, &duplex_kind, &output_kind, &ich9_kind, &ich6_kind, &sb16_kind, NULL,
};
