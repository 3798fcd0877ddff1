/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Task switches and the TSS; see task.h. Intel SDM volume 3A, chapter 8 (8.2.1 and 8.6 layouts, 8.3
 * switching, table 8-1 checks); volume 1, 19.5.2 (port permission map); volume 3B, 20.3.1.
 */
#include "cpu/task.h"

#include "base/log.h"
#include "cpu/access.h"
#include "cpu/control.h"
#include "cpu/debug.h"
#include "cpu/farstack.h"
#include "cpu/flags.h"
#include "cpu/mmu.h"

#define TSS16_SIZE 0x2c
#define TSS32_SIZE 0x68

/* Where a TSS keeps things. Selectors in the order of enum x86_seg: ES CS SS DS FS GS. */
struct tss_layout {
    unsigned size, word; /* bytes of the fixed part; of a register */
    unsigned ip, flags, gpr, sel, sel_step, sels, ldt;
};
static const struct tss_layout tss16 = {TSS16_SIZE, 2, 0x0e, 0x10, 0x12, 0x22, 2, 4, 0x2a};
static const struct tss_layout tss32 = {TSS32_SIZE, 4, 0x20, 0x24, 0x28, 0x48, 4, 6, 0x60};

#define TSS32_CR3  0x1c
#define TSS32_TRAP 0x64
#define TSS32_MAP  0x66

/* What a TSS says, taken out before anything changes. */
struct task_image {
    uint32_t cr3, ip, flags, gpr[8];
    uint16_t sel[6], ldt;
    bool trap;
};

static const struct tss_layout *layout_of(uint16_t attr)
{
    return attr & 8 ? &tss32 : &tss16;
}

static gva_t tss_addr(uint64_t base, unsigned off)
{
    return (uint32_t)(base + off);
}

void task_check_tss(struct cpu *cpu, uint16_t sel, unsigned ext, struct descriptor *d)
{
    unsigned type;

    if ((sel & 4) || !desc_fetch(cpu, sel, d))
        sel_fault(cpu, EXC_GP, sel, ext);
    type = d->attr & (SEG_S | SEG_TYPE);
    if (type != SYS_TSS16 && type != SYS_TSS32)
        sel_fault(cpu, EXC_GP, sel, ext);
    if (!(d->attr & SEG_P))
        sel_fault(cpu, EXC_NP, sel, ext);
}

static void read_image(struct cpu *cpu, const struct descriptor *d, struct task_image *t)
{
    const struct tss_layout *l = layout_of(d->attr);
    uint8_t raw[TSS32_SIZE];

    mem_read_bytes(cpu, cpu->cur, tss_addr(d->base, 0), raw, l->size, ACC_R | ACC_SYS);
    *t = (struct task_image){0};
    t->ip = (uint32_t)ld_le(raw + l->ip, l->word);
    t->flags = (uint32_t)ld_le(raw + l->flags, l->word);
    for (unsigned n = 0; n < 8; n++) {
        t->gpr[n] = (uint32_t)ld_le(raw + l->gpr + n * l->word, l->word);
        if (l->word ==
            2) /* upper halves are unknown after a 16-bit switch: all ones on real parts */
            t->gpr[n] |= 0xffff0000u;
    }
    for (unsigned n = 0; n < l->sels; n++)
        t->sel[n] = ld_le16(raw + l->sel + n * l->sel_step);
    t->ldt = ld_le16(raw + l->ldt);
    if (l == &tss32) {
        t->cr3 = ld_le32(raw + TSS32_CR3);
        t->trap = raw[TSS32_TRAP] & 1;
    }
}

/* Stores the outgoing task; the range has been probed. */
static void save_task(struct cpu *cpu, uint32_t ip, uint32_t flags)
{
    const struct segment *tr = &cpu->seg[SEG_TR];
    const struct tss_layout *l = layout_of(tr->attr);
    uint8_t raw[10 * 4];

    st_le(raw, ip, l->word);
    st_le(raw + l->word, flags, l->word);
    for (unsigned n = 0; n < 8; n++)
        st_le(raw + (2 + n) * l->word, cpu->gpr[n], l->word);
    mem_write_bytes(cpu, cpu->cur, tss_addr(tr->base, l->ip), raw, 10 * l->word, ACC_W | ACC_SYS);
    for (unsigned n = 0; n < l->sels; n++)
        sys_write(cpu, tss_addr(tr->base, l->sel + n * l->sel_step), cpu->seg[n].sel, 2);
}

/* Table 8-1: the new LDT. */
static void load_task_ldt(struct cpu *cpu, uint16_t sel, unsigned ext)
{
    struct descriptor d;

    if (sel_null(sel))
        return; /* already unusable */
    if ((sel & 4) || !desc_fetch(cpu, sel, &d) || (d.attr & (SEG_S | SEG_TYPE)) != SYS_LDT ||
        !(d.attr & SEG_P))
        sel_fault(cpu, EXC_TS, sel, ext);
    seg_set(cpu, SEG_LDT, sel, &d);
}

