/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The streams' DMA: through lists of buffers, in step with the clock. HDA 1.0a, 3.3.35 to 3.3.43,
 * 3.6.2, 3.6.3. A stream runs whether or not a codec listens to it.
 */
#include "base/bits.h"
#include "base/log.h"
#include "devices/audio/hda_state.h"

#define CHUNK        512u             /* frames */
#define POSITIONS_NS INT64_C(1000000) /* how often positions in memory are fresh */

struct format {
    unsigned rate, channels, size; /* frames a second; samples of a frame; bytes of a sample */
};

static struct format format_of(struct hda *h, unsigned n)
{
    static const uint8_t sizes[8] = {1, 2, 4, 4, 4, 4, 4, 4};
    unsigned f = ld_le16(hda_stream_reg(h, n, S_FMT));
    struct format r = {f >> 14 & 1 ? 44100 : 48000, (f & 15) + 1, sizes[f >> 4 & 7]};

    r.rate = r.rate * (MIN(f >> 11 & 7, 3u) + 1) / ((f >> 8 & 7) + 1);
    return r;
}

static unsigned frame_size(const struct format *f)
{
    return f->channels * f->size;
}

/* The codec whose converter is on stream n; n_codecs for none. */
static unsigned listener(struct hda *h, unsigned n)
{
    unsigned number = *hda_stream_reg(h, n, S_NUMBER) >> 4, k;

    for (k = 0; k < h->n_codecs; k++) {
        enum hda_node node = n < HDA_INPUTS ? HDA_ADC : HDA_DAC;

        if (number && hda_codec_stream(&h->codec[k], node) == number)
            break;
    }
    return k;
}

/* ---- samples ---- */

/* Of a frame the first two channels, as the host's side has them. */
static struct audio_spec spec_of(const struct format *f)
{
    return (struct audio_spec){f->rate, MIN(f->channels, 2u),
                               f->size == 1   ? AUDIO_FMT_U8
                               : f->size == 2 ? AUDIO_FMT_S16
                                              : AUDIO_FMT_S32};
}

static void play(struct hda *h, unsigned n, const uint8_t *p, size_t frames)
{
    struct format f = format_of(h, n);
    struct audio_spec s = spec_of(&f);
    unsigned k = listener(h, n), two = audio_frame_size(&s);
    uint8_t buf[CHUNK * 8];
    uint32_t gain[2];

    if (k == h->n_codecs)
        return;
    hda_codec_gain(&h->codec[k], HDA_DAC, gain);
    audio_voice_gain(h->voice[k], gain[0], gain[1]);
    for (size_t i = 0; i < frames; i++)
        memcpy(buf + i * two, p + i * frame_size(&f), two);
    audio_voice_start(h->voice[k], &s);
    audio_voice_play(h->voice[k], buf, frames);
}

static void record(struct hda *h, unsigned n, uint8_t *p, size_t frames)
{
    uint32_t gain[2];
    struct format f = format_of(h, n);
    struct audio_spec s = spec_of(&f);
    unsigned k = listener(h, n), two = audio_frame_size(&s);
    uint8_t buf[CHUNK * 8];

    memset(p, 0, frames * frame_size(&f));
    if (k == h->n_codecs || !h->capture[k])
        return;
    hda_codec_gain(&h->codec[k], HDA_ADC, gain);
    audio_capture_gain(h->capture[k], gain[0], gain[1]);
    audio_capture_read(h->capture[k], buf, frames);
    for (size_t i = 0; i < frames; i++)
        memcpy(p + i * frame_size(&f), buf + i * two, two);
}

/* ---- buffers ---- */

static void fetch(struct hda *h, unsigned n)
{
    struct hda_stream *s = &h->stream[n];
    uint64_t list = ld_le64(hda_stream_reg(h, n, S_BDP)) & ~UINT64_C(127);
    uint8_t bd[16], last = *hda_stream_reg(h, n, S_LVI);

    pci_dma_read(&h->pci, list + 16u * s->entry, bd, sizeof(bd));
    s->addr = ld_le64(bd);
    s->left = ld_le32(bd + 8);
    s->ioc = bd[12] & 1;
    s->entry = s->entry == last ? 0 : (uint8_t)(s->entry + 1);
    s->loaded = 1;
}

static void halt(struct hda *h, unsigned n)
{
    struct hda_stream *s = &h->stream[n];
    unsigned k = listener(h, n);

    pace_stop(&s->pace);
    if (k == h->n_codecs)
        return;
    if (n >= HDA_INPUTS)
        audio_voice_stop(h->voice[k]);
    else if (h->capture[k])
        audio_capture_stop(h->capture[k]);
}

/* There are bytes to move. False when a list has none at all. */
static bool have_buffer(struct hda *h, unsigned n)
{
    struct hda_stream *s = &h->stream[n];

    for (unsigned tries = 0; !s->loaded || !s->left; tries++) {
        if (tries > 256) {
            log_guest("hda: stream %u has buffers of no length alone", n);
            *hda_stream_reg(h, n, S_STS) |= STS_DESE;
            halt(h, n);
            return false;
        }
        fetch(h, n);
    }
    return true;
}

