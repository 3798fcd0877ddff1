/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See values.h. */
#include "tests/diff/values.h"

#include <string.h>

#include "base/bits.h"
#include "cpu/types.h"

uint64_t rng_next(struct rng *g)
{
    g->state ^= g->state << 13;
    g->state ^= g->state >> 7;
    g->state ^= g->state << 17;
    return g->state * UINT64_C(0x2545f4914f6cdd1d);
}

/* ---- integers ---- */

uint64_t rng_value(struct rng *g)
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

/* ---- floating point ---- */

uint16_t rng_half(struct rng *g)
{
    static const uint16_t corners[] = {0,      1,      0x3ff,  0x400,  0x401,  0x7c00, 0x7e00,
                                       0x7e01, 0x7c01, 0x7d23, 0x3c00, 0x7bff, 0x3800, 0x4248};
    uint16_t sign = (uint16_t)(rng_next(g) & 0x8000);

    if (rng_one_in(g, 3))
        return (uint16_t)rng_next(g);
    return (uint16_t)(sign | corners[rng_below(g, ARRAY_SIZE(corners))]);
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

static void fill_doubles(struct rng *g, uint8_t *out, unsigned n)
{
    for (unsigned k = 0; k < n; k += 8)
        st_le64(out + k, rng_double(g));
}

static void fill_singles(struct rng *g, uint8_t *out, unsigned n)
{
    for (unsigned k = 0; k < n; k += 4)
        st_le32(out + k, rng_single(g));
}

static void fill_halves(struct rng *g, uint8_t *out, unsigned n)
{
    for (unsigned k = 0; k < n; k += 2)
        st_le16(out + k, rng_half(g));
}

/* Elements of one width, of few values each: what saturates, compares equal, or counts. */
static void fill_corners(struct rng *g, uint8_t *out, unsigned n)
{
    unsigned size = 1u << rng_below(g, 4);
    uint64_t few[4];

    for (unsigned k = 0; k < 4; k++)
        few[k] = rng_value(g);
    few[3] = rng_below(g, 70);
    for (unsigned k = 0; k < n; k += size)
        st_le(out + k, few[rng_below(g, 4)], size);
}

void rng_vector(struct rng *g, uint8_t *out, unsigned n)
{
    switch (rng_below(g, 12)) {
    case 0:
    case 1:
    case 2: fill_singles(g, out, n); return;
    case 3:
    case 4:
    case 5: fill_doubles(g, out, n); return;
    case 6: fill_halves(g, out, n); return;
    case 7:
    case 8: fill_corners(g, out, n); return;
    case 9:
        memset(out, 0, n);
        st_le64(out, rng_below(g, 70)); /* a count of a shift */
        return;
    default:
        for (unsigned k = 0; k < n; k += 8)
            st_le64(out + k, rng_next(g));
    }
}

static void fill_mxcsr(struct rng *g, struct diff_fpu *f)
{
    uint32_t mxcsr = 0x1f80 | (rng_next(g) & 0x3f);

    if (rng_one_in(g, 2))
        mxcsr |= rng_next(g) & 0xe040; /* rounding, FZ, DAZ */
    if (rng_one_in(g, 4))
        mxcsr &= ~(rng_next(g) & 0x1f80);
    if (rng_one_in(g, 4))
        mxcsr &= ~0x3fu;
    st_le32(f->fx + FX_MXCSR, mxcsr);
    st_le32(f->fx + FX_MXCSR + 4, 0xffff);
}

static void fill_x87(struct rng *g, struct diff_fpu *f, bool pending)
{
    unsigned cw = 0x37f, sw = 0x20, top = rng_below(g, 8);

    if (rng_one_in(g, 2))
        cw = 0x7f | (rng_next(g) & 0xf00);
    if (rng_one_in(g, 4))
        cw = (cw & ~0x3fu) | (rng_next(g) & 0x3f);
    if (rng_one_in(g, 2))
        sw = (unsigned)rng_next(g) & 0x3f;
    if (!pending)
        sw &= cw; /* flagged and not masked would be pending */
    if (rng_one_in(g, 4))
        sw |= 0x40;
    sw |= (rng_next(g) & 0x4700) | top << 11;
    if (sw & ~cw & 0x3f)
        sw |= 0x8080;
    st_le16(f->fx + FX_CW, (uint16_t)cw);
    st_le16(f->fx + FX_SW, (uint16_t)sw);
    switch (rng_below(g, 4)) {
    case 0: f->fx[FX_TAGS] = (uint8_t)rng_next(g); break;
    case 1: f->fx[FX_TAGS] = 0xff; break;
    default: f->fx[FX_TAGS] = (uint8_t) ~(1u << ((top - 1) & 7)); break; /* room for a push */
    }
    for (unsigned n = 0; n < 8; n++) {
        if (rng_one_in(g, 4)) { /* as MMX leaves it */
            rng_vector(g, f->fx + FX_ST(n), 8);
            st_le16(f->fx + FX_ST(n) + 8, 0xffff);
        } else {
            rng_extended(g, f->fx + FX_ST(n));
        }
    }
}

void rng_fpu(struct rng *g, struct diff_fpu *f, bool pending)
{
    memset(f, 0, sizeof(*f));
    f->xstate_bv = 7;
    fill_mxcsr(g, f);
    fill_x87(g, f, pending);
    for (unsigned n = 0; n < 16; n++) {
        rng_vector(g, f->fx + FX_XMM(n), 16);
        rng_vector(g, f->ymmh[n], 16);
    }
}

/* ---- addresses ---- */

uint64_t rng_address(struct rng *g, unsigned n, bool code64)
{
    unsigned near = rng_below(g, 2 * n + 1) - n; /* -n .. n */

    switch (rng_below(g, 32)) {
    case 0:
    case 1:
    case 2: return DIFF_DATA + PAGE_SIZE + (uint64_t)(int32_t)near;
    case 3: return DIFF_DATA + 2 * PAGE_SIZE + (uint64_t)(int32_t)near;
    case 4: return DIFF_DATA + (uint64_t)(int32_t)near;
    case 5: return DIFF_ROM + rng_below(g, 4096);
    case 6: return DIFF_ROM + (uint64_t)(int32_t)near;
    case 7:
        return rng_one_in(g, 2) ? DIFF_HOLE + rng_below(g, 4096)
                                : DIFF_BASE + DIFF_SIZE - rng_below(g, n + 2);
    case 8:
        if (code64)
            return (UINT64_C(1) << (47 + rng_below(g, 16))) + rng_below(g, 0x1000);
        /* fall through */
    case 9:
    case 10: return DIFF_DATA + 0x400 + rng_below(g, 0x800) * 1u;
    default: return DIFF_DATA + 0x400 + (rng_below(g, 0x800) & ~(n > 16 ? 63u : 15u));
    }
}

uint64_t rng_stack(struct rng *g)
{
    switch (rng_below(g, 24)) {
    case 0: return DIFF_STACK + rng_below(g, 24);
    case 1: return DIFF_STACK + 2 * PAGE_SIZE - rng_below(g, 24);
    case 2: return DIFF_STACK + PAGE_SIZE + rng_below(g, 32) - 16;
    case 3: return DIFF_BASE + DIFF_SIZE - rng_below(g, 12);
    case 4: return DIFF_BASE + rng_below(g, 12);
    case 5:
    case 6: return DIFF_STACK + 0x800 + rng_below(g, 0x800);
    default: return DIFF_STACK + 0x800 + (rng_below(g, 0x800) & ~7u);
    }
}

uint64_t rng_landing(struct rng *g, bool code64)
{
    switch (rng_below(g, 32)) {
    case 0: return DIFF_DATA + rng_below(g, 4096);
    case 1: return DIFF_HOLE + rng_below(g, 4096);
    case 2: return DIFF_BASE + DIFF_SIZE + rng_below(g, 4096);
    case 3:
        if (code64)
            return (UINT64_C(1) << (47 + rng_below(g, 16))) + rng_below(g, 0x1000);
        /* fall through */
    default:
        return DIFF_CODE + (rng_one_in(g, 2) ? rng_below(g, 0x7f0) : 0x1100 + rng_below(g, 0xd00));
    }
}

uint16_t rng_selector(struct rng *g)
{
    static const uint16_t list[] = {
        0,         DIFF_DS32,    DIFF_DS16,      DIFF_DS32B, DIFF_ROM_SEG, DIFF_ABSENT,
        DIFF_DOWN, DIFF_XONLY,   DIFF_CONF,      DIFF_CS32,  DIFF_CS16,    DIFF_CS32B,
        DIFF_CS64, DIFF_DS_USER, DIFF_CS32_USER, DIFF_BEYOND};
    uint16_t sel = list[rng_below(g, ARRAY_SIZE(list))];

    return rng_one_in(g, 4) ? (uint16_t)((sel & ~3u) | rng_below(g, 4)) : sel;
}
