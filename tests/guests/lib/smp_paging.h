/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the guests that change page tables on several processors share: entries and indices for
 * 2-level tables at 32 bits and 4-level ones at 64, loads and stores that may fault on any
 * processor, every way to flush, failures counted where they happen and reported by the first.
 */
#ifndef SMP_PAGING_H
#define SMP_PAGING_H

#include "smp.h"

#define E_P  ((word)1)
#define E_W  ((word)2)
#define E_U  ((word)4)
#define E_A  ((word)0x20)
#define E_D  ((word)0x40)
#define E_PS ((word)0x80)
#define E_G  ((word)0x100)
#define LINK (E_P | E_W | E_U)
#ifdef __x86_64__
#define LEVELS     4
#define INDEX_BITS 9
#else
#define LEVELS     2
#define INDEX_BITS 10
#endif
#define ENTRIES     (1u << INDEX_BITS)
#define LARGE_PAGE  ((word)4096 << INDEX_BITS)
#define FRAME_OF(e) ((e) & ~(word)0xfff)

#define VEC_SHOOT 0x51

static inline unsigned index_at(word va, unsigned level)
{
    return (unsigned)(va >> (12 + (level - 1) * INDEX_BITS)) & (ENTRIES - 1);
}

static inline volatile word *entry_in(word table, word va, unsigned level)
{
    return (volatile word *)table + index_at(va, level);
}

static inline word exchange(volatile word *p, word v)
{
    asm volatile("xchg %0, %1" : "+r"(v), "+m"(*p)::"memory");
    return v;
}

static inline word fetch_and(volatile word *p, word mask)
{
    return __atomic_fetch_and(p, mask, __ATOMIC_SEQ_CST);
}

static inline word fetch_or(volatile word *p, word bits)
{
    return __atomic_fetch_or(p, bits, __ATOMIC_SEQ_CST);
}

static inline void locked_inc(volatile uint32_t *p)
{
    asm volatile("lock incl %0" : "+m"(*p)::"cc", "memory");
}

static inline void relax(void)
{
    asm volatile("pause" ::: "memory");
}

/* A generator for each processor: the numbers do not depend on who runs when. */
static uint32_t random_state[SMP_CPUS];
static inline uint32_t rnd(uint32_t below)
{
    uint32_t *s = &random_state[self()];

    if (!*s)
        *s = 0x2545f491 + 0x9e3779b9 * self();
    *s ^= *s << 13;
    *s ^= *s >> 17;
    *s ^= *s << 5;
    return *s % below;
}

/* ---- loads and stores that may fault ---- */
#define FAULTED 0x100u /* with the error code below it */
#define BAD_CR2 0x200u
extern char probe_load[], probe_store[], probe_fault[];
#ifdef __x86_64__
#define PROBE_AT "(%rcx)"
#else
#define PROBE_AT "(%ecx)"
#endif
asm(".pushsection .text\n"
    "probe_load: mov " PROBE_AT ", %eax\n    xor %edx, %edx\n    ret\n"
    "probe_store: mov %eax, " PROBE_AT "\n    xor %edx, %edx\n"
    "probe_fault: ret\n"
    ".popsection\n");

/* 0, or FAULTED with the error code. */
static inline uint32_t load(word va, uint32_t *v)
{
    uint32_t err;

    asm volatile("call probe_load" : "=a"(*v), "=d"(err) : "c"(va) : "memory", "cc");
    return err;
}
static inline uint32_t store(word va, uint32_t v)
{
    uint32_t err;

    asm volatile("call probe_store" : "=d"(err) : "a"(v), "c"(va) : "memory", "cc");
    return err;
}

/* For trap_hook. */
static bool probe_trap(struct frame *f)
{
    if (f->vector != PF || (f->ip != (word)probe_load && f->ip != (word)probe_store))
        return false;
    f->dx = FAULTED | f->error | (READ_CR(2) != f->cx ? BAD_CR2 : 0);
    f->ip = (word)probe_fault;
    return true;
}