/* `len` bytes between memory and p, over as many buffers as it takes. */
static bool move_bytes(struct hda *h, unsigned n, uint8_t *p, size_t len)
{
    uint8_t *lpib = hda_stream_reg(h, n, S_LPIB);
    struct hda_stream *s = &h->stream[n];
    uint32_t cbl = ld_le32(hda_stream_reg(h, n, S_CBL)), pos;

    while (len) {
        size_t some;

        if (!have_buffer(h, n))
            return false;
        some = MIN(len, s->left);
        if (n >= HDA_INPUTS)
            pci_dma_read(&h->pci, s->addr, p, some);
        else
            pci_dma_write(&h->pci, s->addr, p, some);
        p += some;
        len -= some;
        s->addr += some;
        s->left -= (uint32_t)some;
        pos = ld_le32(lpib) + (uint32_t)some;
        st_le32(lpib, cbl && pos >= cbl ? pos % cbl : pos);
        if (!s->left) {
            s->loaded = 0;
            if (s->ioc)
                *hda_stream_reg(h, n, S_STS) |= STS_BCIS;
        }
    }
    return true;
}

static void advance(struct hda *h, unsigned n)
{
    struct hda_stream *s = &h->stream[n];
    int64_t now = clock_now(h->clock);
    uint8_t buf[16 * 4 * 64];
    uint64_t due;

    while (s->pace.rate && (due = pace_due(&s->pace, now))) {
        struct format f = format_of(h, n);
        size_t frames = MIN(due, MIN(CHUNK, sizeof(buf) / frame_size(&f)));

        if (n < HDA_INPUTS)
            record(h, n, buf, frames);
        if (!move_bytes(h, n, buf, frames * frame_size(&f)))
            return;
        if (n >= HDA_INPUTS)
            play(h, n, buf, frames);
        pace_took(&s->pace, frames);
    }
}

/* Where each stream is, for drivers that look in memory (3.6.1). */
static void write_positions(struct hda *h)
{
    uint64_t base = ld_le64(h->reg + R_DPBASE);

    for (unsigned n = 0; (base & 1) && n < HDA_STREAMS; n++) {
        if (h->stream[n].pace.rate)
            pci_dma_write(&h->pci, (base & ~UINT64_C(127)) + 8 * n, hda_stream_reg(h, n, S_LPIB),
                          4);
    }
}

static void arm(struct hda *h)
{
    int64_t now = clock_now(h->clock), next = INT64_MAX;
    int64_t most = h->reg[R_DPBASE] & 1 ? POSITIONS_NS : AUDIO_FEED_NS;

    for (unsigned n = 0; n < HDA_STREAMS; n++) {
        struct hda_stream *s = &h->stream[n];
        struct format f = format_of(h, n);

        if (!s->pace.rate)
            continue;
        next = MIN(next, now + most);
        if (s->loaded && s->left)
            next = MIN(next, pace_when(&s->pace,
                                       ((uint64_t)s->left + frame_size(&f) - 1) / frame_size(&f)));
    }
    if (next == INT64_MAX)
        timer_cancel(&h->timer);
    else
        timer_arm(&h->timer, next);
}

void hda_streams_settle(struct hda *h)
{
    for (unsigned n = 0; n < HDA_STREAMS; n++)
        advance(h, n);
    write_positions(h);
    arm(h);
    hda_update_irq(h);
}

static void begin(struct hda *h, unsigned n)
{
    struct format f = format_of(h, n);
    struct audio_spec spec = spec_of(&f);
    unsigned k = listener(h, n);

    pace_start(&h->stream[n].pace, clock_now(h->clock), f.rate);
    *hda_stream_reg(h, n, S_STS) |= STS_READY;
    if (!have_buffer(h, n) || k == h->n_codecs)
        return;
    if (n >= HDA_INPUTS)
        audio_voice_start(h->voice[k], &spec);
    else if (h->capture[k])
        audio_capture_start(h->capture[k], &spec);
}

void hda_streams_follow(struct hda *h)
{
    uint32_t held = ld_le32(h->reg + R_SSYNC) | ld_le32(h->reg + R_SSYNC_OLD);

    for (unsigned n = 0; n < HDA_STREAMS; n++) {
        uint8_t ctl = *hda_stream_reg(h, n, S_CTL);
        bool run = (ctl & CTL_RUN) && !(ctl & CTL_RESET) && !(held >> n & 1);

        if (run && !h->stream[n].pace.rate)
            begin(h, n);
        else if (!run && h->stream[n].pace.rate)
            halt(h, n);
    }
    hda_streams_settle(h);
}

void hda_stream_reset(struct hda *h, unsigned n)
{
    if (h->stream[n].pace.rate)
        halt(h, n);
    memset(hda_stream_reg(h, n, 0), 0, 0x20);
    h->stream[n] = (struct hda_stream){0};
    st_le16(hda_stream_reg(h, n, S_FIFOS), n < HDA_INPUTS ? 0x77 : 0xbf);
}
