/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x87 data transfer: FLD, FST, FILD, FIST, FBLD, FBSTP, FXCH, FFREE, constants. SDM volume 1,
 * sections 8.3.3 and 8.3.4. */
#include "cpu/exec_x87.h"

/* ---- loads ---- */

static ALWAYS_INLINE bool push_free(const struct fpu *f)
{
    return !x87_full(f, x87_index(f, 7));
}

/* Values that an 80-bit register takes without rounding or exception, in integers: it is faster
 * than the host's conversion with its flags read. Anything else goes the native way. */
struct f80_value {
    uint64_t significand;
    uint16_t sign_exponent;
};

/* Not what raises IE or DE, nor zero: the exponent has to be neither 0 nor all ones. */
static ALWAYS_INLINE bool f80_from_m32(struct f80_value *r, uint32_t m)
{
    unsigned exponent = m >> 23 & 0xff;

    r->significand = UINT64_C(1) << 63 | (uint64_t)(m & 0x7fffff) << 40;
    r->sign_exponent = (uint16_t)((m >> 31) << 15 | (exponent + 16383 - 127));
    return exponent - 1 < 0xfe;
}

static ALWAYS_INLINE bool f80_from_m64(struct f80_value *r, uint64_t m)
{
    unsigned exponent = (unsigned)(m >> 52) & 0x7ff;

    r->significand = UINT64_C(1) << 63 | m << 11;
    r->sign_exponent = (uint16_t)((m >> 63) << 15 | (exponent + 16383 - 1023));
    return exponent - 1 < 0x7fe;
}

static ALWAYS_INLINE bool f80_from_i64(struct f80_value *r, uint64_t m)
{
    unsigned sign = (unsigned)(m >> 63), shift;

    m = sign ? -m : m;
    shift = m ? (unsigned)__builtin_clzll(m) : 0;
    r->significand = m << shift;
    r->sign_exponent = m ? (uint16_t)(sign << 15 | (16383 + 63 - shift)) : 0;
    return true;
}
#define f80_from_i32(r, m) f80_from_i64(r, (uint64_t)(int32_t)(m))
#define f80_from_i16(r, m) f80_from_i64(r, (uint64_t)(int16_t)(m))

static ALWAYS_INLINE void push_value(struct fpu *f, const struct f80_value *v)
{
    struct f80 *r = x87_push(f);

    memcpy(r->b, &v->significand, 8);
    memcpy(r->b + 8, &v->sign_exponent, 2);
    x87_set_cc(f, 0, SW_C1);
}

