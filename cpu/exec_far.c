/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Far jumps, calls and returns: real and virtual-8086 mode, code segments, call gates with and
 * without a change of privilege, tasks. Intel SDM volume 2: CALL, JMP, RET; volume 3A, 5.8.
 */
#include "cpu/exec.h"
#include "cpu/far.h"
#include "cpu/farstack.h"
#include "cpu/segments.h"
#include "cpu/task.h"

/* A far jump or call under way. */
struct transfer {
    const struct insn *i;
    bool call;
    uint16_t sel;
    uint64_t off;
    unsigned size; /* of what a call pushes */
};

void far_check_target(struct cpu *cpu, const struct descriptor *cs, uint64_t rip)
{
    if (desc_code64(cpu, cs) ? !gva_canonical(cpu, rip) : rip > cs->limit)
        cpu_raise_err(cpu, EXC_GP, 0);
}

void far_enter(struct cpu *cpu, struct descriptor *cs, uint16_t sel, uint64_t rip, unsigned pl)
{
    cpu->cpl = (uint8_t)pl;
    seg_set(cpu, SEG_CS, (uint16_t)((sel & 0xfffc) | pl), cs);
    cpu->gpr[REG_RIP] = rip;
}

void far_done(struct cpu *cpu)
{
    cpu_sync_mode(cpu);
    cpu_recheck_events(cpu);
}

/* ---- real and virtual-8086 mode ---- */

static void far_real(struct cpu *cpu, const struct transfer *t)
{
    uint64_t frame[2] = {cpu->seg[SEG_CS].sel, insn_next_rip(cpu, t->i)};
    struct fstack st = fstack_current(cpu, 0);

    if (t->off > cpu->seg[SEG_CS].limit)
        cpu_raise_err(cpu, EXC_GP, 0);
    if (t->call) {
        fstack_push(cpu, &st, frame, 2, t->size);
        fstack_commit(cpu, &st);
    }
    if (cpu->rflags & FL_VM)
        seg_set_v86(cpu, SEG_CS, t->sel);
    else
        seg_set_real(cpu, SEG_CS, t->sel);
    cpu->gpr[REG_RIP] = t->off;
}

/* ---- protected mode ---- */

/* Same privilege level: to a code segment directly, or through a gate. */
static void far_same(struct cpu *cpu, const struct transfer *t, struct descriptor *cs, uint64_t off,
                     unsigned size)
{
    uint64_t frame[2] = {cpu->seg[SEG_CS].sel, insn_next_rip(cpu, t->i)};
    struct fstack st = fstack_current(cpu, 0);

    far_check_target(cpu, cs, off);
    desc_set_type_bits(cpu, cs, SEG_T_ACCESSED);
    if (t->call) {
        fstack_push(cpu, &st, frame, 2, size);
        fstack_commit(cpu, &st);
    }
    far_enter(cpu, cs, cs->sel, off, cpu->cpl);
}

static void far_code(struct cpu *cpu, const struct transfer *t, struct descriptor *cs)
{
    unsigned dpl = desc_dpl(cs);

    if (desc_both_l_and_d(cpu, cs))
        sel_fault(cpu, EXC_GP, t->sel, 0);
    if (desc_conforming(cs) ? dpl > cpu->cpl : (t->sel & 3u) > cpu->cpl || dpl != cpu->cpl)
        sel_fault(cpu, EXC_GP, t->sel, 0);
    if (!(cs->attr & SEG_P))
        sel_fault(cpu, EXC_NP, t->sel, 0);
    far_same(cpu, t, cs, t->off, t->size);
}

/* A call gate, taken apart. */
struct call_gate {
    uint16_t sel;
    uint64_t off;
    unsigned params;
    unsigned size; /* 2, 4 or 8 */
};

static struct call_gate parse_gate(struct cpu *cpu, struct descriptor *d)
{
    struct call_gate g = {
        .sel = (uint16_t)(d->lo >> 16),
        .off = (d->lo & 0xffff) | (d->hi & 0xffff0000u),
        .params = d->hi & 31,
        .size = 4,
    };

    if (cpu_long_mode(cpu)) {
        if (!desc_widen_to_load(cpu, d))
            sel_fault(cpu, EXC_GP, d->sel, 0);
        g.off |= (uint64_t)d->upper << 32;
        g.params = 0;
        g.size = 8;
    } else if ((d->attr & SEG_TYPE) == SYS_CALL16) {
        g.off &= 0xffff;
        g.size = 2;
    }
    return g;
}

