/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x87 functions: sign, root, remainder, scale, transcendental, FTST, FXAM. SDM volume 1,
 * sections 8.3.5 to 8.3.8. */
#include "cpu/exec_x87.h"

/* ST(0) := op(ST(0)), with the condition codes in ccs. */
#define UNARY(name, modrm, ccs)                                                                    \
    static ALWAYS_INLINE uint16_t f80_##name(struct f80 *r, const struct f80 *a)                   \
    {                                                                                              \
        uint16_t sw;                                                                               \
                                                                                                   \
        __asm__ volatile("fldt %[a]\n\t" #name "\n\t"                                              \
                         "fnstsw %[sw]\n\t"                                                        \
                         "fstpt %[r]"                                                              \
                         : [r] "=m"(*r), [sw] "=a"(sw)                                             \
                         : [a] "m"(*a)                                                             \
                         : "st");                                                                  \
        return sw;                                                                                 \
    }                                                                                              \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        X87_WAIT;                                                                                  \
        unary(cpu, i, f80_##name, modrm, ccs);                                                     \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY(h_##name, name);

static ALWAYS_INLINE void unary(struct cpu *cpu, const struct insn *i,
                                uint16_t (*op)(struct f80 *, const struct f80 *), unsigned modrm,
                                unsigned ccs)
{
    struct fpu *f = &cpu->fpu;
    bool done = false;

    if (likely(x87_full(f, f->top) && x87_fast_ok(f))) {
        struct f80 r;
        unsigned sw;

        X87_ROUND(f, sw = op(&r, x87_reg(f, f->top)));
        if (likely(!x87_fresh(f, sw))) {
            f80_copy(x87_reg(f, f->top), &r);
            x87_set_cc(f, sw, ccs);
            done = true;
        }
    }
    if (unlikely(!done))
        x87_native(cpu, i, 0xd9, modrm, NULL);
    x87_note(cpu, i);
}
UNARY(ftst, 0xe4, SW_CC)
UNARY(fxam, 0xe5, SW_CC)
UNARY(f2xm1, 0xf0, SW_C1)
UNARY(fsqrt, 0xfa, SW_C1)
UNARY(frndint, 0xfc, SW_C1)
UNARY(fsin, 0xfe, SW_C1 | SW_C2)
UNARY(fcos, 0xff, SW_C1 | SW_C2)

/* op on ST(0) and ST(1): the result replaces ST(0), or both with one pop. */
#define BINARY(name, modrm, ccs, cleanup, pop)                                                     \
    static ALWAYS_INLINE uint16_t f80_##name(struct f80 *r, const struct f80 *a,                   \
                                             const struct f80 *b)                                  \
    {                                                                                              \
        uint16_t sw;                                                                               \
                                                                                                   \
        __asm__ volatile("fldt %[b]\n\t"                                                           \
                         "fldt %[a]\n\t" #name "\n\t"                                              \
                         "fnstsw %[sw]\n\t"                                                        \
                         "fstpt %[r]" cleanup                                                      \
                         : [r] "=m"(*r), [sw] "=a"(sw)                                             \
                         : [a] "m"(*a), [b] "m"(*b)                                                \
                         : "st", "st(1)");                                                         \
        return sw;                                                                                 \
    }                                                                                              \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        X87_WAIT;                                                                                  \
        binary(cpu, i, f80_##name, modrm, ccs, pop);                                               \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY(h_##name, name);

static ALWAYS_INLINE void binary(struct cpu *cpu, const struct insn *i,
                                 uint16_t (*op)(struct f80 *, const struct f80 *,
                                                const struct f80 *),
                                 unsigned modrm, unsigned ccs, bool pop)
{
    struct fpu *f = &cpu->fpu;
    unsigned a = f->top, b = x87_index(f, 1);
    bool done = false;

    if (likely(x87_full(f, a) && x87_full(f, b) && x87_fast_ok(f))) {
        struct f80 r;
        unsigned sw;

        X87_ROUND(f, sw = op(&r, x87_reg(f, a), x87_reg(f, b)));
        /* A remainder that is a NaN leaves some condition codes as they were. */
        if (likely(!x87_fresh(f, sw) && !(ccs == SW_CC && (r.b[9] & 0x7f) == 0x7f))) {
            f80_copy(x87_reg(f, pop ? b : a), &r);
            x87_set_cc(f, sw, ccs);
            if (pop)
                x87_pop(f);
            done = true;
        }
    }
    if (unlikely(!done))
        x87_native(cpu, i, 0xd9, modrm, NULL);
    x87_note(cpu, i);
}
BINARY(fprem, 0xf8, SW_CC, "\n\tfstp %%st(0)", false)
BINARY(fprem1, 0xf5, SW_CC, "\n\tfstp %%st(0)", false)
BINARY(fscale, 0xfd, SW_C1, "\n\tfstp %%st(0)", false)
BINARY(fyl2x, 0xf1, SW_C1, "", true)
BINARY(fpatan, 0xf3, SW_C1, "", true)
BINARY(fyl2xp1, 0xf9, SW_C1, "", true)

/* Those that push a second result. */
#define NATIVE(name, modrm)                                                                        \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        X87_WAIT;                                                                                  \
        x87_native(cpu, i, 0xd9, modrm, NULL);                                                     \
        x87_note(cpu, i);                                                                          \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY(h_##name, name);
NATIVE(fptan, 0xf2)
NATIVE(fxtract, 0xf4)
NATIVE(fsincos, 0xfb)

/* The sign bit alone: no operand is invalid for these. */
#define SIGN(name, modrm, expr)                                                                    \
    HANDLER(x87_##name)                                                                            \
    {                                                                                              \
        struct fpu *f = &cpu->fpu;                                                                 \
                                                                                                   \
        X87_WAIT;                                                                                  \
        if (likely(x87_full(f, f->top))) {                                                         \
            uint8_t *top = &x87_reg(f, f->top)->b[9];                                              \
                                                                                                   \
            *top = (uint8_t)(expr);                                                                \
            x87_set_cc(f, 0, SW_C1);                                                               \
        } else {                                                                                   \
            x87_native(cpu, i, 0xd9, modrm, NULL);                                                 \
        }                                                                                          \
        x87_note(cpu, i);                                                                          \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY(h_##name, x87_##name);
SIGN(fchs, 0xe0, *top ^ 0x80)
SIGN(fabs, 0xe1, *top & 0x7f)
