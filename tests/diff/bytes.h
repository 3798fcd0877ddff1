/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fields of an instruction's bytes, read apart from the decoder that is tested: prefixes,
 * opcode map, opcode and ModRM (SDM volume 2, 2.1 to 2.3).
 */
#ifndef TESTS_DIFF_BYTES_H
#define TESTS_DIFF_BYTES_H

#include <stdbool.h>
#include <stdint.h>

enum diff_map {
    MAP_1 = 1, /* one byte; as a bit set */
    MAP_0F = 2,
    MAP_0F38 = 4,
    MAP_0F3A = 8,
    MAP_VEX_OTHER = 16, /* map fields that nobody defines */
    MAP_EVEX = 32,
    MAP_XOP = 64,
};

struct diff_bytes {
    bool op66, addr67, lock;
    uint8_t rep; /* the last of F2 and F3 */
    uint8_t rex; /* 0: none in the right place */
    bool vex, vex_w, vex_l;
    uint8_t vvvv;      /* as a number, not inverted */
    bool prefixed_vex; /* 66, F2, F3, LOCK or REX before VEX */
    uint8_t map;       /* one of enum diff_map */
    uint8_t opcode, modrm;
    unsigned modrm_at; /* where the byte behind the opcode stands */
};

/* `bytes` has at least 24, `mode` is MODE_16, MODE_32 or MODE_64. */
void diff_bytes_read(struct diff_bytes *b, const uint8_t *bytes, unsigned mode);

/* 66, F3 or F2, as a mandatory prefix counts: F3 and F2 go before 66; of enum opcode_prefix. */
unsigned diff_bytes_mandatory(const struct diff_bytes *b);

#endif
