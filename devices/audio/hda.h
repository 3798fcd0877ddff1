/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel's High Definition Audio: the controller of an ICH6 or ICH9, and codecs on its link. Device
 * lock held.
 */
#ifndef DEVICES_AUDIO_HDA_H
#define DEVICES_AUDIO_HDA_H

#include <glib.h>

#include "backends/audio.h"
#include "base/clock.h"
#include "devices/device.h"
#include "devices/pci/pci.h"

#define HDA_CODECS 4 /* at most */

struct hda_config {
    struct pci_bus *bus;
    uint8_t devfn;
    struct vclock *clock;
    uint16_t device_id; /* 0x2668 or 0x293e */
};

struct hda;

/* NULL with an error when the place is taken. */
struct hda *hda_new(const struct hda_config *cfg, GError **err);
struct device *hda_device(struct hda *h);

/* Puts a codec on the link, before the machine starts: it plays, and with `duplex` records, too.
 * False with an error when there are as many as can be. */
bool hda_add_codec(struct hda *h, struct audio *audio, bool duplex, GError **err);

#endif
