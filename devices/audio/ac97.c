/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The controller: three bus masters that go through rings of 32 buffer descriptors in step with the
 * virtual clock. Intel 82801AA (ICH) datasheet (290655), chapter 13; Intel ICH AC '97 Programmer's
 * Reference Manual, sections 2 and 3.
 *
 * A channel's position is computed from the clock whenever the guest looks; a timer fires where a
 * buffer ends, and every few milliseconds so that what is heard is fed.
 */
#include "devices/audio/ac97.h"

#include "base/bits.h"
#include "base/log.h"
#include "devices/audio/ac97_codec.h"
#include "devices/audio/pace.h"

enum {
    NAM_SIZE = 256,
    NABM_SIZE = 64,
    CODEC_REGS = 0x80, /* those of a second codec follow, which is not there */
    RING = 32,
    CHUNK = 512, /* frames */

    /* of a channel, 16 bytes from one to the next */
    R_BDBAR = 0x0,
    R_CIV = 0x4,
    R_LVI = 0x5,
    R_SR = 0x6,
    R_PICB = 0x8,
    R_PIV = 0xa,
    R_CR = 0xb,
    /* of all */
    GLOB_CNT = 0x2c,
    GLOB_STA = 0x30,
    CAS = 0x34,

    SR_DCH = 1 << 0, /* halted */
    SR_CELV = 1 << 1,
    SR_LVBCI = 1 << 2,
    SR_BCIS = 1 << 3,
    SR_FIFOE = 1 << 4,
    SR_W1C = SR_LVBCI | SR_BCIS | SR_FIFOE,

    CR_RUN = 1 << 0,
    CR_RESET = 1 << 1,
    CR_LVBIE = 1 << 2,
    CR_FEIE = 1 << 3,
    CR_IOCE = 1 << 4,
    CR_MASK = 0x1f,

    BD_IOC = 1 << 15, /* of the upper 16 bits */
    BD_BUP = 1 << 14, /* at the last one's end: zeroes instead of the last sample */

    CNT_COLD = 1 << 1, /* 0: the link is in reset */
    CNT_WARM = 1 << 2,
    CNT_MASK = 0x3f,
    STA_READY = 1 << 8,
    STA_RCS = 1 << 15, /* a codec did not answer a read */
};

enum which { PCM_IN, PCM_OUT, MIC_IN, CHANNELS };

/* Where each channel's interrupt is shown in GLOB_STA. */
static const uint32_t sta_bit[CHANNELS] = {1 << 5, 1 << 6, 1 << 7};

struct channel {
    uint32_t bdbar;
    uint8_t civ, lvi, sr, piv, cr;
    uint8_t loaded;   /* a descriptor has been fetched and is not over */
    uint16_t picb;    /* samples left of it */
    uint16_t control; /* its upper half */
    uint32_t addr;    /* of the next sample */
    struct pace pace; /* while it moves */
};

struct ac97 {
    struct device dev;
    struct pci_device pci;
    struct vclock *clock;
    struct audio_voice *voice;
    struct audio_capture *capture[CHANNELS]; /* NULL for PCM_OUT */
    struct timer timer;

    struct ac97_codec codec;
    struct channel ch[CHANNELS];
    uint32_t glob_cnt, glob_sta;
    uint8_t cas;
};

static unsigned samples_per_frame(enum which n)
{
    return n == MIC_IN ? 1 : 2;
}

static unsigned rate_of(const struct ac97 *d, enum which n)
{
    return n == PCM_OUT  ? ac97_codec_dac_rate(&d->codec)
           : n == PCM_IN ? ac97_codec_adc_rate(&d->codec)
                         : ac97_codec_mic_rate(&d->codec);
}

/* ---- interrupts ---- */

static bool wants_irq(const struct channel *c)
{
    return ((c->sr & SR_LVBCI) && (c->cr & CR_LVBIE)) || ((c->sr & SR_BCIS) && (c->cr & CR_IOCE)) ||
           ((c->sr & SR_FIFOE) && (c->cr & CR_FEIE));
}

static void update_irq(struct ac97 *d)
{
    bool any = false;

    for (unsigned n = 0; n < CHANNELS; n++) {
        bool on = wants_irq(&d->ch[n]);

        d->glob_sta = on ? d->glob_sta | sta_bit[n] : d->glob_sta & ~sta_bit[n];
        any |= on;
    }
    pci_set_intx(&d->pci, any);
}

/* ---- the host's side follows what a channel does ---- */

