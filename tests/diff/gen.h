/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Test cases made from rows of opcodes.def: an encoding, registers, flags and memory. Which bytes
 * stand for a row is worked out here from the row's fields, as the manual says, and not by asking
 * the decoder under test; a row that is added later needs nothing here.
 */
#ifndef TESTS_DIFF_GEN_H
#define TESTS_DIFF_GEN_H

#include "tests/diff/memory.h"
#include "tests/diff/operands.h"
#include "tests/diff/values.h"

/* How a row's operands must be prepared for something to come of it. */
enum diff_kind {
    KIND_PLAIN,
    KIND_NO_ACCESS,
    KIND_STRING,
    KIND_XLAT,
    KIND_MASKMOV,
    KIND_SHIFT,
    KIND_DIV,
    KIND_LOOP,
    KIND_BIT_OFFSET,
    KIND_CMPXCHG,
    KIND_CMPXCHG8B,
    KIND_FRAME,
    KIND_RET,
    KIND_RETF,
    KIND_IRET,
    KIND_BRANCH,
    KIND_BRANCH_E,
    KIND_FAR_MEM,
    KIND_FAR_IMM,
    KIND_BOUND,
    KIND_LOAD_FAR,
    KIND_POPF,
    KIND_POP_SEG,
    KIND_SELECTOR,
    KIND_SOFT,
    KIND_CONTROL_REG,
    KIND_X87_STATE,
    KIND_FXRSTOR,
    KIND_XSAVE,
    KIND_GATHER,
};

struct diff_gen {
    struct rng rng;
    struct diff_memory *m;
    struct diff_case *c;
    const struct opcode *row;
    enum diff_kind kind;
    bool odd;   /* bytes that may not mean the row, or nothing */
    bool plain; /* registers alone, nothing odd: of several in a row */

    unsigned osz, asz; /* SZ8..SZ64 */
    struct diff_sizes size;
    bool mem;
    unsigned reg, rm, vvvv; /* register numbers, REX applied */
    unsigned index;         /* of VSIB */
    unsigned seg;           /* of the memory operand; SEG_COUNT: not decided */
    uint16_t pinned;        /* general registers whose value is given */
    uint64_t operand;       /* linear address of the memory operand */
    uint64_t imm;

    /* the encoding */
    uint8_t prefix[24];
    unsigned prefixes;
    unsigned rex; /* 0: none */
    bool vex_w, vex_l;
    uint8_t modrm, sib;
    bool has_modrm, has_sib;
    uint8_t disp[4];
    unsigned disp_len;
    bool rip_relative;
    uint8_t imm_bytes[16];
    unsigned imm_len;
    unsigned opcode;
};

/* Makes a case of the row. False: the row has no encoding in that mode. */
bool diff_gen_case(struct diff_gen *g, struct diff_case *c, const struct opcode *row,
                   const struct diff_setup *setup);

/* Makes a case of several instructions on registers, of the `count` rows, the last perhaps a
 * conditional branch. What one leaves undefined no later one reads. */
void diff_gen_sequence(struct diff_gen *g, struct diff_case *c, const struct opcode *const *rows,
                       unsigned count, const struct diff_setup *setup);

/* Appends a conditional branch of a few bytes forward. */
void diff_gen_branch(struct diff_gen *g);

/* Makes a case of bytes that the decoder says are no instruction. */
void diff_gen_undefined(struct diff_gen *g, struct diff_case *c, const struct diff_setup *setup);

enum diff_kind diff_kind_of(const struct opcode *row);

/* Adds bytes to memory, on both sides; what is not writable memory is left out. */
void diff_poke_bytes(struct diff_case *c, uint64_t linear, const void *bytes, unsigned n);
void diff_poke(struct diff_case *c, uint64_t linear, uint64_t v, unsigned n);

/* The low `size` bytes of a register. */
void diff_set_low(struct diff_case *c, unsigned reg, uint64_t v, unsigned size);

/* Base of a segment register as the case has it. */
uint64_t diff_segment_base(const struct diff_case *c, unsigned seg);

/* ---- encode.c, in the order in which they are called ---- */

/* Prefixes and sizes. */
void diff_pick_sizes(struct diff_gen *g);
/* Register and memory operands, without the address. */
void diff_pick_modrm(struct diff_gen *g);
/* A segment override, or none. */
void diff_pick_segment(struct diff_gen *g);
/* LOCK, and prefixes that do not belong there. */
void diff_pick_odd_prefixes(struct diff_gen *g);
/* ModRM, SIB and displacement so that the address is g->operand, which moves where that cannot be;
 * sets registers that are not pinned. */
void diff_solve(struct diff_gen *g);
void diff_put_imm(struct diff_gen *g, uint64_t v, unsigned size);
/* The whole into c->code, and where it stands into c->linear. */
void diff_emit(struct diff_gen *g);

#endif
