/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A profile of the guest by samples: which functions it is in, and who called them, as "folded"
 * stacks (one a line, outermost first, separated by semicolons, then a count), which flame-graph
 * tools read. A thread asks every vCPU that runs for a sample some times a second of the host;
 * nothing else of the guest is touched.
 */
#ifndef MACHINE_PROFILE_H
#define MACHINE_PROFILE_H

#include <glib.h>

#include "cpu/cpu.h"

struct profile;

#define PROFILE_HZ 997 /* no divisor of what guests' timers tick at */

struct profile *profile_new(void);

/* Takes a sample. The vCPU's thread, between two blocks; several may at once. */
void profile_take(struct profile *p, struct cpu *cpu);

/* Starts to ask n vCPUs, which outlive it, until profile_stop. Main thread. */
void profile_start(struct profile *p, struct cpu *const *cpus, unsigned n);
void profile_stop(struct profile *p);

/* How many samples there are. Any thread. */
uint64_t profile_samples(struct profile *p);

/* Writes what was gathered. False with an error that names the file. */
bool profile_write(struct profile *p, const char *path, GError **err);

void profile_free(struct profile *p);

#endif
