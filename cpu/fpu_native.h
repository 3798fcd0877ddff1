/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's whole x87 state on the host's x87 for the length of one instruction: for what is rare
 * or difficult. Stack faults, exceptions that the guest has not masked, condition codes and results
 * are then the hardware's own. SDM volume 1, section 8.1.10 (the FSAVE image) and 8.5-8.7.
 */
#ifndef CPU_FPU_NATIVE_H
#define CPU_FPU_NATIVE_H

#include "cpu/exec.h"
#include "cpu/fpu.h"

/* What FSAVE stores in 32-bit protected mode. */
struct x87_image {
    uint16_t cw, pad0;
    uint16_t sw, pad1;
    uint16_t tw, pad2;
    uint32_t fip;
    uint16_t fcs, fop;
    uint32_t fdp;
    uint16_t fds, pad3;
    uint8_t st[8][10]; /* ST(0) first */
};
static_assert(sizeof(struct x87_image) == 108, "as FSAVE lays it out");

/*
 * Executes the instruction `opcode modrm` (D8..DF) on a copy of the guest's state, left in *im. A
 * memory form (modrm < C0) takes its operand at `mem`, whatever its mod and rm. `ah` holds the
 * flags SF ZF AF PF CF as LAHF does, before; the value is the same afterwards. Neither the guest's
 * state nor its memory is changed.
 */
uint8_t x87_native_run(const struct cpu *cpu, struct x87_image *im, unsigned opcode, unsigned modrm,
                       void *mem, uint8_t ah);

/* Whether a store to memory that was run has happened: no exception forbade it. */
bool x87_native_stored(const struct cpu *cpu, const struct x87_image *im);

/* Makes *im the guest's state. `i` is the instruction that was run. */
void x87_native_commit(struct cpu *cpu, const struct insn *i, const struct x87_image *im);

/* Run and commit a register form, or a load form with its operand at mem. */
void x87_native(struct cpu *cpu, const struct insn *i, unsigned opcode, unsigned modrm, void *mem);

/* The 11-bit opcode as FOP keeps it. */
uint16_t x87_fop(const struct insn *i);

#endif
