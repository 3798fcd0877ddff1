/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A litmus test of shootdowns: one processor changes how a few addresses are mapped, by every kind
 * of change at every level; the others access them all the time. Each change is a version. Before
 * the first store of a change its version counts as intended, and after it the others are told to
 * flush. What a processor sees must fit a version between the last that it has flushed for and the
 * one now intended: a stale translation may live until the flush, never after.
 *
 * Pages that a change sets free are filled with a pattern and become tables or data of later
 * versions, in either role; a store that comes by a stale translation, or an accessed bit set by a
 * stale walk, spoils the pattern. A frame that has been written must have been marked dirty in the
 * entry that maps it by the time all have flushed, however that entry went away.
 */
#ifndef TLB_VERSIONS_H
#define TLB_VERSIONS_H

#include "smp_paging.h"

#define PAGES   4
#define POOL    0x900000u
#define POOL_N  96
#define BIGS    0x1000000u
#define POISON  0xdeadbee0u
#define WINDOWS 2 /* the second leads to the same tables, by a highest entry without W */

static word litmus_root, window[WINDOWS], flush_va[WINDOWS * PAGES];
static const unsigned page_index[PAGES] = {0, 1, 0x80, ENTRIES - 1};

/* ---- what each version shows ---- */
struct view {
    uint32_t id; /* what the frame's first word says */
    word frame;
    bool present, writable;
};
static volatile struct view views[4][PAGES];
static volatile uint32_t intended, known, asked, litmus_stop, accesses[SMP_CPUS], acked[SMP_CPUS];
static volatile enum flush asked_flush;
static volatile bool asked_by_ipi;

static word page_va(unsigned w, unsigned p)
{
    return window[w] + page_index[p] * 4096;
}

static void take_flush(bool by_ipi)
{
    uint32_t seq = asked;

    if (seq == acked[self()] || asked_by_ipi != by_ipi)
        return;
    flush_now(asked_flush, flush_va, WINDOWS * PAGES, 0);
    acked[self()] = seq;
}

static bool litmus_trap(struct frame *f)
{
    if (f->vector == VEC_SHOOT) {
        take_flush(true);
        LAPIC(0xb0) = 0;
        return true;
    }
    return probe_trap(f);
}

static bool fits(const volatile struct view *v, unsigned w, bool write, bool wp, uint32_t err,
                 uint32_t value)
{
    bool writable = (v->writable && !w) || !wp;
    uint32_t want = 0;

    if (!v->present)
        want = FAULTED | (write ? 2 : 0);
    else if (write && !writable)
        want = FAULTED | 3;
    return err == want && (err || write || value == v->id);
}

/* One access, judged. */
static void access_once(unsigned cpu)
{
    static uint32_t serial[SMP_CPUS];
    unsigned w = rnd(4) == 0, p = rnd(PAGES);
    bool write = rnd(2), wp = READ_CR(0) & 0x10000, good = false;
    word va = page_va(w, p);
    uint32_t lo = acked[cpu], hi, err, value = 0;

    if (write)
        err = store(va + 0x40 + cpu * 8, ++serial[cpu]);
    else
        err = load(va, &value);
    hi = intended;
    while (known < hi) /* a change is under way; what it shows is told at its end */
        relax();
    for (uint32_t v = lo; v - lo <= hi - lo && !good; v++)
        good = fits(&views[v & 3][p], w, write, wp, err, value);
    if (!good)
        fail_here(write ? "store" : "load", err, value, (uint64_t)lo << 32 | hi, w << 8 | p);
    if (good && write && !err && lo == hi) {
        uint32_t is = *(volatile uint32_t *)(views[lo & 3][p].frame + 0x40 + cpu * 8);

        if (intended == lo && is != serial[cpu])
            fail_here("a store that did not arrive", is, serial[cpu],
                      (uint64_t)asked_flush << 32 | lo, w << 8 | p);
    }
    accesses[cpu]++;
}