static void start_sound(struct ac97 *d, enum which n)
{
    struct audio_spec s = {rate_of(d, n), samples_per_frame(n), AUDIO_FMT_S16};

    if (n == PCM_OUT)
        audio_voice_start(d->voice, &s);
    else
        audio_capture_start(d->capture[n], &s);
    pace_start(&d->ch[n].pace, clock_now(d->clock), s.rate);
}

static void stop_sound(struct ac97 *d, enum which n)
{
    pace_stop(&d->ch[n].pace);
    if (n == PCM_OUT)
        audio_voice_stop(d->voice);
    else
        audio_capture_stop(d->capture[n]);
}

static void apply_gain(struct ac97 *d)
{
    uint32_t gain[2];

    ac97_codec_out_gain(&d->codec, gain);
    audio_voice_gain(d->voice, gain[0], gain[1]);
}

/* ---- the rings ---- */

/* The descriptor that CIV moves on to. */
static void fetch(struct ac97 *d, struct channel *c)
{
    uint8_t bd[8];

    c->civ = c->piv;
    c->piv = (c->piv + 1) % RING;
    pci_dma_read(&d->pci, c->bdbar + 8u * c->civ, bd, sizeof(bd));
    c->addr = ld_le32(bd) & ~1u;
    c->picb = ld_le16(bd + 4);
    c->control = ld_le16(bd + 6);
    c->loaded = 1;
}

static void halt(struct ac97 *d, enum which n)
{
    d->ch[n].sr |= SR_DCH;
    stop_sound(d, n);
}

/* The buffer is over: goes on to the next, unless it was the last that is valid. */
static void end_buffer(struct ac97 *d, enum which n)
{
    struct channel *c = &d->ch[n];

    c->loaded = 0;
    if (c->control & BD_IOC)
        c->sr |= SR_BCIS;
    if (c->civ == c->lvi) {
        c->sr |= SR_LVBCI | SR_CELV;
        halt(d, n);
    } else {
        fetch(d, c);
    }
}

static void scale(int16_t *p, size_t frames, unsigned channels, const uint32_t gain[2])
{
    for (size_t k = 0; k < frames * channels; k++) {
        int64_t v = (int64_t)p[k] * gain[k % channels] >> 16;

        p[k] = (int16_t)CLAMP(v, INT16_MIN, INT16_MAX);
    }
}

/* Moves n frames between memory and the host; at most CHUNK. */
static void move(struct ac97 *d, enum which n, size_t frames)
{
    struct channel *c = &d->ch[n];
    unsigned per = samples_per_frame(n);
    int16_t buf[CHUNK * 2];
    size_t len = frames * per * 2;
    uint32_t gain[2];

    if (n == PCM_OUT) {
        pci_dma_read(&d->pci, c->addr, buf, len);
        audio_voice_play(d->voice, buf, frames);
    } else {
        audio_capture_read(d->capture[n], buf, frames);
        ac97_codec_in_gain(&d->codec, gain);
        scale(buf, frames, per, gain);
        pci_dma_write(&d->pci, c->addr, buf, len);
    }
    c->addr += (uint32_t)len;
    c->picb = (uint16_t)(c->picb - frames * per);
    pace_took(&c->pace, frames);
}

/* A sample that is no whole frame any more is left out. */
static size_t frames_left(const struct channel *c, enum which n)
{
    return c->picb / samples_per_frame(n);
}

static void advance(struct ac97 *d, enum which n)
{
    struct channel *c = &d->ch[n];
    int64_t now = clock_now(d->clock);

    /* each turn moves frames that are due, or ends a buffer, of which there are 32 before LVI */
    while (c->pace.rate) {
        uint64_t due = pace_due(&c->pace, now);
        size_t left = frames_left(c, n), some = MIN(MIN(due, left), CHUNK);

        if (some)
            move(d, n, some);
        if (some == left)
            end_buffer(d, n);
        else if (!some)
            break;
    }
}

static void arm(struct ac97 *d)
{
    int64_t now = clock_now(d->clock), next = INT64_MAX;

    for (unsigned n = 0; n < CHANNELS; n++) {
        const struct channel *c = &d->ch[n];

        if (!c->pace.rate)
            continue;
        next = MIN(next, now + AUDIO_FEED_NS);
        next = MIN(next, pace_when(&c->pace, frames_left(c, n)));
    }
    if (next == INT64_MAX)
        timer_cancel(&d->timer);
    else
        timer_arm(&d->timer, next);
}

static void settle(struct ac97 *d)
{
    for (unsigned n = 0; n < CHANNELS; n++)
        advance(d, n);
}

static void follow(struct ac97 *d)
{
    arm(d);
    update_irq(d);
}

static void fire(void *opaque)
{
    settle(opaque);
    follow(opaque);
}

/* ---- registers of the bus masters ---- */

