/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 82540EM's statistics (manual 13.7): they stop at their highest value and are cleared by being
 * read; of those with 64 bits, by the upper half.
 */
#include "devices/net/e1000_state.h"

void e1000_count(struct e1000 *s, unsigned off)
{
    if (REG(s, off) != UINT32_MAX)
        REG(s, off)++;
}

static void add64(struct e1000 *s, unsigned off, uint64_t n)
{
    uint64_t v = REG(s, off) | (uint64_t)REG(s, off + 4) << 32;

    v = v + n < v ? UINT64_MAX : v + n;
    REG(s, off) = (uint32_t)v;
    REG(s, off + 4) = (uint32_t)(v >> 32);
}

/* Sizes count with the CRC: 64, to 127, to 255, to 511, to 1023, above. */
static unsigned size_class(size_t wire)
{
    return wire <= 64 ? 0 : wire < 128 ? 1 : wire < 256 ? 2 : wire < 512 ? 3 : wire < 1024 ? 4 : 5;
}

void e1000_count_rx(struct e1000 *s, const uint8_t *frame, size_t len)
{
    size_t wire = len + ETHER_CRC;

    e1000_count(s, E_PRC64 + 4 * size_class(wire));
    e1000_count(s, E_GPRC);
    e1000_count(s, E_TPR);
    add64(s, E_GORCL, wire);
    add64(s, E_TORL, wire);
    if (ether_is_broadcast(frame))
        e1000_count(s, E_BPRC);
    else if (ether_is_multicast(frame))
        e1000_count(s, E_MPRC);
}

void e1000_count_tx(struct e1000 *s, const uint8_t *frame, size_t len)
{
    size_t wire = len + ETHER_CRC;

    e1000_count(s, E_PTC64 + 4 * size_class(wire));
    e1000_count(s, E_GPTC);
    e1000_count(s, E_TPT);
    add64(s, E_GOTCL, wire);
    add64(s, E_TOTL, wire);
    if (ether_is_broadcast(frame))
        e1000_count(s, E_BPTC);
    else if (ether_is_multicast(frame))
        e1000_count(s, E_MPTC);
}

uint32_t e1000_read_stat(struct e1000 *s, unsigned off)
{
    uint32_t v = REG(s, off);

    switch (off) {
    case E_GORCL:
    case E_GOTCL:
    case E_TORL:
    case E_TOTL: break;
    case E_GORCL + 4:
    case E_GOTCL + 4:
    case E_TORL + 4:
    case E_TOTL + 4: REG(s, off - 4) = 0; /* fall through */
    default: REG(s, off) = 0;
    }
    return v;
}
