/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the High Definition Audio controller share; see hda.h. */
#ifndef DEVICES_AUDIO_HDA_STATE_H
#define DEVICES_AUDIO_HDA_STATE_H

#include "devices/audio/hda.h"
#include "devices/audio/hda_codec.h"
#include "devices/audio/pace.h"

#define HDA_INPUTS  4
#define HDA_STREAMS 8 /* the inputs, then the outputs */
#define HDA_REGS    (0x80 + 0x20 * HDA_STREAMS)

/* Registers (HDA 1.0a, 3.3); of a stream from 0x80 + 0x20 * n on. */
enum {
    R_GCTL = 0x08,
    R_WAKEEN = 0x0c,
    R_STATESTS = 0x0e,
    R_INTCTL = 0x20,
    R_INTSTS = 0x24,
    R_WALCLK = 0x30,
    R_SSYNC_OLD = 0x34, /* where ICHs have it */
    R_SSYNC = 0x38,
    R_CORBBASE = 0x40,
    R_CORBWP = 0x48,
    R_CORBRP = 0x4a,
    R_CORBCTL = 0x4c,
    R_CORBSTS = 0x4d,
    R_CORBSIZE = 0x4e,
    R_RIRBBASE = 0x50,
    R_RIRBWP = 0x58,
    R_RINTCNT = 0x5a,
    R_RIRBCTL = 0x5c,
    R_RIRBSTS = 0x5d,
    R_RIRBSIZE = 0x5e,
    R_ICOI = 0x60,
    R_ICII = 0x64,
    R_ICIS = 0x68,
    R_DPBASE = 0x70,

    R_STREAM = 0x80,
    S_CTL = 0x00,
    S_NUMBER = 0x02, /* of the stream on the link, upper half */
    S_STS = 0x03,
    S_LPIB = 0x04,
    S_CBL = 0x08,
    S_LVI = 0x0c,
    S_FIFOS = 0x10,
    S_FMT = 0x12,
    S_BDP = 0x18,

    CTL_RESET = 1 << 0,
    CTL_RUN = 1 << 1,
    CTL_IOCE = 1 << 2,
    CTL_FEIE = 1 << 3,
    CTL_DEIE = 1 << 4,
    STS_BCIS = 1 << 2,
    STS_FIFOE = 1 << 3,
    STS_DESE = 1 << 4,
    STS_READY = 1 << 5,
};

/* A stream's place in its buffers, and its pace; all else is in its registers. */
struct hda_stream {
    uint32_t left; /* bytes of this buffer */
    uint64_t addr; /* of the next */
    uint8_t entry; /* the buffer after it */
    uint8_t loaded, ioc;
    struct pace pace;
};

struct hda {
    struct device dev;
    struct pci_device pci;
    struct vclock *clock;
    struct timer timer;
    unsigned n_codecs;
    struct audio_voice *voice[HDA_CODECS];
    struct audio_capture *capture[HDA_CODECS];

    uint8_t reg[HDA_REGS];
    struct hda_stream stream[HDA_STREAMS];
    struct hda_codec codec[HDA_CODECS];
    int64_t wall_base; /* ns: when the wall clock was 0 */
};

static inline uint8_t *hda_stream_reg(struct hda *h, unsigned n, unsigned off)
{
    return h->reg + R_STREAM + 0x20 * n + off;
}

/* ---- hda.c ---- */

void hda_update_irq(struct hda *h);

/* ---- hda_stream.c ---- */

/* Moves what is due by now, and sees to it that the rest moves in time. */
void hda_streams_settle(struct hda *h);

/* A stream's control was written, or a codec's converter was. */
void hda_streams_follow(struct hda *h);

/* As after its own reset. */
void hda_stream_reset(struct hda *h, unsigned n);

#endif
