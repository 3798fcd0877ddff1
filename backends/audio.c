/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mixer; see audio.h. Frames of the mix are numbered by the clock: frame f belongs to the time
 * from f / rate seconds on. Voices add theirs into a ring, each from its own position on, and what
 * all of them have passed goes to the driver. Where none plays, nothing goes out, and the next
 * sound begins at its own time.
 */
#include "backends/audio_impl.h"

#include <stdatomic.h>
#include <string.h>

#include "backends/audio_resample.h"
#include "base/clock.h"

#define RING     32768u /* frames; a power of two */
#define CHUNK    512u
#define PIECE    256u /* drivers get no less while anyone plays: voices may come frame by frame */
#define HOLD_NS  INT64_C(20000000)  /* how long a stopped voice may come back without a gap */
#define LATE_NS  INT64_C(100000000) /* how far behind the clock it may then be */
#define MAX_GAIN (16 * AUDIO_UNITY)

enum play_state { SILENT, PLAYS, HELD };

struct audio_voice {
    struct audio *audio;
    enum play_state state;
    struct audio_spec spec;
    struct audio_resample *resample; /* of spec.rate; NULL before the first start */
    uint32_t gain[2];
    uint64_t pos;         /* in the mix, of the next frame; while not silent */
    struct timer stopped; /* HELD: when it becomes silent */
};

struct audio_capture {
    struct audio *audio;
    bool on;
    struct audio_spec spec;
    struct audio_resample *resample;
};

struct audio {
    const struct audio_driver *driver;
    void *opaque; /* the driver's */
    struct vclock *clock;
    char *id;
    unsigned rate;
    GPtrArray *voices;
    unsigned active;    /* of them, not silent */
    unsigned listeners; /* captures that are on */
    uint64_t sent;      /* frames before this one went to the driver, or are nobody's */
    uint64_t end;       /* behind the last frame that any voice has written */
    int32_t mix[RING][2];
    _Atomic uint64_t played;
};

static uint64_t frame_at(const struct audio *a, int64_t ns)
{
    return muldiv64((uint64_t)ns, a->rate, NS_PER_SEC);
}

static uint64_t frame_now(const struct audio *a)
{
    return frame_at(a, clock_now(a->clock));
}

/* ---- to the driver ---- */

static int16_t clip(int32_t v)
{
    return (int16_t)CLAMP(v, INT16_MIN, INT16_MAX);
}

/* Frames up to `upto` are whole. */
static void send(struct audio *a, uint64_t upto)
{
    int16_t out[CHUNK][2];

    while (a->sent < upto) {
        size_t n = MIN(CHUNK, upto - a->sent);
        uint64_t heard = 0;

        for (size_t k = 0; k < n; k++) {
            int32_t *m = a->mix[(a->sent + k) % RING];

            out[k][0] = clip(m[0]);
            out[k][1] = clip(m[1]);
            heard += out[k][0] || out[k][1];
            m[0] = m[1] = 0;
        }
        a->driver->write(a->opaque, (const int16_t(*)[2])out, n);
        atomic_fetch_add_explicit(&a->played, heard, memory_order_relaxed);
        a->sent += n;
    }
}

/* Sends what every voice has passed, if that is worth it. */
static void pass_on(struct audio *a, unsigned least)
{
    uint64_t upto = a->end;

    for (guint k = 0; k < a->voices->len; k++) {
        const struct audio_voice *v = g_ptr_array_index(a->voices, k);

        if (v->state != SILENT)
            upto = MIN(upto, v->pos);
    }
    if (upto >= a->sent + least)
        send(a, upto);
}

/* ---- voices ---- */

/* There is room for n frames at the voice's position: who is further behind than the ring is long
 * has its frames sent without it. */
static void make_room(struct audio_voice *v, uint64_t n)
{
    struct audio *a = v->audio;

    if (v->pos < a->sent)
        v->pos = a->sent;
    if (v->pos + n > a->sent + RING)
        send(a, v->pos + n - RING);
}

