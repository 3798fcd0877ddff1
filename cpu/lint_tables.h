/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What rule stale-tlb knows of the guest's page tables: the entries that translations in use went
 * by, and who has changed them since. Stores to such tables are tracked (page_track.h) under either
 * MMU; one that takes something away has every vCPU translate anew, so that the next use is seen.
 *
 * One a group of vCPUs, with a lock of its own, innermost.
 */
#ifndef CPU_LINT_TABLES_H
#define CPU_LINT_TABLES_H

#include "cpu/cpu.h"

struct lint_tables;

struct lint_tables *lint_tables_new(void);
void lint_tables_free(struct lint_tables *t);

/* A change of an entry that was in use. */
struct lint_change {
    gpa_t gpa;
    uint64_t was, is;
    unsigned cpu; /* that made it, by the instruction at */
    uint64_t rip;
};

/* A translation of this vCPU goes by the entry at gpa, of `size` bytes, which is `value`: what is
 * stored there is seen from now on (by other vCPUs: from the next catching up). */
void lint_tables_note(struct cpu *cpu, gpa_t gpa, unsigned size, uint64_t value);

/* The vCPU has stored `len` bytes to a page that is tracked for us. Like a hook: nothing translated
 * before may be used behind it. */
void lint_tables_written(struct cpu *cpu, gpa_t gpa, unsigned len);

/* The last change of the entry at gpa, if it was seen lately. */
bool lint_tables_last_change(struct cpu *cpu, gpa_t gpa, struct lint_change *out);

/* EV_LINT, between blocks: does what others wanted, or what could not be done within an
 * instruction. */
void lint_tables_catch_up(struct cpu *cpu);

#endif
