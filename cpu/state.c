/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Architectural state out of and into a vCPU; see state.h. */
#include "cpu/state.h"

#include <string.h>

#include "cpu/control.h"
#include "cpu/cpu.h"
#include "cpu/features.h"
#include "cpu/flags.h"
#include "cpu/fpu.h"
#include "cpu/segments.h"
#include "cpu/xsave.h"

#define EVENTS_KEPT (EV_NMI | EV_SMI | EV_INIT | EV_SIPI)

/* Fields of the same name and meaning on both sides: X(name). */
#define SAME(X)                                                                                    \
    X(cr0)                                                                                         \
    X(cr2)                                                                                         \
    X(cr3)                                                                                         \
    X(cr4)                                                                                         \
    X(efer)                                                                                        \
    X(dr6)                                                                                         \
    X(dr7) X(star) X(lstar) X(cstar) X(sfmask) X(kernel_gs_base) X(tsc_aux) X(sysenter_cs)         \
        X(sysenter_esp) X(sysenter_eip) X(tsc_adjust) X(pat) X(misc_enable) X(spec_ctrl)           \
            X(feature_control) X(mtrr_def_type) X(mcg_status) X(mcg_ctl) X(smbase) X(pending_db)   \
                X(inhibit) X(sipi_vector) X(cpl) X(pkru) X(xcr0) X(xss)

static void get_fpu(const struct cpu *cpu, struct x86_state *s)
{
    const struct fpu *f = &cpu->fpu;

    for (unsigned n = 0; n < 8; n++)
        memcpy(s->st[n], f->st[(f->top + n) & 7], 16);
    s->fcw = f->cw;
    s->fsw = (uint16_t)((f->sw & ~0x3800u) | (f->top & 7u) << 11);
    s->fop = f->fop;
    s->ftags = f->tags;
    s->fip = f->fip;
    s->fdp = f->fdp;
    s->fcs = f->fcs;
    s->fds = f->fds;
    s->ferr = f->ferr;
    s->ignne = f->ignne;
    s->mxcsr = cpu->mxcsr;
    memcpy(s->ymm, cpu->ymm, sizeof(s->ymm));
}

static void set_fpu(struct cpu *cpu, const struct x86_state *s)
{
    struct fpu *f = &cpu->fpu;

    f->ferr = f->ignne = false;
    fpu_set_cw(cpu, s->fcw);
    fpu_set_sw(cpu, s->fsw); /* ES and B as the flags and masks have them */
    for (unsigned n = 0; n < 8; n++)
        memcpy(f->st[(f->top + n) & 7], s->st[n], 16);
    f->fop = s->fop;
    f->tags = s->ftags;
    f->fip = s->fip;
    f->fdp = s->fdp;
    f->fcs = s->fcs;
    f->fds = s->fds;
    f->ferr = (s->ferr & 1) && (f->sw & SW_ES); /* only what is pending is reported, */
    f->ignne = (s->ignne & 1) && f->ferr;       /* and only that ignored */
    sse_set_mxcsr(cpu, s->mxcsr);
    memcpy(cpu->ymm, s->ymm, sizeof(s->ymm));
}

void cpu_get_state(const struct cpu *cpu, struct x86_state *s)
{
    memset(s, 0, sizeof(*s));
    s->version = X86_STATE_VERSION;
    s->size = sizeof(*s);
    s->features[0] = (uint64_t)cpu->features;
    s->features[1] = (uint64_t)(cpu->features >> 64);
    memcpy(s->gpr, cpu->gpr, sizeof(s->gpr));
    s->rip = cpu->gpr[REG_RIP];
    s->rflags = cpu_rflags(cpu);
    for (unsigned n = 0; n < SEG_COUNT; n++)
        s->seg[n] = (struct x86_state_segment){cpu->seg[n].base, cpu->seg[n].limit, cpu->seg[n].sel,
                                               cpu->seg[n].attr};
    s->gdtr = (struct x86_state_table){cpu->gdtr.base, cpu->gdtr.limit, 0};
    s->idtr = (struct x86_state_table){cpu->idtr.base, cpu->idtr.limit, 0};
#define X(name) s->name = cpu->name;
    SAME(X)
#undef X
    memcpy(s->pdpte, cpu->pdpte, sizeof(s->pdpte));
    memcpy(s->dr, cpu->dr, sizeof(s->dr));
    memcpy(s->mtrr_fixed, cpu->mtrr_fixed, sizeof(s->mtrr_fixed));
    memcpy(s->mtrr_var, cpu->mtrr_var, sizeof(s->mtrr_var));
    memcpy(s->mc_ctl, cpu->mc_ctl, sizeof(s->mc_ctl));
    get_fpu(cpu, s);
    s->tsc = cpu_tsc(cpu);
    s->events = atomic_load(&cpu->events) & EVENTS_KEPT;
    s->exc_pending = cpu->exc.pending;
    s->exc_vector = cpu->exc.vector;
    s->exc_kind = (uint8_t)cpu->exc.kind;
    s->exc_has_error = cpu->exc.has_error;
    s->exc_error = cpu->exc.error;
    s->halted = cpu->halted && !cpu->monitor.waiting; /* MWAIT may end at any time */
    s->wait_sipi = cpu->wait_sipi;
    s->nmi_blocked = cpu->nmi_blocked;
    s->in_smm = cpu->in_smm;
    s->shutdown = cpu->shutdown;
}

