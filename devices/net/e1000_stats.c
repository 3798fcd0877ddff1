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

/* The counters of one direction: frames by size, good ones, all; good bytes, all; and by kind. */
struct counters {
    unsigned by_size, good, all, good_bytes, all_bytes, broadcast, multicast;
};

static void count_frame(struct e1000 *s, const struct counters *c, const uint8_t *frame, size_t len)
{
    size_t wire = len + ETHER_CRC;

    e1000_count(s, c->by_size + 4 * size_class(wire));
    e1000_count(s, c->good);
    e1000_count(s, c->all);
    add64(s, c->good_bytes, wire);
    add64(s, c->all_bytes, wire);
    if (ether_is_broadcast(frame))
        e1000_count(s, c->broadcast);
    else if (ether_is_multicast(frame))
        e1000_count(s, c->multicast);
}

void e1000_count_rx(struct e1000 *s, const uint8_t *frame, size_t len)
{
    static const struct counters rx = {E_PRC64, E_GPRC, E_TPR, E_GORCL, E_TORL, E_BPRC, E_MPRC};

    count_frame(s, &rx, frame, len);
}

void e1000_count_tx(struct e1000 *s, const uint8_t *frame, size_t len)
{
    static const struct counters tx = {E_PTC64, E_GPTC, E_TPT, E_GOTCL, E_TOTL, E_BPTC, E_MPTC};

    count_frame(s, &tx, frame, len);
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
