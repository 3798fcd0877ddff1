/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a row of opcodes.def to bytes: sizes, prefixes, ModRM and SIB in all their forms, with
 * registers set so that the address comes out as wanted. SDM volume 2, chapter 2. The calls are
 * made in the order in which they stand here.
 */
#ifndef TESTS_UNIT_INT_ENCODE_H
#define TESTS_UNIT_INT_ENCODE_H

#include "tests/unit/int_cases.h"

struct int_encoder {
    uint8_t prefix[8];
    unsigned prefixes;
    unsigned rex; /* 0: none */
    uint8_t modrm, sib;
    bool has_sib;
    uint8_t disp[4];
    unsigned disp_len;
    bool rip_relative;
    uint8_t imm[10];
    unsigned imm_len;
    unsigned opcode;
};

/* Operand size prefix, address size prefix, REX, mandatory and repeat prefixes: c->osz, c->asz,
 * c->rex. */
void int_pick_sizes(struct int_case *c, struct int_encoder *e, struct rng *g);

/* Register and memory operands, without the address: c->reg, c->rm, c->mem. */
void int_pick_modrm(struct int_case *c, struct int_encoder *e, struct rng *g, bool plain);

/* A segment override, or none: c->seg, SEG_COUNT for none. */
void int_pick_segment(struct int_case *c, struct int_encoder *e, struct rng *g);

/* LOCK where it is allowed, and now and then where it is not. */
void int_pick_lock(struct int_case *c, struct int_encoder *e, struct rng *g);

/* ModRM, SIB and displacement so that the address is c->operand (which moves where that cannot be);
 * sets registers that are not pinned. */
void int_solve(struct int_case *c, const struct int_rig *r, struct int_encoder *e, struct rng *g);

/* Appends an immediate. */
void int_put_imm(struct int_encoder *e, uint64_t v, unsigned size);

/* The whole into c->code, and where it stands into c->linear. */
void int_emit(struct int_case *c, struct int_encoder *e, struct rng *g, bool plain);

/* ---- what these and int_cases.c need ---- */

static inline bool int_row_has(const struct opcode *row, unsigned operand_kind)
{
    return row->operand[0] == operand_kind || row->operand[1] == operand_kind ||
           row->operand[2] == operand_kind;
}

bool int_needs_modrm(const struct opcode *row);

/* Base of a segment register as the case has it. */
uint64_t int_segment_base(const struct int_case *c, const struct int_rig *r, unsigned seg);

/* The low `size` bytes of a register. */
void int_set_low(struct int_case *c, unsigned reg, uint64_t v, unsigned size);

#endif
