/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shifts and rotates: ROL ROR RCL RCR SHL SHR SAR, SHLD and SHRD. SDM volume 2. Counts are masked
 * to 5 bits (6 for 64-bit operands); a count of zero changes no flag. OF is defined for counts of
 * one only; for others we set what the formula for one gives on the last step, as processors do; AF
 * is cleared.
 */
#include "cpu/exec.h"
#include "cpu/opcodes.h"
#include "cpu/regs.h"

static void flags_shift(struct cpu *cpu, uint64_t r, unsigned osz, bool cf, bool of)
{
    cpu->cc_res = sext(r, 1u << osz);
    cpu->cc_vec = ((uint64_t)cf << 63) | ((uint64_t)(cf ^ of) << 62);
}

/* Each computes v shifted by n (1..63, already masked, v zero-extended) and sets the flags. */

static uint64_t do_shl(struct cpu *cpu, uint64_t v, unsigned n, unsigned osz)
{
    unsigned w = 8u << osz;
    uint64_t r = zext(v << n, 1u << osz);
    bool cf = n <= w ? (v >> (w - n)) & 1 : 0;

    flags_shift(cpu, r, osz, cf, cf ^ ((r >> (w - 1)) & 1));
    return r;
}

static uint64_t do_shr(struct cpu *cpu, uint64_t v, unsigned n, unsigned osz)
{
    unsigned w = 8u << osz;
    uint64_t r = v >> n;

    flags_shift(cpu, r, osz, (v >> (n - 1)) & 1, ((r << 1) ^ r) >> (w - 1) & 1);
    return r;
}

static uint64_t do_sar(struct cpu *cpu, uint64_t v, unsigned n, unsigned osz)
{
    int64_t s = (int64_t)sext(v, 1u << osz);
    uint64_t r = zext((uint64_t)(s >> n), 1u << osz);

    flags_shift(cpu, r, osz, (s >> (n - 1)) & 1, false);
    return r;
}

static uint64_t do_rol(struct cpu *cpu, uint64_t v, unsigned n, unsigned osz)
{
    unsigned w = 8u << osz, k = n & (w - 1);
    uint64_t r = k ? zext((v << k) | (v >> (w - k)), 1u << osz) : v;

    flags_set_cf_of(cpu, r & 1, (r ^ (r >> (w - 1))) & 1);
    return r;
}

static uint64_t do_ror(struct cpu *cpu, uint64_t v, unsigned n, unsigned osz)
{
    unsigned w = 8u << osz, k = n & (w - 1);
    uint64_t r = k ? zext((v >> k) | (v << (w - k)), 1u << osz) : v;

    flags_set_cf_of(cpu, (r >> (w - 1)) & 1, ((r >> (w - 1)) ^ (r >> (w - 2))) & 1);
    return r;
}

static uint64_t do_rcl(struct cpu *cpu, uint64_t v, unsigned n, unsigned osz)
{
    unsigned w = 8u << osz;
    bool cf = flag_cf(cpu);

    for (n %= w + 1; n; n--) {
        bool out = (v >> (w - 1)) & 1;

        v = zext((v << 1) | cf, 1u << osz);
        cf = out;
    }
    flags_set_cf_of(cpu, cf, cf ^ ((v >> (w - 1)) & 1));
    return v;
}

static uint64_t do_rcr(struct cpu *cpu, uint64_t v, unsigned n, unsigned osz)
{
    unsigned w = 8u << osz;
    bool cf = flag_cf(cpu);

    for (n %= w + 1; n; n--) {
        bool out = v & 1;

        v = (v >> 1) | ((uint64_t)cf << (w - 1));
        cf = out;
    }
    flags_set_cf_of(cpu, cf, ((v >> (w - 1)) ^ (v >> (w - 2))) & 1);
    return v;
}

static inline unsigned count_mask(unsigned osz)
{
    return osz == SZ64 ? 63 : 31;
}

