/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a debugger outside the guest wants to be told of, and how a vCPU stops for it. The guest
 * sees nothing: neither its debug registers nor RFLAGS.TF are used.
 *
 * One set of points serves all vCPUs of a machine, as many as one likes. It is changed while they
 * stand; each takes the change over when it next runs, dropping decoded code and its TLB. What is
 * not asked for costs nothing: an instruction with a breakpoint begins a block whose first handler
 * looks (debugger.c), a page that is watched gets no TLB hits, and all else is looked at where the
 * processor is slow anyway.
 *
 * A vCPU that has something to tell leaves cpu_run with CPU_EXIT_DEBUG; debugger_take says what.
 * Before an instruction (RIP at it): DEBUG_CODE, DEBUG_VECTOR of a fault. Behind it: DEBUG_WATCH,
 * DEBUG_CR3, DEBUG_PORT, DEBUG_MMIO (of a repeated string instruction, behind the iteration).
 */
#ifndef CPU_DEBUGGER_H
#define CPU_DEBUGGER_H

#include "cpu/cpu.h"

struct debugger;

/* A thing to stop at. */
struct debug_point {
    enum debug_kind kind; /* any but DEBUG_NONE and DEBUG_STEPPED */
    uint64_t first, last; /* inclusive: linear or physical addresses (DEBUG_WATCH), ports, physical
                             addresses (DEBUG_MMIO), vectors; DEBUG_CODE and DEBUG_CR3 have but
                             `first` */
    unsigned access;      /* ACC_R, ACC_W or both: DEBUG_WATCH, DEBUG_PORT, DEBUG_MMIO */
    bool phys;            /* physical addresses: DEBUG_CODE, DEBUG_WATCH */
    unsigned owner;       /* the caller's mark */
};

struct debugger *debugger_new(void);
/* The vCPUs are gone, or stand and are attached to none. */
void debugger_free(struct debugger *d);

/* Makes the set that of this vCPU; NULL takes it away. While the vCPU stands. */
void debugger_attach(struct debugger *d, struct cpu *cpu);

/* Changes of the set, while all its vCPUs stand. Adding what is there gives its number again.
 * Numbers are never 0 nor used twice. */
unsigned debugger_add(struct debugger *d, const struct debug_point *p);
bool debugger_remove(struct debugger *d, unsigned number);
bool debugger_remove_like(struct debugger *d, const struct debug_point *p);
void debugger_remove_owned(struct debugger *d, unsigned owner);

/* The n-th point, in the order of numbers; NULL behind the last. */
const struct debug_point *debugger_point(const struct debugger *d, unsigned n, unsigned *number);

/* The next run of the vCPU is a step: it stops (DEBUG_STEPPED) behind one instruction, one
 * iteration of a repeated one, or at the first instruction of what handles an exception; and again
 * and again while that is within lo..hi (exclusive; lo == hi: once). With `hold` interrupts, NMIs
 * and SMIs wait meanwhile, unless the vCPU is halted. A breakpoint at RIP is passed over. While it
 * stands. */
void debugger_step(struct cpu *cpu, uint64_t lo, uint64_t hi, bool hold);

/* Ends what debugger_step began. While it stands. */
void debugger_no_step(struct cpu *cpu);

/* Why the vCPU stopped, once; false: it has nothing to tell. While it stands. */
bool debugger_take(struct cpu *cpu, struct debug_stop *why);

/* The address of the instruction at RIP, CS's base in it. */
gva_t debugger_pc(const struct cpu *cpu);
/* RIP to that address; a fault that was to be delivered is forgotten, a halt ends. */
void debugger_set_pc(struct cpu *cpu, gva_t pc);

/* The exceptions delivered last, at most `max`, the latest first; returns how many. */
unsigned debugger_history(const struct cpu *cpu, struct debug_past *to, unsigned max);

/* Guest memory as the vCPU would reach it now, or (phys) by physical address: RAM and ROM to read,
 * RAM to write; without side effects on paging. How many bytes could be. While all stand. */
size_t debugger_read(struct cpu *cpu, bool phys, uint64_t addr, void *buf, size_t len);
size_t debugger_write(struct cpu *cpu, bool phys, uint64_t addr, const void *buf, size_t len);

/* ---- for the CPU's own files ---- */

/* The set was changed: takes it over. At the beginning of a run. */
void debugger_sync(struct cpu *cpu);
/* Is the set the one this vCPU knows? */
bool debugger_changed(const struct cpu *cpu);

/* May an instruction at this place in a page be a breakpoint? Then it begins a block, whose first
 * handler becomes op_breakpoint. */
bool debugger_may_break(const struct cpu *cpu, gpa_t gpa);
insn_fn op_breakpoint;

/* One instruction at RIP is about to be run outside the chain: true when the vCPU stops before. */
bool debugger_before_insn(struct cpu *cpu);
/* A repeated instruction at RIP will be begun again: its breakpoint has been told of. */
void debugger_goes_on(struct cpu *cpu);
/* It was run, or something was delivered. */
void debugger_stepped(struct cpu *cpu);
/* Is something to be kept waiting for the sake of a step? */
bool debugger_holds(const struct cpu *cpu);

/* `ev` is about to be delivered: true when the vCPU stops before. */
bool debugger_vector(struct cpu *cpu, const struct cpu_event *ev);
/* `ev` is being delivered, or was raised by that: for the history. */
void debugger_note(struct cpu *cpu, const struct cpu_event *ev, uint64_t rip);
/* A triple fault: true when the vCPU stops and the machine is not told yet. */
bool debugger_shutdown(struct cpu *cpu);

/* Does someone watch this page? And: `size` bytes at va, which are at gpa, were accessed. */
bool debugger_watches(const struct cpu *cpu, gva_t va, gpa_t gpa);
void debugger_accessed(struct cpu *cpu, gva_t va, gpa_t gpa, unsigned size, unsigned acc);

/* CR3 was loaded. A port or MMIO was accessed. */
void debugger_cr3(struct cpu *cpu);
void debugger_io(struct cpu *cpu, enum debug_kind kind, uint64_t addr, unsigned size, bool write);

#endif
