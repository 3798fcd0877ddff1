/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The MMU as the rest of the CPU sees it: one operation that turns a linear address into a physical
 * one for a given kind of access, and notices of what changed. Implementations: mmu_walk.c (a plain
 * guest walk at each TLB miss); the shadow MMU will be the second.
 */
#ifndef CPU_MMU_H
#define CPU_MMU_H

#include "cpu/cpu.h"

struct mmu_xlat {
    gpa_t gpa;     /* physical address of the byte asked for */
    bool writable; /* a write with the same privilege would need no further walk: allowed, and D is
                      set */
    bool global;   /* survives CR3 loads */
    uint8_t shift; /* log2 of the size of the page that maps it */
    bool logged;   /* if the slot is: the MMU has marked the page where this is writable or for a
                      write, and takes that away itself (dirty_log.h) */
};

struct mmu_ops {
    const char *name;
    /* Translates va for an access (exactly one of ACC_R/W/X), with user rights when `user`. Sets A
     * and D as the access does. Returns 0, or -1 with the page-fault error code in *err. The
     * address is canonical. Called with paging on or off. `explicit_ac`: SMAP lets the access pass
     * (RFLAGS.AC). */
    int (*translate)(struct cpu *cpu, gva_t va, unsigned acc, bool user, bool explicit_ac,
                     struct mmu_xlat *out, uint32_t *err);
    /* As translate for reads, but touches nothing: no A/D bits, no faults. For debuggers. */
    int (*probe)(struct cpu *cpu, gva_t va, gpa_t *out);
    /* The guest says that what it wrote to its tables counts for va. NULL: nothing is remembered.
     */
    void (*invlpg)(struct cpu *cpu, gva_t va);
    /* `len` bytes were stored at gpa, in a page that is tracked as a table (page_track.h). Like a
     * hook: behind it nothing may be used that was translated before. NULL: nothing is tracked. */
    void (*written)(struct cpu *cpu, gpa_t gpa, unsigned len);
};

extern const struct mmu_ops mmu_walk_ops;

/* PAE: loads the four PDPTEs from CR3 (SDM 3A 4.4.1); false when one has reserved bits set (#GP).
 */
bool mmu_load_pdptes(struct cpu *cpu, uint64_t cr3);

#endif
