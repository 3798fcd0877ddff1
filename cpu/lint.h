/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU's side of strict mode (base/lint.h). Nothing here is called unless a rule is on.
 */
#ifndef CPU_LINT_H
#define CPU_LINT_H

#include "base/lint.h"
#include "cpu/cpu.h"
#include "cpu/insn.h"

/* The vCPU can tell where it is: cpu.lint_where. */
void cpu_lint_init(struct cpu *cpu);

/* RIP of the instruction under way, or of the one that comes. */
uint64_t lint_insn_rip(const struct cpu *cpu);

/* The instruction at RIP `rip` of the current code segment, as "address <name> [text]". */
void lint_insn_text(struct cpu *cpu, uint64_t rip, char *buf, size_t size);

/* ---- undefined-flag (lint_flags.c) ---- */

/* The block is built: what it does to the flags goes into its lint_ fields. */
void lint_scan_block(struct block *b);

/* The vCPU, with cpu.lint_blocks, enters b. */
void lint_enter_block(struct cpu *cpu, const struct block *b);

/* ---- split-lock (lint_lock.c) ---- */

/* Is the instruction to be bound to op_lint_locked, if the rule is on? */
bool lint_binds_locked(const struct insn *i);
insn_fn op_lint_locked;

/* ---- reserved-pte, reserved-bits (lint_reserved.c): called where the exception is raised ---- */

void lint_reserved_pte(struct cpu *cpu, gva_t va, uint32_t err);

/* CRn := val; `done`: it was not refused. */
void lint_cr_write(const struct cpu *cpu, unsigned n, uint64_t val, bool done);
void lint_msr_write(struct cpu *cpu, uint32_t index, uint64_t val);
void lint_mxcsr(uint32_t val);

/* Descriptors that are loaded in long mode: a system descriptor whose upper half is refused; a code
 * segment with both L and D. */
void lint_wide_descriptor(uint16_t sel);
void lint_code_descriptor(uint16_t sel);

/* What the walks of lint have entries by (guest_walk.h): nothing is changed. `opaque`: a vCPU. */
void *lint_walk_entry(void *opaque, gpa_t gpa, bool *writable);

/* "PT" to "PML5". */
const char *lint_level_name(unsigned level);

#endif
