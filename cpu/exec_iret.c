/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IRET in all its forms. Intel SDM volume 2, IRET; volume 3A, 6.14.3 (64-bit), 8.3 (nested
 * tasks), 20.2.3 (to and from virtual-8086 mode).
 */
#include "cpu/exec.h"
#include "cpu/far.h"
#include "cpu/farstack.h"
#include "cpu/segments.h"
#include "cpu/task.h"

#define FL_POPPED                                                                                  \
    (FL_ARITH | FL_TF | FL_IF | FL_DF | FL_IOPL | FL_NT | FL_RF | FL_AC | FL_VIF | FL_VIP | FL_ID)

/* RFLAGS := the bits of fl in `may`, the others as they are. */
static void merge_flags(struct cpu *cpu, uint64_t fl, uint64_t may, unsigned size)
{
    if (size == 2)
        may &= 0xffff;
    cpu_set_rflags(cpu, (cpu_rflags(cpu) & ~may) | (fl & may));
}

static void iret_real(struct cpu *cpu, unsigned size)
{
    struct fstack st = fstack_current(cpu, 0);
    uint64_t rip = fstack_peek(cpu, &st, 0, size);
    uint16_t sel = (uint16_t)fstack_peek(cpu, &st, size, size);
    uint64_t fl = fstack_peek(cpu, &st, size * 2, size);

    if (rip > cpu->seg[SEG_CS].limit)
        cpu_raise_err(cpu, EXC_GP, 0);
    fstack_drop(&st, size * 3);
    seg_set_real(cpu, SEG_CS, sel);
    cpu->gpr[REG_RIP] = rip;
    merge_flags(cpu, fl, FL_POPPED & ~(FL_VIF | FL_VIP), size);
    fstack_commit(cpu, &st);
}

static void iret_v86(struct cpu *cpu, unsigned size)
{
    struct fstack st = fstack_current(cpu, 0);
    uint64_t may = FL_POPPED & ~(FL_VIF | FL_VIP | FL_IOPL), rip, fl;
    bool vme = false;
    uint16_t sel;

    if (cpu_iopl(cpu) < 3) {
        vme = (cpu->cr4 & CR4_VME) && size == 2;
        if (!vme)
            cpu_raise_err(cpu, EXC_GP, 0);
    }
    rip = fstack_peek(cpu, &st, 0, size);
    sel = (uint16_t)fstack_peek(cpu, &st, size, size);
    fl = fstack_peek(cpu, &st, size * 2, size);
    if (rip > 0xffff)
        cpu_raise_err(cpu, EXC_GP, 0);
    if (vme) {
        if ((fl & FL_TF) || ((fl & FL_IF) && (cpu->rflags & FL_VIP)))
            cpu_raise_err(cpu, EXC_GP, 0);
        may &= ~(uint64_t)FL_IF;
    }
    fstack_drop(&st, size * 3);
    merge_flags(cpu, fl, may, size);
    if (vme)
        cpu->rflags = (cpu->rflags & ~(uint64_t)FL_VIF) | (fl & FL_IF ? FL_VIF : 0u);
    seg_set_v86(cpu, SEG_CS, sel);
    cpu->gpr[REG_RIP] = rip;
    fstack_commit(cpu, &st);
}

/* From CPL 0 back to a virtual-8086 task: nine words. */
static void iret_to_v86(struct cpu *cpu, struct fstack *st, uint64_t rip, uint16_t cs, uint64_t fl)
{
    static const uint8_t order[] = {SEG_ES, SEG_DS, SEG_FS, SEG_GS};
    uint64_t esp = fstack_peek(cpu, st, 12, 4);
    uint16_t ss = (uint16_t)fstack_peek(cpu, st, 16, 4), sel[4];

    for (unsigned k = 0; k < 4; k++)
        sel[k] = (uint16_t)fstack_peek(cpu, st, 20 + k * 4, 4);
    if ((rip & 0xffffffff) > 0xffff)
        cpu_raise_err(cpu, EXC_GP, 0);
    cpu_set_rflags(cpu, (fl & (FL_POPPED | FL_VM)));
    cpu->cpl = 3;
    seg_set_v86(cpu, SEG_CS, cs);
    seg_set_v86(cpu, SEG_SS, ss);
    for (unsigned k = 0; k < 4; k++)
        seg_set_v86(cpu, order[k], sel[k]);
    cpu->gpr[REG_RIP] = rip;
    cpu->gpr[REG_RSP] = esp;
}

