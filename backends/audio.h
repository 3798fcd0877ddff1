/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's side of sound: a mixer on the machine's virtual clock, and a driver behind it that
 * takes what was mixed (a WAV file, the host's loudspeaker, nothing). Devices own voices; they say
 * when one starts, and give it frames as their own virtual timers come to them. A frame's place in
 * the mix follows from the clock alone, so what a counted run plays is the same in each run, and no
 * device waits for the host.
 *
 * While a voice plays, its device feeds it at least each AUDIO_FEED_NS of the clock; what comes
 * later by more than the mixer keeps is played late. What nobody plays is not mixed: no driver
 * sees the silence between two sounds.
 *
 * All calls with the device lock held, but where it says otherwise.
 */
#ifndef BACKENDS_AUDIO_H
#define BACKENDS_AUDIO_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct audio;
struct audio_driver;
struct audio_voice;
struct audio_capture;
struct vclock;

#define AUDIO_FEED_NS      INT64_C(10000000)
#define AUDIO_MIN_RATE     4000u /* of voices, frames a second */
#define AUDIO_MAX_RATE     192000u
#define AUDIO_MIN_OUT      8000u /* of the mix */
#define AUDIO_DEFAULT_RATE 44100u
#define AUDIO_UNITY        65536u /* a gain that changes nothing */

/* A sample as the guest has it, little-endian. */
enum audio_format { AUDIO_FMT_U8, AUDIO_FMT_S8, AUDIO_FMT_U16, AUDIO_FMT_S16, AUDIO_FMT_S32 };

struct audio_spec {
    unsigned rate;     /* frames a second; taken as the nearest of AUDIO_MIN_RATE..AUDIO_MAX_RATE */
    unsigned channels; /* samples of a frame: 1 or 2, left first */
    enum audio_format format;
};

static inline unsigned audio_frame_size(const struct audio_spec *s)
{
    return s->channels * (s->format == AUDIO_FMT_S32 ? 4 : s->format >= AUDIO_FMT_U16 ? 2 : 1);
}

struct audio_config {
    const struct audio_driver *driver;
    const char *id;   /* for messages; copied */
    const char *path; /* of the WAV driver's file */
    unsigned rate;    /* of the mix, AUDIO_MIN_OUT..AUDIO_MAX_RATE; 0: AUDIO_DEFAULT_RATE */
    struct vclock *clock;
};

/* The drivers that need no library; that of SDL is in audio_sdl.h. */
extern const struct audio_driver audio_none_driver, audio_wav_driver;

/* NULL with one clear error when the host refuses. */
struct audio *audio_new(const struct audio_config *cfg, GError **err);

/* What was mixed goes to the driver. Its voices and captures have been freed. */
void audio_free(struct audio *a);

const char *audio_id(const struct audio *a);
unsigned audio_rate(const struct audio *a); /* of the mix */

/* How many frames with any sound in them the driver has been given since the beginning: it grows
 * while something can be heard, and stands in silence. Any thread, no lock. */
uint64_t audio_frames_played(const struct audio *a);

/* ---- playing ---- */

/* A voice that does not play, with unity gain. */
struct audio_voice *audio_voice_new(struct audio *a);
void audio_voice_free(struct audio_voice *v);

/* Its first frame will be heard now. A voice that was stopped a moment ago and starts in the same
 * format goes on without a gap: guests stop their cards between buffers. No effect on one that
 * plays in this format. */
void audio_voice_start(struct audio_voice *v, const struct audio_spec *spec);

/* What was given is played to its end. */
void audio_voice_stop(struct audio_voice *v);

/* Of 16.16, up to 16.0, from the next frame that is given. */
void audio_voice_gain(struct audio_voice *v, uint32_t left, uint32_t right);

/* The next `frames` frames, in the voice's format. Ignored while it does not play. */
void audio_voice_play(struct audio_voice *v, const void *data, size_t frames);

/* ---- recording ---- */

/* What the host's microphone hears, in any format; silence where the driver has none. */
struct audio_capture *audio_capture_new(struct audio *a);
void audio_capture_free(struct audio_capture *c);
void audio_capture_start(struct audio_capture *c, const struct audio_spec *spec);
void audio_capture_stop(struct audio_capture *c);

/* Gives `frames` frames in the capture's format: what the host has not is silence. */
void audio_capture_read(struct audio_capture *c, void *data, size_t frames);

#endif
