/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x87 comparisons: FCOM, FUCOM, FICOM, FCOMI, FUCOMI with their pops, FTST and FXAM are in
 * exec_x87_math.c; FCMOV. SDM volume 1, section 8.3.6. */
#include "cpu/exec_x87.h"

#define F80_COM(op)                                                                                \
    static ALWAYS_INLINE uint16_t f80_##op(const struct f80 *a, const struct f80 *b)               \
    {                                                                                              \
        uint16_t sw;                                                                               \
                                                                                                   \
        __asm__ volatile("fldt %[b]\n\t"                                                           \
                         "fldt %[a]\n\t"                                                           \
                         "f" #op "pp\n\t"                                                          \
                         "fnstsw %[sw]"                                                            \
                         : [sw] "=a"(sw)                                                           \
                         : [a] "m"(*a), [b] "m"(*b)                                                \
                         : "st", "st(1)");                                                         \
        return sw;                                                                                 \
    }
F80_COM(com)
F80_COM(ucom)

static ALWAYS_INLINE void compare_reg(struct cpu *cpu, const struct insn *i, unsigned n, bool quiet,
                                      unsigned pops, unsigned opcode, unsigned modrm)
{
    struct fpu *f = &cpu->fpu;
    unsigned a = f->top, b = x87_index(f, n);

    if (likely(x87_full(f, a) && x87_full(f, b))) {
        unsigned sw =
            quiet ? f80_ucom(x87_reg(f, a), x87_reg(f, b)) : f80_com(x87_reg(f, a), x87_reg(f, b));

        if (likely(!x87_fresh(f, sw))) {
            x87_set_cc(f, sw, SW_CC);
            while (pops--)
                x87_pop(f);
            return;
        }
    }
    x87_native(cpu, i, opcode, modrm | n, NULL);
}

