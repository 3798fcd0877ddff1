/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who called the code that runs: for profiles and dumps. A guess, since nothing on a stack says
 * what it is. */
#ifndef CPU_BACKTRACE_H
#define CPU_BACKTRACE_H

#include "cpu/cpu.h"

/*
 * Linear addresses into pc, innermost first: RIP, then those that the callers will go on at;
 * returns how many, 1 to max (at least 1). They are found through frame pointers where these lead
 * to an address behind a call, else by looking for one further up the stack. In 16-bit code RIP is
 * all. Touches nothing. The vCPU's thread between two blocks, or while it is stopped.
 */
unsigned cpu_backtrace(struct cpu *cpu, uint64_t *pc, unsigned max);

#endif
