/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model-specific registers: one row each, with the feature it comes with. Intel SDM volume 4,
 * chapter 2 (architectural MSRs); volume 3A, 11.11 (MTRRs), 11.12 (PAT), 15.3 (machine
 * check), 17.17 (TSC).
 */
#include "cpu/msr.h"

#include "base/log.h"
#include "cpu/control.h"
#include "cpu/features.h"

/* IA32_ARCH_CAPABILITIES: not affected by RDCL, SSB, MDS, the page-size-change machine check, TAA,
 * MMIO stale data, BHI, PBRSB, GDS, RFDS, ITS; IBRS is enhanced; no need to flush L1 on VM entry.
 */
#define ARCH_CAPS                                                                                  \
    (1u << 0 | 1u << 1 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 8 | 1u << 13 | 1u << 14 |   \
     1u << 15 | 1u << 20 | 1u << 24 | 1u << 26 | 1u << 27 | UINT64_C(1) << 62)

#define MISC_ENABLE_NO_BTS  0x00000800u
#define MISC_ENABLE_NO_PEBS 0x00001000u

#define MSR_P5_MC_ADDR     0x00u
#define MSR_P5_MC_TYPE     0x01u
#define MSR_EBL_CR_POWERON 0x2au
#define MSR_BIOS_UPDT_TRIG 0x79u
#define MSR_SMBASE         0x9eu
#define MSR_PLATFORM_INFO  0xceu
#define MSR_PERF_STATUS    0x198u
#define MSR_DEBUGCTL       0x1d9u
#define MSR_MTRR_PHYS_END  (MSR_MTRR_PHYSBASE0 + 2 * MSR_VAR_MTRRS)
#define MSR_MTRR_FIX4K_END (MSR_MTRR_FIX4K_C0000 + 8)
#define MSR_X2APIC         0x800u
#define MSR_X2APIC_END     0x900u
#define MSR_MC_END         (MSR_MC0_CTL + 4 * MSR_MC_BANKS)

static bool has(const struct cpu *cpu, feature_set feat)
{
    return (cpu->features & feat) == feat;
}

static bool memory_type_ok(unsigned type)
{
    return type == 0 || type == 1 || (type >= 4 && type <= 6);
}

/* Every byte a legal memory type; PAT also allows 7, UC-. */
static bool memory_types_ok(uint64_t val, bool pat)
{
    for (unsigned k = 0; k < 8; k++) {
        unsigned type = (val >> (k * 8)) & 0xff;

        if (!memory_type_ok(type) && !(pat && type == 7))
            return false;
    }
    return true;
}

static uint64_t phys_reserved(const struct cpu *cpu)
{
    return ~((UINT64_C(1) << cpu->phys_bits) - 1);
}

/* ---- time ---- */

static bool read_tsc(struct cpu *cpu, uint32_t index, uint64_t *val)
{
    (void)index;
    *val = cpu_tsc(cpu);
    return true;
}

static bool write_tsc(struct cpu *cpu, uint32_t index, uint64_t val)
{
    uint64_t delta = val - cpu_tsc(cpu);

    (void)index;
    cpu->tsc_offset += delta;
    cpu->tsc_adjust += delta;
    return true;
}

static bool write_tsc_adjust(struct cpu *cpu, uint32_t index, uint64_t val)
{
    (void)index;
    cpu->tsc_offset += val - cpu->tsc_adjust;
    cpu->tsc_adjust = val;
    return true;
}

static bool read_deadline(struct cpu *cpu, uint32_t index, uint64_t *val)
{
    (void)index;
    *val = cpu->hooks.get_tsc_deadline ? cpu->hooks.get_tsc_deadline(cpu->hooks.opaque) : 0;
    return true;
}

static bool write_deadline(struct cpu *cpu, uint32_t index, uint64_t val)
{
    (void)index;
    if (cpu->hooks.set_tsc_deadline)
        cpu->hooks.set_tsc_deadline(cpu->hooks.opaque, val);
    return true;
}

/* ---- hooks and constants ---- */

static bool read_apic_base(struct cpu *cpu, uint32_t index, uint64_t *val)
{
    (void)index;
    if (!cpu->hooks.get_apic_base)
        return false;
    *val = cpu->hooks.get_apic_base(cpu->hooks.opaque);
    return true;
}

static bool write_apic_base(struct cpu *cpu, uint32_t index, uint64_t val)
{
    uint64_t reserved = phys_reserved(cpu) | 0x2ff | (has(cpu, FEAT(X2APIC)) ? 0 : 0x400);

    (void)index;
    if ((val & reserved) || !cpu->hooks.set_apic_base)
        return false;
    return cpu->hooks.set_apic_base(cpu->hooks.opaque, val);
}

