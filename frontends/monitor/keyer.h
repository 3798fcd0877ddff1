/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types for the guest: chords of keys that go down one after the other, are held for a while of the
 * guest's time, and come up in the reverse order, before the next chord begins. Main thread,
 * without locks.
 */
#ifndef FRONTENDS_MONITOR_KEYER_H
#define FRONTENDS_MONITOR_KEYER_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/input/keys.h"

#define KEYER_MAX_KEYS 16   /* of a chord */
#define KEYER_MAX_WAIT 1024 /* steps that may wait */

struct board;
struct keyer;

struct keyer *keyer_new(struct board *b);
void keyer_free(struct keyer *k);

/* Types a chord once those before are done. False when too many wait. */
bool keyer_chord(struct keyer *k, const enum pkey *keys, unsigned n, int64_t hold_ns);

/* What waits is not typed any more: after a reset. */
void keyer_forget(struct keyer *k);

#endif
