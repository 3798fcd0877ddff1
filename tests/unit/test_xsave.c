/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The XSAVE feature set against SDM volume 1, chapter 13, and, for what user code may do with x87,
 * SSE and AVX state, against the host's processor: random areas are restored and saved again, in
 * each form, by the same bytes of code on both, and what then stands in memory must be equal.
 */
#include <cpuid.h>

#include "cpu/cpuid.h"
#include "cpu/features.h"
#include "cpu/fpu.h"
#include "cpu/state.h"
#include "cpu/xsave.h"
#include "tests/unit/cpu_fixture.h"
#include "tests/unit/native.h"

#define AREA      0x20000u /* in the guest's RAM */
#define AREA_SIZE 0x1000u
#define OWN       (AREA + 0 * AREA_SIZE)
#define BASE      (AREA + 1 * AREA_SIZE)
#define FROM      (AREA + 2 * AREA_SIZE)
#define TO        (AREA + 3 * AREA_SIZE)
#define USED      832u /* bytes of an area with x87, SSE and AVX */

static uint64_t seed = 0x2545f4914f6cdd1d;

static uint64_t random64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static unsigned below(unsigned n)
{
    return (unsigned)(random64() >> 17) % n;
}

/* 64-bit mode with everything that XCR0 may name. */
static struct fx *xs_new(const char *model, unsigned cpl)
{
    struct fx *fx = fx_new(model);
    struct cpu *cpu = fx->cpu;

    fx_long(fx, cpl);
    cpu->cr4 |= CR4_OSFXSR | CR4_OSXSAVE;
    cpu->xcr0 = xsave_supported(cpu->features);
    fpu_init_x87(cpu);
    cpu_sync_mode(cpu);
    return fx;
}

/* ---- against the host ---- */

/* A random area in the standard format: what XSTATE_BV names, and junk elsewhere. */
static void make_area(uint8_t *a, uint64_t bv)
{
    for (unsigned k = 0; k < USED; k += 8)
        st_le64(a + k, random64());
    if (below(4) == 0)
        memset(a + 160, 0, 256);
    if (below(4) == 0)
        memset(a + XSAVE_EXTENDED, 0, 256);
    if (below(4) == 0) { /* x87 as FNINIT leaves it, of registers that are zero */
        memset(a, 0, 160);
        st_le16(a, CW_INIT);
    }
    st_le16(a, (ld_le16(a) & 0x0f3f) | CW_ONES);
    st_le64(a + 8, ld_le64(a + 8) >> 17); /* canonical */
    st_le64(a + 16, ld_le64(a + 16) >> 17);
    if (!(ld_le16(a + 2) & ~ld_le16(a) & SW_FLAGS)) { /* AMD keeps these with an exception only */
        st_le16(a + 6, 0);
        memset(a + 8, 0, 16);
    }
    st_le32(a + 24, below(3) ? MXCSR_DEFAULT : ld_le32(a + 24) & 0xffff);
    memset(a + XSAVE_HEADER, 0, 64);
    st_le64(a + XSAVE_HEADER, bv);
}

/* The same in the compacted format: AVX state moves up when there is none before it. */
static void compact_area(uint8_t *a, uint64_t comp)
{
    st_le64(a + XSAVE_HEADER, ld_le64(a + XSAVE_HEADER) & comp);
    st_le64(a + XSAVE_HEADER + 8, comp | XCOMP_COMPACT);
}

/* The code: own state saved at [r8]; a known one from [r9]; then that of [r10], for `mask`; saved
 * in some form at [r11], for `mask2`; R12 what XGETBV(1) says; own state again. */
struct script {
    uint8_t bytes[96];
    unsigned len, insns;
};

static void emit(struct script *s, const uint8_t *bytes, unsigned n)
{
    memcpy(s->bytes + s->len, bytes, n);
    s->len += n;
    s->insns++;
}
#define EMIT(s, ...) emit(s, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

enum { XSAVE, XSAVEOPT, XSAVEC, FORMS };

