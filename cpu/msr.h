/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Model-specific registers by number. */
#ifndef CPU_MSR_H
#define CPU_MSR_H

#include "cpu/cpu.h"

/* False: #GP(0), because there is no such register on this model, or (writes) the value is not
 * legal. */
bool msr_read(struct cpu *cpu, uint32_t index, uint64_t *val);
bool msr_write(struct cpu *cpu, uint32_t index, uint64_t val);

/* MTRR pairs (PHYSBASE, PHYSMASK) and machine-check banks there are. */
#define MSR_VAR_MTRRS 8
#define MSR_MC_BANKS  4

/* Where fixed-range MTRR `index` lives in cpu.mtrr_fixed, or -1. */
int msr_fixed_mtrr_slot(uint32_t index);

#endif
