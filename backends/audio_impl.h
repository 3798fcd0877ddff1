/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What drivers of sound are made of; for backends/audio_*.c only. */
#ifndef BACKENDS_AUDIO_IMPL_H
#define BACKENDS_AUDIO_IMPL_H

#include "backends/audio.h"

/* A driver is called with the device lock held, and never waits. Frames are 16 bits, stereo, of
 * the mix's rate. */
struct audio_driver {
    const char *name;
    /* The driver's own data, NULL with one clear error. */
    void *(*open)(const struct audio_config *cfg, GError **err);
    void (*close)(void *opaque);
    void (*write)(void *opaque, const int16_t (*frames)[2], size_t n);
    /* Listening begins and ends; both NULL where there is nothing to listen to. */
    void (*listen)(void *opaque, bool on);
    /* Up to n frames that were heard; how many there are. */
    size_t (*read)(void *opaque, int16_t (*frames)[2], size_t n);
};

/* n samples' worth of frames between the guest's formats and ours. A mono frame is the same on both
 * sides, and one of two channels that becomes mono their mean. */
void audio_to_s16(const struct audio_spec *s, const void *src, int16_t (*dst)[2], size_t n);
void audio_from_s16(const struct audio_spec *s, const int16_t (*src)[2], void *dst, size_t n);

#endif
