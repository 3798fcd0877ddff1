/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way a vCPU came: a ring of the blocks it entered last and of what was delivered in between,
 * from which the last instructions are told when there is trouble. Noting a block costs some
 * stores; the instructions are disassembled only when they are told, from memory as it is then.
 */
#ifndef CPU_RING_H
#define CPU_RING_H

#include <stdio.h>

#include "cpu/cpu.h"

struct block;
struct ring;

/* Room for the last n instructions at least, or nearly so where all of them cross pages. NULL for
 * n = 0. */
struct ring *ring_new(unsigned n);
void ring_free(struct ring *r);

/* The vCPU enters b at RIP. */
void ring_block(struct ring *r, const struct cpu *cpu, const struct block *b);

/* ev is about to be delivered, at an instruction pointer of `rip`. */
void ring_event(struct ring *r, const struct cpu *cpu, const struct cpu_event *ev, uint64_t rip);

/*
 * Writes the last n instructions (at most as many as there is room for), oldest first: a line each
 * with address, name (symbols.h) and disassembly; deliveries as lines of their own. A block that a
 * fault left is told up to the instruction that it was at. Returns how many instructions were told.
 * While the vCPU stands, or from its own thread.
 */
unsigned ring_tell(const struct ring *r, struct cpu *cpu, unsigned n, FILE *f);

#endif
