/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AES, SHA and carry-less products against what the standards say comes out (FIPS 197, appendix C;
 * FIPS 180-4 with its example "abc"; polynomials multiplied by hand), on the handlers that every
 * host can run and on those of this one; and which memory operands must be aligned (SDM volume
 * 2, 2.4), where this host's processor may say otherwise.
 */
#include "tests/unit/unit.h"

#include <math.h>

#include "base/bits.h"
#include "tests/unit/fpu_rig.h"

#define BYTES(...) ((const uint8_t[]){__VA_ARGS__}), sizeof((const uint8_t[]){__VA_ARGS__})

/* Every case runs twice: on portable handlers, and on the host's best. */
static struct rig *begin(bool portable)
{
    struct rig *r = rig_new();

    r->cpu->portable = portable;
    r->cpu->features |= FEAT(AES) | FEAT(PCLMUL) | FEAT(SHA) | FEAT(VAES) | FEAT(VPCLMUL) |
                        FEAT(SSSE3) | FEAT(SSE4_1) | FEAT(SSE4_2) | FEAT(AVX) | FEAT(AVX2) |
                        FEAT(XSAVE);
    rig_mode(r, RIG_LONG);
    r->cpu->cr4 |= CR4_OSXSAVE;
    r->cpu->xcr0 = 7;
    cpu_sync_mode(r->cpu);
    return r;
}

/* Executes code on xmm0 = a, xmm1 = b; xmm0 afterwards. */
static union xmm operate(struct rig *r, const uint8_t *code, size_t len, union xmm a, union xmm b)
{
    r->cpu->ymm[0].x[0] = a;
    r->cpu->ymm[1].x[0] = b;
    assert_int_equal(rig_run(r, code, len, 1), -1);
    return r->cpu->ymm[0].x[0];
}

static union xmm add(union xmm a, union xmm b)
{
    for (unsigned k = 0; k < 4; k++)
        a.d[k] += b.d[k];
    return a;
}

static union xmm add_bits(union xmm a, union xmm b)
{
    return (union xmm){.q = {a.q[0] ^ b.q[0], a.q[1] ^ b.q[1]}};
}

/* ---- AES: FIPS 197, C.1 to C.3 use these bytes ---- */

/* AESKEYGENASSIST with each round's constant. */
static union xmm key_assist(struct rig *r, union xmm key, unsigned round)
{
    static const uint8_t rcon[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1b, 0x36};

    return operate(r, BYTES(0x66, 0x0f, 0x3a, 0xdf, 0xc1, rcon[round]), key, key);
}

static void expand_key(struct rig *r, union xmm keys[11])
{
    for (unsigned k = 0; k < 16; k++)
        keys[0].b[k] = (uint8_t)k;
    for (unsigned n = 0; n < 10; n++) {
        uint32_t last = key_assist(r, keys[n], n).d[3];

        for (unsigned k = 0; k < 4; k++)
            last = keys[n + 1].d[k] = keys[n].d[k] ^ last;
    }
}

static const uint8_t cipher_text[16] = {0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30,
                                        0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5, 0x5a};