static void make_script(struct script *s, unsigned mask, unsigned mask2, bool wide, unsigned form)
{
    static const uint8_t save[FORMS][2] = {{0xae, 0x23}, {0xae, 0x33}, {0xc7, 0x23}};
    uint8_t rex = wide ? 0x49 : 0x41;

    *s = (struct script){.len = 0};
    EMIT(s, 0x31, 0xd2);                   /* xor edx, edx */
    EMIT(s, 0xb8, 7, 0, 0, 0);             /* mov eax, 7 */
    EMIT(s, 0x49, 0x0f, 0xae, 0x20);       /* xsave64 [r8] */
    EMIT(s, 0x49, 0x0f, 0xae, 0x29);       /* xrstor64 [r9] */
    EMIT(s, 0xb8, (uint8_t)mask, 0, 0, 0); /* mov eax, mask */
    EMIT(s, rex, 0x0f, 0xae, 0x2a);        /* xrstor [r10] */
    EMIT(s, 0xb8, (uint8_t)mask2, 0, 0, 0);
    EMIT(s, rex, 0x0f, save[form][0], save[form][1]); /* [r11] */
    EMIT(s, 0xb9, 1, 0, 0, 0);                        /* mov ecx, 1 */
    EMIT(s, 0x0f, 0x01, 0xd0);                        /* xgetbv */
    EMIT(s, 0x41, 0x89, 0xc4);                        /* mov r12d, eax */
    EMIT(s, 0x31, 0xd2);
    EMIT(s, 0xb8, 7, 0, 0, 0);
    EMIT(s, 0x49, 0x0f, 0xae, 0x28); /* xrstor64 [r8] */
}

static bool host_can(void)
{
    unsigned a = 0, b, c = 0, d;

    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1) || !__builtin_cpu_supports("avx"))
        return false;
    __get_cpuid_count(0xd, 1, &a, &b, &c, &d);
    return (a & 7) == 7;
}

static uint8_t host_areas[4][AREA_SIZE] __attribute__((aligned(64)));

/* Runs the script natively from `areas`; the first byte at which what was saved is not `want`, or
 * AREA_SIZE. Into *in_use what XGETBV said. */
static unsigned run_native(const struct script *s, const uint8_t areas[4][AREA_SIZE],
                           const uint8_t *want, unsigned *in_use)
{
    struct native_state n = {.rflags = FL_1};
    unsigned k = 0;

    memcpy(host_areas, areas, sizeof(host_areas));
    for (unsigned r = 0; r < 4; r++)
        n.gpr[REG_R8 + r] = (uint64_t)(uintptr_t)host_areas[r];
    native_run(&n, s->bytes, s->len);
    *in_use = n.gpr[REG_R12] & 7;
    memcpy(host_areas[3] + 28, want + 28, 4); /* which bits MXCSR has is the model's */
    while (k < AREA_SIZE && host_areas[3][k] == want[k])
        k++;
    return k;
}

/* Runs the script on both from the same areas; compares what was saved. A host that takes an
 * interrupt meanwhile may find components in use that are as they were in the beginning (13.6 lets
 * it), so it has some tries. */
static void both(struct fx *fx, const struct script *s, const uint8_t areas[4][AREA_SIZE],
                 const char *what)
{
    struct cpu *cpu = fx->cpu;
    unsigned at = 0, in_use = 8;

    for (unsigned k = 0; k < 4; k++)
        cpu->gpr[REG_R8 + k] = AREA + k * AREA_SIZE;
    memcpy(fx->ram + AREA, areas, sizeof(host_areas));
    memcpy(fx->ram + FX_CODE, s->bytes, s->len);
    cpu_set_event(cpu, EV_FLUSH);
    cpu->gpr[REG_RIP] = FX_CODE;
    fx_run(fx, s->insns);
    assert_int_equal(fx_rip(fx), FX_CODE + s->len);
    for (unsigned tries = 0; tries < 10; tries++) {
        at = run_native(s, areas, fx->ram + TO, &in_use);
        if (at == AREA_SIZE && in_use == (cpu->gpr[REG_R12] & 7))
            return;
    }
    fail_msg("%s: byte %u: host %02x, guest %02x; XSTATE_BV host %llx, guest %llx; in use %x, %x",
             what, at, at < AREA_SIZE ? host_areas[3][at] : 0u,
             at < AREA_SIZE ? fx->ram[TO + at] : 0u,
             (unsigned long long)ld_le64(host_areas[3] + XSAVE_HEADER),
             (unsigned long long)fx_rd(fx, TO + XSAVE_HEADER, 8), in_use,
             (unsigned)cpu->gpr[REG_R12] & 7);
}

static void equal_to_the_host(void **state)
{
    static uint8_t areas[4][AREA_SIZE];
    struct fx *fx = xs_new("max", 0);
    unsigned cases = 0;

    (void)state;
    if (!host_can()) {
        print_message("# the host has not all of XSAVE\n");
        fx_free(fx);
        skip();
    }
    for (unsigned round = 0; round < 20000; round++) {
        unsigned mask = below(8), mask2 = below(8), form = below(FORMS), wide = below(2);
        bool compact = below(3) == 0;
        struct script s;
        char what[100];

        make_area(areas[1], 7);
        make_area(areas[2], below(8));
        if (compact)
            compact_area(areas[2], 7);
        for (unsigned k = 0; k < AREA_SIZE; k += 8)
            st_le64(areas[3] + k, random64());
        make_script(&s, mask, mask2, wide, form);
        snprintf(what, sizeof(what), "restore %u%s of %llx, save %u as %u, wide %u", mask,
                 compact ? " compacted" : "", (unsigned long long)ld_le64(areas[2] + XSAVE_HEADER),
                 mask2, form, wide);
        both(fx, &s, (const uint8_t(*)[AREA_SIZE])areas, what);
        cases++;
    }
    print_message("# %u cases\n", cases);
    fx_free(fx);
}