static void add_frames(struct audio_voice *v, const int16_t (*frames)[2], size_t n)
{
    struct audio *a = v->audio;

    make_room(v, n);
    for (size_t k = 0; k < n; k++) {
        int32_t *m = a->mix[(v->pos + k) % RING];

        for (unsigned c = 0; c < 2; c++) {
            int64_t sum = m[c] + ((int64_t)frames[k][c] * v->gain[c] >> 16);

            m[c] = (int32_t)CLAMP(sum, INT32_MIN, INT32_MAX);
        }
    }
    v->pos += n;
    a->end = MAX(a->end, v->pos);
}

static void give(struct audio_voice *v, const int16_t (*frames)[2], size_t n)
{
    int16_t out[CHUNK][2];
    size_t got;

    while ((got = audio_resample_run(v->resample, &frames, &n, out, CHUNK)))
        add_frames(v, (const int16_t(*)[2])out, got);
}

/* Brings out what the filter still holds. */
static void become_silent(void *opaque)
{
    static const int16_t silence[CHUNK][2];
    struct audio_voice *v = opaque;
    size_t left = audio_resample_tail(v->resample);

    for (; left; left -= MIN(left, CHUNK))
        give(v, silence, MIN(left, CHUNK));
    timer_cancel(&v->stopped);
    v->state = SILENT;
    v->audio->active--;
    pass_on(v->audio, 1);
}

struct audio_voice *audio_voice_new(struct audio *a)
{
    struct audio_voice *v = g_new0(struct audio_voice, 1);

    v->audio = a;
    v->gain[0] = v->gain[1] = AUDIO_UNITY;
    timer_init(&v->stopped, a->clock, become_silent, v);
    g_ptr_array_add(a->voices, v);
    return v;
}

void audio_voice_free(struct audio_voice *v)
{
    if (!v)
        return;
    if (v->state != SILENT)
        become_silent(v);
    g_ptr_array_remove(v->audio->voices, v);
    audio_resample_free(v->resample);
    g_free(v);
}

static struct audio_spec sane(const struct audio_spec *s)
{
    struct audio_spec c = *s;

    c.rate = CLAMP(c.rate, AUDIO_MIN_RATE, AUDIO_MAX_RATE);
    c.channels = c.channels == 2 ? 2 : 1;
    return c;
}

static bool same(const struct audio_spec *a, const struct audio_spec *b)
{
    return a->rate == b->rate && a->channels == b->channels && a->format == b->format;
}

void audio_voice_start(struct audio_voice *v, const struct audio_spec *spec)
{
    struct audio_spec want = sane(spec);
    struct audio *a = v->audio;
    uint64_t now = frame_now(a);

    if (v->state == PLAYS && same(&v->spec, &want))
        return;
    if (v->state == HELD && same(&v->spec, &want)) {
        timer_cancel(&v->stopped);
        v->state = PLAYS;
        if (v->pos + frame_at(a, LATE_NS) < now)
            v->pos = now;
        return;
    }
    if (v->state != SILENT)
        become_silent(v);
    audio_resample_free(v->resample);
    v->resample = audio_resample_new(want.rate, a->rate);
    v->spec = want;
    if (!a->active)
        a->sent = a->end = MAX(a->end, now);
    v->pos = MAX(a->sent, now);
    v->state = PLAYS;
    a->active++;
}

void audio_voice_stop(struct audio_voice *v)
{
    if (v->state != PLAYS)
        return;
    v->state = HELD;
    timer_arm(&v->stopped, clock_now(v->audio->clock) + HOLD_NS);
}

void audio_voice_gain(struct audio_voice *v, uint32_t left, uint32_t right)
{
    v->gain[0] = MIN(left, MAX_GAIN);
    v->gain[1] = MIN(right, MAX_GAIN);
}

void audio_voice_play(struct audio_voice *v, const void *data, size_t frames)
{
    int16_t in[CHUNK][2];
    const uint8_t *p = data;

    if (v->state != PLAYS)
        return;
    while (frames) {
        size_t n = MIN(frames, CHUNK);

        audio_to_s16(&v->spec, p, in, n);
        give(v, (const int16_t(*)[2])in, n);
        p += n * audio_frame_size(&v->spec);
        frames -= n;
    }
    pass_on(v->audio, PIECE);
}

