/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Delivery of exceptions, interrupts and software interrupts to the guest.
 *
 * The run loop's part: an exception raised by cpu_raise lands in its catcher with cpu->exc filled.
 * It then calls exc_combine (which matters only when the exception was raised during the delivery
 * of another) and, unless cpu->shutdown is set by that, exc_deliver. Every function here may raise,
 * that is, come back to the catcher.
 */
#ifndef CPU_EXCEPTIONS_H
#define CPU_EXCEPTIONS_H

#include "cpu/cpu.h"

/* Delivers cpu->exc; gpr[REG_RIP] is the return address. On return cpu->exc.pending is false. While
 * it runs, cpu->delivering is the vector for exceptions, vector + 0x100 for what is benign to the
 * double-fault rules whatever its number (interrupts). */
void exc_deliver(struct cpu *cpu);

/* cpu->exc was raised; if cpu->delivering says it was during another's delivery, turns it into #DF,
 * leaves it (serial handling), or sets cpu->shutdown. Clears cpu->delivering. */
void exc_combine(struct cpu *cpu);

/* Delivers an external interrupt, an NMI, at an instruction boundary; wakes from HLT. */
void exc_interrupt(struct cpu *cpu, unsigned vector);
void exc_nmi(struct cpu *cpu);

/* Delivers a software interrupt from the instruction i (INT n, INT3, INTO: EVK_SOFT_INT; INT1:
 * EVK_ICEBP), to return behind it. Faults point at i. The handler then does LEAVE. */
void exc_soft_int(struct cpu *cpu, const struct insn *i, unsigned vector, int kind);

/* Virtual-8086 mode with VME: INT n through the interrupt table at linear 0, without leaving the
 * mode. */
void exc_v86_redirect(struct cpu *cpu, const struct insn *i, unsigned vector);

#endif
