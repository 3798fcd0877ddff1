/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory for whoever looks at it from outside, without the guest noticing: disassembly,
 * traces, monitors, debuggers. No accessed or dirty bit is set, no device is touched, nothing
 * faults. The vCPU's thread, or while it is stopped.
 */
#ifndef CPU_PEEK_H
#define CPU_PEEK_H

#include <stddef.h>

#include "cpu/cpu.h"

/* Where a linear address lies as the page tables have it now; outside long mode its low 32 bits
 * count. False when no page is there. */
bool cpu_peek_gpa(struct cpu *cpu, gva_t va, gpa_t *gpa);

/* Copies up to `len` bytes of RAM or ROM from a linear or physical address on into buf; returns how
 * many there were before the first that is not mapped, or belongs to a device or nobody. */
size_t cpu_peek(struct cpu *cpu, gva_t va, void *buf, size_t len);
size_t cpu_peek_physical(struct cpu *cpu, gpa_t gpa, void *buf, size_t len);

/* Likewise into RAM, whatever the pages' rights; ROM is not written. Who tracks pages is told. All
 * vCPUs stand. */
size_t cpu_poke(struct cpu *cpu, gva_t va, const void *buf, size_t len);
size_t cpu_poke_physical(struct cpu *cpu, gpa_t gpa, const void *buf, size_t len);

#endif
