/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUID. Intel SDM volume 2, CPUID (table 3-8); the hypervisor leaves 0x40000000.. follow the
 * common convention: signature in the first, TSC and bus frequency in kHz in 0x40000010.
 */
#include "cpu/cpuid.h"

#include "base/bits.h"
#include "cpu/cpu.h"
#include "cpu/features.h"
#include "cpu/xsave.h"

/* The local APIC's timer counts at this rate; leaf 0x15 calls it the crystal. */
#define BUS_KHZ 1000000u

enum reg { EAX, EBX, ECX, EDX };

/* Subleaf 1 of leaf D, as the table below and show_features name it. */
#define LEAF_D_1 0x1000du

/* Which bit of which leaf shows a feature. */
static const struct {
    uint32_t leaf;
    uint8_t reg, bit, feature;
} shown[] = {
#define S(leaf, reg, bit, name)                                                                    \
    {                                                                                              \
        leaf, reg, bit, FEATURE_##name                                                             \
    }
    S(1, EDX, 0, FPU),
    S(1, EDX, 1, VME),
    S(1, EDX, 2, DE),
    S(1, EDX, 3, PSE),
    S(1, EDX, 4, TSC),
    S(1, EDX, 5, MSR),
    S(1, EDX, 6, PAE),
    S(1, EDX, 7, MCE),
    S(1, EDX, 8, CX8),
    S(1, EDX, 9, APIC),
    S(1, EDX, 11, SEP),
    S(1, EDX, 12, MTRR),
    S(1, EDX, 13, PGE),
    S(1, EDX, 14, MCA),
    S(1, EDX, 15, CMOV),
    S(1, EDX, 16, PAT),
    S(1, EDX, 17, PSE36),
    S(1, EDX, 19, CLFLUSH),
    S(1, EDX, 23, MMX),
    S(1, EDX, 24, FXSR),
    S(1, EDX, 25, SSE),
    S(1, EDX, 26, SSE2),
    S(1, ECX, 0, SSE3),
    S(1, ECX, 1, PCLMUL),
    S(1, ECX, 3, MONITOR),
    S(1, ECX, 9, SSSE3),
    S(1, ECX, 12, FMA),
    S(1, ECX, 13, CX16),
    S(1, ECX, 17, PCID),
    S(1, ECX, 19, SSE4_1),
    S(1, ECX, 20, SSE4_2),
    S(1, ECX, 21, X2APIC),
    S(1, ECX, 22, MOVBE),
    S(1, ECX, 23, POPCNT),
    S(1, ECX, 24, TSC_DEADLINE),
    S(1, ECX, 25, AES),
    S(1, ECX, 26, XSAVE),
    S(1, ECX, 28, AVX),
    S(1, ECX, 29, F16C),
    S(1, ECX, 30, RDRAND),
    S(7, EBX, 0, FSGSBASE),
    S(7, EBX, 1, TSC_DEADLINE), /* TSC_ADJUST came along with it */
    S(7, EBX, 3, BMI1),
    S(7, EBX, 5, AVX2),
    S(7, EBX, 7, SMEP),
    S(7, EBX, 8, BMI2),
    S(7, EBX, 9, ERMS),
    S(7, EBX, 10, INVPCID),
    S(7, EBX, 18, RDSEED),
    S(7, EBX, 19, ADX),
    S(7, EBX, 20, SMAP),
    S(7, EBX, 23, CLFLUSHOPT),
    S(7, EBX, 24, CLWB),
    S(7, EBX, 29, SHA),
    S(7, ECX, 2, UMIP),
    S(7, ECX, 3, PKU),
    S(7, ECX, 9, VAES),
    S(7, ECX, 10, VPCLMUL),
    S(7, ECX, 16, LA57),
    S(7, ECX, 22, RDPID),
    S(7, EDX, 4, FSRM),
    S(7, EDX, 26, SPEC_CTRL),
    S(7, EDX, 29, ARCH_CAP),
    S(LEAF_D_1, EAX, 0, XSAVEOPT),
    S(LEAF_D_1, EAX, 1, XSAVEC),
    S(LEAF_D_1, EAX, 2, XGETBV1),
    S(LEAF_D_1, EAX, 3, XSAVES),
    S(0x80000001, ECX, 0, LAHF64),
    S(0x80000001, ECX, 5, LZCNT),
    S(0x80000001, ECX, 8, PREFETCHW),
    S(0x80000001, EDX, 11, SYSCALL),
    S(0x80000001, EDX, 20, NX),
    S(0x80000001, EDX, 26, PDPE1GB),
    S(0x80000001, EDX, 27, RDTSCP),
    S(0x80000001, EDX, 29, LM),
#undef S
};