/* Some accesses after each flush, some while a change is under way; beyond those it leaves the
 * host's processor to the others. */
static void accessor(unsigned cpu)
{
    uint32_t since = 0, last = 0, seen = 0;

    asm volatile("sti");
    while (!litmus_stop) {
        take_flush(false);
        if (last != acked[cpu] || seen != intended) {
            last = acked[cpu];
            seen = intended;
            since = 0;
        }
        if (since++ < 20)
            access_once(cpu);
        else
            relax();
    }
    asm volatile("cli");
}

/* ---- the pool ---- */
static word pool[POOL_N];
static unsigned pool_n;

static void poison(word page)
{
    for (unsigned i = 0; i < 1024; i++)
        ((volatile uint32_t *)page)[i] = POISON;
}

static void check_poison(word page)
{
    for (unsigned i = 0; i < 1024; i++) {
        uint32_t is = ((volatile uint32_t *)page)[i];
        if (is != POISON)
            fail_here("a free page was changed", page + i * 4, is, intended, asked_flush);
    }
}

static word take_page(void)
{
    unsigned n = rnd(pool_n);
    word page = pool[n];

    pool[n] = pool[--pool_n];
    check_poison(page);
    return page;
}

/* Pages that the change at hand sets free, once all have flushed. */
static word retired[32];
static unsigned retired_n;

static word new_table(void)
{
    word t = take_page();

    for (unsigned i = 0; i < 1024; i++)
        ((volatile uint32_t *)t)[i] = 0;
    return t;
}

/* ---- the mapping as it is ---- */
struct frame_state {
    word at;
    uint32_t id;
    bool dirty; /* entries that mapped it have said so */
};
static word table[LEVELS + 1]; /* of each level; table[LEVELS] is the root */
static struct frame_state frames[PAGES], old_frames[PAGES];
static unsigned old_frames_n;
static bool large;
static uint32_t next_id;

static void prepare_frame(struct frame_state *f, word at)
{
    volatile uint32_t *p = (volatile uint32_t *)at;

    f->at = at;
    f->id = ++next_id << 1;
    f->dirty = false;
    for (unsigned i = 0; i < 1024; i++)
        p[i] = 0;
    p[0] = f->id;
}

static bool is_big(word at)
{
    return at >= BIGS;
}

static bool frame_written(const struct frame_state *f)
{
    for (unsigned c = 0; c < SMP_CPUS; c++) {
        if (((volatile uint32_t *)f->at)[(0x40 + c * 8) / 4])
            return true;
    }
    return false;
}

static void retire_frame(unsigned p)
{
    old_frames[old_frames_n++] = frames[p];
}

static volatile word *leaf_entry(unsigned p)
{
    return entry_in(table[1], page_va(0, p), 1);
}

static volatile word *upper_entry(unsigned level)
{
    return entry_in(table[level], window[0], level);
}

/* Stores an upper entry; the second window's highest follows, without W. */
static word set_upper(unsigned level, word e)
{
    word old = exchange(upper_entry(level), e);

    if (level == LEVELS)
        old |= exchange(entry_in(table[LEVELS], window[1], LEVELS), e & ~E_W) & (E_A | E_D);
    return old;
}

/* Turns a bit of an upper entry over; presence in the second window's, too. */
static void flip_upper(unsigned level, word bit)
{
    __atomic_fetch_xor(upper_entry(level), bit, __ATOMIC_SEQ_CST);
    if (level == LEVELS && bit == E_P)
        __atomic_fetch_xor(entry_in(table[LEVELS], window[1], LEVELS), bit, __ATOMIC_SEQ_CST);
}

/* ---- the changes ---- */
static void change_frame(unsigned p)
{
    word old;

    retire_frame(p);
    prepare_frame(&frames[p], take_page());
    old = exchange(leaf_entry(p), frames[p].at | LINK);
    old_frames[0].dirty |= !!(old & E_D);
}

