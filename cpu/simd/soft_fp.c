/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See soft_fp.h. */
#include "cpu/simd/soft_fp.h"

#include "cpu/cpu.h"

__extension__ typedef unsigned __int128 wide;

#define RC_NEAREST 0u
#define RC_DOWN    1u
#define RC_UP      2u
#define RC_ZERO    3u

const struct soft_format soft_half = {10, 5}, soft_single = {23, 8}, soft_double = {52, 11};

static unsigned rounding(const struct soft_env *e)
{
    return (e->mxcsr & MXCSR_RC) / (MXCSR_RC & -MXCSR_RC);
}

void soft_round_by(struct soft_env *e, unsigned imm)
{
    if (!(imm & 4))
        e->mxcsr = (e->mxcsr & ~MXCSR_RC) | (imm & 3) * (MXCSR_RC & -MXCSR_RC);
}

/* ---- formats ---- */

static uint64_t sign_bit(const struct soft_format *f)
{
    return UINT64_C(1) << (f->fraction + f->exponent);
}

static uint64_t fraction_mask(const struct soft_format *f)
{
    return (UINT64_C(1) << f->fraction) - 1;
}

/* Infinity, and the largest biased exponent where it stands. */
static uint64_t infinity(const struct soft_format *f)
{
    return sign_bit(f) - (UINT64_C(1) << f->fraction);
}

static int bias(const struct soft_format *f)
{
    return (1 << (f->exponent - 1)) - 1;
}

uint64_t soft_one(const struct soft_format *f)
{
    return (uint64_t)bias(f) << f->fraction;
}

static uint64_t quiet_bit(const struct soft_format *f)
{
    return UINT64_C(1) << (f->fraction - 1);
}

static bool is_nan(const struct soft_format *f, uint64_t v)
{
    return (v & ~sign_bit(f)) > infinity(f);
}

static bool is_signalling(const struct soft_format *f, uint64_t v)
{
    return is_nan(f, v) && !(v & quiet_bit(f));
}

static bool is_infinite(const struct soft_format *f, uint64_t v)
{
    return (v & ~sign_bit(f)) == infinity(f);
}

static bool is_zero(const struct soft_format *f, uint64_t v)
{
    return !(v & ~sign_bit(f));
}

static uint64_t default_nan(const struct soft_format *f)
{
    return sign_bit(f) | infinity(f) | quiet_bit(f);
}

/* A denormal as an operand: zero with DAZ, else the flag. */
static uint64_t take_denormal(struct soft_env *e, const struct soft_format *f, uint64_t v)
{
    if ((v & infinity(f)) || is_zero(f, v))
        return v;
    if (e->mxcsr & MXCSR_DAZ)
        return v & sign_bit(f);
    e->flags |= MXCSR_DE;
    return v;
}

/* ---- rounding ---- */

static unsigned top_bit(wide m)
{
    uint64_t high = (uint64_t)(m >> 64);

    return high ? 127 - (unsigned)__builtin_clzll(high)
                : 63 - (unsigned)__builtin_clzll((uint64_t)m);
}

/* m / 2^shift as an integer by the rounding mode; whether that is inexact. What is shifted left
 * must fit. */
static uint64_t round_shift(wide m, int shift, bool negative, unsigned rc, bool *inexact)
{
    wide rest, half;
    uint64_t q;
    bool up;

    *inexact = false;
    if (shift <= 0)
        return (uint64_t)m << -shift;
    q = shift < 128 ? (uint64_t)(m >> shift) : 0;
    rest = shift < 128 ? m & (((wide)1 << shift) - 1) : m;
    half = shift <= 128 ? (wide)1 << (shift - 1) : ~(wide)0;
    *inexact = rest != 0;
    switch (rc) {
    case RC_NEAREST: up = rest > half || (rest == half && (q & 1)); break;
    case RC_DOWN: up = negative && rest; break;
    case RC_UP: up = !negative && rest; break;
    default: up = false; break;
    }
    return q + up;
}

/* Not masked, PE is for what a wider exponent would not mend. */
static uint64_t overflow(struct soft_env *e, const struct soft_format *f, bool negative,
                         bool inexact)
{
    unsigned rc = rounding(e);
    bool to_infinity = rc == RC_NEAREST || rc == (negative ? RC_DOWN : RC_UP);

    e->flags |= MXCSR_OE | (inexact || (e->mxcsr & MXCSR_OM) ? MXCSR_PE : 0);
    return (negative ? sign_bit(f) : 0) | (infinity(f) - !to_infinity);
}

/* A number as it comes from exact arithmetic: m * 2^exp, m not zero. The lowest bit of a long m may
 * stand for others below it. */
struct exact {
    bool negative;
    int exp;
    wide m;
};

/* Rounds and packs. Tiny is what is below the normal range once rounded as if there were no end to
 * exponents. */
