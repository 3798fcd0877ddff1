/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debug registers, breakpoints and single steps (SDM 3B, chapter 18).
 *
 * The run loop's part, in MODE_STEP: before an instruction without RF, raise #DB if debug_insn_bp;
 * put DR6_BS into pending_db before an instruction that begins with TF set, so that whatever
 * delivers an interrupt or exception meanwhile also drops it; at a boundary where pending_db is not
 * zero and INHIBIT_ALL not set, exc_debug_trap.
 */
#ifndef CPU_DEBUG_H
#define CPU_DEBUG_H

#include "cpu/cpu.h"

/* Delivers #DB as a trap for the reasons in pending_db, and clears that. */
void exc_debug_trap(struct cpu *cpu);

/* Whether an instruction breakpoint matches RIP (and RF is clear); if so notes it in DR6: the
 * caller raises #DB. */
bool debug_insn_bp(struct cpu *cpu);

/* Some breakpoint is enabled in DR7, so that instructions are to be run one by one (data
 * breakpoints trap right behind theirs); some data (or port) breakpoint is. */
bool debug_insn_bp_enabled(const struct cpu *cpu);
bool debug_data_bp_enabled(const struct cpu *cpu);

/* An access was made: adds the data breakpoints that it hits to pending_db. */
void debug_data_access(struct cpu *cpu, gva_t va, unsigned size, bool is_write);

/* A port was accessed: the same for port breakpoints (CR4.DE). */
void debug_io_access(struct cpu *cpu, uint16_t port, unsigned size);

/* DR6 and DR7 as written, with fixed bits in place. */
void debug_set_dr6(struct cpu *cpu, uint64_t val);
void debug_set_dr7(struct cpu *cpu, uint64_t val);

#endif