static void load_task_cs(struct cpu *cpu, uint16_t sel, unsigned ext)
{
    struct descriptor d;
    unsigned rpl = sel & 3;

    if (sel_null(sel) || !desc_fetch(cpu, sel, &d) || !desc_is_code(&d))
        sel_fault(cpu, EXC_TS, sel, ext);
    if (desc_conforming(&d) ? desc_dpl(&d) > rpl : desc_dpl(&d) != rpl)
        sel_fault(cpu, EXC_TS, sel, ext);
    if (!(d.attr & SEG_P))
        sel_fault(cpu, EXC_NP, sel, ext);
    desc_set_type_bits(cpu, &d, SEG_T_ACCESSED);
    seg_set(cpu, SEG_CS, sel, &d);
}

static void load_task_ss(struct cpu *cpu, uint16_t sel, unsigned ext)
{
    struct descriptor d;

    seg_check_inner_ss(cpu, sel, cpu->cpl, ext, &d);
    desc_set_type_bits(cpu, &d, SEG_T_ACCESSED);
    seg_set(cpu, SEG_SS, sel, &d);
}

static void load_task_data(struct cpu *cpu, unsigned n, uint16_t sel, unsigned ext)
{
    struct descriptor d;

    if (sel_null(sel))
        return;
    if (!desc_fetch(cpu, sel, &d) || !desc_readable(&d))
        sel_fault(cpu, EXC_TS, sel, ext);
    if (!desc_conforming(&d) && (desc_dpl(&d) < cpu->cpl || desc_dpl(&d) < (sel & 3u)))
        sel_fault(cpu, EXC_TS, sel, ext);
    if (!(d.attr & SEG_P))
        sel_fault(cpu, EXC_NP, sel, ext);
    desc_set_type_bits(cpu, &d, SEG_T_ACCESSED);
    seg_set(cpu, n, sel, &d);
}

/* The new task's selectors are in place; now the hidden parts, with faults in its context. */
static void load_task_segments(struct cpu *cpu, const struct task_image *t, unsigned ext)
{
    static const uint8_t data[] = {SEG_ES, SEG_DS, SEG_FS, SEG_GS};

    load_task_ldt(cpu, t->ldt, ext);
    if (cpu->rflags & FL_VM) {
        for (unsigned n = SEG_ES; n <= SEG_GS; n++)
            seg_set_v86(cpu, n, t->sel[n]);
        return;
    }
    load_task_ss(cpu, t->sel[SEG_SS], ext);
    for (unsigned k = 0; k < ARRAY_SIZE(data); k++)
        load_task_data(cpu, data[k], t->sel[data[k]], ext);
    load_task_cs(cpu, t->sel[SEG_CS], ext);
}

/* Step into the new task: everything that cannot fault. */
static void enter_task(struct cpu *cpu, const struct descriptor *d, const struct task_image *t,
                       enum task_why why)
{
    uint32_t flags = t->flags & (FL_ARITH | FL_TF | FL_IF | FL_DF | FL_IOPL | FL_NT | FL_RF |
                                 FL_VM | FL_AC | FL_VIF | FL_VIP | FL_ID);

    if (why == TASK_CALL || why == TASK_INT)
        flags |= FL_NT;
    cpu->cr0 |= CR0_TS;
    seg_set(cpu, SEG_TR, d->sel, d);
    cpu->dr7 &= ~UINT64_C(0x155); /* L0-L3, LE */
    cpu->cur = NULL;              /* faults from here on belong to the new task */
    cpu->gpr[REG_RIP] = t->ip;
    cpu_set_rflags(cpu, flags);
    for (unsigned n = 0; n < 8; n++)
        cpu->gpr[n] = t->gpr[n];
    for (unsigned n = SEG_ES; n <= SEG_GS; n++) {
        seg_set_null(cpu, n, 0);
        cpu->seg[n].sel = t->sel[n];
    }
    seg_set_null(cpu, SEG_LDT, t->ldt);
    cpu->cpl = flags & FL_VM ? 3 : t->sel[SEG_CS] & 3;
    cpu->inhibit = 0;
    if ((cpu->cr0 & CR0_PG) && (d->attr & 8))
        control_task_cr3(cpu, t->cr3);
    cpu_sync_mode(cpu);
}

static void push_error(struct cpu *cpu, uint32_t error, unsigned size, unsigned ext)
{
    struct fstack st = fstack_current(cpu, ext);
    uint64_t word = error;

    fstack_push(cpu, &st, &word, 1, size);
    fstack_commit(cpu, &st);
}

