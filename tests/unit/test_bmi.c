/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * General-register instructions of BMI1, BMI2, LZCNT, ADX and CRC32 against the host's processor:
 * every form with registers and memory, 16, 32 and 64 bits, from corner values and random ones; and
 * the encodings that must be refused. SDM volume 2.
 */
#include <cpuid.h>

#include "cpu/crc32c.h"
#include "tests/unit/cpu_fixture.h"
#include "tests/unit/native.h"

#define DATA 0xa000u /* in the guest's RAM: where memory operands are */

/* An instruction: how it is encoded, which flags it leaves undefined. */
struct form {
    const char *name;
    uint8_t vex_map; /* 2: 0F38, 3: 0F3A; 0: legacy, */
    uint8_t map[2];  /* with these bytes between prefix and opcode */
    uint8_t prefix;  /* 0, 66, F3 or F2; VEX.pp stands for it */
    uint8_t opcode;
    int8_t reg; /* the opcode's ModRM.reg, or -1: an operand */
    bool imm;
    bool word, byte; /* has a 16-bit form by 66; is the byte form */
    uint16_t undefined;
    bool (*host)(void);
};

static bool leaf_7(unsigned bit)
{
    unsigned a, b = 0, c, d;

    __get_cpuid_count(7, 0, &a, &b, &c, &d);
    return b >> bit & 1;
}

static bool has_bmi1(void)
{
    return leaf_7(3);
}

static bool has_bmi2(void)
{
    return leaf_7(8);
}

static bool has_adx(void)
{
    return leaf_7(19);
}

static bool has_sse42(void)
{
    return __builtin_cpu_supports("sse4.2");
}

static bool has_lzcnt(void)
{
    unsigned a, b, c = 0, d;

    __get_cpuid(0x80000001, &a, &b, &c, &d);
    return c >> 5 & 1;
}

#define AP (FL_AF | FL_PF)
static const struct form forms[] = {
    {"andn", 2, {0}, 0, 0xf2, -1, false, false, false, AP, has_bmi1},
    {"blsr", 2, {0}, 0, 0xf3, 1, false, false, false, AP, has_bmi1},
    {"blsmsk", 2, {0}, 0, 0xf3, 2, false, false, false, AP, has_bmi1},
    {"blsi", 2, {0}, 0, 0xf3, 3, false, false, false, AP, has_bmi1},
    {"bextr", 2, {0}, 0, 0xf7, -1, false, false, false, AP | FL_SF, has_bmi1},
    {"bzhi", 2, {0}, 0, 0xf5, -1, false, false, false, AP, has_bmi2},
    {"pext", 2, {0}, 0xf3, 0xf5, -1, false, false, false, 0, has_bmi2},
    {"pdep", 2, {0}, 0xf2, 0xf5, -1, false, false, false, 0, has_bmi2},
    {"mulx", 2, {0}, 0xf2, 0xf6, -1, false, false, false, 0, has_bmi2},
    {"shlx", 2, {0}, 0x66, 0xf7, -1, false, false, false, 0, has_bmi2},
    {"sarx", 2, {0}, 0xf3, 0xf7, -1, false, false, false, 0, has_bmi2},
    {"shrx", 2, {0}, 0xf2, 0xf7, -1, false, false, false, 0, has_bmi2},
    {"rorx", 3, {0}, 0xf2, 0xf0, -1, true, false, false, 0, has_bmi2},
    {"tzcnt", 0, {0}, 0xf3, 0xbc, -1, false, true, false, AP | FL_SF | FL_OF, has_bmi1},
    {"lzcnt", 0, {0}, 0xf3, 0xbd, -1, false, true, false, AP | FL_SF | FL_OF, has_lzcnt},
    {"adcx", 0, {0x38}, 0x66, 0xf6, -1, false, false, false, 0, has_adx},
    {"adox", 0, {0x38}, 0xf3, 0xf6, -1, false, false, false, 0, has_adx},
    {"crc32b", 0, {0x38}, 0xf2, 0xf0, -1, false, false, true, 0, has_sse42},
    {"crc32", 0, {0x38}, 0xf2, 0xf1, -1, false, true, false, 0, has_sse42},
};

