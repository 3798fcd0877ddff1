/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptor table registers, LDT and task registers, machine status word. Intel SDM volume 2:
 * LGDT, LIDT, SGDT, SIDT, LLDT, LTR, SLDT, STR, LMSW, SMSW; UMIP in volume 3A, 2.5.
 */
#include "cpu/control.h"
#include "cpu/exec.h"
#include "cpu/far.h"
#include "cpu/segments.h"

/* CR4.UMIP keeps the addresses of system structures from user code. */
static void check_umip(struct cpu *cpu, const struct insn *i)
{
    if ((cpu->cr4 & CR4_UMIP) && cpu->cpl > 0 && (cpu->cr0 & CR0_PE))
        RAISE_ERR(EXC_GP, 0);
}

static void store_table(struct cpu *cpu, const struct insn *i, const struct table_reg *t)
{
    unsigned size = cpu_code64(cpu) ? 10 : 6;
    uint8_t raw[10];
    gva_t va;

    check_umip(cpu, i);
    va = ea_gen(cpu, i, size, ACC_W);
    /* a word, and the base behind it: SDM 3A 3.5.1 */
    mem_check_aligned(cpu, i, va, 2);
    mem_check_aligned(cpu, i, va + 2, 4);
    st_le16(raw, t->limit);
    st_le64(raw + 2, t->base);
    mem_write_bytes(cpu, i, va, raw, size, ACC_W);
}

static void load_table(struct cpu *cpu, const struct insn *i, struct table_reg *t)
{
    bool wide = cpu_code64(cpu);
    unsigned size = wide ? 10 : 6;
    uint8_t raw[10];
    uint64_t base;
    gva_t va;

    if (cpu->cpl > 0)
        RAISE_ERR(EXC_GP, 0);
    va = ea_gen(cpu, i, size, ACC_R);
    mem_read_bytes(cpu, i, va, raw, size, ACC_R);
    base = wide ? ld_le64(raw + 2) : ld_le32(raw + 2);
    if (wide && !gva_canonical_ever(cpu, base))
        RAISE_ERR(EXC_GP, 0);
    if (!wide && i->osz == SZ16)
        base &= 0xffffff;
    t->limit = ld_le16(raw);
    t->base = base;
}

HANDLER(sgdt)
{
    store_table(cpu, i, &cpu->gdtr);
    NEXT;
}
FAMILY(h_sgdt, sgdt);

HANDLER(sidt)
{
    store_table(cpu, i, &cpu->idtr);
    NEXT;
}
FAMILY(h_sidt, sidt);

HANDLER(lgdt)
{
    load_table(cpu, i, &cpu->gdtr);
    NEXT;
}
FAMILY(h_lgdt, lgdt);

HANDLER(lidt)
{
    load_table(cpu, i, &cpu->idtr);
    NEXT;
}
FAMILY(h_lidt, lidt);

static void store_selector(struct cpu *cpu, const struct insn *i, uint64_t v)
{
    check_umip(cpu, i);
    rm_set(cpu, i, v, i->flags & INSN_MEM ? SZ16 : i->osz);
}

HANDLER(sldt)
{
    if (!cpu_protected(cpu))
        RAISE(EXC_UD);
    store_selector(cpu, i, cpu->seg[SEG_LDT].sel);
    NEXT;
}
FAMILY(h_sldt, sldt);

HANDLER(str)
{
    if (!cpu_protected(cpu))
        RAISE(EXC_UD);
    store_selector(cpu, i, cpu->seg[SEG_TR].sel);
    NEXT;
}
FAMILY(h_str, str);

HANDLER(lldt)
{
    uint16_t sel;

    if (!cpu_protected(cpu))
        RAISE(EXC_UD);
    if (cpu->cpl > 0)
        RAISE_ERR(EXC_GP, 0);
    sel = (uint16_t)rm_get(cpu, i, SZ16);
    AT(i);
    seg_load_ldt(cpu, sel);
    NEXT;
}
FAMILY(h_lldt, lldt);

HANDLER(ltr)
{
    uint16_t sel;

    if (!cpu_protected(cpu))
        RAISE(EXC_UD);
    if (cpu->cpl > 0)
        RAISE_ERR(EXC_GP, 0);
    sel = (uint16_t)rm_get(cpu, i, SZ16);
    AT(i);
    seg_load_tr(cpu, sel);
    NEXT;
}
FAMILY(h_ltr, ltr);

HANDLER(smsw)
{
    store_selector(cpu, i, cpu->cr0);
    NEXT;
}
FAMILY(h_smsw, smsw);

HANDLER(lmsw)
{
    uint64_t msw;

    if (cpu->cpl > 0)
        RAISE_ERR(EXC_GP, 0);
    msw = rm_get(cpu, i, SZ16) & 15;
    msw |= cpu->cr0 & CR0_PE; /* sets PE, never clears it */
    if (!control_write_cr0(cpu, (cpu->cr0 & ~UINT64_C(15)) | msw))
        RAISE_ERR(EXC_GP, 0);
    GO_ON_AFTER;
}
FAMILY(h_lmsw, lmsw);