#define RFLAGS_VALID                                                                               \
    (FL_ARITH | FL_1 | FL_TF | FL_IF | FL_DF | FL_IOPL | FL_NT | FL_RF | FL_VM | FL_AC | FL_VIF |  \
     FL_VIP | FL_ID)

/* Control registers that the vCPU has, each legal and legal together (SDM volume 3A, 2.5, 4.1.1).
 */
static bool possible_control(const struct cpu *cpu, const struct x86_state *s)
{
    bool pg = s->cr0 & CR0_PG, lme = s->efer & EFER_LME, lma = s->efer & EFER_LMA;

    if ((s->cr0 & ~control_cr0_valid()) || (s->cr4 & ~control_cr4_valid(cpu)) ||
        (s->efer & ~control_efer_valid(cpu)))
        return false;
    if ((pg && !(s->cr0 & CR0_PE)) || lma != (pg && lme))
        return false;
    if (lma ? !(s->cr4 & CR4_PAE) : (s->cr4 & CR4_PCIDE) != 0)
        return false;
    return !(s->cr3 >> cpu->phys_bits);
}

/* Mode, privilege and RIP. */
static bool possible_mode(const struct x86_state *s)
{
    bool code64 = (s->efer & EFER_LMA) && (s->seg[SEG_CS].attr & SEG_L);

    if ((s->rflags & ~(uint64_t)RFLAGS_VALID) || (s->rip >> 32 && !code64))
        return false;
    if (!(s->cr0 & CR0_PE))
        return s->cpl == 0 && !(s->rflags & FL_VM);
    if (s->rflags & FL_VM)
        return s->cpl == 3 && !(s->efer & EFER_LMA);
    return s->cpl <= 3;
}

static bool possible(const struct cpu *cpu, const struct x86_state *s)
{
    feature_set features = (feature_set)s->features[1] << 64 | s->features[0];

    if (s->version != X86_STATE_VERSION || s->size != sizeof(*s) || (features & ~cpu->features))
        return false;
    if (!possible_control(cpu, s) || !possible_mode(s))
        return false;
    for (unsigned n = 0; n < SEG_COUNT; n++) {
        if (s->seg[n].attr & ~SEG_ATTR)
            return false;
    }
    if (s->exc_kind > EVK_NMI || (s->mxcsr & ~MXCSR_VALID))
        return false;
    if ((s->dr6 | s->dr7 | s->smbase) >> 32 ||
        (s->pending_db & ~(uint64_t)(0xf | DR6_BD | DR6_BS | DR6_BT)))
        return false;
    if (s->xss || (cpu->features & FEAT(XSAVE) ? !xsave_xcr0_ok(cpu->features, s->xcr0)
                                               : s->xcr0 != XCR0_X87))
        return false;
    if (s->inhibit & ~(INHIBIT_INTR | INHIBIT_ALL))
        return false;
    return s->gdtr.limit <= 0xffff && s->idtr.limit <= 0xffff;
}

bool cpu_set_state(struct cpu *cpu, const struct x86_state *s)
{
    if (!possible(cpu, s))
        return false;
    memcpy(cpu->gpr, s->gpr, sizeof(s->gpr));
    cpu->gpr[REG_RIP] = s->rip;
    cpu_set_rflags(cpu, s->rflags);
    for (unsigned n = 0; n < SEG_COUNT; n++) {
        cpu->seg[n].base = s->seg[n].base;
        cpu->seg[n].limit = s->seg[n].limit;
        cpu->seg[n].sel = s->seg[n].sel;
        cpu->seg[n].attr = s->seg[n].attr;
    }
    cpu->gdtr = (struct table_reg){s->gdtr.base, (uint16_t)s->gdtr.limit};
    cpu->idtr = (struct table_reg){s->idtr.base, (uint16_t)s->idtr.limit};
#define X(name) cpu->name = s->name;
    SAME(X)
#undef X
    memcpy(cpu->pdpte, s->pdpte, sizeof(s->pdpte));
    memcpy(cpu->dr, s->dr, sizeof(s->dr));
    memcpy(cpu->mtrr_fixed, s->mtrr_fixed, sizeof(s->mtrr_fixed));
    memcpy(cpu->mtrr_var, s->mtrr_var, sizeof(s->mtrr_var));
    memcpy(cpu->mc_ctl, s->mc_ctl, sizeof(s->mc_ctl));
    set_fpu(cpu, s);
    cpu->tsc_offset += s->tsc - cpu_tsc(cpu);
    atomic_fetch_and(&cpu->events, ~(uint32_t)EVENTS_KEPT);
    cpu->exc.pending = s->exc_pending & 1;
    cpu->exc.vector = s->exc_vector;
    cpu->exc.kind = s->exc_kind;
    cpu->exc.has_error = s->exc_has_error & 1;
    cpu->exc.error = s->exc_error;
    cpu->delivering = -1;
    cpu->mid_string = false;
    cpu->cur = NULL;
    cpu->halted = s->halted & 1;
    cpu->monitor.armed = cpu->monitor.waiting = false;
    cpu->wait_sipi = s->wait_sipi & 1;
    cpu->nmi_blocked = s->nmi_blocked & 1;
    cpu->in_smm = s->in_smm & 1;
    cpu->shutdown = s->shutdown & 1;
    seg_rederive(cpu);
    cpu_tlb_flush(cpu, true);
    cpu_sync_mode(cpu);
    cpu_set_event(cpu, s->events & EVENTS_KEPT);
    return true;
}