/* ---- by the manual ---- */

/* Runs one instruction with EDX:EAX = mask and RBX = the area; the vector, or -1. */
static int run_bytes(struct fx *fx, uint64_t mask, uint32_t area, const uint8_t *bytes, unsigned n)
{
    struct cpu *cpu = fx->cpu;
    uint64_t rip;

    cpu->gpr[REG_RAX] = (uint32_t)mask;
    cpu->gpr[REG_RDX] = mask >> 32;
    cpu->gpr[REG_RBX] = area;
    cpu->gpr[REG_RIP] = FX_CODE;
    cpu->halted = false;
    memcpy(fx->ram + FX_CODE, bytes, n);
    cpu_set_event(cpu, EV_FLUSH);
    fx_run(fx, 1);
    rip = fx_rip(fx);
    if (rip == FX_CODE + n)
        return -1;
    assert_in_range(rip, FX_HAND, FX_HAND + 0x3ff);
    return (int)(rip - FX_HAND) / 4;
}
#define RUN(fx, mask, area, ...)                                                                   \
    run_bytes(fx, mask, area, (const uint8_t[]){__VA_ARGS__},                                      \
              sizeof((const uint8_t[]){__VA_ARGS__}))
#define I_XSAVE    0x0f, 0xae, 0x23 /* [rbx] */
#define I_XRSTOR   0x0f, 0xae, 0x2b
#define I_XSAVEOPT 0x0f, 0xae, 0x33
#define I_XSAVEC   0x0f, 0xc7, 0x23
#define I_XSAVES   0x0f, 0xc7, 0x2b
#define I_XRSTORS  0x0f, 0xc7, 0x1b
#define I_XGETBV   0x0f, 0x01, 0xd0
#define I_XSETBV   0x0f, 0x01, 0xd1

static const uint8_t family[][3] = {{I_XSAVE},  {I_XRSTOR}, {I_XSAVEOPT},
                                    {I_XSAVEC}, {I_XSAVES}, {I_XRSTORS}};

/* Back to the ring and the code, after a fault that changed them. */
static void again(struct fx *fx, unsigned cpl)
{
    fx->cpu->cr4 |= CR4_OSXSAVE;
    fx->cpu->cr0 &= ~(uint64_t)CR0_TS;
    fx_ring(fx, cpl == 3 ? FX_CS64U : FX_CS64, cpl == 3 ? FX_DS3 : FX_DS0, cpl);
}

static void undefined_and_not_available(void **state)
{
    static const bool fence[] = {false, true, true, false, false, false};
    struct fx *fx = xs_new("max", 0);

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(family); k++) {
        uint8_t locked[4] = {0xf0, family[k][0], family[k][1], family[k][2]};
        uint8_t reg[3] = {family[k][0], family[k][1], family[k][2] | 0xc0};

        again(fx, 0);
        fx->cpu->cr4 &= ~(uint64_t)CR4_OSXSAVE;
        fx->cpu->cr0 |= CR0_TS; /* comes after it */
        cpu_sync_mode(fx->cpu);
        assert_int_equal(run_bytes(fx, 7, FROM + 1, family[k], 3), EXC_UD);
        again(fx, 0);
        fx->cpu->cr0 |= CR0_TS;
        cpu_sync_mode(fx->cpu);
        assert_int_equal(run_bytes(fx, 7, FROM + 1, family[k], 3), EXC_NM);
        again(fx, 0);
        fx->cpu->cr0 |= CR0_EM; /* has no say */
        cpu_sync_mode(fx->cpu);
        assert_int_equal(run_bytes(fx, 7, FROM + 32, family[k], 3), EXC_GP); /* not aligned */
        assert_int_equal(fx_stk8(fx, 0), 0);
        fx->cpu->cr0 &= ~(uint64_t)CR0_EM;
        again(fx, 0);
        assert_int_equal(run_bytes(fx, 7, FROM, locked, 4), EXC_UD);
        again(fx, 0);
        if (!fence[k])
            assert_int_equal(run_bytes(fx, 7, FROM, reg, 3), EXC_UD);
    }
    again(fx, 0);
    fx->cpu->cr4 &= ~(uint64_t)CR4_OSXSAVE;
    fx->cpu->gpr[REG_RCX] = 0;
    assert_int_equal(RUN(fx, 1, 0, I_XGETBV), EXC_UD);
    again(fx, 0);
    fx->cpu->cr4 &= ~(uint64_t)CR4_OSXSAVE;
    assert_int_equal(RUN(fx, 1, 0, I_XSETBV), EXC_UD);
    fx_free(fx);
    /* without the features */
    fx = fx_new("max,-xsave");
    fx_long(fx, 0);
    for (unsigned k = 0; k < ARRAY_SIZE(family); k++) {
        fx_ring(fx, FX_CS64, FX_DS0, 0);
        assert_int_equal(run_bytes(fx, 7, FROM, family[k], 3), EXC_UD);
    }
    fx_ring(fx, FX_CS64, FX_DS0, 0);
    assert_int_equal(RUN(fx, CR4_PAE | CR4_OSXSAVE, 0, 0x0f, 0x22, 0xe0), EXC_GP); /* mov cr4 */
    fx_ring(fx, FX_CS64, FX_DS0, 0);
    fx->cpu->gpr[REG_RCX] = MSR_XSS;
    assert_int_equal(RUN(fx, 0, 0, 0x0f, 0x32), EXC_GP);
    fx_free(fx);
}

