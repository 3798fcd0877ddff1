/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control registers and EFER; see control.h. Intel SDM volume 3A, 2.5 (control registers), 4.1.2
 * (mode changes), 4.4.1 (PDPTE loads), 4.10.4.1 (what invalidates the TLB), 10.8.5 (64-bit
 * initialisation); volume 2, MOV to control registers.
 */
#include "cpu/control.h"

#include "cpu/debugger.h"
#include "cpu/features.h"
#include "cpu/mmu.h"
#include "cpu/segments.h"

#define CR0_VALID                                                                                  \
    (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD |     \
     CR0_PG)
#define CR3_NOFLUSH (UINT64_C(1) << 63)

static bool has(const struct cpu *cpu, feature_set feat)
{
    return (cpu->features & feat) == feat;
}

/* PAE paging outside long mode keeps its four top entries inside the CPU. */
static bool uses_pdptes(uint64_t cr0, uint64_t cr4, uint64_t efer)
{
    return (cr0 & CR0_PG) && (cr4 & CR4_PAE) && !(efer & EFER_LMA);
}

static void finish(struct cpu *cpu)
{
    cpu_sync_mode(cpu);
    cpu_recheck_events(cpu);
}

/* Turning paging on or off, as far as long mode is concerned. */
static bool check_paging_switch(const struct cpu *cpu, uint64_t val)
{
    if (val & CR0_PG) {
        if (!(cpu->efer & EFER_LME))
            return true;
        return (cpu->cr4 & CR4_PAE) && !(cpu->seg[SEG_CS].attr & SEG_L) &&
               (cpu->seg[SEG_TR].attr & 8);
    }
    return !cpu_code64(cpu) && !(cpu->cr4 & CR4_PCIDE);
}

bool control_write_cr0(struct cpu *cpu, uint64_t val)
{
    uint64_t old = cpu->cr0, diff, efer = cpu->efer;

    if (val >> 32)
        return false;
    val = (val & CR0_VALID) | CR0_ET;
    if (cpu->features & FEAT(I486)) {
        if ((val & CR0_NW) && !(val & CR0_CD))
            return false;
    }
    if ((val & CR0_PG) && !(val & CR0_PE))
        return false;
    diff = val ^ old;
    if (diff & CR0_PG) {
        if (!check_paging_switch(cpu, val))
            return false;
        efer &= ~(uint64_t)EFER_LMA;
        if ((val & CR0_PG) && (efer & EFER_LME))
            efer |= EFER_LMA;
    }
    if (uses_pdptes(val, cpu->cr4, efer) && (diff & (CR0_PG | CR0_CD | CR0_NW)) &&
        !mmu_load_pdptes(cpu, cpu->cr3))
        return false;
    cpu->cr0 = val;
    cpu->efer = efer;
    if (diff & (CR0_PG | CR0_PE | CR0_WP))
        cpu_tlb_flush(cpu, true);
    if (diff & CR0_PE) {
        cpu->cpl = 0;
        seg_rederive(cpu);
    }
    finish(cpu);
    return true;
}

bool control_write_cr3(struct cpu *cpu, uint64_t val)
{
    bool keep = false;

    if (cpu_long_mode(cpu)) {
        if (cpu->cr4 & CR4_PCIDE) {
            keep = val & CR3_NOFLUSH;
            val &= ~CR3_NOFLUSH;
        }
        if (val >> cpu->phys_bits)
            return false;
    } else {
        val = (uint32_t)val;
        if (uses_pdptes(cpu->cr0, cpu->cr4, cpu->efer) && !mmu_load_pdptes(cpu, val))
            return false;
    }
    cpu->cr3 = val;
    cpu_tlb_switch(cpu, keep);
    if (cpu_debugs(cpu, DEBUG_CR3))
        debugger_cr3(cpu);
    return true;
}

