/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two-operand integer arithmetic: ADD OR ADC SBB AND SUB XOR CMP TEST, in every operand size,
 * operand order and form of memory operand, with and without flags, and locked. SDM volume 2.
 *
 * OP_name(bits) computes uint r from a and b (and CF); FL_name(bits) sets the flags from a, b, r.
 */
#include "cpu/exec.h"
#include "cpu/regs.h"

#define OP_add(bits)  (uint##bits##_t)(a + b)
#define OP_adc(bits)  (uint##bits##_t)(a + b + flag_cf(cpu))
#define OP_sub(bits)  (uint##bits##_t)(a - b)
#define OP_sbb(bits)  (uint##bits##_t)(a - b - flag_cf(cpu))
#define OP_cmp(bits)  (uint##bits##_t)(a - b)
#define OP_and(bits)  (uint##bits##_t)(a & b)
#define OP_or(bits)   (uint##bits##_t)(a | b)
#define OP_xor(bits)  (uint##bits##_t)(a ^ b)
#define OP_test(bits) (uint##bits##_t)(a & b)

#define FL_add(bits)  flags_add##bits(cpu, a, b, r)
#define FL_adc(bits)  flags_add##bits(cpu, a, b, r)
#define FL_sub(bits)  flags_sub##bits(cpu, a, b, r)
#define FL_sbb(bits)  flags_sub##bits(cpu, a, b, r)
#define FL_cmp(bits)  flags_sub##bits(cpu, a, b, r)
#define FL_and(bits)  flags_logic##bits(cpu, r)
#define FL_or(bits)   flags_logic##bits(cpu, r)
#define FL_xor(bits)  flags_logic##bits(cpu, r)
#define FL_test(bits) flags_logic##bits(cpu, r)

/* r/m is the destination; the source is a register (eg) or an immediate (ei). */
#define SRC_eg(bits) GET_##bits(i->reg)
#define SRC_ei(bits) (uint##bits##_t) i->imm

