// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TLB refill by itself: a bare-metal guest in 64-bit mode with a few address spaces, that loads CR3
 * and touches pages whose tables nobody writes, again and again. What it spends it spends on TLB
 * misses; `hits` is the same loop without a load of CR3, `cr3` loads alone. Built by
 * tests/guests/build; the marks are bench.c's, on the debug port.
 */
// guest: 64
#include "test.h"

#define SPACES  8
#define PAGES   400u
#define BASE    UINT64_C(0x80000000)
#define SPARSE  UINT64_C(0x8000000000) /* each page in 2 MiB of its own */
#define P_W     UINT64_C(3)
#define TABLES  0x1000000u /* where tables are made, one after the other */
#define FRAMES  0x8000000u /* what they map */
#define CODE    0x7000000u /* pages that hold a RET each */
#define ENTRIES 512

static uint64_t *next_table = (uint64_t *)TABLES;
static word space[SPACES];

static uint64_t *new_table(void)
{
    uint64_t *t = next_table;

    next_table += ENTRIES;
    for (unsigned k = 0; k < ENTRIES; k++)
        t[k] = 0;
    return t;
}

/* Maps a page in an address space, with the tables on the way. */
static void map(word root, uint64_t va, uint64_t gpa)
{
    uint64_t *t = (uint64_t *)root;

    for (unsigned shift = 39; shift > 12; shift -= 9) {
        uint64_t *e = &t[va >> shift & (ENTRIES - 1)];

        if (!*e)
            *e = (word)new_table() | P_W;
        t = (uint64_t *)(word)(*e & ~UINT64_C(0xfff));
    }
    t[va >> 12 & (ENTRIES - 1)] = gpa | P_W;
}

/* The first gigabyte as it is now; PAGES pages close together, PAGES far apart, pages of code. */
static void make_space(unsigned n)
{
    uint64_t *root = new_table(), *pdpt = new_table();

    root[0] = (word)pdpt | P_W;
    pdpt[0] = *(uint64_t *)(word)(*(uint64_t *)READ_CR(3) & ~UINT64_C(0xfff));
    for (unsigned k = 0; k < PAGES; k++) {
        map((word)root, BASE + k * 0x1000, FRAMES + (n * PAGES + k) * 0x1000);
        map((word)root, SPARSE + k * UINT64_C(0x201000), FRAMES + (n * PAGES + k) * 0x1000);
        map((word)root, BASE + 0x10000000 + k * 0x1000, CODE + k * 0x1000);
    }
    space[n] = (word)root;
}

/* ---- the workloads ---- */

static uint32_t read_pages(uint64_t va, uint64_t stride, unsigned n)
{
    uint32_t s = 0;

    for (; n; n--, va += stride)
        asm volatile("add (%1), %0" : "+r"(s) : "r"(va) : "memory");
    return s;
}

static void write_pages(uint64_t va, uint64_t stride, unsigned n)
{
    for (; n; n--, va += stride)
        asm volatile("xorl $1, (%0)" ::"r"(va) : "memory");
}

static void call_pages(uint64_t va, uint64_t stride, unsigned n)
{
    for (; n; n--, va += stride)
        asm volatile("call *%0" ::"r"(va) : "memory");
}

static uint32_t hits(void)
{
    uint32_t s = 0;

    WRITE_CR(3, space[0]);
    for (unsigned i = 0; i < 100000; i++)
        s += read_pages(BASE, 0x1000, PAGES);
    return s;
}

static uint32_t cr3_loads(void)
{
    for (unsigned i = 0; i < 2000000; i++)
        WRITE_CR(3, space[i & 1]);
    return space[0] != space[1];
}

static uint32_t read_two(void)
{
    uint32_t s = 0;

    for (unsigned i = 0; i < 10000; i++) {
        WRITE_CR(3, space[i & 1]);
        s += read_pages(BASE, 0x1000, PAGES);
    }
    return s;
}

/* An even number of times, so that all is as before. */
static uint32_t write_two(void)
{
    for (unsigned i = 0; i < 10000; i++) {
        WRITE_CR(3, space[i & 1]);
        write_pages(BASE, 0x1000, PAGES);
    }
    WRITE_CR(3, space[0]);
    return read_pages(BASE, 0x1000, PAGES);
}

static uint32_t read_same(void)
{
    uint32_t s = 0;

    for (unsigned i = 0; i < 10000; i++) {
        WRITE_CR(3, space[0]);
        s += read_pages(BASE, 0x1000, PAGES);
    }
    return s;
}

static uint32_t read_eight(void)
{
    uint32_t s = 0;

    for (unsigned i = 0; i < 10000; i++) {
        WRITE_CR(3, space[i % SPACES]);
        s += read_pages(BASE, 0x1000, PAGES);
    }
    return s;
}

static uint32_t read_sparse(void)
{
    uint32_t s = 0;

    for (unsigned i = 0; i < 10000; i++) {
        WRITE_CR(3, space[i & 1]);
        s += read_pages(SPARSE, 0x201000, PAGES);
    }
    return s;
}

static uint32_t calls(void)
{
    for (unsigned i = 0; i < 40000; i++) {
        WRITE_CR(3, space[i & 1]);
        call_pages(BASE + 0x10000000, 0x1000, 100);
    }
    return 100;
}

static void run(const char *name, uint32_t (*fn)(void))
{
    puts("BENCH refill-");
    puts(name);
    puts(" begin\n");
    uint32_t r = fn();

    puts("BENCH refill-");
    puts(name);
    puts(" end ");
    put_hex(r);
    puts("\n");
}

void main(void)
{
    for (unsigned k = 0; k < PAGES; k++)
        *(uint8_t *)(word)(CODE + k * 0x1000) = 0xc3; /* RET */
    for (unsigned n = 0; n < SPACES; n++)
        make_space(n);
    for (unsigned n = 0; n < SPACES; n++) { /* each frame holds its own number; A and D are set */
        WRITE_CR(3, space[n]);
        for (unsigned k = 0; k < PAGES; k++)
            *(volatile uint32_t *)(BASE + k * 0x1000) = n * PAGES + k;
    }
    for (unsigned i = 0; i < 3; i++) {
        run("hits", hits);
        run("cr3", cr3_loads);
        run("same", read_same);
        run("two", read_two);
        run("write", write_two);
        run("eight", read_eight);
        run("sparse", read_sparse);
        run("call", calls);
    }
    WRITE_CR(3, space[1]);
    check_eq("the second space's pages", read_pages(BASE, 0x1000, PAGES),
             PAGES * PAGES + PAGES * (PAGES - 1) / 2);
    finish();
}
