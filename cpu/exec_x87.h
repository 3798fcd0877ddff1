/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the exec_x87*.c files share. An x87 handler has a fast path, which runs the operation alone
 * on the host's x87 with every exception masked, and the native one (fpu_native.h), to which it
 * turns when a register is wrongly empty or full, or when a flag comes up that the guest's status
 * word does not have yet: then the same instruction is done over with everything exact. The host's
 * own sticky flags may hold stale bits; they only make a handler take the native path, which clears
 * them.
 */
#ifndef CPU_EXEC_X87_H
#define CPU_EXEC_X87_H

#include "cpu/exec.h"
#include "cpu/fpu.h"
#include "cpu/fpu_native.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* An 80-bit register, where it stands in struct fpu. */
struct f80 {
    uint8_t b[10];
} __attribute__((may_alias));

/* An exception is pending at waiting instruction i: #MF, or the external way; true when the
 * instruction is not to be executed now and REG_RIP has been set to it. */
__attribute__((cold)) bool x87_pending(struct cpu *cpu, const struct insn *i);

/* First thing in every waiting instruction. */
#define X87_WAIT                                                                                   \
    do {                                                                                           \
        if (unlikely(cpu->fpu.sw & SW_ES) && x87_pending(cpu, i))                                  \
            LEAVE;                                                                                 \
    } while (0)

/* ---- the stack ---- */

static inline unsigned x87_index(const struct fpu *f, unsigned n)
{
    return (f->top + n) & 7;
}

static inline struct f80 *x87_reg(struct fpu *f, unsigned index)
{
    return (struct f80 *)f->st[index];
}

static inline bool x87_full(const struct fpu *f, unsigned index)
{
    return f->tags & (1u << index);
}

static inline void x87_pop(struct fpu *f)
{
    f->tags &= (uint8_t) ~(1u << f->top);
    f->top = (f->top + 1) & 7;
}

/* The caller has seen that the register is free; it gets the value next. */
static inline struct f80 *x87_push(struct fpu *f)
{
    f->top = (f->top - 1) & 7;
    f->tags |= (uint8_t)(1u << f->top);
    return x87_reg(f, f->top);
}

RACY static inline void f80_copy(struct f80 *to, const struct f80 *from)
{
    memcpy(to->b, from->b, 8);
    memcpy(to->b + 8, from->b + 8, 2);
}

/* ---- control and status ---- */

/* Underflow that is not masked is reported for exact tiny results too, which the masked run cannot
 * see. */
static inline bool x87_fast_ok(const struct fpu *f)
{
    return f->cw & CW_UM;
}

/* Does the guest round as the host's x87 does between instructions: to nearest, in 80 bits? */
static inline bool x87_rounds_as_host(const struct fpu *f)
{
    return (f->cw & (CW_PC | CW_RC)) == CW_PC;
}

/* Brackets around a run of host x87 instructions that round, and that run in them. */
static inline void x87_round_begin(const struct fpu *f)
{
    uint16_t cw = (uint16_t)((f->cw & (CW_PC | CW_RC)) | CW_MASKS | CW_ONES);

    __asm__ volatile("fldcw %0" : : "m"(cw));
}

static inline void x87_round_end(void)
{
    static const uint16_t cw = CW_INIT;

    __asm__ volatile("fldcw %0" : : "m"(cw));
}

#define X87_ROUND(f, run)                                                                          \
    do {                                                                                           \
        if (likely(x87_rounds_as_host(f))) {                                                       \
            run;                                                                                   \
        } else {                                                                                   \
            x87_round_begin(f);                                                                    \
            run;                                                                                   \
            x87_round_end();                                                                       \
        }                                                                                          \
    } while (0)

/* Flags of the host's status word that the guest's does not have. */
static inline unsigned x87_fresh(const struct fpu *f, unsigned host_sw)
{
    return host_sw & ~f->sw & SW_FLAGS;
}

/* Takes the condition codes in `mask` from the host's status word. */
static inline void x87_set_cc(struct fpu *f, unsigned host_sw, unsigned mask)
{
    f->sw = (uint16_t)((f->sw & ~mask) | (host_sw & mask));
}

/* ---- pointers for exception handlers ---- */

static inline void x87_note(struct cpu *cpu, const struct insn *i)
{
    cpu->fpu.fip = cpu->gpr[REG_RIP] + i->off;
    cpu->fpu.fcs = cpu->seg[SEG_CS].sel;
}

static inline void x87_note_mem(struct cpu *cpu, const struct insn *i, uint64_t offset)
{
    x87_note(cpu, i);
    cpu->fpu.fdp = offset;
    cpu->fpu.fds = cpu->seg[i->seg].sel;
}

/* ---- handlers with a memory operand ---- */

/* One for memory of any form and one for each flat form, around a stmt at the linear address va. */
#define X87_MEM_AT(name, form, address, offset, stmt)                                              \
    HANDLER(name##_##form)                                                                         \
    {                                                                                              \
        gva_t va;                                                                                  \
                                                                                                   \
        X87_WAIT;                                                                                  \
        va = address;                                                                              \
        stmt;                                                                                      \
        x87_note_mem(cpu, i, offset);                                                              \
        NEXT;                                                                                      \
    }
#define X87_MEM(name, size, acc, stmt)                                                             \
    X87_MEM_AT(name, gen, ea_gen(cpu, i, size, acc), ea_offset(cpu, i), stmt)                      \
    X87_MEM_AT(name, x32, ea_x32(cpu, i), va, stmt)                                                \
    X87_MEM_AT(name, x64, ea_x64(cpu, i), va, stmt)                                                \
    X87_MEM_AT(name, b64, ea_b64(cpu, i), va, stmt)                                                \
    FAMILY_FORMS(h_##name, name##_gen, name##_gen, name##_x32, name##_x64, name##_b64);

#endif
