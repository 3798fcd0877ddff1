/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a machine did lately: its counters, some times a second, as rates that can be plotted. */
#ifndef FRONTENDS_SDL_METERS_H
#define FRONTENDS_SDL_METERS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "machine/machine.h"

#define METERS_SAMPLES 120
#define METERS_EVERY   250000 /* microseconds from one sample to the next */

enum meter {
    METER_MIPS,
    METER_TLB_FILLS,
    METER_WALKS,
    METER_SHADOW_FILLS,
    METER_TRACKED_WRITES,
    METER_FLUSHES,
    METER_PAGES,
    METER_BLOCKS,
    METER_DISK,
    METER_NETWORK,
    METER_COUNT,
};

struct meters {
    struct machine_counters last;
    gint64 at;                               /* when these were taken; 0: never */
    bool disk, sent, got, heard;             /* was there any between the last two samples? */
    float rate[METER_COUNT][METERS_SAMPLES]; /* a second; the newest last */
};

/* What a meter is called, and in which unit its rate is given. */
const char *meter_name(enum meter m);

/* Is it there with this MMU? */
bool meter_there(const struct meters *m, enum meter which);

/* The newest rate. */
float meter_rate(const struct meters *m, enum meter which);

/* Takes counters read at `now` (microseconds of the host); true when a sample has come to be. */
bool meters_take(struct meters *m, const struct machine_counters *c, gint64 now);

/* Is it time? */
bool meters_due(const struct meters *m, gint64 now);

#endif
