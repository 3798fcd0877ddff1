/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUID agrees with what executes. In each model: rows of opcodes.def whose feature it lacks raise
 * #UD, the others decode; what CPUID shows has rows, or a reason in the list below; and switching a
 * feature off takes its bit away. The psABI's levels are what that document says (x86-64 psABI,
 * table 3.1).
 */
#include "cpu/cpuid.h"
#include "cpu/decode.h"
#include "cpu/features.h"
#include "cpu/opcodes.h"
#include "tests/unit/cpu_fixture.h"
#include "tests/unit/decode_rows.h"

/* ---- names ---- */

static const char *const names[FEATURE_COUNT] = {
#define X(name) #name,
    FEATURES(X)
#undef X
};

/* Features without rows of their own. */
static const struct {
    uint8_t feature;
    const char *why;
} rowless[] = {
    {FEATURE_VME, "CR4.VME, and how some instructions act in virtual-8086 mode"},
    {FEATURE_DE, "CR4.DE: I/O breakpoints"},
    {FEATURE_PSE, "CR4.PSE: pages of 4 MiB"},
    {FEATURE_PAE, "CR4.PAE: paging"},
    {FEATURE_MCE, "CR4.MCE, MSRs"},
    {FEATURE_APIC, "the local APIC"},
    {FEATURE_MTRR, "MSRs"},
    {FEATURE_PGE, "CR4.PGE: global pages"},
    {FEATURE_MCA, "MSRs"},
    {FEATURE_PAT, "an MSR and a bit of page tables"},
    {FEATURE_PSE36, "wider addresses in pages of 4 MiB"},
    {FEATURE_NX, "EFER.NXE: a bit of page tables"},
    {FEATURE_PDPE1GB, "pages of 1 GiB"},
    {FEATURE_PCID, "CR4.PCIDE"},
    {FEATURE_SMEP, "CR4.SMEP"},
    {FEATURE_UMIP, "CR4.UMIP"},
    {FEATURE_CX16, "the REX.W form of CMPXCHG8B: below"},
    {FEATURE_LAHF64, "SAHF and LAHF in 64-bit mode: below"},
    {FEATURE_TSC_DEADLINE, "an MSR"},
    {FEATURE_X2APIC, "MSRs"},
    {FEATURE_SPEC_CTRL, "MSRs"},
    {FEATURE_ARCH_CAP, "an MSR"},
    {FEATURE_LA57, "CR4.LA57: five-level paging"},
    {FEATURE_XGETBV1, "XGETBV with ECX = 1: below"},
    {FEATURE_ERMS, "REP MOVSB and STOSB are no slower than wider ones"},
    {FEATURE_FSRM, "nor are short ones"},
};

static bool has(const struct cpu_model *m, unsigned feature)
{
    return m->features >> feature & 1;
}

static unsigned rows_of(unsigned feature)
{
    unsigned n = 0;

    for (unsigned k = 0; k < opcode_count; k++)
        n += opcode_table[k].feature == feature;
    return n;
}

static void features_have_rows_or_reasons(void **state)
{
    unsigned count;
    const struct cpu_model *models = cpu_models_list(&count);

    (void)state;
    for (unsigned f = 0; f < FEATURE_COUNT; f++) {
        unsigned reasons = 0, offered = 0;

        for (unsigned k = 0; k < ARRAY_SIZE(rowless); k++)
            reasons += rowless[k].feature == f;
        for (unsigned k = 0; k < count; k++)
            offered += has(&models[k], f);
        if (rows_of(f) ? reasons != 0 : reasons != (offered != 0))
            fail_msg("%s: %u rows, %u reasons, in %u models", names[f], rows_of(f), reasons,
                     offered);
    }
}

/* ---- rows ---- */

static bool encode_plain(const struct opcode *row, unsigned mode, struct encoding *e)
{
    struct form f = {.prefixes = "", .sib = 0x24, .tail = 8};

    if (!row_in_mode(row, mode))
        return false;
    if (row->map == M0 && row->opcode == 0x90 && (row->attr & A_PLUSR))
        f.plus = 1;
    if (row_has_modrm(row) && !row_modrm(row, true, &f.modrm) && !row_modrm(row, false, &f.modrm))
        return false;
    encode(e, row, mode, &f);
    return true;
}

