/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Litmus tests of one page under several names. Marks: each processor reaches one frame by an entry
 * of its own; what it did shows in the accessed and dirty bits of that entry and of no other, again
 * after each clearing and flush, and a first write after a read marks it without any flush. Self
 * map: the root maps itself, and all processors change entries of leaf tables and of the table
 * above by that mapping at once, each entries of its own beside the others'.
 */
#ifndef TLB_ALIASES_H
#define TLB_ALIASES_H

#include "smp_paging.h"

#define ALIAS_AREA 0x700000u /* tables and frames, taken one after the other */
#ifdef __x86_64__
#define MARK_VA    ((word)9 << 39)
#define SELF_OWN   ((word)10 << 39)
#define SELF_INDEX 0x1f0u
#define SELF_BASE  ((word)0xffff000000000000 | (word)SELF_INDEX << 39)
#else
#define MARK_VA    0x90000000u
#define SELF_OWN   0xa0000000u
#define SELF_INDEX 0x300u
#define SELF_BASE  0xc0000000u
#endif
#define SELF_SLOTS 16u /* each processor's, in the leaf table that all share */

static word alias_next = ALIAS_AREA, alias_root, mark_frame;
static volatile uint32_t mark_round, mark_counts[SMP_CPUS];

static word alias_page(uint32_t v)
{
    word page = alias_next;

    alias_next += 4096;
    for (unsigned i = 0; i < 1024; i++)
        ((volatile uint32_t *)page)[i] = v;
    return page;
}

/* The entry of `level` for va; tables above it are made where there are none. */
static volatile word *alias_entry(word va, unsigned level)
{
    word t = alias_root;

    for (unsigned l = LEVELS; l > level; l--) {
        volatile word *e = entry_in(t, va, l);

        if (!(*e & E_P))
            *e = alias_page(0) | LINK;
        t = FRAME_OF(*e);
    }
    return entry_in(t, va, level);
}

/* ---- marks ---- */
static word mark_va(unsigned cpu)
{
    return MARK_VA + cpu * (LARGE_PAGE + 4096);
}

/* 0 nothing, 1 reads, 2 a store, 3 a locked addition. */
static unsigned mark_kind(uint32_t round, unsigned cpu)
{
    return (round * 0x9e3779b1u >> (8 + 2 * cpu)) & 3;
}

static void mark_flush(unsigned cpu)
{
    word va = mark_va(cpu);

    flush_now(mark_round & 1 ? BY_INVLPG : BY_CR3, &va, 1, 0);
}

static void mark_access(unsigned cpu, unsigned kind)
{
    word va = mark_va(cpu);
    uint32_t v = 0, err = 0;

    if (kind == 1)
        err = load(va + 0x400, &v);
    if (kind == 2)
        err = store(va + 0x40 * cpu, mark_round);
    if (kind == 3)
        asm volatile("lock incl %0" : "+m"(*(uint32_t *)(va + 0x800))::"cc");
    if (err || v)
        fail_here("access", va, err, v, kind);
    mark_counts[cpu] += kind == 3;
}

static void mark_first(unsigned cpu)
{
    mark_flush(cpu);
    mark_access(cpu, mark_kind(mark_round, cpu));
}
static void mark_second(unsigned cpu)
{
    mark_access(cpu, 2);
}

static void check_marks(unsigned cpu, unsigned kind, bool both)
{
    word e = *alias_entry(mark_va(cpu), 1), above = *alias_entry(mark_va(cpu), 2);
    word want = (kind ? E_A : 0) | (kind >= 2 ? E_D : 0);
    volatile uint32_t *token = (volatile uint32_t *)(mark_frame + 0x40 * cpu);

    if ((e & (E_A | E_D)) != want || !(above & E_A) != !kind)
        fail_here(both ? "marks, second" : "marks", e, above, kind,
                  (uint64_t)mark_round << 8 | cpu);
    if (kind == 2 && *token != mark_round)
        fail_here("a store by an alias", *token, mark_round, cpu, 0);
}

static void test_marks(uint32_t rounds)
{
    mark_frame = alias_page(0);
    for (unsigned c = 0; c < cpus; c++)
        *alias_entry(mark_va(c), 1) = mark_frame | LINK;
    for (mark_round = 1; mark_round <= rounds; mark_round++) {
        uint32_t sum = 0;

        for (unsigned c = 0; c < cpus; c++) {
            fetch_and(alias_entry(mark_va(c), 1), ~(E_A | E_D));
            fetch_and(alias_entry(mark_va(c), 2), ~E_A);
        }
        everyone(mark_first);
        mark_first(0);
        everyone_done();
        for (unsigned c = 0; c < cpus; c++)
            check_marks(c, mark_kind(mark_round, c), false);
        everyone(mark_second);
        mark_second(0);
        everyone_done();
        for (unsigned c = 0; c < cpus; c++) {
            check_marks(c, 2, true);
            sum += mark_counts[c];
        }
        if (sum != *(volatile uint32_t *)(mark_frame + 0x800))
            fail_here("additions by aliases", *(volatile uint32_t *)(mark_frame + 0x800), sum, 0,
                      0);
    }
    report_failures("marks by aliases", cpus);
}

/* ---- locked additions to tables in use ---- */
static volatile uint32_t *count_at[LEVELS];
static volatile uint32_t count_rounds;

