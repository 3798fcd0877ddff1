/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RFLAGS whole and its system bits, and HLT. Intel SDM volume 2: PUSHF, POPF, CLI, STI, CLAC, STAC,
 * HLT; volume 3A, 20.3 and 20.4 (virtual interrupts).
 */
#include "cpu/exec.h"
#include "cpu/far.h"
#include "cpu/farstack.h"
#include "cpu/fetch.h"

/* Virtual-8086 mode, IOPL < 3. */
static bool v86_limited(const struct cpu *cpu)
{
    return (cpu->rflags & FL_VM) && cpu_iopl(cpu) < 3;
}

HANDLER(pushf)
{
    struct fstack st = fstack_current(cpu, 0);
    uint64_t fl = cpu_rflags(cpu) & ~(uint64_t)(FL_VM | FL_RF);

    AT(i);
    if (v86_limited(cpu)) {
        if (!(cpu->cr4 & CR4_VME) || i->osz != SZ16)
            RAISE_ERR(EXC_GP, 0);
        fl = (fl | FL_IOPL) & ~(uint64_t)FL_IF;
        if (cpu->rflags & FL_VIF)
            fl |= FL_IF;
    }
    fstack_push(cpu, &st, &fl, 1, OSIZE(i));
    fstack_commit(cpu, &st);
    NEXT;
}
FAMILY(h_pushf, pushf);

/* POPF with VME in virtual-8086 mode: IF is VIF. */
static void popf_virtual(struct cpu *cpu, const struct insn *i, uint64_t fl)
{
    uint64_t may = FL_ARITH | FL_TF | FL_DF | FL_NT;

    if (!(cpu->cr4 & CR4_VME) || i->osz != SZ16)
        RAISE_ERR(EXC_GP, 0);
    if ((fl & FL_TF) || ((fl & FL_IF) && (cpu->rflags & FL_VIP)))
        RAISE_ERR(EXC_GP, 0);
    cpu_set_rflags(cpu,
                   (cpu_rflags(cpu) & ~(may | FL_VIF)) | (fl & may) | (fl & FL_IF ? FL_VIF : 0u));
}

static void popf_plain(struct cpu *cpu, const struct insn *i, uint64_t fl)
{
    uint64_t may = FL_ARITH | FL_TF | FL_DF | FL_NT;

    if (i->osz != SZ16)
        may |= FL_AC | FL_ID | FL_RF;
    if (cpu->cpl == 0)
        may |= FL_IOPL;
    if (cpu->cpl <= cpu_iopl(cpu) || (cpu->rflags & FL_VM))
        may |= FL_IF;
    fl &= ~(uint64_t)FL_RF;
    cpu_set_rflags(cpu, (cpu_rflags(cpu) & ~may) | (fl & may));
}

HANDLER(popf)
{
    struct fstack st = fstack_current(cpu, 0);
    uint64_t fl, changed = cpu->rflags;

    AT(i);
    if (v86_limited(cpu) && (!(cpu->cr4 & CR4_VME) || i->osz != SZ16))
        RAISE_ERR(EXC_GP, 0);
    fl = fstack_peek(cpu, &st, 0, OSIZE(i));
    if (v86_limited(cpu))
        popf_virtual(cpu, i, fl);
    else
        popf_plain(cpu, i, fl);
    fstack_drop(&st, OSIZE(i));
    fstack_commit(cpu, &st);
    changed ^= cpu->rflags;
    if (changed & (FL_TF | FL_AC))
        cpu_sync_mode(cpu);
    if (changed & FL_IF)
        cpu_recheck_events(cpu);
    GO_ON_AFTER;
}
FAMILY(h_popf, popf);

/* CLI and STI act on IF, on VIF, or fault. */
static uint64_t interrupt_flag(struct cpu *cpu, const struct insn *i)
{
    if (!(cpu->cr0 & CR0_PE))
        return FL_IF;
    if (cpu->rflags & FL_VM) {
        if (cpu_iopl(cpu) == 3)
            return FL_IF;
        if (cpu->cr4 & CR4_VME)
            return FL_VIF;
    } else {
        if (cpu->cpl <= cpu_iopl(cpu))
            return FL_IF;
        if (cpu->cpl == 3 && (cpu->cr4 & CR4_PVI))
            return FL_VIF;
    }
    RAISE_ERR(EXC_GP, 0);
}

HANDLER(cli)
{
    cpu->rflags &= ~interrupt_flag(cpu, i);
    NEXT;
}
FAMILY(h_cli, cli);

HANDLER(sti)
{
    uint64_t flag = interrupt_flag(cpu, i);

    if (flag == FL_VIF && (cpu->rflags & FL_VIP))
        RAISE_ERR(EXC_GP, 0);
    if (flag == FL_IF && !(cpu->rflags & FL_IF)) {
        cpu->inhibit = INHIBIT_INTR;
        cpu_sync_mode(cpu);
    }
    cpu->rflags |= flag;
    cpu_recheck_events(cpu);
    GO_ON_AFTER;
}
FAMILY(h_sti, sti);

HANDLER(clac)
{
    if (cpu->cpl > 0 || (cpu->rflags & FL_VM))
        RAISE(EXC_UD);
    cpu->rflags &= ~(uint64_t)FL_AC;
    tlb_sync_key(cpu); /* in ring 0, AC is only about SMAP */
    NEXT;
}
FAMILY(h_clac, clac);

HANDLER(stac)
{
    if (cpu->cpl > 0 || (cpu->rflags & FL_VM))
        RAISE(EXC_UD);
    cpu->rflags |= FL_AC;
    tlb_sync_key(cpu);
    NEXT;
}
FAMILY(h_stac, stac);

HANDLER(hlt)
{
    if (cpu->cpl > 0)
        RAISE_ERR(EXC_GP, 0);
    cpu->halted = true;
    cpu->monitor.waiting = false;
    cpu_recheck_events(cpu);
    LEAVE_AFTER;
}
FAMILY(h_hlt, hlt);
