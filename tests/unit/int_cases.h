/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Test cases made from rows of opcodes.def: an encoding, registers, flags and memory. Which bytes
 * stand for a row is worked out here, from the manual, and not by asking the decoder under test.
 */
#ifndef TESTS_UNIT_INT_CASES_H
#define TESTS_UNIT_INT_CASES_H

#include "cpu/opcodes.h"
#include "tests/unit/fpu_operands.h"
#include "tests/unit/int_rig.h"

/* A mode: code segment and what the other segment registers hold. */
struct int_setup {
    const char *name;
    unsigned mode; /* MODE_16, MODE_32, MODE_64 */
    uint16_t cs, ds, ss;
    bool ss16;
};
extern const struct int_setup int_setups[];
extern const unsigned int_setup_count;

/* How a row's operands must be prepared, or its results judged. */
enum int_kind {
    INT_PLAIN,
    INT_NO_ACCESS,
    INT_STRING,
    INT_XLAT,
    INT_SHIFT,
    INT_SHIFT_DOUBLE,
    INT_DIV,
    INT_LOOP,
    INT_BIT_OFFSET,
    INT_BIT_SCAN,
    INT_CMPXCHG,
    INT_CMPXCHG8B,
    INT_FRAME,
    INT_RET,
    INT_RETF,
    INT_IRET,
    INT_BRANCH,
    INT_BRANCH_E,
    INT_FAR_MEM,
    INT_FAR_IMM,
    INT_BOUND,
    INT_LOAD_FAR,
    INT_POPF,
    INT_POP_SEG,
    INT_SELECTOR,
    INT_SOFT,
    INT_CONTROL_REG,
    INT_SEQUENCE,
};

#define INT_CODE_MAX 128

struct int_case {
    const struct opcode *row;
    const struct int_setup *setup;
    enum int_kind kind;
    uint8_t code[INT_CODE_MAX];
    unsigned len;
    unsigned osz, asz; /* SZ8..SZ64 */
    bool has_modrm, mem, rex, lock_misused;
    unsigned reg, rm; /* register numbers, REX applied */
    uint64_t linear;  /* of the code */
    uint64_t operand; /* linear address of the memory operand */
    uint64_t imm;
    unsigned seg;       /* of the memory operand */
    uint16_t pinned;    /* registers whose value is given */
    unsigned undefined; /* flags that are not compared */
    struct int_state in;
    uint64_t before[2]; /* what stood at the memory operand, or at the stack pointer */
};

/* Makes a case of the row, and prepares both memories for it (`plain`: not). False: the row has no
 * encoding in that mode. `plain` gives register operands alone, which neither fault nor branch. */
bool int_case_make(struct int_case *c, struct int_rig *r, struct rng *g, const struct opcode *row,
                   const struct int_setup *setup, bool plain);

/* Appends a conditional branch of a few bytes forward, for which the case's flags decide. */
void int_case_branch(struct int_case *c, struct int_rig *r, struct rng *g);

/* Makes a case of several instructions on registers, of rows that `usable` allows, the last perhaps
 * a conditional branch. What one leaves undefined no later one reads. */
void int_case_sequence(struct int_case *c, struct int_rig *r, struct rng *g,
                       const struct int_setup *setup, bool (*usable)(const struct opcode *row));

/* Makes a case of given bytes: the stack pointer (linear) at memory of counted bytes, all other
 * registers plain numbers, a far pointer to 64-bit code there for who returns to one. */
void int_case_fixed(struct int_case *c, struct int_rig *r, const struct int_setup *setup,
                    const uint8_t *code, unsigned len, unsigned flags, uint32_t sp);

/* Puts INT3s back where the code was. */
void int_case_clear(const struct int_case *c, struct int_rig *r);

/* Is the mnemonic one of the list, which has commas between? */
bool int_row_named(const struct opcode *row, const char *list);

enum int_kind int_kind_of(const struct opcode *row);

/* The count that a shift or rotate of the case uses, masked as the processor does. */
unsigned int_shift_count(const struct int_case *c);

/* Flags that the manual leaves undefined after the case's one instruction. */
unsigned int_undefined_flags(const struct int_case *c);

bool int_host_is_intel(void);

#endif
