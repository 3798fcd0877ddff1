/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lazy arithmetic flags. Instead of RFLAGS' six arithmetic bits the CPU keeps two words:
 *
 *   cc_res  the last result, sign-extended from its operand size: ZF, SF and PF follow from it;
 *   cc_vec  what does not follow from it:
 *             bit 63      carry out of the operand's top bit: CF
 *             bit 62      carry into the top bit: OF is bit 63 xor bit 62
 *             bit 3       carry out of bit 3: AF
 *             bits 15..8  xored into cc_res' low byte before PF is taken
 *             bit 16      xored into SF
 *
 * The last two fields are only set when flags are loaded whole (POPF, SAHF, shifts of odd kinds).
 */
#ifndef CPU_FLAGS_H
#define CPU_FLAGS_H

#include "cpu/cpu.h"

#define CC_CF  (UINT64_C(1) << 63)
#define CC_TOP (UINT64_C(1) << 62)
#define CC_AF  (UINT64_C(1) << 3)
#define CC_PDB 8
#define CC_SFD (UINT64_C(1) << 16)

static inline bool flag_cf(const struct cpu *cpu)
{
    return cpu->cc_vec >> 63;
}

static inline bool flag_zf(const struct cpu *cpu)
{
    return cpu->cc_res == 0;
}

static inline bool flag_sf(const struct cpu *cpu)
{
    return ((cpu->cc_res >> 63) ^ (cpu->cc_vec >> 16)) & 1;
}

static inline bool flag_of(const struct cpu *cpu)
{
    return (cpu->cc_vec >> 63) ^ ((cpu->cc_vec >> 62) & 1);
}

static inline bool flag_af(const struct cpu *cpu)
{
    return (cpu->cc_vec >> 3) & 1;
}

static inline bool flag_pf(const struct cpu *cpu)
{
    return !__builtin_parity((unsigned)((cpu->cc_res ^ (cpu->cc_vec >> CC_PDB)) & 0xff));
}

/* The six arithmetic flags in RFLAGS' places. */
static inline uint32_t flags_arith(const struct cpu *cpu)
{
    return (flag_cf(cpu) ? FL_CF : 0u) | (flag_pf(cpu) ? FL_PF : 0u) | (flag_af(cpu) ? FL_AF : 0u) |
           (flag_zf(cpu) ? FL_ZF : 0u) | (flag_sf(cpu) ? FL_SF : 0u) | (flag_of(cpu) ? FL_OF : 0u);
}

/* Loads all six from RFLAGS' places; other bits are ignored. */
static inline void flags_set_arith(struct cpu *cpu, uint64_t fl)
{
    bool zf = fl & FL_ZF, pf = fl & FL_PF, cf = fl & FL_CF, of = fl & FL_OF;
    uint64_t vec = 0;

    cpu->cc_res = zf ? 0 : 1; /* parity of the low byte: even (PF) when 0, odd when 1 */
    if (pf != zf)
        vec |= UINT64_C(1) << CC_PDB;
    if (fl & FL_SF)
        vec |= CC_SFD;
    if (fl & FL_AF)
        vec |= CC_AF;
    if (cf)
        vec |= CC_CF;
    if (cf != of)
        vec |= CC_TOP;
    cpu->cc_vec = vec;
}

/* Whole RFLAGS as PUSHF would store it (VM and RF as they are). */
static inline uint64_t cpu_rflags(const struct cpu *cpu)
{
    return cpu->rflags | flags_arith(cpu);
}

/* Replaces the whole of RFLAGS; the caller has applied privilege rules, and calls cpu_sync_mode and
 * cpu_recheck_events when VM, AC, TF or IF may have changed. */
static inline void cpu_set_rflags(struct cpu *cpu, uint64_t fl)
{
    flags_set_arith(cpu, fl);
    cpu->rflags = (fl & ~(uint64_t)FL_ARITH) | FL_1;
}

/* Condition codes 0..15 of Jcc, SETcc, CMOVcc. */
static inline bool flags_cond(const struct cpu *cpu, unsigned cc)
{
    bool r;

    switch (cc >> 1) {
    case 0: r = flag_of(cpu); break;
    case 1: r = flag_cf(cpu); break;
    case 2: r = flag_zf(cpu); break;
    case 3: r = flag_cf(cpu) || flag_zf(cpu); break;
    case 4: r = flag_sf(cpu); break;
    case 5: r = flag_pf(cpu); break;
    case 6: r = flag_sf(cpu) != flag_of(cpu); break;
    default: r = flag_zf(cpu) || flag_sf(cpu) != flag_of(cpu); break;
    }
    return r ^ (cc & 1);
}

#endif