static bool read_x2apic(struct cpu *cpu, uint32_t index, uint64_t *val)
{
    return cpu->hooks.apic_msr_read && cpu->hooks.apic_msr_read(cpu->hooks.opaque, index, val);
}

static bool write_x2apic(struct cpu *cpu, uint32_t index, uint64_t val)
{
    return cpu->hooks.apic_msr_write && cpu->hooks.apic_msr_write(cpu->hooks.opaque, index, val);
}

static bool read_platform(struct cpu *cpu, uint32_t index, uint64_t *val)
{
    uint64_t ratio = cpu->tsc_khz / 100000; /* of a 100 MHz bus */

    switch (index) {
    case MSR_BIOS_SIGN_ID: *val = UINT64_C(1) << 32; break;
    case MSR_ARCH_CAPABILITIES: *val = ARCH_CAPS; break;
    case MSR_MTRRCAP: *val = MSR_VAR_MTRRS | 1u << 8 | 1u << 10; break;
    case MSR_MCG_CAP: *val = MSR_MC_BANKS | 1u << 8; break;
    case MSR_PLATFORM_INFO:
    case MSR_PERF_STATUS: *val = (ratio & 0xff) << 8; break;
    default: *val = 0;
    }
    return true;
}

static bool write_ignored(struct cpu *cpu, uint32_t index, uint64_t val)
{
    (void)cpu;
    if (val)
        log_guest("cpu: write of %llx to MSR %x has no effect", (unsigned long long)val, index);
    return true;
}

static bool write_pred_cmd(struct cpu *cpu, uint32_t index, uint64_t val)
{
    (void)cpu;
    (void)index;
    return !(val & ~UINT64_C(1));
}

static bool read_smbase(struct cpu *cpu, uint32_t index, uint64_t *val)
{
    (void)index;
    *val = cpu->smbase;
    return cpu->in_smm;
}

/* ---- plain registers with a check ---- */

static uint64_t *field_of(struct cpu *cpu, uint32_t index)
{
    switch (index) {
    case MSR_TSC_ADJUST: return &cpu->tsc_adjust;
    case MSR_FEATURE_CONTROL: return &cpu->feature_control;
    case MSR_SPEC_CTRL: return &cpu->spec_ctrl;
    case MSR_SYSENTER_CS: return &cpu->sysenter_cs;
    case MSR_SYSENTER_ESP: return &cpu->sysenter_esp;
    case MSR_SYSENTER_EIP: return &cpu->sysenter_eip;
    case MSR_MCG_STATUS: return &cpu->mcg_status;
    case MSR_MCG_CTL: return &cpu->mcg_ctl;
    case MSR_PAT: return &cpu->pat;
    case MSR_XSS: return &cpu->xss;
    case MSR_MTRR_DEF_TYPE: return &cpu->mtrr_def_type;
    case MSR_EFER: return &cpu->efer;
    case MSR_STAR: return &cpu->star;
    case MSR_LSTAR: return &cpu->lstar;
    case MSR_CSTAR: return &cpu->cstar;
    case MSR_SFMASK: return &cpu->sfmask;
    case MSR_FS_BASE: return &cpu->seg[SEG_FS].base;
    case MSR_GS_BASE: return &cpu->seg[SEG_GS].base;
    case MSR_KERNEL_GS_BASE: return &cpu->kernel_gs_base;
    case MSR_TSC_AUX: return &cpu->tsc_aux;
    default: return NULL;
    }
}

static bool read_field(struct cpu *cpu, uint32_t index, uint64_t *val)
{
    *val = *field_of(cpu, index);
    return true;
}

static bool write_field(struct cpu *cpu, uint32_t index, uint64_t val)
{
    *field_of(cpu, index) = val;
    return true;
}

static bool write_canonical(struct cpu *cpu, uint32_t index, uint64_t val)
{
    return gva_canonical_ever(cpu, val) && write_field(cpu, index, val);
}

static bool write_low32(struct cpu *cpu, uint32_t index, uint64_t val)
{
    return !(val >> 32) && write_field(cpu, index, val);
}

/* Bits above 31 are not kept. */
static bool write_trunc32(struct cpu *cpu, uint32_t index, uint64_t val)
{
    return write_field(cpu, index, (uint32_t)val);
}

static bool write_spec_ctrl(struct cpu *cpu, uint32_t index, uint64_t val)
{
    return !(val & ~UINT64_C(3)) && write_field(cpu, index, val);
}

/* No state component is the supervisor's alone. */
static bool write_xss(struct cpu *cpu, uint32_t index, uint64_t val)
{
    return val == 0 && write_field(cpu, index, val);
}

static bool write_pat(struct cpu *cpu, uint32_t index, uint64_t val)
{
    return memory_types_ok(val, true) && write_field(cpu, index, val);
}