#define COMPARE_REG(name, n, quiet, pops, opcode, modrm)                                           \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        X87_WAIT;                                                                                  \
        compare_reg(cpu, i, n, quiet, pops, opcode, modrm);                                        \
        x87_note(cpu, i);                                                                          \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY(h_##name, name);
COMPARE_REG(fcom, i->rm, false, 0, 0xd8, 0xd0)
COMPARE_REG(fcomp, i->rm, false, 1, 0xd8, 0xd8)
COMPARE_REG(fcompp, 1, false, 2, 0xde, 0xd8)
COMPARE_REG(fucom, i->rm, true, 0, 0xdd, 0xe0)
COMPARE_REG(fucomp, i->rm, true, 1, 0xdd, 0xe8)
COMPARE_REG(fucompp, 1, true, 2, 0xda, 0xe8)

#define COMPARE_MEM(name, text, type, bits, opcode, n, pop)                                        \
    static ALWAYS_INLINE uint16_t f80_##name(const struct f80 *a, const void *m)                   \
    {                                                                                              \
        uint16_t sw;                                                                               \
                                                                                                   \
        __asm__ volatile("fldt %[a]\n\t" text " %[m]\n\t"                                          \
                         "fnstsw %[sw]\n\t"                                                        \
                         "fstp %%st(0)"                                                            \
                         : [sw] "=a"(sw)                                                           \
                         : [a] "m"(*a), [m] "m"(*(const type *)m)                                  \
                         : "st");                                                                  \
        return sw;                                                                                 \
    }                                                                                              \
    static ALWAYS_INLINE void name##_do(struct cpu *cpu, const struct insn *i, uint##bits##_t m)   \
    {                                                                                              \
        struct fpu *f = &cpu->fpu;                                                                 \
        unsigned sw = 0;                                                                           \
                                                                                                   \
        if (likely(x87_full(f, f->top) &&                                                          \
                   !x87_fresh(f, sw = f80_##name(x87_reg(f, f->top), &m)))) {                      \
            x87_set_cc(f, sw, SW_CC);                                                              \
            if (pop)                                                                               \
                x87_pop(f);                                                                        \
        } else {                                                                                   \
            x87_native(cpu, i, opcode, n << 3, &m);                                                \
        }                                                                                          \
    }                                                                                              \
    X87_MEM(name, bits / 8, ACC_R, name##_do(cpu, i, mem_ld##bits(cpu, i, va)))
COMPARE_MEM(fcom_m32, "fcoms", float, 32, 0xd8, 2, false)
COMPARE_MEM(fcomp_m32, "fcoms", float, 32, 0xd8, 3, true)
COMPARE_MEM(fcom_m64, "fcoml", double, 64, 0xdc, 2, false)
COMPARE_MEM(fcomp_m64, "fcoml", double, 64, 0xdc, 3, true)
COMPARE_MEM(fcom_i32, "ficoml", int32_t, 32, 0xda, 2, false)
COMPARE_MEM(fcomp_i32, "ficoml", int32_t, 32, 0xda, 3, true)
COMPARE_MEM(fcom_i16, "ficoms", int16_t, 16, 0xde, 2, false)
COMPARE_MEM(fcomp_i16, "ficoms", int16_t, 16, 0xde, 3, true)

/* ---- results in EFLAGS ---- */

#define F80_COMI(op)                                                                               \
    static ALWAYS_INLINE uint16_t f80_##op(const struct f80 *a, const struct f80 *b, bool *zf,     \
                                           bool *pf, bool *cf)                                     \
    {                                                                                              \
        uint16_t sw;                                                                               \
                                                                                                   \
        __asm__ volatile("fldt %[b]\n\t"                                                           \
                         "fldt %[a]\n\t"                                                           \
                         "f" #op "p %%st(1), %%st\n\t"                                             \
                         "fstp %%st(0)\n\t"                                                        \
                         "fnstsw %[sw]"                                                            \
                         : [sw] "=a"(sw), "=@ccz"(*zf), "=@ccp"(*pf), "=@ccc"(*cf)                 \
                         : [a] "m"(*a), [b] "m"(*b)                                                \
                         : "st", "st(1)");                                                         \
        return sw;                                                                                 \
    }
F80_COMI(comi)
F80_COMI(ucomi)

/* Hosts differ in whether they still set the flags when an exception is not masked; the guest gets
 * what its host does. AF is set before, so that its being clear afterwards tells that they were
 * set. */
static void comi_native(struct cpu *cpu, const struct insn *i, unsigned opcode, unsigned modrm)
{
    struct x87_image im;
    uint8_t ah = x87_native_run(cpu, &im, opcode, modrm, NULL, FL_1 | FL_AF);

    x87_native_commit(cpu, i, &im);
    x87_set_cc(&cpu->fpu, 0, SW_C1); /* the manual's rule; not every host's */
    if (!(ah & FL_AF))
        flags_set_arith(cpu, ah);
}

static ALWAYS_INLINE void comi_reg(struct cpu *cpu, const struct insn *i, bool quiet, bool pop,
                                   unsigned opcode, unsigned modrm)
{
    struct fpu *f = &cpu->fpu;
    unsigned a = f->top, b = x87_index(f, i->rm);

    if (likely(x87_full(f, a) && x87_full(f, b))) {
        bool zf, pf, cf;
        unsigned sw = quiet ? f80_ucomi(x87_reg(f, a), x87_reg(f, b), &zf, &pf, &cf)
                            : f80_comi(x87_reg(f, a), x87_reg(f, b), &zf, &pf, &cf);

        if (likely(!x87_fresh(f, sw))) {
            flags_set_arith(cpu, (zf ? FL_ZF : 0u) | (pf ? FL_PF : 0u) | (cf ? FL_CF : 0u));
            x87_set_cc(f, 0, SW_C1);
            if (pop)
                x87_pop(f);
            return;
        }
    }
    comi_native(cpu, i, opcode, modrm | i->rm);
}

#define COMI(name, quiet, pop, opcode, modrm)                                                      \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        X87_WAIT;                                                                                  \
        comi_reg(cpu, i, quiet, pop, opcode, modrm);                                               \
        x87_note(cpu, i);                                                                          \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY(h_##name, name);
COMI(fcomi, false, false, 0xdb, 0xf0)
COMI(fcomip, false, true, 0xdf, 0xf0)
COMI(fucomi, true, false, 0xdb, 0xe8)
COMI(fucomip, true, true, 0xdf, 0xe8)

/* ---- FCMOVcc ---- */

static ALWAYS_INLINE void fcmov(struct cpu *cpu, const struct insn *i, unsigned opcode,
                                unsigned modrm, bool cond)
{
    struct fpu *f = &cpu->fpu;
    unsigned a = f->top, b = x87_index(f, i->rm);

    if (likely(x87_full(f, a) && x87_full(f, b))) {
        if (cond)
            f80_copy(x87_reg(f, a), x87_reg(f, b));
    } else {
        struct x87_image im;

        x87_native_run(cpu, &im, opcode, modrm | i->rm, NULL, (uint8_t)flags_arith(cpu));
        x87_native_commit(cpu, i, &im);
    }
    x87_note(cpu, i);
}

#define FCMOV(name, opcode, modrm, cond)                                                           \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        X87_WAIT;                                                                                  \
        fcmov(cpu, i, opcode, modrm, cond);                                                        \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY(h_##name, name);
FCMOV(fcmovb, 0xda, 0xc0, flag_cf(cpu))
FCMOV(fcmove, 0xda, 0xc8, flag_zf(cpu))
FCMOV(fcmovbe, 0xda, 0xd0, flag_cf(cpu) || flag_zf(cpu))
FCMOV(fcmovu, 0xda, 0xd8, flag_pf(cpu))
FCMOV(fcmovnb, 0xdb, 0xc0, !flag_cf(cpu))
FCMOV(fcmovne, 0xdb, 0xc8, !flag_zf(cpu))
FCMOV(fcmovnbe, 0xdb, 0xd0, !flag_cf(cpu) && !flag_zf(cpu))
FCMOV(fcmovnu, 0xdb, 0xd8, !flag_pf(cpu))
