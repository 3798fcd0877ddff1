/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See bytes.h. */
#include "tests/diff/bytes.h"

#include <string.h>

#include "cpu/cpu.h"
#include "cpu/opcodes.h"

static bool take_prefix(struct diff_bytes *b, uint8_t byte)
{
    switch (byte) {
    case 0x66: b->op66 = true; return true;
    case 0x67: b->addr67 = true; return true;
    case 0xf0: b->lock = true; return true;
    case 0xf2:
    case 0xf3: b->rep = byte; return true;
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x64:
    case 0x65: return true;
    default: return false;
    }
}

static void take_vex(struct diff_bytes *b, const uint8_t *p, unsigned first)
{
    unsigned map = 1, last = p[1];

    if (first == 0xc4) {
        map = p[1] & 0x1f;
        last = p[2];
        b->vex_w = last & 0x80;
    }
    b->prefixed_vex = b->op66 || b->rep || b->lock || b->rex;
    b->vex = true;
    b->vex_l = last & 4;
    b->vvvv = (~last >> 3) & 15;
    b->op66 = (last & 3) == 1;
    b->rep = (last & 3) == 2 ? 0xf3 : (last & 3) == 3 ? 0xf2 : 0;
    b->map = map == 1 ? MAP_0F : map == 2 ? MAP_0F38 : map == 3 ? MAP_0F3A : MAP_VEX_OTHER;
}

void diff_bytes_read(struct diff_bytes *b, const uint8_t *bytes, unsigned mode)
{
    bool code64 = mode == MODE_64;
    unsigned n = 0;

    memset(b, 0, sizeof(*b));
    for (; n < 15; n++) {
        if (take_prefix(b, bytes[n]))
            b->rex = 0;
        else if (code64 && (bytes[n] & 0xf0) == 0x40)
            b->rex = bytes[n];
        else
            break;
    }
    b->map = MAP_1;
    if (n < 15 && bytes[n] == 0x0f) {
        n++;
        b->map = bytes[n] == 0x38 ? MAP_0F38 : bytes[n] == 0x3a ? MAP_0F3A : MAP_0F;
        n += b->map != MAP_0F;
    } else if (n < 15 && (bytes[n] == 0xc4 || bytes[n] == 0xc5) &&
               (code64 || bytes[n + 1] >= 0xc0)) {
        take_vex(b, bytes + n, bytes[n]);
        n += bytes[n] == 0xc4 ? 3 : 2;
    } else if (n < 15 && bytes[n] == 0x62 && (code64 || bytes[n + 1] >= 0xc0)) {
        b->map = MAP_EVEX;
        n += 4;
    } else if (n < 15 && bytes[n] == 0x8f && (bytes[n + 1] & 0x1f) >= 8) {
        b->map = MAP_XOP;
        n += 3;
    }
    b->opcode = bytes[n];
    b->modrm_at = n + 1;
    b->modrm = bytes[n + 1];
}

unsigned diff_bytes_mandatory(const struct diff_bytes *b)
{
    return b->rep == 0xf3 ? PF3 : b->rep == 0xf2 ? PF2 : b->op66 ? P66 : NP;
}
