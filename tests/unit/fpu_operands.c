/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See fpu_operands.h. */
#include "tests/unit/fpu_operands.h"

#include "base/bits.h"

uint64_t rng_next(struct rng *g)
{
    g->state ^= g->state << 13;
    g->state ^= g->state >> 7;
    g->state ^= g->state << 17;
    return g->state * UINT64_C(0x2545f4914f6cdd1d);
}

uint32_t rng_single(struct rng *g)
{
    static const uint32_t corners[] = {0,          1,          0x007fffff, 0x00800000, 0x00800001,
                                       0x7f800000, 0x7fc00000, 0x7fc00001, 0x7f800001, 0x7f812345,
                                       0x3f800000, 0x7f7fffff, 0x4f000000, 0x4effffff, 0x5f000000,
                                       0x33800000, 0x3f000000, 0x3fc00000, 0x40490fdb};
    uint32_t sign = (uint32_t)rng_next(g) & 0x80000000u, any = (uint32_t)rng_next(g);

    switch (rng_below(g, 8)) {
    case 0: return any;
    case 1: return sign | (any & 0x7fffff) | (rng_below(g, 48) + 104) << 23;
    case 2: return sign | (any & 0x00ffffff);
    case 3: return sign | (0x3f800000 + rng_below(g, 16) * 0x800000 + rng_below(g, 3) * 0x400000);
    default: return sign | corners[rng_below(g, ARRAY_SIZE(corners))];
    }
}

uint64_t rng_double(struct rng *g)
{
    static const uint64_t corners[] = {0,
                                       1,
                                       0x000fffffffffffff,
                                       0x0010000000000000,
                                       0x0010000000000001,
                                       0x7ff0000000000000,
                                       0x7ff8000000000000,
                                       0x7ff0000000000001,
                                       0x7ff4123412341234,
                                       0x3ff0000000000000,
                                       0x7fefffffffffffff,
                                       0x41e0000000000000,
                                       0x43e0000000000000,
                                       0x41dfffffffc00000,
                                       0x47efffffe0000000,
                                       0x36a0000000000000,
                                       0x3ca0000000000000,
                                       0x3810000000000000,
                                       0x3ff8000000000000,
                                       0x400921fb54442d18};
    uint64_t sign = rng_next(g) & UINT64_C(1) << 63, any = rng_next(g), out;
    double quarters;

    switch (rng_below(g, 8)) {
    case 0: return any;
    case 1: return sign | (any & 0x000fffffffffffff) | (uint64_t)(rng_below(g, 120) + 963) << 52;
    case 2: return sign | (any & 0x001fffffffffffff);
    case 3:
        quarters = ((int)rng_below(g, 2000) - 1000) / 4.0;
        memcpy(&out, &quarters, 8);
        return out;
    default: return sign | corners[rng_below(g, ARRAY_SIZE(corners))];
    }
}

void rng_extended(struct rng *g, uint8_t out[10])
{
    static const struct {
        uint16_t exp;
        uint64_t mant;
    } corners[] = {{0, 0},
                   {0, 1},
                   {0, UINT64_C(1) << 63}, /* pseudo-denormal */
                   {0, 0x7fffffffffffffff},
                   {1, UINT64_C(1) << 63},
                   {0x7fff, UINT64_C(1) << 63},
                   {0x7fff, UINT64_C(3) << 62},
                   {0x7fff, 0x8000000000000001},
                   {0x7fff, 0xe000000000000000},
                   {0x7fff, 0}, /* pseudo-infinity, pseudo-NaN, unnormals: not supported */
                   {0x7fff, 5},
                   {0x3fff, 1},
                   {0x7ffe, 0x7000000000000000},
                   {0x3fff, UINT64_C(1) << 63},
                   {0x7ffe, UINT64_MAX},
                   {0x403e, UINT64_C(1) << 63},
                   {0x403d, UINT64_MAX},
                   {0x401e, UINT64_C(1) << 63},
                   {0x3ffe, UINT64_C(1) << 63},
                   {0x4000, 0xc90fdaa22168c235}};
    uint64_t mant = rng_next(g) | UINT64_C(1) << 63;
    unsigned exp = 0, k;
    long double quarters;

    switch (rng_below(g, 8)) {
    case 0:
        mant = rng_next(g);
        exp = rng_below(g, 0x8000);
        break;
    case 1: exp = 0x3fff - 40 + rng_below(g, 110); break;
    case 2:
        mant &= ~((UINT64_C(1) << 40) - 1);
        exp = 0x3fff - 12 + rng_below(g, 40);
        break;
    case 3: exp = rng_below(g, 2) ? rng_below(g, 80) : 0x7ffe - rng_below(g, 80); break;
    case 4:
        quarters = ((int)rng_below(g, 2000) - 1000) / 4.0L;
        memcpy(out, &quarters, 10);
        return;
    default:
        k = rng_below(g, ARRAY_SIZE(corners));
        mant = corners[k].mant;
        exp = corners[k].exp;
        break;
    }
    st_le64(out, mant);
    st_le16(out + 8, (uint16_t)(exp | rng_below(g, 2) << 15));
}

