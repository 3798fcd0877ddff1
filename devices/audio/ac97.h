/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The AC'97 audio controller of Intel's 82801AA (ICH), function 5, with one codec. Device lock
 * held.
 */
#ifndef DEVICES_AUDIO_AC97_H
#define DEVICES_AUDIO_AC97_H

#include <glib.h>

#include "backends/audio.h"
#include "base/clock.h"
#include "devices/device.h"
#include "devices/pci/pci.h"

struct ac97_config {
    struct pci_bus *bus;
    uint8_t devfn;
    struct vclock *clock;
    struct audio *audio; /* outlives it */
};

struct ac97;

/* NULL with an error when the place is taken. */
struct ac97 *ac97_new(const struct ac97_config *cfg, GError **err);
struct device *ac97_device(struct ac97 *d);

#endif
