/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every exec_*.c file is written with: how a handler is declared, how it goes on to the next
 * instruction, leaves, faults, and how families of handlers are offered to the binder.
 *
 * A handler executes one decoded instruction. It ends with exactly one of
 *     NEXT;               go on with the following instruction of the block
 *     LEAVE_AFTER;        the instruction is done, RIP := the following one; back to cpu_run's loop
 *     LEAVE;              back to the loop, REG_RIP already says where
 * or never returns because it raised. Between instructions of a block gpr[REG_RIP] holds the start
 * of the block; insn_rip() and insn_next_rip() give the instruction's own address and the following
 * one. A handler that changes CR0, CR4, EFER, CPL, segments, RFLAGS.VM/AC/TF/IF or anything that
 * cpu.mode depends on must have attribute A_END in opcodes.def, call cpu_sync_mode, and end with
 * LEAVE(_AFTER).
 */
#ifndef CPU_EXEC_H
#define CPU_EXEC_H

#include "cpu/access.h"
#include "cpu/cpu.h"
#include "cpu/flags.h"

#define HANDLER(name)                                                                              \
    RACY UNALIGNED_GUEST static EXEC_CC EXEC_RET name(                                             \
        struct cpu *cpu __attribute__((unused)), const struct insn *i __attribute__((unused)))

#ifdef EXEC_TAIL_CALLS
#define GOTO_INSN(p)                                                                               \
    do {                                                                                           \
        const struct insn *goto_ = (p);                                                            \
        __attribute__((musttail)) return goto_->fn(cpu, goto_);                                    \
    } while (0)
/* Leaves the instruction to another handler. */
#define GOTO_HANDLER(f) __attribute__((musttail)) return (f)(cpu, i)
#define LEAVE           return
#else
#define GOTO_INSN(p)    return (p)
#define GOTO_HANDLER(f) return (f)(cpu, i)
#define LEAVE           return NULL
#endif
#define NEXT GOTO_INSN(i + 1)

static inline uint64_t rip_mask(const struct cpu *cpu)
{
    return cpu_code64(cpu) ? ~UINT64_C(0) : 0xffffffffu;
}

/* IP of the instruction, and of the one behind it. 16-bit code, too, runs on beyond FFFF, to the
 * limit's #GP if there is one; only branches cut IP to 16 bits. */
static inline uint64_t insn_rip(const struct cpu *cpu, const struct insn *i)
{
    return (cpu->gpr[REG_RIP] + i->off) & rip_mask(cpu);
}

static inline uint64_t insn_next_rip(const struct cpu *cpu, const struct insn *i)
{
    return (cpu->gpr[REG_RIP] + i->off + i->len) & rip_mask(cpu);
}

#define LEAVE_AFTER                                                                                \
    do {                                                                                           \
        cpu->gpr[REG_RIP] = insn_next_rip(cpu, i);                                                 \
        LEAVE;                                                                                     \
    } while (0)

/* Raise a fault at instruction i. */
#define RAISE(vector)                                                                              \
    do {                                                                                           \
        cpu->cur = i;                                                                              \
        cpu_raise(cpu, vector);                                                                    \
    } while (0)
#define RAISE_ERR(vector, err)                                                                     \
    do {                                                                                           \
        cpu->cur = i;                                                                              \
        cpu_raise_err(cpu, vector, err);                                                           \
    } while (0)

/* To LEAVE in the middle: the instruction will be begun again, with RF set (SDM 3B 18.3.1.1). */
void exec_unfinished(struct cpu *cpu, const struct insn *i);

/* Before calling anything below a handler that may raise without being given i. */
#define AT(insn) (cpu->cur = (insn))

/* Operand size in bytes. */
#define OSIZE(i) (1u << (i)->osz)

/* ---- families: what a row of opcodes.def names as its handler ---- */

