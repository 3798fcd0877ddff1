/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disassembly for people (Capstone). Never on the way to execution. */
#ifndef CPU_DISAS_H
#define CPU_DISAS_H

#include <stddef.h>

#include "cpu/cpu.h"

/* One instruction from bytes as "mnemonic operands" into buf; returns its length, 0 when it is
 * none. `mode` is MODE_* (the code size counts); `rip` its address. Any thread. */
size_t disas(const uint8_t *bytes, size_t avail, unsigned mode, uint64_t rip, char *buf,
             size_t buf_size);

/* Reads up to `len` code bytes at CS:rip without side effects; returns how many could be read. */
size_t disas_fetch(struct cpu *cpu, uint64_t rip, uint8_t *bytes, size_t len);

/* `-d exec`, `-d insn`: the instruction at RIP, with insn also the general registers, to the log.
 */
void disas_trace(struct cpu *cpu);

#endif