static void show_features(const struct cpu *cpu, uint32_t leaf, struct cpuid_regs *r)
{
    uint32_t *reg[] = {&r->eax, &r->ebx, &r->ecx, &r->edx};

    for (unsigned k = 0; k < ARRAY_SIZE(shown); k++) {
        if (shown[k].leaf == leaf && (cpu->features >> shown[k].feature & 1))
            *reg[shown[k].reg] |= 1u << shown[k].bit;
    }
}

bool cpuid_shows(unsigned feature, uint32_t *leaf, unsigned *reg, unsigned *bit)
{
    for (unsigned k = 0; k < ARRAY_SIZE(shown); k++) {
        if (shown[k].feature == feature) {
            *leaf = shown[k].leaf;
            *reg = shown[k].reg;
            *bit = shown[k].bit;
            return true;
        }
    }
    return false;
}

bool cpuid_can_show(const struct cpu_model *m, unsigned feature)
{
    if (feature == FEATURE_XSAVE && m->max_leaf < 0xd) /* where its areas are described */
        return false;
    for (unsigned k = 0; k < ARRAY_SIZE(shown); k++) {
        uint32_t leaf = shown[k].leaf == LEAF_D_1 ? 0xd : shown[k].leaf;

        if (shown[k].feature == feature && leaf > (leaf >= 0x80000000 ? m->max_ext : m->max_leaf))
            return false;
    }
    return true;
}

uint32_t cpuid_signature(const struct cpu_model *m)
{
    unsigned family = m->family > 15 ? 15 : m->family;
    unsigned ext_family = m->family > 15 ? m->family - 15u : 0;

    return ext_family << 20 | (m->model >> 4u) << 16 | family << 8 | (m->model & 15u) << 4 |
           m->stepping;
}

static struct cpuid_regs text(uint32_t eax, const char *ebx_edx_ecx)
{
    return (struct cpuid_regs){eax, ld_le32(ebx_edx_ecx), ld_le32(ebx_edx_ecx + 8),
                               ld_le32(ebx_edx_ecx + 4)};
}

static unsigned bits_for(unsigned n)
{
    unsigned shift = 0;

    while ((1u << shift) < n)
        shift++;
    return shift;
}

/* The logical processors of a package. Unless the machine says more, all are cores of one. */
static unsigned package_size(const struct cpu *cpu)
{
    return cpu->cores ? cpu->cores * cpu->threads : cpu_group_size(cpu->group);
}

/* How many bits of an APIC id number them; the lowest of these the threads of a core. */
static unsigned package_bits(const struct cpu *cpu)
{
    return bits_for(package_size(cpu));
}

static struct cpuid_regs leaf_1(const struct cpu *cpu)
{
    struct cpuid_regs r = {.eax = cpuid_signature(cpu->model)};

    show_features(cpu, 1, &r);
    r.ebx = cpu->id << 24 | 1u << package_bits(cpu) << 16;
    if (package_size(cpu) > 1 && (cpu->features & FEAT(APIC)))
        r.edx |= 1u << 28; /* HTT: the count above holds */
    if (cpu->features & FEAT(CLFLUSH))
        r.ebx |= 64 / 8 << 8;
    if (cpu->hooks.get_apic_base && !(cpu->hooks.get_apic_base(cpu->hooks.opaque) & 0x800))
        r.edx &= ~(1u << 9); /* switched off by its MSR: not there */
    if (!(cpu->misc_enable & MISC_ENABLE_MONITOR))
        r.ecx &= ~(1u << 3); /* likewise */
    if (cpu->model->hypervisor)
        r.ecx |= 1u << 31;
    if (cpu->cr4 & CR4_OSXSAVE)
        r.ecx |= 1u << 27;
    return r;
}

