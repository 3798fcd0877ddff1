/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every user-mode row of the integer and system tables, executed by the emulated CPU and by the
 * host's in 64-, 32- and 16-bit code: registers, flags, memory, where execution goes, and faults
 * with their error codes and addresses must agree. Flags that the manual leaves undefined are only
 * counted. A difference prints one line from which the case can be made again.
 */
#include "tests/unit/unit.h"

#include <cpuid.h>

#include "base/bits.h"
#include "cpu/decode.h"
#include "cpu/disas.h"
#include "cpu/flags.h"
#include "cpu/segments.h"
#include "tests/unit/fpu_rig.h"
#include "tests/unit/int_cases.h"

#define ROUNDS      700     /* of each row in each mode */
#define MIN_CASES   1500000 /* of all modes together */
#define MAX_REPORTS 25      /* in each mode */
#define COMPARED    (FL_ARITH | FL_DF | FL_AC | FL_NT | FL_ID | FL_IF | FL_IOPL)
#define SEQUENCES   60000 /* in each mode */

/* ---- which rows ---- */

enum {
    ROWS = 0
#define I(...) +1
#include "cpu/opcodes_int.def"
#include "cpu/opcodes_sys.def"
#undef I
};

/* Rows that cannot be compared with the host from user mode. */
static const struct {
    uint8_t map, opcode, prefix;
    uint16_t ext;
    const char *name, *reason;
} excluded[] = {
    {MF, 0xa2, ANY, EXT_ANY, "cpuid", "the models differ"},
    {MF, 0x31, ANY, EXT_ANY, "rdtsc", "time"},
    {MF, 0x01, ANY, EXT_BYTE | 0xf9, "rdtscp", "time"},
    {MF, 0x01, NP, EXT_BYTE | 0xee, "rdpkru", "PKRU guards the test's own memory"},
    {MF, 0x01, NP, EXT_BYTE | 0xef, "wrpkru", "PKRU guards the test's own memory"},
    {MF, 0x33, ANY, EXT_ANY, "rdpmc", "CR4.PCE is the host kernel's"},
    {MF, 0xc7, NP, EXT_REG | EXT_RONLY | 6, "rdrand", "random"},
    {MF, 0xc7, P66, EXT_REG | EXT_RONLY | 6, "rdrand", "random"},
    {MF, 0xc7, NP, EXT_REG | EXT_RONLY | 7, "rdseed", "random"},
    {MF, 0xc7, P66, EXT_REG | EXT_RONLY | 7, "rdseed", "random"},
    {MF, 0xc7, PF3, EXT_REG | EXT_RONLY | 7, "rdpid", "the host kernel's number"},
    {MF, 0x01, NP, EXT_BYTE | 0xd0, "xgetbv", "the host kernel's XCR0"},
    {MF, 0xae, NP, EXT_REG | EXT_MEM | 4, "xsave", "areas of state: test_xsave"},
    {MF, 0xae, NP, EXT_REG | EXT_MEM | 5, "xrstor", "areas of state: test_xsave"},
    {MF, 0xae, NP, EXT_REG | EXT_MEM | 6, "xsaveopt", "areas of state: test_xsave"},
    {MF, 0xc7, NP, EXT_REG | EXT_MEM | 4, "xsavec", "areas of state: test_xsave"},
    {MF, 0x01, ANY, EXT_REG | EXT_MEM | 0, "sgdt", "the host kernel's tables, or its emulation"},
    {MF, 0x01, ANY, EXT_REG | EXT_MEM | 1, "sidt", "the host kernel's tables, or its emulation"},
    {MF, 0x00, ANY, EXT_REG | 0, "sldt", "the host kernel's selector, or its emulation"},
    {MF, 0x00, ANY, EXT_REG | 1, "str", "the host kernel's selector, or its emulation"},
    {MF, 0x01, ANY, EXT_REG | 4, "smsw", "the host kernel's CR0, or its emulation"},
    {M0, 0xf1, ANY, EXT_ANY, "int1", "hypervisors below the host give it on as a fault"},
    {MF, 0x05, ANY, EXT_ANY, "syscall", "enters the host's kernel"},
    {MF, 0x34, ANY, EXT_ANY, "sysenter", "enters the host's kernel, or #UD on AMD"},
    {MF, 0x35, ANY, EXT_ANY, "sysexit", "#UD on AMD in long mode"},
    {MF, 0xa1, ANY, EXT_ANY, "pop", "FS carries the thread pointer"},
    {MF, 0xb4, ANY, EXT_MEM, "lfs", "FS carries the thread pointer"},
    {MF, 0xae, PF3, EXT_REG | EXT_RONLY | 2, "wrfsbase", "FS carries the thread pointer"},
};

