/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vCPUs that share one physical memory, and how one of them (or the board) makes sure of what
 * the others hold.
 *
 * A vCPU is inside guest mode while it may use translations and host addresses it has cached, and
 * outside while it sleeps, is stopped, or waits for a lock in a hook. Whoever wants something of
 * the others publishes it first, then looks who is inside and waits for those; whoever goes inside
 * says so first, then looks what was wanted. Both sides use sequentially consistent accesses, so
 * one of them sees the other:
 *
 *     requester                         vCPU
 *     flush_wanted++ (or owner = me)    inside = 1
 *     inside?  -> wait                  flush_wanted != flush_done? -> drop the TLB first
 *
 * A requester is outside itself while it waits; so two that wait for each other both go on, and one
 * that holds the device lock does not wait for those that wait for that lock.
 *
 * A vCPU may have gone outside in the middle of an instruction, in a hook. What it cached is
 * dropped before the hook returns to it, so behind a hook nothing may be used that was translated
 * before.
 */
#ifndef CPU_GROUP_H
#define CPU_GROUP_H

#include <stdbool.h>
#include <stddef.h>

#include "cpu/types.h"

#define CPU_GROUP_MAX 64

struct cpu;
struct cpu_group;
struct lint_tables;

/* An empty group; cpu_new adds to it. The vCPUs must be gone before it is freed. */
struct cpu_group *cpu_group_new(void);
void cpu_group_free(struct cpu_group *g);

/* For cpu_new and cpu_free, while none of the group runs. */
void cpu_group_add(struct cpu_group *g, struct cpu *cpu);
void cpu_group_remove(struct cpu_group *g, struct cpu *cpu);

/* How many vCPUs there are. */
unsigned cpu_group_size(const struct cpu_group *g);

/* Leaves guest mode; true when the vCPU was inside, which is when the caller must enter again.
 * Around everything that may wait. Ends a cpu_lock_all that is under way. The
 * vCPU's thread, or any while it does not run. */
bool cpu_leave_guest(struct cpu *cpu);

/* Enters guest mode, after waiting for an exclusive section and after doing what was wanted. The
 * vCPU's thread. */
void cpu_enter_guest(struct cpu *cpu);

/* At an instruction boundary, inside: lets an exclusive section pass and acknowledges flushes. The
 * vCPU's thread. */
void cpu_poll_group(struct cpu *cpu);

/* Returns when every vCPU but `self` has dropped all its translations, or is outside guest mode and
 * will before it enters; `self` drops its own when it enters. What the caller wrote before is then
 * seen by all. `self` is the caller's vCPU, outside guest mode, or NULL. Any thread, with or
 * without the device lock. */
void cpu_group_flush(struct cpu_group *g, struct cpu *self);

/* The same for what allows stores to these frames: what a vCPU stores to them from then on, it
 * stores by the slow path, and asks who tracks them (page_track.h). */
void cpu_group_protect(struct cpu_group *g, struct cpu *self, const gfn_t *gfn, unsigned n);

/* From pause to resume every vCPU but `cpu`, which is outside itself and whose thread this is, is
 * outside guest mode. Not nested; with or without the device lock. */
void cpu_group_pause(struct cpu_group *g, struct cpu *cpu);
void cpu_group_resume(struct cpu_group *g);

/* For locked accesses that no host instruction can do: from cpu_lock_all to cpu_unlock every other
 * vCPU is outside guest mode. cpu_lock_bus excludes only the others' cpu_lock_bus: for devices,
 * whose hooks need the device lock. Both let requests of others be served first, so everything is
 * to be translated anew. The vCPU's thread, inside, not nested; with the device lock not held. */
void cpu_lock_all(struct cpu *cpu);
void cpu_lock_bus(struct cpu *cpu);
void cpu_unlock(struct cpu *cpu);

/* Sets an event of every vCPU but `self`. Any thread. */
void cpu_group_event(struct cpu_group *g, const struct cpu *self, uint32_t ev);

/* Strict mode's notes of page tables; NULL unless rule stale-tlb was on when the group was made. */
struct lint_tables *cpu_group_lint(const struct cpu_group *g);

/* Tells every vCPU but `self` (may be NULL) that `len` bytes at gpa, within a page, were written
 * over decoded code. Any thread. */
void cpu_group_code_written(struct cpu_group *g, const struct cpu *self, gpa_t gpa, size_t len);

#endif
