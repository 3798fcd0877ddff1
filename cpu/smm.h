/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System management mode: into it by an SMI, out of it by RSM. */
#ifndef CPU_SMM_H
#define CPU_SMM_H

#include "cpu/cpu.h"

/* Takes an SMI at an instruction boundary; not while in SMM. */
void cpu_smi_enter(struct cpu *cpu);

/* A port instruction at `rip` is done and leaves the chain of blocks (icount is exact): what an SMI
 * that it raised is told, so that RSM can do it over. Registers as before its last access. */
static inline void smm_note_io(struct cpu *cpu, const struct smm_io *io)
{
    cpu->last_io.at = cpu->icount;
    cpu->last_io.io = *io;
}

/* RSM: back to what the save area says. An impossible state there shuts the CPU down. */
void smm_leave(struct cpu *cpu);

#endif
