/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CT1745: volumes, and which interrupt and DMA channels the card uses. Creative, "Sound Blaster
 * Series Hardware Programming Guide", chapter 4.
 *
 * One thing is not as there: after power-on and a mixer reset the volumes are full, where
 * Creative's are 14 dB down twice. DOS programs rarely set them and rely on a utility that
 * AUTOEXEC.BAT started, which a machine that somebody just made has not.
 */
#include <math.h>

#include "base/bits.h"
#include "base/log.h"
#include "devices/audio/sb16_state.h"

enum {
    M_RESET = 0x00,
    M_OLD_VOICE = 0x04,
    M_OLD_MIC = 0x0a,
    M_OLD_OUTPUT = 0x0e, /* bit 1: stereo */
    M_OLD_MASTER = 0x22,
    M_OLD_MIDI = 0x26,
    M_OLD_CD = 0x28,
    M_OLD_LINE = 0x2e,
    M_MASTER = 0x30,
    M_VOICE = 0x32,
    M_MIDI = 0x34,
    M_CD = 0x36,
    M_LINE = 0x38,
    M_MIC = 0x3a,
    M_SPEAKER = 0x3b,
    M_OUTPUTS = 0x3c,
    M_INPUT_LEFT = 0x3d,
    M_INPUT_RIGHT = 0x3e,
    M_IN_GAIN = 0x3f,
    M_OUT_GAIN = 0x41,
    M_AGC = 0x43,
    M_TREBLE = 0x44,
    M_LAST_TONE = 0x47,
    M_IRQ = 0x80,
    M_DMA = 0x81,
    M_PENDING = 0x82,

    FULL = 0xf8,
};

static const uint8_t irq_of[SB16_IRQS] = {2, 5, 7, 10};

/* ---- volumes ---- */

static double decibels(double db)
{
    return pow(10, db / 20);
}

static void apply_volumes(struct sb16 *s)
{
    uint32_t gain[2];

    for (unsigned k = 0; k < 2; k++) {
        int down = 62 - (s->mixer[M_MASTER + k] >> 3) - (s->mixer[M_VOICE + k] >> 3);
        int up = 6 * (s->mixer[M_OUT_GAIN + k] >> 6);

        gain[k] = (uint32_t)lrint(AUDIO_UNITY * decibels(up - 2 * down));
    }
    audio_voice_gain(s->voice, gain[0], gain[1]);
    audio_voice_gain(s->direct.voice, gain[0], gain[1]);
}

/* Two volumes of four bits in one register, as the Sound Blaster Pro has them. */
static int pair_of(unsigned reg)
{
    switch (reg) {
    case M_OLD_VOICE: return M_VOICE;
    case M_OLD_MASTER: return M_MASTER;
    case M_OLD_MIDI: return M_MIDI;
    case M_OLD_CD: return M_CD;
    case M_OLD_LINE: return M_LINE;
    default: return -1;
    }
}

/* The bits of a register that can be written. */
static uint8_t mask_of(unsigned reg)
{
    switch (reg) {
    case M_OLD_OUTPUT: return 0x22;
    case M_MASTER ... M_MIC: return 0xf8;
    case M_SPEAKER:
    case M_IN_GAIN ... M_OUT_GAIN + 1: return 0xc0;
    case M_OUTPUTS: return 0x1f;
    case M_INPUT_LEFT:
    case M_INPUT_RIGHT: return 0x7f;
    case M_AGC: return 0x01;
    case M_TREBLE ... M_LAST_TONE: return 0xf0;
    case M_IRQ: return 0x0f;
    case M_DMA: return 0xeb;
    default: return 0;
    }
}

/* ---- interrupts ---- */

static void update_irq(struct sb16 *s)
{
    for (unsigned k = 0; k < SB16_IRQS; k++)
        irq_set(s->cfg.irq[k], s->irqs && (s->mixer[M_IRQ] >> k & 1));
}

