/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking at a guest's memory without the guest noticing: for disassembly, traces, debuggers. */
#ifndef CPU_PEEK_H
#define CPU_PEEK_H

#include <stddef.h>

#include "cpu/cpu.h"

/* Copies up to `len` bytes of RAM or ROM from linear address va on, as the current page tables map
 * it, into buf; returns how many there were before the first that is not mapped or belongs to a
 * device. Sets no accessed bit, faults nothing. The vCPU's thread, or while it is stopped. */
size_t cpu_peek(struct cpu *cpu, gva_t va, void *buf, size_t len);

#endif
