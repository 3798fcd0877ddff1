/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far a stream of frames has come by the clock: of a card that takes them at a fixed rate. */
#ifndef DEVICES_AUDIO_PACE_H
#define DEVICES_AUDIO_PACE_H

#include "base/clock.h"

/* A plain value without pointers: it may be part of a device's state. Not running when rate is 0.
 */
struct pace {
    int64_t base; /* ns: when the first frame began */
    uint64_t done;
    uint32_t rate; /* frames a second */
};

static inline void pace_start(struct pace *p, int64_t now, uint32_t rate)
{
    *p = (struct pace){now, 0, rate};
}

static inline void pace_stop(struct pace *p)
{
    p->rate = 0;
}

/* Frames whose time is over and that have not been taken. */
static inline uint64_t pace_due(const struct pace *p, int64_t now)
{
    uint64_t all;

    if (!p->rate || now <= p->base)
        return 0;
    all = muldiv64((uint64_t)(now - p->base), p->rate, NS_PER_SEC);
    return all > p->done ? all - p->done : 0;
}

static inline void pace_took(struct pace *p, uint64_t frames)
{
    p->done += frames;
}

/* When n more frames are due. */
static inline int64_t pace_when(const struct pace *p, uint64_t n)
{
    unsigned __int128 ns = (unsigned __int128)(p->done + n) * NS_PER_SEC;

    return p->base + (int64_t)((ns + p->rate - 1) / p->rate);
}

/* Of a state that was restored from outside: whatever it says, nothing above overflows. */
static inline void pace_check(struct pace *p, int64_t now, uint32_t max_rate)
{
    if (p->rate > max_rate || p->base < 0 || p->base > now ||
        p->done > muldiv64((uint64_t)(now - p->base), max_rate, NS_PER_SEC))
        *p = (struct pace){now, 0, p->rate > max_rate ? max_rate : p->rate};
}

#endif
