/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which instructions and events the log is to tell of (-dfilter): by address, privilege and address
 * space. Set before the machine starts, then only read.
 */
#ifndef CPU_TRACE_FILTER_H
#define CPU_TRACE_FILTER_H

#include "cpu/cpu.h"

#define TRACE_FILTER_MAX 32

/*
 * Narrows the filter by a comma list of
 *   FIRST..LAST   FROM+SIZE   FROM-SIZE    linear addresses, any of them (FROM-SIZE ends at FROM)
 *   cpl=N                                  privilege levels, any of them
 *   cr3=VALUE                              address spaces, any of them (bits 12 and up count)
 * Kinds that are not mentioned do not narrow. NULL when it is good, else what is wrong in words,
 * and nothing has changed; *bad then points to the item in `list`.
 */
const char *trace_filter_add(const char *list, const char **bad);

/* Everything again. */
void trace_filter_clear(void);

/* Is the instruction at CS:RIP (as it stands) wanted? */
bool trace_wanted(const struct cpu *cpu);

#endif
