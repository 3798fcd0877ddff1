/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A decoded instruction: what decode() makes of bytes, what a handler executes, and what a later
 * tier will compile. 32 bytes, so that two share a cache line.
 */
#ifndef CPU_INSN_H
#define CPU_INSN_H

#include <assert.h>
#include <stdint.h>

struct cpu;
struct insn;

/*
 * Handlers call the next one in tail position where the compiler can promise it (clang's musttail,
 * with preserve_none so that the two arguments stay in registers); elsewhere they return the next
 * instruction to a loop, or NULL to leave. exec.h's macros hide the difference.
 */
#if defined(__clang__) && !defined(PENUMBRA_LOOP_DISPATCH)
#if __has_attribute(musttail) && __has_attribute(preserve_none)
#define EXEC_TAIL_CALLS 1
#endif
#endif
#ifdef EXEC_TAIL_CALLS
#define EXEC_CC  __attribute__((preserve_none))
#define EXEC_RET void
#else
#define EXEC_CC
#define EXEC_RET const struct insn *
#endif
typedef EXEC_CC EXEC_RET insn_fn(struct cpu *cpu, const struct insn *i);

/* insn.flags */
enum {
    INSN_MEM = 1 << 0,   /* the r/m operand is memory (or the instruction has a moffs) */
    INSN_LOCK = 1 << 1,  /* LOCK prefix, already checked to be allowed */
    INSN_REP = 1 << 2,   /* F3 */
    INSN_REPNE = 1 << 3, /* F2 */
    INSN_OP66 = 1 << 4,  /* 66 */
    INSN_REXW = 1 << 5,
    INSN_STACK = 1 << 6, /* implicit stack access: faults are #SS */
};

/* log2 of an operand or address size in bytes, as in insn.osz and insn.asz. */
enum { SZ8, SZ16, SZ32, SZ64 };

/* insn.osz of VEX instructions on vectors: their length. Where a general register or integer is an
 * operand, osz is its size instead. */
enum { VL128, VL256 };

struct insn {
    insn_fn *fn;
    uint64_t imm;    /* immediate, sign-extended to 64 bits; relative branch displacement; moffs;
                        of an Lx operand: the register in bits 7..4 */
    int32_t disp;    /* of the memory operand; ENTER's level; selector of a far pointer */
    uint16_t op;     /* row of opcodes.def */
    uint8_t off;     /* where it starts, from the start of its block */
    uint8_t len;     /* 1..15 */
    uint8_t reg;     /* ModRM.reg operand: register number; for 8-bit ones a byte offset in gpr[] */
    uint8_t rm;      /* ModRM.rm (or opcode, or implied) register operand, likewise; of x87 and MMX
                        instructions with a memory operand the whole ModRM byte, for FOP */
    uint8_t base;    /* enum gpr; REG_ZERO for none, REG_RIP for RIP-relative */
    uint8_t index;   /* enum gpr; REG_ZERO for none; REG_4G: see blocks.c */
    uint8_t scale;   /* shift, 0..3 */
    uint8_t seg : 4; /* enum x86_seg of the memory operand, overrides applied */
    uint8_t vvvv : 4; /* register of VEX.vvvv */
    uint8_t osz : 4;  /* SZ8..SZ64, or VL128, VL256 */
    uint8_t asz : 4;  /* SZ16..SZ64 */
    uint8_t flags;
};
static_assert(sizeof(struct insn) == 32, "two instructions a cache line");

/* A byte register operand (reg or rm of a byte instruction) as an lvalue. */
#define REG8(cpu, n) (((uint8_t *)(cpu)->gpr)[n])

#endif
