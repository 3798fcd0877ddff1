/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Levels to frames; see level.h. */
#include "devices/audio/level.h"

#include "base/clock.h"

#define QUIET_NS INT64_C(30000000) /* without a change: nothing sounds any more */

static const struct audio_spec *spec_of(const struct level *l, struct audio_spec *s)
{
    *s = (struct audio_spec){l->rate, 1, AUDIO_FMT_S16};
    return s;
}

void level_init(struct level *l, struct audio *a)
{
    *l = (struct level){.voice = audio_voice_new(a), .rate = audio_rate(a)};
}

void level_clear(struct level *l)
{
    audio_voice_free(l->voice);
    l->voice = NULL;
}

/* Where frame n begins. */
static int64_t edge(const struct level *l, uint64_t n)
{
    return l->base + (int64_t)muldiv64(n, NS_PER_SEC, l->rate);
}

static void play_until(struct level *l, int64_t ns)
{
    for (;;) {
        int64_t from = edge(l, l->frame), to = edge(l, l->frame + 1);
        int16_t sample;

        if (ns < to) {
            l->area += l->value * (ns - l->at);
            l->at = ns;
            return;
        }
        sample = (int16_t)((l->area + l->value * (to - l->at)) / (to - from));
        audio_voice_play(l->voice, &sample, 1);
        l->area = 0;
        l->at = to;
        l->frame++;
    }
}

void level_set(struct level *l, int64_t ns, int value)
{
    struct audio_spec s;

    if (value == l->value)
        return;
    if (l->on) {
        play_until(l, ns);
    } else {
        audio_voice_start(l->voice, spec_of(l, &s));
        l->on = true;
        l->base = l->at = ns;
        l->frame = 0;
        l->area = 0;
    }
    l->value = value;
    l->changed = ns;
}

bool level_run(struct level *l, int64_t ns)
{
    if (!l->on)
        return false;
    play_until(l, ns);
    if (ns - l->changed >= QUIET_NS)
        level_stop(l);
    return l->on;
}

void level_stop(struct level *l)
{
    if (l->on)
        audio_voice_stop(l->voice);
    l->on = false;
}