static unsigned exclusions(const struct opcode *row, unsigned *which)
{
    unsigned hits = 0;

    for (unsigned n = 0; n < ARRAY_SIZE(excluded); n++) {
        if (row->map == excluded[n].map && row->opcode == excluded[n].opcode &&
            row->prefix == excluded[n].prefix && row->ext == excluded[n].ext &&
            strcmp(row->mnemonic, excluded[n].name) == 0) {
            *which = n;
            hits++;
        }
    }
    return hits;
}

/* Whether this processor, and the guest's, have what the row needs. */
static bool host_has(const struct int_rig *r, const struct opcode *row)
{
    unsigned a = 0, b = 0, c1 = 0, d1 = 0, b7 = 0, c7 = 0, d7 = 0, cx = 0, dx = 0;

    if (!(r->machine->cpu->features >> row->feature & 1))
        return false;
    __get_cpuid(1, &a, &b, &c1, &d1);
    __get_cpuid_count(7, 0, &a, &b7, &c7, &d7);
    __get_cpuid(0x80000001, &a, &b, &cx, &dx);
    switch (row->feature) {
    case FEATURE_SSE4_2: return c1 >> 20 & 1;
    case FEATURE_MOVBE: return c1 >> 22 & 1;
    case FEATURE_POPCNT: return c1 >> 23 & 1;
    case FEATURE_LZCNT: return cx >> 5 & 1;
    case FEATURE_BMI1: return b7 >> 3 & 1;
    case FEATURE_ADX: return b7 >> 19 & 1;
    case FEATURE_CLWB: return b7 >> 24 & 1;
    case FEATURE_CLFLUSHOPT: return b7 >> 23 & 1;
    case FEATURE_INVPCID: return b7 >> 10 & 1;
    case FEATURE_SMAP: return b7 >> 20 & 1;
    case FEATURE_PREFETCHW: /* AMD has no register form */
        return (cx >> 8 & 1) && (int_host_is_intel() || !(row->ext & EXT_RONLY));
    case FEATURE_FSGSBASE: return r->has_gs_base;
    default: return true;
    }
}

static void test_every_row_is_accounted_for(void **state)
{
    unsigned used[ARRAY_SIZE(excluded)] = {0}, run = 0;

    (void)state;
    for (unsigned n = 0; n < ROWS; n++) {
        unsigned which = 0, hits = exclusions(&opcode_table[n], &which);

        assert_true(hits <= 1);
        if (hits)
            used[which]++;
        else
            run++;
    }
    for (unsigned n = 0; n < ARRAY_SIZE(excluded); n++)
        assert_int_equal(used[n], 1);
    /* the table's first part is those two files, and nothing of them comes later */
    assert_int_not_equal(opcode_table[ROWS - 1].feature, FEATURE_FPU);
    assert_int_equal(opcode_table[ROWS].feature, FEATURE_FPU);
    assert_int_equal(run + ARRAY_SIZE(excluded), ROWS);
}

/* ---- judging ---- */

/* Done, rather than stopped by a fault of its own: that would stand at its beginning. */
static bool executed(const struct int_case *c, const struct int_state *s)
{
    return s->rip != c->in.rip || c->kind == INT_SEQUENCE;
}

/* Where one instruction makes several accesses, or one access has several things wrong with it, the
 * manual does not say which fault is seen: a page fault or an alignment check; of the two operands
 * of MOVS, CMPS and BOUND, the eight of POPA, the parts of far pointers; of CALL's push and its
 * target. */
