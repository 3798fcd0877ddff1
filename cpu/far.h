/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What far returns and IRET share. Faults are raised at cpu->cur. */
#ifndef CPU_FAR_H
#define CPU_FAR_H

#include "cpu/branch.h"
#include "cpu/segments.h"

/* #GP(0) unless rip lies in the code segment (or is canonical, for 64-bit code). */
void far_check_target(struct cpu *cpu, const struct descriptor *cs, uint64_t rip);

/* Commits CS, CPL and RIP; then far_done. */
void far_enter(struct cpu *cpu, struct descriptor *cs, uint16_t sel, uint64_t rip, unsigned pl);

/* Derived state after a transfer. */
void far_done(struct cpu *cpu);

/* Judges the code segment to return to (its RPL is the privilege level to return to). */
void far_check_return_cs(struct cpu *cpu, uint16_t sel, struct descriptor *cs);

/* Judges the stack segment to return to; false when it is null and may be. */
bool far_check_return_ss(struct cpu *cpu, uint16_t sel, const struct descriptor *cs, unsigned rpl,
                         struct descriptor *ss);

/* The CPU runs 64-bit code, going by CS (cpu.mode may not be up to date yet). */
static inline bool desc_code64_now(const struct cpu *cpu)
{
    return cpu_long_mode(cpu) && (cpu->seg[SEG_CS].attr & SEG_L);
}

/* RSP := sp popped as `size` bytes, as far as the new SS is wide. */
void far_set_sp(struct cpu *cpu, uint64_t sp, unsigned size);

/* How handlers that end their block go on: straight to the block at RIP, or behind this
 * instruction, unless someone wants attention. The derived state is up to date. */
#define GO_ON       BRANCH_CACHED(cpu->gpr[REG_RIP])
#define GO_ON_AFTER BRANCH_CACHED(insn_next_rip(cpu, i))

#endif
