/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule stale-tlb: a model of a TLB that drops nothing unless it is told to, beside the real one. It
 * remembers each translation that the vCPU has used, with the entries that it went by, until the
 * guest invalidates it as SDM 3A 4.10.4.1 has it: INVLPG, INVPCID, a load of CR3, CR0.PG, CR4's
 * bits, a page fault at the address. When the vCPU uses the page again and the tables say something
 * by which this very access would do something else, a processor may do one or the other: that is
 * reported. What 4.10.4.3 allows is not: entries that become present, rights that are given (a
 * spurious fault), A and D bits; nor page sizes that change where frames and rights do not.
 *
 * What another vCPU has changed is reported only if this one goes on for INVALIDATION_DUE
 * instructions without invalidating it: until then the other may be about to ask for that.
 */
#ifndef CPU_LINT_TLB_H
#define CPU_LINT_TLB_H

#include "cpu/cpu.h"

struct lint_tlb;

#define INVALIDATION_DUE 20000000

struct lint_tlb *lint_tlb_new(void);
void lint_tlb_free(struct lint_tlb *t);

/* All by the vCPU's thread, which has cpu.lint_tlb. */

/* The access (one of ACC_R/W/X) to va was translated, or faults; before either has an effect. */
void lint_tlb_used(struct cpu *cpu, gva_t va, unsigned acc, bool user, bool explicit_ac);

/* The guest invalidates: everything, but for global pages unless `globals_too`; what belongs to a
 * PCID; a page of a PCID, and global ones if `globals_too`. */
void lint_tlb_flush(struct cpu *cpu, bool globals_too);
void lint_tlb_flush_pcid(struct cpu *cpu, uint16_t pcid);
void lint_tlb_flush_page(struct cpu *cpu, gva_t va, uint16_t pcid, bool globals_too);

#endif