enum insn_form {
    FORM_REG, /* r/m operand is a register, or there is none */
    FORM_GEN, /* memory, any segment and address size: ea_gen() */
    FORM_X32, /* memory, flat 32-bit: ea_x32() */
    FORM_X64, /* memory, flat 64-bit with index: ea_x64() */
    FORM_B64, /* memory, flat 64-bit without index: ea_b64() */
    FORM_COUNT,
    FORM_LINK =
        FORM_GEN, /* direct branches have no memory operand: the target is in the same page */
};

struct family {
    insn_fn *fn[4][FORM_COUNT]; /* by SZ8..SZ64 and form; NULL where FORM_GEN serves, or where the
                                   size cannot be */
    const struct family
        *noflags; /* register forms without computing flags, for when they are dead */
    const struct family *locked; /* with LOCK; NULL: the family itself looks at INSN_LOCK */
};

/* Handlers of vectors are compiled twice, for any host and for one with AVX2
 * (cpu/simd/files.ninja); the binder takes the second family where there is one and the host can
 * run it. */
#ifdef HOST_AVX2
#define FAMILY_NAME(name) native_##name
#else
#define FAMILY_NAME(name) name
#endif

/* One handler that copes with every size and form (the rule for cold instructions). */
#define FAMILY(name, f)                                                                            \
    const struct family FAMILY_NAME(name) = {.fn = {{f, f}, {f, f}, {f, f}, {f, f}}}
/* One handler for registers and one for memory of any form; both for every size. */
#define FAMILY_RM(name, reg, gen)                                                                  \
    const struct family FAMILY_NAME(name) = {.fn = {{reg, gen}, {reg, gen}, {reg, gen}, {reg, gen}}}
/* With own handlers for the flat forms. */
#define FAMILY_FORMS(name, reg, gen, x32, x64, b64)                                                \
    const struct family FAMILY_NAME(name) = {.fn = {{reg, gen, x32, x64, b64},                     \
                                                    {reg, gen, x32, x64, b64},                     \
                                                    {reg, gen, x32, x64, b64},                     \
                                                    {reg, gen, x32, x64, b64}}}

/* Bound in place of instructions that CR0.TS, CR0.EM or CR4.OSFXSR forbid: #NM or #UD. */
extern const struct family h_fpu_na;

/* ---- operands for cold handlers: any size, any form ---- */

static inline uint64_t reg_get(const struct cpu *cpu, unsigned r, unsigned osz)
{
    switch (osz) {
    case SZ8: return ((const uint8_t *)cpu->gpr)[r];
    case SZ16: return (uint16_t)cpu->gpr[r];
    case SZ32: return (uint32_t)cpu->gpr[r];
    default: return cpu->gpr[r];
    }
}

/* 32-bit writes clear the upper half; 8- and 16-bit ones keep the rest. */
static inline void reg_set(struct cpu *cpu, unsigned r, uint64_t v, unsigned osz)
{
    switch (osz) {
    case SZ8: REG8(cpu, r) = (uint8_t)v; break;
    case SZ16: cpu->gpr[r] = (cpu->gpr[r] & ~UINT64_C(0xffff)) | (uint16_t)v; break;
    case SZ32: cpu->gpr[r] = (uint32_t)v; break;
    default: cpu->gpr[r] = v; break;
    }
}

static inline uint64_t rm_get(struct cpu *cpu, const struct insn *i, unsigned osz)
{
    if (i->flags & INSN_MEM)
        return mem_ld(cpu, i, ea_gen(cpu, i, 1u << osz, ACC_R), 1u << osz);
    return reg_get(cpu, i->rm, osz);
}

static inline void rm_set(struct cpu *cpu, const struct insn *i, uint64_t v, unsigned osz)
{
    if (i->flags & INSN_MEM)
        mem_st(cpu, i, ea_gen(cpu, i, 1u << osz, ACC_W), v, 1u << osz);
    else
        reg_set(cpu, i->rm, v, osz);
}

#endif