static void change_presence(unsigned p)
{
    if (*leaf_entry(p) & E_P)
        frames[p].dirty |= !!(exchange(leaf_entry(p), frames[p].at) & E_D);
    else
        exchange(leaf_entry(p), frames[p].at | LINK);
}

/* New tables from `level` down to some level not below `lowest`, with the entries of the old ones
 * below; with luck new frames, too. The entry above changes last, by one store. */
static void change_tables(unsigned level, unsigned lowest)
{
    unsigned down = lowest + rnd(level - lowest + 1);
    word fresh[LEVELS + 1];

    for (unsigned l = down; l <= level; l++) {
        fresh[l] = new_table();
        retired[retired_n++] = table[l];
    }
    if (down == 1) {
        for (unsigned p = 0; p < PAGES; p++) {
            word e = *leaf_entry(p);

            if (rnd(2)) {
                retire_frame(p);
                prepare_frame(&frames[p], take_page());
                e = frames[p].at | LINK;
            } else if (e & E_D) {
                frames[p].dirty = true;
            }
            *entry_in(fresh[1], page_va(0, p), 1) = e;
        }
    } else {
        *entry_in(fresh[down], window[0], down) = *upper_entry(down);
    }
    for (unsigned l = down + 1; l <= level; l++)
        *entry_in(fresh[l], window[0], l) = fresh[l - 1] | LINK;
    for (unsigned l = down; l <= level; l++)
        table[l] = fresh[l];
    set_upper(level + 1, table[level] | LINK);
}

/* From a table of pages to a large page, with new frames in it. */
static void change_to_large(void)
{
    static unsigned turn;
    word big = BIGS + (turn++ & 1) * 0x400000;

    for (unsigned p = 0; p < PAGES; p++) {
        retire_frame(p);
        if (is_big(frames[p].at) && FRAME_OF(frames[p].at) - page_index[p] * 4096 == big)
            big ^= 0x400000;
    }
    for (unsigned p = 0; p < PAGES; p++) {
        check_poison(big + page_index[p] * 4096);
        prepare_frame(&frames[p], big + page_index[p] * 4096);
    }
    retired[retired_n++] = table[1];
    table[1] = 0;
    large = true;
    set_upper(2, big | LINK | E_PS);
}

/* And back: pages of their own, or the same memory by a table of small pages. */
static void change_to_small(void)
{
    bool same = rnd(2);
    word old;

    table[1] = new_table();
    for (unsigned p = 0; p < PAGES; p++) {
        if (!same) {
            retire_frame(p);
            prepare_frame(&frames[p], take_page());
        }
        *leaf_entry(p) = frames[p].at | LINK;
    }
    large = false;
    old = set_upper(2, table[1] | LINK);
    for (unsigned p = 0; p < PAGES && old & E_D; p++) {
        if (same)
            frames[p].dirty = true;
        else
            old_frames[p].dirty = true;
    }
}

static void change_something(void)
{
    unsigned what = rnd(16), p = rnd(PAGES), level = 2 + rnd(LEVELS - 1);

    if (what >= 12) {
        flip_upper(level, what >= 14 ? E_W : E_P);
    } else if (large) {
        if (what < 6)
            change_to_small();
        else if (LEVELS > 2)
            change_tables(3, 3);
        else
            flip_upper(2, E_W);
    } else if (what < 4) {
        change_frame(p);
    } else if (what < 6) {
        change_presence(p);
    } else if (what < 8) {
        __atomic_fetch_xor(leaf_entry(p), E_W, __ATOMIC_SEQ_CST);
    } else if (what < 11) {
        change_tables(1 + rnd(LEVELS - 1), 1);
    } else {
        change_to_large();
    }
}

/* What version `v` shows, from the tables in memory. */
static void set_views(uint32_t v)
{
    for (unsigned p = 0; p < PAGES; p++) {
        volatile struct view *s = &views[v & 3][p];
        word rights = E_P | E_W;

        for (unsigned l = LEVELS; l > 1; l--)
            rights &= *upper_entry(l);
        if (!large)
            rights &= *leaf_entry(p);
        s->id = frames[p].id;
        s->frame = frames[p].at;
        s->present = rights & E_P;
        s->writable = rights & E_W;
    }
}