/* Legacy gate to an inner level: stack from the TSS, parameters copied. */
static void gate_inner(struct cpu *cpu, const struct transfer *t, const struct call_gate *g,
                       struct descriptor *cs, unsigned pl)
{
    struct fstack old = fstack_current(cpu, 0), st;
    uint64_t frame[4 + 31];
    struct descriptor ss;
    unsigned n = 0;
    uint16_t ss_sel;
    uint32_t esp;

    tss_inner_stack(cpu, pl, 0, &ss_sel, &esp);
    seg_check_inner_ss(cpu, ss_sel, pl, 0, &ss);
    frame[n++] = cpu->seg[SEG_SS].sel;
    frame[n++] = cpu->gpr[REG_RSP];
    for (unsigned k = g->params; k-- > 0;)
        frame[n++] = fstack_peek(cpu, &old, k * g->size, g->size);
    frame[n++] = cpu->seg[SEG_CS].sel;
    frame[n++] = insn_next_rip(cpu, t->i);
    far_check_target(cpu, cs, g->off);
    desc_set_type_bits(cpu, &ss, SEG_T_ACCESSED);
    desc_set_type_bits(cpu, cs, SEG_T_ACCESSED);
    st = fstack_inner(&ss, esp, pl, ss_sel & 0xfffcu);
    fstack_push(cpu, &st, frame, n, g->size);

    seg_set(cpu, SEG_SS, ss_sel, &ss);
    far_enter(cpu, cs, g->sel, g->off, pl);
    fstack_commit(cpu, &st);
}

/* 64-bit gate to an inner level. */
static void gate_inner64(struct cpu *cpu, const struct transfer *t, const struct call_gate *g,
                         struct descriptor *cs, unsigned pl)
{
    uint64_t frame[4] = {cpu->seg[SEG_SS].sel, cpu->gpr[REG_RSP], cpu->seg[SEG_CS].sel,
                         insn_next_rip(cpu, t->i)};
    struct fstack st = fstack_inner64(tss_inner_rsp(cpu, pl, 0, 0), pl, 0);

    far_check_target(cpu, cs, g->off);
    desc_set_type_bits(cpu, cs, SEG_T_ACCESSED);
    fstack_push(cpu, &st, frame, 4, 8);

    seg_set_null(cpu, SEG_SS, (uint16_t)pl);
    far_enter(cpu, cs, g->sel, g->off, pl);
    fstack_commit(cpu, &st);
}

static void far_gate(struct cpu *cpu, const struct transfer *t, struct descriptor *d)
{
    struct descriptor cs;
    struct call_gate g;
    unsigned dpl;

    g = parse_gate(cpu, d);
    if (sel_null(g.sel))
        cpu_raise_err(cpu, EXC_GP, 0);
    if (!desc_fetch(cpu, g.sel, &cs) || !desc_is_code(&cs))
        sel_fault(cpu, EXC_GP, g.sel, 0);
    dpl = desc_dpl(&cs);
    if (dpl > cpu->cpl || (!t->call && !desc_conforming(&cs) && dpl != cpu->cpl))
        sel_fault(cpu, EXC_GP, g.sel, 0);
    if (cpu_long_mode(cpu) && (cs.attr & (SEG_L | SEG_DB)) != SEG_L)
        sel_fault(cpu, EXC_GP, g.sel, 0);
    if (!(cs.attr & SEG_P))
        sel_fault(cpu, EXC_NP, g.sel, 0);
    if (desc_conforming(&cs) || dpl == cpu->cpl) {
        if (g.size == 8 && t->call && !cpu_code64(cpu)) {
            /* a 64-bit gate from compatibility mode pushes onto a flat 64-bit stack */
            uint64_t frame[2] = {cpu->seg[SEG_CS].sel, insn_next_rip(cpu, t->i)};
            struct fstack st = fstack_inner64(cpu->gpr[REG_RSP], cpu->cpl, 0);

            far_check_target(cpu, &cs, g.off);
            desc_set_type_bits(cpu, &cs, SEG_T_ACCESSED);
            fstack_push(cpu, &st, frame, 2, 8);
            far_enter(cpu, &cs, g.sel, g.off, cpu->cpl);
            fstack_commit(cpu, &st);
        } else {
            far_same(cpu, t, &cs, g.off, g.size);
        }
    } else if (g.size == 8) {
        gate_inner64(cpu, t, &g, &cs, dpl);
    } else {
        gate_inner(cpu, t, &g, &cs, dpl);
    }
}

