/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory for whoever looks at it from outside: nothing is changed by it, no accessed bit, no
 * device. While the machine stands (machine_while_stopped).
 */
#ifndef FRONTENDS_MONITOR_GUEST_MEMORY_H
#define FRONTENDS_MONITOR_GUEST_MEMORY_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "cpu/types.h"

struct cpu;
struct monitor;

/* Where the processor's linear address lies. False when no page is there. */
bool guest_translate(struct cpu *cpu, gva_t va, gpa_t *gpa);

/* How many of `len` bytes from an address can be read, up to the first that cannot: no page, or no
 * memory but a device or nothing. */
size_t guest_read_virtual(struct cpu *cpu, gva_t va, void *buf, size_t len);
size_t guest_read_physical(struct cpu *cpu, gpa_t gpa, void *buf, size_t len);

/* The end of the memory that lies highest. */
gpa_t guest_memory_end(struct cpu *cpu);

/* Writes memory to a file, as it is at one moment. `cpu` NULL: physical addresses, where what is no
 * memory reads as ones, as it does on the bus. Takes care of the machine's standing itself. */
bool guest_save(struct monitor *mon, struct cpu *cpu, uint64_t from, uint64_t size,
                const char *file, GError **err);

#endif
