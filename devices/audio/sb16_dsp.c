/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DSP's commands, version 4.05. Creative, "Sound Blaster Series Hardware Programming Guide",
 * chapters 2, 3 and 6. The high-speed commands of earlier DSPs are here like the others: the 4.05
 * listens while it transfers. It has no MIDI: those commands are passed over with their arguments.
 */
#include "base/bits.h"
#include "base/log.h"
#include "devices/audio/sb16_state.h"

#define VERSION_MAJOR 4
#define VERSION_MINOR 5
#define MIC_RATE      22050 /* of samples that are read without DMA */

static const char copyright[] = "COPYRIGHT (C) CREATIVE TECHNOLOGY LTD, 1992.";

/* How many bytes follow a command. */
static unsigned args_of(uint8_t cmd)
{
    switch (cmd) {
    case 0x04: /* the signal processor's */
    case 0x0f:
    case 0x10:
    case 0x38:
    case 0x40:
    case 0xe0:
    case 0xe2:
    case 0xe4:
    case 0xf9: return 1;
    case 0x05:
    case 0x0e:
    case 0x14 ... 0x17:
    case 0x24:
    case 0x41:
    case 0x42:
    case 0x48:
    case 0x74 ... 0x77:
    case 0x80: return 2;
    case 0xb0 ... 0xcf: return 3;
    default: return 0;
    }
}

static void say(struct sb16 *s, uint8_t val)
{
    if (s->queue_len < SB16_QUEUE)
        s->queue[(s->queue_at + s->queue_len++) % SB16_QUEUE] = val;
}

uint8_t sb16_dsp_read(struct sb16 *s)
{
    if (s->queue_len) {
        s->last_read = s->queue[s->queue_at % SB16_QUEUE];
        s->queue_at = (s->queue_at + 1) % SB16_QUEUE;
        s->queue_len--;
    }
    return s->last_read;
}

/* ---- transfers ---- */

static unsigned word_at(const struct sb16 *s, unsigned n)
{
    return s->args[n] | (unsigned)s->args[n + 1] << 8;
}

/* 0x1x, 0x2x, 0x7x, 0x9x: 8 bits, and stereo as the mixer and command 0xa8 say. */
static void begin_old(struct sb16 *s, enum sb16_packing packing, bool ref, bool autoinit,
                      bool input, unsigned length)
{
    struct sb16_stream t = {.adpcm = {.packing = (uint8_t)packing},
                            .want_ref = ref,
                            .autoinit = autoinit,
                            .input = input,
                            .block = length};

    t.stereo = packing == SB16_PCM && (input ? s->input_stereo : s->mixer[0x0e] >> 1 & 1);
    sb16_begin(s, &t);
}

/* 0xbx, 0xcx: all is in the command and its mode. */
static void begin_new(struct sb16 *s, uint8_t cmd)
{
    struct sb16_stream t = {.wide = cmd < 0xc0,
                            .input = cmd >> 3 & 1,
                            .autoinit = cmd >> 2 & 1,
                            .is_signed = s->args[0] >> 4 & 1,
                            .stereo = s->args[0] >> 5 & 1};

    t.block = (word_at(s, 1) + 1) << (t.wide ? 1 : 0);
    sb16_begin(s, &t);
}

static void begin_silence(struct sb16 *s)
{
    uint32_t rate = MAX(s->rate, 1u);

    s->silence_end =
        clock_now(s->cfg.clock) + (int64_t)muldiv64(word_at(s, 0) + 1, NS_PER_SEC, rate);
    sb16_settle(s);
}

/* The end of auto-initialisation: with this block. */
static void last_block(struct sb16 *s, bool wide, bool last)
{
    if (s->stream.wide == wide)
        s->stream.autoinit = !last;
}

static void direct_out(struct sb16 *s)
{
    level_set(&s->direct, clock_now(s->cfg.clock), (s->args[0] - 128) * 256);
    sb16_settle(s);
}

static void direct_in(struct sb16 *s)
{
    static const struct audio_spec mono = {MIC_RATE, 1, AUDIO_FMT_U8};
    uint8_t val = 0x80;

    if (!s->stream.input || !s->stream.pace.rate) {
        audio_capture_start(s->capture, &mono);
        audio_capture_read(s->capture, &val, 1);
        audio_capture_stop(s->capture);
    }
    say(s, val);
}

static void set_rate(struct sb16 *s, uint32_t rate, bool by_constant)
{
    s->rate = rate;
    s->by_constant = by_constant;
}