static void far_task(struct cpu *cpu, const struct transfer *t, uint16_t sel)
{
    struct descriptor d;

    task_check_tss(cpu, sel, 0, &d);
    task_switch(cpu, &d, t->call ? TASK_CALL : TASK_JMP, insn_next_rip(cpu, t->i), false, 0, 0);
}

/* Gates and TSSes. */
static void far_system(struct cpu *cpu, const struct transfer *t, struct descriptor *d)
{
    unsigned type = d->attr & SEG_TYPE;
    bool gate = type == SYS_CALL32 || (!cpu_long_mode(cpu) && type == SYS_CALL16);
    bool task_gate = !cpu_long_mode(cpu) && type == SYS_TASK_GATE;
    bool tss = !cpu_long_mode(cpu) && (type == SYS_TSS16 || type == SYS_TSS32);

    if (!gate && !task_gate && !tss)
        sel_fault(cpu, EXC_GP, t->sel, 0);
    if (desc_dpl(d) < cpu->cpl || desc_dpl(d) < (t->sel & 3u))
        sel_fault(cpu, EXC_GP, t->sel, 0);
    if (tss) {
        far_task(cpu, t, t->sel);
        return;
    }
    if (!(d->attr & SEG_P))
        sel_fault(cpu, EXC_NP, t->sel, 0);
    if (gate)
        far_gate(cpu, t, d);
    else
        far_task(cpu, t, (uint16_t)(d->lo >> 16));
}

static void far_transfer(struct cpu *cpu, const struct transfer *t)
{
    struct descriptor d;

    AT(t->i);
    if (!cpu_protected(cpu)) {
        far_real(cpu, t);
    } else {
        if (sel_null(t->sel))
            cpu_raise_err(cpu, EXC_GP, 0);
        if (!desc_fetch(cpu, t->sel, &d))
            sel_fault(cpu, EXC_GP, t->sel, 0);
        if (desc_is_code(&d))
            far_code(cpu, t, &d);
        else if (d.attr & SEG_S)
            sel_fault(cpu, EXC_GP, t->sel, 0);
        else
            far_system(cpu, t, &d);
    }
    far_done(cpu);
}

/* ---- the instructions ---- */

static void far_imm(struct cpu *cpu, const struct insn *i, bool call)
{
    struct transfer t = {.i = i, .call = call, .size = OSIZE(i)};

    t.sel = (uint16_t)i->disp;
    t.off = zext(i->imm, t.size);
    far_transfer(cpu, &t);
}

static void far_mem(struct cpu *cpu, const struct insn *i, bool call)
{
    struct transfer t = {.i = i, .call = call, .size = OSIZE(i)};
    gva_t va = ea_gen(cpu, i, t.size + 2, ACC_R);
    uint8_t ptr[10];

    mem_check_aligned(cpu, i, va, t.size);
    mem_read_bytes(cpu, i, va, ptr, t.size + 2, ACC_R);
    t.sel = ld_le16(ptr + t.size);
    t.off = ld_le(ptr, t.size);
    far_transfer(cpu, &t);
}

HANDLER(callf_ap)
{
    far_imm(cpu, i, true);
    GO_ON;
}
FAMILY(h_callf_ap, callf_ap);

HANDLER(jmpf_ap)
{
    far_imm(cpu, i, false);
    GO_ON;
}
FAMILY(h_jmpf_ap, jmpf_ap);

HANDLER(callf_mp)
{
    far_mem(cpu, i, true);
    GO_ON;
}
FAMILY(h_callf_mp, callf_mp);

HANDLER(jmpf_mp)
{
    far_mem(cpu, i, false);
    GO_ON;
}
FAMILY(h_jmpf_mp, jmpf_mp);

static void retf_real(struct cpu *cpu, unsigned size, unsigned imm)
{
    struct fstack st = fstack_current(cpu, 0);
    uint64_t rip = fstack_peek(cpu, &st, 0, size);
    uint16_t sel = (uint16_t)fstack_peek(cpu, &st, size, size);

    if (rip > cpu->seg[SEG_CS].limit)
        cpu_raise_err(cpu, EXC_GP, 0);
    fstack_drop(&st, size * 2 + imm);
    if (cpu->rflags & FL_VM)
        seg_set_v86(cpu, SEG_CS, sel);
    else
        seg_set_real(cpu, SEG_CS, sel);
    cpu->gpr[REG_RIP] = rip;
    fstack_commit(cpu, &st);
}

