/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See meters.h. */
#include "frontends/sdl/meters.h"

#include <string.h>

static const char *const names[METER_COUNT] = {
    "million instructions/s", "TLB fills/s",      "guest walks/s",       "shadow fills/s",
    "tracked writes/s",       "flushes/s",        "shadow pages made/s", "blocks decoded/s",
    "disk requests/s",        "network frames/s",
};

const char *meter_name(enum meter m)
{
    return names[m];
}

bool meter_there(const struct meters *m, enum meter which)
{
    return m->last.has_shadow || (which != METER_SHADOW_FILLS && which != METER_TRACKED_WRITES &&
                                  which != METER_FLUSHES && which != METER_PAGES);
}

float meter_rate(const struct meters *m, enum meter which)
{
    return m->rate[which][METERS_SAMPLES - 1];
}

static uint64_t value_of(const struct machine_counters *c, enum meter which)
{
    switch (which) {
    case METER_MIPS: return c->instructions;
    case METER_TLB_FILLS: return c->tlb_fills;
    case METER_WALKS: return c->walks;
    case METER_SHADOW_FILLS: return c->shadow_fills;
    case METER_TRACKED_WRITES: return c->tracked_writes;
    case METER_FLUSHES: return c->flushes;
    case METER_PAGES: return c->pages_made;
    case METER_DISK: return c->disk;
    case METER_NETWORK: return c->sent + c->passed;
    default: return c->blocks;
    }
}

bool meters_due(const struct meters *m, gint64 now)
{
    return now - m->at >= METERS_EVERY;
}

/* Where the device lock could not be had, it is as it was. */
static struct machine_counters settled(const struct meters *m, const struct machine_counters *c)
{
    struct machine_counters out = *c;

    if (!c->has_io) {
        out.disk = m->last.disk;
        out.sent = m->last.sent;
        out.passed = m->last.passed;
    }
    return out;
}

bool meters_take(struct meters *m, const struct machine_counters *c, gint64 now)
{
    const struct machine_counters io = settled(m, c);
    double seconds = (double)(now - m->at) / 1e6;
    bool first = !m->at;

    if (!first && now <= m->at)
        return false;
    for (unsigned k = 0; !first && k < METER_COUNT; k++) {
        uint64_t is = value_of(&io, k), was = value_of(&m->last, k);
        double rate = is > was ? (double)(is - was) / seconds : 0;

        memmove(m->rate[k], m->rate[k] + 1, sizeof(float) * (METERS_SAMPLES - 1));
        m->rate[k][METERS_SAMPLES - 1] = (float)(k == METER_MIPS ? rate / 1e6 : rate);
    }
    m->disk = !first && io.disk != m->last.disk; /* another CD's count may be less */
    m->sent = !first && io.sent != m->last.sent;
    m->got = !first && io.passed != m->last.passed;
    m->heard = !first && io.sound != m->last.sound;
    m->last = io;
    m->at = now;
    return !first;
}