static void privilege(void **state)
{
    struct fx *fx = xs_new("max", 3);

    (void)state;
    assert_int_equal(RUN(fx, 7, FROM, I_XSAVES), EXC_GP);
    again(fx, 3);
    assert_int_equal(RUN(fx, 7, FROM, I_XRSTORS), EXC_GP);
    again(fx, 3);
    fx->cpu->gpr[REG_RCX] = 0;
    assert_int_equal(RUN(fx, 7, 0, I_XSETBV), EXC_GP);
    again(fx, 3);
    assert_int_equal(RUN(fx, 0, 0, I_XGETBV), -1);
    assert_int_equal(fx->cpu->gpr[REG_RAX], 0x207);
    assert_int_equal(RUN(fx, 7, FROM, I_XSAVE), -1);
    assert_int_equal(RUN(fx, 7, FROM, I_XRSTOR), -1);
    fx_free(fx);
}

/* XCR0: x87 always, AVX never without SSE, nothing that is not there; only number 0. */
static void xcr0_values(void **state)
{
    static const uint64_t good[] = {1, 3, 7, 0x201, 0x203, 0x207};
    static const uint64_t bad[] = {
        0, 2, 6, 5, 8, 0x1b, 0xe7, 0x407, 0x205, 1ull << 32 | 7, 1ull << 63 | 7};
    struct fx *fx = xs_new("max", 0);
    struct cpu *cpu = fx->cpu;

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(good); k++) {
        cpu->gpr[REG_RCX] = UINT64_C(1) << 32; /* upper halves do not count */
        assert_int_equal(RUN(fx, good[k], 0, I_XSETBV), -1);
        assert_int_equal(cpu->xcr0, good[k]);
        assert_int_equal(!!(cpu->mode & MODE_AVX), (good[k] & 6) == 6);
        assert_int_equal(cpuid_query(cpu, 0xd, 0).ebx, good[k] & 0x200 ? 2696
                                                       : good[k] & 4   ? 832
                                                                       : 576);
        assert_int_equal(cpuid_query(cpu, 0xd, 1).ebx,
                         576 + (good[k] & 4 ? 256 : 0) + (good[k] & 0x200 ? 8 : 0));
    }
    for (unsigned k = 0; k < ARRAY_SIZE(bad); k++) {
        again(fx, 0);
        cpu->gpr[REG_RCX] = 0;
        assert_int_equal(RUN(fx, bad[k], 0, I_XSETBV), EXC_GP);
        assert_int_equal(cpu->xcr0, 0x207);
    }
    for (unsigned n = 1; n < 4; n++) {
        again(fx, 0);
        cpu->gpr[REG_RCX] = n;
        assert_int_equal(RUN(fx, 7, 0, I_XSETBV), EXC_GP);
        again(fx, 0);
        cpu->gpr[REG_RCX] = n;
        assert_int_equal(RUN(fx, 7, 0, I_XGETBV), n == 1 ? -1 : EXC_GP);
    }
    fx_free(fx);
    fx = xs_new("max,-xgetbv1,-avx,-pku", 0);
    cpu = fx->cpu;
    assert_int_equal(cpu->xcr0, 3);
    cpu->gpr[REG_RCX] = 1;
    assert_int_equal(RUN(fx, 0, 0, I_XGETBV), EXC_GP);
    again(fx, 0);
    cpu->gpr[REG_RCX] = 0;
    assert_int_equal(RUN(fx, 7, 0, I_XSETBV), EXC_GP);
    again(fx, 0);
    cpu->gpr[REG_RCX] = 0;
    assert_int_equal(RUN(fx, 0x203, 0, I_XSETBV), EXC_GP);
    fx_free(fx);
}

