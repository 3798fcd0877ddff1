/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Sound Blaster's ports and its life; see sb16.h. Creative, "Sound Blaster Series Hardware
 * Programming Guide", chapter 1 and appendix A.
 */
#include "devices/audio/sb16.h"

#include "base/bits.h"
#include "base/error.h"
#include "devices/audio/sb16_state.h"

enum { DSP_RESET = 0x6, DSP_READ = 0xa, DSP_WRITE = 0xc, DSP_STATUS = 0xe, DSP_ACK16 = 0xf };

#define READY      0xaa
#define MAX_BLOCKS 0x20000u

static uint64_t mixer_read(void *opaque, uint64_t off, unsigned size)
{
    struct sb16 *s = opaque;

    (void)size;
    sb16_settle(s);
    return off ? sb16_mixer_read(s) : s->mixer_index;
}

static void mixer_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct sb16 *s = opaque;

    (void)size;
    sb16_settle(s);
    if (off)
        sb16_mixer_write(s, (uint8_t)val);
    else
        s->mixer_index = (uint8_t)val;
}

static const struct bus_ops mixer_ops = {mixer_read, mixer_write, 1, 1};

/* It is reset where the line falls again, and says so. */
static void reset_write(struct sb16 *s, bool level)
{
    if (s->reset_line && !level) {
        sb16_dsp_reset(s);
        s->queue[0] = READY;
        s->queue_len = 1;
    }
    s->reset_line = level;
}

static uint64_t dsp_read(void *opaque, uint64_t off, unsigned size)
{
    struct sb16 *s = opaque;

    (void)off;
    (void)size;
    return sb16_dsp_read(s);
}

static void reset_port_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    (void)off;
    (void)size;
    reset_write(opaque, val & 1);
}

/* Bit 7: not ready for a command, which never happens. */
static uint64_t command_read(void *opaque, uint64_t off, unsigned size)
{
    (void)opaque;
    (void)off;
    (void)size;
    return 0x7f;
}

static void command_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    (void)off;
    (void)size;
    sb16_dsp_write(opaque, (uint8_t)val);
}

static uint64_t status_read(void *opaque, uint64_t off, unsigned size)
{
    struct sb16 *s = opaque;

    (void)size;
    sb16_settle(s);
    if (off) {
        sb16_lower(s, SB16_IRQ_16);
        return 0xff;
    }
    sb16_lower(s, SB16_IRQ_8);
    return s->queue_len ? 0xff : 0x7f;
}

static const struct bus_ops reset_ops = {NULL, reset_port_write, 1, 1};
static const struct bus_ops read_ops = {dsp_read, NULL, 1, 1};
static const struct bus_ops command_ops = {command_read, command_write, 1, 1};
static const struct bus_ops status_ops = {status_read, NULL, 1, 1};

/* ---- life ---- */

static void fire(void *opaque)
{
    sb16_settle(opaque);
}

static void sb16_reset(void *self)
{
    struct sb16 *s = self;

    audio_voice_stop(s->voice);
    audio_capture_stop(s->capture);
    s->direct.value = 0;
    sb16_mixer_reset(s);
    sb16_dsp_reset(s);
}

static void sb16_post_load(void *self)
{
    struct sb16 *s = self;

    s->queue_at %= SB16_QUEUE;
    s->queue_len = MIN(s->queue_len, SB16_QUEUE);
    s->have = MIN(s->have, sizeof(s->args));
    s->want = (uint8_t)MIN(s->want, sizeof(s->args) - s->have);
    s->block_size = CLAMP(s->block_size, 1, MAX_BLOCKS);
    if (s->silence_end < 0)
        s->silence_end = 0;
    level_stop(&s->direct);
    sb16_mixer_apply(s);
    sb16_dma_restore(s);
}

