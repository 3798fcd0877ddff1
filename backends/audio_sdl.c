/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sound by SDL's queues: what the mixer gives is queued, and SDL plays it at the host's pace. The
 * two clocks differ a little, and a machine may stand or lag: where the queue runs empty a cushion
 * of silence is put first, and where it grows beyond what anyone wants to wait for, the newest
 * frames are dropped. Nothing ever waits. SDL's functions for queues may be called from any thread.
 */
#include "backends/audio_sdl.h"

#include <SDL.h>

#include "backends/audio_impl.h"
#include "base/error.h"
#include "base/log.h"

#define CUSHION_MS 50u
#define MOST_MS    250u
#define SAMPLES    1024 /* of a period of the host's */

struct sdl_audio {
    SDL_AudioDeviceID out, in; /* 0: not open */
    unsigned rate;
    bool no_microphone; /* and that was told */
};

static uint32_t bytes_of(const struct sdl_audio *s, unsigned ms)
{
    return s->rate * ms / 1000 * 4;
}

static SDL_AudioDeviceID open_device(unsigned rate, bool capture)
{
    SDL_AudioSpec want = {
        .freq = (int)rate, .format = AUDIO_S16LSB, .channels = 2, .samples = SAMPLES};

    return SDL_OpenAudioDevice(NULL, capture, &want, NULL, 0);
}

static void sdl_close(void *opaque)
{
    struct sdl_audio *s = opaque;

    if (s->in)
        SDL_CloseAudioDevice(s->in);
    if (s->out)
        SDL_CloseAudioDevice(s->out);
    SDL_QuitSubSystem(SDL_INIT_AUDIO);
    g_free(s);
}

/* A host without sound is no reason not to run the machine. */
static void *sdl_open(const struct audio_config *cfg, GError **err)
{
    struct sdl_audio *s = g_new0(struct sdl_audio, 1);

    (void)err;
    s->rate = cfg->rate;
    if (SDL_InitSubSystem(SDL_INIT_AUDIO) == 0)
        s->out = open_device(cfg->rate, false);
    if (s->out)
        SDL_PauseAudioDevice(s->out, 0);
    else
        log_user("warning: the host has no sound, and the machine will not be heard: %s",
                 SDL_GetError());
    return s;
}

static void sdl_write(void *opaque, const int16_t (*frames)[2], size_t n)
{
    static const uint8_t silence[1024];
    struct sdl_audio *s = opaque;
    uint32_t queued;

    if (!s->out)
        return;
    queued = SDL_GetQueuedAudioSize(s->out);
    for (uint32_t left = queued ? 0 : bytes_of(s, CUSHION_MS); left;) {
        uint32_t part = left < sizeof(silence) ? left : (uint32_t)sizeof(silence);

        SDL_QueueAudio(s->out, silence, part);
        left -= part;
    }
    if (queued < bytes_of(s, MOST_MS))
        SDL_QueueAudio(s->out, frames, (uint32_t)(n * sizeof(frames[0])));
}

static void sdl_listen(void *opaque, bool on)
{
    struct sdl_audio *s = opaque;

    if (!on) {
        if (s->in)
            SDL_CloseAudioDevice(s->in);
        s->in = 0;
        return;
    }
    s->in = open_device(s->rate, true);
    if (s->in) {
        SDL_PauseAudioDevice(s->in, 0);
    } else if (!s->no_microphone) {
        log_user("warning: no microphone of the host can be opened: %s", SDL_GetError());
        s->no_microphone = true;
    }
}

static size_t sdl_read(void *opaque, int16_t (*frames)[2], size_t n)
{
    struct sdl_audio *s = opaque;

    if (!s->in)
        return 0;
    /* what nobody took in time is of no use any more */
    if (SDL_GetQueuedAudioSize(s->in) > bytes_of(s, MOST_MS))
        SDL_ClearQueuedAudio(s->in);
    return SDL_DequeueAudio(s->in, frames, (uint32_t)(n * sizeof(frames[0]))) / sizeof(frames[0]);
}

const struct audio_driver audio_sdl_driver = {
    .name = "sdl",
    .open = sdl_open,
    .close = sdl_close,
    .write = sdl_write,
    .listen = sdl_listen,
    .read = sdl_read,
};