static void supervisor_components(void **state)
{
    struct fx *fx = xs_new("max", 0);

    (void)state;
    fx->cpu->gpr[REG_RCX] = MSR_XSS;
    assert_int_equal(RUN(fx, 0, 0, 0x0f, 0x30), -1); /* wrmsr */
    assert_int_equal(RUN(fx, 0x100, 0, 0x0f, 0x30), EXC_GP);
    again(fx, 0);
    fx->cpu->gpr[REG_RCX] = MSR_XSS;
    assert_int_equal(RUN(fx, 5, 0, 0x0f, 0x32), -1); /* rdmsr */
    assert_int_equal(fx->cpu->gpr[REG_RAX], 0);
    fx_free(fx);
}

/* Every check that a header may fail: nothing is loaded then. */
static void header_checks(void **state)
{
    static const struct {
        uint64_t bv, comp;
        unsigned at; /* byte of the header that is not 0 besides */
        bool xrstor_fails, xrstors_fails;
        const char *without; /* in a model that lacks this */
    } cases[] = {
        {7, 0, 0, false, true, ""},
        {0x207, 0, 0, false, true, ""},
        {0x207, XCOMP_COMPACT | 0x207, 0, false, false, ""},
        {0, XCOMP_COMPACT, 0, false, false, ""},
        {8, 0, 0, true, true, ""}, /* not in XCR0 */
        {1ull << 62, 0, 0, true, true, ""},
        {1ull << 63, 0, 0, true, true, ""},
        {7, 7, 0, true, true, ""},  /* XCOMP_BV without its top bit */
        {7, 0, 16, true, true, ""}, /* bytes 23 to 16 */
        {7, 0, 23, true, true, ""},
        {7, 0, 24, false, true, ""}, /* those behind are not looked at */
        {7, 0, 63, false, true, ""},
        {7, XCOMP_COMPACT | 7, 16, true, true, ""},
        {7, XCOMP_COMPACT | 7, 24, true, true, ""},
        {7, XCOMP_COMPACT | 7, 63, true, true, ""},
        {7, XCOMP_COMPACT | 0xf, 0, true, true, ""}, /* XCOMP_BV beyond XCR0 */
        {7, XCOMP_COMPACT | 3, 0, true, true, ""},   /* XSTATE_BV beyond XCOMP_BV */
        {1ull << 63 | 7, XCOMP_COMPACT | 7, 0, true, true, ""},
        {7, XCOMP_COMPACT | 7, 0, true, true, ",-xsavec"}, /* (and XSAVES with it) */
        {7, 0, 0, true, true, "xcr0"},                     /* XCR0 of 3 */
        {3, XCOMP_COMPACT | 7, 0, true, true, "xcr0"},
    };

    (void)state;
    for (unsigned k = 0; k < 2 * ARRAY_SIZE(cases); k++) {
        bool s = k & 1, less = cases[k / 2].without[0] == ',';
        char model[32];
        struct fx *fx;
        int want;

        snprintf(model, sizeof(model), "max%s", less ? cases[k / 2].without : "");
        fx = xs_new(model, 0);
        if (cases[k / 2].without[0] == 'x')
            fx->cpu->xcr0 = 3;
        fx->cpu->ymm[3].q[0] = fx->cpu->ymm[3].q[2] = 0x1234;
        st_le32(fx->ram + FROM + 24, MXCSR_DEFAULT);
        st_le64(fx->ram + FROM + XSAVE_HEADER, cases[k / 2].bv);
        st_le64(fx->ram + FROM + XSAVE_HEADER + 8, cases[k / 2].comp);
        if (cases[k / 2].at)
            fx->ram[FROM + XSAVE_HEADER + cases[k / 2].at] = 1;
        want = (s ? cases[k / 2].xrstors_fails : cases[k / 2].xrstor_fails) ? EXC_GP : -1;
        if (s && less)
            want = EXC_UD;
        if (s)
            assert_int_equal(RUN(fx, ~0ull, FROM, I_XRSTORS), want);
        else
            assert_int_equal(RUN(fx, ~0ull, FROM, I_XRSTOR), want);
        assert_int_equal(fx->cpu->ymm[3].q[0], want < 0 ? 0 : 0x1234);
        assert_int_equal(fx->cpu->ymm[3].q[2], want < 0 ? 0 : 0x1234);
        fx_free(fx);
    }
}

