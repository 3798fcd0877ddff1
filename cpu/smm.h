/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System management mode: into it by an SMI, out of it by RSM. */
#ifndef CPU_SMM_H
#define CPU_SMM_H

#include "cpu/cpu.h"

/* Takes an SMI at an instruction boundary; not while in SMM. */
void cpu_smi_enter(struct cpu *cpu);

/* RSM: back to what the save area says. An impossible state there shuts the CPU down. */
void smm_leave(struct cpu *cpu);

#endif
