/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The card's transfers: as many bytes through the DMA channel as the clock says are due, an
 * interrupt where a block ends. A channel that does not serve (masked, or at its count's end) holds
 * the card up until the guest programs it.
 */
#include "base/bits.h"
#include "base/log.h"
#include "devices/audio/sb16_state.h"

#define BUFFER   1024u
#define RATE_MIN 4000u
#define RATE_MAX 48000u

static unsigned channel_of(const struct sb16 *s)
{
    return s->stream.wide ? sb16_dma16(s) : sb16_dma8(s);
}

/* Bytes that come and go together: a frame, or a packed byte. */
static unsigned unit(const struct sb16_stream *t)
{
    return (t->wide ? 2u : 1u) << (t->stereo ? 1 : 0);
}

static unsigned samples(const struct sb16_stream *t)
{
    return sb16_adpcm_samples(t->adpcm.packing);
}

static struct audio_spec spec_of(const struct sb16 *s)
{
    const struct sb16_stream *t = &s->stream;
    uint32_t rate = s->by_constant && t->stereo ? s->rate / 2 : s->rate;
    struct audio_spec a = {CLAMP(rate, RATE_MIN, RATE_MAX), t->stereo ? 2 : 1, AUDIO_FMT_U8};

    if (t->wide)
        a.format = t->is_signed ? AUDIO_FMT_S16 : AUDIO_FMT_U16;
    else if (t->is_signed)
        a.format = AUDIO_FMT_S8;
    return a;
}

/* ---- moving and standing ---- */

static void stand(struct sb16 *s)
{
    pace_stop(&s->stream.pace);
    if (s->stream.input)
        audio_capture_stop(s->capture);
    else
        audio_voice_stop(s->voice);
}

static void move_on(struct sb16 *s)
{
    struct sb16_stream *t = &s->stream;
    struct audio_spec a = spec_of(s);

    if (!t->active || t->paused || t->pace.rate)
        return;
    t->stalled = 0;
    pace_start(&t->pace, clock_now(s->cfg.clock), a.rate);
    if (t->input)
        audio_capture_start(s->capture, &a);
    else
        audio_voice_start(s->voice, &a);
}

/* ---- data ---- */

static void play(struct sb16 *s, const uint8_t *p, size_t n)
{
    struct sb16_stream *t = &s->stream;
    uint8_t out[4];

    if (t->adpcm.packing == SB16_PCM) {
        audio_voice_play(s->voice, p, n / unit(t));
        pace_took(&t->pace, n / unit(t));
        return;
    }
    for (; n; n--, p++) {
        if (t->want_ref) {
            t->want_ref = 0;
            t->adpcm.ref = *p;
            continue;
        }
        sb16_adpcm_unpack(&t->adpcm, *p, out);
        audio_voice_play(s->voice, out, samples(t));
        pace_took(&t->pace, samples(t));
    }
}

/* A block is over; what was left of a frame goes with it. */
static void end_block(struct sb16 *s)
{
    struct sb16_stream *t = &s->stream;

    if (t->autoinit) {
        t->left = t->block;
    } else {
        t->active = 0;
        t->carried = 0;
        dma8237_dreq(s->cfg.dma, channel_of(s), false);
        stand(s);
    }
    sb16_raise(s, t->wide ? SB16_IRQ_16 : SB16_IRQ_8);
}

/* How many bytes may move now, of which some are here already; at most a buffer. */
static size_t bytes_due(const struct sb16 *s)
{
    const struct sb16_stream *t = &s->stream;
    uint64_t units = pace_due(&t->pace, clock_now(s->cfg.clock)) / samples(t);

    if (t->want_ref)
        units++; /* takes no time */
    return (size_t)MIN(units * unit(t), BUFFER);
}

/* Moves bytes once. False when nothing more moves for now. */
static bool output_some(struct sb16 *s)
{
    struct sb16_stream *t = &s->stream;
    uint8_t buf[BUFFER + 4];
    size_t due = bytes_due(s), want, got, whole;

    if (due <= t->carried)
        return false;
    want = MIN(due - t->carried, t->left);
    memcpy(buf, t->carry, t->carried);
    got = dma8237_transfer(s->cfg.dma, channel_of(s), DMA8237_FROM_MEMORY, buf + t->carried, want,
                           NULL);
    if (!got) {
        t->stalled = 1;
        stand(s);
        return false;
    }
    t->left -= (uint32_t)got;
    got += t->carried;
    whole = got - got % unit(t);
    t->carried = (uint8_t)(got - whole);
    play(s, buf, whole);
    memcpy(t->carry, buf + whole, t->carried);
    if (!t->left)
        end_block(s);
    return true;
}

/* What the channel does not take of a frame is kept for its next turn. */
static bool input_some(struct sb16 *s)
{
    struct sb16_stream *t = &s->stream;
    uint8_t buf[BUFFER];
    size_t due = bytes_due(s), got;

    if (t->carried) {
        memcpy(buf, t->carry, t->carried);
        due = t->carried;
    } else if (due) {
        due = MIN(due, MAX(t->left, unit(t)) / unit(t) * unit(t));
        audio_capture_read(s->capture, buf, due / unit(t));
        pace_took(&t->pace, due / unit(t));
    } else {
        return false;
    }
    got = dma8237_transfer(s->cfg.dma, channel_of(s), DMA8237_TO_MEMORY, buf, MIN(due, t->left),
                           NULL);
    t->left -= (uint32_t)got;
    t->carried = (uint8_t)MIN(due - got, sizeof(t->carry)); /* what is more than that is lost */
    memcpy(t->carry, buf + got, t->carried);
    if (!got) {
        t->stalled = 1;
        stand(s);
        return false;
    }
    if (!t->left)
        end_block(s);
    return true;
}

static void arm(struct sb16 *s)
{
    const struct sb16_stream *t = &s->stream;
    int64_t now = clock_now(s->cfg.clock), next = INT64_MAX;

    if (t->pace.rate) {
        uint64_t units = (t->left + t->carried + unit(t) - 1) / unit(t) - (t->want_ref ? 1 : 0);

        next = MIN(now + AUDIO_FEED_NS, pace_when(&t->pace, units * samples(t)));
    }
    if (s->direct.on)
        next = MIN(next, now + AUDIO_FEED_NS);
    if (s->silence_end)
        next = MIN(next, s->silence_end);
    if (next == INT64_MAX)
        timer_cancel(&s->timer);
    else
        timer_arm(&s->timer, next);
}

void sb16_settle(struct sb16 *s)
{
    int64_t now = clock_now(s->cfg.clock);

    while (s->stream.pace.rate && (s->stream.input ? input_some(s) : output_some(s)))
        ;
    level_run(&s->direct, now);
    if (s->silence_end && now >= s->silence_end) {
        s->silence_end = 0;
        sb16_raise(s, SB16_IRQ_8);
    }
    arm(s);
}

/* ---- what the DSP wants ---- */

void sb16_begin(struct sb16 *s, const struct sb16_stream *stream)
{
    sb16_end(s);
    s->stream = *stream;
    s->stream.active = 1;
    s->stream.left = s->stream.block;
    dma8237_dreq(s->cfg.dma, channel_of(s), true);
    move_on(s);
    sb16_settle(s);
}

void sb16_end(struct sb16 *s)
{
    if (s->stream.pace.rate)
        stand(s);
    if (s->stream.active)
        dma8237_dreq(s->cfg.dma, channel_of(s), false);
    s->stream.active = s->stream.carried = 0;
    arm(s);
}

void sb16_pause(struct sb16 *s, bool wide)
{
    sb16_settle(s);
    if (!s->stream.active || s->stream.wide != wide)
        return;
    s->stream.paused = 1;
    if (s->stream.pace.rate)
        stand(s);
    arm(s);
}

void sb16_continue(struct sb16 *s, bool wide)
{
    if (!s->stream.active || s->stream.wide != wide)
        return;
    s->stream.paused = 0;
    move_on(s);
    sb16_settle(s);
}

void sb16_dma_ready(void *opaque)
{
    struct sb16 *s = opaque;

    if (!s->stream.stalled)
        return;
    move_on(s);
    sb16_settle(s);
}

void sb16_dma_restore(struct sb16 *s)
{
    struct sb16_stream *t = &s->stream;
    bool ran = t->pace.rate && t->active && !t->paused;

    t->adpcm.packing %= SB16_PACKINGS;
    t->adpcm.scale = MIN(t->adpcm.scale, 3);
    t->wide = t->wide && t->adpcm.packing == SB16_PCM;
    t->stereo = t->stereo && t->adpcm.packing == SB16_PCM;
    t->carried = MIN(t->carried, 3);
    t->block = CLAMP(t->block, 1, 0x20000);
    t->left = CLAMP(t->left, 1, t->block);
    pace_stop(&t->pace);
    audio_capture_stop(s->capture);
    audio_voice_stop(s->voice);
    if (ran)
        move_on(s);
    arm(s);
}
