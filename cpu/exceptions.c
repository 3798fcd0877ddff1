/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Delivery of exceptions and interrupts; see exceptions.h. Intel SDM volume 3A, chapter 6 (6.12
 * gates, 6.13 error codes, 6.14 64-bit mode, table 6-5 double faults), chapter 20 (real and
 * virtual-8086 mode); volume 2, INT n.
 */
#include "cpu/exceptions.h"

#include "base/log.h"
#include "cpu/access.h"
#include "cpu/debugger.h"
#include "cpu/exec.h"
#include "cpu/farstack.h"
#include "cpu/flags.h"
#include "cpu/lint.h"
#include "cpu/ring.h"
#include "cpu/segments.h"
#include "cpu/task.h"
#include "cpu/trace_filter.h"

#define BENIGN 0x100 /* in cpu->delivering */

/* An event on its way. */
struct delivery {
    const struct cpu_event *ev;
    uint64_t ret; /* address to return to */
    unsigned ext; /* EXT bit of error codes on the way */
    uint64_t fl;  /* RFLAGS image to push */
};

/* A gate of the IDT. */
struct gate {
    unsigned type; /* SYS_*, S clear */
    unsigned dpl;
    bool present;
    unsigned ist;
    uint16_t sel;
    uint64_t offset;
};

static uint32_t idt_code(const struct delivery *dl)
{
    return dl->ev->vector * 8u | 2 | dl->ext;
}

static struct gate gate_fetch(struct cpu *cpu, const struct delivery *dl)
{
    bool wide = cpu_long_mode(cpu);
    unsigned size = wide ? 16 : 8, off = dl->ev->vector * size;
    uint64_t raw;
    struct gate g;
    gva_t va;

    if (off + size - 1 > cpu->idtr.limit)
        cpu_raise_err(cpu, EXC_GP, idt_code(dl));
    va = cpu->idtr.base + off;
    if (!wide)
        va = (uint32_t)va;
    raw = sys_read(cpu, va, 8);
    g.type = bits(raw, 44, 40);
    g.dpl = (unsigned)bits(raw, 46, 45);
    g.present = raw >> 47 & 1;
    g.sel = (uint16_t)(raw >> 16);
    g.offset = (raw & 0xffff) | (raw >> 48) << 16;
    g.ist = 0;
    if (wide) {
        g.ist = (unsigned)bits(raw, 34, 32);
        g.offset |= sys_read(cpu, va + 8, 8) << 32;
    } else if (g.type == SYS_INT16 || g.type == SYS_TRAP16) {
        g.offset &= 0xffff;
    }
    return g;
}

static bool gate_type_ok(const struct cpu *cpu, unsigned type)
{
    if (type == SYS_INT32 || type == SYS_TRAP32)
        return true;
    return !cpu_long_mode(cpu) &&
           (type == SYS_INT16 || type == SYS_TRAP16 || type == SYS_TASK_GATE);
}

static void deliver_task_gate(struct cpu *cpu, const struct delivery *dl, const struct gate *g)
{
    const struct cpu_event *ev = dl->ev;
    struct descriptor d;

    task_check_tss(cpu, g->sel, dl->ext, &d);
    /* the old task's EFLAGS are saved as they would be pushed */
    cpu->rflags = (cpu->rflags & ~(uint64_t)FL_RF) | (dl->fl & FL_RF);
    task_switch(cpu, &d, TASK_INT, dl->ret, ev->kind == EVK_FAULT && ev->has_error, ev->error,
                dl->ext);
}

/* The handler's code segment: descriptor in *cs; returns the privilege level it runs at. */
static unsigned handler_cs(struct cpu *cpu, const struct delivery *dl, const struct gate *g,
                           struct descriptor *cs)
{
    unsigned dpl, ext = dl->ext;

    if (sel_null(g->sel))
        cpu_raise_err(cpu, EXC_GP, ext);
    if (!desc_fetch(cpu, g->sel, cs) || !desc_is_code(cs) || desc_dpl(cs) > cpu->cpl)
        sel_fault(cpu, EXC_GP, g->sel, ext);
    if (cpu_long_mode(cpu) && (cs->attr & (SEG_L | SEG_DB)) != SEG_L)
        sel_fault(cpu, EXC_GP, g->sel, ext);
    if (!(cs->attr & SEG_P))
        sel_fault(cpu, EXC_NP, g->sel, ext);
    dpl = desc_conforming(cs) ? cpu->cpl : desc_dpl(cs);
    if ((cpu->rflags & FL_VM) && dpl != 0)
        sel_fault(cpu, EXC_GP, g->sel, ext);
    return dpl;
}

