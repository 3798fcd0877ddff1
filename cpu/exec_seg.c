/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moves to and from segment registers, far pointer loads, and the instructions that ask about
 * selectors. Intel SDM volume 2: MOV, PUSH, POP, LDS/LES/LFS/LGS/LSS, LAR, LSL, VERR/VERW, ARPL.
 */
#include "cpu/exec.h"
#include "cpu/far.h"
#include "cpu/farstack.h"
#include "cpu/segments.h"

/* After segment n was loaded: what else that changes. */
static void seg_loaded(struct cpu *cpu, unsigned n, bool shadow)
{
    if (n == SEG_SS && shadow) { /* SDM 3A 6.8.3: breakpoints wait, a single step is dropped */
        cpu->inhibit = INHIBIT_ALL | INHIBIT_INTR;
        cpu->pending_db &= ~(uint64_t)DR6_BS;
    }
    cpu_sync_mode(cpu);
    if (cpu->inhibit)
        cpu_recheck_events(cpu);
}

static void push_seg(struct cpu *cpu, const struct insn *i, unsigned n)
{
    struct fstack st = fstack_current(cpu, 0);
    uint64_t v = cpu->seg[n].sel;

    AT(i);
    fstack_push(cpu, &st, &v, 1, OSIZE(i));
    fstack_commit(cpu, &st);
}

static void pop_seg(struct cpu *cpu, const struct insn *i, unsigned n)
{
    struct fstack st = fstack_current(cpu, 0);
    uint16_t sel;

    AT(i);
    sel = (uint16_t)fstack_peek(cpu, &st, 0, OSIZE(i));
    fstack_drop(&st, OSIZE(i));
    seg_load(cpu, n, sel);
    fstack_commit(cpu, &st);
    seg_loaded(cpu, n, true);
}

