/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flag instructions and decimal arithmetic: SAHF LAHF CMC CLC STC CLD STD SALC, DAA DAS AAA AAS AAM
 * AAD. SDM volume 2; undefined flags follow from the result as on current processors. */
#include "cpu/exec.h"
#include "cpu/features.h"
#include "cpu/opcodes.h"
#include "cpu/regs.h"

HANDLER(sahf)
{
    uint32_t keep = flags_arith(cpu) & FL_OF;

    if (cpu_code64(cpu) && !(cpu->features & FEAT(LAHF64)))
        RAISE(EXC_UD);
    flags_set_arith(cpu, keep | (uint8_t)(cpu->gpr[REG_RAX] >> 8));
    NEXT;
}
FAMILY(h_sahf, sahf);

HANDLER(lahf)
{
    if (cpu_code64(cpu) && !(cpu->features & FEAT(LAHF64)))
        RAISE(EXC_UD);
    REG8(cpu, REG_RAX * 8 + 1) = (uint8_t)(flags_arith(cpu) | FL_1);
    NEXT;
}
FAMILY(h_lahf, lahf);

HANDLER(cmc)
{
    flags_set_cf(cpu, !flag_cf(cpu));
    NEXT;
}
FAMILY(h_cmc, cmc);

HANDLER(clc)
{
    flags_set_cf(cpu, false);
    NEXT;
}
FAMILY(h_clc, clc);

HANDLER(stc)
{
    flags_set_cf(cpu, true);
    NEXT;
}
FAMILY(h_stc, stc);

HANDLER(cld)
{
    cpu->rflags &= ~(uint64_t)FL_DF;
    NEXT;
}
FAMILY(h_cld, cld);

HANDLER(std)
{
    cpu->rflags |= FL_DF;
    NEXT;
}
FAMILY(h_std, std);

HANDLER(salc)
{
    SET_8(REG_RAX, flag_cf(cpu) ? 0xff : 0);
    NEXT;
}
FAMILY(h_salc, salc);

/* ---- decimal ---- */

static uint8_t al(const struct cpu *cpu)
{
    return (uint8_t)cpu->gpr[REG_RAX];
}

/* SF, ZF, PF from a byte, with CF and AF given and OF clear. */
static void flags_decimal(struct cpu *cpu, uint8_t r, bool cf, bool af)
{
    flags_logic8(cpu, r);
    flags_set_cf_of(cpu, cf, false);
    if (af)
        cpu->cc_vec |= CC_AF;
}

HANDLER(daa)
{
    uint8_t old = al(cpu), r = old;
    bool cf = flag_cf(cpu), af = (old & 15) > 9 || flag_af(cpu), carry = old > 0x99 || cf;

    if (af)
        r = (uint8_t)(r + 6);
    if (carry)
        r = (uint8_t)(r + 0x60);
    SET_8(REG_RAX, r);
    flags_decimal(cpu, r, carry, af);
    NEXT;
}
FAMILY(h_daa, daa);

HANDLER(das)
{
    uint8_t old = al(cpu), r = old;
    bool cf = flag_cf(cpu), af = (old & 15) > 9 || flag_af(cpu), carry = old > 0x99 || cf;
    bool borrow = carry;

    if (af) {
        borrow |= r < 6;
        r = (uint8_t)(r - 6);
    }
    if (carry)
        r = (uint8_t)(r - 0x60);
    SET_8(REG_RAX, r);
    flags_decimal(cpu, r, borrow, af);
    NEXT;
}
FAMILY(h_das, das);

HANDLER(aaa)
{
    bool adjust = (al(cpu) & 15) > 9 || flag_af(cpu);

    if (adjust)
        SET_16(REG_RAX, cpu->gpr[REG_RAX] + 0x106);
    SET_8(REG_RAX, al(cpu) & 15);
    flags_decimal(cpu, al(cpu), adjust, adjust);
    NEXT;
}
FAMILY(h_aaa, aaa);

HANDLER(aas)
{
    bool adjust = (al(cpu) & 15) > 9 || flag_af(cpu);

    if (adjust)
        SET_16(REG_RAX, cpu->gpr[REG_RAX] - 0x106);
    SET_8(REG_RAX, al(cpu) & 15);
    flags_decimal(cpu, al(cpu), adjust, adjust);
    NEXT;
}
FAMILY(h_aas, aas);

HANDLER(aam)
{
    uint8_t base = (uint8_t)i->imm, v = al(cpu);

    if (!base)
        RAISE(EXC_DE);
    SET_16(REG_RAX, (uint16_t)(v / base << 8 | v % base));
    flags_decimal(cpu, al(cpu), false, false);
    NEXT;
}
FAMILY(h_aam, aam);

HANDLER(aad)
{
    uint8_t r = (uint8_t)(al(cpu) + (uint8_t)(cpu->gpr[REG_RAX] >> 8) * (uint8_t)i->imm);

    SET_16(REG_RAX, r);
    flags_decimal(cpu, r, false, false);
    NEXT;
}
FAMILY(h_aad, aad);

/* ---- in place of FPU, MMX and SSE instructions that the control registers forbid (SDM 3A 2.5)
 * ---- */

HANDLER(fpu_na)
{
    const struct opcode *row = &opcode_table[i->op];
    bool x87 = row->map == M0 || row->feature == FEATURE_CMOV || row->feature == FEATURE_FXSR;

    if (row->attr & A_AVX) {
        if (!(cpu->cr4 & CR4_OSXSAVE) ||
            (cpu->xcr0 & (XCR0_SSE | XCR0_AVX)) != (XCR0_SSE | XCR0_AVX))
            RAISE(EXC_UD);
        RAISE(EXC_NM);
    }
    if (!x87 && (cpu->cr0 & CR0_EM))
        RAISE(EXC_UD);
    if ((row->attr & A_SSE) && !(cpu->cr4 & CR4_OSFXSR))
        RAISE(EXC_UD);
    RAISE(EXC_NM);
}
FAMILY(h_fpu_na, fpu_na);
