/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Floating point in integers (cpu/simd/soft_fp.h) against the host's FMA, DIVSD, CVTSD2SS,
 * ROUNDSD and F16C: bits and flags, in every rounding mode, with and without DAZ and FZ. Halves
 * completely in both directions; FMA on numbers made to cancel, to tie, to be tiny and to be too
 * large.
 */
#include "tests/unit/unit.h"

#include <cpuid.h>
#include <immintrin.h>
#include <inttypes.h>

#include "base/bits.h"
#include "cpu/fpu.h"
#include "cpu/simd/soft_fp.h"
#include "tests/diff/values.h"

#define ROUNDS 3000000

static uint32_t rng_mxcsr(struct rng *g)
{
    uint32_t v = MXCSR_MASKS | (uint32_t)(rng_next(g) & MXCSR_RC);

    return v | (rng_below(g, 4) ? 0 : MXCSR_DAZ) | (rng_below(g, 4) ? 0 : MXCSR_FZ);
}

/* ---- the host's ---- */

#define HOST_BEGIN(mxcsr) host_set_mxcsr(mxcsr)
#define HOST_END(flags)                                                                            \
    do {                                                                                           \
        *(flags) = host_mxcsr() & MXCSR_FLAGS;                                                     \
        host_set_mxcsr(MXCSR_DEFAULT);                                                             \
    } while (0)