/* ---- flushes ---- */
enum flush {
    BY_INVLPG,
    BY_PGE,
    BY_INVPCID_ALL, /* up to here global pages go, too */
    BY_CR3,
    BY_INVPCID_PAGE,
    BY_INVPCID_CONTEXT,
    BY_INVPCID_LOCAL,
    FLUSHES
};
static bool have_pge, have_invpcid, have_pcid;

static inline void flush_features(void)
{
    have_pge = has_cpuid(1, 0, EDX, 13);
    have_invpcid = sizeof(word) == 8 && has_cpuid(7, 0, EBX, 10);
    have_pcid = sizeof(word) == 8 && has_cpuid(1, 0, ECX, 17);
}

static inline void invpcid(uint64_t type, uint64_t pcid, uint64_t va)
{
    struct {
        uint64_t pcid, va;
    } d = {pcid, va};

    asm volatile("invpcid %0, %1" ::"m"(d), "r"((word)type) : "memory");
}

static inline enum flush any_flush(bool global)
{
    enum flush f = (enum flush)rnd(global ? BY_CR3 : FLUSHES);

    if (f == BY_PGE && !have_pge)
        f = BY_INVLPG;
    if ((f == BY_INVPCID_ALL || f > BY_CR3) && !have_invpcid)
        f = global ? BY_INVLPG : BY_CR3;
    return f;
}

/* Flushes all but single pages; those are the caller's `n` at `va`. */
static inline void flush_now(enum flush f, const word *va, unsigned n, unsigned pcid)
{
    switch (f) {
    case BY_INVLPG:
        for (unsigned i = 0; i < n; i++)
            invlpg(va[i]);
        break;
    case BY_PGE:
        WRITE_CR(4, READ_CR(4) ^ 0x80);
        WRITE_CR(4, READ_CR(4) ^ 0x80);
        break;
    case BY_CR3: WRITE_CR(3, READ_CR(3)); break;
    case BY_INVPCID_PAGE:
        for (unsigned i = 0; i < n; i++)
            invpcid(0, pcid, va[i]);
        break;
    case BY_INVPCID_CONTEXT: invpcid(1, pcid, 0); break;
    case BY_INVPCID_ALL: invpcid(2, 0, 0); break;
    default: invpcid(3, 0, 0); break;
    }
}

/* ---- failures ---- */
static volatile struct {
    uint32_t count;
    const char *what;
    uint64_t v[4];
} bad[SMP_CPUS];

static void fail_here(const char *what, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    unsigned me_now = self();

    if (bad[me_now].count++)
        return;
    bad[me_now].what = what;
    bad[me_now].v[0] = a;
    bad[me_now].v[1] = b;
    bad[me_now].v[2] = c;
    bad[me_now].v[3] = d;
}

/* By the first processor, when the others are quiet: one check for each of them. */
static void report_failures(const char *test, unsigned cpus)
{
    for (unsigned i = 0; i < cpus; i++) {
        if (bad[i].count) {
            puts("FAIL ");
            puts(test);
            puts(", ");
            puts(bad[i].what);
            puts(" on processor ");
            put_hex(i);
            for (unsigned k = 0; k < 4; k++) {
                puts(k ? ", " : ": ");
                put_hex(bad[i].v[k]);
            }
            puts(", times ");
            put_hex(bad[i].count);
            puts("\n");
        }
        check(test, !bad[i].count);
        bad[i].count = 0;
    }
}

/* ---- all processors at work ---- */
static volatile uint32_t up, order, orders_done;
static void (*volatile order_fn)(unsigned cpu);
static unsigned cpus = 1;

/* The others' life: each order once. ap_main sets up the processor and comes here. */
static void obey(void)
{
    uint32_t last = 0;

    locked_inc(&up);
    for (;;) {
        while (order == last)
            relax();
        last = order;
        order_fn(self());
        locked_inc(&orders_done);
    }
}

/* Starts fn on the others; everyone_done waits until they have come back. */
static void everyone(void (*fn)(unsigned cpu))
{
    orders_done = 0;
    order_fn = fn;
    asm volatile("" ::: "memory");
    order++;
}
static void everyone_done(void)
{
    while (orders_done != cpus - 1)
        relax();
}

#endif