/* The old frames' entries are gone and everyone has flushed. */
static void retire_all(const word *old_leaf)
{
    for (unsigned p = 0; p < PAGES; p++)
        frames[p].dirty |= FRAME_OF(old_leaf[p]) == frames[p].at && old_leaf[p] & E_D;
    for (unsigned i = 0; i < old_frames_n; i++) {
        struct frame_state *f = &old_frames[i];

        for (unsigned p = 0; p < PAGES; p++)
            f->dirty |= FRAME_OF(old_leaf[p]) == f->at && old_leaf[p] & E_D;
        if (frame_written(f) && !f->dirty)
            fail_here("a written page is not dirty", f->at, f->id, intended, large);
        poison(f->at);
        if (!is_big(f->at))
            pool[pool_n++] = f->at;
    }
    old_frames_n = 0;
    for (unsigned i = 0; i < retired_n; i++) {
        poison(retired[i]);
        pool[pool_n++] = retired[i];
    }
    retired_n = 0;
}

static void shoot(uint32_t v)
{
    asked_flush = any_flush(false);
    asked_by_ipi = v % 8 == 0;
    asm volatile("" ::: "memory");
    asked = v;
    if (asked_by_ipi)
        ipi(0, 0xc4000 | VEC_SHOOT);
    flush_now(asked_flush, flush_va, WINDOWS * PAGES, 0);
    acked[0] = v;
    for (unsigned c = 1; c < cpus; c++) {
        while (acked[c] != v)
            relax();
    }
}

static void next_version(uint32_t v)
{
    word old_table = large ? 0 : table[1], old_leaf[PAGES];

    intended = v;
    change_something();
    set_views(v);
    asm volatile("" ::: "memory");
    known = v;
    shoot(v);
    for (unsigned p = 0; p < PAGES; p++)
        old_leaf[p] = old_table ? *entry_in(old_table, page_va(0, p), 1) : 0;
    retire_all(old_leaf);
}

static void set_up_versions(word root, word first, word second)
{
    table[LEVELS] = litmus_root = root;
    window[0] = first;
    window[1] = second;
    for (unsigned w = 0; w < WINDOWS; w++) {
        for (unsigned p = 0; p < PAGES; p++)
            flush_va[w * PAGES + p] = page_va(w, p);
    }
    for (pool_n = 0; pool_n < POOL_N; pool_n++) {
        pool[pool_n] = POOL + pool_n * 4096;
        poison(pool[pool_n]);
    }
    for (unsigned p = 0; p < PAGES; p++) {
        poison(BIGS + page_index[p] * 4096);
        poison(BIGS + 0x400000 + page_index[p] * 4096);
    }
    for (unsigned l = 1; l < LEVELS; l++)
        table[l] = new_table();
    for (unsigned l = LEVELS; l > 1; l--)
        set_upper(l, table[l - 1] | LINK);
    for (unsigned p = 0; p < PAGES; p++) {
        prepare_frame(&frames[p], take_page());
        *leaf_entry(p) = frames[p].at | LINK;
    }
    set_views(0);
}

/* The test; the processors run with `root`, in which the two windows are free. */
static void test_versions(word root, word first, word second, uint32_t count)
{
    set_up_versions(root, first, second);
    trap_hook = litmus_trap;
    everyone(accessor);
    for (uint32_t v = 1; v <= count; v++) {
        next_version(v);
        for (unsigned k = 0; k < 4; k++)
            access_once(0);
    }
    litmus_stop = 1;
    everyone_done();
    for (unsigned i = 0; i < pool_n; i++)
        check_poison(pool[i]);
    for (unsigned c = 0; c < cpus; c++)
        check("every processor has had its accesses", accesses[c] >= count);
    report_failures("shootdowns", cpus);
}

#endif
