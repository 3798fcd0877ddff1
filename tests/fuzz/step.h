/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole small machine in a random state, for the target `step`: one vCPU of some model, RAM, ROM
 * and holes, descriptor tables, page tables in the format of the mode, code, stacks and data, most
 * of it plausible and some of it not. Everything follows from the input.
 */
#ifndef TESTS_FUZZ_STEP_H
#define TESTS_FUZZ_STEP_H

#include "cpu/cpu.h"
#include "cpu/mmu_shadowed.h"
#include "cpu/state.h"
#include "tests/fuzz/input.h"

/* Physical memory. What no slot covers is MMIO. */
#define STEP_RAM       0x40000u
#define STEP_ROM       UINT64_C(0xffffc000) /* 16 KiB, with the reset vector */
#define STEP_ROM_SIZE  0x4000u
#define STEP_LOG       0x80000u /* RAM whose stores are logged, now and then; it may move */
#define STEP_LOG_SIZE  0x8000u
#define STEP_HIGH      UINT64_C(0x123456000) /* RAM above 4 GiB */
#define STEP_HIGH_SIZE 0x4000u

/* Pages of RAM by what is in them at first. */
enum {
    STEP_LOW = 0, /* interrupt table of real mode */
    STEP_GDT = 1,
    STEP_LDT = 2,
    STEP_IDT = 3,    /* 2 */
    STEP_TSS = 5,    /* 3: the current one, with I/O permissions, and in the last page another */
    STEP_CODE = 8,   /* 2 */
    STEP_STACK = 10, /* 2 */
    STEP_DATA = 12,  /* 4 */
    STEP_TABLES = 16,
    STEP_TABLES_END = 40,
    STEP_SMRAM = 0x30, /* to the end: SMBASE, handler at 0x38000, save area below 0x40000 */
};

/* Where something lies in linear addresses. */
struct step_window {
    gva_t lin;
    gpa_t gpa;
    unsigned pages;
};
enum { WIN_GDT, WIN_LDT, WIN_IDT, WIN_TSS, WIN_CODE, WIN_STACK, WIN_DATA, WIN_COUNT };

enum step_kind {
    KIND_REAL,
    KIND_V86,
    KIND_16,
    KIND_32,
    KIND_COMPAT, /* 16- or 32-bit code in long mode */
    KIND_64,
    KIND_COUNT
};

struct step {
    struct fuzz_input in;     /* choices of the state, */
    struct fuzz_input events; /* of what happens from outside, */
    struct fuzz_input code;   /* of instructions; */
    struct fuzz_input bulk;   /* what fills memory: nothing of the input but its seed */
    enum step_kind kind;
    bool paging;
    uint8_t cpl;
    struct x86_state s;
    struct step_window win[WIN_COUNT];

    struct memslots_vm *slots;
    uint8_t *ram, *rom, *log, *high;
    gpa_t log_at;      /* where the slot is; 0: nowhere */
    uint8_t *log_seen; /* its bytes as they were when the log was last taken */
    bool logging;
    struct cpu_group *group;
    bool other_mmu;            /* than the input says */
    struct mmu_shadow *shadow; /* NULL: mmu=walk */
    struct cpu *cpu;
    bool a20;
    int vector; /* what int_ack gives, once */
    int64_t now;
    uint64_t apic_base;
    uint8_t cr8;
};

/* ---- step_world.c ---- */

/* The machine without a state: model, MMU, memory. */
void step_make(struct step *st);
void step_free(struct step *st);

/* Something from outside, or nothing: an interrupt, DMA, another map, a harvest... */
void step_event(struct step *st);

/* Takes the dirty log and holds it against what has changed. */
void step_harvest(struct step *st);

/* ---- step_tables.c ---- */

/* A word that somebody may take for something: a selector, an address near a window, flags, a small
 * number, anything. */
uint64_t step_word(struct step *st, struct fuzz_input *in);

/* An address in or near a window. */
gva_t step_address(struct step *st, struct fuzz_input *in);

/* Entries of the GDT that are what one expects; behind them anything may be. */
enum {
    SEL_CODE0 = 1 << 3,
    SEL_DATA0 = 2 << 3,
    SEL_CODE3 = 3 << 3,
    SEL_DATA3 = 4 << 3,
    SEL_CODE64 = 5 << 3,
    SEL_CODE64_3 = 6 << 3,
    SEL_CODE16 = 7 << 3,
    SEL_DATA16 = 8 << 3,
    SEL_TSS = 9 << 3, /* and others of two entries in long mode */
    SEL_LDT = 11 << 3,
    SEL_TSS2 = 13 << 3,
    SEL_RANDOM = 15 << 3,
    SEL_END = 64 << 3,
};

/* Fills the pages of RAM that are not page tables. */
void step_fill_memory(struct step *st);

/* Page tables that map the windows, for the control registers in st->s; sets CR3. */
void step_fill_paging(struct step *st);

/* ---- step_state.c ---- */

/* Chooses mode, control registers and windows; fills memory; then everything else. Into st->s. */
void step_choose(struct step *st);

/* ---- step_twin.c ---- */

/* Runs both for some instructions; they began in the same state and differ in their MMUs alone. */
void step_run_twins(struct step *a, struct step *b);

/* ---- step_check.c ---- */

/* What holds of every vCPU between two runs, and of the host behind it. */
void step_check(struct step *st);

#endif
