/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual time that is counted in instructions, and the one thread that runs all vCPUs by it, so
 * that a guest does the same each time (docs/determinism.md).
 *
 * The vCPUs take turns. A slice of a turn ends at an exact count: where a timer falls due, or where
 * the turn does. Time within it is exact, too: cpu_insns of all vCPUs. Where all wait, it jumps to
 * the next timer. What the host asks for between (a pause, a visit, the end) interrupts a slice,
 * which is then taken up again, and leaves no trace.
 */
#ifndef MACHINE_ICOUNT_H
#define MACHINE_ICOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/cpu.h"

struct board;
struct icount;

struct icount_config {
    struct board *board; /* with a manual clock and counted vCPUs; outlives it */
    unsigned shift;      /* an instruction takes 1 << shift ns */
    bool jumps;          /* time that all sleep through takes none of the host's */
    /* Something is requested of the board (CPU_EXIT_STOP), or a vCPU's run ended by itself. On the
     * thread of all vCPUs, without locks; false ends it. */
    bool (*exited)(void *opaque, struct cpu *cpu, enum cpu_exit why);
    void *opaque;
};

struct icount *icount_new(const struct icount_config *cfg);
void icount_free(struct icount *ic);

/* Starts the thread; waits for its end. Main thread. */
void icount_start(struct icount *ic);
void icount_join(struct icount *ic);

/* Virtual time at the instruction that is under way. The thread of the vCPUs, or any while they
 * stand. */
int64_t icount_now(const struct icount *ic);

/* Moves the board's clock there. Device lock held; same threads. */
void icount_sync(struct icount *ic);

/* The clock's rearm hook; `opaque` is the icount. */
void icount_rearm(void *opaque);

/* Has what is requested of the board looked at, at the next block that begins; at once even within
 * an instruction when the machine ends. Any thread. */
void icount_kick(struct icount *ic, bool end);

/* An event was set for a vCPU, which may sleep. Any thread. */
void icount_wake(struct icount *ic);

/* From now on vCPU n is passed over where bit n is set. While the thread pauses. */
void icount_hold(struct icount *ic, uint64_t cpus);

/* For the machine that sleeps (S3): time goes by to the next timer, and that fires. The same
 * thread. */
void icount_sleep(struct icount *ic);

/* For the paused machine: sleeps until the next kick. The thread of the vCPUs. */
void icount_pause(struct icount *ic);

#endif
