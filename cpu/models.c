/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CPU models that -cpu offers. All behave as Intel's; each is the features of its day that are
 * implemented here, and "max" is everything that suits today's guests. Single features can be
 * switched on and off.
 */
#include "cpu/cpuid.h"

#include <cpuid.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "cpu/features.h"

#define F_486 (FEAT(BASE) | FEAT(I486) | FEAT(FPU) | FEAT(VME))
#define F_PENTIUM                                                                                  \
    (F_486 | FEAT(DE) | FEAT(PSE) | FEAT(TSC) | FEAT(MSR) | FEAT(MCE) | FEAT(CX8) | FEAT(APIC))
#define F_PENTIUM3                                                                                 \
    (F_PENTIUM | FEAT(PAE) | FEAT(SEP) | FEAT(MTRR) | FEAT(PGE) | FEAT(MCA) | FEAT(CMOV) |         \
     FEAT(PAT) | FEAT(PSE36) | FEAT(MMX) | FEAT(FXSR) | FEAT(SSE) | FEAT(NOPL))
#define F_V1    (F_PENTIUM3 | FEAT(CLFLUSH) | FEAT(SSE2) | FEAT(SYSCALL) | FEAT(NX) | FEAT(LM))
#define F_CORE2 (F_V1 | FEAT(SSE3) | FEAT(MONITOR) | FEAT(SSSE3) | FEAT(CX16) | FEAT(LAHF64))
/* The psABI's levels, and no more. */
#define F_V2                                                                                       \
    (F_V1 | FEAT(CX16) | FEAT(LAHF64) | FEAT(POPCNT) | FEAT(SSE3) | FEAT(SSSE3) | FEAT(SSE4_1) |   \
     FEAT(SSE4_2))
#define F_V3                                                                                       \
    (F_V2 | FEAT(XSAVE) | FEAT(AVX) | FEAT(AVX2) | FEAT(BMI1) | FEAT(BMI2) | FEAT(F16C) |          \
     FEAT(FMA) | FEAT(LZCNT) | FEAT(MOVBE))
#define F_IVY                                                                                      \
    (F_V2 | FEAT(XSAVE) | FEAT(XSAVEOPT) | FEAT(AVX) | FEAT(F16C) | FEAT(AES) | FEAT(PCLMUL) |     \
     FEAT(RDRAND) | FEAT(FSGSBASE) | FEAT(SMEP) | FEAT(ERMS) | FEAT(RDTSCP) | FEAT(TSC_DEADLINE) | \
     FEAT(X2APIC))
#define F_MAX                                                                                      \
    (F_V3 | FEAT(MONITOR) | FEAT(RDTSCP) | FEAT(PDPE1GB) | FEAT(PCID) | FEAT(INVPCID) |            \
     FEAT(SMEP) | FEAT(SMAP) | FEAT(UMIP) | FEAT(FSGSBASE) | FEAT(TSC_DEADLINE) |                  \
     FEAT(PREFETCHW) | FEAT(RDRAND) | FEAT(RDSEED) | FEAT(CLFLUSHOPT) | FEAT(CLWB) |               \
     FEAT(SPEC_CTRL) | FEAT(ARCH_CAP) | FEAT(LA57) | FEAT(PKU) | FEAT(XSAVEOPT) | FEAT(XSAVEC) |   \
     FEAT(XGETBV1) | FEAT(XSAVES) | FEAT(AES) | FEAT(PCLMUL) | FEAT(SHA) | FEAT(VAES) |            \
     FEAT(VPCLMUL) | FEAT(ADX) | FEAT(RDPID) | FEAT(ERMS) | FEAT(FSRM) | FEAT(X2APIC))

#define BRAND "Penumbra virtual CPU"

