/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moves to and from control and debug registers, TLB and cache maintenance. Intel SDM volume 2: MOV
 * (control registers), MOV (debug registers), CLTS, INVLPG, INVPCID, INVD, WBINVD, RDPKRU, WRPKRU.
 */
#include "base/mutant.h"
#include "cpu/control.h"
#include "cpu/debug.h"
#include "cpu/exec.h"
#include "cpu/far.h"
#include "cpu/lint.h"
#include "cpu/lint_tlb.h"

/* Operand size of these moves: 64 bits in 64-bit mode, else 32. */
static unsigned move_size(const struct cpu *cpu)
{
    return cpu_code64(cpu) ? SZ64 : SZ32;
}

static bool cr_exists(const struct cpu *cpu, unsigned n)
{
    return n == 0 || n == 2 || n == 3 || n == 4 || (n == 8 && cpu_code64(cpu));
}

static uint64_t cr_read(const struct cpu *cpu, unsigned n)
{
    switch (n) {
    case 0: return cpu->cr0;
    case 2: return cpu->cr2;
    case 3: return cpu->cr3;
    case 4: return cpu->cr4;
    default: return cpu->hooks.get_cr8 ? cpu->hooks.get_cr8(cpu->hooks.opaque) : 0;
    }
}

static bool cr_write(struct cpu *cpu, unsigned n, uint64_t val)
{
    switch (n) {
    case 0: return control_write_cr0(cpu, val);
    case 2: cpu->cr2 = val; return true;
    case 3: return control_write_cr3(cpu, val);
    case 4: return control_write_cr4(cpu, val);
    default: return control_write_cr8(cpu, val);
    }
}

HANDLER(mov_r_cr)
{
    if (!cr_exists(cpu, i->reg))
        RAISE(EXC_UD);
    if (cpu->cpl > 0)
        RAISE_ERR(EXC_GP, 0);
    AT(i);
    reg_set(cpu, i->rm, cr_read(cpu, i->reg), move_size(cpu));
    NEXT;
}
FAMILY(h_mov_r_cr, mov_r_cr);

HANDLER(mov_cr_r)
{
    uint64_t next = insn_next_rip(cpu, i), val;
    bool done;

    if (!cr_exists(cpu, i->reg))
        RAISE(EXC_UD);
    AT(i);
    if (cpu->cpl > 0)
        RAISE_ERR(EXC_GP, 0);
    val = reg_get(cpu, i->rm, move_size(cpu));
    done = cr_write(cpu, i->reg, val);
    if (lint_on(LINT_RESERVED_BITS))
        lint_cr_write(cpu, i->reg, val, done);
    if (!done)
        RAISE_ERR(EXC_GP, 0);
    cpu->gpr[REG_RIP] = next;
    GO_ON;
}
FAMILY(h_mov_cr_r, mov_cr_r);

/* What MOV to and from debug registers checks first; returns the register, DR4 and DR5 made 6
 * and 7. */
static unsigned debug_reg(struct cpu *cpu, const struct insn *i)
{
    unsigned n = i->reg;

    if (n > 7 || ((n == 4 || n == 5) && (cpu->cr4 & CR4_DE)))
        RAISE(EXC_UD);
    if (cpu->cpl > 0)
        RAISE_ERR(EXC_GP, 0);
    if (cpu->dr7 & DR7_GD) {
        cpu->dr6 |= DR6_BD;
        RAISE(EXC_DB);
    }
    return n == 4 || n == 5 ? n + 2 : n;
}

HANDLER(mov_r_dr)
{
    unsigned n = debug_reg(cpu, i);
    uint64_t v = n < 4 ? cpu->dr[n] : n == 6 ? cpu->dr6 : cpu->dr7;

    reg_set(cpu, i->rm, v, move_size(cpu));
    NEXT;
}
FAMILY(h_mov_r_dr, mov_r_dr);