/* Leaf 4: 32 KiB L1 twice, 256 KiB L2, one a core, 8 MiB L3 a package; lines of 64 bytes. */
static struct cpuid_regs leaf_4(const struct cpu *cpu, uint32_t subleaf)
{
    static const struct {
        uint8_t type, level, ways;
        uint32_t kib;
    } cache[] = {{1, 1, 8, 32}, {2, 1, 8, 32}, {3, 2, 8, 256}, {3, 3, 16, 8192}};
    struct cpuid_regs r = {0};

    if (subleaf < ARRAY_SIZE(cache)) {
        uint32_t ways = cache[subleaf].ways;

        uint32_t ids = (1u << package_bits(cpu)) - 1, threads = (1u << bits_for(cpu->threads)) - 1;

        r.eax = cache[subleaf].type | (uint32_t)cache[subleaf].level << 5 | 1u << 8 |
                (ids >> bits_for(cpu->threads)) << 26;
        r.eax |= (cache[subleaf].level == 3 ? ids : threads) << 14;
        r.ebx = (ways - 1) << 22 | (64 - 1);
        r.ecx = cache[subleaf].kib * 1024 / 64 / ways - 1;
    }
    return r;
}

/* Leaf 0xB: the threads of a core, then the processors of the package. */
static struct cpuid_regs leaf_b(const struct cpu *cpu, uint32_t subleaf)
{
    struct cpuid_regs r = {.ecx = subleaf & 0xff, .edx = cpu->id};

    if (subleaf == 0) {
        r.eax = bits_for(cpu->threads);
        r.ebx = cpu->threads;
        r.ecx |= 1u << 8;
    } else if (subleaf == 1) {
        r.eax = package_bits(cpu);
        r.ebx = package_size(cpu);
        r.ecx |= 2u << 8;
    }
    return r;
}

/* Leaf 0xD: the XSAVE area. Subleaf 0 the standard format, 1 the compacted one, else one component
 * each. */
static struct cpuid_regs leaf_d(const struct cpu *cpu, uint32_t subleaf)
{
    uint64_t supported = xsave_supported(cpu->features);
    struct cpuid_regs r = {0};

    if (!supported)
        return r;
    if (subleaf == 0) {
        r.eax = (uint32_t)supported;
        r.ebx = xsave_size(cpu->xcr0, false);
        r.ecx = xsave_size(supported, false);
        r.edx = (uint32_t)(supported >> 32);
    } else if (subleaf == 1) {
        show_features(cpu, LEAF_D_1, &r);
        if (cpu->features & (FEAT(XSAVEC) | FEAT(XSAVES)))
            r.ebx = xsave_size(cpu->xcr0 | cpu->xss, true);
    } else if (subleaf < 64 && (supported >> subleaf & 1)) {
        r.eax = xsave_component(subleaf).size;
        r.ebx = xsave_component(subleaf).offset;
    }
    return r;
}

/* Leaf 0x15: TSC as a fraction of the crystal, when a 32-bit product of both stays exact. */
static struct cpuid_regs leaf_15(const struct cpu *cpu)
{
    uint32_t a = cpu->tsc_khz, b = BUS_KHZ;

    while (b) {
        uint32_t t = a % b;

        a = b;
        b = t;
    }
    if (!cpu->tsc_khz || (uint64_t)(cpu->tsc_khz / a) * BUS_KHZ > UINT32_MAX)
        return (struct cpuid_regs){0};
    return (struct cpuid_regs){BUS_KHZ / a, cpu->tsc_khz / a, BUS_KHZ * 1000u, 0};
}