static const struct cpu_model models[] = {
    {
        .name = "max",
        .what = "all that suits today's guests (default)",
        .brand = BRAND,
        .family = 6,
        .model = 0x6a,
        .stepping = 6,
        .max_leaf = 0x16,
        .max_ext = 0x80000008,
        .hypervisor = true,
        .features = F_MAX,
    },
    {
        .name = "x86-64-v1",
        .what = "the first 64-bit baseline",
        .brand = BRAND,
        .family = 6,
        .model = 15,
        .stepping = 1,
        .max_leaf = 7,
        .max_ext = 0x80000008,
        .hypervisor = true,
        .features = F_V1,
    },
    {
        .name = "x86-64-v2",
        .what = "the psABI's second level: SSE4.2",
        .brand = BRAND,
        .family = 6,
        .model = 0x1a,
        .stepping = 5,
        .max_leaf = 0xd,
        .max_ext = 0x80000008,
        .hypervisor = true,
        .features = F_V2,
    },
    {
        .name = "x86-64-v3",
        .what = "the psABI's third level: AVX2, FMA, BMI",
        .brand = BRAND,
        .family = 6,
        .model = 0x3c,
        .stepping = 3,
        .max_leaf = 0xd,
        .max_ext = 0x80000008,
        .hypervisor = true,
        .features = F_V3,
    },
    {
        .name = "IvyBridge",
        .what = "Xeon E3 of 2012",
        .brand = BRAND,
        .family = 6,
        .model = 58,
        .stepping = 9,
        .max_leaf = 0xd,
        .max_ext = 0x80000008,
        .hypervisor = true,
        .features = F_IVY,
    },
    {
        .name = "Opteron_G1",
        .what = "Opteron of 2003, AMD's by name",
        .brand = BRAND,
        .vendor = "AuthenticAMD",
        .family = 15,
        .model = 6,
        .stepping = 1,
        .max_leaf = 5,
        .max_ext = 0x80000008,
        .hypervisor = true,
        .features = F_V1 | FEAT(SSE3),
    },
    {
        .name = "core2",
        .what = "Core 2 of 2006",
        .brand = BRAND,
        .family = 6,
        .model = 15,
        .stepping = 11,
        .max_leaf = 10,
        .max_ext = 0x80000008,
        .features = F_CORE2,
    },
    {
        .name = "pentium3",
        .what = "Pentium III of 1999",
        .family = 6,
        .model = 8,
        .stepping = 3,
        .max_leaf = 2,
        .features = F_PENTIUM3,
    },
    {
        .name = "pentium",
        .what = "Pentium of 1993",
        .family = 5,
        .model = 2,
        .stepping = 12,
        .max_leaf = 1,
        .features = F_PENTIUM,
    },
    {
        .name = "486",
        .what = "486 DX4 of 1994",
        .family = 4,
        .model = 8,
        .stepping = 0,
        .max_leaf = 1,
        .features = F_486,
    },
};

static const struct {
    const char *alias, *name;
} aliases[] = {
    {"qemu64", "x86-64-v1"}, {"kvm64", "x86-64-v1"}, {"host", "max"},
    {"core2duo", "core2"},   {"i486", "486"},
};

const struct cpu_model *cpu_models_list(unsigned *n)
{
    *n = ARRAY_SIZE(models);
    return models;
}

const struct cpu_model *cpu_model_find(const char *name)
{
    for (unsigned k = 0; k < ARRAY_SIZE(aliases); k++) {
        if (strcmp(name, aliases[k].alias) == 0)
            name = aliases[k].name;
    }
    for (unsigned k = 0; k < ARRAY_SIZE(models); k++) {
        if (strcmp(name, models[k].name) == 0)
            return &models[k];
    }
    return NULL;
}

/* ---- features one by one ---- */