static void reset_channel(struct ac97 *d, enum which n)
{
    if (d->ch[n].pace.rate)
        stop_sound(d, n);
    d->ch[n] = (struct channel){.sr = SR_DCH};
}

/* Moves, if it is to and there is anything valid. */
static void run(struct ac97 *d, enum which n)
{
    struct channel *c = &d->ch[n];

    if (!(c->cr & CR_RUN) || c->pace.rate)
        return;
    if (!c->loaded) {
        if ((c->sr & SR_CELV) && c->civ == c->lvi)
            return; /* all is played */
        fetch(d, c);
    }
    c->sr &= (uint8_t) ~(SR_DCH | SR_CELV);
    start_sound(d, n);
    advance(d, n);
}

static void write_control(struct ac97 *d, enum which n, uint8_t val)
{
    struct channel *c = &d->ch[n];

    if (val & CR_RESET) {
        if (val & CR_RUN)
            log_guest("ac97: a channel is reset while it is to run");
        reset_channel(d, n);
        return;
    }
    c->cr = val & CR_MASK;
    if (c->cr & CR_RUN)
        run(d, n);
    else if (c->pace.rate)
        halt(d, n);
}

static void channel_write(struct ac97 *d, enum which n, unsigned off, uint8_t val)
{
    struct channel *c = &d->ch[n];
    unsigned shift = 8 * (off - R_BDBAR);

    switch (off) {
    case R_BDBAR ... R_BDBAR + 3:
        c->bdbar = (c->bdbar & ~(0xffu << shift)) | (uint32_t)val << shift;
        c->bdbar &= ~7u;
        break;
    case R_LVI:
        c->lvi = val % RING;
        if (c->sr & SR_CELV)
            run(d, n);
        break;
    case R_SR: c->sr &= (uint8_t) ~(val & SR_W1C); break;
    case R_CR: write_control(d, n, val); break;
    }
}

static uint8_t channel_read(const struct channel *c, unsigned off)
{
    switch (off) {
    case R_BDBAR ... R_BDBAR + 3: return (uint8_t)(c->bdbar >> 8 * off);
    case R_CIV: return c->civ;
    case R_LVI: return c->lvi;
    case R_SR: return c->sr;
    case R_PICB: return (uint8_t)c->picb;
    case R_PICB + 1: return (uint8_t)(c->picb >> 8);
    case R_PIV: return c->piv;
    case R_CR: return c->cr;
    default: return 0;
    }
}

static void write_global(struct ac97 *d, uint32_t val)
{
    bool was = d->glob_cnt & CNT_COLD;

    d->glob_cnt = val & CNT_MASK & ~(uint32_t)CNT_WARM; /* a warm reset is over at once */
    if (was && !(val & CNT_COLD)) {
        for (unsigned n = 0; n < CHANNELS; n++)
            reset_channel(d, n);
        ac97_codec_reset(&d->codec);
        apply_gain(d);
    }
    d->glob_sta = val & CNT_COLD ? d->glob_sta | STA_READY : d->glob_sta & ~(uint32_t)STA_READY;
}

static uint64_t nabm_read(void *opaque, uint64_t off, unsigned size)
{
    struct ac97 *d = opaque;
    uint64_t val = 0;

    settle(d);
    follow(d);
    for (unsigned k = 0; k < size; k++, off++) {
        uint8_t b = 0;

        if (off < 0x10 * CHANNELS - 4)
            b = channel_read(&d->ch[off >> 4], off & 15);
        else if (off >= GLOB_CNT && off < GLOB_CNT + 4)
            b = (uint8_t)(d->glob_cnt >> 8 * (off - GLOB_CNT));
        else if (off >= GLOB_STA && off < GLOB_STA + 4)
            b = (uint8_t)(d->glob_sta >> 8 * (off - GLOB_STA));
        if (off == CAS) {
            b = d->cas;
            d->cas = 1; /* whoever reads 0 has it, until the codec was accessed */
        }
        val |= (uint64_t)b << 8 * k;
    }
    return val;
}

static void nabm_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct ac97 *d = opaque;

    settle(d);
    for (unsigned k = 0; k < size; k++, off++, val >>= 8) {
        if (off < 0x10 * CHANNELS - 4)
            channel_write(d, (enum which)(off >> 4), off & 15, (uint8_t)val);
        else if (off == GLOB_CNT)
            write_global(d, (uint8_t)val);
        else if (off == GLOB_STA + 1)
            d->glob_sta &= ~((uint32_t)val << 8 & STA_RCS);
    }
    follow(d);
}

static const struct bus_ops nabm_ops = {nabm_read, nabm_write, 1, 4};

/* ---- the codec's registers ---- */

