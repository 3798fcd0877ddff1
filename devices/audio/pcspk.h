/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PC's loudspeaker: what the 8254's third channel and port 0x61 do to its membrane, as sound.
 * Device lock held.
 */
#ifndef DEVICES_AUDIO_PCSPK_H
#define DEVICES_AUDIO_PCSPK_H

#include "backends/audio.h"
#include "base/clock.h"
#include "devices/pc/pit.h"

#define PCSPK_LEVEL 0x4000 /* the sample of a membrane that is driven; one that is not is 0 */

struct pcspk;

/* `pit` outlives it. */
struct pcspk *pcspk_new(struct audio *audio, struct vclock *clock, const struct pit *pit);
struct device *pcspk_device(struct pcspk *s);

/* For pit_config.speaker: what drives the membrane has changed. */
void pcspk_changed(struct pcspk *s);

#endif