/* What every protected-mode handler starts with, once nothing can fault any more. */
static void enter_handler(struct cpu *cpu, const struct gate *g, const struct descriptor *cs,
                          unsigned pl)
{
    uint64_t clear = FL_TF | FL_VM | FL_RF | FL_NT;

    if (g->type == SYS_INT16 || g->type == SYS_INT32)
        clear |= FL_IF;
    cpu->rflags &= ~clear;
    cpu->cpl = (uint8_t)pl;
    seg_set(cpu, SEG_CS, (uint16_t)((g->sel & 0xfffc) | pl), cs);
    cpu->gpr[REG_RIP] = g->offset;
}

static void deliver_gate64(struct cpu *cpu, const struct delivery *dl, const struct gate *g)
{
    uint16_t old_ss = cpu->seg[SEG_SS].sel;
    struct descriptor cs;
    unsigned pl = handler_cs(cpu, dl, g, &cs), n = 5;
    uint64_t frame[6], rsp = cpu->gpr[REG_RSP];
    struct fstack st;

    if (g->ist != 0 || pl != cpu->cpl)
        rsp = tss_inner_rsp(cpu, pl, g->ist, dl->ext);
    if (!gva_canonical(cpu, g->offset))
        cpu_raise_err(cpu, EXC_GP, dl->ext);
    st = fstack_inner64(rsp & ~UINT64_C(15), pl, dl->ext);
    frame[0] = old_ss;
    frame[1] = cpu->gpr[REG_RSP];
    frame[2] = dl->fl;
    frame[3] = cpu->seg[SEG_CS].sel;
    frame[4] = dl->ret;
    if (dl->ev->has_error)
        frame[n++] = dl->ev->error;
    desc_set_type_bits(cpu, &cs, SEG_T_ACCESSED);
    fstack_push(cpu, &st, frame, n, 8);

    if (pl != cpu->cpl)
        seg_set_null(cpu, SEG_SS, (uint16_t)pl);
    enter_handler(cpu, g, &cs, pl);
    fstack_commit(cpu, &st);
}

/* Same privilege level, 16- or 32-bit gate. */
static void deliver_same(struct cpu *cpu, const struct delivery *dl, const struct gate *g,
                         struct descriptor *cs, unsigned size)
{
    struct fstack st = fstack_current(cpu, dl->ext);
    uint64_t frame[4] = {dl->fl, cpu->seg[SEG_CS].sel, dl->ret};
    unsigned n = 3;

    if (dl->ev->has_error)
        frame[n++] = dl->ev->error;
    desc_set_type_bits(cpu, cs, SEG_T_ACCESSED);
    fstack_push(cpu, &st, frame, n, size);
    enter_handler(cpu, g, cs, cpu->cpl);
    fstack_commit(cpu, &st);
}

/* To an inner level, from virtual-8086 mode too. */
static void deliver_inner(struct cpu *cpu, const struct delivery *dl, const struct gate *g,
                          struct descriptor *cs, unsigned pl, unsigned size)
{
    static const uint8_t v86_order[] = {SEG_GS, SEG_FS, SEG_DS, SEG_ES};
    bool v86 = cpu->rflags & FL_VM;
    struct descriptor ss;
    uint64_t frame[10];
    unsigned n = 0;
    uint16_t ss_sel;
    uint32_t esp;
    struct fstack st;

    tss_inner_stack(cpu, pl, dl->ext, &ss_sel, &esp);
    seg_check_inner_ss(cpu, ss_sel, pl, dl->ext, &ss);
    if (v86) {
        for (unsigned k = 0; k < ARRAY_SIZE(v86_order); k++)
            frame[n++] = cpu->seg[v86_order[k]].sel;
    }
    frame[n++] = cpu->seg[SEG_SS].sel;
    frame[n++] = cpu->gpr[REG_RSP];
    frame[n++] = dl->fl;
    frame[n++] = cpu->seg[SEG_CS].sel;
    frame[n++] = dl->ret;
    if (dl->ev->has_error)
        frame[n++] = dl->ev->error;
    desc_set_type_bits(cpu, &ss, SEG_T_ACCESSED);
    desc_set_type_bits(cpu, cs, SEG_T_ACCESSED);
    st = fstack_inner(&ss, esp, pl, (ss_sel & 0xfffcu) | dl->ext);
    fstack_push(cpu, &st, frame, n, size);

    enter_handler(cpu, g, cs, pl); /* first: with VM clear SS is checked as what it is */
    if (v86) {
        for (unsigned k = 0; k < ARRAY_SIZE(v86_order); k++)
            seg_set_null(cpu, v86_order[k], 0);
    }
    seg_set(cpu, SEG_SS, ss_sel, &ss);
    fstack_commit(cpu, &st);
}