static void count_work(unsigned cpu)
{
    for (uint32_t n = 0; n < count_rounds; n++) {
        volatile uint32_t *p = count_at[rnd(LEVELS)];
        uint32_t v = 2, old = *p;

        switch (rnd(3)) {
        case 0: asm volatile("lock addl $2, %0" : "+m"(*p)::"cc"); break;
        case 1: asm volatile("lock xaddl %0, %1" : "+r"(v), "+m"(*p)::"cc"); break;
        default:
            while (!__atomic_compare_exchange_n(p, &old, old + 2, false, __ATOMIC_SEQ_CST,
                                                __ATOMIC_SEQ_CST))
                relax();
        }
        mark_counts[cpu]++;
        if (!rnd(8)) { /* the table is in use */
            mark_flush(cpu);
            mark_access(cpu, 1);
        }
    }
}

/* In each table on the way to a page, an entry that is not present is a counter. */
static void test_counters(uint32_t rounds)
{
    uint32_t sum = 0, want = 0;

    for (unsigned l = 1; l <= LEVELS; l++) {
        count_at[l - 1] = (volatile uint32_t *)(FRAME_OF((word)alias_entry(mark_va(0), l)) + 0xc00);
        *count_at[l - 1] = 0;
    }
    for (unsigned c = 0; c < cpus; c++)
        mark_counts[c] = 0;
    count_rounds = rounds;
    everyone(count_work);
    count_work(0);
    everyone_done();
    for (unsigned l = 0; l < LEVELS; l++) {
        sum += *count_at[l] / 2;
        *count_at[l] = 0;
    }
    for (unsigned c = 0; c < cpus; c++)
        want += mark_counts[c];
    check_eq("additions to tables in use", sum, want);
    report_failures("additions to tables in use", cpus);
}

/* ---- a root that maps itself ---- */
static word self_frames[SMP_CPUS][4], self_tables[SMP_CPUS][2];

/* Where the entry of `level` for va appears. */
static volatile word *self_entry(word va, unsigned level)
{
    word at = va;

    for (unsigned l = 0; l < level; l++) {
#ifdef __x86_64__
        at = SELF_BASE | (at >> 9 & 0x7ffffffff8);
#else
        at = SELF_BASE | (at >> 10 & 0x3ffffc);
#endif
    }
    return (volatile word *)at;
}

static void self_check(unsigned cpu, word va, word e)
{
    uint32_t v, err = load(va, &v);

    if (err != (e & E_P ? 0 : FAULTED) || (!err && v != *(volatile uint32_t *)FRAME_OF(e)))
        fail_here("self map: load", va, err, v, e);
    if (!(e & E_P))
        return;
    bool may = e & E_W || !(READ_CR(0) & 0x10000);
    err = store(va + 0x100, v + cpu);
    if (err != (may ? 0 : FAULTED | 3))
        fail_here("self map: store", va, err, e, 0);
    word is = *self_entry(va, 1), want = e | E_A | (may ? E_D : 0);
    if (is != want)
        fail_here("self map: marks", va, is, want, 0);
}

static void self_change_leaf(unsigned cpu, word va)
{
    word e = rnd(5) ? self_frames[cpu][rnd(4)] | E_P | E_U | (rnd(3) ? E_W : 0) : 0;

    if (rnd(2))
        *self_entry(va, 1) = e;
    else
        exchange(self_entry(va, 1), e);
    invlpg(va);
    self_check(cpu, va, e);
}

/* The entry above leads to the processor's one table or its other; each keeps what it said. */
static void self_change_above(unsigned cpu)
{
    word va = SELF_OWN + (cpu + 1) * LARGE_PAGE, t = self_tables[cpu][rnd(2)];
    unsigned k = rnd(4);

    *self_entry(va, 2) = t | LINK;
    for (unsigned i = 0; i < 4; i++) {
        invlpg(va + i * 4096);
        invlpg((word)self_entry(va + i * 4096, 1));
    }
    word e = ((volatile word *)t)[k] & ~(E_A | E_D);
    ((volatile word *)t)[k] = e;
    invlpg(va + k * 4096);
    self_check(cpu, va + k * 4096, e);
    self_change_leaf(cpu, va + rnd(4) * 4096);
}

static volatile uint32_t self_rounds;
static void self_work(unsigned cpu)
{
    for (uint32_t n = 0; n < self_rounds; n++) {
        if (rnd(4))
            self_change_leaf(cpu, SELF_OWN + (cpu * SELF_SLOTS + rnd(SELF_SLOTS)) * 4096);
        else
            self_change_above(cpu);
    }
}

static void test_self_map(uint32_t rounds)
{
    ((volatile word *)alias_root)[SELF_INDEX] = alias_root | E_P | E_W;
    alias_entry(SELF_OWN, 1);
    for (unsigned c = 0; c < cpus; c++) {
        for (unsigned k = 0; k < 4; k++)
            self_frames[c][k] = alias_page(c << 8 | k);
        for (unsigned k = 0; k < 2; k++)
            self_tables[c][k] = alias_page(0);
        *alias_entry(SELF_OWN + (c + 1) * LARGE_PAGE, 2) = self_tables[c][0] | LINK;
    }
    self_rounds = rounds;
    everyone(self_work);
    self_work(0);
    everyone_done();
    report_failures("self map", cpus);
}

#endif
