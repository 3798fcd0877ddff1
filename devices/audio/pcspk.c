/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loudspeaker; see pcspk.h. IBM PC AT Technical Reference, "Speaker": AND of port 0x61's bit 1
 * and the output of timer channel 2. It keeps a copy of what drives it, and at each change, and
 * every few milliseconds, goes through the edges that this made since: no timer fires an edge.
 */
#include "devices/audio/pcspk.h"

#include "devices/audio/level.h"

struct pcspk {
    struct device dev;
    struct vclock *clock;
    const struct pit *pit;
    struct level level;
    struct timer timer;
    struct pit_speaker drive; /* since `seen` */
    int64_t seen;             /* tick */
};

static void level_at(struct pcspk *s, int64_t ns)
{
    bool up = s->drive.on && pit_counter_out(&s->drive.counter, s->seen);

    level_set(&s->level, ns, up ? PCSPK_LEVEL : 0);
}

/* Plays what the copy says up to now. */
static void catch_up(struct pcspk *s)
{
    int64_t now = clock_now(s->clock), tick = pit_tick_at(now);

    while (s->drive.on) {
        int64_t edge = pit_counter_next_edge(&s->drive.counter, s->seen);

        if (edge > tick)
            break;
        s->seen = edge;
        pit_counter_sync(&s->drive.counter, edge);
        level_at(s, pit_ns_of_tick(edge));
    }
    s->seen = MAX(s->seen, tick);
}

/* Once more when the next frames are due, if there is anything to be heard. */
static void go_on(struct pcspk *s)
{
    int64_t now = clock_now(s->clock);
    bool edges = s->drive.on && pit_counter_next_edge(&s->drive.counter, s->seen) != PIT_NEVER;

    if (level_run(&s->level, now) || edges)
        timer_arm(&s->timer, now + AUDIO_FEED_NS);
    else
        timer_cancel(&s->timer);
}

static void fire(void *opaque)
{
    struct pcspk *s = opaque;

    catch_up(s);
    go_on(s);
}

void pcspk_changed(struct pcspk *s)
{
    catch_up(s);
    pit_speaker_now(s->pit, &s->drive);
    pit_counter_sync(&s->drive.counter, s->seen);
    level_at(s, clock_now(s->clock));
    go_on(s);
}

static void pcspk_reset(void *self)
{
    pcspk_changed(self);
}

static void pcspk_destroy(void *self)
{
    struct pcspk *s = self;

    timer_cancel(&s->timer);
    level_clear(&s->level);
    g_free(s);
}

/* All that it knows is the PIT's. */
static const struct state_field fields[] = {STATE_END};

static const struct device_type pcspk_type = {
    .name = "pcspk",
    .version = 1,
    .fields = fields,
    .reset = pcspk_reset,
    .post_load = pcspk_reset,
    .destroy = pcspk_destroy,
};

struct pcspk *pcspk_new(struct audio *audio, struct vclock *clock, const struct pit *pit)
{
    struct pcspk *s = g_new0(struct pcspk, 1);

    s->dev = (struct device){.type = &pcspk_type, .self = s};
    s->clock = clock;
    s->pit = pit;
    s->seen = pit_tick_at(clock_now(clock));
    level_init(&s->level, audio);
    timer_init(&s->timer, clock, fire, s);
    pcspk_changed(s);
    return s;
}

struct device *pcspk_device(struct pcspk *s)
{
    return &s->dev;
}