void control_task_cr3(struct cpu *cpu, uint32_t val)
{
    bool pdptes = uses_pdptes(cpu->cr0, cpu->cr4, cpu->efer);

    if (!pdptes && val == cpu->cr3)
        return;
    cpu->cr3 = val;
    if (cpu_debugs(cpu, DEBUG_CR3))
        debugger_cr3(cpu);
    cpu_tlb_flush(cpu, false);
    if (pdptes && !mmu_load_pdptes(cpu, val))
        cpu_raise_err(cpu, EXC_GP, 0);
}

uint64_t control_cr0_valid(void)
{
    return CR0_VALID;
}

uint64_t control_cr4_valid(const struct cpu *cpu)
{
    static const struct {
        feature_set feat;
        uint32_t bits;
    } map[] = {
        {FEAT(VME), CR4_VME | CR4_PVI}, {FEAT(TSC), CR4_TSD},   {FEAT(DE), CR4_DE},
        {FEAT(PSE), CR4_PSE},           {FEAT(PAE), CR4_PAE},   {FEAT(MCE), CR4_MCE},
        {FEAT(PGE), CR4_PGE},           {FEAT(CMOV), CR4_PCE},  {FEAT(FXSR), CR4_OSFXSR},
        {FEAT(SSE), CR4_OSXMMEXCPT},    {FEAT(UMIP), CR4_UMIP}, {FEAT(FSGSBASE), CR4_FSGSBASE},
        {FEAT(PCID), CR4_PCIDE},        {FEAT(SMEP), CR4_SMEP}, {FEAT(SMAP), CR4_SMAP},
        {FEAT(LA57), CR4_LA57},         {FEAT(PKU), CR4_PKE},   {FEAT(XSAVE), CR4_OSXSAVE},
    };
    uint64_t valid = 0;

    for (unsigned k = 0; k < ARRAY_SIZE(map); k++) {
        if (has(cpu, map[k].feat))
            valid |= map[k].bits;
    }
    return valid;
}

bool control_write_cr4(struct cpu *cpu, uint64_t val)
{
    const uint32_t paging =
        CR4_PGE | CR4_PSE | CR4_PAE | CR4_SMEP | CR4_SMAP | CR4_PCIDE | CR4_LA57 | CR4_PKE;
    uint64_t diff = val ^ cpu->cr4;

    if (val & ~control_cr4_valid(cpu))
        return false;
    if (cpu_long_mode(cpu) && (!(val & CR4_PAE) || (diff & CR4_LA57)))
        return false;
    if ((diff & val & CR4_PCIDE) && (!cpu_long_mode(cpu) || (cpu->cr3 & 0xfff)))
        return false;
    if (uses_pdptes(cpu->cr0, val, cpu->efer) &&
        (diff & (CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP)) && !mmu_load_pdptes(cpu, cpu->cr3))
        return false;
    cpu->cr4 = val;
    if (diff & paging)
        cpu_tlb_flush(cpu, true);
    finish(cpu);
    return true;
}

bool control_write_cr8(struct cpu *cpu, uint64_t val)
{
    if (val >> 4)
        return false;
    if (cpu->hooks.set_cr8)
        cpu->hooks.set_cr8(cpu->hooks.opaque, (uint8_t)val);
    cpu_recheck_events(cpu);
    return true;
}

uint64_t control_efer_valid(const struct cpu *cpu)
{
    uint64_t valid = 0;

    if (has(cpu, FEAT(SYSCALL)))
        valid |= EFER_SCE;
    if (has(cpu, FEAT(LM)))
        valid |= EFER_LME | EFER_LMA;
    if (has(cpu, FEAT(NX)))
        valid |= EFER_NXE;
    return valid;
}

bool control_write_efer(struct cpu *cpu, uint64_t val)
{
    uint64_t valid = control_efer_valid(cpu), diff;

    if (!valid || (val & ~valid))
        return false;
    val = (val & ~(uint64_t)EFER_LMA) | (cpu->efer & EFER_LMA);
    diff = val ^ cpu->efer;
    if ((diff & EFER_LME) && (cpu->cr0 & CR0_PG))
        return false;
    cpu->efer = val;
    if (diff & EFER_NXE)
        cpu_tlb_flush(cpu, true);
    finish(cpu);
    return true;
}