void far_check_return_cs(struct cpu *cpu, uint16_t sel, struct descriptor *cs)
{
    unsigned rpl = sel & 3;

    if (sel_null(sel))
        cpu_raise_err(cpu, EXC_GP, 0);
    if (!desc_fetch(cpu, sel, cs) || !desc_is_code(cs) || rpl < cpu->cpl)
        sel_fault(cpu, EXC_GP, sel, 0);
    if (desc_conforming(cs) ? desc_dpl(cs) > rpl : desc_dpl(cs) != rpl)
        sel_fault(cpu, EXC_GP, sel, 0);
    if (desc_both_l_and_d(cpu, cs))
        sel_fault(cpu, EXC_GP, sel, 0);
    if (!(cs->attr & SEG_P))
        sel_fault(cpu, EXC_NP, sel, 0);
}

bool far_check_return_ss(struct cpu *cpu, uint16_t sel, const struct descriptor *cs, unsigned rpl,
                         struct descriptor *ss)
{
    if (sel_null(sel)) {
        if (!desc_code64(cpu, cs) || rpl == 3 || (sel & 3u) != rpl)
            cpu_raise_err(cpu, EXC_GP, 0);
        return false;
    }
    if (!desc_fetch(cpu, sel, ss) || (sel & 3u) != rpl || !desc_writable_data(ss) ||
        desc_dpl(ss) != rpl)
        sel_fault(cpu, EXC_GP, sel, 0);
    if (!(ss->attr & SEG_P))
        sel_fault(cpu, EXC_SS, sel, 0);
    return true;
}

void far_set_sp(struct cpu *cpu, uint64_t sp, unsigned size)
{
    if (desc_code64_now(cpu) || size == 8)
        cpu->gpr[REG_RSP] = sp;
    else if (cpu->seg[SEG_SS].attr & SEG_DB)
        cpu->gpr[REG_RSP] = (uint32_t)sp;
    else
        cpu->gpr[REG_RSP] = (cpu->gpr[REG_RSP] & ~UINT64_C(0xffff)) | (uint16_t)sp;
}

static void retf_protected(struct cpu *cpu, unsigned size, unsigned imm)
{
    struct fstack st = fstack_current(cpu, 0);
    uint64_t rip = fstack_peek(cpu, &st, 0, size), rsp;
    uint16_t sel = (uint16_t)fstack_peek(cpu, &st, size, size), ss_sel;
    struct descriptor cs, ss;
    unsigned rpl = sel & 3;
    bool have_ss;

    far_check_return_cs(cpu, sel, &cs);
    if (rpl == cpu->cpl) {
        far_check_target(cpu, &cs, rip);
        desc_set_type_bits(cpu, &cs, SEG_T_ACCESSED);
        fstack_drop(&st, size * 2);
        far_enter(cpu, &cs, sel, rip, rpl);
        /* parameters are released after CS is loaded, as the new mode counts */
        st.mask = desc_code64(cpu, &cs)              ? ~UINT64_C(0)
                  : (cpu->seg[SEG_SS].attr & SEG_DB) ? 0xffffffff
                                                     : 0xffff;
        fstack_drop(&st, imm);
        fstack_commit(cpu, &st);
        return;
    }
    rsp = fstack_peek(cpu, &st, size * 2 + imm, size);
    ss_sel = (uint16_t)fstack_peek(cpu, &st, size * 3 + imm, size);
    have_ss = far_check_return_ss(cpu, ss_sel, &cs, rpl, &ss);
    far_check_target(cpu, &cs, rip);
    desc_set_type_bits(cpu, &cs, SEG_T_ACCESSED);
    if (have_ss)
        desc_set_type_bits(cpu, &ss, SEG_T_ACCESSED);

    far_enter(cpu, &cs, sel, rip, rpl);
    if (have_ss)
        seg_set(cpu, SEG_SS, ss_sel, &ss);
    else
        seg_set_null(cpu, SEG_SS, ss_sel);
    far_set_sp(cpu, rsp + imm, size);
    seg_drop_inner_data(cpu);
}

static void retf_any(struct cpu *cpu, const struct insn *i, unsigned imm)
{
    AT(i);
    if (cpu_protected(cpu))
        retf_protected(cpu, OSIZE(i), imm);
    else
        retf_real(cpu, OSIZE(i), imm);
    far_done(cpu);
}

HANDLER(retf)
{
    retf_any(cpu, i, 0);
    GO_ON;
}
FAMILY(h_retf, retf);

HANDLER(retf_iw)
{
    retf_any(cpu, i, (uint16_t)i->imm);
    GO_ON;
}
FAMILY(h_retf_iw, retf_iw);