static bool write_def_type(struct cpu *cpu, uint32_t index, uint64_t val)
{
    return !(val & ~UINT64_C(0xcff)) && memory_type_ok(val & 0xff) && write_field(cpu, index, val);
}

static bool write_efer(struct cpu *cpu, uint32_t index, uint64_t val)
{
    (void)index;
    return control_write_efer(cpu, val);
}

static bool write_mcg_status(struct cpu *cpu, uint32_t index, uint64_t val)
{
    return val == 0 && write_field(cpu, index, val);
}

static bool write_mcg_ctl(struct cpu *cpu, uint32_t index, uint64_t val)
{
    return (val == 0 || val == UINT64_MAX) && write_field(cpu, index, val);
}

static bool read_misc_enable(struct cpu *cpu, uint32_t index, uint64_t *val)
{
    (void)index;
    *val = cpu->misc_enable | MISC_ENABLE_NO_BTS | MISC_ENABLE_NO_PEBS;
    return true;
}

static bool write_misc_enable(struct cpu *cpu, uint32_t index, uint64_t val)
{
    (void)index;
    cpu->misc_enable = val & (MISC_ENABLE_FAST_STRINGS |
                              (cpu->features & FEAT(MONITOR) ? MISC_ENABLE_MONITOR : 0));
    return true;
}

/* ---- families ---- */

int msr_fixed_mtrr_slot(uint32_t index)
{
    if (index == MSR_MTRR_FIX64K)
        return 0;
    if (index == MSR_MTRR_FIX16K_80000 || index == MSR_MTRR_FIX16K_A0000)
        return (int)(index - MSR_MTRR_FIX16K_80000) + 1;
    if (index >= MSR_MTRR_FIX4K_C0000 && index < MSR_MTRR_FIX4K_END)
        return (int)(index - MSR_MTRR_FIX4K_C0000) + 3;
    return -1;
}

static bool read_mtrr(struct cpu *cpu, uint32_t index, uint64_t *val)
{
    int slot = msr_fixed_mtrr_slot(index);

    *val = slot >= 0 ? cpu->mtrr_fixed[slot] : cpu->mtrr_var[index - MSR_MTRR_PHYSBASE0];
    return true;
}

static bool write_mtrr(struct cpu *cpu, uint32_t index, uint64_t val)
{
    int slot = msr_fixed_mtrr_slot(index);
    unsigned n;

    if (slot >= 0) {
        if (!memory_types_ok(val, false))
            return false;
        cpu->mtrr_fixed[slot] = val;
        return true;
    }
    n = index - MSR_MTRR_PHYSBASE0;
    if (val & phys_reserved(cpu))
        return false;
    if (n & 1 ? (val & 0x7ff) != 0 : (val & 0xf00) != 0 || !memory_type_ok(val & 0xff))
        return false;
    cpu->mtrr_var[n] = val;
    return true;
}

/* A bank's CTL, STATUS, ADDR and MISC. No error is ever logged here, so the last three are zero. */
static bool read_mc(struct cpu *cpu, uint32_t index, uint64_t *val)
{
    unsigned n = index - MSR_MC0_CTL;

    *val = n & 3 ? 0 : cpu->mc_ctl[n / 4];
    return true;
}

static bool write_mc(struct cpu *cpu, uint32_t index, uint64_t val)
{
    unsigned n = index - MSR_MC0_CTL;

    if (n & 3)
        return val == 0;
    cpu->mc_ctl[n / 4] = val;
    return true;
}

/* ---- the table ---- */

struct msr {
    uint32_t first, end; /* [first, end) */
    feature_set feat;
    bool (*read)(struct cpu *cpu, uint32_t index, uint64_t *val);
    bool (*write)(struct cpu *cpu, uint32_t index, uint64_t val);
};

