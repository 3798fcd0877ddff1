/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stacks as far transfers and interrupts see them: a stack may be the current one, or one that is
 * not loaded yet (from a TSS), and nothing of it is committed before everything that may fault is
 * done. Faults are raised at cpu->cur.
 */
#ifndef CPU_FARSTACK_H
#define CPU_FARSTACK_H

#include "cpu/cpu.h"
#include "cpu/segments.h"

struct fstack {
    bool wide; /* 64-bit: no segment, canonical addresses */
    uint64_t base;
    uint64_t lo, hi; /* offsets allowed */
    uint64_t mask;   /* of the stack pointer: 16, 32 or 64 bits */
    uint64_t sp;
    bool usable;
    bool supervisor; /* accesses go with the rights of CPL 0-2 though the CPU is still in CPL 3 */
    uint32_t err;    /* error code of #SS */
};

/* The current stack, as CS, SS and RSP say. `err` is the error code of its faults. */
struct fstack fstack_current(const struct cpu *cpu, uint32_t err);

/* A stack in segment d for privilege level pl, not loaded yet. */
struct fstack fstack_inner(const struct descriptor *d, uint64_t sp, unsigned pl, uint32_t err);

/* A 64-bit stack for privilege level pl. */
struct fstack fstack_inner64(uint64_t rsp, unsigned pl, uint32_t err);

/* Pushes vals[0] first, each `size` bytes, as one: a fault leaves no part written. n is at most 40.
 */
void fstack_push(struct cpu *cpu, struct fstack *st, const uint64_t *vals, unsigned n,
                 unsigned size);

/* Reads `size` bytes at `off` bytes above the stack pointer. */
uint64_t fstack_peek(struct cpu *cpu, const struct fstack *st, unsigned off, unsigned size);

/* Moves the stack pointer up over what was read. */
static inline void fstack_drop(struct fstack *st, unsigned bytes)
{
    st->sp = (st->sp & ~st->mask) | ((st->sp + bytes) & st->mask);
}

/* RSP := the stack's pointer. */
static inline void fstack_commit(struct cpu *cpu, const struct fstack *st)
{
    cpu->gpr[REG_RSP] = st->sp;
}

#endif