static uint64_t pack(struct soft_env *e, const struct soft_format *f, const struct exact *v,
                     bool may_flush)
{
    unsigned top = top_bit(v->m), rc = rounding(e);
    uint64_t sign = v->negative ? sign_bit(f) : 0, r;
    int exp = v->exp + (int)top;
    bool inexact;

    r = round_shift(v->m, (int)top - (int)f->fraction, v->negative, rc, &inexact);
    exp += (int)(r >> (f->fraction + 1)); /* up to a power of two: no fraction */
    if (exp > bias(f))
        return overflow(e, f, v->negative, inexact);
    if (exp < 1 - bias(f)) {
        if (!(e->mxcsr & MXCSR_UM)) {
            e->flags |= inexact ? MXCSR_UE | MXCSR_PE : MXCSR_UE;
            return sign;
        }
        if (may_flush && (e->mxcsr & MXCSR_FZ)) {
            e->flags |= MXCSR_UE | MXCSR_PE;
            return sign;
        }
        r = round_shift(v->m, 1 - bias(f) - (int)f->fraction - v->exp, v->negative, rc, &inexact);
        e->flags |= inexact ? MXCSR_UE | MXCSR_PE : 0;
        return sign | r;
    }
    e->flags |= inexact ? MXCSR_PE : 0;
    return sign | ((uint64_t)(exp + bias(f)) << f->fraction) | (r & fraction_mask(f));
}

/* What v is worth; it is finite and not zero. */
static struct exact unpack(const struct soft_format *f, uint64_t v)
{
    unsigned exp = (unsigned)((v & infinity(f)) >> f->fraction);
    uint64_t m = v & fraction_mask(f);

    if (exp)
        m |= fraction_mask(f) + 1;
    return (struct exact){.negative = v & sign_bit(f),
                          .exp = (int)(exp ? exp : 1) - bias(f) - (int)f->fraction,
                          .m = m};
}

/* Of NaNs among three operands the first one, made quiet. */
static uint64_t first_nan(struct soft_env *e, const struct soft_format *f, uint64_t x, uint64_t y,
                          uint64_t z)
{
    if (is_signalling(f, x) || is_signalling(f, y) || is_signalling(f, z))
        e->flags |= MXCSR_IE;
    return (is_nan(f, x) ? x : is_nan(f, y) ? y : z) | quiet_bit(f);
}

/* Infinity times zero, less infinity and the like: then a denormal is not told of. */
static uint64_t invalid(struct soft_env *e, const struct soft_format *f, uint32_t earlier_flags)
{
    e->flags = earlier_flags | MXCSR_IE;
    return default_nan(f);
}

/* ---- fused multiply-add ---- */

/* The leading one to bit 125, so that a sum has room above. */
static void normalise(struct exact *v)
{
    unsigned up = 125 - top_bit(v->m);

    v->m <<= up;
    v->exp -= (int)up;
}

/* Below bit 125 there is room for what a difference of nearly equal numbers can bring up; what is
 * shifted out further is kept in the lowest bit. */
static void align(struct exact *v, int exp)
{
    int down = exp - v->exp;

    if (down > 127)
        v->m = 1;
    else if (down > 0)
        v->m = v->m >> down | ((v->m & (((wide)1 << down) - 1)) != 0);
    v->exp = exp;
}

static uint64_t add_exact(struct soft_env *e, const struct soft_format *f, struct exact a,
                          struct exact b)
{
    normalise(&a);
    normalise(&b);
    align(&a, b.exp > a.exp ? b.exp : a.exp);
    align(&b, a.exp);
    if (a.negative == b.negative) {
        a.m += b.m;
    } else if (a.m >= b.m) {
        a.m -= b.m;
    } else {
        a.m = b.m - a.m;
        a.negative = b.negative;
    }
    if (!a.m)
        return rounding(e) == RC_DOWN ? sign_bit(f) : 0;
    return pack(e, f, &a, true);
}

uint64_t soft_fma(struct soft_env *e, const struct soft_format *f, uint64_t x, uint64_t y,
                  uint64_t z, bool minus_product, bool minus_z)
{
    uint32_t earlier_flags = e->flags;
    uint64_t product_sign;
    struct exact a, b;

    if (is_nan(f, x) || is_nan(f, y) || is_nan(f, z))
        return first_nan(e, f, x, y, z);
    x = take_denormal(e, f, x);
    y = take_denormal(e, f, y);
    z = take_denormal(e, f, z);
    product_sign = ((x ^ y) & sign_bit(f)) ^ (minus_product ? sign_bit(f) : 0);
    z ^= minus_z ? sign_bit(f) : 0;
    if (is_infinite(f, x) || is_infinite(f, y)) {
        if (is_zero(f, x) || is_zero(f, y))
            return invalid(e, f, earlier_flags);
        if (is_infinite(f, z) && (z & sign_bit(f)) != product_sign)
            return invalid(e, f, earlier_flags);
        return product_sign | infinity(f);
    }
    if (is_infinite(f, z))
        return z;
    if (is_zero(f, x) || is_zero(f, y)) {
        if (!is_zero(f, z)) {
            b = unpack(f, z);
            return pack(e, f, &b, true);
        }
        if ((z & sign_bit(f)) == product_sign)
            return z;
        return rounding(e) == RC_DOWN ? sign_bit(f) : 0;
    }
    a = unpack(f, x);
    b = unpack(f, y);
    a.m *= b.m;
    a.exp += b.exp;
    a.negative = product_sign;
    if (is_zero(f, z))
        return pack(e, f, &a, true);
    return add_exact(e, f, a, unpack(f, z));
}