/* ---- encoding ---- */

struct encoded {
    uint8_t bytes[16];
    unsigned len;
};

static void put(struct encoded *e, unsigned b)
{
    e->bytes[e->len++] = (uint8_t)b;
}

/* Of registers reg, rm and vvvv; or, with mem, of memory at [rsi]. `size`: 2, 4 or 8. `l`, `vvvv`:
 * as they are to stand in the prefix, whether allowed or not. */
static void encode(struct encoded *e, const struct form *f, unsigned size, bool mem, unsigned reg,
                   unsigned rm, unsigned vvvv, unsigned l)
{
    static const uint8_t pp[] = {0, 1, 2, 3};
    unsigned p = f->prefix == 0x66 ? pp[1] : f->prefix == 0xf3 ? pp[2] : f->prefix ? pp[3] : pp[0];
    unsigned r = reg >> 3, b = mem ? 0 : rm >> 3, w = size == 8;

    e->len = 0;
    if (f->reg >= 0) {
        reg = (unsigned)f->reg;
        r = 0;
    }
    if (f->vex_map) {
        put(e, 0xc4);
        put(e, (r ^ 1) << 7 | 1 << 6 | (b ^ 1) << 5 | f->vex_map);
        put(e, w << 7 | (~vvvv & 15) << 3 | l << 2 | p);
    } else {
        if (size == 2)
            put(e, 0x66);
        put(e, f->prefix);
        put(e, 0x40 | w << 3 | r << 2 | b);
        put(e, 0x0f);
        if (f->map[0])
            put(e, f->map[0]);
    }
    put(e, f->opcode);
    put(e, (mem ? 0x06 : 0xc0 | (rm & 7)) | (reg & 7) << 3);
}

/* ---- running ---- */

static uint64_t seed = 0x1d872b41;

static uint64_t random64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static uint64_t value(void)
{
    static const uint64_t corners[] = {
        0,
        1,
        2,
        0x7f,
        0x80,
        0xff,
        0x7fff,
        0x8000,
        0x7fffffff,
        0x80000000,
        0xffffffff,
        UINT64_C(1) << 32,
        UINT64_C(1) << 63,
        ~UINT64_C(0),
        0x1f,
        0x20,
        0x21,
        0x3f,
        0x40,
        0x41,
        0x1f00,
        0x2004,
        0x4008,
        0xff01,
        0x803f,
    };
    unsigned k = (unsigned)(random64() >> 11) % 64;

    if (k < ARRAY_SIZE(corners))
        return corners[k];
    return k < 32 ? random64() >> (random64() >> 20 & 63) : random64();
}

/* One case on both; false when they differ. */
static bool same(struct fx *fx, const struct form *f, const struct encoded *e, bool mem)
{
    static uint64_t cell;
    struct cpu *cpu = fx->cpu;
    struct native_state n;
    uint64_t flags = (random64() & FL_ARITH) | FL_1 | FL_IF, before[16];

    cell = value();
    st_le64(fx->ram + DATA, cell);
    for (unsigned k = 0; k < 16; k++)
        before[k] = n.gpr[k] = value();
    n.rflags = flags;
    if (mem)
        n.gpr[REG_RSI] = (uint64_t)(uintptr_t)&cell;
    memcpy(fx->ram + FX_CODE, e->bytes, e->len);
    cpu_set_event(cpu, EV_FLUSH);
    for (unsigned k = 0; k < 16; k++) {
        if (k != REG_RSP)
            cpu->gpr[k] = n.gpr[k];
    }
    if (mem)
        cpu->gpr[REG_RSI] = DATA;
    cpu->gpr[REG_RIP] = FX_CODE;
    cpu_set_rflags(cpu, FL_1 | (flags & FL_ARITH));
    fx_run(fx, 1);
    native_run(&n, e->bytes, e->len);
    assert_int_equal(fx_rip(fx), FX_CODE + e->len);
    for (unsigned k = 0; k < 16; k++) {
        if (k == REG_RSP || (mem && k == REG_RSI))
            continue;
        if (n.gpr[k] != cpu->gpr[k]) {
            print_message("# register %u: host %llx, guest %llx (was %llx)\n", k,
                          (unsigned long long)n.gpr[k], (unsigned long long)cpu->gpr[k],
                          (unsigned long long)before[k]);
            return false;
        }
    }
    if ((n.rflags ^ cpu_rflags(cpu)) & FL_ARITH & ~(uint64_t)f->undefined) {
        print_message("# flags: host %llx, guest %llx, were %llx\n", (unsigned long long)n.rflags,
                      (unsigned long long)cpu_rflags(cpu), (unsigned long long)flags);
        return false;
    }
    return ld_le64(fx->ram + DATA) == cell;
}

