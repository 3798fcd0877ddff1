/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Sound Blaster 16 (CT1740): its DSP 4.05 and its mixer, the CT1745. There is neither an FM
 * synthesizer nor a MIDI port: their places on the bus are empty. Device lock held.
 */
#ifndef DEVICES_AUDIO_SB16_H
#define DEVICES_AUDIO_SB16_H

#include <glib.h>

#include "backends/audio.h"
#include "base/clock.h"
#include "devices/bus.h"
#include "devices/device.h"
#include "devices/irq.h"
#include "devices/pc/dma8237.h"

#define SB16_IRQS 4 /* the lines that it can be told to use: 2 (which is the PC's 9), 5, 7, 10 */

struct sb16_config {
    struct bus *ports;
    uint16_t base; /* 0x220, 0x240, 0x260 or 0x280 */
    struct vclock *clock;
    struct dma8237 *dma; /* outlives it, as does the backend */
    struct audio *audio;
    struct irq_line irq[SB16_IRQS];
    /* what the mixer's registers 0x80 and 0x81 say after power-on */
    unsigned irq_no, dma8, dma16; /* 5; 0, 1 or 3; 5, 6 or 7 */
};

struct sb16;

/* NULL with an error when the ports are taken or a resource is none that it can have. */
struct sb16 *sb16_new(const struct sb16_config *cfg, GError **err);
struct device *sb16_device(struct sb16 *s);

#endif
