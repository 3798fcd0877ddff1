/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests of what sounds: a backend on a clock set by hand, whose driver keeps all frames that it
 * is given, and a microphone that counts up.
 */
#ifndef TESTS_UNIT_SOUND_RIG_H
#define TESTS_UNIT_SOUND_RIG_H

#include "tests/unit/chip.h"

#include "backends/audio_impl.h"

static GArray *heard; /* of struct heard_frame: what the driver was given */
static int16_t microphone;
static bool microphone_on;

struct heard_frame {
    int16_t left, right;
};

static inline void *ear_open(const struct audio_config *c, GError **err)
{
    (void)c;
    (void)err;
    heard = g_array_new(FALSE, FALSE, sizeof(struct heard_frame));
    microphone = 0;
    return heard;
}

static inline void ear_close(void *opaque)
{
    (void)opaque;
    g_array_unref(heard);
    heard = NULL;
}

static inline void ear_write(void *opaque, const int16_t (*frames)[2], size_t n)
{
    (void)opaque;
    g_array_append_vals(heard, frames, (guint)n);
}

static inline void ear_listen(void *opaque, bool on)
{
    (void)opaque;
    microphone_on = on;
}

static inline size_t ear_read(void *opaque, int16_t (*frames)[2], size_t n)
{
    (void)opaque;
    for (size_t k = 0; k < n; k++) {
        frames[k][0] = microphone++;
        frames[k][1] = (int16_t)-frames[k][0];
    }
    return n;
}

static const struct audio_driver ear = {.name = "ear",
                                        .open = ear_open,
                                        .close = ear_close,
                                        .write = ear_write,
                                        .listen = ear_listen,
                                        .read = ear_read};

static inline struct audio *ear_audio(struct vclock *clock, unsigned rate)
{
    struct audio_config cfg = {.driver = &ear, .id = "ear", .rate = rate, .clock = clock};

    return audio_new(&cfg, NULL);
}

static inline int left_of(unsigned n)
{
    assert_true(n < heard->len);
    return g_array_index(heard, struct heard_frame, n).left;
}

static inline int right_of(unsigned n)
{
    assert_true(n < heard->len);
    return g_array_index(heard, struct heard_frame, n).right;
}

#endif