/* MXCSR is looked at where it is loaded: in the standard format with SSE or AVX, wherever XSTATE_BV
 * says they are; in the compacted one with SSE state that is there. */
static void mxcsr_rules(void **state)
{
    static const struct {
        uint64_t bv, comp, mask;
        bool loaded;
    } cases[] = {
        {7, 0, 2, true},
        {7, 0, 4, true},
        {0, 0, 2, true},
        {0, 0, 4, true},
        {7, 0, 1, false},
        {7, 0, 0x200, false},
        {7, XCOMP_COMPACT | 7, 2, true},
        {7, XCOMP_COMPACT | 7, 4, false},
        {5, XCOMP_COMPACT | 7, 6, false},
        {7, XCOMP_COMPACT | 7, 1, false},
    };
    struct fx *fx = xs_new("max", 0);
    struct cpu *cpu = fx->cpu;

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        bool init = cases[k].comp && (cases[k].mask & 2) && !(cases[k].bv & 2);

        again(fx, 0);
        st_le64(fx->ram + FROM + XSAVE_HEADER, cases[k].bv);
        st_le64(fx->ram + FROM + XSAVE_HEADER + 8, cases[k].comp);
        st_le32(fx->ram + FROM + 24, 0x11f80);
        sse_set_mxcsr(cpu, 0x3f80);
        assert_int_equal(RUN(fx, cases[k].mask, FROM, I_XRSTOR), cases[k].loaded ? EXC_GP : -1);
        again(fx, 0);
        st_le32(fx->ram + FROM + 24, 0x7f83);
        sse_set_mxcsr(cpu, 0x3f80);
        assert_int_equal(RUN(fx, cases[k].mask, FROM, I_XRSTOR), -1);
        assert_int_equal(cpu->mxcsr, init ? MXCSR_DEFAULT : cases[k].loaded ? 0x7f83 : 0x3f80);
    }
    fx_free(fx);
}

/* PKRU: its place in both formats; its keys count at once. */
static void pkru(void **state)
{
    struct fx *fx = xs_new("max", 3);
    struct cpu *cpu = fx->cpu;

    (void)state;
    cpu->pkru = 0xc0;
    memset(fx->ram + TO, 0xee, AREA_SIZE);
    assert_int_equal(RUN(fx, 0x200, TO, I_XSAVE), -1);
    assert_int_equal(fx_rd(fx, TO + 2688, 8), 0xc0);
    assert_int_equal(fx_rd(fx, TO + XSAVE_HEADER, 8), 0xeeeeeeeeeeeeeeee | 0x200);
    assert_int_equal(fx_rd(fx, TO + 24, 4), 0xeeeeeeee); /* MXCSR is not wanted */
    assert_int_equal(fx_rd(fx, TO + 2696, 1), 0xee);
    assert_int_equal(RUN(fx, 0x200, TO, I_XSAVEC), -1);
    assert_int_equal(fx_rd(fx, TO + 576, 8), 0xc0);
    assert_int_equal(fx_rd(fx, TO + XSAVE_HEADER, 8), 0x200);
    assert_int_equal(fx_rd(fx, TO + XSAVE_HEADER + 8, 8), XCOMP_COMPACT | 0x200);
    assert_int_equal(RUN(fx, 0x204, TO, I_XSAVEC), -1); /* AVX is asked for, and not in use */
    assert_int_equal(fx_rd(fx, TO + 576 + 256, 8), 0xc0);
    assert_int_equal(fx_rd(fx, TO + XSAVE_HEADER, 8), 0x200);

    cpu->cr4 |= CR4_PKE;
    cpu->pkru = 0;
    fx_wr(fx, FX_PML4 + 0x2008, fx_rd(fx, FX_PML4 + 0x2008, 8) | UINT64_C(3) << 59, 8);
    cpu_tlb_flush(cpu, true);
    assert_int_equal(RUN(fx, 0, 0x200000, 0x8b, 0x03), -1); /* mov eax, [rbx] */
    memset(fx->ram + TO + XSAVE_HEADER + 16, 0, 48);
    assert_int_equal(RUN(fx, 0x200, TO, I_XRSTOR), -1);
    assert_int_equal(cpu->pkru, 0xc0);
    assert_int_equal(RUN(fx, 0, 0x200000, 0x8b, 0x03), EXC_PF);
    again(fx, 3);
    fx_wr(fx, TO + XSAVE_HEADER, 0, 8);
    assert_int_equal(RUN(fx, 0x1ff, TO, I_XRSTOR), -1); /* not asked for */
    assert_int_equal(cpu->pkru, 0xc0);
    assert_int_equal(RUN(fx, 0x200, TO, I_XRSTOR), -1); /* its initial value */
    assert_int_equal(cpu->pkru, 0);
    assert_int_equal(RUN(fx, 0, 0x200000, 0x8b, 0x03), -1);
    fx_free(fx);
}