static int vector_of(struct fx *fx, const uint8_t *bytes, unsigned n, bool code64)
{
    uint64_t rip;

    fx_ring(fx, code64 ? FX_CS64 : FX_CS0, FX_DS0, 0);
    fx->cpu->halted = false;
    memcpy(fx->ram + FX_CODE, bytes, n);
    cpu_set_event(fx->cpu, EV_FLUSH);
    fx_run(fx, 1);
    rip = fx_rip(fx);
    return rip >= FX_HAND && rip < FX_HAND + 0x400 ? (int)(rip - FX_HAND) / 4 : -1;
}

static struct fx *machine(const char *model, bool code64)
{
    struct fx *fx = fx_new(model);

    if (code64)
        fx_long(fx, 0);
    else
        fx_prot(fx, 0);
    fx->cpu->cr4 |= CR4_OSFXSR;
    if (fx->cpu->features & FEAT(XSAVE)) {
        fx->cpu->cr4 |= CR4_OSXSAVE;
        fx->cpu->xcr0 = 3;
    }
    cpu_sync_mode(fx->cpu);
    return fx;
}

/* Rows of the model in a mode: *with are there, *without raise #UD, others mean something else (a
 * prefix that is nothing). */
static void try_rows(const struct cpu_model *m, bool code64, unsigned *with, unsigned *without)
{
    struct fx *fx = machine(m->name, code64);
    unsigned mode = code64 ? MODE_64 : MODE_32;

    for (unsigned k = 0; k < opcode_count; k++) {
        const struct opcode *row = &opcode_table[k];
        struct encoding e;
        struct insn in;
        enum decode_status st;

        if (!encode_plain(row, mode, &e))
            continue;
        st = decode(e.bytes, INSN_MAX_LEN, mode, m->features, &in);
        if (has(m, row->feature)) {
            if (st != DECODE_OK || in.op != k)
                fail_msg("%s: %s does not decode", m->name, row->mnemonic);
            ++*with;
        } else if (st == DECODE_OK) {
            assert_int_equal(opcode_table[in.op].prefix, ANY);
            assert_true(has(m, opcode_table[in.op].feature));
        } else {
            int v = vector_of(fx, e.bytes, INSN_MAX_LEN, code64);

            if (v != EXC_UD)
                fail_msg("%s: %s (%s): vector %d", m->name, row->mnemonic, names[row->feature], v);
            ++*without;
        }
    }
    fx_free(fx);
}

static void rows_follow_models(void **state)
{
    unsigned count;
    const struct cpu_model *models = cpu_models_list(&count);

    (void)state;
    for (unsigned k = 0; k < count; k++) {
        unsigned with = 0, without = 0;

        try_rows(&models[k], false, &with, &without);
        if (has(&models[k], FEATURE_LM))
            try_rows(&models[k], true, &with, &without);
        print_message("# %s: %u rows there, %u are #UD\n", models[k].name, with, without);
        assert_true(with > 200);
    }
}

/* ---- CPUID ---- */

/* What shows features: leaf, subleaf, and what of its EAX to EDX is none. */
static const struct {
    uint32_t leaf, subleaf;
    uint32_t other[4];
} leaves[] = {
    /* signature; APIC id and count; hypervisor and OSXSAVE; HTT */
    {1, 0, {~0u, ~0u, 1u << 31 | 1u << 27, 1u << 28}},
    {7, 0, {~0u, 0, 1u << 4, 0}},
    {0x80000001, 0, {~0u, ~0u, 0, 0}},
    {0xd, 1, {0, ~0u, ~0u, ~0u}},
};

static uint32_t shown(const struct cpu *cpu, unsigned leaf, unsigned reg)
{
    struct cpuid_regs r = cpuid_query(cpu, leaves[leaf].leaf, leaves[leaf].subleaf);
    uint32_t v[4] = {r.eax, r.ebx, r.ecx, r.edx};

    return v[reg] & ~leaves[leaf].other[reg];
}

/* Which bits a feature is seen by: what goes when it alone goes. */
static unsigned bits_of(struct cpu *cpu, unsigned feature)
{
    feature_set all = cpu->features;
    unsigned bits = 0;

    for (unsigned l = 0; l < ARRAY_SIZE(leaves); l++) {
        for (unsigned reg = 0; reg < 4; reg++) {
            uint32_t with = shown(cpu, l, reg);

            cpu->features &= ~((feature_set)1 << feature);
            assert_int_equal(shown(cpu, l, reg) & ~with, 0);
            bits += (unsigned)__builtin_popcount(with & ~shown(cpu, l, reg));
            cpu->features = all;
        }
    }
    return bits;
}

