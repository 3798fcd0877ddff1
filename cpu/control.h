/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes to control registers and EFER, with every legality check and with what must follow: long
 * mode activation, PAE's page-directory pointers, TLB flushes, derived state. False means #GP(0)
 * and nothing changed. Callers end their block: everything may be different behind these.
 */
#ifndef CPU_CONTROL_H
#define CPU_CONTROL_H

#include "cpu/cpu.h"

bool control_write_cr0(struct cpu *cpu, uint64_t val);
bool control_write_cr3(struct cpu *cpu, uint64_t val);
bool control_write_cr4(struct cpu *cpu, uint64_t val);
bool control_write_cr8(struct cpu *cpu, uint64_t val);
bool control_write_efer(struct cpu *cpu, uint64_t val);

/* CR3 from a TSS: raises #GP(0) itself when PAE's pointers are bad. */
void control_task_cr3(struct cpu *cpu, uint32_t val);

/* Bits that there are in CR0 and, on this CPU, in CR4 and EFER. */
uint64_t control_cr0_valid(void);
uint64_t control_cr4_valid(const struct cpu *cpu);
uint64_t control_efer_valid(const struct cpu *cpu);

#endif