static bool either_fault(const struct int_case *c, const struct int_state *host,
                         const struct int_state *guest)
{
    if (host->rip != c->in.rip || guest->rip != c->in.rip)
        return false;
    if ((host->vector == EXC_AC && guest->vector == EXC_PF) ||
        (host->vector == EXC_PF && guest->vector == EXC_AC))
        return true;
    if (!int_row_named(c->row, "cmps,movs,popa,call,call far,retf,iret,bound") &&
        c->kind != INT_LOAD_FAR && c->kind != INT_FAR_MEM)
        return false;
    return host->vector >= EXC_NP && host->vector <= EXC_AC && guest->vector >= EXC_NP &&
           guest->vector <= EXC_AC;
}

static bool result_undefined(const struct int_case *c)
{
    return c->kind == INT_SHIFT_DOUBLE && int_shift_count(c) > 8u << c->osz;
}

/* What the manual leaves open, made alike; says so when that was needed. */
static void forgive(const struct int_case *c, struct int_rig *r, const struct int_state *host,
                    struct int_state *guest)
{
    bool scan_zero = c->kind == INT_BIT_SCAN && executed(c, host) && (host->rflags & FL_ZF);

    if (either_fault(c, host, guest)) {
        int_memory_differs(r);
        *guest = *host;
    }
    if (result_undefined(c)) {
        if (!c->mem)
            guest->gpr[c->rm] = host->gpr[c->rm];
        else
            int_memory_differs(r);
    }
    if (int_row_named(c->row, "lar")) { /* bits 19..16 */
        guest->gpr[c->reg] &= ~UINT64_C(0xf0000);
        guest->gpr[c->reg] |= host->gpr[c->reg] & 0xf0000;
    }
    if (scan_zero)
        guest->gpr[c->reg] = host->gpr[c->reg];
}

static const char *registers_differ(const struct int_case *c, const struct int_state *host,
                                    const struct int_state *guest)
{
    static const char *const names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                        "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
    bool code64 = c->setup->mode == MODE_64 && host->sel[SEG_CS] == INT_CS64;

    for (unsigned n = 0; n < (code64 ? 16 : 8); n++) {
        uint64_t d = host->gpr[n] ^ guest->gpr[n];

        if (code64 ? d : d & 0xffffffff)
            return names[n];
    }
    return NULL;
}

/* The host kernel's way back to user mode makes all null selectors 0. */
static unsigned visible_selector(uint16_t sel)
{
    return sel_null(sel) ? 0 : sel;
}

static const char *differs(const struct int_case *c, struct int_rig *r,
                           const struct int_state *host, const struct int_state *guest)
{
    const char *what;

    if (host->vector != guest->vector)
        return "vector";
    if (host->error != guest->error)
        return "error code";
    if (host->vector == EXC_PF && host->cr2 != guest->cr2)
        return "CR2";
    if (host->rip != guest->rip)
        return "RIP";
    what = registers_differ(c, host, guest);
    if (what)
        return what;
    if ((host->rflags ^ guest->rflags) & COMPARED &
        ~(uint64_t)(executed(c, host) ? c->undefined : 0))
        return "flags";
    for (unsigned n = 0; n < 6; n++) {
        if (n != SEG_FS && visible_selector(host->sel[n]) != visible_selector(guest->sel[n]))
            return "selector";
    }
    if (host->gs_base != guest->gs_base && host->sel[SEG_GS] != 0)
        return "GS base";
    return int_memory_differs(r) ? "memory" : NULL;
}

/* ---- telling ---- */