/* Not RSP, which native_run needs, nor RSI, where it is an address. */
static unsigned pick_register(bool mem)
{
    unsigned r;

    do
        r = (unsigned)(random64() >> 13) & 15;
    while (r == REG_RSP || (mem && r == REG_RSI));
    return r;
}

static void equal_to_the_host(void **state)
{
    struct fx *fx = fx_new("max");
    unsigned cases = 0;

    (void)state;
    fx_long(fx, 0);
    for (unsigned k = 0; k < ARRAY_SIZE(forms); k++) {
        const struct form *f = &forms[k];

        if (!f->host()) {
            print_message("# %s: not on this host\n", f->name);
            continue;
        }
        for (unsigned round = 0; round < 3000; round++) {
            static const uint8_t sizes[] = {4, 8, 2};
            unsigned size = sizes[round % (f->word ? 3 : 2)];
            bool mem = round & 8;
            struct encoded e;

            encode(&e, f, size, mem, pick_register(mem), pick_register(mem),
                   f->imm ? 0 : pick_register(mem), 0);
            if (f->imm)
                put(&e, (unsigned)random64() & 0xff);
            if (!same(fx, f, &e, mem))
                fail_msg("%s, %u bytes%s", f->name, size, mem ? ", memory" : "");
            cases++;
        }
    }
    print_message("# %u cases\n", cases);
    fx_free(fx);
}

/* ---- what must be refused ---- */

static int run_bytes(struct fx *fx, const struct encoded *e)
{
    uint64_t rip;

    memcpy(fx->ram + FX_CODE, e->bytes, e->len);
    cpu_set_event(fx->cpu, EV_FLUSH);
    fx->cpu->gpr[REG_RSP] = FX_STACK;
    fx->cpu->gpr[REG_RIP] = FX_CODE;
    fx->cpu->halted = false;
    fx_run(fx, 1);
    rip = fx_rip(fx);
    return rip >= FX_HAND && rip < FX_HAND + 0x400 ? (int)(rip - FX_HAND) / 4 : -1;
}

/* VEX.L = 1; vvvv where there is no such operand; 66, F3, F2, LOCK and REX before VEX; the feature
 * switched off; real mode. In compatibility mode VEX.W means nothing. */