static uint64_t nam_read(void *opaque, uint64_t off, unsigned size)
{
    struct ac97 *d = opaque;
    uint16_t v;

    d->cas = 0;
    if (off >= CODEC_REGS || !(d->glob_cnt & CNT_COLD)) {
        d->glob_sta |= STA_RCS; /* nobody answers */
        return zext(~UINT64_C(0), size);
    }
    v = ac97_codec_read(&d->codec, (unsigned)off);
    return size == 1 ? (off & 1 ? v >> 8 : v & 0xff) : v;
}

static void nam_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct ac97 *d = opaque;
    uint32_t rates[CHANNELS];

    d->cas = 0;
    if (size == 1) {
        log_guest("ac97: a byte is written to codec register 0x%02x", (unsigned)off);
        return;
    }
    if (off >= CODEC_REGS || !(d->glob_cnt & CNT_COLD))
        return;
    settle(d);
    for (unsigned n = 0; n < CHANNELS; n++)
        rates[n] = rate_of(d, n);
    ac97_codec_write(&d->codec, (unsigned)off, (uint16_t)val);
    apply_gain(d);
    for (unsigned n = 0; n < CHANNELS; n++) {
        if (d->ch[n].pace.rate && rates[n] != rate_of(d, n))
            start_sound(d, n);
    }
    follow(d);
}

static const struct bus_ops nam_ops = {nam_read, nam_write, 1, 2};

/* ---- life ---- */

static void ac97_reset(void *self)
{
    struct ac97 *d = self;

    pci_device_reset(&d->pci);
    for (unsigned n = 0; n < CHANNELS; n++) {
        stop_sound(d, n);
        d->ch[n].sr = SR_DCH;
    }
    ac97_codec_reset(&d->codec);
    apply_gain(d);
    timer_cancel(&d->timer);
}

static void ac97_post_load(void *self)
{
    struct ac97 *d = self;
    int64_t now = clock_now(d->clock);

    pci_device_post_load(&d->pci);
    ac97_codec_check(&d->codec);
    apply_gain(d);
    for (unsigned n = 0; n < CHANNELS; n++) {
        struct channel *c = &d->ch[n];
        struct pace p;

        c->civ %= RING;
        c->lvi %= RING;
        c->piv %= RING;
        pace_check(&c->pace, now, 48000);
        p = c->pace;
        stop_sound(d, n);
        if (!p.rate || !(c->cr & CR_RUN) || !c->loaded)
            continue;
        start_sound(d, n);
        if (p.rate == c->pace.rate)
            c->pace = p;
    }
    follow(d);
}

static void ac97_destroy(void *self)
{
    struct ac97 *d = self;

    timer_cancel(&d->timer);
    pci_detach(&d->pci);
    audio_voice_free(d->voice);
    for (unsigned n = 0; n < CHANNELS; n++)
        audio_capture_free(d->capture[n]);
    g_free(d);
}

static const struct state_field fields[] = {
    PCI_STATE_FIELDS(struct ac97, pci),
    STATE_FIELD(struct ac97, codec),
    STATE_ARRAY(struct ac97, ch),
    STATE_FIELD(struct ac97, glob_cnt),
    STATE_FIELD(struct ac97, glob_sta),
    STATE_FIELD(struct ac97, cas),
    STATE_END,
};

static const struct device_type ac97_type = {
    .name = "ac97",
    .version = 1,
    .fields = fields,
    .reset = ac97_reset,
    .post_load = ac97_post_load,
    .destroy = ac97_destroy,
};

struct ac97 *ac97_new(const struct ac97_config *cfg, GError **err)
{
    struct ac97 *d = g_new0(struct ac97, 1);

    d->dev = (struct device){.type = &ac97_type, .self = d};
    d->clock = cfg->clock;
    d->voice = audio_voice_new(cfg->audio);
    d->capture[PCM_IN] = audio_capture_new(cfg->audio);
    d->capture[MIC_IN] = audio_capture_new(cfg->audio);
    timer_init(&d->timer, cfg->clock, fire, d);
    pci_device_init(&d->pci, "AC97", 0x8086, 0x2415, 0x040100, 0x01, 1, d);
    pci_bar_init(&d->pci, 0, true, NAM_SIZE, &nam_ops, d);
    pci_bar_init(&d->pci, 1, true, NABM_SIZE, &nabm_ops, d);
    if (!pci_attach(cfg->bus, &d->pci, cfg->devfn, err)) {
        ac97_destroy(d);
        return NULL;
    }
    device_reset(&d->dev);
    return d;
}

struct device *ac97_device(struct ac97 *d)
{
    return &d->dev;
}
