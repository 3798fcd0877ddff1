/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The codec's registers; see ac97_codec.h. It says to be a SigmaTel STAC9700, which every driver
 * knows, with variable rates for all converters. Headphone and mono outputs, tone and 3D are not
 * there: their registers read as zero.
 */
#include "devices/audio/ac97_codec.h"

#include <math.h>
#include <string.h>

#include "backends/audio.h"
#include "base/bits.h"
#include "base/log.h"

enum {
    R_RESET = 0x00,
    R_MASTER = 0x02,
    R_PHONE = 0x0c,
    R_MIC = 0x0e,
    R_PCM_OUT = 0x18,
    R_RECORD_SELECT = 0x1a,
    R_RECORD_GAIN = 0x1c,
    R_MIC_GAIN = 0x1e,
    R_POWER = 0x26,
    R_EXT_ID = 0x28,
    R_EXT_CONTROL = 0x2a,
    R_DAC_RATE = 0x2c,
    R_ADC_RATE = 0x32,
    R_MIC_RATE = 0x34,
    R_VENDOR1 = 0x7c,
    R_VENDOR2 = 0x7e,

    MUTE = 1 << 15,
    POWER_READY = 0x000f, /* references, analog, DAC, ADC */
    POWER_DACS = 1 << 9,  /* PR1: the converters for playing are off */
    POWER_ADCS = 1 << 8,  /* PR0 */
    EXT_VRA = 1 << 0,
    EXT_VRM = 1 << 3,

    RATE = 48000, /* without VRA */
    RATE_MIN = 8000,
};

/* Registers that can be written, and which bits of theirs. */
static const struct {
    uint8_t off;
    uint16_t mask, reset;
} regs[] = {
    {R_MASTER, 0x9f1f, 0x8000},
    {R_PHONE, 0x801f, 0x8008},
    {R_MIC, 0x805f, 0x8008},
    {0x10 /* line */, 0x9f1f, 0x8808},
    {0x12 /* CD */, 0x9f1f, 0x8808},
    {0x14 /* video */, 0x9f1f, 0x8808},
    {0x16 /* aux */, 0x9f1f, 0x8808},
    {R_PCM_OUT, 0x9f1f, 0x8808},
    {R_RECORD_SELECT, 0x0707, 0x0000},
    {R_RECORD_GAIN, 0x8f0f, 0x8000},
    {R_MIC_GAIN, 0x800f, 0x8000},
    {R_POWER, 0xff00, POWER_READY},
    {R_EXT_CONTROL, EXT_VRA | EXT_VRM, 0},
};

static uint16_t get(const struct ac97_codec *c, unsigned off)
{
    return c->reg[off / 2];
}

static void reset_rates(struct ac97_codec *c, uint16_t ext)
{
    if (!(ext & EXT_VRA))
        c->reg[R_DAC_RATE / 2] = c->reg[R_ADC_RATE / 2] = RATE;
    if (!(ext & EXT_VRM))
        c->reg[R_MIC_RATE / 2] = RATE;
}

void ac97_codec_reset(struct ac97_codec *c)
{
    memset(c, 0, sizeof(*c));
    for (unsigned k = 0; k < ARRAY_SIZE(regs); k++)
        c->reg[regs[k].off / 2] = regs[k].reset;
    c->reg[R_EXT_ID / 2] = EXT_VRA | EXT_VRM;
    c->reg[R_VENDOR1 / 2] = 0x8384;
    c->reg[R_VENDOR2 / 2] = 0x7600;
    reset_rates(c, 0);
}

uint16_t ac97_codec_read(const struct ac97_codec *c, unsigned off)
{
    return get(c, off & 0x7e);
}

/* A rate that is not to be had reads back as the nearest that is. */
static uint16_t near_rate(uint16_t v)
{
    return (uint16_t)CLAMP(v, RATE_MIN, RATE);
}

/* The sixth bit of an attenuation that has five: as far down as it goes (5.7.2). */
static uint16_t volume(uint16_t v)
{
    if (v & 0x2000)
        v |= 0x1f00;
    return v & 0x20 ? v | 0x1f : v;
}

static void write_plain(struct ac97_codec *c, unsigned off, uint16_t val)
{
    for (unsigned k = 0; k < ARRAY_SIZE(regs); k++) {
        if (regs[k].off != off)
            continue;
        if (off == R_MASTER)
            val = volume(val);
        c->reg[off / 2] = (uint16_t)((c->reg[off / 2] & ~regs[k].mask) | (val & regs[k].mask));
        return;
    }
    log_guest("ac97: codec register 0x%02x is not there or read-only", off);
}

void ac97_codec_write(struct ac97_codec *c, unsigned off, uint16_t val)
{
    uint16_t ext = get(c, R_EXT_CONTROL);

    off &= 0x7e;
    switch (off) {
    case R_RESET: ac97_codec_reset(c); break;
    case R_DAC_RATE:
    case R_ADC_RATE:
        if (ext & EXT_VRA)
            c->reg[off / 2] = near_rate(val);
        break;
    case R_MIC_RATE:
        if (ext & EXT_VRM)
            c->reg[off / 2] = near_rate(val);
        break;
    default: write_plain(c, off, val);
    }
    if (off == R_EXT_CONTROL)
        reset_rates(c, get(c, R_EXT_CONTROL));
}

unsigned ac97_codec_dac_rate(const struct ac97_codec *c)
{
    return get(c, R_DAC_RATE);
}

unsigned ac97_codec_adc_rate(const struct ac97_codec *c)
{
    return get(c, R_ADC_RATE);
}

unsigned ac97_codec_mic_rate(const struct ac97_codec *c)
{
    return get(c, R_MIC_RATE);
}

/* 1.5 dB a step. */
static uint32_t gain_of(int steps)
{
    return (uint32_t)lrint(AUDIO_UNITY * pow(10, 1.5 * steps / 20));
}

void ac97_codec_out_gain(const struct ac97_codec *c, uint32_t gain[2])
{
    uint16_t master = get(c, R_MASTER), pcm = get(c, R_PCM_OUT);

    for (unsigned k = 0; k < 2; k++) {
        unsigned shift = k ? 0 : 8;

        /* 0 of PCM's is 12 dB up */
        gain[k] = gain_of(8 - (int)(pcm >> shift & 31) - (int)(master >> shift & 31));
        if (((master | pcm) & MUTE) || (get(c, R_POWER) & POWER_DACS))
            gain[k] = 0;
    }
}

void ac97_codec_in_gain(const struct ac97_codec *c, uint32_t gain[2])
{
    uint16_t v = get(c, R_RECORD_GAIN);

    for (unsigned k = 0; k < 2; k++) {
        gain[k] = gain_of((int)(v >> (k ? 0 : 8) & 15));
        if ((v & MUTE) || (get(c, R_POWER) & POWER_ADCS))
            gain[k] = 0;
    }
}

void ac97_codec_check(struct ac97_codec *c)
{
    for (unsigned off = R_DAC_RATE; off <= R_MIC_RATE; off += 2) {
        if (off == R_DAC_RATE || off >= R_ADC_RATE)
            c->reg[off / 2] = near_rate(c->reg[off / 2]);
    }
}