void task_switch(struct cpu *cpu, struct descriptor *d, enum task_why why, uint64_t ret_ip,
                 bool has_error, uint32_t error, unsigned ext)
{
    const struct tss_layout *nl = layout_of(d->attr), *ol = layout_of(cpu->seg[SEG_TR].attr);
    uint16_t old_tr = cpu->seg[SEG_TR].sel;
    uint32_t old_flags = (uint32_t)cpu_rflags(cpu);
    struct task_image t;

    if (d->limit < nl->size - 1)
        sel_fault(cpu, EXC_TS, d->sel, ext);
    if (cpu->seg[SEG_TR].limit < ol->size - 1)
        sel_fault(cpu, EXC_TS, old_tr, ext);
    mem_probe(cpu, cpu->cur, tss_addr(cpu->seg[SEG_TR].base, 0), ol->size, ACC_W | ACC_SYS);
    if (why == TASK_CALL || why == TASK_INT)
        mem_probe(cpu, cpu->cur, tss_addr(d->base, 0), 2, ACC_W | ACC_SYS);
    read_image(cpu, d, &t);

    if (why == TASK_JMP || why == TASK_IRET)
        desc_clear_busy(cpu, old_tr);
    if (why == TASK_IRET)
        old_flags &= ~(uint32_t)FL_NT;
    if (why != TASK_INT) /* an instruction that is done has cleared it */
        old_flags &= ~(uint32_t)FL_RF;
    save_task(cpu, (uint32_t)ret_ip, old_flags);
    if (why != TASK_IRET)
        desc_set_type_bits(cpu, d, 2);
    if (why == TASK_CALL || why == TASK_INT)
        sys_write(cpu, tss_addr(d->base, 0), old_tr, 2);

    enter_task(cpu, d, &t, why);
    load_task_segments(cpu, &t, ext);
    cpu_sync_mode(cpu);
    if (has_error)
        push_error(cpu, error, nl->word, ext);
    if (cpu->gpr[REG_RIP] > cpu->seg[SEG_CS].limit)
        cpu_raise_err(cpu, EXC_GP, ext);
    if (t.trap)
        cpu->pending_db |= DR6_BT;
    cpu_recheck_events(cpu);
}

void tss_inner_stack(struct cpu *cpu, unsigned pl, unsigned ext, uint16_t *ss, uint32_t *esp)
{
    const struct segment *tr = &cpu->seg[SEG_TR];
    bool wide = tr->attr & 8;
    unsigned off = wide ? pl * 8 + 4 : pl * 4 + 2;

    if (!(tr->attr & SEG_P) || off + (wide ? 5 : 3) > tr->limit)
        sel_fault(cpu, EXC_TS, tr->sel, ext);
    *esp = (uint32_t)sys_read(cpu, tss_addr(tr->base, off), wide ? 4 : 2);
    *ss = (uint16_t)sys_read(cpu, tss_addr(tr->base, off + (wide ? 4 : 2)), 2);
}

uint64_t tss_inner_rsp(struct cpu *cpu, unsigned pl, unsigned ist, unsigned ext)
{
    const struct segment *tr = &cpu->seg[SEG_TR];
    unsigned off = ist ? 0x24 + (ist - 1) * 8 : 4 + pl * 8;
    uint64_t rsp;

    if (!(tr->attr & SEG_P) || off + 7 > tr->limit)
        sel_fault(cpu, EXC_TS, tr->sel, ext);
    rsp = sys_read(cpu, tr->base + off, 8);
    if (!gva_canonical(cpu, rsp))
        cpu_raise_err(cpu, EXC_SS, ext);
    return rsp;
}

/* The port map is there in long mode, too, where addresses do not wrap. */
static gva_t map_addr(const struct cpu *cpu, unsigned off)
{
    uint64_t base = cpu->seg[SEG_TR].base;

    return cpu_long_mode(cpu) ? base + off : tss_addr(base, off);
}

void sys_check_io(struct cpu *cpu, uint16_t port, unsigned size)
{
    const struct segment *tr = &cpu->seg[SEG_TR];
    uint32_t map, mask;
    unsigned off;

    if (!(cpu->cr0 & CR0_PE) || (!(cpu->rflags & FL_VM) && cpu->cpl <= cpu_iopl(cpu)))
        return;
    if (!(tr->attr & SEG_P) || !(tr->attr & 8) || tr->limit < TSS32_SIZE - 1)
        cpu_raise_err(cpu, EXC_GP, 0);
    off = (unsigned)sys_read(cpu, map_addr(cpu, TSS32_MAP), 2) + port / 8u;
    if (off + 1 > tr->limit)
        cpu_raise_err(cpu, EXC_GP, 0);
    map = (uint32_t)sys_read(cpu, map_addr(cpu, off), 2);
    mask = ((1u << size) - 1) << (port & 7);
    if (map & mask)
        cpu_raise_err(cpu, EXC_GP, 0);
}

bool tss_int_redirected(struct cpu *cpu, unsigned vector)
{
    const struct segment *tr = &cpu->seg[SEG_TR];
    unsigned map;

    if (!(tr->attr & 8) || tr->limit < TSS32_SIZE - 1)
        return false;
    map = (unsigned)sys_read(cpu, tr->base + TSS32_MAP, 2);
    if (map < 32 || map - 32 + vector / 8 > tr->limit)
        return false;
    return !(sys_read(cpu, tss_addr(tr->base, map - 32 + vector / 8), 1) >> (vector & 7) & 1);
}
