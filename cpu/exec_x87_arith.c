/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x87 arithmetic: FADD FMUL FSUB FSUBR FDIV FDIVR in all their forms. SDM volume 1, section 8.3.5.
 */
#include "cpu/exec_x87.h"

/* r := a op b, and the host's status word. (FSUBP is ST(0) - ST(1) to the assembler.) */
#define F80_OP2(op)                                                                                \
    static ALWAYS_INLINE uint16_t f80_##op(struct f80 *r, const struct f80 *a,                     \
                                           const struct f80 *b)                                    \
    {                                                                                              \
        uint16_t sw;                                                                               \
                                                                                                   \
        __asm__ volatile("fldt %[b]\n\t"                                                           \
                         "fldt %[a]\n\t"                                                           \
                         "f" #op "p\n\t"                                                           \
                         "fnstsw %[sw]\n\t"                                                        \
                         "fstpt %[r]"                                                              \
                         : [r] "=m"(*r), [sw] "=a"(sw)                                             \
                         : [a] "m"(*a), [b] "m"(*b)                                                \
                         : "st", "st(1)");                                                         \
        return sw;                                                                                 \
    }

/* The same with a memory operand of the type. */
#define F80_OPM(name, text, type)                                                                  \
    static ALWAYS_INLINE uint16_t f80_##name(struct f80 *r, const struct f80 *a, const void *m)    \
    {                                                                                              \
        uint16_t sw;                                                                               \
                                                                                                   \
        __asm__ volatile("fldt %[a]\n\t" text " %[m]\n\t"                                          \
                         "fnstsw %[sw]\n\t"                                                        \
                         "fstpt %[r]"                                                              \
                         : [r] "=m"(*r), [sw] "=a"(sw)                                             \
                         : [a] "m"(*a), [m] "m"(*(const type *)m)                                  \
                         : "st");                                                                  \
        return sw;                                                                                 \
    }

/* D8: to ST(0); DC: to ST(i); DE: to ST(i), then pop. `n` is the reg field. */
static ALWAYS_INLINE void arith_reg(struct cpu *cpu, const struct insn *i,
                                    uint16_t (*op)(struct f80 *, const struct f80 *,
                                                   const struct f80 *),
                                    unsigned opcode, unsigned n)
{
    struct fpu *f = &cpu->fpu;
    unsigned a = f->top, b = x87_index(f, i->rm);

    if (likely(x87_full(f, a) && x87_full(f, b) && x87_fast_ok(f))) {
        struct f80 r;
        unsigned sw;

        X87_ROUND(f, sw = op(&r, x87_reg(f, a), x87_reg(f, b)));
        if (likely(!x87_fresh(f, sw))) {
            f80_copy(x87_reg(f, opcode == 0xd8 ? a : b), &r);
            x87_set_cc(f, sw, SW_C1);
            if (opcode == 0xde)
                x87_pop(f);
            return;
        }
    }
    x87_native(cpu, i, opcode, 0xc0 | n << 3 | i->rm, NULL);
}

static ALWAYS_INLINE void arith_mem(struct cpu *cpu, const struct insn *i,
                                    uint16_t (*op)(struct f80 *, const struct f80 *, const void *),
                                    unsigned opcode, unsigned n, void *m)
{
    struct fpu *f = &cpu->fpu;

    if (likely(x87_full(f, f->top) && x87_fast_ok(f))) {
        struct f80 r;
        unsigned sw;

        X87_ROUND(f, sw = op(&r, x87_reg(f, f->top), m));
        if (likely(!x87_fresh(f, sw))) {
            f80_copy(x87_reg(f, f->top), &r);
            x87_set_cc(f, sw, SW_C1);
            return;
        }
    }
    x87_native(cpu, i, opcode, n << 3, m);
}

#define ARITH_REG(op, name, opcode, n)                                                             \
    HANDLER(op##_##name)                                                                           \
    {                                                                                              \
        X87_WAIT;                                                                                  \
        arith_reg(cpu, i, f80_##op, opcode, n);                                                    \
        x87_note(cpu, i);                                                                          \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY(h_f##op##_##name, op##_##name);

#define ARITH_MEM(op, name, text, type, bits, opcode, n)                                           \
    F80_OPM(op##_##name, text, type)                                                               \
    X87_MEM(f##op##_##name, bits / 8, ACC_R, {                                                     \
        uint##bits##_t m = mem_ld##bits(cpu, i, va);                                               \
                                                                                                   \
        arith_mem(cpu, i, f80_##op##_##name, opcode, n, &m);                                       \
    })

/* `n` is the reg field; in the ST(i) forms it gives the result of (ST(0) op ST(i)) all the same,
 * which the manual calls by the reversed name there. */
#define ARITH(op, n)                                                                               \
    F80_OP2(op)                                                                                    \
    ARITH_REG(op, st0, 0xd8, n)                                                                    \
    ARITH_REG(op, sti, 0xdc, n)                                                                    \
    ARITH_REG(op, pop, 0xde, n)                                                                    \
    ARITH_MEM(op, m32, "f" #op "s", float, 32, 0xd8, n)                                            \
    ARITH_MEM(op, m64, "f" #op "l", double, 64, 0xdc, n)                                           \
    ARITH_MEM(op, i32, "fi" #op "l", int32_t, 32, 0xda, n)                                         \
    ARITH_MEM(op, i16, "fi" #op "s", int16_t, 16, 0xde, n)

ARITH(add, 0)
ARITH(mul, 1)
ARITH(sub, 4)
ARITH(subr, 5)
ARITH(div, 6)
ARITH(divr, 7)