static struct cpuid_regs basic(const struct cpu *cpu, uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_regs r = {0};

    switch (leaf) {
    case 0: return text(cpu->model->max_leaf, cpu->vendor);
    case 1: return leaf_1(cpu);
    case 2:
        if (cpu->model->max_leaf >= 4) /* "see leaf 4" */
            return (struct cpuid_regs){0x00feff01, 0xf0, 0, 0};
        return (struct cpuid_regs){0x03020101, 0, 0, 0x0c040843};
    case 4: return leaf_4(cpu, subleaf);
    case 5:
        if (cpu->features & FEAT(MONITOR)) /* one C1, and masked interrupts may end the wait */
            r = (struct cpuid_regs){CPU_MONITOR_LINE, CPU_MONITOR_LINE, 3, 0x10};
        break;
    case 6: r.eax = 1u << 2; break; /* the APIC timer never stops */
    case 7:
        if (subleaf == 0)
            show_features(cpu, 7, &r);
        if (subleaf == 0 && (cpu->cr4 & CR4_PKE))
            r.ecx |= 1u << 4; /* OSPKE */
        break;
    case 0xb: return leaf_b(cpu, subleaf);
    case 0xd: return leaf_d(cpu, subleaf);
    case 0x15: return leaf_15(cpu);
    case 0x16:
        r.eax = r.ebx = cpu->tsc_khz / 1000;
        r.ecx = 100;
        break;
    default: break;
    }
    return r;
}

static struct cpuid_regs brand(const struct cpu *cpu, unsigned part)
{
    char name[48] = {0};
    const char *p = name + part * 16;

    strncpy(name, cpu->model->brand, sizeof(name) - 1);
    return (struct cpuid_regs){ld_le32(p), ld_le32(p + 4), ld_le32(p + 8), ld_le32(p + 12)};
}

static struct cpuid_regs extended(const struct cpu *cpu, uint32_t leaf)
{
    struct cpuid_regs r = {0};

    switch (leaf) {
    case 0x80000000:
        r.eax = cpu->model->max_ext;
        if (strcmp(cpu->vendor, "AuthenticAMD") == 0) /* Intel's have zeroes there */
            r = text(cpu->model->max_ext, cpu->vendor);
        break;
    case 0x80000001:
        show_features(cpu, leaf, &r);
        if (!cpu_code64(cpu))
            r.edx &= ~(1u << 11); /* SYSCALL is #UD outside 64-bit mode */
        break;
    case 0x80000002:
    case 0x80000003:
    case 0x80000004: return brand(cpu, leaf - 0x80000002);
    case 0x80000006: r.ecx = 256u << 16 | 6u << 12 | 64; break;
    case 0x80000007:
        if (cpu->model->hypervisor)
            r.edx = 1u << 8; /* the TSC's rate never changes */
        break;
    case 0x80000008: r.eax = cpu->phys_bits | cpu->linear_bits_max << 8; break;
    default: break;
    }
    return r;
}

static struct cpuid_regs hypervisor(const struct cpu *cpu, uint32_t leaf)
{
    struct cpuid_regs r = {0};

    if (leaf == 0x40000000) {
        static const char sig[] = "PENUMBRAPENU";

        return (struct cpuid_regs){0x40000010, ld_le32(sig), ld_le32(sig + 4), ld_le32(sig + 8)};
    }
    if (leaf == 0x40000010) {
        r.eax = cpu->tsc_khz;
        r.ebx = BUS_KHZ;
    }
    return r;
}

struct cpuid_regs cpuid_query(const struct cpu *cpu, uint32_t leaf, uint32_t subleaf)
{
    const struct cpu_model *m = cpu->model;

    if (m->hypervisor && leaf >= 0x40000000 && leaf <= 0x40000010)
        return hypervisor(cpu, leaf);
    if (leaf >= 0x80000000 && leaf <= m->max_ext)
        return extended(cpu, leaf);
    if (leaf > m->max_leaf) /* out of range: as the highest basic leaf */
        leaf = m->max_leaf;
    return basic(cpu, leaf, subleaf);
}
