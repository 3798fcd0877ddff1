/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 8254 interval timer at ports 0x40-0x43 and the system control port B (0x61) that gates its
 * third channel to the speaker. All calls with the device lock held.
 */
#ifndef DEVICES_PC_PIT_H
#define DEVICES_PC_PIT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "devices/bus.h"
#include "devices/device.h"
#include "devices/irq.h"
#include "devices/pc/pit_counter.h"

#define PIT_HZ 1193182

struct pit_config {
    struct bus *ports;
    struct vclock *clock;
    struct irq_line irq0; /* channel 0's output */
    /* The speaker's sound changes from now on: channel 2 was programmed, or gated, or the speaker
     * was switched. pit_speaker_at() and pit_speaker_now() then answer for the new state. May be
     * NULL. */
    void (*speaker)(void *opaque);
    void *speaker_opaque;
};

struct pit;

/* NULL with an error when the ports are taken. */
struct pit *pit_new(const struct pit_config *cfg, GError **err);
struct device *pit_device(struct pit *p);

/* What drives the speaker's membrane at time `ns` (not before the last change). */
bool pit_speaker_at(const struct pit *p, int64_t ns);

/* What drives the speaker from the last change on, as a value of its own: its membrane follows the
 * counter's output while it is `on`. */
struct pit_speaker {
    struct pit_counter counter;
    bool on;
};
void pit_speaker_now(const struct pit *p, struct pit_speaker *out);

/* The clock in the chip's ticks, and the first nanosecond of a tick. */
int64_t pit_tick_at(int64_t ns);
int64_t pit_ns_of_tick(int64_t tick);

/* The output of a channel (0..2) at time `ns`, not before the last access. */
bool pit_out_at(const struct pit *p, unsigned chan, int64_t ns);

#endif
