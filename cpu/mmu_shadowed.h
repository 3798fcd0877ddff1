/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mmu=shadow: the shadow MMU (cpu/mmu_shadow/) as the MMU of a group of vCPUs, with paging on; with
 * paging off its direct one (mmu_direct.h). One struct mmu_shadow a machine; each vCPU is attached
 * to it.
 */
#ifndef CPU_MMU_SHADOWED_H
#define CPU_MMU_SHADOWED_H

#include "cpu/mmu.h"

struct cpu_group;
struct memslots_vm;
struct mmu_shadow;
struct shadow_stats;

/* For the vCPUs of a group. It watches the slots: there is one for each memslots_vm. */
struct mmu_shadow *mmu_shadow_new(struct cpu_group *group, struct memslots_vm *slots);

/* No vCPU is attached any more. NULL is fine. */
void mmu_shadow_free(struct mmu_shadow *m);

/* From now on cpu, which does not run, translates through it; all that are attached are of the same
 * model. mmu_shadow_detach before cpu_free. */
void mmu_shadow_attach(struct cpu *cpu, struct mmu_shadow *m);
void mmu_shadow_detach(struct cpu *cpu);

/* Somebody else than a vCPU stored `len` bytes at gpa, within a page that is tracked. */
void mmu_shadow_written(struct mmu_shadow *m, gpa_t gpa, size_t len);

/* Forgets all that was remembered; on return no vCPU uses any of it. `self` is the caller's vCPU,
 * outside guest mode, or NULL. */
void mmu_shadow_forget(struct mmu_shadow *m, struct cpu *self);

/* The same of what maps these pages alone, whose numbers may be any: for who takes their memory
 * away or puts other memory there. A TLB forgets more, but finds it again in the tables. */
void mmu_shadow_drop(struct mmu_shadow *m, struct cpu *self, const gfn_t *gfn, unsigned n);

/* For the slots' synchronize hook: on return the MMU does not read an earlier generation. */
void mmu_shadow_synchronize(struct mmu_shadow *m);

/* As struct dirty_protect's `protect`. */
void mmu_shadow_write_protect(struct mmu_shadow *m, const struct memslot *s, uint64_t first,
                              uint64_t mask);

/* Stops the VM unless every invariant holds. No vCPU is inside guest mode, no device writes: the
 * device lock is held. */
void mmu_shadow_audit(struct mmu_shadow *m);

/* Has a vCPU that is attached ask for an audit (EV_AUDIT) at every `every`th miss in its TLB, and
 * the first one after each change of slots; 0, at first: not. Before they run. */
void mmu_shadow_audit_every(struct mmu_shadow *m, unsigned every);

/* The counters, of one moment only while no vCPU runs. Any thread. */
void mmu_shadow_stats(struct mmu_shadow *m, struct shadow_stats *out);

/* How the processor's control registers have its tables walked, for whoever shows them: any cpu,
 * under either MMU, that does not run. */
struct guest_paging;
void mmu_guest_paging(const struct cpu *cpu, struct guest_paging *out);

extern const struct mmu_ops mmu_shadow_ops;

#endif
