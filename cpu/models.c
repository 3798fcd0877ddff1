/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CPU models that -cpu offers. All are Intel's; each is the features of its day that are
 * implemented here, and "max" is everything.
 */
#include "cpu/cpuid.h"

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
#define F_CORE2 (F_V1 | FEAT(CX16) | FEAT(LAHF64))
#define F_MAX                                                                                      \
    (F_CORE2 | FEAT(RDTSCP) | FEAT(PDPE1GB) | FEAT(PCID) | FEAT(INVPCID) | FEAT(SMEP) |            \
     FEAT(SMAP) | FEAT(UMIP) | FEAT(FSGSBASE) | FEAT(TSC_DEADLINE) | FEAT(MOVBE) | FEAT(POPCNT) |  \
     FEAT(PREFETCHW) | FEAT(RDRAND) | FEAT(CLFLUSHOPT) | FEAT(SPEC_CTRL) | FEAT(ARCH_CAP))

#define BRAND "Penumbra virtual CPU"

static const struct cpu_model models[] = {
    {
        .name = "max",
        .what = "everything that is implemented (default)",
        .brand = BRAND,
        .family = 6,
        .model = 0x1a,
        .stepping = 5,
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
    {"qemu64", "x86-64-v1"},
    {"kvm64", "x86-64-v1"},
    {"core2duo", "core2"},
    {"i486", "486"},
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