HANDLER(mov_dr_r)
{
    unsigned n = debug_reg(cpu, i);
    uint64_t v = reg_get(cpu, i->rm, move_size(cpu));

    if (n >= 6 && v >> 32)
        RAISE_ERR(EXC_GP, 0);
    cpu->rflags &= ~(uint64_t)FL_RF; /* not kept up to date until now; from here on it may count */
    if (n < 4)
        cpu->dr[n] = v;
    else if (n == 6)
        debug_set_dr6(cpu, v);
    else
        debug_set_dr7(cpu, v);
    GO_ON_AFTER;
}
FAMILY(h_mov_dr_r, mov_dr_r);

HANDLER(clts)
{
    if (cpu->cpl > 0)
        RAISE_ERR(EXC_GP, 0);
    cpu->cr0 &= ~(uint64_t)CR0_TS;
    cpu_sync_mode(cpu);
    GO_ON_AFTER;
}
FAMILY(h_clts, clts);

HANDLER(wbinvd)
{
    if (cpu->cpl > 0)
        RAISE_ERR(EXC_GP, 0);
    NEXT; /* caches are coherent and not seen by the guest */
}
FAMILY(h_wbinvd, wbinvd);

HANDLER(invlpg)
{
    uint64_t off;
    gva_t va;

    if (cpu->cpl > 0)
        RAISE_ERR(EXC_GP, 0);
    /* the segment's limit and type are not looked at */
    off = ea_offset(cpu, i);
    if (cpu_code64(cpu))
        va = i->seg >= SEG_FS ? cpu->seg[i->seg].base + off : off;
    else
        va = (uint32_t)(cpu->seg[i->seg].base + off);
    if (gva_canonical_ever(cpu, va)) {
        if (unlikely(cpu->lint_tlb))
            lint_tlb_flush_page(cpu, va, cpu->tlb_pcid, true);
        cpu_tlb_flush_page(cpu, va);
    }
    GO_ON_AFTER;
}
FAMILY(h_invlpg, invlpg);

HANDLER(invpcid)
{
    uint64_t type, desc[2];
    gva_t va;

    if (cpu->cpl > 0)
        RAISE_ERR(EXC_GP, 0);
    type = reg_get(cpu, i->reg, move_size(cpu));
    va = ea_gen(cpu, i, 16, ACC_R);
    mem_read_bytes(cpu, i, va, desc, 16, ACC_R);
    if (type > 3)
        RAISE_ERR(EXC_GP, 0);
    if (desc[0] >> 12 || (type < 2 && !(cpu->cr4 & CR4_PCIDE) && (desc[0] & 0xfff)))
        RAISE_ERR(EXC_GP, 0);
    switch (type) {
    case 0: /* of any PCID: pages are dropped in all of them */
        if (!gva_canonical_ever(cpu, desc[1]))
            RAISE_ERR(EXC_GP, 0);
        if (unlikely(cpu->lint_tlb))
            lint_tlb_flush_page(cpu, desc[1], desc[0] & 0xfff, false);
        cpu_tlb_flush_page(cpu, desc[1]);
        break;
    case 1: cpu_tlb_flush_pcid(cpu, desc[0] & 0xfff); break;
    default: cpu_tlb_flush(cpu, type == 2);
    }
    GO_ON_AFTER;
}
FAMILY(h_invpcid, invpcid);

HANDLER(rdpkru)
{
    if (!(cpu->cr4 & CR4_PKE))
        RAISE(EXC_UD);
    if ((uint32_t)cpu->gpr[REG_RCX])
        RAISE_ERR(EXC_GP, 0);
    cpu->gpr[REG_RAX] = cpu->pkru;
    cpu->gpr[REG_RDX] = 0;
    NEXT;
}
FAMILY(h_rdpkru, rdpkru);

HANDLER(wrpkru)
{
    uint32_t val = (uint32_t)cpu->gpr[REG_RAX];

    if (!(cpu->cr4 & CR4_PKE))
        RAISE(EXC_UD);
    if ((uint32_t)cpu->gpr[REG_RCX] || (uint32_t)cpu->gpr[REG_RDX])
        RAISE_ERR(EXC_GP, 0);
    if (val != cpu->pkru) {
        cpu->pkru = val;
        if (!MUTANT(wrpkru_keeps_rights)) /* the TLB has what the old keys allowed */
            cpu_tlb_forget(cpu, true);
    }
    NEXT;
}
FAMILY(h_wrpkru, wrpkru);