/* Outside 64-bit mode registers 8 to 15 are neither saved, nor loaded, nor in use. */
static void eight_registers(void **state)
{
    struct fx *fx = fx_new("max");
    struct cpu *cpu = fx->cpu;

    (void)state;
    fx_prot(fx, 0);
    cpu->cr4 |= CR4_OSFXSR | CR4_OSXSAVE;
    cpu->xcr0 = 7;
    fpu_init_x87(cpu);
    cpu_sync_mode(cpu);
    cpu->ymm[9].q[0] = cpu->ymm[9].q[3] = 99;
    memset(fx->ram + TO, 0xee, AREA_SIZE);
    fx_wr(fx, TO + XSAVE_HEADER, 0, 8);
    fx_wr(fx, TO + XSAVE_HEADER + 8, 0, 8);
    fx_wr(fx, TO + XSAVE_HEADER + 16, 0, 8);
    assert_int_equal(RUN(fx, 7, TO, I_XSAVE), -1);
    assert_int_equal(fx_rd(fx, TO + XSAVE_HEADER, 8), 0);
    assert_int_equal(fx_rd(fx, TO + 160 + 127, 1), 0);
    assert_int_equal(fx_rd(fx, TO + 160 + 128, 1), 0xee);
    assert_int_equal(fx_rd(fx, TO + 576 + 127, 1), 0);
    assert_int_equal(fx_rd(fx, TO + 576 + 128, 1), 0xee);
    cpu->ymm[7].q[3] = 5;
    cpu->gpr[REG_RCX] = 1;
    assert_int_equal(RUN(fx, 0, 0, I_XGETBV), -1);
    assert_int_equal(cpu->gpr[REG_RAX], 4);
    assert_int_equal(RUN(fx, 7, TO, I_XRSTOR), -1); /* all initial */
    assert_int_equal(cpu->ymm[7].q[3], 0);
    assert_int_equal(cpu->ymm[9].q[0], 99);
    assert_int_equal(cpu->ymm[9].q[3], 99);
    fx_wr(fx, TO + XSAVE_HEADER, 7, 8);
    assert_int_equal(RUN(fx, 7, TO, I_XRSTOR), -1);
    assert_int_equal(cpu->ymm[9].q[0], 99);
    assert_int_equal(cpu->ymm[9].q[3], 99);
    fx_free(fx);
}

/* A page fault in the middle leaves memory and registers as they were. */
static void faults_leave_nothing(void **state)
{
    struct fx *fx = xs_new("max", 0);
    struct cpu *cpu = fx->cpu;
    uint8_t before[0x200];

    (void)state;
    fx_wr(fx, FX_PML4 + 0x2008, 0, 8); /* the second 2 MiB are gone */
    cpu_tlb_flush(cpu, true);
    memset(fx->ram + 0x1ffe00, 0x5a, 0x200);
    memcpy(before, fx->ram + 0x1ffe00, sizeof(before));
    cpu->ymm[1].q[0] = cpu->ymm[1].q[2] = 7;
    for (unsigned k = 0; k < ARRAY_SIZE(family); k++) {
        again(fx, 0);
        assert_int_equal(run_bytes(fx, 7, 0x1ffe00, family[k], 3), EXC_PF);
        assert_memory_equal(before, fx->ram + 0x1ffe00, sizeof(before));
        assert_int_equal(cpu->ymm[1].q[0], 7);
        assert_int_equal(cpu->cr2, 0x200000);
    }
    /* the header is there, the extended region is not */
    memset(fx->ram + 0x1ffdc0, 0, 0x240);
    st_le32(fx->ram + 0x1ffdc0 + 24, MXCSR_DEFAULT);
    st_le64(fx->ram + 0x1ffdc0 + XSAVE_HEADER, 7);
    again(fx, 0);
    assert_int_equal(RUN(fx, 7, 0x1ffdc0, I_XRSTOR), EXC_PF);
    assert_int_equal(cpu->ymm[1].q[0], 7);
    again(fx, 0);
    assert_int_equal(RUN(fx, 3, 0x1ffdc0, I_XRSTOR), -1); /* which is not needed here */
    assert_int_equal(cpu->ymm[1].q[0], 0);
    assert_int_equal(cpu->ymm[1].q[2], 7);
    fx_free(fx);
}

