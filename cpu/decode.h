/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decoder: bytes and mode in, a struct insn out, nothing else touched. SDM volume 2, chapter 2
 * (instruction format) and appendix A (opcode maps).
 */
#ifndef CPU_DECODE_H
#define CPU_DECODE_H

#include <stddef.h>

#include "cpu/insn.h"
#include "cpu/opcodes.h"

enum decode_status {
    DECODE_OK,
    DECODE_MORE, /* the bytes end before the instruction does */
    DECODE_UD,   /* no such instruction, or not with this LOCK, mode or features */
    DECODE_LONG, /* more than 15 bytes: #GP(0) */
};

#define INSN_MAX_LEN 15

/* Decodes one instruction from `avail` bytes (at least 1). `mode` is MODE_* of cpu.h (only
 * MODE_CODE counts); Fills all of *out but fn and off; a RIP-relative
 * displacement is relative to the end of the instruction. On DECODE_UD and DECODE_LONG, out->len is
 * the bytes that the verdict hangs on. Any thread. */
enum decode_status decode(const uint8_t *bytes, size_t avail, unsigned mode, feature_set features,
                          struct insn *out);

#endif