static void deliver_protected(struct cpu *cpu, const struct delivery *dl)
{
    struct gate g = gate_fetch(cpu, dl);
    struct descriptor cs;
    unsigned pl, size;

    if (!gate_type_ok(cpu, g.type))
        cpu_raise_err(cpu, EXC_GP, idt_code(dl));
    if (dl->ev->kind == EVK_SOFT_INT && g.dpl < cpu->cpl)
        cpu_raise_err(cpu, EXC_GP, idt_code(dl));
    if (!g.present)
        cpu_raise_err(cpu, EXC_NP, idt_code(dl));
    if (g.type == SYS_TASK_GATE) {
        deliver_task_gate(cpu, dl, &g);
        return;
    }
    if (cpu_long_mode(cpu)) {
        deliver_gate64(cpu, dl, &g);
        return;
    }
    pl = handler_cs(cpu, dl, &g, &cs);
    if (g.offset > cs.limit)
        cpu_raise_err(cpu, EXC_GP, dl->ext);
    size = g.type == SYS_INT16 || g.type == SYS_TRAP16 ? 2 : 4;
    if (pl != cpu->cpl)
        deliver_inner(cpu, dl, &g, &cs, pl, size);
    else
        deliver_same(cpu, dl, &g, &cs, size);
}

static void deliver_real(struct cpu *cpu, const struct delivery *dl)
{
    uint64_t frame[3] = {dl->fl, cpu->seg[SEG_CS].sel, dl->ret};
    unsigned off = dl->ev->vector * 4u;
    struct fstack st = fstack_current(cpu, 0);
    uint64_t entry;

    if (off + 3 > cpu->idtr.limit)
        cpu_raise_err(cpu, EXC_GP, idt_code(dl));
    entry = sys_read(cpu, (uint32_t)(cpu->idtr.base + off), 4);
    if ((entry & 0xffff) > cpu->seg[SEG_CS].limit)
        cpu_raise_err(cpu, EXC_GP, 0);
    fstack_push(cpu, &st, frame, 3, 2);

    cpu->rflags &= ~(uint64_t)(FL_IF | FL_TF | FL_AC | FL_RF);
    seg_set_real(cpu, SEG_CS, (uint16_t)(entry >> 16));
    cpu->gpr[REG_RIP] = entry & 0xffff;
    fstack_commit(cpu, &st);
}

static void delivered(struct cpu *cpu)
{
    cpu->halted = false;
    cpu->inhibit = 0;
    cpu_sync_mode(cpu);
    cpu_recheck_events(cpu);
    if (unlikely(cpu->debug.step))
        debugger_stepped(cpu);
}

static void deliver(struct cpu *cpu, const struct cpu_event *ev, uint64_t ret)
{
    struct delivery dl = {
        .ev = ev,
        .ret = ret,
        .ext = ev->kind != EVK_SOFT_INT,
        .fl = cpu_rflags(cpu),
    };

    if (unlikely(cpu->debug.set))
        debugger_note(cpu, ev, ret);
    if (unlikely(cpu->ring))
        ring_event(cpu, ev, ret);
    /* an instruction breakpoint (which comes as a trap) leaves it to its handler to set RF */
    if (ev->kind == EVK_FAULT)
        dl.fl |= FL_RF;
    else if (!(cpu->mode & MODE_STEP) && !cpu->mid_string) /* only there is RF kept up to date */
        dl.fl &= ~(uint64_t)FL_RF;
    /* these hold even if the delivery faults */
    if (ev->vector == EXC_DB && ev->kind != EVK_SOFT_INT && ev->kind != EVK_ICEBP &&
        ev->kind != EVK_INTR)
        cpu->dr7 &= ~(uint64_t)DR7_GD;
    if (ev->kind == EVK_NMI)
        cpu->nmi_blocked = true;
    /* of what MOV SS held back, INT n leaves the breakpoints to its handler's first instruction */
    cpu->pending_db &= ev->kind == EVK_SOFT_INT || ev->kind == EVK_ICEBP ? 0xf : 0;
    if (log_on(LOG_INT) && trace_wanted(cpu))
        log_msg(LOG_INT, "cpu%u: vector %02x kind %d error %x at %04x:%llx cr2 %llx rax %llx",
                cpu->id, ev->vector, (int)ev->kind, ev->has_error ? ev->error : 0,
                cpu->seg[SEG_CS].sel, (unsigned long long)ret, (unsigned long long)cpu->cr2,
                (unsigned long long)cpu->gpr[REG_RAX]);
    if (cpu->cr0 & CR0_PE)
        deliver_protected(cpu, &dl);
    else
        deliver_real(cpu, &dl);
    delivered(cpu);
}

