/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of opcodes.def as a table of struct opcode. */
#include "cpu/opcodes.h"

#include "base/bits.h"

#define FALL    FL_ARITH
#define F(x)    FL_##x##F
#define ___     EXT_ANY
#define MEM     EXT_MEM
#define REG     EXT_RONLY
#define R(n)    (EXT_REG | (n))
#define RM(n)   (EXT_REG | EXT_MEM | (n))
#define RR(n)   (EXT_REG | EXT_RONLY | (n))
#define BYTE(x) (EXT_BYTE | (x))
#define W0      EXT_W0
#define W1      EXT_W1
#define L0      EXT_L0
#define L1      EXT_L1

const struct opcode opcode_table[] = {
#define ROW(name, map_, op_, pfx, ext_, o1, o2, o3, o4, feat, attr_, fr, fw, fu, fam)              \
    {.mnemonic = name,                                                                             \
     .map = map_,                                                                                  \
     .opcode = op_,                                                                                \
     .prefix = pfx,                                                                                \
     .ext = ext_,                                                                                  \
     .operand = {OPR_##o1, OPR_##o2, OPR_##o3, OPR_##o4},                                          \
     .feature = FEATURE_##feat,                                                                    \
     .attr = attr_,                                                                                \
     .fl_read = fr,                                                                                \
     .fl_write = fw,                                                                               \
     .fl_undef = fu},
#include "cpu/opcodes.def"
};
const unsigned opcode_count = ARRAY_SIZE(opcode_table);
