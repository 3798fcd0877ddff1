/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way a vCPU came: a ring of the blocks it entered last and of what was delivered in between,
 * from which the last instructions are told when there is trouble. Noting a block costs a store of
 * eight bytes; all else is done when one of a few thousand blocks is noted, when the cache of
 * blocks is emptied, or when it is told.
 *
 * Instructions are told from the bytes that they were decoded from, whatever has become of the
 * memory since.
 */
#ifndef CPU_RING_H
#define CPU_RING_H

#include <stdio.h>

#include "cpu/cpu.h"

struct block;
struct ring;

/* The ring of a vCPU with room for its last n instructions. NULL for n = 0. The vCPU must have its
 * blocks (blocks_new) before it runs. */
struct ring *ring_new(struct cpu *cpu, unsigned n);
void ring_free(struct ring *r);

/* ---- by the vCPU's thread, as it runs ---- */

/* It enters b at RIP. `op_enter_ring` does the same for most blocks. */
void ring_block(struct cpu *cpu, const struct block *b);

/* It leaves the block that was entered last at its instruction i, which has `begun` or not. */
void ring_left(struct cpu *cpu, const struct insn *i, bool begun);

/* ev is about to be delivered, at an instruction pointer of `rip`. */
void ring_event(struct cpu *cpu, const struct cpu_event *ev, uint64_t rip);

/* The blocks are about to be forgotten: keeps what is to be told of them. */
void ring_keep_blocks(struct cpu *cpu);

/*
 * Writes the last n instructions (at most as many as there is room for), oldest first: a line each
 * with address, name (symbols.h) and disassembly; deliveries as lines of their own. A block that
 * was left in the middle is told as far as it came. Returns how many instructions were told.
 * While the vCPU stands, or from its own thread.
 */
unsigned ring_tell(const struct cpu *cpu, unsigned n, FILE *f);

/* ---- for the handler that notes a block (exec_branch.c) ---- */

#define RING_CHUNK_BYTES 4096

/* A word for the block whose first instruction is i; see ring.c. */
static inline uint64_t ring_word(const struct insn *i, uint64_t rip)
{
    return rip << 32 | (uint32_t)(uintptr_t)i;
}

/* Can the block at `rip` not just be noted by a word at cpu->ring_at? */
static inline bool ring_full(const struct cpu *cpu, uint64_t rip)
{
    return !((uintptr_t)cpu->ring_at & (RING_CHUNK_BYTES - 1)) || rip >> 32 != cpu->ring_high;
}

#endif
