/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One floating-point or vector instruction at a time, on the emulated CPU and on the host's: a
 * machine of RAM alone for the first, a page of executable memory and a signal handler for the
 * second. Both start from a struct fpu_case and leave what they made of it.
 */
#ifndef TESTS_UNIT_FPU_RIG_H
#define TESTS_UNIT_FPU_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu/cpu.h"

#define RIG_CODE 0x10000u
#define RIG_DATA                                                                                   \
    0x20000u /* where RDI points; the index register R8 (ECX in 32-bit code) is not used */
#define RIG_STACK 0x9000u
#define RIG_MEM   64

struct fpu_case {
    uint64_t gpr[3];      /* RAX RCX RDX */
    uint64_t flags;       /* arithmetic ones */
    uint8_t fx[512];      /* FXSAVE64 image */
    uint8_t mem[RIG_MEM]; /* at RDI */
} __attribute__((aligned(64)));

enum rig_mode { RIG_REAL, RIG_PROT32, RIG_LONG };

struct rig {
    struct memslots_vm *slots;
    uint8_t *ram;
    struct cpu *cpu;
    enum rig_mode mode;
    int ferr_level;
    unsigned ferr_calls;
};

struct rig *rig_new(void);
void rig_free(struct rig *r);

/* Ring 0, flat segments (base 0 in real mode), every exception vectored to a place of its own, FPU
 * and SSE enabled with CR0.NE, CR4.OSFXSR and OSXMMEXCPT. */
void rig_mode(struct rig *r, enum rig_mode mode);

/* Puts code at RIG_CODE, goes there, and runs `n` instructions. Returns the vector of an exception,
 * or -1. */
int rig_run(struct rig *r, const uint8_t *code, size_t len, unsigned n);

/* The instruction from the case's state; the case then holds the result. Returns as rig_run. */
int rig_emulate(struct rig *r, const uint8_t *code, size_t len, struct fpu_case *c);

/* The same natively; 0, or the signal that came of it (the state is then as the signal found it).
 */
int rig_native(const uint8_t *code, size_t len, struct fpu_case *c);

#endif