static const uint8_t plain_text[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                       0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

static void try_aes(bool portable)
{
    struct rig *r = begin(portable);
    union xmm keys[11], v;

    expand_key(r, keys);
    memcpy(&v, plain_text, 16);
    v = add_bits(v, keys[0]);
    for (unsigned n = 1; n < 10; n++)
        v = operate(r, BYTES(0x66, 0x0f, 0x38, 0xdc, 0xc1), v, keys[n]);
    v = operate(r, BYTES(0x66, 0x0f, 0x38, 0xdd, 0xc1), v, keys[10]);
    assert_memory_equal(&v, cipher_text, 16);
    /* the equivalent inverse cipher (5.3.5), whose keys AESIMC makes */
    v = add_bits(v, keys[10]);
    for (unsigned n = 9; n > 0; n--) {
        union xmm key = operate(r, BYTES(0x66, 0x0f, 0x38, 0xdb, 0xc1), v, keys[n]);

        v = operate(r, BYTES(0x66, 0x0f, 0x38, 0xde, 0xc1), v, key);
    }
    v = operate(r, BYTES(0x66, 0x0f, 0x38, 0xdf, 0xc1), v, keys[0]);
    assert_memory_equal(&v, plain_text, 16);
    rig_free(r);
}

/* VAESENC and VAESDEC of 256 bits are two rounds with a key each; VEX.128 clears the upper half. */
static void try_vaes(bool portable)
{
    struct rig *r = begin(portable);
    union ymm *ymm = r->cpu->ymm;
    union xmm keys[11], two[2];

    expand_key(r, keys);
    for (unsigned op = 0xdc; op <= 0xdf; op++) {
        for (unsigned h = 0; h < 2; h++)
            two[h] = operate(r, BYTES(0x66, 0x0f, 0x38, (uint8_t)op, 0xc1), keys[h], keys[2 + h]);
        ymm[0] = (union ymm){.x = {keys[0], keys[1]}};
        ymm[1] = (union ymm){.x = {keys[2], keys[3]}};
        assert_int_equal(rig_run(r, BYTES(0xc4, 0xe2, 0x7d, (uint8_t)op, 0xc1), 1), -1);
        assert_memory_equal(&ymm[0], two, 32);
        ymm[0] = (union ymm){.x = {keys[0], keys[1]}};
        assert_int_equal(rig_run(r, BYTES(0xc4, 0xe2, 0x79, (uint8_t)op, 0xc1), 1), -1);
        two[1] = (union xmm){{0}};
        assert_memory_equal(&ymm[0], two, 32);
    }
    rig_free(r);
}

/* ---- SHA: FIPS 180-4, the message "abc" ---- */

/* A padded block's words as the instructions want them: SHA-1's first is uppermost. */
static void abc_words(union xmm w[4], bool sha1)
{
    memset(w, 0, 64);
    w[0].d[sha1 ? 3 : 0] = 0x61626380;
    w[3].d[sha1 ? 0 : 3] = 24;
}

/* The next four words of a schedule, of the sixteen before. */
static union xmm sha1_schedule(struct rig *r, const union xmm w[4])
{
    union xmm v = operate(r, BYTES(0x0f, 0x38, 0xc9, 0xc1), w[0], w[1]);

    return operate(r, BYTES(0x0f, 0x38, 0xca, 0xc1), add_bits(v, w[2]), w[3]);
}

static union xmm sha256_schedule(struct rig *r, const union xmm w[4])
{
    union xmm v = operate(r, BYTES(0x0f, 0x38, 0xcc, 0xc1), w[0], w[1]);

    v = add(v, operate(r, BYTES(0x66, 0x0f, 0x3a, 0x0f, 0xc1, 4), w[3], w[2]));
    return operate(r, BYTES(0x0f, 0x38, 0xcd, 0xc1), v, w[3]);
}

static void next_words(struct rig *r, union xmm w[4],
                       union xmm (*schedule)(struct rig *r, const union xmm w[4]))
{
    union xmm v = schedule(r, w);

    memmove(w, w + 1, 48);
    w[3] = v;
}

static void try_sha1(bool portable)
{
    static const uint32_t digest[5] = {0xa9993e36, 0x4706816a, 0xba3e2571, 0x7850c26c, 0x9cd0d89d};
    union xmm start = {.d = {0x10325476, 0x98badcfe, 0xefcdab89, 0x67452301}}, abcd = start;
    union xmm w[4], we, e = {.d = {[3] = 0xc3d2e1f0}}, before = {{0}};
    struct rig *r = begin(portable);

    abc_words(w, true);
    for (unsigned n = 0; n < 20; n++) {
        if (n == 0)
            we = add(w[0], e);
        else /* SHA1NEXTE makes E of what A was four rounds ago */
            we = operate(r, BYTES(0x0f, 0x38, 0xc8, 0xc1), before, w[0]);
        before = abcd;
        abcd = operate(r, BYTES(0x0f, 0x3a, 0xcc, 0xc1, (uint8_t)(n / 5)), abcd, we);
        next_words(r, w, sha1_schedule);
    }
    e = operate(r, BYTES(0x0f, 0x38, 0xc8, 0xc1), before, e);
    abcd = add(abcd, start);
    for (unsigned k = 0; k < 4; k++)
        assert_int_equal(abcd.d[3 - k], digest[k]);
    assert_int_equal(e.d[3], digest[4]);
    rig_free(r);
}

/* The first 32 bits of the fraction (FIPS 180-4, 4.2.2 and 5.3.3). */
static uint32_t fraction(long double v)
{
    return (uint32_t)((v - floorl(v)) * 0x1p32L);
}

/* Cube roots of the first 64 primes, square roots of the first 8. */
static void sha256_constants(uint32_t k[64], uint32_t h[8])
{
    unsigned n = 0;

    for (unsigned p = 2; n < 64; p++) {
        unsigned d = 2;

        while (p % d)
            d++;
        if (d < p)
            continue;
        if (n < 8)
            h[n] = fraction(sqrtl(p));
        k[n++] = fraction(cbrtl(p));
    }
}

static union xmm two_rounds(struct rig *r, union xmm cdgh, union xmm abef, union xmm wk)
{
    /* xmm2 := SHA256RNDS2(xmm2, xmm1, xmm0) */
    r->cpu->ymm[2].x[0] = cdgh;
    operate(r, BYTES(0x0f, 0x38, 0xcb, 0xd1), wk, abef);
    return r->cpu->ymm[2].x[0];
}

static void try_sha256(bool portable)
{
    static const uint32_t digest[8] = {0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223,
                                       0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad};
    union xmm w[4], abef, cdgh;
    struct rig *r = begin(portable);
    uint32_t k[64], h[8];

    sha256_constants(k, h);
    abc_words(w, false);
    abef = (union xmm){.d = {h[5], h[4], h[1], h[0]}};
    cdgh = (union xmm){.d = {h[7], h[6], h[3], h[2]}};
    for (unsigned n = 0; n < 64; n += 4) {
        union xmm wk = add(w[0], (union xmm){.d = {k[n], k[n + 1], k[n + 2], k[n + 3]}});

        /* what comes out is A, B, E, F; those before are then C, D, G, H */
        cdgh = two_rounds(r, cdgh, abef, wk);
        abef = two_rounds(r, abef, cdgh, (union xmm){.q = {wk.q[1]}});
        next_words(r, w, sha256_schedule);
    }
    for (unsigned n = 0; n < 2; n++) {
        assert_int_equal(abef.d[3 - n] + h[n], digest[n]);
        assert_int_equal(abef.d[1 - n] + h[4 + n], digest[4 + n]);
        assert_int_equal(cdgh.d[3 - n] + h[2 + n], digest[2 + n]);
        assert_int_equal(cdgh.d[1 - n] + h[6 + n], digest[6 + n]);
    }
    rig_free(r);
}

/* ---- PCLMULQDQ ---- */

static void try_clmul(bool portable)
{
    /* x + 1 over all ones: only the ends stay; x^63 times x^63; (x + 1)^2 = x^2 + 1 */
    static const struct {
        uint64_t a, b, lo, hi;
    } cases[] = {
        {~UINT64_C(0), 3, 1, 1},
        {UINT64_C(1) << 63, UINT64_C(1) << 63, 0, UINT64_C(1) << 62},
        {3, 3, 5, 0},
        {0x87, UINT64_C(1) << 60, UINT64_C(7) << 60, 8},
        {UINT64_C(0x123456789abcdef0), 1, UINT64_C(0x123456789abcdef0), 0},
    };
    struct rig *r = begin(portable);

    for (unsigned n = 0; n < 4 * ARRAY_SIZE(cases); n++) {
        unsigned k = n / 4, upper_a = n & 1, upper_b = n >> 1 & 1;
        union xmm a = {.q = {0xdeadbeef, 0xdeadbeef}}, b = a;

        a.q[upper_a] = cases[k].a;
        b.q[upper_b] = cases[k].b;
        a = operate(r, BYTES(0x66, 0x0f, 0x3a, 0x44, 0xc1, (uint8_t)(upper_a | upper_b << 4)), a,
                    b);
        assert_int_equal(a.q[0], cases[k].lo);
        assert_int_equal(a.q[1], cases[k].hi);
    }
    rig_free(r);
}

/* ---- operands that are not aligned: [RDI] ---- */

static int at_odd_address(struct rig *r, const uint8_t *code, size_t len)
{
    r->cpu->gpr[REG_RDI] = RIG_DATA + 1;
    return rig_run(r, code, len, 1);
}

static void try_alignment(bool portable)
{
    struct rig *r = begin(portable);

    /* AESENC, PCLMULQDQ, PSHUFB, MOVNTDQA; SHA256MSG1, SHA1RNDS4: there AMD's do not mind */
    assert_int_equal(at_odd_address(r, BYTES(0x66, 0x0f, 0x38, 0xdc, 0x07)), EXC_GP);
    assert_int_equal(at_odd_address(r, BYTES(0x66, 0x0f, 0x3a, 0x44, 0x07, 0)), EXC_GP);
    assert_int_equal(at_odd_address(r, BYTES(0x66, 0x0f, 0x38, 0x00, 0x07)), EXC_GP);
    assert_int_equal(at_odd_address(r, BYTES(0x66, 0x0f, 0x38, 0x2a, 0x07)), EXC_GP);
    assert_int_equal(at_odd_address(r, BYTES(0x0f, 0x38, 0xcc, 0x07)), EXC_GP);
    assert_int_equal(at_odd_address(r, BYTES(0x0f, 0x3a, 0xcc, 0x07, 0)), EXC_GP);
    /* PCMPISTRI; PMOVSXBW; VAESENC, VPSHUFB; but VMOVNTDQA */
    assert_int_equal(at_odd_address(r, BYTES(0x66, 0x0f, 0x3a, 0x63, 0x07, 0)), -1);
    assert_int_equal(at_odd_address(r, BYTES(0x66, 0x0f, 0x38, 0x20, 0x07)), -1);
    assert_int_equal(at_odd_address(r, BYTES(0xc4, 0xe2, 0x79, 0xdc, 0x07)), -1);
    assert_int_equal(at_odd_address(r, BYTES(0xc4, 0xe2, 0x7d, 0x00, 0x07)), -1);
    assert_int_equal(at_odd_address(r, BYTES(0xc4, 0xe2, 0x79, 0x2a, 0x07)), EXC_GP);
    r->cpu->gpr[REG_RDI] = RIG_DATA + 16; /* 32 bytes at an odd 16 */
    assert_int_equal(rig_run(r, BYTES(0xc4, 0xe2, 0x79, 0x2a, 0x07), 1), -1);
    assert_int_equal(rig_run(r, BYTES(0xc4, 0xe2, 0x7d, 0x2a, 0x07), 1), EXC_GP);
    rig_free(r);
}

#define BOTH(name)                                                                                 \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        try_##name(false);                                                                         \
        try_##name(true);                                                                          \
    }
BOTH(aes)
BOTH(vaes)
BOTH(sha1)
BOTH(sha256)
BOTH(clmul)
BOTH(alignment)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aes),   cmocka_unit_test(test_vaes),
        cmocka_unit_test(test_sha1),  cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_clmul), cmocka_unit_test(test_alignment),
    };

    return unit_main(tests);
}
