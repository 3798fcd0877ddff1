/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small programs for the block cache's tests, written for 16-, 32- and 64-bit mode alike, and run
 * as whole blocks (cpu_run without a limit; a HLT ends the run). On top of cpu_fixture.h.
 */
#ifndef TESTS_UNIT_BLOCKS_RIG_H
#define TESTS_UNIT_BLOCKS_RIG_H

#include <unistd.h>

#include "tests/unit/cpu_fixture.h"

/* Where a program is being written. */
struct asm_at {
    struct fx *fx;
    uint32_t at; /* physical, and linear where it is not said otherwise */
    unsigned mode;
};

static const unsigned rig_modes[] = {MODE_16, MODE_32, MODE_64};

static inline struct fx *rig_new(unsigned mode)
{
    struct fx *fx = fx_new("max");

    alarm(60); /* a cache that goes round in circles fails here */
    if (mode == MODE_16)
        fx_real(fx);
    else if (mode == MODE_32)
        fx_prot(fx, 0);
    else
        fx_long(fx, 0);
    return fx;
}

/* Runs from rip to a HLT. */
static inline void rig_go(struct fx *fx, uint64_t rip)
{
    fx->cpu->halted = false;
    fx->cpu->gpr[REG_RIP] = rip;
    fx_run(fx, 0);
    assert_int_equal(fx->why, CPU_EXIT_STOP);
    assert_true(fx->cpu->halted);
}

static inline void emit(struct asm_at *a, const char *bytes, size_t n)
{
    memcpy(a->fx->ram + a->at, bytes, n);
    a->at += (uint32_t)n;
}
/* EMIT(a, "string of bytes") */
#define EMIT(a, s) emit(a, s, sizeof(s) - 1)

static inline void emit_num(struct asm_at *a, uint64_t v, unsigned size)
{
    fx_wr(a->fx, a->at, v, size);
    a->at += size;
}

/* Behind an opcode and ModRM of the form [disp]: reg is ModRM.reg << 3. */
static inline void emit_abs(struct asm_at *a, unsigned reg, uint32_t addr)
{
    if (a->mode == MODE_16) {
        emit_num(a, 6u | reg, 1);
        emit_num(a, addr, 2);
    } else if (a->mode == MODE_32) {
        emit_num(a, 5u | reg, 1);
        emit_num(a, addr, 4);
    } else {
        emit_num(a, 4u | reg, 1);
        emit_num(a, 0x25, 1);
        emit_num(a, addr, 4);
    }
}

/* mov byte [addr], val */
static inline void emit_store8(struct asm_at *a, uint32_t addr, unsigned val)
{
    EMIT(a, "\xc6");
    emit_abs(a, 0, addr);
    emit_num(a, val, 1);
}

/* jmp, or jcc when op is 80..8f, with the mode's long displacement */
static inline void emit_jump(struct asm_at *a, unsigned op, uint32_t target)
{
    unsigned size = a->mode == MODE_16 ? 2 : 4;

    if (op >= 0x80 && op < 0x90)
        EMIT(a, "\x0f");
    emit_num(a, op, 1);
    emit_num(a, target - (a->at + size), size);
}
#define JMP 0xe9
#define JE  0x84
#define JNZ 0x85

/* fe c9, 0f 85: dec cl; jnz target */
static inline void emit_loop(struct asm_at *a, uint32_t target)
{
    EMIT(a, "\xfe\xc9");
    emit_jump(a, JNZ, target);
}

#define AL(fx) ((fx)->cpu->gpr[REG_RAX] & 0xff)

#endif