static size_t print_state(char *buf, size_t size, const struct int_state *s,
                          const struct int_state *than)
{
    size_t at = 0;

    for (unsigned n = 0; n < 16; n++) {
        if (!than || than->gpr[n] != s->gpr[n])
            at += (size_t)snprintf(buf + at, size - at, " r%u=%llx", n,
                                   (unsigned long long)s->gpr[n]);
    }
    at += (size_t)snprintf(buf + at, size - at, " rip=%llx fl=%llx", (unsigned long long)s->rip,
                           (unsigned long long)s->rflags);
    if (than)
        at += (size_t)snprintf(buf + at, size - at, " vec=%u err=%x cr2=%llx sel=%x,%x,%x,%x,%x",
                               s->vector, s->error, (unsigned long long)s->cr2, s->sel[0],
                               s->sel[1], s->sel[2], s->sel[3], s->sel[5]);
    return at;
}

static void print_code(char *buf, size_t size, const struct int_case *c)
{
    size_t at = 0;

    for (unsigned n = 0; n < c->len; n++)
        at += (size_t)snprintf(buf + at, size - at, "%02x", c->code[n]);
    for (unsigned n = 0; n < c->len;) {
        char text[100] = "?";
        size_t used =
            disas(c->code + n, c->len - n, c->setup->mode, c->in.rip + n, text, sizeof(text));

        at += (size_t)snprintf(buf + at, size - at, "%s%s", n ? "; " : ": ", text);
        n += used ? (unsigned)used : c->len;
    }
}

static void report(const struct int_case *c, const struct int_state *host,
                   const struct int_state *guest, bool stepped, const char *what)
{
    char code[2048], in[1024], h[1024], g[1024];

    print_code(code, sizeof(code), c);
    print_state(in, sizeof(in), &c->in, NULL);
    print_state(h, sizeof(h), host, &c->in);
    print_state(g, sizeof(g), guest, &c->in);
    print_message("# %s differs: %s%s: %s (row %s %02x): in%s mem@%llx=%016llx%016llx | host%s | "
                  "guest%s\n",
                  what, c->setup->name, stepped ? ", stepped" : "", code, c->row->mnemonic,
                  c->row->opcode, in, (unsigned long long)c->operand,
                  (unsigned long long)c->before[1], (unsigned long long)c->before[0], h, g);
}

/* ---- running ---- */

static uint64_t first_seed = 0x9e3779b97f4a7c15;
static unsigned total_cases;

struct tally {
    unsigned cases, bad, faults;
    unsigned undefined, undefined_differ;
};

/* The case's bytes mean its row to the decoder, too. */
static void check_decoding(const struct int_case *c)
{
    feature_set features = ~(feature_set)0;
    struct insn i;
    enum decode_status got = decode(c->code, c->len, c->setup->mode, features, &i);

    if (c->lock_misused) {
        assert_int_equal(got, DECODE_UD);
        return;
    }
    if (got != DECODE_OK || &opcode_table[i.op] != c->row || i.len != c->len)
        print_message("# %s %02x: decoded as %d, %s, %u bytes of %u\n", c->row->mnemonic,
                      c->row->opcode, got, opcode_table[i.op].mnemonic, i.len, c->len);
    assert_int_equal(got, DECODE_OK);
    assert_ptr_equal(&opcode_table[i.op], c->row);
    assert_int_equal(i.len, c->len);
}

static void run_case(struct int_rig *r, const struct int_case *c, bool stepped, struct tally *t)
{
    struct int_state host = c->in, guest = c->in;
    const char *what;

    int_run_host(r, &host);
    int_run_guest(r, &guest, stepped);
    t->cases++;
    t->faults += host.vector != EXC_BP;
    if (executed(c, &host) && c->undefined) {
        t->undefined++;
        t->undefined_differ += ((host.rflags ^ guest.rflags) & c->undefined) != 0;
    }
    forgive(c, r, &host, &guest);
    what = differs(c, r, &host, &guest);
    if (what) {
        if (t->bad++ < 3)
            report(c, &host, &guest, stepped, what);
        int_memory_differs(r);
    }
}

/* Adds "mnemonic n/of" to the list of undefined flags that came out unlike the host's. */
static void note_undefined(char *list, size_t size, const struct opcode *row, const struct tally *t)
{
    size_t at = strlen(list);

    if (t->undefined_differ)
        snprintf(list + at, size - at, " %s.%02x %u/%u", row->mnemonic, row->opcode,
                 t->undefined_differ, t->undefined);
}