#define LOAD_MEM(name, type, bits, opcode, n)                                                      \
    static ALWAYS_INLINE void name##_do(struct cpu *cpu, const struct insn *i, uint##bits##_t m)   \
    {                                                                                              \
        struct f80_value v;                                                                        \
                                                                                                   \
        if (likely(push_free(&cpu->fpu) && f80_from_##type(&v, m)))                                \
            push_value(&cpu->fpu, &v);                                                             \
        else                                                                                       \
            x87_native(cpu, i, opcode, n << 3, &m);                                                \
    }                                                                                              \
    X87_MEM(name, bits / 8, ACC_R, name##_do(cpu, i, mem_ld##bits(cpu, i, va)))
LOAD_MEM(fld_m32, m32, 32, 0xd9, 0)
LOAD_MEM(fld_m64, m64, 64, 0xdd, 0)
LOAD_MEM(fild_i16, i16, 16, 0xdf, 0)
LOAD_MEM(fild_i32, i32, 32, 0xdb, 0)
LOAD_MEM(fild_i64, i64, 64, 0xdf, 5)

/* Ten bytes; #AC, with which the TLB does not hit, goes by eight. */
RACY static ALWAYS_INLINE void load_bytes(struct cpu *cpu, const struct insn *i, gva_t va,
                                          struct f80 *m)
{
    const struct f80 *p = tlb_hit(cpu, va, 10, ACC_R);

    if (likely(p)) {
        f80_copy(m, p);
    } else {
        mem_check_aligned(cpu, i, va, 8);
        mem_read_bytes(cpu, i, va, m, 10, ACC_R);
    }
}

static ALWAYS_INLINE void load_m80(struct cpu *cpu, const struct insn *i, gva_t va)
{
    struct fpu *f = &cpu->fpu;
    struct f80 m;

    load_bytes(cpu, i, va, &m);
    if (likely(push_free(f))) {
        f80_copy(x87_push(f), &m);
        x87_set_cc(f, 0, SW_C1);
    } else {
        x87_native(cpu, i, 0xdb, 5 << 3, &m);
    }
}
X87_MEM(fld_m80, 10, ACC_R, load_m80(cpu, i, va))

static ALWAYS_INLINE void load_bcd(struct cpu *cpu, const struct insn *i, gva_t va)
{
    struct f80 m;

    load_bytes(cpu, i, va, &m);
    x87_native(cpu, i, 0xdf, 4 << 3, &m);
}
X87_MEM(fbld, 10, ACC_R, load_bcd(cpu, i, va))

HANDLER(fld_sti)
{
    struct fpu *f = &cpu->fpu;
    unsigned b = x87_index(f, i->rm);

    X87_WAIT;
    if (likely(x87_full(f, b) && push_free(f))) {
        f80_copy(x87_push(f), x87_reg(f, b));
        x87_set_cc(f, 0, SW_C1);
    } else {
        x87_native(cpu, i, 0xd9, 0xc0 | i->rm, NULL);
    }
    x87_note(cpu, i);
    NEXT;
}
FAMILY(h_fld_sti, fld_sti);

#define LOAD_CONST(name, modrm)                                                                    \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        struct fpu *f = &cpu->fpu;                                                                 \
                                                                                                   \
        X87_WAIT;                                                                                  \
        if (likely(push_free(f))) {                                                                \
            struct f80 *r = x87_push(f);                                                           \
                                                                                                   \
            X87_ROUND(f, __asm__ volatile(#name "\n\tfstpt %0" : "=m"(*r) : : "st"));              \
            x87_set_cc(f, 0, SW_C1);                                                               \
        } else {                                                                                   \
            x87_native(cpu, i, 0xd9, modrm, NULL);                                                 \
        }                                                                                          \
        x87_note(cpu, i);                                                                          \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY(h_##name, name);
LOAD_CONST(fldl2t, 0xe9)
LOAD_CONST(fldl2e, 0xea)
LOAD_CONST(fldpi, 0xeb)
LOAD_CONST(fldlg2, 0xec)
LOAD_CONST(fldln2, 0xed)

/* No rounding mode changes these. */
#define LOAD_EXACT(name, modrm, number)                                                            \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        X87_WAIT;                                                                                  \
        if (likely(push_free(&cpu->fpu))) {                                                        \
            struct f80_value v;                                                                    \
                                                                                                   \
            f80_from_i64(&v, number);                                                              \
            push_value(&cpu->fpu, &v);                                                             \
        } else {                                                                                   \
            x87_native(cpu, i, 0xd9, modrm, NULL);                                                 \
        }                                                                                          \
        x87_note(cpu, i);                                                                          \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY(h_##name, name);
LOAD_EXACT(fld1, 0xe8, 1)
LOAD_EXACT(fldz, 0xee, 0)

/* ---- stores ---- */

/* Faults as a store would: that comes before an exception that keeps it from being done. */
static void store_may_fault(struct cpu *cpu, const struct insn *i, gva_t va, unsigned size)
{
    mem_check_aligned(cpu, i, va, size < 10 ? size : 8);
    mem_probe(cpu, i, va, size, ACC_W);
}

#define STORE_MEM(name, text, type, bits, opcode, n, pop)                                          \
    static ALWAYS_INLINE uint16_t f80_##name(void *m, const struct f80 *a)                         \
    {                                                                                              \
        uint16_t sw;                                                                               \
                                                                                                   \
        __asm__ volatile("fldt %[a]\n\t" text " %[m]\n\t"                                          \
                         "fnstsw %[sw]"                                                            \
                         : [m] "=m"(*(type *)m), [sw] "=a"(sw)                                     \
                         : [a] "m"(*a)                                                             \
                         : "st");                                                                  \
        return sw;                                                                                 \
    }                                                                                              \
    __attribute__((noinline)) static void name##_native(struct cpu *cpu, const struct insn *i,     \
                                                        gva_t va)                                  \
    {                                                                                              \
        struct x87_image im;                                                                       \
        uint##bits##_t m = 0;                                                                      \
                                                                                                   \
        store_may_fault(cpu, i, va, bits / 8);                                                     \
        x87_native_run(cpu, &im, opcode, n << 3, &m, 0);                                           \
        if (x87_native_stored(cpu, &im))                                                           \
            mem_st##bits(cpu, i, va, m);                                                           \
        x87_native_commit(cpu, i, &im);                                                            \
    }                                                                                              \
    static ALWAYS_INLINE void name##_do(struct cpu *cpu, const struct insn *i, gva_t va)           \
    {                                                                                              \
        struct fpu *f = &cpu->fpu;                                                                 \
        uint##bits##_t m = 0;                                                                      \
                                                                                                   \
        if (likely(x87_full(f, f->top) && x87_fast_ok(f))) {                                       \
            unsigned sw;                                                                           \
                                                                                                   \
            X87_ROUND(f, sw = f80_##name(&m, x87_reg(f, f->top)));                                 \
            if (likely(!x87_fresh(f, sw))) {                                                       \
                mem_st##bits(cpu, i, va, m);                                                       \
                x87_set_cc(f, sw, SW_C1);                                                          \
                if (pop)                                                                           \
                    x87_pop(f);                                                                    \
                return;                                                                            \
            }                                                                                      \
        }                                                                                          \
        name##_native(cpu, i, va);                                                                 \
    }                                                                                              \
    X87_MEM(name, bits / 8, ACC_W, name##_do(cpu, i, va))
STORE_MEM(fst_m32, "fstps", float, 32, 0xd9, 2, false)
STORE_MEM(fstp_m32, "fstps", float, 32, 0xd9, 3, true)
STORE_MEM(fst_m64, "fstpl", double, 64, 0xdd, 2, false)
STORE_MEM(fstp_m64, "fstpl", double, 64, 0xdd, 3, true)
STORE_MEM(fist_i16, "fistps", int16_t, 16, 0xdf, 2, false)
STORE_MEM(fistp_i16, "fistps", int16_t, 16, 0xdf, 3, true)
STORE_MEM(fist_i32, "fistpl", int32_t, 32, 0xdb, 2, false)
STORE_MEM(fistp_i32, "fistpl", int32_t, 32, 0xdb, 3, true)
STORE_MEM(fistp_i64, "fistpll", int64_t, 64, 0xdf, 7, true)
STORE_MEM(fisttp_i16, "fisttps", int16_t, 16, 0xdf, 1, true)
STORE_MEM(fisttp_i32, "fisttpl", int32_t, 32, 0xdb, 1, true)
STORE_MEM(fisttp_i64, "fisttpll", int64_t, 64, 0xdd, 1, true)

RACY static ALWAYS_INLINE void store_bytes(struct cpu *cpu, const struct insn *i, gva_t va,
                                           const struct f80 *m)
{
    struct f80 *p = tlb_hit(cpu, va, 10, ACC_W);

    if (likely(p)) {
        f80_copy(p, m);
    } else {
        mem_check_aligned(cpu, i, va, 8);
        mem_write_bytes(cpu, i, va, m, 10, ACC_W);
    }
}

static void m80_native(struct cpu *cpu, const struct insn *i, gva_t va, unsigned opcode, unsigned n)
{
    struct x87_image im;
    struct f80 m = {{0}};

    store_may_fault(cpu, i, va, 10);
    x87_native_run(cpu, &im, opcode, n << 3, &m, 0);
    if (x87_native_stored(cpu, &im))
        store_bytes(cpu, i, va, &m);
    x87_native_commit(cpu, i, &im);
}

static ALWAYS_INLINE void store_m80(struct cpu *cpu, const struct insn *i, gva_t va)
{
    struct fpu *f = &cpu->fpu;

    if (likely(x87_full(f, f->top))) {
        store_bytes(cpu, i, va, x87_reg(f, f->top));
        x87_set_cc(f, 0, SW_C1);
        x87_pop(f);
    } else {
        m80_native(cpu, i, va, 0xdb, 7);
    }
}
X87_MEM(fstp_m80, 10, ACC_W, store_m80(cpu, i, va))
X87_MEM(fbstp, 10, ACC_W, m80_native(cpu, i, va, 0xdf, 6))

static ALWAYS_INLINE void store_sti(struct cpu *cpu, const struct insn *i, bool pop)
{
    struct fpu *f = &cpu->fpu;
    unsigned b = x87_index(f, i->rm);

    if (likely(x87_full(f, f->top))) {
        f80_copy(x87_reg(f, b), x87_reg(f, f->top));
        f->tags |= (uint8_t)(1u << b);
        x87_set_cc(f, 0, SW_C1);
        if (pop)
            x87_pop(f);
    } else {
        x87_native(cpu, i, 0xdd, (pop ? 0xd8u : 0xd0u) | i->rm, NULL);
    }
    x87_note(cpu, i);
}

HANDLER(fst_sti)
{
    X87_WAIT;
    store_sti(cpu, i, false);
    NEXT;
}
FAMILY(h_fst_sti, fst_sti);

HANDLER(fstp_sti)
{
    X87_WAIT;
    store_sti(cpu, i, true);
    NEXT;
}
FAMILY(h_fstp_sti, fstp_sti);

/* D9 D8+i, "no check of empty": FSTP ST(i) that never faults. */
HANDLER(fstpnce)
{
    struct fpu *f = &cpu->fpu;
    unsigned b = x87_index(f, i->rm);

    X87_WAIT;
    f80_copy(x87_reg(f, b), x87_reg(f, f->top));
    f->tags |= (uint8_t)(1u << b);
    x87_set_cc(f, 0, SW_C1);
    x87_pop(f);
    x87_note(cpu, i);
    NEXT;
}
FAMILY(h_fstpnce, fstpnce);

/* ---- within the stack ---- */

HANDLER(fxch)
{
    struct fpu *f = &cpu->fpu;
    unsigned a = f->top, b = x87_index(f, i->rm);

    X87_WAIT;
    if (likely(x87_full(f, a) && x87_full(f, b))) {
        struct f80 t;

        f80_copy(&t, x87_reg(f, a));
        f80_copy(x87_reg(f, a), x87_reg(f, b));
        f80_copy(x87_reg(f, b), &t);
        x87_set_cc(f, 0, SW_C1);
    } else {
        x87_native(cpu, i, 0xd9, 0xc8 | i->rm, NULL);
    }
    x87_note(cpu, i);
    NEXT;
}
FAMILY(h_fxch, fxch);

HANDLER(ffree)
{
    X87_WAIT;
    cpu->fpu.tags &= (uint8_t) ~(1u << x87_index(&cpu->fpu, i->rm));
    x87_set_cc(&cpu->fpu, 0, SW_C1);
    x87_note(cpu, i);
    NEXT;
}
FAMILY(h_ffree, ffree);

HANDLER(ffreep)
{
    struct fpu *f = &cpu->fpu;

    X87_WAIT;
    f->tags &= (uint8_t) ~(1u << x87_index(f, i->rm));
    x87_pop(f);
    x87_set_cc(f, 0, SW_C1);
    x87_note(cpu, i);
    NEXT;
}
FAMILY(h_ffreep, ffreep);

HANDLER(fincstp)
{
    X87_WAIT;
    cpu->fpu.top = (cpu->fpu.top + 1) & 7;
    x87_set_cc(&cpu->fpu, 0, SW_C1);
    x87_note(cpu, i);
    NEXT;
}
FAMILY(h_fincstp, fincstp);

HANDLER(fdecstp)
{
    X87_WAIT;
    cpu->fpu.top = (cpu->fpu.top - 1) & 7;
    x87_set_cc(&cpu->fpu, 0, SW_C1);
    x87_note(cpu, i);
    NEXT;
}
FAMILY(h_fdecstp, fdecstp);
