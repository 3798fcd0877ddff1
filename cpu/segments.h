/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segment descriptors: reading them from the tables, judging them, loading them into segment
 * registers. Faults are raised at cpu->cur (see cpu_raise); whoever calls sets that first.
 */
#ifndef CPU_SEGMENTS_H
#define CPU_SEGMENTS_H

#include "cpu/cpu.h"

/* A descriptor as read from a table. */
struct descriptor {
    uint16_t sel;
    uint16_t attr;  /* SEG_* */
    uint32_t limit; /* bytes */
    uint64_t base;
    uint32_t lo, hi; /* the raw words: gates are laid out otherwise */
    uint32_t upper;  /* third word of a 16-byte descriptor, after desc_widen */
    gva_t addr;      /* where it was read */
};

/* Null selectors: index 0 of the GDT, whatever the RPL. */
static inline bool sel_null(uint16_t sel)
{
    return (sel & 0xfffc) == 0;
}

/* Raises `vector` with the selector's error code; ext is 0 or 1. */
__attribute__((noreturn, cold)) void sel_fault(struct cpu *cpu, unsigned vector, uint16_t sel,
                                               unsigned ext);

/* Reads the 8 bytes that sel names. False when sel is null or beyond its table. May raise #PF. */
bool desc_fetch(struct cpu *cpu, uint16_t sel, struct descriptor *d);

/* In long mode, reads the second half of a 16-byte system descriptor (completing base); false when
 * it lies beyond the table or its type field is not zero. Outside long mode does nothing: true. */
bool desc_widen(struct cpu *cpu, struct descriptor *d);

/* The same for a descriptor that is to be loaded or gone through, not only looked at: strict mode
 * hears of what is refused. */
bool desc_widen_to_load(struct cpu *cpu, struct descriptor *d);

/* A code segment that cannot be entered in long mode, because L and D are both set. As above. */
bool desc_both_l_and_d(const struct cpu *cpu, const struct descriptor *d);

/* Sets type bits (SEG_T_ACCESSED, or 2: TSS busy) in the descriptor in memory, atomically, and in
 * *d. */
void desc_set_type_bits(struct cpu *cpu, struct descriptor *d, unsigned bits);

/* Clears the busy bit of the TSS descriptor that sel names; quietly nothing when there is none. */
void desc_clear_busy(struct cpu *cpu, uint16_t sel);

static inline unsigned desc_dpl(const struct descriptor *d)
{
    return (d->attr & SEG_DPL) >> SEG_DPL_SHIFT;
}

static inline bool desc_is_code(const struct descriptor *d)
{
    return (d->attr & (SEG_S | SEG_T_CODE)) == (SEG_S | SEG_T_CODE);
}

static inline bool desc_conforming(const struct descriptor *d)
{
    return desc_is_code(d) && (d->attr & SEG_T_CONFORM);
}

static inline bool desc_writable_data(const struct descriptor *d)
{
    return (d->attr & (SEG_S | SEG_T_CODE | SEG_T_WRITE)) == (SEG_S | SEG_T_WRITE);
}

/* Data, or code that may be read. */
static inline bool desc_readable(const struct descriptor *d)
{
    return (d->attr & SEG_S) && (!(d->attr & SEG_T_CODE) || (d->attr & SEG_T_READ));
}

/* 64-bit code segment in long mode. */
static inline bool desc_code64(const struct cpu *cpu, const struct descriptor *d)
{
    return cpu_long_mode(cpu) && (d->attr & SEG_L);
}

/* ---- loading; the caller calls cpu_sync_mode when all are loaded ---- */

/* Loads register n with a descriptor that has been judged. */
void seg_set(struct cpu *cpu, unsigned n, uint16_t sel, const struct descriptor *d);

/* Loads register n with a null selector. */
void seg_set_null(struct cpu *cpu, unsigned n, uint16_t sel);

/* Loads register n with a flat segment of the given attributes (SYSCALL and its kin). */
void seg_set_flat(struct cpu *cpu, unsigned n, uint16_t sel, unsigned attr);

/* Real mode: selector and base change, limit and attributes stay as they were. */
void seg_set_real(struct cpu *cpu, unsigned n, uint16_t sel);

/* Virtual-8086 mode: base from the selector, 64 KiB, DPL 3. */
void seg_set_v86(struct cpu *cpu, unsigned n, uint16_t sel);

/* MOV to, POP to and LxS of ES, SS, DS, FS, GS in any mode, with all checks. SS faults as such. */
void seg_load(struct cpu *cpu, unsigned n, uint16_t sel);

/* Judges sel as the stack segment for privilege level `pl` where an inner stack comes from a TSS:
 * faults are #TS(sel) and, for one that is not present, #SS(sel). Fills *d. */
void seg_check_inner_ss(struct cpu *cpu, uint16_t sel, unsigned pl, unsigned ext,
                        struct descriptor *d);

/* After a return to an outer level: data segments that the new CPL may not use become null. */
void seg_drop_inner_data(struct cpu *cpu);

/* LLDT and LTR with all checks but that of CPL. */
void seg_load_ldt(struct cpu *cpu, uint16_t sel);
void seg_load_tr(struct cpu *cpu, uint16_t sel);

/* Derives all registers anew, after PE, VM or LMA changed. */
void seg_rederive(struct cpu *cpu);

#endif
