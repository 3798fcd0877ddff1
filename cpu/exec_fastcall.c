/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SYSCALL, SYSRET, SYSENTER, SYSEXIT, and the base registers of FS and GS. Intel SDM volume 2 (so:
 * SYSCALL only in 64-bit mode, and SYSRET checks RCX before it leaves ring 0).
 */
#include "cpu/exec.h"
#include "cpu/far.h"
#include "cpu/segments.h"

#define CODE64 (SEG_P | SEG_S | 0xbu | SEG_L | SEG_G)
#define CODE32 (SEG_P | SEG_S | 0xbu | SEG_DB | SEG_G)
#define DATA   (SEG_P | SEG_S | 0x3u | SEG_DB | SEG_G)

/* Loads flat CS and SS for privilege level pl without looking at any table. */
static void set_flat(struct cpu *cpu, uint16_t cs, uint16_t ss, unsigned pl, bool code64)
{
    unsigned dpl = pl << SEG_DPL_SHIFT;

    cpu->cpl = (uint8_t)pl;
    seg_set_flat(cpu, SEG_CS, (uint16_t)((cs & 0xfffc) | pl), (code64 ? CODE64 : CODE32) | dpl);
    seg_set_flat(cpu, SEG_SS, (uint16_t)((ss & 0xfffc) | pl), DATA | dpl);
}

static void done(struct cpu *cpu)
{
    cpu_sync_mode(cpu);
    cpu_recheck_events(cpu);
}

HANDLER(syscall)
{
    uint16_t cs = (uint16_t)(cpu->star >> 32);

    if (!cpu_code64(cpu) || !(cpu->efer & EFER_SCE))
        RAISE(EXC_UD);
    cpu->gpr[REG_RCX] = insn_next_rip(cpu, i);
    cpu->gpr[REG_R11] = cpu_rflags(cpu) & ~(uint64_t)FL_RF;
    cpu_set_rflags(cpu, cpu_rflags(cpu) & ~(cpu->sfmask | FL_RF));
    if (!(cpu->rflags & FL_TF)) /* SFMASK keeps single steps out of the kernel */
        cpu->pending_db &= ~(uint64_t)DR6_BS;
    cpu->gpr[REG_RIP] = cpu->lstar;
    set_flat(cpu, cs & 0xfffc, (uint16_t)((cs & 0xfffc) + 8), 0, true);
    done(cpu);
    GO_ON;
}
FAMILY(h_syscall, syscall);

HANDLER(sysret)
{
    uint16_t base = (uint16_t)(cpu->star >> 48);
    bool wide = i->osz == SZ64;
    uint64_t rip = cpu->gpr[REG_RCX];

    if (!cpu_code64(cpu) || !(cpu->efer & EFER_SCE))
        RAISE(EXC_UD);
    if (cpu->cpl > 0 || (wide && !gva_canonical(cpu, rip)))
        RAISE_ERR(EXC_GP, 0);
    cpu_set_rflags(cpu, cpu->gpr[REG_R11] & 0x3c7fd7);
    cpu->gpr[REG_RIP] = wide ? rip : (uint32_t)rip;
    set_flat(cpu, (uint16_t)(wide ? base + 16 : base), (uint16_t)(base + 8), 3, wide);
    done(cpu);
    GO_ON;
}
FAMILY(h_sysret, sysret);

HANDLER(sysenter)
{
    bool wide = cpu_long_mode(cpu);
    uint16_t cs = (uint16_t)(cpu->sysenter_cs & 0xfffc);

    if (!(cpu->cr0 & CR0_PE) || !cs)
        RAISE_ERR(EXC_GP, 0);
    cpu->rflags &= ~(uint64_t)(FL_VM | FL_IF | FL_RF);
    cpu->gpr[REG_RSP] = wide ? cpu->sysenter_esp : (uint32_t)cpu->sysenter_esp;
    cpu->gpr[REG_RIP] = wide ? cpu->sysenter_eip : (uint32_t)cpu->sysenter_eip;
    set_flat(cpu, cs, (uint16_t)(cs + 8), 0, wide);
    done(cpu);
    GO_ON;
}
FAMILY(h_sysenter, sysenter);

HANDLER(sysexit)
{
    bool wide = i->osz == SZ64;
    uint16_t cs = (uint16_t)(cpu->sysenter_cs & 0xfffc);
    uint64_t rip = cpu->gpr[REG_RDX], rsp = cpu->gpr[REG_RCX];

    if (!cpu_protected(cpu) || !cs || cpu->cpl > 0)
        RAISE_ERR(EXC_GP, 0);
    if (wide && (!gva_canonical(cpu, rip) || !gva_canonical(cpu, rsp)))
        RAISE_ERR(EXC_GP, 0);
    cpu->gpr[REG_RIP] = wide ? rip : (uint32_t)rip;
    cpu->gpr[REG_RSP] = wide ? rsp : (uint32_t)rsp;
    cs = (uint16_t)(cs + (wide ? 32 : 16));
    set_flat(cpu, cs, (uint16_t)(cs + 8), 3, wide);
    done(cpu);
    GO_ON;
}
FAMILY(h_sysexit, sysexit);

/* ---- FS and GS bases ---- */

HANDLER(swapgs)
{
    uint64_t base = cpu->seg[SEG_GS].base;

    if (cpu->cpl > 0)
        RAISE_ERR(EXC_GP, 0);
    cpu->seg[SEG_GS].base = cpu->kernel_gs_base;
    cpu->kernel_gs_base = base;
    NEXT;
}
FAMILY(h_swapgs, swapgs);

static void check_fsgsbase(struct cpu *cpu, const struct insn *i)
{
    if (!(cpu->cr4 & CR4_FSGSBASE))
        RAISE(EXC_UD);
}

static void read_base(struct cpu *cpu, const struct insn *i, unsigned n)
{
    check_fsgsbase(cpu, i);
    reg_set(cpu, i->rm, cpu->seg[n].base, i->osz == SZ64 ? SZ64 : SZ32);
}

static void write_base(struct cpu *cpu, const struct insn *i, unsigned n)
{
    uint64_t v;

    check_fsgsbase(cpu, i);
    v = reg_get(cpu, i->rm, i->osz == SZ64 ? SZ64 : SZ32);
    if (!gva_canonical_ever(cpu, v))
        RAISE_ERR(EXC_GP, 0);
    cpu->seg[n].base = v;
}

HANDLER(rdfsbase)
{
    read_base(cpu, i, SEG_FS);
    NEXT;
}
FAMILY(h_rdfsbase, rdfsbase);

HANDLER(rdgsbase)
{
    read_base(cpu, i, SEG_GS);
    NEXT;
}
FAMILY(h_rdgsbase, rdgsbase);

HANDLER(wrfsbase)
{
    write_base(cpu, i, SEG_FS);
    NEXT;
}
FAMILY(h_wrfsbase, wrfsbase);

HANDLER(wrgsbase)
{
    write_base(cpu, i, SEG_GS);
    NEXT;
}
FAMILY(h_wrgsbase, wrgsbase);
