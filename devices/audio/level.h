/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sound that is told by its level: a loudspeaker's membrane, a converter that the guest writes to
 * sample by sample. Each frame is the mean of the level over its time, so that an edge between two
 * frames is heard where it was. Device lock held.
 */
#ifndef DEVICES_AUDIO_LEVEL_H
#define DEVICES_AUDIO_LEVEL_H

#include <stdbool.h>
#include <stdint.h>

#include "backends/audio.h"

struct level {
    struct audio_voice *voice;
    unsigned rate;
    bool on;
    int value;       /* from `at` on */
    int64_t base;    /* ns: where frame 0 begins */
    uint64_t frame;  /* the one that `at` is in */
    int64_t at;      /* ns: what is before it is in `area` or was played */
    int64_t area;    /* of this frame so far */
    int64_t changed; /* ns: when the level last did */
};

/* A silent one, at level 0, with a voice of its own in `a`. */
void level_init(struct level *l, struct audio *a);
void level_clear(struct level *l);

/* The level (-32768..32767) is `value` from `ns` on, which is not before the last call's. Begins to
 * sound if it was silent and this is another one. */
void level_set(struct level *l, int64_t ns, int value);

/* Plays all frames that end by `ns`. False when it is silent, because there was no change for some
 * time. */
bool level_run(struct level *l, int64_t ns);

/* Falls silent now. */
void level_stop(struct level *l);

#endif