/* Leaf D, and what else CPUID says. */
static void cpuid_leaves(void **state)
{
    struct fx *fx = fx_new("max");
    struct cpu *cpu = fx->cpu;
    struct cpuid_regs r = cpuid_query(cpu, 0xd, 0);

    (void)state;
    assert_int_equal(r.eax, 0x207);
    assert_int_equal(r.ebx, 576);
    assert_int_equal(r.ecx, 2696);
    assert_int_equal(r.edx, 0);
    r = cpuid_query(cpu, 0xd, 1);
    assert_int_equal(r.eax, 15);
    assert_int_equal(r.ecx | r.edx, 0);
    r = cpuid_query(cpu, 0xd, 2);
    assert_int_equal(r.eax, 256);
    assert_int_equal(r.ebx, 576);
    assert_int_equal(r.ecx | r.edx, 0);
    r = cpuid_query(cpu, 0xd, 9);
    assert_int_equal(r.eax, 8);
    assert_int_equal(r.ebx, 2688);
    for (unsigned n = 3; n < 70; n++) {
        r = cpuid_query(cpu, 0xd, n);
        assert_true(n == 9 || !(r.eax | r.ebx | r.ecx | r.edx));
    }
    assert_true(cpuid_query(cpu, 1, 0).ecx >> 26 & 1);
    assert_false(cpuid_query(cpu, 1, 0).ecx >> 27 & 1);
    cpu->cr4 |= CR4_OSXSAVE;
    assert_true(cpuid_query(cpu, 1, 0).ecx >> 27 & 1);
    fx_free(fx);
    fx = fx_new("max,-xsave");
    assert_false(cpuid_query(fx->cpu, 1, 0).ecx >> 26 & 1);
    assert_false(cpuid_query(fx->cpu, 1, 0).ecx >> 28 & 1); /* AVX goes along, */
    assert_false(cpuid_query(fx->cpu, 7, 0).ecx >> 3 & 1);  /* and PKU */
    for (unsigned n = 0; n < 10; n++) {
        r = cpuid_query(fx->cpu, 0xd, n);
        assert_int_equal(r.eax | r.ebx | r.ecx | r.edx, 0);
    }
    fx_free(fx);
    fx = fx_new("max,-avx,-pku,-xsaves");
    assert_int_equal(cpuid_query(fx->cpu, 0xd, 0).eax, 3);
    assert_int_equal(cpuid_query(fx->cpu, 0xd, 0).ecx, 576);
    assert_int_equal(cpuid_query(fx->cpu, 0xd, 1).eax, 7);
    assert_int_equal(cpuid_query(fx->cpu, 0xd, 2).eax, 0);
    fx_free(fx);
}

/* Reset and INIT; moving the state. */
static void part_of_the_state(void **state)
{
    struct fx *a = xs_new("max", 0), *b = fx_new("max");
    struct x86_state s, t;

    (void)state;
    a->cpu->ymm[15].q[3] = 0x1122334455667788;
    cpu_get_state(a->cpu, &s);
    assert_int_equal(s.version, 3);
    assert_int_equal(s.xcr0, 0x207);
    assert_true(cpu_set_state(b->cpu, &s));
    assert_int_equal(b->cpu->xcr0, 0x207);
    assert_int_equal(b->cpu->ymm[15].q[3], 0x1122334455667788);
    assert_true(b->cpu->mode & MODE_AVX);
    t = s;
    t.xcr0 = 5;
    assert_false(cpu_set_state(b->cpu, &t));
    t.xcr0 = 0xf;
    assert_false(cpu_set_state(b->cpu, &t));
    t.xcr0 = 7;
    t.xss = 1;
    assert_false(cpu_set_state(b->cpu, &t));
    cpu_reset(b->cpu, true, true);
    assert_int_equal(b->cpu->xcr0, 0x207);
    assert_int_equal(b->cpu->ymm[15].q[3], 0x1122334455667788);
    cpu_reset(b->cpu, true, false);
    assert_int_equal(b->cpu->xcr0, 1);
    assert_int_equal(b->cpu->ymm[15].q[3], 0);
    fx_free(a);
    fx_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_to_the_host),
        cmocka_unit_test(undefined_and_not_available),
        cmocka_unit_test(privilege),
        cmocka_unit_test(xcr0_values),
        cmocka_unit_test(supervisor_components),
        cmocka_unit_test(header_checks),
        cmocka_unit_test(mxcsr_rules),
        cmocka_unit_test(pkru),
        cmocka_unit_test(eight_registers),
        cmocka_unit_test(faults_leave_nothing),
        cmocka_unit_test(cpuid_leaves),
        cmocka_unit_test(part_of_the_state),
    };

    return unit_main(tests);
}
