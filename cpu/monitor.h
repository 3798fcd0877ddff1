/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MWAIT's side of the run loop: a vCPU that waits is `halted`, with monitor.waiting set as well, so
 * that whatever ends a HLT ends it, too. In guest mode, the vCPU thread only.
 */
#ifndef CPU_MONITOR_H
#define CPU_MONITOR_H

#include "cpu/cpu.h"

/* Whether a wait is over for a reason that would not end a HLT: the line was written, an interrupt
 * waits that is to count though masked, or it has lasted long enough. */
bool monitor_ends(const struct cpu *cpu);

/* For how many nanoseconds to sleep before asking again; longer each time. */
int64_t monitor_nap(struct cpu *cpu);

/* Counted: whether it is time to ask monitor_ends. */
bool monitor_due(const struct cpu *cpu);

/* Counted: does not sleep, but leaves the line alone for as long (monitor_until). */
void monitor_put_off(struct cpu *cpu);

#endif