static void run_setup(unsigned which)
{
    const struct int_setup *setup = &int_setups[which];
    struct int_rig *r = int_rig_new();
    struct rng g = {first_seed + which};
    unsigned cases = 0, bad = 0, rows = 0, absent = 0, unavailable = 0;
    char undefined[4096] = "";

    assert_non_null(r);
    for (unsigned n = 0; n < ROWS && bad < MAX_REPORTS; n++) {
        const struct opcode *row = &opcode_table[n];
        struct tally t = {0};
        struct int_case c;
        unsigned unused;

        if (exclusions(row, &unused))
            continue;
        if (!host_has(r, row)) {
            print_message("# %s: not on this host, or not in the guest\n", row->mnemonic);
            absent++;
            continue;
        }
        for (unsigned round = 0; round < ROUNDS; round++) {
            if (!int_case_make(&c, r, &g, row, setup, false))
                continue;
            if (round < 16)
                check_decoding(&c);
            c.undefined = int_undefined_flags(&c);
            if (round % 4 == 0 && !(c.undefined & ~(unsigned)FL_AF) && !(row->attr & A_END))
                int_case_branch(&c, r, &g);
            run_case(r, &c, rng_below(&g, 8) == 0, &t);
            int_case_clear(&c, r);
        }
        int_forget_code(r);
        note_undefined(undefined, sizeof(undefined), row, &t);
        rows += t.cases != 0;
        unavailable += t.cases == 0;
        cases += t.cases;
        bad += t.bad;
    }
    int_rig_free(r);
    print_message("# %s: %u cases of %u rows (%u have no encoding here, %u not on this host)\n",
                  setup->name, cases, rows, unavailable, absent);
    print_message("# undefined flags unlike the host's:%s\n", undefined);
    assert_int_equal(bad, 0);
    assert_int_equal(rows + unavailable + absent + ARRAY_SIZE(excluded), ROWS);
    assert_true(cases > MIN_CASES / 7);
    total_cases += cases;
}

static void test_enough_cases(void **state)
{
    (void)state;
    print_message("# %u cases\n", total_cases);
    assert_true(total_cases >= MIN_CASES);
}

/* ---- blocks of several instructions ---- */

/* Rows that on registers alone neither fault nor branch nor leave a register undefined. */
static bool usable_in_sequence(const struct opcode *row)
{
    enum int_kind kind = int_kind_of(row);
    unsigned unused;

    return row < &opcode_table[ROWS] && (row->attr & A_NOFAULT) && !(row->attr & A_END) &&
           !(row->ext & EXT_MEM) && row->feature <= FEATURE_SSE2 && !exclusions(row, &unused) &&
           (kind == INT_PLAIN || kind == INT_SHIFT || kind == INT_CMPXCHG ||
            kind == INT_BIT_OFFSET);
}

static void run_sequences(unsigned which)
{
    struct int_rig *r = int_rig_new();
    struct rng g = {first_seed * 3 + which};
    struct tally t = {0};
    struct int_case c;

    assert_non_null(r);
    for (unsigned n = 0; n < SEQUENCES && t.bad < 3; n++) {
        int_case_sequence(&c, r, &g, &int_setups[which], usable_in_sequence);
        run_case(r, &c, false, &t);
        int_case_clear(&c, r);
        if (n % 256 == 0)
            int_forget_code(r);
    }
    int_rig_free(r);
    assert_int_equal(t.bad, 0);
    assert_int_equal(t.cases, SEQUENCES);
    assert_true(t.faults < t.cases / 2);
}

/* ---- what was once wrong ---- */