void exc_deliver(struct cpu *cpu)
{
    struct cpu_event ev = cpu->exc;
    bool benign = ev.kind != EVK_FAULT && ev.kind != EVK_TRAP;

    if (cpu_debugs(cpu, DEBUG_VECTOR) && debugger_vector(cpu, &ev))
        return; /* it stays pending */
    cpu->exc.pending = false;
    cpu->cur = NULL;
    cpu->delivering = ev.vector | (benign ? BENIGN : 0);
    deliver(cpu, &ev, cpu->gpr[REG_RIP]);
    cpu->delivering = -1;
}

enum fault_class { CLASS_BENIGN, CLASS_CONTRIBUTORY, CLASS_PAGE };

static enum fault_class classify(unsigned vector)
{
    switch (vector) {
    case EXC_DE:
    case EXC_TS:
    case EXC_NP:
    case EXC_SS:
    case EXC_GP: return CLASS_CONTRIBUTORY;
    case EXC_PF: return CLASS_PAGE;
    default: return CLASS_BENIGN;
    }
}

void exc_combine(struct cpu *cpu)
{
    int first = cpu->delivering;
    enum fault_class a, b = classify(cpu->exc.vector);

    cpu->delivering = -1;
    if (first < 0 || first >= BENIGN || b == CLASS_BENIGN)
        return;
    a = classify((unsigned)first);
    if (first != EXC_DF && a != CLASS_PAGE && (a != CLASS_CONTRIBUTORY || b != CLASS_CONTRIBUTORY))
        return;
    if (unlikely(cpu->debug.set)) /* it is not delivered as what it is */
        debugger_note(cpu, &cpu->exc, cpu->gpr[REG_RIP]);
    if (first == EXC_DF) {
        log_msg(LOG_RESET, "cpu%u: triple fault (vector %u)", cpu->id, cpu->exc.vector);
        lint_report(LINT_TRIPLE_FAULT, "vector %u while a double fault is delivered",
                    cpu->exc.vector);
        cpu->exc.pending = false;
        cpu->shutdown = true;
        return;
    }
    cpu->exc = (struct cpu_event){
        .pending = true, .vector = EXC_DF, .kind = EVK_FAULT, .has_error = true, .error = 0};
}

void exc_interrupt(struct cpu *cpu, unsigned vector)
{
    cpu->exc = (struct cpu_event){.pending = true, .vector = (uint8_t)vector, .kind = EVK_INTR};
    exc_deliver(cpu);
}

void exc_nmi(struct cpu *cpu)
{
    cpu->exc = (struct cpu_event){.pending = true, .vector = EXC_NMI, .kind = EVK_NMI};
    exc_deliver(cpu);
}

void exc_soft_int(struct cpu *cpu, const struct insn *i, unsigned vector, int kind)
{
    struct cpu_event ev = {.vector = (uint8_t)vector};

    ev.kind = kind == EVK_ICEBP ? EVK_ICEBP : EVK_SOFT_INT;
    cpu->cur = i;
    if (cpu_debugs(cpu, DEBUG_VECTOR) && debugger_vector(cpu, &ev))
        cpu_begin_again(cpu);
    deliver(cpu, &ev, insn_next_rip(cpu, i));
}

void exc_v86_redirect(struct cpu *cpu, const struct insn *i, unsigned vector)
{
    struct fstack st = fstack_current(cpu, 0);
    bool full = cpu_iopl(cpu) == 3;
    uint64_t fl = cpu_rflags(cpu), frame[3];
    uint8_t entry[4];

    cpu->cur = i;
    mem_read_bytes(cpu, i, vector * 4u, entry, 4, ACC_R);
    if (!full) {
        fl = (fl | FL_IOPL) & ~(uint64_t)FL_IF;
        if (cpu->rflags & FL_VIF)
            fl |= FL_IF;
    }
    frame[0] = fl;
    frame[1] = cpu->seg[SEG_CS].sel;
    frame[2] = (cpu->gpr[REG_RIP] + i->off + i->len) & 0xffff;
    fstack_push(cpu, &st, frame, 3, 2);

    cpu->rflags &= ~(uint64_t)(FL_TF | FL_RF | (full ? FL_IF : FL_VIF));
    seg_set_v86(cpu, SEG_CS, ld_le16(entry + 2));
    cpu->gpr[REG_RIP] = ld_le16(entry);
    fstack_commit(cpu, &st);
    cpu->pending_db &= ~(uint64_t)DR6_BS; /* as for INT through a gate */
    delivered(cpu);
}
