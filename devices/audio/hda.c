/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The controller's registers, its rings of commands and responses, its interrupt. High Definition
 * Audio Specification 1.0a, chapters 3 and 4; Intel ICH6 datasheet (301473), chapter 18.
 */
#include "devices/audio/hda.h"

#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"
#include "devices/audio/hda_state.h"

enum {
    BAR_SIZE = 0x4000,
    ALIASES = 0x2000, /* of the wall clock and of positions, for programs */
    WALL_HZ = 24000000,

    GCTL_RUN = 1 << 0, /* CRST: not in reset */
    GCTL_UNSOL = 1 << 8,
    INT_GLOBAL = 1 << 31,
    INT_CONTROLLER = 1 << 30,
    RING_RUN = 1 << 1,
    RIRB_IRQ = 1 << 0,
    RIRB_TOLD = 1 << 0, /* of its status */
    RP_RESET = 0x80,    /* of the upper byte of CORBRP and RIRBWP */
    ICIS_BUSY = 1 << 0,
    ICIS_VALID = 1 << 1,
    RING_MASK = 0xff,
};

/* ---- the interrupt ---- */

static bool stream_wants(struct hda *h, unsigned n)
{
    uint8_t ctl = *hda_stream_reg(h, n, S_CTL), sts = *hda_stream_reg(h, n, S_STS);

    return ((sts & STS_BCIS) && (ctl & CTL_IOCE)) || ((sts & STS_FIFOE) && (ctl & CTL_FEIE)) ||
           ((sts & STS_DESE) && (ctl & CTL_DEIE));
}

void hda_update_irq(struct hda *h)
{
    uint32_t sts = 0, ctl = ld_le32(h->reg + R_INTCTL);

    for (unsigned n = 0; n < HDA_STREAMS; n++)
        sts |= (uint32_t)stream_wants(h, n) << n;
    if (((h->reg[R_RIRBSTS] & RIRB_TOLD) && (h->reg[R_RIRBCTL] & RIRB_IRQ)) ||
        (ld_le16(h->reg + R_STATESTS) & ld_le16(h->reg + R_WAKEEN)))
        sts |= INT_CONTROLLER;
    if (sts & ctl)
        sts |= INT_GLOBAL;
    st_le32(h->reg + R_INTSTS, sts);
    pci_set_intx(&h->pci, (sts & ctl & ~(uint32_t)INT_GLOBAL) && (ctl & INT_GLOBAL));
}

/* ---- commands ---- */

/* A codec that is not there does not respond. */
static bool command(struct hda *h, uint32_t cmd, uint32_t *response)
{
    unsigned k = cmd >> 28;

    if (k >= h->n_codecs)
        return false;
    *response = hda_codec_command(&h->codec[k], cmd & 0x0fffffff);
    return true;
}

static void respond(struct hda *h, uint32_t response, unsigned codec)
{
    uint8_t wp = (uint8_t)(h->reg[R_RIRBWP] + 1), entry[8];

    st_le32(entry, response);
    st_le32(entry + 4, codec);
    pci_dma_write(&h->pci, (ld_le64(h->reg + R_RIRBBASE) & ~UINT64_C(127)) + 8u * wp, entry, 8);
    h->reg[R_RIRBWP] = wp;
}

/* All commands that are there; the interrupt comes when there are no more. */
static void run_commands(struct hda *h)
{
    uint64_t base = ld_le64(h->reg + R_CORBBASE) & ~UINT64_C(127);
    bool responded = false;

    if (!(h->reg[R_CORBCTL] & RING_RUN) || (h->reg[R_CORBRP + 1] & RP_RESET))
        return;
    while (h->reg[R_CORBRP] != h->reg[R_CORBWP]) {
        uint32_t cmd, response;
        uint8_t entry[4];

        h->reg[R_CORBRP]++;
        pci_dma_read(&h->pci, base + 4u * h->reg[R_CORBRP], entry, 4);
        cmd = ld_le32(entry);
        if (command(h, cmd, &response) && (h->reg[R_RIRBCTL] & RING_RUN)) {
            respond(h, response, cmd >> 28);
            responded = true;
        }
    }
    if (responded)
        h->reg[R_RIRBSTS] |= RIRB_TOLD;
    hda_streams_follow(h);
}

static void run_immediate(struct hda *h)
{
    uint32_t response;

    if (!(h->reg[R_ICIS] & ICIS_BUSY))
        return;
    h->reg[R_ICIS] = 0;
    if (command(h, ld_le32(h->reg + R_ICOI), &response)) {
        st_le32(h->reg + R_ICII, response);
        h->reg[R_ICIS] = ICIS_VALID;
    }
    hda_streams_follow(h);
}

/* ---- registers ---- */