/* Every bit is a feature's, and every feature but those that have none has one (TSC_DEADLINE two:
 * TSC_ADJUST is one of it; XSAVE takes leaf D along). */
static void bits_are_features(void **state)
{
    static const uint8_t unseen[] = {FEATURE_BASE, FEATURE_I486, FEATURE_NOPL};
    struct fx *fx = machine("max", true);
    unsigned total = 0, all = 0;

    (void)state;
    for (unsigned f = 0; f < FEATURE_COUNT; f++) {
        unsigned bits, want = f == FEATURE_TSC_DEADLINE ? 2 : f == FEATURE_XSAVE ? 5 : 1;

        if (!(fx->cpu->features >> f & 1))
            continue;
        if (memchr(unseen, (int)f, sizeof(unseen)))
            want = 0;
        bits = bits_of(fx->cpu, f);
        if (bits != want)
            fail_msg("%s: %u bits", names[f], bits);
        total += f == FEATURE_XSAVE ? 1 : bits;
    }
    for (unsigned l = 0; l < ARRAY_SIZE(leaves); l++) {
        for (unsigned reg = 0; reg < 4; reg++)
            all += (unsigned)__builtin_popcount(shown(fx->cpu, l, reg));
    }
    assert_int_equal(total, all);
    fx->cpu->features = 0;
    for (unsigned l = 0; l < ARRAY_SIZE(leaves); l++) {
        for (unsigned reg = 0; reg < 4; reg++)
            assert_int_equal(shown(fx->cpu, l, reg), 0);
    }
    fx_free(fx);
}

/* No model shows a feature in a leaf that it has not. */
static void leaves_are_there(void **state)
{
    unsigned count;
    const struct cpu_model *models = cpu_models_list(&count);

    (void)state;
    for (unsigned k = 0; k < count; k++) {
        for (unsigned f = 0; f < FEATURE_COUNT; f++) {
            if (has(&models[k], f) && !cpuid_can_show(&models[k], f))
                fail_msg("%s: %s", models[k].name, names[f]);
        }
    }
}

/* ---- single models ---- */

static void levels_of_the_psabi(void **state)
{
    static const feature_set v2 = FEAT(CX16) | FEAT(LAHF64) | FEAT(POPCNT) | FEAT(SSE3) |
                                  FEAT(SSSE3) | FEAT(SSE4_1) | FEAT(SSE4_2);
    static const feature_set v3 = FEAT(AVX) | FEAT(AVX2) | FEAT(BMI1) | FEAT(BMI2) | FEAT(F16C) |
                                  FEAT(FMA) | FEAT(LZCNT) | FEAT(MOVBE) | FEAT(XSAVE);
    const feature_set f1 = cpu_model_find("x86-64-v1")->features;
    const feature_set f2 = cpu_model_find("x86-64-v2")->features;
    const feature_set f3 = cpu_model_find("x86-64-v3")->features;
    const feature_set max = cpu_model_find("max")->features;

    (void)state;
    for (unsigned f = 0; f < FEATURE_COUNT; f++) {
        bool in2 = (f1 | v2) >> f & 1, in3 = (f1 | v2 | v3) >> f & 1;

        if ((f2 >> f & 1) != in2 || (f3 >> f & 1) != in3)
            fail_msg("%s", names[f]);
    }
    assert_false(f3 & ~max);
}

/* Those without a row of their own that still are instructions. */
static void forms_by_features(void **state)
{
    static const uint8_t cmpxchg16b[] = {0x48, 0x0f, 0xc7, 0x0c, 0x25, 0, 0xa0, 0, 0};
    static const uint8_t lahf[] = {0x9f}, sahf[] = {0x9e}, xgetbv[] = {0x0f, 0x01, 0xd0};
    static const struct {
        const char *model;
        int want[4];
    } cases[] = {
        {"max", {-1, -1, -1, -1}},
        {"max,-cx16", {EXC_UD, -1, -1, -1}},
        {"max,-lahf-lm", {-1, EXC_UD, EXC_UD, -1}},
        {"max,-xgetbv1", {-1, -1, -1, EXC_GP}},
    };

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        struct fx *fx = machine(cases[k].model, true);

        assert_int_equal(vector_of(fx, cmpxchg16b, sizeof(cmpxchg16b), true), cases[k].want[0]);
        assert_int_equal(vector_of(fx, lahf, sizeof(lahf), true), cases[k].want[1]);
        assert_int_equal(vector_of(fx, sahf, sizeof(sahf), true), cases[k].want[2]);
        fx->cpu->gpr[REG_RCX] = 1;
        assert_int_equal(vector_of(fx, xgetbv, sizeof(xgetbv), true), cases[k].want[3]);
        fx_free(fx);
    }
}