#define ALU_REG(op, bits, src)                                                                     \
    HANDLER(op##_##src##_r##bits)                                                                  \
    {                                                                                              \
        uint##bits##_t a = GET_##bits(i->rm), b = SRC_##src(bits), r = OP_##op(bits);              \
                                                                                                   \
        SET_##bits(i->rm, r);                                                                      \
        FL_##op(bits);                                                                             \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(op##_##src##_nf##bits)                                                                 \
    {                                                                                              \
        uint##bits##_t a = GET_##bits(i->rm), b = SRC_##src(bits), r = OP_##op(bits);              \
                                                                                                   \
        SET_##bits(i->rm, r);                                                                      \
        NEXT;                                                                                      \
    }

#define ALU_MEM(op, bits, src, form)                                                               \
    HANDLER(op##_##src##_##form##bits)                                                             \
    {                                                                                              \
        gva_t va = EA_##form(bits, ACC_R | ACC_W);                                                 \
        uint##bits##_t *p = mem_rmw##bits(cpu, i, va), a, b = SRC_##src(bits), r;                  \
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

/* The register is the destination, r/m the source. */
#define ALU_GE_REG(op, bits)                                                                       \
    HANDLER(op##_ge_r##bits)                                                                       \
    {                                                                                              \
        uint##bits##_t a = GET_##bits(i->reg), b = GET_##bits(i->rm), r = OP_##op(bits);           \
                                                                                                   \
        SET_##bits(i->reg, r);                                                                     \
        FL_##op(bits);                                                                             \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(op##_ge_nf##bits)                                                                      \
    {                                                                                              \
        uint##bits##_t a = GET_##bits(i->reg), b = GET_##bits(i->rm), r = OP_##op(bits);           \
                                                                                                   \
        SET_##bits(i->reg, r);                                                                     \
        NEXT;                                                                                      \
    }

#define ALU_GE_MEM(op, bits, form)                                                                 \
    HANDLER(op##_ge_##form##bits)                                                                  \
    {                                                                                              \
        uint##bits##_t b = mem_ld##bits(cpu, i, EA_##form(bits, ACC_R)), a = GET_##bits(i->reg),   \
                       r = OP_##op(bits);                                                          \
                                                                                                   \
        SET_##bits(i->reg, r);                                                                     \
        FL_##op(bits);                                                                             \
        NEXT;                                                                                      \
    }

/* LOCK: a compare-and-swap loop on the host; without a host address, see mem_lock. */
#define ALU_LOCKED(op, bits, src)                                                                  \
    HANDLER(op##_##src##_lock##bits)                                                               \
    {                                                                                              \
        gva_t va = ea_gen(cpu, i, bits / 8, ACC_R | ACC_W);                                        \
        uint##bits##_t *p = mem_rmw##bits(cpu, i, va), a, b = SRC_##src(bits), r;                  \
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

#define ALU_SIZE(op, bits)                                                                         \
    ALU_REG(op, bits, eg)                                                                          \
    ALU_REG(op, bits, ei)                                                                          \
    ALU_GE_REG(op, bits)                                                                           \
    ALU_MEM(op, bits, eg, gen)                                                                     \
    ALU_MEM(op, bits, eg, x32)                                                                     \
    ALU_MEM(op, bits, eg, x64)                                                                     \
    ALU_MEM(op, bits, eg, b64)                                                                     \
    ALU_MEM(op, bits, ei, gen)                                                                     \
    ALU_MEM(op, bits, ei, x32)                                                                     \
    ALU_MEM(op, bits, ei, x64)                                                                     \
    ALU_MEM(op, bits, ei, b64)                                                                     \
    ALU_GE_MEM(op, bits, gen)                                                                      \
    ALU_GE_MEM(op, bits, x32)                                                                      \
    ALU_GE_MEM(op, bits, x64)                                                                      \
    ALU_GE_MEM(op, bits, b64)                                                                      \
    ALU_LOCKED(op, bits, eg)                                                                       \
    ALU_LOCKED(op, bits, ei)

#define FORMS(op, order, bits)                                                                     \
    {                                                                                              \
        op##_##order##_r##bits, op##_##order##_gen##bits, op##_##order##_x32##bits,                \
            op##_##order##_x64##bits, op##_##order##_b64##bits                                     \
    }
#define ALL_FORMS(op, order)                                                                       \
    {                                                                                              \
        FORMS(op, order, 8), FORMS(op, order, 16), FORMS(op, order, 32), FORMS(op, order, 64)      \
    }
#define ONE_EACH(op, order, what)                                                                  \
    {                                                                                              \
        {op##_##order##_##what##8}, {op##_##order##_##what##16}, {op##_##order##_##what##32},      \
        {                                                                                          \
            op##_##order##_##what##64                                                              \
        }                                                                                          \
    }

#define ALU_FAMILY(op, order)                                                                      \
    static const struct family op##_##order##_noflags = {.fn = ONE_EACH(op, order, nf)};           \
    static const struct family op##_##order##_locked = {.fn = {{NULL, op##_##order##_lock8},       \
                                                               {NULL, op##_##order##_lock16},      \
                                                               {NULL, op##_##order##_lock32},      \
                                                               {NULL, op##_##order##_lock64}}};    \
    const struct family h_##op##_##order = {.fn = ALL_FORMS(op, order),                            \
                                            .noflags = &op##_##order##_noflags,                    \
                                            .locked = &op##_##order##_locked};

#define ALU(op)                                                                                    \
    ALU_SIZE(op, 8)                                                                                \
    ALU_SIZE(op, 16)                                                                               \
    ALU_SIZE(op, 32)                                                                               \
    ALU_SIZE(op, 64)                                                                               \
    ALU_FAMILY(op, eg)                                                                             \
    ALU_FAMILY(op, ei)                                                                             \
    static const struct family op##_ge_noflags = {.fn = ONE_EACH(op, ge, nf)};                     \
    const struct family h_##op##_ge = {.fn = ALL_FORMS(op, ge), .noflags = &op##_ge_noflags};

ALU(add)
ALU(or)
ALU(adc)
ALU(sbb)
ALU(and)
ALU(sub)
ALU(xor)

/* ---- CMP and TEST write nothing ---- */

#define COMPARE_REG(op, bits, src)                                                                 \
    HANDLER(op##_##src##_r##bits)                                                                  \
    {                                                                                              \
        uint##bits##_t a = GET_##bits(i->rm), b = SRC_##src(bits), r = OP_##op(bits);              \
                                                                                                   \
        FL_##op(bits);                                                                             \
        NEXT;                                                                                      \
    }
#define COMPARE_MEM(op, bits, src, form)                                                           \
    HANDLER(op##_##src##_##form##bits)                                                             \
    {                                                                                              \
        uint##bits##_t a = mem_ld##bits(cpu, i, EA_##form(bits, ACC_R)), b = SRC_##src(bits),      \
                       r = OP_##op(bits);                                                          \
                                                                                                   \
        (void)b;                                                                                   \
        FL_##op(bits);                                                                             \
        NEXT;                                                                                      \
    }
#define COMPARE_GE(bits, form, value)                                                              \
    HANDLER(cmp_ge_##form##bits)                                                                   \
    {                                                                                              \
        uint##bits##_t b = value, a = GET_##bits(i->reg), r = OP_cmp(bits);                        \
                                                                                                   \
        FL_cmp(bits);                                                                              \
        NEXT;                                                                                      \
    }
#define COMPARE_SIZE(op, bits)                                                                     \
    COMPARE_REG(op, bits, eg)                                                                      \
    COMPARE_REG(op, bits, ei)                                                                      \
    COMPARE_MEM(op, bits, eg, gen)                                                                 \
    COMPARE_MEM(op, bits, eg, x32)                                                                 \
    COMPARE_MEM(op, bits, eg, x64)                                                                 \
    COMPARE_MEM(op, bits, eg, b64)                                                                 \
    COMPARE_MEM(op, bits, ei, gen)                                                                 \
    COMPARE_MEM(op, bits, ei, x32)                                                                 \
    COMPARE_MEM(op, bits, ei, x64)                                                                 \
    COMPARE_MEM(op, bits, ei, b64)
#define COMPARE_GE_SIZE(bits)                                                                      \
    COMPARE_GE(bits, r, GET_##bits(i->rm))                                                         \
    COMPARE_GE(bits, gen, mem_ld##bits(cpu, i, EA_gen(bits, ACC_R)))                               \
    COMPARE_GE(bits, x32, mem_ld##bits(cpu, i, EA_x32(bits, ACC_R)))                               \
    COMPARE_GE(bits, x64, mem_ld##bits(cpu, i, EA_x64(bits, ACC_R)))                               \
    COMPARE_GE(bits, b64, mem_ld##bits(cpu, i, EA_b64(bits, ACC_R)))
#define COMPARE(op)                                                                                \
    COMPARE_SIZE(op, 8)                                                                            \
    COMPARE_SIZE(op, 16)                                                                           \
    COMPARE_SIZE(op, 32)                                                                           \
    COMPARE_SIZE(op, 64)                                                                           \
    static const struct family op##_noflags;                                                       \
    const struct family h_##op##_eg = {.fn = ALL_FORMS(op, eg), .noflags = &op##_noflags};         \
    const struct family h_##op##_ei = {.fn = ALL_FORMS(op, ei), .noflags = &op##_noflags};

/* A comparison whose flags are dead does nothing. */
HANDLER(compare_nothing)
{
    NEXT;
}

COMPARE(cmp)
COMPARE(test)
COMPARE_GE_SIZE(8)
COMPARE_GE_SIZE(16)
COMPARE_GE_SIZE(32)
COMPARE_GE_SIZE(64)
static FAMILY(cmp_noflags, compare_nothing);
static FAMILY(test_noflags, compare_nothing);
const struct family h_cmp_ge = {.fn = ALL_FORMS(cmp, ge), .noflags = &cmp_noflags};
