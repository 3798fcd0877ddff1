/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x87 data transfer: FLD, FST, FILD, FIST, FBLD, FBSTP, FXCH, FFREE, constants. SDM volume 1,
 * sections 8.3.3 and 8.3.4. */
#include "cpu/exec_x87.h"

/* ---- loads ---- */

static ALWAYS_INLINE bool push_free(const struct fpu *f)
{
    return !x87_full(f, x87_index(f, 7));
}

#define LOAD_MEM(name, text, type, bits, opcode, n)                                                \
    static ALWAYS_INLINE uint16_t f80_##name(struct f80 *r, const void *m)                         \
    {                                                                                              \
        uint16_t sw;                                                                               \
                                                                                                   \
        __asm__ volatile(text " %[m]\n\t"                                                          \
                              "fnstsw %[sw]\n\t"                                                   \
                              "fstpt %[r]"                                                         \
                         : [r] "=m"(*r), [sw] "=a"(sw)                                             \
                         : [m] "m"(*(const type *)m)                                               \
                         : "st");                                                                  \
        return sw;                                                                                 \
    }                                                                                              \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        struct fpu *f = &cpu->fpu;                                                                 \
        uint##bits##_t m;                                                                          \
        struct f80 r;                                                                              \
                                                                                                   \
        X87_WAIT;                                                                                  \
        m = mem_ld##bits(cpu, i, ea_gen(cpu, i, bits / 8, ACC_R));                                 \
        if (likely(push_free(f) && !x87_fresh(f, f80_##name(&r, &m)))) {                           \
            f80_copy(x87_push(f), &r);                                                             \
            x87_set_cc(f, 0, SW_C1);                                                               \
        } else {                                                                                   \
            x87_native(cpu, i, opcode, n << 3, &m);                                                \
        }                                                                                          \
        x87_note_mem(cpu, i);                                                                      \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY(h_##name, name);
LOAD_MEM(fld_m32, "flds", float, 32, 0xd9, 0)
LOAD_MEM(fld_m64, "fldl", double, 64, 0xdd, 0)
LOAD_MEM(fild_i16, "filds", int16_t, 16, 0xdf, 0)
LOAD_MEM(fild_i32, "fildl", int32_t, 32, 0xdb, 0)
LOAD_MEM(fild_i64, "fildll", int64_t, 64, 0xdf, 5)

/* FLD m80 and FBLD: 10 bytes. */
static void load_m80(struct cpu *cpu, const struct insn *i, unsigned opcode, unsigned n)
{
    gva_t va = ea_gen(cpu, i, 10, ACC_R);
    struct fpu *f = &cpu->fpu;
    struct f80 m;

    mem_check_aligned(cpu, i, va, 8);
    mem_read_bytes(cpu, i, va, &m, 10, ACC_R);
    if (likely(opcode == 0xdb && push_free(f))) {
        f80_copy(x87_push(f), &m);
        x87_set_cc(f, 0, SW_C1);
    } else {
        x87_native(cpu, i, opcode, n << 3, &m);
    }
    x87_note_mem(cpu, i);
}

HANDLER(fld_m80)
{
    X87_WAIT;
    load_m80(cpu, i, 0xdb, 5);
    NEXT;
}
FAMILY(h_fld_m80, fld_m80);

HANDLER(fbld)
{
    X87_WAIT;
    load_m80(cpu, i, 0xdf, 4);
    NEXT;
}
FAMILY(h_fbld, fbld);

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
            x87_round_begin(f);                                                                    \
            __asm__ volatile(#name "\n\tfstpt %0" : "=m"(*r) : : "st");                            \
            x87_round_end(f);                                                                      \
            x87_set_cc(f, 0, SW_C1);                                                               \
        } else {                                                                                   \
            x87_native(cpu, i, 0xd9, modrm, NULL);                                                 \
        }                                                                                          \
        x87_note(cpu, i);                                                                          \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY(h_##name, name);
LOAD_CONST(fld1, 0xe8)
LOAD_CONST(fldl2t, 0xe9)
LOAD_CONST(fldl2e, 0xea)
LOAD_CONST(fldpi, 0xeb)
LOAD_CONST(fldlg2, 0xec)
LOAD_CONST(fldln2, 0xed)
LOAD_CONST(fldz, 0xee)

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
    HANDLER(name)                                                                                  \
    {                                                                                              \
        struct fpu *f = &cpu->fpu;                                                                 \
        uint##bits##_t m = 0;                                                                      \
        bool done = false;                                                                         \
        gva_t va;                                                                                  \
                                                                                                   \
        X87_WAIT;                                                                                  \
        va = ea_gen(cpu, i, bits / 8, ACC_W);                                                      \
        if (likely(x87_full(f, f->top) && x87_fast_ok(f))) {                                       \
            unsigned sw;                                                                           \
                                                                                                   \
            x87_round_begin(f);                                                                    \
            sw = f80_##name(&m, x87_reg(f, f->top));                                               \
            x87_round_end(f);                                                                      \
            if (likely(!x87_fresh(f, sw))) {                                                       \
                mem_st##bits(cpu, i, va, m);                                                       \
                x87_set_cc(f, sw, SW_C1);                                                          \
                if (pop)                                                                           \
                    x87_pop(f);                                                                    \
                done = true;                                                                       \
            }                                                                                      \
        }                                                                                          \
        if (unlikely(!done))                                                                       \
            name##_native(cpu, i, va);                                                             \
        x87_note_mem(cpu, i);                                                                      \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY(h_##name, name);
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

/* FSTP m80 and FBSTP: 10 bytes. */
static void store_m80(struct cpu *cpu, const struct insn *i, unsigned opcode, unsigned n)
{
    struct fpu *f = &cpu->fpu;
    gva_t va = ea_gen(cpu, i, 10, ACC_W);

    if (likely(opcode == 0xdb && x87_full(f, f->top))) {
        mem_check_aligned(cpu, i, va, 8);
        mem_write_bytes(cpu, i, va, x87_reg(f, f->top), 10, ACC_W);
        x87_set_cc(f, 0, SW_C1);
        x87_pop(f);
    } else {
        struct x87_image im;
        struct f80 m = {{0}};

        store_may_fault(cpu, i, va, 10);
        x87_native_run(cpu, &im, opcode, n << 3, &m, 0);
        if (x87_native_stored(cpu, &im))
            mem_write_bytes(cpu, i, va, &m, 10, ACC_W);
        x87_native_commit(cpu, i, &im);
    }
    x87_note_mem(cpu, i);
}

HANDLER(fstp_m80)
{
    X87_WAIT;
    store_m80(cpu, i, 0xdb, 7);
    NEXT;
}
FAMILY(h_fstp_m80, fstp_m80);

HANDLER(fbstp)
{
    X87_WAIT;
    store_m80(cpu, i, 0xdf, 6);
    NEXT;
}
FAMILY(h_fbstp, fbstp);

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
