/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the manual's operand codes mean for an encoder: which field names the operand, what kind of
 * register that is, and how many bytes it has in memory (SDM volume 2, A.2).
 */
#ifndef TESTS_DIFF_OPERANDS_H
#define TESTS_DIFF_OPERANDS_H

#include <stdbool.h>

#include "cpu/opcodes.h"

enum diff_role {
    ROLE_IMPLIED, /* in no field */
    ROLE_RM_GPR,  /* ModRM.rm: general register or memory */
    ROLE_RM_MEM,  /* memory only */
    ROLE_RM_VEC,  /* vector register or memory */
    ROLE_RM_MMX,  /* MMX register or memory */
    ROLE_RM_ONLY, /* a register, never memory */
    ROLE_RM_VSIB, /* memory by a vector of indices */
    ROLE_REG,     /* ModRM.reg */
    ROLE_REG_SEG,
    ROLE_REG_CR,
    ROLE_REG_DR,
    ROLE_VVVV,
    ROLE_OPCODE, /* low bits of the opcode */
    ROLE_IMM,
    ROLE_IMM_REG, /* a vector register in imm8[7:4] */
    ROLE_REL,
    ROLE_FAR,
    ROLE_MOFFS,
};

/* Sizes that depend: on the operand size, W, or the vector length. */
enum {
    SIZE_V = 64, /* 2, 4, 8 */
    SIZE_Z,      /* 2, 4 */
    SIZE_Y,      /* 4, 8 by W */
    SIZE_P,      /* far pointer */
    SIZE_A,      /* a pair */
    SIZE_X,      /* the vector, */
    SIZE_H,      /* half of it, */
    SIZE_F,      /* a quarter, */
    SIZE_E,      /* an eighth */
    SIZE_M,      /* by the instruction */
};

struct diff_operand {
    uint8_t role, size;
};
extern const struct diff_operand diff_operands[OPR_COUNT];

/* What decides over sizes. */
struct diff_sizes {
    unsigned v;   /* bytes of the operand size */
    bool w;       /* REX.W or VEX.W */
    unsigned vec; /* bytes of the vector */
};

bool diff_row_named(const struct opcode *row, const char *list);
bool diff_row_has(const struct opcode *row, unsigned operand_kind);
bool diff_row_plays(const struct opcode *row, enum diff_role role);
bool diff_row_is_vex(const struct opcode *row);

/* Does it look at x87 or vector registers? */
bool diff_row_uses_fpu(const struct opcode *row);
bool diff_row_is_xsave(const struct opcode *row);

/* Has the row a ModRM byte? */
bool diff_row_has_modrm(const struct opcode *row);

/* Can its ModRM name memory, or a register? */
bool diff_row_takes_memory(const struct opcode *row);
bool diff_row_takes_register(const struct opcode *row);

/* Bytes of an operand, or of the row's memory operand. */
unsigned diff_operand_size(const struct opcode *row, unsigned kind, const struct diff_sizes *s);
unsigned diff_memory_size(const struct opcode *row, const struct diff_sizes *s);

#endif
