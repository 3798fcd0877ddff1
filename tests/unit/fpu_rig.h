/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine of one CPU and RAM alone, for an instruction or a few at a time in ring 0; and what the
 * differential fuzzer builds its own on.
 */
#ifndef TESTS_UNIT_FPU_RIG_H
#define TESTS_UNIT_FPU_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu/cpu.h"

#define RIG_CODE  0x10000u
#define RIG_DATA  0x20000u /* where RDI points */
#define RIG_STACK 0x9000u

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

#endif
