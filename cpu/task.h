/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hardware tasks, and what else lives in a TSS: inner stack pointers and the port permission map.
 */
#ifndef CPU_TASK_H
#define CPU_TASK_H

#include "cpu/cpu.h"
#include "cpu/segments.h"

enum task_why { TASK_JMP, TASK_CALL, TASK_INT, TASK_IRET };

/* Switches to the task of TSS descriptor d, which the caller has found to be of the right kind
 * (available, or busy for TASK_IRET) and present. `ret_ip` is what the old task's EIP is to be.
 * `error` is pushed on the new stack when `has_error`. `ext` goes into error codes. Raises in the
 * old task's context up to the switch, then in the new one's. On return RIP, mode and events are
 * set up: handlers do LEAVE. */
void task_switch(struct cpu *cpu, struct descriptor *d, enum task_why why, uint64_t ret_ip,
                 bool has_error, uint32_t error, unsigned ext);

/* Fetches and judges the TSS that a task gate or far transfer names: #GP(sel) unless it is an
 * available TSS in the GDT, #NP(sel) when not present. */
void task_check_tss(struct cpu *cpu, uint16_t sel, unsigned ext, struct descriptor *d);

/* Stack pointer for privilege level pl from the TSS of a legacy mode. */
void tss_inner_stack(struct cpu *cpu, unsigned pl, unsigned ext, uint16_t *ss, uint32_t *esp);

/* 64-bit TSS: RSP of privilege level pl (ist 0), or of the interrupt stack table, 1 to 7. */
uint64_t tss_inner_rsp(struct cpu *cpu, unsigned pl, unsigned ist, unsigned ext);

/* Raises #GP(0) unless the program may access `size` (1, 2 or 4) ports at `port`. */
void sys_check_io(struct cpu *cpu, uint16_t port, unsigned size);

/* CR4.VME: whether the redirection map sends INT `vector` to the program's own 8086 handler. */
bool tss_int_redirected(struct cpu *cpu, unsigned vector);

#endif
