/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory as instructions see it. The inline part is the TLB hit; everything else (misses,
 * MMIO, page crossings, decoded code, breakpoints, alignment checks, faults) is in access.c. Faults
 * do not return: they go through cpu_raise, with RIP taken from the instruction `i` given.
 */
#ifndef CPU_ACCESS_H
#define CPU_ACCESS_H

#include "cpu/cpu.h"

/* Guest operands lie where the guest put them, and the host, an x86 as well, reads, writes and
 * locks them at any address: UBSan's check of that is off where it is done through pointers. */
#define UNALIGNED_GUEST __attribute__((no_sanitize("alignment")))

/* ---- slow paths (access.c) ---- */

__attribute__((cold)) uint64_t mem_read_slow(struct cpu *cpu, const struct insn *i, gva_t va,
                                             unsigned size);
__attribute__((cold)) void mem_write_slow(struct cpu *cpu, const struct insn *i, gva_t va,
                                          uint64_t val, unsigned size);
/* Multi-word operands: any size up to 512, checked as one access of that size (no partial writes
 * before a fault). acc may carry ACC_SYS or ACC_STACK. */
void mem_read_bytes(struct cpu *cpu, const struct insn *i, gva_t va, void *buf, unsigned size,
                    unsigned acc);
void mem_write_bytes(struct cpu *cpu, const struct insn *i, gva_t va, const void *buf,
                     unsigned size, unsigned acc);
/* Faults now if a later write (or, ACC_R, read) of size bytes at va would. */
void mem_probe(struct cpu *cpu, const struct insn *i, gva_t va, unsigned size, unsigned acc);

/* #AC(0) when va is not a multiple of `size` and alignment is checked now: for plain operands that
 * go through the calls above, which check none. */
void mem_check_aligned(struct cpu *cpu, const struct insn *i, gva_t va, unsigned size);

/* Read-modify-write operand. mem_rmw returns its host address, with write permission checked, or
 * NULL when it has none (MMIO, page crossing, ROM, decoded code, …); then the permission has been
 * checked all the same and the value goes through mem_read_slow / mem_write_slow. */
__attribute__((cold)) void *mem_rmw_slow(struct cpu *cpu, const struct insn *i, gva_t va,
                                         unsigned size);

/* A locked read-modify-write that mem_rmw gave no address for stands between these two, one read
 * and one write of the whole operand, which has no other effect yet. In RAM within a page the write
 * is a compare-and-swap with what was read; mem_unlock says false when that failed, and all is to
 * be done again. Else no other vCPU accesses memory meanwhile, or, when the operand is not RAM,
 * does the same to a device. The second may be left out when the access faults; without the first
 * it does nothing, and says true. */
void mem_lock(struct cpu *cpu, const struct insn *i, gva_t va, unsigned size);
bool mem_unlock(struct cpu *cpu);

/* 16 bytes, aligned: if they are *old they become *new, as one locked step; else *old what they
 * are. */
bool ram_cas16(void *at, uint64_t old[2], const uint64_t new[2]);

/* To or from guest memory within a page: aligned pieces of 2, 4 and 8 bytes stay whole. */
void ram_copy(void *to, const void *from, size_t size);

/* Implicit supervisor accesses (descriptor tables, TSS, IDT): errors carry no PF_U. */
uint64_t sys_read(struct cpu *cpu, gva_t va, unsigned size);
void sys_write(struct cpu *cpu, gva_t va, uint64_t val, unsigned size);

/* Sets and clears bits of a byte of a descriptor table as one locked step. */
void sys_update8(struct cpu *cpu, gva_t va, uint8_t set, uint8_t clear);

/* Segment check failed: #GP(0), or #SS(0) for the stack segment. */
__attribute__((noreturn, cold)) void seg_fault(struct cpu *cpu, const struct insn *i, unsigned seg);

/* ---- TLB ---- */

static inline struct tlb_entry *tlb_slot(struct cpu *cpu, gva_t va)
{
    return &cpu->tlb[(va >> PAGE_SHIFT) & (TLB_SIZE - 1)];
}

/* The tag that a hit must have. Made from the last byte's page, so that an access that crosses into
 * the next page misses: that page belongs to another slot. */
static inline uint64_t tlb_want(const struct cpu *cpu, gva_t va, unsigned size)
{
    return ((va + (size - 1)) & PAGE_MASK) | cpu->tlb_key;
}

/* Host address for a hit of kind ACC_R or ACC_W, else NULL. */
RACY static inline void *tlb_hit(struct cpu *cpu, gva_t va, unsigned size, unsigned acc)
{
    struct tlb_entry *e = tlb_slot(cpu, va);

    if (likely((acc == ACC_W ? e->wtag : e->rtag) == tlb_want(cpu, va, size))) {
        void *p = (void *)(va + e->addend);

        if (!p)
            __builtin_unreachable(); /* spares the callers a second test */
        return p;
    }
    return NULL;
}

/* Guest memory is shared with other vCPUs, which may write it at any time. An aligned access of up
 * to eight bytes is one instruction of the host: memcpy of a constant size is. */