/* Of each byte of the registers: the bits that can be written, and those that a one clears. */
static uint8_t stream_mask(unsigned off)
{
    switch (off) {
    case S_CTL: return 0x1f;
    case S_NUMBER: return 0xff;
    case S_CBL ... S_CBL + 3:
    case S_LVI: return 0xff;
    case S_FMT: return 0x7f;
    case S_FMT + 1: return 0x7f;
    case S_BDP: return 0x80;
    case S_BDP + 1 ... S_BDP + 7: return 0xff;
    default: return 0;
    }
}

static uint8_t mask_of(unsigned off)
{
    if (off >= R_STREAM)
        return stream_mask((off - R_STREAM) % 0x20);
    switch (off) {
    case R_GCTL: return GCTL_RUN;
    case R_GCTL + 1: return GCTL_UNSOL >> 8;
    case R_WAKEEN: return (1 << HDA_CODECS) - 1;
    case R_INTCTL: return 0xff;
    case R_INTCTL + 3: return 0xc0;
    case R_SSYNC_OLD:
    case R_SSYNC: return 0xff;
    case R_CORBBASE:
    case R_RIRBBASE: return 0x80;
    case R_CORBBASE + 1 ... R_CORBBASE + 7:
    case R_RIRBBASE + 1 ... R_RIRBBASE + 7:
    case R_CORBWP:
    case R_RINTCNT:
    case R_ICOI ... R_ICOI + 3: return 0xff;
    case R_CORBRP + 1: return RP_RESET;
    case R_CORBCTL: return 0x03;
    case R_RIRBCTL: return 0x07;
    case R_ICIS: return ICIS_BUSY;
    case R_DPBASE: return 0x81;
    case R_DPBASE + 1 ... R_DPBASE + 7: return 0xff;
    default: return 0;
    }
}

static uint8_t clear_mask(unsigned off)
{
    if (off >= R_STREAM)
        return (off - R_STREAM) % 0x20 == S_STS ? STS_BCIS | STS_FIFOE | STS_DESE : 0;
    switch (off) {
    case R_STATESTS: return (1 << HDA_CODECS) - 1;
    case R_CORBSTS: return 0x01;
    case R_RIRBSTS: return 0x05;
    case R_ICIS: return ICIS_VALID;
    default: return 0;
    }
}

/* As after power-on and in reset. */
static void reset_registers(struct hda *h)
{
    for (unsigned n = 0; n < HDA_STREAMS; n++)
        hda_stream_reset(h, n);
    memset(h->reg, 0, R_STREAM);
    st_le16(h->reg, HDA_INPUTS << 12 | HDA_INPUTS << 8 | 1); /* streams out, in; 64 bits */
    h->reg[3] = 1;                                           /* version 1.0 */
    st_le16(h->reg + 4, 0x3c);
    st_le16(h->reg + 6, 0x1d);
    h->reg[R_CORBSIZE] = h->reg[R_RIRBSIZE] = 0x42; /* 256 entries */
    for (unsigned k = 0; k < HDA_CODECS; k++)
        hda_codec_reset(&h->codec[k]);
    h->wall_base = clock_now(h->clock);
}

static void write_gctl(struct hda *h, bool was)
{
    bool on = h->reg[R_GCTL] & GCTL_RUN;

    if (was && !on)
        reset_registers(h);
    else if (!was && on)
        h->reg[R_STATESTS] = (uint8_t)((1 << h->n_codecs) - 1); /* who is there says so */
}

static void write_byte(struct hda *h, unsigned off, uint8_t val)
{
    uint8_t mask = mask_of(off), old = h->reg[off];

    /* in reset nothing else can be written */
    if (!(h->reg[R_GCTL] & GCTL_RUN) && off != R_GCTL)
        return;
    h->reg[off] = (uint8_t)((old & ~mask) | (val & mask));
    h->reg[off] &= (uint8_t) ~(val & clear_mask(off));
    if (off >= R_STREAM) {
        unsigned n = (off - R_STREAM) / 0x20;

        if ((off - R_STREAM) % 0x20 == S_CTL && (val & CTL_RESET)) {
            hda_stream_reset(h, n);
            *hda_stream_reg(h, n, S_CTL) = CTL_RESET;
        }
        return;
    }
    switch (off) {
    case R_GCTL: write_gctl(h, old & GCTL_RUN); break;
    case R_CORBRP + 1:
        if (val & RP_RESET)
            h->reg[R_CORBRP] = 0;
        break;
    case R_RIRBWP + 1:
        if (val & RP_RESET)
            h->reg[R_RIRBWP] = 0;
        break;
    }
}

static uint32_t wall_clock(struct hda *h)
{
    return (uint32_t)muldiv64((uint64_t)(clock_now(h->clock) - h->wall_base), WALL_HZ, NS_PER_SEC);
}

