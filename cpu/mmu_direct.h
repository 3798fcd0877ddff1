/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * While a guest has paging off, mmu=shadow maps frames directly: the direct MMU
 * (cpu/mmu_shadow/tdp_mmu.h) as a part of a machine. One tree a machine, shared by all vCPUs that
 * have paging off; it goes with the last of them.
 */
#ifndef CPU_MMU_DIRECT_H
#define CPU_MMU_DIRECT_H

#include "cpu/mmu.h"

struct cpu_group;
struct memslot;
struct memslots_vm;
struct mmu_direct;

struct mmu_direct *mmu_direct_new(struct cpu_group *group, struct memslots_vm *slots);

/* No vCPU uses it. NULL is fine. */
void mmu_direct_free(struct mmu_direct *d);

/* As mmu_ops.translate, with paging off: there are no faults. The vCPU's thread, inside guest mode,
 * which it may leave meanwhile. */
void mmu_direct_translate(struct mmu_direct *d, struct cpu *cpu, gva_t va, unsigned acc,
                          struct mmu_xlat *out);

/* The vCPU has no use for it any more, for now. Its thread, or any while it does not run. */
void mmu_direct_release(struct mmu_direct *d, struct cpu *cpu);

/* Stores to gfn are tracked as those to a table from now on (page_track.h); outside guest mode. */
void mmu_direct_track(struct mmu_direct *d, gfn_t gfn);

/* Around a change of slots, as shadow_begin_change and shadow_end_change. */
void mmu_direct_begin_change(struct mmu_direct *d);
void mmu_direct_end_change(struct mmu_direct *d);

/* Instead of the first, for what is behind a few pages alone. */
void mmu_direct_begin_drop(struct mmu_direct *d, const gfn_t *gfn, unsigned n);

/* A new generation of slots has been published: on return nobody here reads the one before. */
void mmu_direct_synchronize(struct mmu_direct *d);

/* The log of a slot has begun or ended, which is all that changed: no huge leaf, and no leaf that
 * is writable, is left of it; or they may be huge again. Device lock held. */
void mmu_direct_log_begun(struct mmu_direct *d, const struct memslot *s);
void mmu_direct_log_ended(struct mmu_direct *d, const struct memslot *s);

/* As struct dirty_protect's `protect`. */
void mmu_direct_write_protect(struct mmu_direct *d, const struct memslot *s, uint64_t first,
                              uint64_t mask);

/* Stops the VM unless every invariant holds. */
void mmu_direct_audit(struct mmu_direct *d);

/* What there is: tables, leaves by level (1 to 3), and how often small ones were made huge again.
 */
struct mmu_direct_counts {
    uint64_t tables, leafs[4], recovered;
};
struct mmu_direct_counts mmu_direct_count(const struct mmu_direct *d);

#endif
