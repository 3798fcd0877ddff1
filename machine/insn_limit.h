/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A limit of instructions for all vCPUs together, at which they stop by themselves: whoever set it
 * need not look in time. Each vCPU has a share of what is left as its mark (cpu.mark), and asks for
 * the next when it has come there, so that one that sleeps keeps nothing from the others.
 */
#ifndef MACHINE_INSN_LIMIT_H
#define MACHINE_INSN_LIMIT_H

#include "machine/board.h"

/* The machine is asked to pause when so many were begun; UINT64_MAX: never. Any thread. */
void insn_limit_set(struct board *b, uint64_t total);

/* cpu has come to its mark. Its own thread, between two blocks. */
void insn_limit_reached(struct board *b, struct cpu *cpu);

#endif
