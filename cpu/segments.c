/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segment descriptors and registers; see segments.h. Intel SDM volume 3A, chapters 3 (3.4
 * segments, 3.5 system descriptors) and 5 (5.5-5.7 privilege checks); volume 2, MOV, LDS, LLDT,
 * LTR.
 */
#include "cpu/segments.h"

#include "base/mutant.h"
#include "cpu/access.h"
#include "cpu/lint.h"
#include "cpu/mmu.h"

#define ATTR_REAL_DATA (SEG_P | SEG_S | SEG_T_WRITE | SEG_T_ACCESSED)

void sel_fault(struct cpu *cpu, unsigned vector, uint16_t sel, unsigned ext)
{
    cpu_raise_err(cpu, vector, (sel & 0xfffcu) | ext);
}

static gva_t table_linear(const struct cpu *cpu, uint64_t base, uint32_t off)
{
    uint64_t lin = base + off;

    return cpu_long_mode(cpu) ? lin : (uint32_t)lin;
}

/* Linear address of `size` bytes at sel's index plus `skip`; false when beyond the table. */
static bool desc_locate(const struct cpu *cpu, uint16_t sel, unsigned skip, unsigned size,
                        gva_t *va)
{
    uint32_t off = (sel & 0xfff8u) + skip;
    uint32_t limit = cpu->gdtr.limit;
    uint64_t base = cpu->gdtr.base;

    if (sel & 4) {
        const struct segment *ldt = &cpu->seg[SEG_LDT];

        if (!(ldt->attr & SEG_P))
            return false;
        limit = ldt->limit;
        base = ldt->base;
    }
    if (off + size - 1 > limit)
        return false;
    *va = table_linear(cpu, base, off);
    return true;
}

bool desc_fetch(struct cpu *cpu, uint16_t sel, struct descriptor *d)
{
    uint64_t raw;

    if (sel_null(sel) || !desc_locate(cpu, sel, 0, 8, &d->addr))
        return false;
    raw = sys_read(cpu, d->addr, 8);
    d->sel = sel;
    d->lo = (uint32_t)raw;
    d->hi = (uint32_t)(raw >> 32);
    d->upper = 0;
    d->attr = (d->hi >> 8) & 0xf0ff;
    d->base = (d->lo >> 16) | ((d->hi & 0xff) << 16) | (d->hi & 0xff000000u);
    d->limit = (d->lo & 0xffff) | (d->hi & 0xf0000);
    if (d->attr & SEG_G)
        d->limit = d->limit << 12 | 0xfff;
    return true;
}

bool desc_widen(struct cpu *cpu, struct descriptor *d)
{
    uint64_t raw;
    gva_t va;

    if (!cpu_long_mode(cpu))
        return true;
    if (!desc_locate(cpu, d->sel, 8, 8, &va))
        return false;
    raw = sys_read(cpu, va, 8);
    d->upper = (uint32_t)raw;
    d->base |= raw << 32;
    return ((raw >> 40) & 0x1f) == 0;
}

bool desc_widen_to_load(struct cpu *cpu, struct descriptor *d)
{
    bool ok = desc_widen(cpu, d);

    if (!ok && !MUTANT(wide_descriptors_unseen) && lint_on(LINT_RESERVED_BITS))
        lint_wide_descriptor(d->sel);
    return ok;
}

bool desc_both_l_and_d(const struct cpu *cpu, const struct descriptor *d)
{
    bool both = cpu_long_mode(cpu) && (d->attr & (SEG_L | SEG_DB)) == (SEG_L | SEG_DB);

    if (both && lint_on(LINT_RESERVED_BITS))
        lint_code_descriptor(d->sel);
    return both;
}

void desc_set_type_bits(struct cpu *cpu, struct descriptor *d, unsigned type_bits)
{
    if ((d->attr & type_bits) == type_bits)
        return;
    sys_update8(cpu, d->addr + 5, (uint8_t)type_bits, 0);
    d->attr |= (uint16_t)type_bits;
    d->hi |= type_bits << 8;
}

void desc_clear_busy(struct cpu *cpu, uint16_t sel)
{
    gva_t va;

    if (sel_null(sel) || (sel & 4) || !desc_locate(cpu, sel, 0, 8, &va))
        return;
    sys_update8(cpu, va + 5, 0, 2);
}

void seg_set(struct cpu *cpu, unsigned n, uint16_t sel, const struct descriptor *d)
{
    struct segment *s = &cpu->seg[n];

    s->sel = sel;
    s->attr = d->attr;
    s->limit = d->limit;
    s->base = d->base;
    cpu_derive_segment(cpu, n, true);
}

void seg_set_null(struct cpu *cpu, unsigned n, uint16_t sel)
{
    struct segment *s = &cpu->seg[n];

    s->sel = sel;
    s->attr = n == SEG_SS ? (uint16_t)((sel & 3) << SEG_DPL_SHIFT) : 0;
    s->limit = 0;
    s->base = 0;
    cpu_derive_segment(cpu, n, false);
}

void seg_set_flat(struct cpu *cpu, unsigned n, uint16_t sel, unsigned attr)
{
    struct segment *s = &cpu->seg[n];

    s->sel = sel;
    s->attr = (uint16_t)attr;
    s->limit = 0xffffffff;
    s->base = 0;
    cpu_derive_segment(cpu, n, true);
}

void seg_set_real(struct cpu *cpu, unsigned n, uint16_t sel)
{
    struct segment *s = &cpu->seg[n];

    s->sel = sel;
    s->base = (uint32_t)sel << 4;
    if (!(s->attr & SEG_P)) { /* was null in protected mode */
        s->attr = ATTR_REAL_DATA;
        s->limit = 0xffff;
    }
    if (n != SEG_CS && (s->attr & (SEG_S | SEG_T_CODE | SEG_T_WRITE)) != (SEG_S | SEG_T_WRITE))
        s->attr = (uint16_t)((s->attr & (SEG_DB | SEG_G | SEG_AVL)) | ATTR_REAL_DATA);
    cpu_derive_segment(cpu, n, true);
}