/* A count of zero still reads and writes a memory operand. */
#define SHIFT_BODY(op, osz_, n_)                                                                   \
    unsigned n = (unsigned)(n_)&count_mask(osz_);                                                  \
                                                                                                   \
    if (i->flags & INSN_MEM) {                                                                     \
        gva_t va = ea_gen(cpu, i, 1u << (osz_), ACC_R | ACC_W);                                    \
        uint64_t v;                                                                                \
                                                                                                   \
        mem_probe(cpu, i, va, 1u << (osz_), ACC_W);                                                \
        v = mem_ld(cpu, i, va, 1u << (osz_));                                                      \
        if (n)                                                                                     \
            v = do_##op(cpu, v, n, osz_);                                                          \
        mem_st(cpu, i, va, v, 1u << (osz_));                                                       \
    } else if (n) {                                                                                \
        reg_set(cpu, i->rm, do_##op(cpu, reg_get(cpu, i->rm, osz_), n, osz_), osz_);               \
    } else if ((osz_) == SZ32) {                                                                   \
        reg_set(cpu, i->rm, cpu->gpr[i->rm], SZ32);                                                \
    }                                                                                              \
    NEXT;

#define SHIFT(op)                                                                                  \
    HANDLER(op##_any_i){SHIFT_BODY(op, i->osz, i->imm)} HANDLER(op##_any_cl){                      \
        SHIFT_BODY(op, i->osz, cpu->gpr[REG_RCX])} HANDLER(op##_r32_i)                             \
    {                                                                                              \
        unsigned n = (unsigned)i->imm & 31;                                                        \
                                                                                                   \
        SET_32(i->rm, n ? do_##op(cpu, GET_32(i->rm), n, SZ32) : GET_32(i->rm));                   \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(op##_r64_i)                                                                            \
    {                                                                                              \
        unsigned n = (unsigned)i->imm & 63;                                                        \
                                                                                                   \
        if (n)                                                                                     \
            SET_64(i->rm, do_##op(cpu, GET_64(i->rm), n, SZ64));                                   \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(op##_r32_cl)                                                                           \
    {                                                                                              \
        unsigned n = (unsigned)cpu->gpr[REG_RCX] & 31;                                             \
                                                                                                   \
        SET_32(i->rm, n ? do_##op(cpu, GET_32(i->rm), n, SZ32) : GET_32(i->rm));                   \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(op##_r64_cl)                                                                           \
    {                                                                                              \
        unsigned n = (unsigned)cpu->gpr[REG_RCX] & 63;                                             \
                                                                                                   \
        if (n)                                                                                     \
            SET_64(i->rm, do_##op(cpu, GET_64(i->rm), n, SZ64));                                   \
        NEXT;                                                                                      \
    }                                                                                              \
    const struct family h_##op##_i = {.fn = {{op##_any_i, op##_any_i},                             \
                                             {op##_any_i, op##_any_i},                             \
                                             {op##_r32_i, op##_any_i},                             \
                                             {op##_r64_i, op##_any_i}}};                           \
    const struct family h_##op##_cl = {.fn = {{op##_any_cl, op##_any_cl},                          \
                                              {op##_any_cl, op##_any_cl},                          \
                                              {op##_r32_cl, op##_any_cl},                          \
                                              {op##_r64_cl, op##_any_cl}}};

SHIFT(rol)
SHIFT(ror)
SHIFT(rcl)
SHIFT(rcr)
SHIFT(shl)
SHIFT(shr)
SHIFT(sar)

/* ---- SHLD, SHRD ---- */

/* For 16-bit operands and counts over 16 the result is undefined; it is what a 48-bit shift
 * register of dest:src:dest (left) or dest:src:dest seen from the right gives, as processors have
 * it. */
static uint64_t do_shld(struct cpu *cpu, uint64_t d, uint64_t s, unsigned n, unsigned osz)
{
    unsigned w = 8u << osz;
    uint64_t r;
    bool cf;

    if (osz == SZ16) {
        uint64_t wide = (d << 32) | (s << 16) | d;

        r = (wide >> (32 - n)) & 0xffff;
        cf = (wide >> (48 - n)) & 1;
    } else {
        r = zext((d << n) | (s >> (w - n)), 1u << osz);
        cf = (d >> (w - n)) & 1;
    }
    flags_shift(cpu, r, osz, cf, ((r ^ d) >> (w - 1)) & 1);
    return r;
}

static uint64_t do_shrd(struct cpu *cpu, uint64_t d, uint64_t s, unsigned n, unsigned osz)
{
    unsigned w = 8u << osz;
    uint64_t r;
    bool cf;

    if (osz == SZ16) {
        uint64_t wide = (d << 32) | (s << 16) | d;

        r = (wide >> n) & 0xffff;
        cf = (wide >> (n - 1)) & 1;
    } else {
        r = zext((d >> n) | (s << (w - n)), 1u << osz);
        cf = (d >> (n - 1)) & 1;
    }
    flags_shift(cpu, r, osz, cf, ((r ^ d) >> (w - 1)) & 1);
    return r;
}

/* The count is an immediate unless the third operand is CL; the row says which. */
#define DOUBLE_SHIFT(name)                                                                         \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        unsigned osz = i->osz;                                                                     \
        bool by_cl = opcode_table[i->op].operand[2] == OPR_CL;                                     \
        unsigned n = (unsigned)(by_cl ? cpu->gpr[REG_RCX] : i->imm) & count_mask(osz);             \
        uint64_t s = reg_get(cpu, i->reg, osz);                                                    \
                                                                                                   \
        if (i->flags & INSN_MEM) {                                                                 \
            gva_t va = ea_gen(cpu, i, 1u << osz, ACC_R | ACC_W);                                   \
            uint64_t d;                                                                            \
                                                                                                   \
            mem_probe(cpu, i, va, 1u << osz, ACC_W);                                               \
            d = mem_ld(cpu, i, va, 1u << osz);                                                     \
            if (n)                                                                                 \
                d = do_##name(cpu, d, s, n, osz);                                                  \
            mem_st(cpu, i, va, d, 1u << osz);                                                      \
        } else {                                                                                   \
            uint64_t d = reg_get(cpu, i->rm, osz);                                                 \
                                                                                                   \
            reg_set(cpu, i->rm, n ? do_##name(cpu, d, s, n, osz) : d, osz);                        \
        }                                                                                          \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY(h_##name, name);
DOUBLE_SHIFT(shld)
DOUBLE_SHIFT(shrd)
