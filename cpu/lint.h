/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU's side of strict mode (base/lint.h). Nothing here is called unless a rule is on.
 */
#ifndef CPU_LINT_H
#define CPU_LINT_H

#include "base/lint.h"
#include "cpu/cpu.h"

/* The vCPU can tell where it is: cpu.lint_where. */
void cpu_lint_init(struct cpu *cpu);

/* RIP of the instruction under way, or of the one that comes. */
uint64_t lint_insn_rip(const struct cpu *cpu);

#endif
