/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From one rate of frames to another: a windowed-sinc filter whose position is counted in whole
 * fractions of a frame, so that nothing drifts and the same input always gives the same output.
 * Equal rates give the input as it is, with no delay. Not thread-safe.
 */
#ifndef BACKENDS_AUDIO_RESAMPLE_H
#define BACKENDS_AUDIO_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

struct audio_resample;

/* Rates up to 1 MHz, each at most 64 times the other. */
struct audio_resample *audio_resample_new(unsigned in, unsigned out);
void audio_resample_free(struct audio_resample *r);

/* Takes from *in (and counts it down in *n_in) until there is no more, or `room` frames have come
 * out; returns how many did. */
size_t audio_resample_run(struct audio_resample *r, const int16_t (**in)[2], size_t *n_in,
                          int16_t (*out)[2], size_t room);

/* How many frames of silence bring out all of what was put in; 0 for equal rates. */
size_t audio_resample_tail(const struct audio_resample *r);

#endif