#define HOST_FMA(name, type)                                                                       \
    static uint64_t host_##name(uint32_t mxcsr, const uint64_t v[3], uint32_t *flags)              \
    {                                                                                              \
        __m128i x = _mm_cvtsi64_si128((long long)v[0]), y = _mm_cvtsi64_si128((long long)v[1]),    \
                z = _mm_cvtsi64_si128((long long)v[2]);                                            \
                                                                                                   \
        HOST_BEGIN(mxcsr);                                                                         \
        __asm__ volatile(#name " %2, %1, %0" : "+x"(x) : "x"(y), "x"(z));                          \
        HOST_END(flags);                                                                           \
        return (type)_mm_cvtsi128_si64(x);                                                         \
    }
HOST_FMA(vfmadd213ss, uint32_t)
HOST_FMA(vfmsub213ss, uint32_t)
HOST_FMA(vfnmadd213ss, uint32_t)
HOST_FMA(vfnmsub213ss, uint32_t)
HOST_FMA(vfmadd213sd, uint64_t)
HOST_FMA(vfmsub213sd, uint64_t)
HOST_FMA(vfnmadd213sd, uint64_t)
HOST_FMA(vfnmsub213sd, uint64_t)

#define HOST_DIV(name, type)                                                                       \
    static uint64_t host_##name(uint32_t mxcsr, const uint64_t v[3], uint32_t *flags)              \
    {                                                                                              \
        __m128i x = _mm_cvtsi64_si128((long long)v[0]), y = _mm_cvtsi64_si128((long long)v[1]);    \
                                                                                                   \
        HOST_BEGIN(mxcsr);                                                                         \
        __asm__ volatile(#name " %1, %0" : "+x"(x) : "x"(y));                                      \
        HOST_END(flags);                                                                           \
        return (type)_mm_cvtsi128_si64(x);                                                         \
    }
HOST_DIV(divss, uint32_t)
HOST_DIV(divsd, uint64_t)

#define HOST_UNARY(name, text)                                                                     \
    static uint64_t host_##name(uint32_t mxcsr, uint64_t v, uint32_t *flags)                       \
    {                                                                                              \
        __m128i x = _mm_cvtsi64_si128((long long)v);                                               \
                                                                                                   \
        HOST_BEGIN(mxcsr);                                                                         \
        __asm__ volatile(text : "+x"(x));                                                          \
        HOST_END(flags);                                                                           \
        return (uint64_t)_mm_cvtsi128_si64(x);                                                     \
    }
HOST_UNARY(roundss, "roundss $4, %0, %0")
HOST_UNARY(roundsd, "roundsd $4, %0, %0")
HOST_UNARY(narrow, "cvtsd2ss %0, %0")
HOST_UNARY(from_half, "vcvtph2ps %0, %0")
HOST_UNARY(to_half, "vcvtps2ph $4, %0, %0")

/* ---- operands ---- */

static uint64_t make(const struct soft_format *f, bool negative, int exp, uint64_t fraction)
{
    int last = (1 << f->exponent) - 1;
    uint64_t e = (uint64_t)(exp < 0 ? 0 : exp > last ? last : exp);

    return (uint64_t)negative << (f->fraction + f->exponent) | e << f->fraction |
           (fraction & ((UINT64_C(1) << f->fraction) - 1));
}

/* Zeros, ones, single bits, a few at either end, any. */
static uint64_t rng_fraction(struct rng *g, const struct soft_format *f)
{
    uint64_t any = rng_next(g);

    switch (rng_below(g, 7)) {
    case 0: return 0;
    case 1: return ~UINT64_C(0);
    case 2: return UINT64_C(1) << rng_below(g, f->fraction);
    case 3: return any & 7;
    case 4: return any >> 61 << (f->fraction - 3);
    case 5: return ~(any & 7);
    default: return any;
    }
}

static uint64_t rng_number(struct rng *g, const struct soft_format *f, int exp)
{
    return make(f, rng_below(g, 2), exp, rng_fraction(g, f));
}

/* x and y anywhere, or such that the product is around `target`; z near the product, to whose
 * exponent a random distance is added, or just what makes it cancel; sometimes anything. */
static void rng_fma(struct rng *g, const struct soft_format *f, uint64_t v[3])
{
    int last = (1 << f->exponent) - 1, bias = last >> 1, digits = (int)f->fraction + 1;
    int targets[] = {0, bias, last, -digits, 1}, target = targets[rng_below(g, 5)];
    int ex = (int)rng_below(g, (unsigned)last + 1);
    int ey = target + bias - ex + (int)rng_below(g, 7) - 3, ez = target;

    switch (rng_below(g, 4)) {
    case 0: ez += (int)rng_below(g, 5) - 2; break;
    case 1: ez += (int)rng_below(g, 4 * (unsigned)digits) - 2 * digits; break;
    case 2: ez += digits * (rng_below(g, 2) ? 1 : -1) + (int)rng_below(g, 5) - 2; break;
    default: ez = (int)rng_below(g, (unsigned)last + 1); break;
    }
    v[0] = rng_number(g, f, ex);
    v[1] = rng_number(g, f, ey);
    v[2] = rng_number(g, f, ez);
    if (rng_below(g, 4) == 0) { /* nearly all of the product */
        struct soft_env e = {.mxcsr = MXCSR_MASKS | (uint32_t)(rng_next(g) & MXCSR_RC)};

        v[2] = soft_fma(&e, f, v[0], v[1], 0, true, false) + rng_below(g, 3) - 1;
    }
    if (rng_below(g, 8) == 0)
        v[rng_below(g, 3)] =
            f == &soft_double ? rng_double(g) : rng_single(g); /* zeros, NaNs, infinities */
    for (unsigned n = 0; n < 3 && f != &soft_double; n++)
        v[n] &= 0xffffffff;
}

/* ---- cases ---- */

static void differs(const char *what, uint32_t mxcsr, const uint64_t v[3], uint64_t host,
                    uint32_t host_flags, uint64_t soft, uint32_t soft_flags)
{
    fail_msg("%s mxcsr %04x of %" PRIx64 " %" PRIx64 " %" PRIx64 ": host %" PRIx64
             " flags %02x, here %" PRIx64 " flags %02x",
             what, mxcsr, v[0], v[1], v[2], host, host_flags, soft, soft_flags);
}

static void fma_of(const struct soft_format *f, uint64_t seed)
{
    static const struct {
        const char *name;
        uint64_t (*host[2])(uint32_t mxcsr, const uint64_t v[3], uint32_t *flags);
    } ops[] = {{"fmadd", {host_vfmadd213ss, host_vfmadd213sd}},
               {"fmsub", {host_vfmsub213ss, host_vfmsub213sd}},
               {"fnmadd", {host_vfnmadd213ss, host_vfnmadd213sd}},
               {"fnmsub", {host_vfnmsub213ss, host_vfnmsub213sd}}};
    struct rng g = {seed};
    unsigned seen = 0;

    for (unsigned n = 0; n < ROUNDS; n++) {
        struct soft_env e = {.mxcsr = rng_mxcsr(&g)};
        unsigned op = rng_below(&g, 4);
        uint64_t v[3], host, soft;
        uint32_t flags;

        rng_fma(&g, f, v);
        host = ops[op].host[f == &soft_double](e.mxcsr, v, &flags);
        /* vf*213 multiplies its second operand by its first: a NaN of the second counts first. */
        soft = soft_fma(&e, f, v[1], v[0], v[2], op & 2, op & 1);
        if (host != soft || flags != e.flags)
            differs(ops[op].name, e.mxcsr, v, host, flags, soft, e.flags);
        seen |= flags;
    }
    assert_int_equal(seen, MXCSR_FLAGS & ~MXCSR_ZE);
}

static void test_fma_single(void **state)
{
    (void)state;
    fma_of(&soft_single, 0x9e3779b97f4a7c15);
}

static void test_fma_double(void **state)
{
    (void)state;
    fma_of(&soft_double, 0xbf58476d1ce4e5b9);
}

/* The quotient's exponent is around where it is tiny, large, or a normal number. */
static void test_div(void **state)
{
    struct rng g = {0xd6e8feb86659fd93};
    unsigned seen = 0;

    (void)state;
    for (unsigned n = 0; n < ROUNDS; n++) {
        const struct soft_format *f = n & 1 ? &soft_double : &soft_single;
        int last = (1 << f->exponent) - 1, bias = last >> 1;
        int targets[] = {0, bias, last, -(int)f->fraction}, ex = (int)rng_below(&g, (unsigned)last);
        struct soft_env e = {.mxcsr = rng_mxcsr(&g)};
        uint64_t v[3] = {0}, host, soft;
        uint32_t flags;

        v[0] = rng_number(&g, f, ex);
        v[1] = rng_number(&g, f, ex + bias - targets[rng_below(&g, 4)] + (int)rng_below(&g, 5) - 2);
        if (rng_below(&g, 4) == 0)
            v[rng_below(&g, 2)] = n & 1 ? rng_double(&g) : rng_single(&g);
        host = (n & 1 ? host_divsd : host_divss)(e.mxcsr, v, &flags);
        soft = soft_div(&e, f, v[0], v[1]);
        if (host != soft || flags != e.flags)
            differs("div", e.mxcsr, v, host, flags, soft, e.flags);
        seen |= flags;
    }
    assert_int_equal(seen, MXCSR_FLAGS);
}

/* Doubles around what a single can hold. */
static void test_narrow(void **state)
{
    struct rng g = {0xa0761d6478bd642f};

    (void)state;
    for (unsigned n = 0; n < ROUNDS; n++) {
        static const int exps[] = {1023 - 127 - 23, 1023 - 127, 1023, 1023 + 127};
        struct soft_env e = {.mxcsr = rng_mxcsr(&g)};
        uint64_t v[3] = {0}, host, soft;
        uint32_t flags;

        v[0] = rng_number(&g, &soft_double, exps[rng_below(&g, 4)] + (int)rng_below(&g, 9) - 4);
        if (rng_below(&g, 2)) /* around the middle between two singles */
            v[0] = (v[0] & ~UINT64_C(0x1fffffff)) + UINT64_C(0x10000000) + rng_below(&g, 3) - 1;
        if (rng_below(&g, 8) == 0)
            v[0] = rng_double(&g);
        host = (uint32_t)host_narrow(e.mxcsr, v[0], &flags);
        soft = soft_narrow(&e, &soft_double, &soft_single, v[0]);
        if (host != soft || flags != e.flags)
            differs("narrow", e.mxcsr, v, host, flags, soft, e.flags);
    }
}

static void test_round(void **state)
{
    struct rng g = {0x94d049bb133111eb};

    (void)state;
    for (unsigned n = 0; n < ROUNDS; n++) {
        const struct soft_format *f = n & 1 ? &soft_double : &soft_single;
        int bias = (1 << (f->exponent - 1)) - 1;
        struct soft_env e = {.mxcsr = rng_mxcsr(&g)};
        uint64_t v[3] = {rng_number(&g, f, bias + (int)rng_below(&g, f->fraction + 8) - 4), 0, 0};
        uint64_t host, soft;
        uint32_t flags;

        if (rng_below(&g, 4) == 0)
            v[0] = n & 1 ? rng_double(&g) : rng_single(&g);
        host = (n & 1 ? host_roundsd : host_roundss)(e.mxcsr, v[0], &flags);
        soft = soft_round(&e, f, v[0]);
        if (host != soft || flags != e.flags)
            differs("round", e.mxcsr, v, host, flags, soft, e.flags);
    }
}

static void test_from_half(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 0x10000; n++) {
        struct soft_env e = {.mxcsr = MXCSR_MASKS | (n & 1 ? MXCSR_DAZ | MXCSR_FZ : 0)};
        uint64_t v[3] = {n, 0, 0}, host;
        uint32_t flags, soft = soft_from_half(&e, (uint16_t)n);

        host = (uint32_t)host_from_half(e.mxcsr, n, &flags);
        if (host != soft || flags != e.flags)
            differs("from half", e.mxcsr, v, host, flags, soft, e.flags);
    }
}

static void half_of(uint32_t mxcsr, uint32_t single)
{
    struct soft_env e = {.mxcsr = mxcsr};
    uint64_t v[3] = {single, 0, 0}, host;
    uint16_t soft = (uint16_t)soft_narrow(&e, &soft_single, &soft_half, single);
    uint32_t flags;

    host = (uint16_t)host_to_half(mxcsr, single, &flags);
    if (host != soft || flags != e.flags)
        differs("to half", mxcsr, v, host, flags, soft, e.flags);
}

/* Each sign, exponent and upper fraction, with what decides how to round below it; in every mode.
 */
static void test_to_half(void **state)
{
    static const uint32_t low[] = {0, 1, 0xfff, 0x1000, 0x1001, 0x1fff};

    (void)state;
    for (uint32_t n = 0; n < 0x80000; n++) {
        uint32_t mode = MXCSR_MASKS | (n % 7 & 3) * (MXCSR_RC & -MXCSR_RC);

        for (unsigned k = 0; k < ARRAY_SIZE(low); k++)
            half_of(mode | ((n + k) % 5 ? 0 : MXCSR_DAZ) | ((n + k) % 3 ? 0 : MXCSR_FZ),
                    n << 13 | low[k]);
    }
    for (uint32_t n = 0; n < 200; n++) /* denormals, and around the least half */
        for (unsigned rc = 0; rc < 4; rc++) {
            half_of(MXCSR_MASKS | rc * (MXCSR_RC & -MXCSR_RC), n);
            half_of(MXCSR_MASKS | rc * (MXCSR_RC & -MXCSR_RC), 0x33000000 - 100 + n);
            half_of(MXCSR_MASKS | rc * (MXCSR_RC & -MXCSR_RC), 0x80000000 | n);
        }
}

static bool host_can(void)
{
    unsigned a, b, c, d;

    __builtin_cpu_init();
    return __builtin_cpu_supports("fma") && __builtin_cpu_supports("sse4.1") &&
           __get_cpuid(1, &a, &b, &c, &d) && (c >> 29 & 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fma_single), cmocka_unit_test(test_fma_double),
        cmocka_unit_test(test_div),        cmocka_unit_test(test_narrow),
        cmocka_unit_test(test_round),      cmocka_unit_test(test_from_half),
        cmocka_unit_test(test_to_half),
    };

    if (!host_can()) {
        printf("1..0 # SKIP the host has no FMA or F16C to compare with\n");
        return 0;
    }
    return unit_main(tests);
}