/* By QEMU's names; each with what it makes no sense without, and goes without. */
#define SWITCHES(X)                                                                                \
    X("pcid", PCID, FEAT(LM))                                                                      \
    X("invpcid", INVPCID, 0)                                                                       \
    X("pge", PGE, 0)                                                                               \
    X("pse36", PSE36, FEAT(PSE))                                                                   \
    X("pat", PAT, FEAT(MTRR))                                                                      \
    X("nx", NX, FEAT(PAE))                                                                         \
    X("pdpe1gb", PDPE1GB, FEAT(LM))                                                                \
    X("la57", LA57, FEAT(LM))                                                                      \
    X("smep", SMEP, 0)                                                                             \
    X("smap", SMAP, 0)                                                                             \
    X("umip", UMIP, 0)                                                                             \
    X("fsgsbase", FSGSBASE, FEAT(LM))                                                              \
    X("cx16", CX16, FEAT(LM))                                                                      \
    X("lahf-lm", LAHF64, FEAT(LM))                                                                 \
    X("movbe", MOVBE, 0)                                                                           \
    X("popcnt", POPCNT, 0)                                                                         \
    X("3dnowprefetch", PREFETCHW, 0)                                                               \
    X("rdrand", RDRAND, 0)                                                                         \
    X("rdtscp", RDTSCP, FEAT(TSC) | FEAT(MSR))                                                     \
    X("clflushopt", CLFLUSHOPT, FEAT(CLFLUSH))                                                     \
    X("x2apic", X2APIC, FEAT(APIC) | FEAT(MSR))                                                    \
    X("tsc-deadline", TSC_DEADLINE, FEAT(APIC) | FEAT(MSR))                                        \
    X("spec-ctrl", SPEC_CTRL, FEAT(MSR))                                                           \
    X("arch-capabilities", ARCH_CAP, FEAT(MSR))                                                    \
    X("sse3", SSE3, FEAT(SSE2))                                                                    \
    X("ssse3", SSSE3, FEAT(SSE3))                                                                  \
    X("sse4.1", SSE4_1, FEAT(SSSE3))                                                               \
    X("sse4.2", SSE4_2, FEAT(SSE4_1))                                                              \
    X("aes", AES, FEAT(SSE2))                                                                      \
    X("pclmulqdq", PCLMUL, FEAT(SSE2))                                                             \
    X("sha-ni", SHA, FEAT(SSSE3))                                                                  \
    X("xsave", XSAVE, FEAT(FXSR))                                                                  \
    X("xsaveopt", XSAVEOPT, FEAT(XSAVE))                                                           \
    X("xsavec", XSAVEC, FEAT(XSAVE))                                                               \
    X("xgetbv1", XGETBV1, FEAT(XSAVE))                                                             \
    X("xsaves", XSAVES, FEAT(XSAVEC))                                                              \
    X("pku", PKU, FEAT(LM) | FEAT(XSAVE))                                                          \
    X("avx", AVX, FEAT(XSAVE) | FEAT(SSE4_2))                                                      \
    X("avx2", AVX2, FEAT(AVX))                                                                     \
    X("fma", FMA, FEAT(AVX))                                                                       \
    X("f16c", F16C, FEAT(AVX))                                                                     \
    X("vaes", VAES, FEAT(AVX) | FEAT(AES))                                                         \
    X("vpclmulqdq", VPCLMUL, FEAT(AVX) | FEAT(PCLMUL))                                             \
    X("bmi1", BMI1, 0)                                                                             \
    X("bmi2", BMI2, 0)                                                                             \
    X("abm", LZCNT, 0)                                                                             \
    X("adx", ADX, 0)                                                                               \
    X("rdseed", RDSEED, 0)                                                                         \
    X("rdpid", RDPID, FEAT(RDTSCP))                                                                \
    X("clwb", CLWB, FEAT(CLFLUSH))                                                                 \
    X("erms", ERMS, 0)                                                                             \
    X("fsrm", FSRM, 0)                                                                             \
    X("monitor", MONITOR, 0)

static const char *const feature_names[] = {
#define X(name, feature, needs) name,
    SWITCHES(X)
#undef X
};

/* In the same order. */
static const struct {
    feature_set needs;
    uint8_t feature;
} switches[] = {
#define X(name, feature, needs) {needs, FEATURE_##feature},
    SWITCHES(X)
#undef X
};

const char *const *cpu_feature_names(unsigned *n)
{
    *n = ARRAY_SIZE(feature_names);
    return feature_names;
}

/* Takes away what makes no sense without something that is not there. */
static feature_set without_orphans(feature_set f)
{
    feature_set before;

    do {
        before = f;
        for (unsigned k = 0; k < ARRAY_SIZE(switches); k++) {
            if ((f & switches[k].needs) != switches[k].needs)
                f &= ~((feature_set)1 << switches[k].feature);
        }
    } while (f != before);
    return f;
}

static enum cpu_spec_fault switch_feature(struct cpu_spec *s, const char *name, bool on)
{
    unsigned k = 0;
    feature_set bit;

    while (k < ARRAY_SIZE(switches) && strcmp(name, feature_names[k]) != 0)
        k++;
    if (k == ARRAY_SIZE(switches))
        return CPU_SPEC_FEATURE;
    bit = (feature_set)1 << switches[k].feature;
    if (!on) {
        s->features = without_orphans(s->features & ~bit);
        return CPU_SPEC_OK;
    }
    if ((s->features & switches[k].needs) != switches[k].needs ||
        !cpuid_can_show(s->model, switches[k].feature))
        return CPU_SPEC_IMPOSSIBLE;
    s->features |= bit;
    return CPU_SPEC_OK;
}

/* ---- properties ---- */

#define PHYS_MIN 32u
#define PHYS_MAX 52u