/* RDSEED gives a number of its operand's size and CF alone; RDPID a whole register from TSC_AUX. */
static void seeds_and_numbers(void **state)
{
    static const uint8_t rdseed16[] = {0x66, 0x0f, 0xc7, 0xfb}, rdseed[] = {0x48, 0x0f, 0xc7, 0xfb};
    static const uint8_t rdpid[] = {0xf3, 0x0f, 0xc7, 0xfb}; /* all of RBX */
    struct fx *fx = machine("max", true);
    uint64_t seen = 0, all = ~UINT64_C(0);

    (void)state;
    for (unsigned k = 0; k < 64; k++) {
        flags_set_arith(fx->cpu, FL_ARITH & ~(unsigned)FL_CF);
        assert_int_equal(vector_of(fx, rdseed, sizeof(rdseed), true), -1);
        assert_int_equal(flags_arith(fx->cpu), FL_CF);
        seen |= fx->cpu->gpr[REG_RBX];
        all &= fx->cpu->gpr[REG_RBX];
    }
    assert_true(seen == ~UINT64_C(0) && all == 0);
    fx->cpu->gpr[REG_RBX] = UINT64_C(0x1122334455660000);
    assert_int_equal(vector_of(fx, rdseed16, sizeof(rdseed16), true), -1);
    assert_int_equal(fx->cpu->gpr[REG_RBX] >> 16, 0x112233445566);
    fx->cpu->tsc_aux = 0x80001005;
    assert_int_equal(vector_of(fx, rdpid, sizeof(rdpid), true), -1);
    assert_int_equal(fx->cpu->gpr[REG_RBX], 0x80001005);
    fx_free(fx);
}

static feature_set parsed(const char *text)
{
    struct cpu_spec spec;
    char word[32];

    assert_int_equal(cpu_spec_parse(text, &spec, word, sizeof(word)), CPU_SPEC_OK);
    return spec.features;
}

/* Each feature that can be switched goes, with those that need it, and comes back. */
static void switches(void **state)
{
    const feature_set max = cpu_model_find("max")->features;
    unsigned count;
    const char *const *list = cpu_feature_names(&count);

    (void)state;
    for (unsigned k = 0; k < count; k++) {
        char text[64];
        feature_set less;

        snprintf(text, sizeof(text), "max,-%s", list[k]);
        less = parsed(text);
        assert_false(less & ~max);
        snprintf(text, sizeof(text), "max,-%s,-%s", list[k], list[k]);
        assert_true(less == parsed(text));
        if (less == max)
            continue; /* of which no model has rows yet */
        snprintf(text, sizeof(text), "max,-%s,+%s", list[k], list[k]);
        assert_true((parsed(text) & ~less) && !(parsed(text) & ~max));
    }
    assert_false(parsed("max,-xsave") &
                 (FEAT(XSAVE) | FEAT(XSAVEOPT) | FEAT(XSAVEC) | FEAT(XSAVES) | FEAT(XGETBV1) |
                  FEAT(AVX) | FEAT(AVX2) | FEAT(FMA) | FEAT(F16C) | FEAT(VAES) | FEAT(PKU)));
    assert_false(parsed("max,-sse3") & (FEAT(SSSE3) | FEAT(SSE4_1) | FEAT(SSE4_2) | FEAT(AVX)));
    assert_true(parsed("max,-xsaves") & FEAT(XSAVEC));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(features_have_rows_or_reasons),
        cmocka_unit_test(rows_follow_models),
        cmocka_unit_test(bits_are_features),
        cmocka_unit_test(leaves_are_there),
        cmocka_unit_test(levels_of_the_psabi),
        cmocka_unit_test(forms_by_features),
        cmocka_unit_test(seeds_and_numbers),
        cmocka_unit_test(switches),
    };

    return unit_main(tests);
}