void sb16_raise(struct sb16 *s, uint8_t which)
{
    s->irqs |= which;
    update_irq(s);
}

void sb16_lower(struct sb16 *s, uint8_t which)
{
    s->irqs &= (uint8_t)~which;
    update_irq(s);
}

/* ---- DMA channels ---- */

static unsigned lowest(uint8_t mask, unsigned none)
{
    return mask ? (unsigned)__builtin_ctz(mask) : none;
}

unsigned sb16_dma8(const struct sb16 *s)
{
    return lowest(s->mixer[M_DMA] & 0x0b, s->cfg.dma8);
}

unsigned sb16_dma16(const struct sb16 *s)
{
    return lowest(s->mixer[M_DMA] & 0xe0, sb16_dma8(s));
}

static void attach(struct sb16 *s, unsigned wanted)
{
    for (unsigned chan = 0; chan < 8; chan++) {
        unsigned bit = 1u << chan;

        if ((s->attached & bit) == (wanted & bit))
            continue;
        dma8237_dreq(s->cfg.dma, chan, false);
        dma8237_attach(s->cfg.dma, chan, wanted & bit ? sb16_dma_ready : NULL, s);
    }
    s->attached = wanted;
}

void sb16_mixer_apply(struct sb16 *s)
{
    apply_volumes(s);
    attach(s, 1u << sb16_dma8(s) | 1u << sb16_dma16(s));
    update_irq(s);
}

/* ---- registers ---- */

void sb16_mixer_reset(struct sb16 *s)
{
    uint8_t irq = s->mixer[M_IRQ], dma = s->mixer[M_DMA];

    memset(s->mixer, 0, sizeof(s->mixer));
    for (unsigned reg = M_MASTER; reg < M_CD; reg++)
        s->mixer[reg] = FULL;
    s->mixer[M_OUTPUTS] = 0x1f;
    s->mixer[M_INPUT_LEFT] = 0x15;
    s->mixer[M_INPUT_RIGHT] = 0x0b;
    memset(s->mixer + M_TREBLE, 0x80, 4);
    s->mixer[M_IRQ] = irq;
    s->mixer[M_DMA] = dma;
    if (!irq) { /* power-on */
        for (unsigned k = 0; k < SB16_IRQS; k++)
            s->mixer[M_IRQ] |= (uint8_t)((irq_of[k] == s->cfg.irq_no) << k);
        s->mixer[M_DMA] = (uint8_t)(1u << s->cfg.dma8 | 1u << s->cfg.dma16);
    }
    sb16_mixer_apply(s);
}

uint8_t sb16_mixer_read(struct sb16 *s)
{
    unsigned reg = s->mixer_index;
    int pair = pair_of(reg);

    if (pair >= 0)
        return (uint8_t)((s->mixer[pair] & 0xf0) | s->mixer[pair + 1] >> 4);
    if (reg == M_OLD_MIC)
        return s->mixer[M_MIC] >> 5;
    if (reg == M_PENDING)
        return s->irqs;
    return s->mixer[reg];
}

void sb16_mixer_write(struct sb16 *s, uint8_t val)
{
    unsigned reg = s->mixer_index;
    int pair = pair_of(reg);

    if (reg == M_RESET) {
        sb16_mixer_reset(s);
        return;
    }
    if (pair >= 0) {
        s->mixer[pair] = (uint8_t)((val & 0xf0) | 8);
        s->mixer[pair + 1] = (uint8_t)(val << 4 | 8);
    } else if (reg == M_OLD_MIC) {
        s->mixer[M_MIC] = (uint8_t)(val << 5);
    } else if ((reg == M_IRQ || reg == M_DMA) && !(val & mask_of(reg))) {
        log_guest("sb16: mixer register 0x%02x is left without a line", reg);
    } else if (mask_of(reg)) {
        s->mixer[reg] = val & mask_of(reg);
    } else {
        log_guest("sb16: there is no mixer register 0x%02x to write to", reg);
    }
    sb16_mixer_apply(s);
}