static bool run_transfer(struct sb16 *s, uint8_t cmd)
{
    unsigned len = word_at(s, 0) + 1, block = s->block_size;

    switch (cmd) {
    case 0x14:
    case 0x15: begin_old(s, SB16_PCM, false, false, false, len); break;
    case 0x16: begin_old(s, SB16_ADPCM2, false, false, false, len); break;
    case 0x17: begin_old(s, SB16_ADPCM2, true, false, false, len); break;
    case 0x1c: begin_old(s, SB16_PCM, false, true, false, block); break;
    case 0x1f: begin_old(s, SB16_ADPCM2, true, true, false, block); break;
    case 0x24: begin_old(s, SB16_PCM, false, false, true, len); break;
    case 0x2c: begin_old(s, SB16_PCM, false, true, true, block); break;
    case 0x74: begin_old(s, SB16_ADPCM4, false, false, false, len); break;
    case 0x75: begin_old(s, SB16_ADPCM4, true, false, false, len); break;
    case 0x76: begin_old(s, SB16_ADPCM26, false, false, false, len); break;
    case 0x77: begin_old(s, SB16_ADPCM26, true, false, false, len); break;
    case 0x7d: begin_old(s, SB16_ADPCM4, true, true, false, block); break;
    case 0x7f: begin_old(s, SB16_ADPCM26, true, true, false, block); break;
    case 0x90: begin_old(s, SB16_PCM, false, true, false, block); break;
    case 0x91: begin_old(s, SB16_PCM, false, false, false, block); break;
    case 0x98: begin_old(s, SB16_PCM, false, true, true, block); break;
    case 0x99: begin_old(s, SB16_PCM, false, false, true, block); break;
    case 0xb0 ... 0xcf: begin_new(s, cmd); break;
    default: return false;
    }
    return true;
}

static bool run_control(struct sb16 *s, uint8_t cmd)
{
    switch (cmd) {
    case 0x10: direct_out(s); break;
    case 0x20: direct_in(s); break;
    case 0x40: set_rate(s, 1000000u / (256u - s->args[0]), true); break;
    case 0x41:
    case 0x42: set_rate(s, (uint32_t)s->args[0] << 8 | s->args[1], false); break;
    case 0x45: last_block(s, false, false); break;
    case 0x47: last_block(s, true, false); break;
    case 0x48: s->block_size = word_at(s, 0) + 1; break;
    case 0x80: begin_silence(s); break;
    case 0xa0:
    case 0xa8: s->input_stereo = cmd >> 3 & 1; break;
    case 0xd0: sb16_pause(s, false); break;
    case 0xd1: s->speaker = 0xff; break; /* which the 4.05 only remembers */
    case 0xd3: s->speaker = 0; break;
    case 0xd4: sb16_continue(s, false); break;
    case 0xd5: sb16_pause(s, true); break;
    case 0xd6: sb16_continue(s, true); break;
    case 0xd9: last_block(s, true, true); break;
    case 0xda: last_block(s, false, true); break;
    default: return false;
    }
    return true;
}

static bool run_question(struct sb16 *s, uint8_t cmd)
{
    switch (cmd) {
    case 0xd8: say(s, s->speaker); break;
    case 0xe0: say(s, (uint8_t)~s->args[0]); break;
    case 0xe1:
        say(s, VERSION_MAJOR);
        say(s, VERSION_MINOR);
        break;
    case 0xe3:
        for (unsigned k = 0; k < sizeof(copyright); k++)
            say(s, (uint8_t)copyright[k]);
        break;
    case 0xe4: s->test = s->args[0]; break;
    case 0xe8: say(s, s->test); break;
    case 0xf2: sb16_raise(s, SB16_IRQ_8); break;
    case 0xf3: sb16_raise(s, SB16_IRQ_16); break;
    case 0xf8: say(s, 0); break;
    default: return false;
    }
    return true;
}

void sb16_dsp_write(struct sb16 *s, uint8_t val)
{
    sb16_settle(s);
    if (!s->want) {
        s->command = val;
        s->have = 0;
        s->want = (uint8_t)args_of(val);
    } else {
        s->args[s->have++] = val;
        s->want--;
    }
    if (s->want)
        return;
    if (!run_transfer(s, s->command) && !run_control(s, s->command) && !run_question(s, s->command))
        log_guest("sb16: command 0x%02x is none of the DSP's", s->command);
}

void sb16_dsp_reset(struct sb16 *s)
{
    sb16_end(s);
    level_stop(&s->direct);
    sb16_lower(s, SB16_IRQ_8 | SB16_IRQ_16);
    s->stream = (struct sb16_stream){.block = 1, .left = 1};
    s->want = s->have = 0;
    s->queue_at = s->queue_len = 0;
    s->silence_end = 0;
    s->speaker = s->input_stereo = 0;
    set_rate(s, 11025, false);
    s->block_size = 0x800;
    sb16_settle(s);
}