/* ---- division ---- */

uint64_t soft_div(struct soft_env *e, const struct soft_format *f, uint64_t x, uint64_t y)
{
    uint64_t sign = (x ^ y) & sign_bit(f);
    uint32_t earlier_flags = e->flags;
    struct exact a, b;
    wide rest;

    if (is_nan(f, x) || is_nan(f, y))
        return first_nan(e, f, x, y, 0);
    x = take_denormal(e, f, x);
    y = take_denormal(e, f, y);
    if ((is_infinite(f, x) && is_infinite(f, y)) || (is_zero(f, x) && is_zero(f, y)))
        return invalid(e, f, earlier_flags);
    if (is_infinite(f, x))
        return sign | infinity(f);
    if (is_infinite(f, y) || is_zero(f, x))
        return sign;
    if (is_zero(f, y)) {
        e->flags = earlier_flags | MXCSR_ZE;
        return sign | infinity(f);
    }
    a = unpack(f, x);
    b = unpack(f, y);
    normalise(&a); /* the quotient has more than enough bits, and one for the rest */
    rest = a.m % b.m;
    a.m = a.m / b.m | (rest != 0);
    a.exp -= b.exp;
    a.negative = sign;
    return pack(e, f, &a, true);
}

/* ---- to integers ---- */

uint64_t soft_round(struct soft_env *e, const struct soft_format *f, uint64_t v)
{
    int exp = (int)((v & infinity(f)) >> f->fraction) - bias(f);
    int shift = (int)f->fraction - exp;
    bool negative = v & sign_bit(f), inexact;
    uint64_t sign = v & sign_bit(f), r;

    if (is_nan(f, v)) {
        e->flags |= is_signalling(f, v) ? MXCSR_IE : 0;
        return v | quiet_bit(f);
    }
    if (!(v & infinity(f)) && (e->mxcsr & MXCSR_DAZ))
        v = sign;
    if (is_zero(f, v) || shift <= 0)
        return v;
    if (exp < 0) { /* a denormal is as small as any other here */
        r = round_shift(exp == -1 ? (v & fraction_mask(f)) | (fraction_mask(f) + 1) : 1,
                        (int)f->fraction + 1, negative, rounding(e), &inexact);
        e->flags |= MXCSR_PE;
        return sign | (r ? (uint64_t)bias(f) << f->fraction : 0);
    }
    r = round_shift((v & fraction_mask(f)) | (fraction_mask(f) + 1), shift, negative, rounding(e),
                    &inexact);
    e->flags |= inexact ? MXCSR_PE : 0;
    /* A carry out of the significand goes into the exponent. */
    return sign | (((uint64_t)(exp + bias(f) - 1) << f->fraction) + (r << shift));
}

/* ---- halves ---- */

uint32_t soft_from_half(struct soft_env *e, uint16_t v)
{
    uint32_t sign = (uint32_t)(v & 0x8000u) << 16;
    struct exact x;

    if ((v & 0x7c00u) == 0x7c00u) {
        e->flags |= is_signalling(&soft_half, v) ? MXCSR_IE : 0;
        return sign | 0x7f800000u | (v & 0x3ffu) << 13 | (v & 0x3ffu ? 0x400000u : 0);
    }
    if (is_zero(&soft_half, v))
        return sign;
    x = unpack(&soft_half, v);
    return (uint32_t)pack(e, &soft_single, &x, false);
}

uint64_t soft_narrow(struct soft_env *e, const struct soft_format *from,
                     const struct soft_format *to, uint64_t v)
{
    uint64_t sign = v & sign_bit(from) ? sign_bit(to) : 0;
    struct exact x;

    if (is_nan(from, v)) {
        e->flags |= is_signalling(from, v) ? MXCSR_IE : 0;
        return sign | infinity(to) | quiet_bit(to) |
               (v & fraction_mask(from)) >> (from->fraction - to->fraction);
    }
    if (is_infinite(from, v))
        return sign | infinity(to);
    v = take_denormal(e, from, v);
    if (is_zero(from, v))
        return sign;
    x = unpack(from, v);
    return pack(e, to, &x, to != &soft_half);
}
