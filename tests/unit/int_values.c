/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See int_values.h. */
#include "tests/unit/int_values.h"

#include "base/bits.h"

uint64_t int_rng_value(struct rng *g)
{
    static const uint64_t corners[] = {0,
                                       1,
                                       2,
                                       ~UINT64_C(0),
                                       0x7f,
                                       0x80,
                                       0xff,
                                       0x7fff,
                                       0x8000,
                                       0xffff,
                                       0x7fffffff,
                                       0x80000000,
                                       0xffffffff,
                                       0x100000000,
                                       0x10000,
                                       ~UINT64_C(0) >> 1,
                                       UINT64_C(1) << 63};

    switch (rng_below(g, 8)) {
    case 0:
    case 1:
    case 2: return rng_next(g);
    case 3:
        return corners[rng_below(g, ARRAY_SIZE(corners))] ^
               corners[rng_below(g, ARRAY_SIZE(corners))];
    case 4: return corners[rng_below(g, ARRAY_SIZE(corners))] + rng_below(g, 5) - 2;
    default: return corners[rng_below(g, ARRAY_SIZE(corners))];
    }
}

uint64_t int_selector_base(uint16_t sel)
{
    switch (sel) {
    case 0:
    case INT_CS32:
    case INT_DS32:
    case INT_CS64:
    case INT_DS_USER:
    case 0x23: return 0;
    default: return INT_BASE;
    }
}

uint64_t int_pick_address(struct rng *g, unsigned n, bool code64)
{
    unsigned near = rng_below(g, 2 * n + 1) - n; /* -n .. n */

    switch (rng_below(g, 32)) {
    case 0:
    case 1:
    case 2: return INT_DATA + PAGE_SIZE + (uint64_t)(int32_t)near;
    case 3: return INT_DATA + 2 * PAGE_SIZE + (uint64_t)(int32_t)near;
    case 4: return INT_DATA + (uint64_t)(int32_t)near;
    case 5: return INT_ROM + rng_below(g, 4096);
    case 6: return INT_ROM + (uint64_t)(int32_t)near;
    case 7:
        return int_one_in(g, 2) ? INT_HOLE + rng_below(g, 4096)
                                : INT_BASE + INT_SIZE - rng_below(g, n + 2);
    case 8:
        if (code64)
            return (UINT64_C(1) << (47 + rng_below(g, 16))) + rng_below(g, 0x1000);
        /* fall through */
    case 9:
    case 10: return INT_DATA + 0x400 + rng_below(g, 0x800) * 1u;
    default: return INT_DATA + 0x400 + (rng_below(g, 0x800) & ~15u);
    }
}

uint64_t int_pick_stack(struct rng *g)
{
    switch (rng_below(g, 24)) {
    case 0: return INT_STACK + rng_below(g, 24);
    case 1: return INT_STACK + 2 * PAGE_SIZE - rng_below(g, 24);
    case 2: return INT_STACK + PAGE_SIZE + rng_below(g, 32) - 16;
    case 3: return INT_BASE + INT_SIZE - rng_below(g, 12);
    case 4: return INT_BASE + rng_below(g, 12);
    case 5:
    case 6: return INT_STACK + 0x800 + rng_below(g, 0x800);
    default: return INT_STACK + 0x800 + (rng_below(g, 0x800) & ~7u);
    }
}

uint64_t int_pick_landing(struct rng *g, bool code64)
{
    switch (rng_below(g, 32)) {
    case 0: return INT_DATA + rng_below(g, 4096);
    case 1: return INT_HOLE + rng_below(g, 4096);
    case 2: return INT_BASE + INT_SIZE + rng_below(g, 4096);
    case 3:
        if (code64)
            return (UINT64_C(1) << (47 + rng_below(g, 16))) + rng_below(g, 0x1000);
        /* fall through */
    default:
        return INT_CODE + (int_one_in(g, 2) ? rng_below(g, 0x7f0) : 0x1100 + rng_below(g, 0xd00));
    }
}

uint16_t int_pick_selector(struct rng *g)
{
    static const uint16_t list[] = {
        0,        INT_DS32, INT_DS16, INT_DS32B, INT_ROM_SEG, INT_ABSENT, INT_DOWN, INT_XONLY,
        INT_CONF, INT_CS32, INT_CS16, INT_CS32B, INT_CS64,    0x2b,       0x23,     INT_BEYOND};
    uint16_t sel = list[rng_below(g, ARRAY_SIZE(list))];

    return int_one_in(g, 4) ? (uint16_t)((sel & ~3u) | rng_below(g, 4)) : sel;
}
