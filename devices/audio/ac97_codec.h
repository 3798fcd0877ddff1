/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The codec behind an AC-link: its registers (the mixer), sample rates and volumes. Audio Codec '97
 * specification 2.1, sections 5.7 and appendix A. Device lock held.
 */
#ifndef DEVICES_AUDIO_AC97_CODEC_H
#define DEVICES_AUDIO_AC97_CODEC_H

#include <stdint.h>

#define AC97_CODEC_REGS 64 /* of 16 bits, at even offsets below 0x80 */

struct ac97_codec {
    uint16_t reg[AC97_CODEC_REGS];
};

void ac97_codec_reset(struct ac97_codec *c);

/* `off` is below 0x80; odd ones are those below them. */
uint16_t ac97_codec_read(const struct ac97_codec *c, unsigned off);
void ac97_codec_write(struct ac97_codec *c, unsigned off, uint16_t val);

/* Frames a second of the converters. */
unsigned ac97_codec_dac_rate(const struct ac97_codec *c);
unsigned ac97_codec_adc_rate(const struct ac97_codec *c);
unsigned ac97_codec_mic_rate(const struct ac97_codec *c);

/* What the volumes make of PCM that is played, and of what is recorded; of 16.16, [0] left. */
void ac97_codec_out_gain(const struct ac97_codec *c, uint32_t gain[2]);
void ac97_codec_in_gain(const struct ac97_codec *c, uint32_t gain[2]);

/* Makes sense of registers that were restored from outside. */
void ac97_codec_check(struct ac97_codec *c);

#endif