/* What is asked about physical addresses, until all has been read. */
struct phys_wish {
    unsigned bits, limit; /* 0: nothing */
    bool host;
};

static unsigned host_phys_bits(void)
{
    unsigned a = 0, b, c, d;

    if (!__get_cpuid(0x80000008, &a, &b, &c, &d) || (a & 0xff) < PHYS_MIN)
        return 36;
    return (a & 0xff) > PHYS_MAX ? PHYS_MAX : a & 0xff;
}

static unsigned phys_bits(const struct cpu_spec *s, const struct phys_wish *w)
{
    unsigned bits = s->features & FEAT(LM) ? 40 : s->features & (FEAT(PAE) | FEAT(PSE36)) ? 36 : 32;

    if (w->bits)
        return w->bits;
    if (w->host)
        bits = host_phys_bits();
    return w->limit && w->limit < bits ? w->limit : bits;
}

static bool read_switch(const char *value, bool *on)
{
    *on = !strcmp(value, "on") || !strcmp(value, "yes") || !strcmp(value, "true");
    return *on || !strcmp(value, "off") || !strcmp(value, "no") || !strcmp(value, "false");
}

/* 0 leaves it to the model. */
static bool read_phys_bits(const char *value, unsigned *bits)
{
    char *end;
    unsigned long n = strtoul(value, &end, 10);

    if (*value < '0' || *value > '9' || *end || (n && (n < PHYS_MIN || n > PHYS_MAX)))
        return false;
    *bits = (unsigned)n;
    return true;
}

/* CPUID has room for twelve printable letters. */
static bool read_vendor(struct cpu_spec *s, const char *value)
{
    if (strlen(value) != sizeof(s->vendor) - 1)
        return false;
    for (unsigned k = 0; value[k]; k++) {
        if (value[k] < ' ' || value[k] > '~')
            return false;
    }
    memcpy(s->vendor, value, sizeof(s->vendor));
    return true;
}

static enum cpu_spec_fault apply(struct cpu_spec *s, struct phys_wish *phys, const char *item)
{
    const char *value = strchr(item, '=');
    char key[64] = "";
    size_t len = value ? (size_t)(value - item) : strlen(item);
    bool ok = true, on;

    if (*item == '+' || *item == '-')
        return switch_feature(s, item + 1, *item == '+');
    if (len >= sizeof(key))
        return CPU_SPEC_SIGN;
    memcpy(key, item, len);
    value = value ? value + 1 : "on";
    if (!strcmp(key, "phys-bits"))
        ok = read_phys_bits(value, &phys->bits);
    else if (!strcmp(key, "host-phys-bits-limit"))
        ok = read_phys_bits(value, &phys->limit);
    else if (!strcmp(key, "host-phys-bits"))
        ok = read_switch(value, &phys->host);
    else if (!strcmp(key, "vendor"))
        ok = read_vendor(s, value);
    else if (!strcmp(key, "migratable")) /* all that is offered can be migrated */
        ok = read_switch(value, &on);
    else if (strchr(item, '=') && read_switch(value, &on))
        return switch_feature(s, key, on) == CPU_SPEC_OK ? CPU_SPEC_OK : CPU_SPEC_VALUE;
    else
        return CPU_SPEC_SIGN;
    return ok ? CPU_SPEC_OK : CPU_SPEC_VALUE;
}

enum cpu_spec_fault cpu_spec_parse(const char *text, struct cpu_spec *out, char *word,
                                   size_t word_size)
{
    struct phys_wish phys = {0};
    bool first = true;

    for (;;) {
        size_t len = strcspn(text, ","), room = len < word_size ? len : word_size - 1;
        enum cpu_spec_fault fault = CPU_SPEC_OK;

        memcpy(word, text, room); /* longer than any name: unknown all the same */
        word[room] = 0;
        if (first) {
            out->model = cpu_model_find(word);
            if (!out->model)
                return CPU_SPEC_MODEL;
            out->features = out->model->features;
            strcpy(out->vendor, out->model->vendor ? out->model->vendor : "GenuineIntel");
        } else {
            fault = apply(out, &phys, word);
        }
        if (fault == CPU_SPEC_FEATURE || fault == CPU_SPEC_IMPOSSIBLE)
            memmove(word, word + 1, room); /* without its sign */
        if (fault != CPU_SPEC_OK)
            return fault;
        first = false;
        if (!text[len])
            break;
        text += len + 1;
    }
    out->phys_bits = phys_bits(out, &phys);
    return CPU_SPEC_OK;
}