static void iret_task(struct cpu *cpu, const struct insn *i)
{
    const struct segment *tr = &cpu->seg[SEG_TR];
    uint16_t link = (uint16_t)sys_read(cpu, (uint32_t)tr->base, 2);
    struct descriptor d;
    unsigned type;

    if ((link & 4) || !desc_fetch(cpu, link, &d))
        sel_fault(cpu, EXC_TS, link, 0);
    type = d.attr & (SEG_S | SEG_TYPE);
    if (type != SYS_TSS16_BUSY && type != SYS_TSS32_BUSY)
        sel_fault(cpu, EXC_TS, link, 0);
    if (!(d.attr & SEG_P))
        sel_fault(cpu, EXC_NP, link, 0);
    task_switch(cpu, &d, TASK_IRET, insn_next_rip(cpu, i), false, 0, 0);
}

/* What IRET at this privilege level may change. */
static uint64_t iret_flags(const struct cpu *cpu)
{
    uint64_t may = FL_ARITH | FL_TF | FL_DF | FL_NT | FL_RF | FL_AC | FL_ID;

    if (cpu->cpl == 0)
        may |= FL_IOPL | FL_VIF | FL_VIP;
    if (cpu->cpl <= cpu_iopl(cpu))
        may |= FL_IF;
    return may;
}

static void iret_protected(struct cpu *cpu, unsigned size)
{
    struct fstack st = fstack_current(cpu, 0);
    uint64_t rip = fstack_peek(cpu, &st, 0, size), rsp = 0;
    uint16_t sel = (uint16_t)fstack_peek(cpu, &st, size, size), ss_sel = 0;
    uint64_t fl = fstack_peek(cpu, &st, size * 2, size), may = iret_flags(cpu);
    unsigned rpl = sel & 3, old_cpl = cpu->cpl;
    bool pops_ss = cpu_code64(cpu) || rpl != cpu->cpl, have_ss = false;
    struct descriptor cs, ss;

    if ((fl & FL_VM) && size == 4 && cpu->cpl == 0 && !cpu_long_mode(cpu)) {
        iret_to_v86(cpu, &st, rip, sel, fl);
        return;
    }
    far_check_return_cs(cpu, sel, &cs);
    if (pops_ss) {
        rsp = fstack_peek(cpu, &st, size * 3, size);
        ss_sel = (uint16_t)fstack_peek(cpu, &st, size * 4, size);
        have_ss = far_check_return_ss(cpu, ss_sel, &cs, rpl, &ss);
    }
    far_check_target(cpu, &cs, rip);
    desc_set_type_bits(cpu, &cs, SEG_T_ACCESSED);
    if (have_ss)
        desc_set_type_bits(cpu, &ss, SEG_T_ACCESSED);

    merge_flags(cpu, fl, may, size);
    far_enter(cpu, &cs, sel, rip, rpl);
    if (!pops_ss) {
        fstack_drop(&st, size * 3);
        fstack_commit(cpu, &st);
        return;
    }
    if (have_ss)
        seg_set(cpu, SEG_SS, ss_sel, &ss);
    else
        seg_set_null(cpu, SEG_SS, ss_sel);
    far_set_sp(cpu, rsp, size);
    if (rpl > old_cpl)
        seg_drop_inner_data(cpu);
}

HANDLER(iret)
{
    unsigned size = OSIZE(i);

    AT(i);
    if (cpu->nmi_blocked) {
        cpu->nmi_blocked = false; /* even if what follows faults */
        cpu_recheck_events(cpu);
    }
    if (!(cpu->cr0 & CR0_PE)) {
        iret_real(cpu, size);
    } else if (cpu->rflags & FL_VM) {
        iret_v86(cpu, size);
    } else if (cpu->rflags & FL_NT) {
        if (cpu_long_mode(cpu))
            RAISE_ERR(EXC_GP, 0);
        iret_task(cpu, i);
        GO_ON;
    } else {
        iret_protected(cpu, size);
    }
    far_done(cpu);
    atomic_thread_fence(memory_order_seq_cst); /* serialises */
    GO_ON;
}
FAMILY(h_iret, iret);