#define PUSH_SEG(name, n)                                                                          \
    HANDLER(push_##name)                                                                           \
    {                                                                                              \
        push_seg(cpu, i, n);                                                                       \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY(h_push_##name, push_##name)
PUSH_SEG(es, SEG_ES);
PUSH_SEG(cs, SEG_CS);
PUSH_SEG(ss, SEG_SS);
PUSH_SEG(ds, SEG_DS);
PUSH_SEG(fs, SEG_FS);
PUSH_SEG(gs, SEG_GS);

#define POP_SEG(name, n)                                                                           \
    HANDLER(pop_##name)                                                                            \
    {                                                                                              \
        pop_seg(cpu, i, n);                                                                        \
        GO_ON_AFTER;                                                                               \
    }                                                                                              \
    FAMILY(h_pop_##name, pop_##name)
POP_SEG(es, SEG_ES);
POP_SEG(ss, SEG_SS);
POP_SEG(ds, SEG_DS);
POP_SEG(fs, SEG_FS);
POP_SEG(gs, SEG_GS);

/* ---- MOV ---- */

HANDLER(mov_rm_sreg)
{
    unsigned n = i->reg & 7;

    if (n > SEG_GS)
        RAISE(EXC_UD);
    /* 16 bits to memory; a register gets the whole operand size, zero-extended */
    rm_set(cpu, i, cpu->seg[n].sel, i->flags & INSN_MEM ? SZ16 : i->osz);
    NEXT;
}
FAMILY(h_mov_rm_sreg, mov_rm_sreg);

HANDLER(mov_sreg_rm)
{
    unsigned n = i->reg & 7;
    uint16_t sel;

    if (n > SEG_GS || n == SEG_CS)
        RAISE(EXC_UD);
    sel = (uint16_t)rm_get(cpu, i, SZ16);
    AT(i);
    seg_load(cpu, n, sel);
    seg_loaded(cpu, n, true);
    GO_ON_AFTER;
}
FAMILY(h_mov_sreg_rm, mov_sreg_rm);

/* ---- LES and its kin ---- */

static void load_far_pointer(struct cpu *cpu, const struct insn *i, unsigned n)
{
    unsigned size = OSIZE(i);
    gva_t va = ea_gen(cpu, i, size + 2, ACC_R);
    uint8_t ptr[10];

    AT(i);
    mem_check_aligned(cpu, i, va, size);
    mem_read_bytes(cpu, i, va, ptr, size + 2, ACC_R);
    seg_load(cpu, n, ld_le16(ptr + size));
    reg_set(cpu, i->reg, ld_le(ptr, size), i->osz);
    seg_loaded(cpu, n, false);
}

#define LOAD_FAR(name, n)                                                                          \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        load_far_pointer(cpu, i, n);                                                               \
        GO_ON_AFTER;                                                                               \
    }                                                                                              \
    FAMILY(h_##name, name)
LOAD_FAR(les, SEG_ES);
LOAD_FAR(lds, SEG_DS);
LOAD_FAR(lss, SEG_SS);
LOAD_FAR(lfs, SEG_FS);
LOAD_FAR(lgs, SEG_GS);

/* ---- asking about selectors ---- */

static void set_zf(struct cpu *cpu, bool zf)
{
    flags_set_arith(cpu, (flags_arith(cpu) & ~(uint32_t)FL_ZF) | (zf ? FL_ZF : 0u));
}

/* The descriptor is one that the program could use at its privilege: DPL against CPL and RPL. */
static bool visible(const struct cpu *cpu, const struct descriptor *d)
{
    return desc_conforming(d) || (cpu->cpl <= desc_dpl(d) && (d->sel & 3u) <= desc_dpl(d));
}

/* Fetches what LAR or LSL asks about; `legacy` and `longm` are masks of system types it may be. */
static bool query(struct cpu *cpu, uint16_t sel, unsigned legacy, unsigned longm,
                  struct descriptor *d)
{
    unsigned types = cpu_long_mode(cpu) ? longm : legacy;

    if (!desc_fetch(cpu, sel, d))
        return false;
    if (!(d->attr & SEG_S)) {
        if (!(types >> (d->attr & SEG_TYPE) & 1) || !desc_widen(cpu, d))
            return false;
        return cpu->cpl <= desc_dpl(d) && (sel & 3u) <= desc_dpl(d);
    }
    return visible(cpu, d);
}

#define T(n)       (1u << (n))
#define TSS_LEGACY (T(SYS_TSS16) | T(SYS_TSS16_BUSY) | T(SYS_TSS32) | T(SYS_TSS32_BUSY))
#define TSS_LONG   (T(SYS_TSS32) | T(SYS_TSS32_BUSY))

HANDLER(lar)
{
    struct descriptor d;
    uint16_t sel;
    bool ok;

    if (!cpu_protected(cpu))
        RAISE(EXC_UD);
    sel = (uint16_t)rm_get(cpu, i, SZ16);
    AT(i);
    ok = query(cpu, sel, TSS_LEGACY | T(SYS_LDT) | T(SYS_CALL16) | T(SYS_CALL32) | T(SYS_TASK_GATE),
               TSS_LONG | T(SYS_LDT) | T(SYS_CALL32), &d);
    if (ok)
        reg_set(cpu, i->reg, i->osz == SZ16 ? d.hi & 0xff00 : d.hi & 0x00f0ff00, i->osz);
    set_zf(cpu, ok);
    NEXT;
}
FAMILY(h_lar, lar);

HANDLER(lsl)
{
    struct descriptor d;
    uint16_t sel;
    bool ok;

    if (!cpu_protected(cpu))
        RAISE(EXC_UD);
    sel = (uint16_t)rm_get(cpu, i, SZ16);
    AT(i);
    ok = query(cpu, sel, TSS_LEGACY | T(SYS_LDT), TSS_LONG | T(SYS_LDT), &d);
    if (ok)
        reg_set(cpu, i->reg, d.limit, i->osz);
    set_zf(cpu, ok);
    NEXT;
}
FAMILY(h_lsl, lsl);

HANDLER(verr)
{
    struct descriptor d;
    uint16_t sel;

    if (!cpu_protected(cpu))
        RAISE(EXC_UD);
    sel = (uint16_t)rm_get(cpu, i, SZ16);
    AT(i);
    set_zf(cpu, desc_fetch(cpu, sel, &d) && desc_readable(&d) && visible(cpu, &d));
    NEXT;
}
FAMILY(h_verr, verr);

HANDLER(verw)
{
    struct descriptor d;
    uint16_t sel;

    if (!cpu_protected(cpu))
        RAISE(EXC_UD);
    sel = (uint16_t)rm_get(cpu, i, SZ16);
    AT(i);
    set_zf(cpu, desc_fetch(cpu, sel, &d) && desc_writable_data(&d) && visible(cpu, &d));
    NEXT;
}
FAMILY(h_verw, verw);

HANDLER(arpl)
{
    uint16_t dst, src = (uint16_t)cpu->gpr[i->reg];
    bool raise_rpl;

    if (!cpu_protected(cpu))
        RAISE(EXC_UD);
    dst = (uint16_t)rm_get(cpu, i, SZ16);
    raise_rpl = (dst & 3) < (src & 3);
    if (raise_rpl)
        rm_set(cpu, i, (uint16_t)((dst & ~3) | (src & 3)), SZ16);
    set_zf(cpu, raise_rpl);
    NEXT;
}
FAMILY(h_arpl, arpl);
