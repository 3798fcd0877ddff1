/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the Sound Blaster share; see sb16.h. */
#ifndef DEVICES_AUDIO_SB16_STATE_H
#define DEVICES_AUDIO_SB16_STATE_H

#include "devices/audio/level.h"
#include "devices/audio/pace.h"
#include "devices/audio/sb16.h"
#include "devices/audio/sb16_adpcm.h"

#define SB16_QUEUE 64 /* bytes that the DSP has to say */

enum { SB16_IRQ_8 = 1 << 0, SB16_IRQ_16 = 1 << 1 }; /* as mixer register 0x82 has them */

/* A transfer by DMA, in blocks. */
struct sb16_stream {
    uint8_t active, paused, stalled; /* stalled: the DMA channel does not serve it */
    uint8_t wide;                    /* 16 bits, with their own channel and interrupt */
    uint8_t input, autoinit, stereo, is_signed;
    uint8_t want_ref; /* the next byte is an ADPCM reference */
    uint8_t carried;  /* bytes in carry[]: of a frame that is not whole */
    uint8_t carry[4];
    uint32_t block, left; /* bytes */
    struct sb16_adpcm adpcm;
    struct pace pace; /* samples of time; runs while data moves */
};

struct sb16 {
    struct device dev;
    struct sb16_config cfg;
    struct bus_region mixer_ports, dsp_ports[4];
    struct timer timer;
    struct audio_voice *voice;
    struct audio_capture *capture;
    struct level direct; /* the converter, written to without DMA */
    unsigned attached;   /* channels that lead to us, a bit each */

    uint8_t mixer[256], mixer_index;
    uint8_t irqs; /* pending, SB16_IRQ_* */
    /* the DSP */
    uint8_t command, args[3], have; /* a command that is being written; want > have */
    uint8_t want;
    uint8_t queue[SB16_QUEUE], queue_at, queue_len, last_read;
    uint8_t reset_line, test, speaker, input_stereo;
    uint32_t rate; /* frames a second, or with by_constant transfers a second */
    uint8_t by_constant;
    uint32_t block_size; /* of command 0x48, in transfers */
    int64_t silence_end; /* ns; 0: none under way */
    struct sb16_stream stream;
};

/* ---- sb16_mixer.c ---- */

void sb16_mixer_reset(struct sb16 *s);
uint8_t sb16_mixer_read(struct sb16 *s);
void sb16_mixer_write(struct sb16 *s, uint8_t val);

/* What follows from its registers: volumes, lines, channels. */
void sb16_mixer_apply(struct sb16 *s);
unsigned sb16_dma8(const struct sb16 *s);  /* its channel */
unsigned sb16_dma16(const struct sb16 *s); /* likewise; may be an 8-bit one */

void sb16_raise(struct sb16 *s, uint8_t which);
void sb16_lower(struct sb16 *s, uint8_t which);

/* ---- sb16_dsp.c ---- */

void sb16_dsp_reset(struct sb16 *s);
void sb16_dsp_write(struct sb16 *s, uint8_t val);
uint8_t sb16_dsp_read(struct sb16 *s);

/* ---- sb16_dma.c ---- */

/* `stream` holds what is wanted, without the rate: begins it. Replaces what is under way. */
void sb16_begin(struct sb16 *s, const struct sb16_stream *stream);
void sb16_pause(struct sb16 *s, bool wide);
void sb16_continue(struct sb16 *s, bool wide);
void sb16_end(struct sb16 *s); /* at once, without an interrupt */

/* Does what is due by now, and sees to it that the rest happens in time. */
void sb16_settle(struct sb16 *s);

/* dma8237_attach's callback: `opaque` is the card. */
void sb16_dma_ready(void *opaque);

/* After the state was restored from outside. */
void sb16_dma_restore(struct sb16 *s);

#endif