/* ---- whole states ---- */

static void fill_gpr(struct rng *g, struct fpu_case *c)
{
    for (unsigned n = 0; n < 3; n++) {
        switch (rng_below(g, 3)) {
        case 0: c->gpr[n] = rng_next(g); break;
        case 1: c->gpr[n] = (uint64_t)(int32_t)rng_single(g); break;
        default: c->gpr[n] = rng_below(g, 100); break;
        }
    }
    c->flags = rng_next(g) & FL_ARITH;
}

static void fill_mxcsr(struct rng *g, struct fpu_case *c)
{
    uint32_t mxcsr = MXCSR_DEFAULT | (rng_next(g) & MXCSR_FLAGS);

    if (rng_below(g, 2))
        mxcsr |= rng_next(g) & (MXCSR_RC | MXCSR_FZ | MXCSR_DAZ);
    if (rng_below(g, 4) == 0)
        mxcsr &= ~(rng_next(g) & MXCSR_MASKS);
    st_le32(c->fx + 24, mxcsr);
}

/* XMM registers and memory: all integers, all doubles or all singles. */
static void fill_vectors(struct rng *g, struct fpu_case *c)
{
    unsigned kind = rng_below(g, 4);

    for (unsigned n = 0; n < 32 + RIG_MEM / 8; n++) {
        uint64_t v;

        if (kind == 0)
            v = rng_next(g);
        else if (kind == 1)
            v = n & 1 ? 0 : rng_below(g, 70); /* counts of shifts */
        else if (kind == 2)
            v = rng_double(g);
        else
            v = (uint64_t)rng_single(g) << 32 | rng_single(g);
        st_le64(n < 32 ? c->fx + 160 + 8 * n : c->mem + 8 * (n - 32), v);
    }
}

void rng_case_simd(struct rng *g, struct fpu_case *c)
{
    memset(c, 0, sizeof(*c));
    fill_gpr(g, c);
    fill_mxcsr(g, c);
    fill_vectors(g, c);
    st_le16(c->fx, 0x37f);
    st_le16(c->fx + 2, (uint16_t)(rng_next(g) & 0x7f3f));
    c->fx[4] = (uint8_t)rng_next(g);
    for (unsigned n = 0; n < 8; n++) {
        st_le64(c->fx + 32 + 16 * n, rng_below(g, 2) ? rng_next(g) : rng_below(g, 70));
        st_le16(c->fx + 40 + 16 * n, (uint16_t)rng_next(g));
    }
}

void rng_case_x87(struct rng *g, struct fpu_case *c)
{
    unsigned cw = 0x37f, flags = 0x20, top = rng_below(g, 8);

    memset(c, 0, sizeof(*c));
    fill_gpr(g, c);
    fill_mxcsr(g, c);
    fill_vectors(g, c);
    if (rng_below(g, 2))
        cw = 0x7f | (rng_next(g) & 0xf00);
    if (rng_below(g, 4) == 0)
        cw = (cw & ~0x3fu) | (rng_next(g) & 0x3f);
    if (rng_below(g, 2))
        flags = (unsigned)rng_next(g) & 0x3f;
    flags &= cw; /* flagged and not masked would be pending */
    if (rng_below(g, 4) == 0)
        flags |= 0x40;
    st_le16(c->fx, (uint16_t)cw);
    st_le16(c->fx + 2, (uint16_t)(flags | (rng_next(g) & 0x4700) | top << 11));
    switch (rng_below(g, 4)) {
    case 0: c->fx[4] = (uint8_t)rng_next(g); break;
    case 1: c->fx[4] = 0xff; break;
    default: c->fx[4] = (uint8_t) ~(1u << ((top - 1) & 7)); break; /* room for a push */
    }
    for (unsigned n = 0; n < 8; n++)
        rng_extended(g, c->fx + 32 + 16 * n);
    switch (rng_below(g, 4)) {
    case 0: rng_extended(g, c->mem); break;
    case 1: st_le64(c->mem, rng_double(g)); break;
    case 2: st_le32(c->mem, rng_single(g)); break;
    default: /* packed decimal */
        for (unsigned n = 0; n < 9; n++)
            c->mem[n] = (uint8_t)(rng_below(g, 10) << 4 | rng_below(g, 10));
        c->mem[9] = rng_below(g, 2) ? 0x80 : 0;
        break;
    }
}