static void sb16_destroy(void *self)
{
    struct sb16 *s = self;

    timer_cancel(&s->timer);
    bus_unmap(&s->mixer_ports);
    for (unsigned k = 0; k < ARRAY_SIZE(s->dsp_ports); k++)
        bus_unmap(&s->dsp_ports[k]);
    for (unsigned chan = 0; chan < 8; chan++) {
        if (s->attached >> chan & 1)
            dma8237_attach(s->cfg.dma, chan, NULL, NULL);
    }
    level_clear(&s->direct);
    audio_voice_free(s->voice);
    audio_capture_free(s->capture);
    g_free(s);
}

static const struct state_field fields[] = {
    STATE_ARRAY(struct sb16, mixer),
    STATE_FIELD(struct sb16, mixer_index),
    STATE_FIELD(struct sb16, irqs),
    STATE_FIELD(struct sb16, command),
    STATE_ARRAY(struct sb16, args),
    STATE_FIELD(struct sb16, have),
    STATE_FIELD(struct sb16, want),
    STATE_ARRAY(struct sb16, queue),
    STATE_FIELD(struct sb16, queue_at),
    STATE_FIELD(struct sb16, queue_len),
    STATE_FIELD(struct sb16, last_read),
    STATE_FIELD(struct sb16, reset_line),
    STATE_FIELD(struct sb16, test),
    STATE_FIELD(struct sb16, speaker),
    STATE_FIELD(struct sb16, rate),
    STATE_FIELD(struct sb16, input_stereo),
    STATE_FIELD(struct sb16, by_constant),
    STATE_FIELD(struct sb16, block_size),
    STATE_FIELD(struct sb16, silence_end),
    STATE_FIELD(struct sb16, stream),
    STATE_END,
};

static const struct device_type sb16_type = {
    .name = "sb16",
    .version = 1,
    .fields = fields,
    .reset = sb16_reset,
    .post_load = sb16_post_load,
    .destroy = sb16_destroy,
};

static bool check(const struct sb16_config *c, GError **err)
{
    bool irq = c->irq_no == 2 || c->irq_no == 5 || c->irq_no == 7 || c->irq_no == 10;

    if (!irq)
        return error_config(err, "sb16: irq is 2, 5, 7 or 10");
    if (c->dma8 > 3 || c->dma8 == 2)
        return error_config(err, "sb16: dma is 0, 1 or 3");
    if (c->dma16 < 5 || c->dma16 > 7)
        return error_config(err, "sb16: dma16 is 5, 6 or 7");
    return true;
}

static bool map(struct sb16 *s, GError **err)
{
    static const struct {
        unsigned off, len;
        const struct bus_ops *ops;
    } part[] = {{DSP_RESET, 1, &reset_ops},
                {DSP_READ, 1, &read_ops},
                {DSP_WRITE, 1, &command_ops},
                {DSP_STATUS, 2, &status_ops}};

    bus_region_init(&s->mixer_ports, "sb16 mixer", 2, &mixer_ops, s);
    if (!bus_map(s->cfg.ports, &s->mixer_ports, s->cfg.base + 4u, err))
        return false;
    for (unsigned k = 0; k < ARRAY_SIZE(part); k++) {
        bus_region_init(&s->dsp_ports[k], "sb16 DSP", part[k].len, part[k].ops, s);
        if (!bus_map(s->cfg.ports, &s->dsp_ports[k], s->cfg.base + part[k].off, err))
            return false;
    }
    return true;
}

struct sb16 *sb16_new(const struct sb16_config *cfg, GError **err)
{
    struct sb16 *s;

    if (!check(cfg, err))
        return NULL;
    s = g_new0(struct sb16, 1);
    s->dev = (struct device){.type = &sb16_type, .self = s};
    s->cfg = *cfg;
    s->voice = audio_voice_new(cfg->audio);
    s->capture = audio_capture_new(cfg->audio);
    level_init(&s->direct, cfg->audio);
    timer_init(&s->timer, cfg->clock, fire, s);
    if (!map(s, err)) {
        sb16_destroy(s);
        return NULL;
    }
    device_reset(&s->dev);
    return s;
}

struct device *sb16_device(struct sb16 *s)
{
    return &s->dev;
}
