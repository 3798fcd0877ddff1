/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rates; see audio_resample.h. The filter is a sinc of CROSSINGS zero crossings to each side under
 * a Kaiser window (J. O. Smith, "Digital Audio Resampling", sections on windowed-sinc
 * interpolation), tabled at PHASES positions of a frame and linear between them. Where frames
 * become fewer the sinc is wider, so that what the new rate cannot carry is gone. Each row of the
 * table adds up to one: a constant comes out as itself.
 */
#include "backends/audio_resample.h"

#include <glib.h>
#include <math.h>
#include <string.h>

#define CROSSINGS 16
#define PHASES    128
#define BETA      8.0
#define ONE       (1 << 22)

struct audio_resample {
    unsigned in, out; /* without a common factor */
    unsigned half;    /* taps to each side */
    unsigned pos;     /* of the next output behind the middle of the history, in 1/out frames */
    int32_t *table;   /* PHASES + 1 rows of 2 * half */
    int16_t (*history)[2]; /* the last 2 * half frames, twice over: a ring read in one piece */
    unsigned at;
    unsigned missing; /* frames to be taken before the next output */
};

static double bessel_i0(double x)
{
    double sum = 1, term = 1;

    for (unsigned k = 1; k < 40; k++) {
        term *= (x / (2 * k)) * (x / (2 * k));
        sum += term;
    }
    return sum;
}

/* The filter at x frames of the input from its middle; `cut` is the band kept, 1 for all. */
static double kernel(double x, double cut, double half)
{
    double w = x / half, s = x * cut * G_PI;

    if (fabs(w) >= 1)
        return 0;
    return (fabs(s) < 1e-9 ? 1 : sin(s) / s) * bessel_i0(BETA * sqrt(1 - w * w));
}

static void fill_row(int32_t *row, unsigned half, double frac, double cut)
{
    double sum = 0;
    int32_t total = 0;

    for (int k = 0; k < 2 * (int)half; k++)
        sum += kernel(k - (int)half + 1 - frac, cut, half);
    for (int k = 0; k < 2 * (int)half; k++) {
        row[k] = (int32_t)lrint(kernel(k - (int)half + 1 - frac, cut, half) / sum * ONE);
        total += row[k];
    }
    row[half - 1] += ONE - total;
}

static unsigned common_factor(unsigned a, unsigned b)
{
    while (b) {
        unsigned t = a % b;

        a = b;
        b = t;
    }
    return a;
}

struct audio_resample *audio_resample_new(unsigned in, unsigned out)
{
    struct audio_resample *r = g_new0(struct audio_resample, 1);
    unsigned g = common_factor(in, out);
    double cut = in > out ? (double)out / in : 1;

    r->in = in / g;
    r->out = out / g;
    if (in == out)
        return r;
    r->half = (unsigned)ceil(CROSSINGS / cut);
    r->table = g_new(int32_t, (size_t)(PHASES + 1) * 2 * r->half);
    r->history = g_malloc0(sizeof(*r->history) * 4 * r->half);
    for (unsigned p = 0; p <= PHASES; p++)
        fill_row(r->table + (size_t)p * 2 * r->half, r->half, (double)p / PHASES, cut);
    r->missing = r->half + 1;
    return r;
}

void audio_resample_free(struct audio_resample *r)
{
    if (!r)
        return;
    g_free(r->table);
    g_free(r->history);
    g_free(r);
}

static void take(struct audio_resample *r, const int16_t frame[2])
{
    unsigned n = 2 * r->half;

    memcpy(r->history[r->at], frame, sizeof(r->history[0]));
    memcpy(r->history[r->at + n], frame, sizeof(r->history[0]));
    r->at = (r->at + 1) % n;
}

static int16_t clip(int64_t v)
{
    v = (v + ONE / 2) >> 22;
    return (int16_t)CLAMP(v, INT16_MIN, INT16_MAX);
}

static void give(struct audio_resample *r, int16_t out[2])
{
    uint64_t where = (uint64_t)r->pos * PHASES * 65536 / r->out;
    unsigned n = 2 * r->half;
    int64_t frac = (int64_t)(where & 0xffff), left = 0, right = 0;
    const int32_t *a = r->table + (size_t)(where >> 16) * n, *b = a + n;
    const int16_t(*h)[2] = (const int16_t(*)[2])r->history + r->at;

    for (unsigned k = 0; k < n; k++) {
        int64_t c = a[k] + ((b[k] - a[k]) * frac >> 16);

        left += c * h[k][0];
        right += c * h[k][1];
    }
    out[0] = clip(left);
    out[1] = clip(right);
    r->pos += r->in;
    r->missing = r->pos / r->out;
    r->pos %= r->out;
}

size_t audio_resample_run(struct audio_resample *r, const int16_t (**in)[2], size_t *n_in,
                          int16_t (*out)[2], size_t room)
{
    size_t n = 0;

    if (r->in == r->out) {
        n = MIN(*n_in, room);
        memcpy(out, *in, n * sizeof(out[0]));
        *in += n;
        *n_in -= n;
        return n;
    }
    for (;;) {
        for (; r->missing && *n_in; r->missing--, (*n_in)--)
            take(r, *(*in)++);
        if (r->missing || n == room)
            return n;
        give(r, out[n++]);
    }
}

size_t audio_resample_tail(const struct audio_resample *r)
{
    return r->in == r->out ? 0 : r->half;
}