#define ONE(index) (index), (index) + 1u
static const struct msr msrs[] = {
    {MSR_P5_MC_ADDR, MSR_P5_MC_TYPE + 1, FEAT(MCE), read_platform, write_ignored},
    {ONE(MSR_TSC), FEAT(TSC), read_tsc, write_tsc},
    {ONE(MSR_PLATFORM_ID), FEAT(CMOV), read_platform, NULL},
    {ONE(MSR_APIC_BASE), FEAT(APIC) | FEAT(CMOV), read_apic_base, write_apic_base},
    {ONE(MSR_EBL_CR_POWERON), FEAT(CMOV), read_platform, write_ignored},
    {ONE(MSR_FEATURE_CONTROL), FEAT(LM), read_field, NULL},
    {ONE(MSR_TSC_ADJUST), FEAT(TSC_DEADLINE), read_field, write_tsc_adjust},
    {ONE(MSR_SPEC_CTRL), FEAT(SPEC_CTRL), read_field, write_spec_ctrl},
    {ONE(MSR_PRED_CMD), FEAT(SPEC_CTRL), NULL, write_pred_cmd},
    {ONE(MSR_BIOS_UPDT_TRIG), FEAT(CMOV), NULL, write_ignored},
    {ONE(MSR_BIOS_SIGN_ID), FEAT(CMOV), read_platform, write_ignored},
    {ONE(MSR_SMBASE), FEAT(LM), read_smbase, NULL},
    {ONE(MSR_PLATFORM_INFO), FEAT(LM), read_platform, NULL},
    {ONE(MSR_MTRRCAP), FEAT(MTRR), read_platform, NULL},
    {ONE(MSR_ARCH_CAPABILITIES), FEAT(ARCH_CAP), read_platform, NULL},
    {ONE(MSR_SYSENTER_CS), FEAT(SEP), read_field, write_trunc32},
    {ONE(MSR_SYSENTER_ESP), FEAT(SEP), read_field, write_canonical},
    {ONE(MSR_SYSENTER_EIP), FEAT(SEP), read_field, write_canonical},
    {ONE(MSR_MCG_CAP), FEAT(MCA), read_platform, NULL},
    {ONE(MSR_MCG_STATUS), FEAT(MCA), read_field, write_mcg_status},
    {ONE(MSR_MCG_CTL), FEAT(MCA), read_field, write_mcg_ctl},
    {ONE(MSR_PERF_STATUS), FEAT(LM), read_platform, NULL},
    {ONE(MSR_MISC_ENABLE), FEAT(LM), read_misc_enable, write_misc_enable},
    {ONE(MSR_DEBUGCTL), FEAT(CMOV), read_platform, write_ignored},
    {ONE(MSR_POWER_CTL), FEAT(MONITOR), read_platform, write_ignored}, /* idle drivers: no C1E */
    {MSR_MTRR_PHYSBASE0, MSR_MTRR_PHYS_END, FEAT(MTRR), read_mtrr, write_mtrr},
    {ONE(MSR_MTRR_FIX64K), FEAT(MTRR), read_mtrr, write_mtrr},
    {MSR_MTRR_FIX16K_80000, MSR_MTRR_FIX16K_A0000 + 1, FEAT(MTRR), read_mtrr, write_mtrr},
    {MSR_MTRR_FIX4K_C0000, MSR_MTRR_FIX4K_END, FEAT(MTRR), read_mtrr, write_mtrr},
    {ONE(MSR_PAT), FEAT(PAT), read_field, write_pat},
    {ONE(MSR_MTRR_DEF_TYPE), FEAT(MTRR), read_field, write_def_type},
    {MSR_MC0_CTL, MSR_MC_END, FEAT(MCA), read_mc, write_mc},
    {ONE(MSR_TSC_DEADLINE), FEAT(TSC_DEADLINE), read_deadline, write_deadline},
    {MSR_X2APIC, MSR_X2APIC_END, FEAT(X2APIC), read_x2apic, write_x2apic},
    {ONE(MSR_XSS), FEAT(XSAVES), read_field, write_xss},
    {ONE(MSR_EFER), FEAT(NX), read_field, write_efer},
    {ONE(MSR_STAR), FEAT(SYSCALL), read_field, write_field},
    {ONE(MSR_LSTAR), FEAT(SYSCALL), read_field, write_canonical},
    {ONE(MSR_CSTAR), FEAT(SYSCALL), read_field, write_canonical},
    {ONE(MSR_SFMASK), FEAT(SYSCALL), read_field, write_trunc32},
    {ONE(MSR_FS_BASE), FEAT(LM), read_field, write_canonical},
    {ONE(MSR_GS_BASE), FEAT(LM), read_field, write_canonical},
    {ONE(MSR_KERNEL_GS_BASE), FEAT(LM), read_field, write_canonical},
    {ONE(MSR_TSC_AUX), FEAT(RDTSCP), read_field, write_low32},
};

static const struct msr *msr_find(const struct cpu *cpu, uint32_t index)
{
    for (unsigned k = 0; k < ARRAY_SIZE(msrs); k++) {
        if (index >= msrs[k].first && index < msrs[k].end)
            return has(cpu, msrs[k].feat) ? &msrs[k] : NULL;
    }
    return NULL;
}

bool msr_read(struct cpu *cpu, uint32_t index, uint64_t *val)
{
    const struct msr *m = msr_find(cpu, index);

    if (m && m->read && m->read(cpu, index, val))
        return true;
    log_guest("cpu: read of MSR %x is #GP", index);
    return false;
}

bool msr_write(struct cpu *cpu, uint32_t index, uint64_t val)
{
    const struct msr *m = msr_find(cpu, index);

    if (m && m->write && m->write(cpu, index, val))
        return true;
    log_guest("cpu: write of %llx to MSR %x is #GP", (unsigned long long)val, index);
    return false;
}
