/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One-operand arithmetic (INC DEC NOT NEG), multiplication and division. SDM volume 2. The flags
 * that multiplication leaves undefined are set as current processors set them: SF from the result,
 * ZF and AF clear, PF from the result's low byte; division leaves all as they were.
 */
#include "cpu/exec.h"
#include "cpu/regs.h"

/* ---- INC DEC NOT NEG ---- */

#define OP_inc(bits) (uint##bits##_t)(a + 1)
#define OP_dec(bits) (uint##bits##_t)(a - 1)
#define OP_not(bits) (uint##bits##_t) ~a
#define OP_neg(bits) (uint##bits##_t)(0 - a)

#define KEEP_CF(set)                                                                               \
    do {                                                                                           \
        bool cf_ = flag_cf(cpu);                                                                   \
        set;                                                                                       \
        flags_set_cf(cpu, cf_);                                                                    \
    } while (0)
#define FL_inc(bits) KEEP_CF(flags_add##bits(cpu, a, 1, r))
#define FL_dec(bits) KEEP_CF(flags_sub##bits(cpu, a, 1, r))
#define FL_not(bits) (void)0
#define FL_neg(bits) flags_sub##bits(cpu, 0, a, r)

#define UNARY_REG(op, bits)                                                                        \
    HANDLER(op##_r##bits)                                                                          \
    {                                                                                              \
        uint##bits##_t a = GET_##bits(i->rm), r = OP_##op(bits);                                   \
                                                                                                   \
        SET_##bits(i->rm, r);                                                                      \
        FL_##op(bits);                                                                             \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(op##_nf##bits)                                                                         \
    {                                                                                              \
        uint##bits##_t a = GET_##bits(i->rm), r = OP_##op(bits);                                   \
                                                                                                   \
        SET_##bits(i->rm, r);                                                                      \
        NEXT;                                                                                      \
    }
#define UNARY_MEM(op, bits, form)                                                                  \
    HANDLER(op##_##form##bits)                                                                     \
    {                                                                                              \
        gva_t va = EA_##form(bits, ACC_R | ACC_W);                                                 \
        uint##bits##_t *p = mem_rmw##bits(cpu, i, va), a, r;                                       \
                                                                                                   \
        if (likely(p)) {                                                                           \
            memcpy(&a, p, sizeof(a));                                                              \
            r = OP_##op(bits);                                                                     \
            memcpy(p, &r, sizeof(r));                                                              \
        } else {                                                                                   \
            a = (uint##bits##_t)mem_read_slow(cpu, i, va, bits / 8);                               \
            r = OP_##op(bits);                                                                     \
            mem_write_slow(cpu, i, va, r, bits / 8);                                               \
        }                                                                                          \
        FL_##op(bits);                                                                             \
        NEXT;                                                                                      \
    }
#define UNARY_LOCKED(op, bits)                                                                     \
    HANDLER(op##_lock##bits)                                                                       \
    {                                                                                              \
        gva_t va = ea_gen(cpu, i, bits / 8, ACC_R | ACC_W);                                        \
        uint##bits##_t *p = mem_rmw##bits(cpu, i, va), a, r;                                       \
                                                                                                   \
        if (likely(p)) {                                                                           \
            a = __atomic_load_n(p, __ATOMIC_RELAXED);                                              \
            do {                                                                                   \
                r = OP_##op(bits);                                                                 \
            } while (                                                                              \
                !__atomic_compare_exchange_n(p, &a, r, true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)); \
        } else {                                                                                   \
            do {                                                                                   \
                mem_lock(cpu, i, va, bits / 8);                                                    \
                a = (uint##bits##_t)mem_read_slow(cpu, i, va, bits / 8);                           \
                r = OP_##op(bits);                                                                 \
                mem_write_slow(cpu, i, va, r, bits / 8);                                           \
            } while (!mem_unlock(cpu));                                                            \
        }                                                                                          \
        FL_##op(bits);                                                                             \
        NEXT;                                                                                      \
    }
#define UNARY_SIZE(op, bits)                                                                       \
    UNARY_REG(op, bits)                                                                            \
    UNARY_MEM(op, bits, gen)                                                                       \
    UNARY_MEM(op, bits, x32)                                                                       \
    UNARY_MEM(op, bits, x64)                                                                       \
    UNARY_MEM(op, bits, b64)                                                                       \
    UNARY_LOCKED(op, bits)
#define FORMS(op, bits)                                                                            \
    {                                                                                              \
        op##_r##bits, op##_gen##bits, op##_x32##bits, op##_x64##bits, op##_b64##bits               \
    }
#define UNARY(op)                                                                                  \
    UNARY_SIZE(op, 8)                                                                              \
    UNARY_SIZE(op, 16)                                                                             \
    UNARY_SIZE(op, 32)                                                                             \
    UNARY_SIZE(op, 64)                                                                             \
    static const struct family op##_noflags = {                                                    \
        .fn = {{op##_nf8}, {op##_nf16}, {op##_nf32}, {op##_nf64}}};                                \
    static const struct family op##_locked = {                                                     \
        .fn = {                                                                                    \
            {NULL, op##_lock8}, {NULL, op##_lock16}, {NULL, op##_lock32}, {NULL, op##_lock64}}};   \
    const struct family h_##op = {                                                                 \
        .fn = {FORMS(op, 8), FORMS(op, 16), FORMS(op, 32), FORMS(op, 64)},                         \
        .noflags = &op##_noflags,                                                                  \
        .locked = &op##_locked};

UNARY(inc)
UNARY(dec)
UNARY(not )
UNARY(neg)

/* ---- multiplication ---- */

/* Result in cc_res form, CF = OF = the product does not fit. */
static void flags_mul(struct cpu *cpu, uint64_t low, unsigned osz, bool overflow)
{
    uint64_t res = sext(low, 1u << osz);

    cpu->cc_vec = 0;
    if (res == 0) { /* ZF stays clear: a result of 1 has odd parity, so put PF right */
        res = 1;
        cpu->cc_vec = UINT64_C(1) << CC_PDB;
    }
    cpu->cc_res = res;
    flags_set_cf_of(cpu, overflow, overflow);
}

HANDLER(mul)
{
    unsigned osz = i->osz, n = 8u << osz;
    uint64_t b = rm_get(cpu, i, osz);
    unsigned __int128 r = (unsigned __int128)reg_get(cpu, REG_RAX, osz) * b;
    uint64_t high = (uint64_t)(r >> n);

    if (osz == SZ8) {
        SET_16(REG_RAX, r);
    } else {
        reg_set(cpu, REG_RAX, (uint64_t)r, osz);
        reg_set(cpu, REG_RDX, high, osz);
    }
    flags_mul(cpu, (uint64_t)r, osz, zext(high, 1u << osz) != 0);
    NEXT;
}
FAMILY(h_mul, mul);

static __int128 signed_value(uint64_t v, unsigned osz)
{
    return (int64_t)sext(v, 1u << osz);
}

HANDLER(imul1)
{
    unsigned osz = i->osz, n = 8u << osz;
    __int128 b = signed_value(rm_get(cpu, i, osz), osz);
    __int128 r = signed_value(reg_get(cpu, REG_RAX, osz), osz) * b;

    if (osz == SZ8) {
        SET_16(REG_RAX, r);
    } else {
        reg_set(cpu, REG_RAX, (uint64_t)r, osz);
        reg_set(cpu, REG_RDX, (uint64_t)(r >> n), osz);
    }
    flags_mul(cpu, (uint64_t)r, osz, r != signed_value((uint64_t)r, osz));
    NEXT;
}
FAMILY(h_imul1, imul1);

#define IMUL(bits, osz_)                                                                           \
    static inline void imul_to##bits(struct cpu *cpu, unsigned reg, uint##bits##_t a,              \
                                     uint##bits##_t b)                                             \
    {                                                                                              \
        int##bits##_t r;                                                                           \
        bool of = __builtin_mul_overflow((int##bits##_t)a, (int##bits##_t)b, &r);                  \
                                                                                                   \
        SET_##bits(reg, (uint##bits##_t)r);                                                        \
        flags_mul(cpu, (uint64_t)(int64_t)r, osz_, of);                                            \
    }                                                                                              \
    HANDLER(imul2_r##bits)                                                                         \
    {                                                                                              \
        imul_to##bits(cpu, i->reg, GET_##bits(i->reg), GET_##bits(i->rm));                         \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(imul2_m##bits)                                                                         \
    {                                                                                              \
        uint##bits##_t b = mem_ld##bits(cpu, i, ea_gen(cpu, i, bits / 8, ACC_R));                  \
                                                                                                   \
        imul_to##bits(cpu, i->reg, GET_##bits(i->reg), b);                                         \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(imul3_r##bits)                                                                         \
    {                                                                                              \
        imul_to##bits(cpu, i->reg, GET_##bits(i->rm), (uint##bits##_t)i->imm);                     \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(imul3_m##bits)                                                                         \
    {                                                                                              \
        uint##bits##_t b = mem_ld##bits(cpu, i, ea_gen(cpu, i, bits / 8, ACC_R));                  \
                                                                                                   \
        imul_to##bits(cpu, i->reg, b, (uint##bits##_t)i->imm);                                     \
        NEXT;                                                                                      \
    }
IMUL(16, SZ16)
IMUL(32, SZ32)
IMUL(64, SZ64)
const struct family h_imul2 = {
    .fn = {{0}, {imul2_r16, imul2_m16}, {imul2_r32, imul2_m32}, {imul2_r64, imul2_m64}}};
const struct family h_imul3 = {
    .fn = {{0}, {imul3_r16, imul3_m16}, {imul3_r32, imul3_m32}, {imul3_r64, imul3_m64}}};

/* ---- division ---- */

static unsigned __int128 dividend(const struct cpu *cpu, unsigned osz)
{
    if (osz == SZ8)
        return (uint16_t)cpu->gpr[REG_RAX];
    return ((unsigned __int128)reg_get(cpu, REG_RDX, osz) << (8u << osz)) |
           reg_get(cpu, REG_RAX, osz);
}

static void set_quotient(struct cpu *cpu, unsigned osz, uint64_t q, uint64_t r)
{
    if (osz == SZ8) {
        SET_16(REG_RAX, (q & 0xff) | (r & 0xff) << 8);
        return;
    }
    reg_set(cpu, REG_RAX, q, osz);
    reg_set(cpu, REG_RDX, r, osz);
}

HANDLER(div)
{
    unsigned osz = i->osz;
    uint64_t b = rm_get(cpu, i, osz);
    unsigned __int128 a = dividend(cpu, osz);

    if (!b || (a >> (8u << osz)) >= b)
        RAISE(EXC_DE);
    if (osz < SZ64 || !(uint64_t)(a >> 64))
        set_quotient(cpu, osz, (uint64_t)a / b, (uint64_t)a % b);
    else
        set_quotient(cpu, osz, (uint64_t)(a / b), (uint64_t)(a % b));
    NEXT;
}
FAMILY(h_div, div);

HANDLER(idiv)
{
    unsigned osz = i->osz, n = 8u << osz;
    __int128 b = signed_value(rm_get(cpu, i, osz), osz);
    unsigned __int128 u = dividend(cpu, osz), mag;
    unsigned pad = osz == SZ64 ? 0 : 64 - 2 * n; /* above the double-width dividend */
    __int128 a = osz == SZ64 ? (__int128)u : (int64_t)((uint64_t)u << pad) >> pad;
    unsigned __int128 limit = (unsigned __int128)1 << (n - 1);
    bool negative = (a < 0) != (b < 0);
    unsigned __int128 ub = b < 0 ? -(unsigned __int128)b : (unsigned __int128)b;
    unsigned __int128 ua = a < 0 ? -(unsigned __int128)a : (unsigned __int128)a;
    uint64_t q, r;

    if (!b)
        RAISE(EXC_DE);
    mag = ua / ub;
    if (mag > limit || (mag == limit && !negative))
        RAISE(EXC_DE);
    q = negative ? -(uint64_t)mag : (uint64_t)mag;
    r = (uint64_t)(ua % ub);
    set_quotient(cpu, osz, q, a < 0 ? -r : r);
    NEXT;
}
FAMILY(h_idiv, idiv);