/* ---- captures ---- */

struct audio_capture *audio_capture_new(struct audio *a)
{
    struct audio_capture *c = g_new0(struct audio_capture, 1);

    c->audio = a;
    return c;
}

void audio_capture_free(struct audio_capture *c)
{
    if (!c)
        return;
    audio_capture_stop(c);
    audio_resample_free(c->resample);
    g_free(c);
}

void audio_capture_start(struct audio_capture *c, const struct audio_spec *spec)
{
    struct audio *a = c->audio;

    audio_capture_stop(c);
    c->spec = sane(spec);
    audio_resample_free(c->resample);
    c->resample = audio_resample_new(a->rate, c->spec.rate);
    c->on = true;
    if (!a->listeners++ && a->driver->listen)
        a->driver->listen(a->opaque, true);
}

void audio_capture_stop(struct audio_capture *c)
{
    struct audio *a = c->audio;

    if (!c->on)
        return;
    c->on = false;
    if (!--a->listeners && a->driver->listen)
        a->driver->listen(a->opaque, false);
}

/* n frames at the capture's rate; no more of the host's are taken than it needs. */
static void listen(struct audio_capture *c, int16_t (*out)[2], size_t n)
{
    struct audio *a = c->audio;
    size_t done = 0;

    for (;;) {
        int16_t heard[1][2] = {{0, 0}};
        const int16_t(*in)[2] = (const int16_t(*)[2])heard;
        size_t one = 0;

        done += audio_resample_run(c->resample, &in, &one, out + done, n - done);
        if (done == n)
            return;
        if (a->driver->read)
            a->driver->read(a->opaque, heard, 1);
        one = 1;
        done += audio_resample_run(c->resample, &in, &one, out + done, n - done);
    }
}

void audio_capture_read(struct audio_capture *c, void *data, size_t frames)
{
    int16_t out[CHUNK][2];
    uint8_t *p = data;

    while (frames) {
        size_t n = MIN(frames, CHUNK);

        if (c->on)
            listen(c, out, n);
        else
            memset(out, 0, sizeof(out));
        audio_from_s16(&c->spec, (const int16_t(*)[2])out, p, n);
        p += n * audio_frame_size(&c->spec);
        frames -= n;
    }
}

/* ---- life ---- */

struct audio *audio_new(const struct audio_config *cfg, GError **err)
{
    struct audio_config c = *cfg;
    struct audio *a = g_new0(struct audio, 1);

    c.rate = c.rate ? c.rate : AUDIO_DEFAULT_RATE;
    a->driver = c.driver;
    a->clock = c.clock;
    a->rate = c.rate;
    a->id = g_strdup(c.id);
    a->voices = g_ptr_array_new();
    a->opaque = c.driver->open(&c, err);
    if (!a->opaque) {
        g_ptr_array_free(a->voices, TRUE);
        g_free(a->id);
        g_free(a);
        return NULL;
    }
    return a;
}

void audio_free(struct audio *a)
{
    if (!a)
        return;
    send(a, a->end);
    a->driver->close(a->opaque);
    g_ptr_array_free(a->voices, TRUE);
    g_free(a->id);
    g_free(a);
}

const char *audio_id(const struct audio *a)
{
    return a->id;
}

unsigned audio_rate(const struct audio *a)
{
    return a->rate;
}

uint64_t audio_frames_played(const struct audio *a)
{
    return atomic_load_explicit(&a->played, memory_order_relaxed);
}

/* ---- the driver that plays to nobody ---- */

static void *none_open(const struct audio_config *cfg, GError **err)
{
    (void)cfg;
    (void)err;
    return (void *)(uintptr_t)&audio_none_driver;
}

static void none_close(void *opaque)
{
    (void)opaque;
}

static void none_write(void *opaque, const int16_t (*frames)[2], size_t n)
{
    (void)opaque;
    (void)frames;
    (void)n;
}

const struct audio_driver audio_none_driver = {
    .name = "none",
    .open = none_open,
    .close = none_close,
    .write = none_write,
};