#define MEM_ACCESSORS(bits)                                                                        \
    RACY static inline uint##bits##_t mem_ld##bits(struct cpu *cpu, const struct insn *i,          \
                                                   gva_t va)                                       \
    {                                                                                              \
        const void *p = tlb_hit(cpu, va, bits / 8, ACC_R);                                         \
        uint##bits##_t v;                                                                          \
                                                                                                   \
        if (likely(p)) {                                                                           \
            memcpy(&v, p, sizeof(v));                                                              \
            return v;                                                                              \
        }                                                                                          \
        return (uint##bits##_t)mem_read_slow(cpu, i, va, bits / 8);                                \
    }                                                                                              \
    RACY static inline void mem_st##bits(struct cpu *cpu, const struct insn *i, gva_t va,          \
                                         uint##bits##_t v)                                         \
    {                                                                                              \
        void *p = tlb_hit(cpu, va, bits / 8, ACC_W);                                               \
                                                                                                   \
        if (likely(p))                                                                             \
            memcpy(p, &v, sizeof(v));                                                              \
        else                                                                                       \
            mem_write_slow(cpu, i, va, v, bits / 8);                                               \
    }                                                                                              \
    RACY static inline void *mem_rmw##bits(struct cpu *cpu, const struct insn *i, gva_t va)        \
    {                                                                                              \
        void *p = tlb_hit(cpu, va, bits / 8, ACC_W);                                               \
                                                                                                   \
        return likely(p) ? p : mem_rmw_slow(cpu, i, va, bits / 8);                                 \
    }
MEM_ACCESSORS(8)
MEM_ACCESSORS(16)
MEM_ACCESSORS(32)
MEM_ACCESSORS(64)
#undef MEM_ACCESSORS

RACY static inline uint64_t mem_ld(struct cpu *cpu, const struct insn *i, gva_t va, unsigned size)
{
    switch (size) {
    case 1: return mem_ld8(cpu, i, va);
    case 2: return mem_ld16(cpu, i, va);
    case 4: return mem_ld32(cpu, i, va);
    default: return mem_ld64(cpu, i, va);
    }
}

RACY static inline void mem_st(struct cpu *cpu, const struct insn *i, gva_t va, uint64_t v,
                               unsigned size)
{
    switch (size) {
    case 1: mem_st8(cpu, i, va, (uint8_t)v); break;
    case 2: mem_st16(cpu, i, va, (uint16_t)v); break;
    case 4: mem_st32(cpu, i, va, (uint32_t)v); break;
    default: mem_st64(cpu, i, va, v); break;
    }
}

/* 16 bytes; no alignment is required here (instructions that demand it check it themselves). */
RACY static inline union xmm mem_ld128(struct cpu *cpu, const struct insn *i, gva_t va)
{
    const void *p = tlb_hit(cpu, va, 16, ACC_R);
    union xmm v;

    if (likely(p))
        memcpy(&v, p, 16);
    else
        mem_read_bytes(cpu, i, va, &v, 16, ACC_R);
    return v;
}

RACY static inline void mem_st128(struct cpu *cpu, const struct insn *i, gva_t va, union xmm v)
{
    void *p = tlb_hit(cpu, va, 16, ACC_W);

    if (likely(p))
        memcpy(p, &v, 16);
    else
        mem_write_bytes(cpu, i, va, &v, 16, ACC_W);
}

/* ---- effective addresses ---- */

/* The offset part, wrapped to the address size. */
static inline uint64_t ea_offset(const struct cpu *cpu, const struct insn *i)
{
    uint64_t off =
        cpu->gpr[i->base] + (cpu->gpr[i->index] << i->scale) + (uint64_t)(int64_t)i->disp;

    if (i->asz == SZ64)
        return off;
    return i->asz == SZ32 ? (uint32_t)off : (uint16_t)off;
}

/* Linear address of seg:off for an access of `size` bytes of kind acc (ACC_R, ACC_W or both), after
 * the segment's checks. In 64-bit mode only FS and GS have a base, and nothing is checked here. */
static inline gva_t seg_linear(struct cpu *cpu, const struct insn *i, unsigned seg, uint64_t off,
                               unsigned size, unsigned acc)
{
    const struct segment *s = &cpu->seg[seg];

    if (cpu_code64(cpu))
        return seg >= SEG_FS ? s->base + off : off;
    if (likely((s->ok & acc) == acc && off >= s->lo && off + (size - 1) <= s->hi))
        return (uint32_t)(s->base + off);
    seg_fault(cpu, i, seg);
}

/* Linear address of the instruction's memory operand; any mode. */
static inline gva_t ea_gen(struct cpu *cpu, const struct insn *i, unsigned size, unsigned acc)
{
    return seg_linear(cpu, i, i->seg, ea_offset(cpu, i), size, acc);
}

/* The same where binding has proved that nothing is to be checked or added: flat 64-bit (form X64)
 * … */
static inline gva_t ea_x64(const struct cpu *cpu, const struct insn *i)
{
    return cpu->gpr[i->base] + (cpu->gpr[i->index] << i->scale) + (uint64_t)(int64_t)i->disp;
}

/* … without an index (form B64) … */
static inline gva_t ea_b64(const struct cpu *cpu, const struct insn *i)
{
    return cpu->gpr[i->base] + (uint64_t)(int64_t)i->disp;
}

/* … and flat with 32-bit addresses (form X32). */
static inline gva_t ea_x32(const struct cpu *cpu, const struct insn *i)
{
    return (uint32_t)(cpu->gpr[i->base] + (cpu->gpr[i->index] << i->scale) + (uint32_t)i->disp);
}

#endif