static const struct {
    unsigned setup;
    uint8_t len, code[8];
    unsigned flags;
    uint32_t sp; /* linear */
    const char *what;
} once_wrong[] = {
    {3, 4, {0xc8, 0x10, 0x00, 0x00}, 0, INT_STACK + 0x800, "ENTER: rBP gets all of ESP"},
    {3, 4, {0xc8, 0x10, 0x00, 0x02}, 0, INT_STACK + 0x800, "ENTER: so does the display"},
    {0, 2, {0x0f, 0xa0}, FL_AC, INT_STACK + 0x803, "PUSH FS: alignment"},
    {1, 1, {0x06}, FL_AC, INT_STACK + 0x802, "PUSH ES: alignment"},
    {1, 1, {0x1f}, FL_AC, INT_STACK + 0x802, "POP DS: alignment"},
    {1, 4, {0xc5, 0x44, 0x24, 0x01}, FL_AC, INT_STACK + 0x800, "LDS: alignment"},
    {1, 4, {0x62, 0x44, 0x24, 0x02}, FL_AC, INT_STACK + 0x800, "BOUND: alignment"},
    {1, 4, {0xff, 0x6c, 0x24, 0x02}, FL_AC, INT_STACK + 0x800, "JMP far: alignment"},
    {1, 1, {0xcb}, FL_AC, INT_STACK + 0x802, "RETF: alignment"},
    {0, 3, {0x0f, 0xb2, 0x03}, FL_AC, INT_STACK + 0x800, "LSS: canonical before aligned"},
    {4, 3, {0xca, 0x00, 0xc0}, 0, INT_STACK + 0x800, "RETF to 64-bit code: releases of RSP"},
};

static void test_once_wrong(void **state)
{
    struct int_rig *r = int_rig_new();
    struct tally t = {0};
    unsigned run = 0;

    (void)state;
    assert_non_null(r);
    for (unsigned n = 0; n < ARRAY_SIZE(once_wrong); n++) {
        const struct int_setup *setup = &int_setups[once_wrong[n].setup];
        struct int_case c;

        if (setup->mode != MODE_64 && !r->has_ldt)
            continue;
        int_case_fixed(&c, r, setup, once_wrong[n].code, once_wrong[n].len, once_wrong[n].flags,
                       once_wrong[n].sp);
        run_case(r, &c, false, &t);
        int_case_clear(&c, r);
        run++;
    }
    int_rig_free(r);
    assert_int_equal(t.bad, 0);
    assert_true(run >= 2);
}

/* ---- the list ---- */

#define SETUPS(X) X(64, 0) X(32_flat, 1) X(32_based, 2) X(32_stack16, 3) X(16, 4) X(16_stack32, 5)
#define X(name, n)                                                                                 \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        run_setup(n);                                                                              \
    }                                                                                              \
    static void test_blocks_##name(void **state)                                                   \
    {                                                                                              \
        (void)state;                                                                               \
        run_sequences(n);                                                                          \
    }
SETUPS(X)
#undef X

static void not_run(void **state)
{
    (void)state;
}

/* cmocka's own skip() is a failure in TAP's eyes: the directive goes into the name instead. */
#define WITHOUT_LDT(test)                                                                          \
    {                                                                                              \
        .name = #test " # SKIP this kernel has no modify_ldt(2)", .test_func = not_run             \
    }

/* A number on the command line is another seed. */
int main(int argc, char **argv)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(test_every_row_is_accounted_for),
        cmocka_unit_test(test_once_wrong),
#define X(name, n) cmocka_unit_test(test_##name), cmocka_unit_test(test_blocks_##name),
        SETUPS(X)
#undef X
            cmocka_unit_test(test_enough_cases),
    };
    const struct CMUnitTest only_64[] = {
        cmocka_unit_test(test_every_row_is_accounted_for),
        cmocka_unit_test(test_once_wrong),
        cmocka_unit_test(test_64),
        cmocka_unit_test(test_blocks_64),
        WITHOUT_LDT(test_32_flat),
        WITHOUT_LDT(test_32_based),
        WITHOUT_LDT(test_32_stack16),
        WITHOUT_LDT(test_16),
        WITHOUT_LDT(test_16_stack32),
        WITHOUT_LDT(test_enough_cases),
    };

    if (argc > 1)
        first_seed = strtoull(argv[1], NULL, 0) * 2 + 1;
    return int_host_has_ldt() ? unit_main(all) : unit_main(only_64);
}
