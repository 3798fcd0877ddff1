/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the filler of the software TLB (access.c) and its keeper (tlb.c) share: whom an entry is
 * for. All is of one vCPU, and of its thread. What the rest of the processor calls (cpu_tlb_flush
 * and its like) is in cpu.h.
 */
#ifndef CPU_TLB_H
#define CPU_TLB_H

#include "cpu/cpu.h"

/* The context (TLB_CTX_*) in which an access with ACC_SYS, or none, is checked. */
static inline unsigned tlb_ctx(const struct cpu *cpu, unsigned acc)
{
    if (acc & ACC_SYS)
        return TLB_CTX_KERNEL;
    if (cpu->cpl == 3)
        return TLB_CTX_USER;
    return cpu->rflags & FL_AC ? TLB_CTX_KERNEL_AC : TLB_CTX_KERNEL;
}

/* Are data accesses that are not aligned faults now (SDM 3A 6.15, #AC)? */
static inline bool cpu_alignment_checked(const struct cpu *cpu)
{
    return cpu->cpl == 3 && (cpu->rflags & FL_AC) && (cpu->cr0 & CR0_AM);
}

/* The part of a tag that says whose an entry is: of the present generation, and of a context. */
static inline uint64_t tlb_key_for(const struct cpu *cpu, unsigned ctx)
{
    return ((uint64_t)cpu->tlb_gen << TLB_GEN_SHIFT) | ctx;
}

/* An entry of 4 KiB was made for part of a large page: INVLPG is to find all of that. */
void tlb_note_large(struct cpu *cpu, gva_t va, unsigned shift);

#endif