static uint64_t hda_read(void *opaque, uint64_t off, unsigned size)
{
    struct hda *h = opaque;
    uint64_t val = 0;

    hda_streams_settle(h);
    st_le32(h->reg + R_WALCLK, h->reg[R_GCTL] & GCTL_RUN ? wall_clock(h) : 0);
    if (off >= ALIASES)
        off -= ALIASES;
    for (unsigned k = 0; k < size && off + k < HDA_REGS; k++)
        val |= (uint64_t)h->reg[off + k] << 8 * k;
    return val;
}

static void hda_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct hda *h = opaque;

    hda_streams_settle(h);
    for (unsigned k = 0; k < size && off + k < HDA_REGS; k++)
        write_byte(h, (unsigned)off + k, (uint8_t)(val >> 8 * k));
    run_immediate(h);
    run_commands(h);
    hda_streams_follow(h);
}

static const struct bus_ops hda_ops = {hda_read, hda_write, 1, 4};

/* ---- life ---- */

static void fire(void *opaque)
{
    hda_streams_settle(opaque);
}

static void quiet(struct hda *h)
{
    for (unsigned k = 0; k < h->n_codecs; k++) {
        audio_voice_stop(h->voice[k]);
        if (h->capture[k])
            audio_capture_stop(h->capture[k]);
    }
}

static void hda_reset(void *self)
{
    struct hda *h = self;

    quiet(h);
    pci_device_reset(&h->pci);
    for (unsigned k = 0; k < h->n_codecs; k++)
        h->codec[k].duplex = h->capture[k] != NULL;
    reset_registers(h);
    timer_cancel(&h->timer);
}

static void hda_post_load(void *self)
{
    struct hda *h = self;
    int64_t now = clock_now(h->clock);

    quiet(h);
    pci_device_post_load(&h->pci);
    h->wall_base = CLAMP(h->wall_base, 0, now);
    for (unsigned k = 0; k < HDA_CODECS; k++) {
        h->codec[k].duplex = k < h->n_codecs && h->capture[k];
        for (unsigned n = 0; n < HDA_NODES; n++) {
            uint8_t *amp = h->codec[k].node[n].amp;

            amp[0] = (uint8_t)((amp[0] & 0x80) | MIN(amp[0] & 0x7f, 74));
            amp[1] = (uint8_t)((amp[1] & 0x80) | MIN(amp[1] & 0x7f, 74));
        }
    }
    for (unsigned n = 0; n < HDA_STREAMS; n++) /* who ran starts anew, where it was */
        pace_stop(&h->stream[n].pace);
    hda_streams_follow(h);
}

static void hda_destroy(void *self)
{
    struct hda *h = self;

    timer_cancel(&h->timer);
    pci_detach(&h->pci);
    for (unsigned k = 0; k < h->n_codecs; k++) {
        audio_voice_free(h->voice[k]);
        audio_capture_free(h->capture[k]);
    }
    g_free(h);
}

static const struct state_field fields[] = {
    PCI_STATE_FIELDS(struct hda, pci),  STATE_ARRAY(struct hda, reg),
    STATE_ARRAY(struct hda, stream),    STATE_ARRAY(struct hda, codec),
    STATE_FIELD(struct hda, wall_base), STATE_END,
};

static const struct device_type hda_type = {
    .name = "intel-hda",
    .version = 1,
    .fields = fields,
    .reset = hda_reset,
    .post_load = hda_post_load,
    .destroy = hda_destroy,
};

struct hda *hda_new(const struct hda_config *cfg, GError **err)
{
    struct hda *h = g_new0(struct hda, 1);

    h->dev = (struct device){.type = &hda_type, .self = h};
    h->clock = cfg->clock;
    timer_init(&h->timer, cfg->clock, fire, h);
    pci_device_init(&h->pci, "intel-hda", 0x8086, cfg->device_id, 0x040300, 0x01, 1, h);
    pci_bar_init(&h->pci, 0, false, BAR_SIZE, &hda_ops, h);
    if (!pci_attach(cfg->bus, &h->pci, cfg->devfn, err)) {
        hda_destroy(h);
        return NULL;
    }
    device_reset(&h->dev);
    return h;
}

struct device *hda_device(struct hda *h)
{
    return &h->dev;
}

bool hda_add_codec(struct hda *h, struct audio *audio, bool duplex, GError **err)
{
    unsigned k = h->n_codecs;

    if (k == HDA_CODECS)
        return error_config(err, "intel-hda: there are at most %d codecs", HDA_CODECS);
    h->voice[k] = audio_voice_new(audio);
    h->capture[k] = duplex ? audio_capture_new(audio) : NULL;
    h->codec[k].duplex = duplex;
    hda_codec_reset(&h->codec[k]);
    h->n_codecs++;
    return true;
}