static void refused_encodings(void **state)
{
    static const uint8_t before[] = {0x66, 0xf2, 0xf3, 0xf0, 0x40, 0x48};
    struct fx *fx = fx_new("max"), *none = fx_new("max,-bmi1,-bmi2");

    (void)state;
    fx_long(fx, 0);
    fx_long(none, 0);
    for (unsigned k = 0; k < ARRAY_SIZE(forms); k++) {
        const struct form *f = &forms[k];
        struct encoded e, p;

        if (!f->vex_map)
            continue;
        fx_ring(fx, FX_CS64, FX_DS0, 0);
        encode(&e, f, 4, false, 1, 2, f->imm ? 0 : 3, 0);
        put(&e, 7);
        assert_int_equal(run_bytes(fx, &e), -1);
        assert_int_equal(run_bytes(none, &e), EXC_UD);
        encode(&e, f, 4, false, 1, 2, f->imm ? 0 : 3, 1);
        put(&e, 7);
        assert_int_equal(run_bytes(fx, &e), EXC_UD);
        encode(&e, f, 4, false, 1, 2, f->imm ? 0 : 3, 0);
        put(&e, 7);
        for (unsigned n = 0; n < ARRAY_SIZE(before); n++) {
            p.len = 0;
            put(&p, before[n]);
            memcpy(p.bytes + 1, e.bytes, e.len);
            p.len += e.len;
            assert_int_equal(run_bytes(fx, &p), EXC_UD);
        }
        if (f->imm) {
            encode(&e, f, 4, false, 1, 2, 3, 0);
            put(&e, 7);
            assert_int_equal(run_bytes(fx, &e), EXC_UD);
        }
    }
    fx_free(none);
    fx_free(fx);
    fx = fx_new("max");
    fx_real(fx);
    assert_int_equal(run_bytes(fx, &(struct encoded){{0xc4, 0xe2, 0x60, 0xf2, 0xca}, 5}), EXC_UD);
    fx_free(fx);
    fx = fx_new("max");
    fx_prot(fx, 0);
    fx->cpu->gpr[REG_RBX] = 0xf0;
    fx->cpu->gpr[REG_RDX] = UINT64_C(0xffffffffffffff3c);
    /* andn ecx, ebx, edx with W set, and with vvvv's top bit, which does not count there */
    assert_int_equal(run_bytes(fx, &(struct encoded){{0xc4, 0xe2, 0xe0, 0xf2, 0xca}, 5}), -1);
    assert_int_equal(fx->cpu->gpr[REG_RCX], 0xffffff0c);
    fx->cpu->gpr[REG_RCX] = 0;
    assert_int_equal(run_bytes(fx, &(struct encoded){{0xc4, 0xe2, 0x20, 0xf2, 0xca}, 5}), -1);
    assert_int_equal(fx->cpu->gpr[REG_RCX], 0xffffff0c);
    fx_free(fx);
}

/* Without the features LZCNT and TZCNT are BSR and BSF. */
static void counts_that_are_scans(void **state)
{
    struct fx *fx = fx_new("max,-bmi1,-abm");

    (void)state;
    fx_long(fx, 0);
    fx->cpu->gpr[REG_RDX] = 0x100;
    assert_int_equal(run_bytes(fx, &(struct encoded){{0xf3, 0x0f, 0xbd, 0xca}, 4}), -1);
    assert_int_equal(fx->cpu->gpr[REG_RCX], 8);
    assert_int_equal(run_bytes(fx, &(struct encoded){{0xf3, 0x0f, 0xbc, 0xca}, 4}), -1);
    assert_int_equal(fx->cpu->gpr[REG_RCX], 8);
    fx_free(fx);
    fx = fx_new("max");
    fx_long(fx, 0);
    fx->cpu->gpr[REG_RDX] = 0x100;
    assert_int_equal(run_bytes(fx, &(struct encoded){{0xf3, 0x0f, 0xbd, 0xca}, 4}), -1);
    assert_int_equal(fx->cpu->gpr[REG_RCX], 23);
    fx_free(fx);
}

/* Known remainders (RFC 3720, B.4, whose checksums are inverted before and after), and both ways to
 * compute them. */
static void crc32c_values(void **state)
{
    uint32_t crc = ~0u;

    (void)state;
    for (unsigned k = 0; k < 32; k += 8)
        crc = crc32c_portable(crc, 0, 8);
    assert_int_equal(~crc, 0x8a9136aa);
    crc = ~0u;
    for (unsigned k = 0; k < 32; k++)
        crc = crc32c_portable(crc, k, 1);
    assert_int_equal(~crc, 0x46dd794e);
    for (unsigned k = 0; k < 10000; k++) {
        uint64_t v = random64();
        unsigned size = 1u << (k & 3);

        assert_int_equal(crc32c((uint32_t)k * 77u, v, size),
                         crc32c_portable((uint32_t)k * 77u, v, size));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_to_the_host),
        cmocka_unit_test(refused_encodings),
        cmocka_unit_test(counts_that_are_scans),
        cmocka_unit_test(crc32c_values),
    };

    return unit_main(tests);
}
