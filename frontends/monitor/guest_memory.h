/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guest memory in files; cpu/peek.h reads it. */
#ifndef FRONTENDS_MONITOR_GUEST_MEMORY_H
#define FRONTENDS_MONITOR_GUEST_MEMORY_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "cpu/types.h"

struct cpu;
struct monitor;

/* The end of the memory that lies highest. While the machine stands. */
gpa_t guest_memory_end(struct cpu *cpu);

/* Writes memory to a file, as it is at one moment. `cpu` NULL: physical addresses, where what is no
 * memory reads as ones, as it does on the bus. Takes care of the machine's standing itself. */
bool guest_save(struct monitor *mon, struct cpu *cpu, uint64_t from, uint64_t size,
                const char *file, GError **err);

#endif