void seg_set_v86(struct cpu *cpu, unsigned n, uint16_t sel)
{
    struct segment *s = &cpu->seg[n];

    s->sel = sel;
    s->base = (uint32_t)sel << 4;
    s->limit = 0xffff;
    s->attr = ATTR_REAL_DATA | SEG_DPL;
    cpu_derive_segment(cpu, n, true);
}

static void load_null(struct cpu *cpu, unsigned n, uint16_t sel)
{
    if (n == SEG_SS && (!cpu_code64(cpu) || cpu->cpl == 3 || (sel & 3) != cpu->cpl))
        cpu_raise_err(cpu, EXC_GP, 0);
    seg_set_null(cpu, n, sel);
}

void seg_load(struct cpu *cpu, unsigned n, uint16_t sel)
{
    struct descriptor d;
    unsigned rpl = sel & 3;

    if (!cpu_protected(cpu)) {
        if (cpu->cr0 & CR0_PE)
            seg_set_v86(cpu, n, sel);
        else
            seg_set_real(cpu, n, sel);
        return;
    }
    if (sel_null(sel)) {
        load_null(cpu, n, sel);
        return;
    }
    if (!desc_fetch(cpu, sel, &d))
        sel_fault(cpu, EXC_GP, sel, 0);
    if (n == SEG_SS) {
        if (rpl != cpu->cpl || !desc_writable_data(&d) || desc_dpl(&d) != cpu->cpl)
            sel_fault(cpu, EXC_GP, sel, 0);
    } else {
        if (!desc_readable(&d))
            sel_fault(cpu, EXC_GP, sel, 0);
        if (!desc_conforming(&d) && (rpl > desc_dpl(&d) || cpu->cpl > desc_dpl(&d)))
            sel_fault(cpu, EXC_GP, sel, 0);
    }
    if (!(d.attr & SEG_P))
        sel_fault(cpu, n == SEG_SS ? EXC_SS : EXC_NP, sel, 0);
    desc_set_type_bits(cpu, &d, SEG_T_ACCESSED);
    seg_set(cpu, n, sel, &d);
}

void seg_check_inner_ss(struct cpu *cpu, uint16_t sel, unsigned pl, unsigned ext,
                        struct descriptor *d)
{
    if (sel_null(sel) || !desc_fetch(cpu, sel, d))
        sel_fault(cpu, EXC_TS, sel, ext);
    if ((sel & 3u) != pl || desc_dpl(d) != pl || !desc_writable_data(d))
        sel_fault(cpu, EXC_TS, sel, ext);
    if (!(d->attr & SEG_P))
        sel_fault(cpu, EXC_SS, sel, ext);
}

void seg_drop_inner_data(struct cpu *cpu)
{
    static const uint8_t data[] = {SEG_ES, SEG_DS, SEG_FS, SEG_GS};

    for (unsigned k = 0; k < ARRAY_SIZE(data); k++) {
        const struct segment *s = &cpu->seg[data[k]];
        bool conforming = (s->attr & (SEG_S | SEG_T_CODE | SEG_T_CONFORM)) ==
                          (SEG_S | SEG_T_CODE | SEG_T_CONFORM);

        if ((s->attr & SEG_P) && !conforming && (s->attr & SEG_DPL) >> SEG_DPL_SHIFT < cpu->cpl)
            seg_set_null(cpu, data[k], 0);
    }
}

void seg_load_ldt(struct cpu *cpu, uint16_t sel)
{
    struct descriptor d;

    if (sel_null(sel)) {
        seg_set_null(cpu, SEG_LDT, sel);
        return;
    }
    if ((sel & 4) || !desc_fetch(cpu, sel, &d) || (d.attr & (SEG_S | SEG_TYPE)) != SYS_LDT ||
        !desc_widen_to_load(cpu, &d))
        sel_fault(cpu, EXC_GP, sel, 0);
    if (!(d.attr & SEG_P))
        sel_fault(cpu, EXC_NP, sel, 0);
    if (cpu_long_mode(cpu) && !gva_canonical_ever(cpu, d.base))
        sel_fault(cpu, EXC_GP, sel, 0);
    seg_set(cpu, SEG_LDT, sel, &d);
}

void seg_load_tr(struct cpu *cpu, uint16_t sel)
{
    struct descriptor d;
    unsigned type;

    if (sel_null(sel))
        cpu_raise_err(cpu, EXC_GP, 0);
    if ((sel & 4) || !desc_fetch(cpu, sel, &d))
        sel_fault(cpu, EXC_GP, sel, 0);
    type = d.attr & (SEG_S | SEG_TYPE);
    if (type != SYS_TSS32 && (type != SYS_TSS16 || cpu_long_mode(cpu)))
        sel_fault(cpu, EXC_GP, sel, 0);
    if (!desc_widen_to_load(cpu, &d))
        sel_fault(cpu, EXC_GP, sel, 0);
    if (!(d.attr & SEG_P))
        sel_fault(cpu, EXC_NP, sel, 0);
    if (cpu_long_mode(cpu) && !gva_canonical_ever(cpu, d.base))
        sel_fault(cpu, EXC_GP, sel, 0);
    desc_set_type_bits(cpu, &d, 2);
    seg_set(cpu, SEG_TR, sel, &d);
}

void seg_rederive(struct cpu *cpu)
{
    for (unsigned n = 0; n < SEG_COUNT; n++)
        cpu_derive_segment(cpu, n, (cpu->seg[n].attr & SEG_P) != 0);
}
