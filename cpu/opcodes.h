/* SPDX-License-Identifier: GPL-2.0-or-later */
/* opcodes.def as C: one `struct opcode` a row, one OP_* number a row. */
#ifndef CPU_OPCODES_H
#define CPU_OPCODES_H

#include <stdint.h>

#include "cpu/features.h"
#include "cpu/x86.h"

enum opcode_map { M0, MF, M38, M3A, VF, V38, V3A, MAP_COUNT };
enum opcode_prefix { ANY, NP, P66, PF3, PF2 }; /* from NP on, in the order of VEX.pp */

/* ext: low byte is what is compared, the rest which parts are. */
#define EXT_REG   0x100u  /* ModRM.reg == ext & 7 */
#define EXT_MEM   0x200u  /* mod != 3 */
#define EXT_RONLY 0x400u  /* mod == 3 */
#define EXT_BYTE  0x800u  /* whole byte */
#define EXT_W0    0x1000u /* VEX.W == 0, */
#define EXT_W1    0x2000u /* or 1 */
#define EXT_L0    0x4000u /* VEX.L == 0, */
#define EXT_L1    0x8000u /* or 1 */
#define EXT_VEX   (EXT_W0 | EXT_W1 | EXT_L0 | EXT_L1)
#define EXT_ANY   0u

#define OPERAND_KINDS(X)                                                                           \
    X(__)                                                                                          \
    X(Eb)                                                                                          \
    X(Ew)                                                                                          \
    X(Ed) X(Ev) X(Ey) X(Gb) X(Gw) X(Gd) X(Gv) X(Gy) X(Ib) X(Iw) X(Iz) X(Iv) X(sIb) X(Jb) X(Jz)     \
        X(M) X(Mb) X(Mw) X(Md) X(Mq) X(Mdq) X(Mt) X(Mp) X(Ma) X(Ob) X(Ov) X(Xb) X(Xv) X(Yb) X(Yv)  \
            X(Sw) X(Cd) X(Dd) X(Ap) X(Zb) X(Zv) X(AL) X(CL) X(DX) X(rAX) X(I1) X(I3) X(ES) X(CS)   \
                X(SS) X(DS) X(FS) X(GS) X(ST0) X(STi) X(Pq) X(Qq) X(Nq) X(Vx) X(Ww) X(Wd) X(Wq)    \
                    X(Wx) X(Ux) X(By) X(Hx) X(Lx) X(Mx) X(Wdq) X(Wqq) X(Wh) X(Wf) X(We) X(Vdq)     \
                        X(Udq) X(VMd) X(VMq)
enum operand_kind {
#define X(name) OPR_##name,
    OPERAND_KINDS(X)
#undef X
        OPR_COUNT
};

enum opcode_attr {
    A_B = 1 << 0,
    A_D64 = 1 << 1,
    A_F64 = 1 << 2,
    A_I64 = 1 << 3,
    A_O64 = 1 << 4,
    A_NOREAL = 1 << 5,
    A_LOCK = 1 << 6,
    A_END = 1 << 7,
    A_STACK = 1 << 8,
    A_PRIV = 1 << 9,
    A_FPU = 1 << 10,
    A_SSE = 1 << 11,
    A_NOFAULT = 1 << 12,
    A_NOREX = 1 << 13,
    A_PLUSR = 1 << 14,
    A_AVX = 1 << 15,
};

struct opcode {
    const char *mnemonic;
    uint8_t map;
    uint8_t opcode;
    uint8_t prefix;
    uint16_t ext;
    uint8_t operand[4];
    uint8_t feature; /* FEATURE_* */
    uint32_t attr;
    uint16_t fl_read, fl_write, fl_undef; /* FL_* bits */
};

/* Rows in the table's order; opcode_count of them. */
extern const struct opcode opcode_table[];
extern const unsigned opcode_count;

#endif
