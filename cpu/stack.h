/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stack as PUSH and POP see it: SS:RSP, SS:ESP or SS:SP by mode, with the segment's checks. A
 * fault leaves the stack pointer as it was. `size` is 2, 4 or 8 bytes.
 */
#ifndef CPU_STACK_H
#define CPU_STACK_H

#include "cpu/access.h"

/* The bits of rSP that the stack counts in. */
static inline uint64_t stack_mask(const struct cpu *cpu)
{
    return cpu_code64(cpu) ? ~UINT64_C(0) : cpu->mode & MODE_SS32 ? 0xffffffffu : 0xffffu;
}

/* rSP wrapped to the stack's address size. */
static inline uint64_t stack_pointer(const struct cpu *cpu)
{
    if (cpu_code64(cpu))
        return cpu->gpr[REG_RSP];
    return cpu->mode & MODE_SS32 ? (uint32_t)cpu->gpr[REG_RSP] : (uint16_t)cpu->gpr[REG_RSP];
}

/* Sets rSP; the bits above the stack's address size stay (SP) or are cleared (ESP). */
static inline void stack_set_pointer(struct cpu *cpu, uint64_t sp)
{
    if (cpu_code64(cpu))
        cpu->gpr[REG_RSP] = sp;
    else if (cpu->mode & MODE_SS32)
        cpu->gpr[REG_RSP] = (uint32_t)sp;
    else
        cpu->gpr[REG_RSP] = (cpu->gpr[REG_RSP] & ~UINT64_C(0xffff)) | (uint16_t)sp;
}

/* Linear address of `size` bytes at rSP + delta. */
static inline gva_t stack_linear(struct cpu *cpu, const struct insn *i, int64_t delta,
                                 unsigned size, unsigned acc)
{
    uint64_t off = stack_pointer(cpu) + (uint64_t)delta;

    if (cpu_code64(cpu)) {
        /* with a memory operand (PUSH m, CALL m, POP m) the accessors would judge by its segment */
        if ((i->flags & INSN_MEM) &&
            unlikely(!gva_canonical(cpu, off) || !gva_canonical(cpu, off + size - 1)))
            seg_fault(cpu, i, SEG_SS);
        return off;
    }
    off = cpu->mode & MODE_SS32 ? (uint32_t)off : (uint16_t)off;
    return seg_linear(cpu, i, SEG_SS, off, size, acc);
}

static inline uint64_t stack_read(struct cpu *cpu, const struct insn *i, int64_t delta,
                                  unsigned size)
{
    return mem_ld(cpu, i, stack_linear(cpu, i, delta, size, ACC_R), size);
}

static inline void stack_write(struct cpu *cpu, const struct insn *i, int64_t delta, uint64_t v,
                               unsigned size)
{
    mem_st(cpu, i, stack_linear(cpu, i, delta, size, ACC_W), v, size);
}

static inline void stack_adjust(struct cpu *cpu, uint64_t delta)
{
    stack_set_pointer(cpu, stack_pointer(cpu) + delta);
}

static inline void stack_push(struct cpu *cpu, const struct insn *i, uint64_t v, unsigned size)
{
    stack_write(cpu, i, -(int64_t)size, v, size);
    stack_adjust(cpu, -(uint64_t)size);
}

#endif
