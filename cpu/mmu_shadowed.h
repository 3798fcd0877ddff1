/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mmu=shadow: the shadow MMU (cpu/mmu_shadow/) as the MMU of a group of vCPUs. One struct
 * shadow_mmu a machine; each vCPU is attached to it.
 */
#ifndef CPU_MMU_SHADOWED_H
#define CPU_MMU_SHADOWED_H

#include "cpu/mmu.h"

struct cpu_group;
struct memslots_vm;
struct shadow_mmu;

/* For the vCPUs of a group. It watches the slots: there is one for each memslots_vm. */
struct shadow_mmu *mmu_shadow_new(struct cpu_group *group, struct memslots_vm *slots);

/* No vCPU is attached any more. NULL is fine. */
void mmu_shadow_free(struct shadow_mmu *m);

/* From now on cpu, which does not run, translates through it; all that are attached are of the same
 * model. mmu_shadow_detach before cpu_free. */
void mmu_shadow_attach(struct cpu *cpu, struct shadow_mmu *m);
void mmu_shadow_detach(struct cpu *cpu);

/* Somebody else than a vCPU stored `len` bytes at gpa, within a page that is tracked. */
void mmu_shadow_written(struct shadow_mmu *m, gpa_t gpa, size_t len);

/* struct dirty_protect's `protect`. */
void mmu_shadow_write_protect(void *opaque, const struct memslot *s, uint64_t first, uint64_t mask);

extern const struct mmu_ops mmu_shadow_ops;

#endif
