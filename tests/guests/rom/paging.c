// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * 32-bit two-level paging: translation, error codes, accessed and dirty bits, CR0.WP, user and
 * supervisor, 4 MiB pages, INVLPG and CR3 loads, global pages, accesses across pages, CR2,
 * instruction fetches. SDM 3A 4.3, 4.6-4.8, 4.10.
 */
// not on: qemu (TCG has no P bit beside RSVD in the error code)
#include "test.h"

#define P       1u
#define W       2u
#define U       4u
#define A       0x20u
#define D       0x40u
#define PS      0x80u
#define G       0x100u
#define AT      0x400000u /* the linear addresses under test: the second 4 MiB */
#define PTE(va) table[((va) >> 12) & 0x3ff]

static uint32_t *const dir = (uint32_t *)0x100000, *const low = (uint32_t *)0x101000,
                       *const table = (uint32_t *)0x102000;
static volatile uint32_t *const phys = (uint32_t *)0x200000; /* eight pages of RAM */
#define FRAME(n) (0x200000u + (n)*0x1000u)

static void flush(void)
{
    WRITE_CR(3, (word)dir);
}
static void map(uint32_t va, uint32_t pte)
{
    PTE(va) = pte;
    invlpg(va);
}
static uint32_t rd(uint32_t va)
{
    uint32_t v = 0;

    ATTEMPT("mov (%1), %0", : "+r"(v) : "r"(va) : "memory");
    return v;
}
static void wr(uint32_t va, uint32_t v)
{
    ATTEMPT("mov %0, (%1)", ::"r"(v), "r"(va) : "memory");
}

static void setup(void)
{
    for (unsigned i = 0; i < 1024; i++) {
        low[i] = i << 12 | P | W | U;
        table[i] = 0;
        dir[i] = 0;
    }
    dir[0] = (uint32_t)low | P | W | U;
    dir[1] = (uint32_t)table | P | W | U;
    for (unsigned i = 0; i < 8 * 1024; i++)
        phys[i] = 0x1000000 | i;
    flush();
    WRITE_CR(0, READ_CR(0) | 0x80000000);
}

static void test_translation(void)
{
    map(AT, FRAME(0) | P | W | U);
    check_eq("read", rd(AT + 8), 0x1000002);
    check_eq("accessed", PTE(AT) & (A | D), A);
    check_eq("directory accessed", dir[1] & A, A);
    wr(AT + 8, 0xfeed);
    check_eq("write", phys[2], 0xfeed);
    check_eq("dirty", PTE(AT) & (A | D), A | D);
    map(AT, FRAME(1) | P | W | U);
    check_eq("remapped", rd(AT), 0x1000400);
    PTE(AT) = FRAME(2) | P | W | U;
    flush();
    check_eq("remapped, CR3 load", rd(AT), 0x1000800);
    map(AT + 0x1000, FRAME(5) | P | W | U);
    map(AT, FRAME(4) | P | W | U);
    wr(AT + 0xffe, 0x44332211);
    check_eq("a write across two pages, low half", ((volatile uint16_t *)FRAME(4))[0x7ff], 0x2211);
    check_eq("a write across two pages, high half", ((volatile uint16_t *)FRAME(5))[0], 0x4433);
    check_eq("a read across two pages", rd(AT + 0xffe), 0x44332211);
    map(AT + 0x1000, 0);
    wr(AT + 0xffe, 0x88776655);
    check_trap("a write across into nothing", PF, 2);
    check_eq("CR2 is in the second page", trap_cr2, AT + 0x1000);
    check_eq("and nothing was written", ((volatile uint16_t *)FRAME(4))[0x7ff], 0x2211);
}

static void user_read(void)
{
    asm volatile("mov %0, %%eax; int $0x80" ::"m"(*(uint32_t *)AT) : "eax");
}
static void user_write(void)
{
    asm volatile("movl $1, %0; int $0x80" : "=m"(*(uint32_t *)AT));
}
static void user_jump(void)
{
    asm volatile("jmp *%0" ::"r"(AT));
}

static void test_errors(void)
{
    map(AT, 0);
    rd(AT + 0x123);
    check_trap("read of nothing", PF, 0);
    check_eq("CR2", trap_cr2, AT + 0x123);
    wr(AT, 1);
    check_trap("write of nothing", PF, 2);
    rd(0x800000);
    check_trap("no page table", PF, 0);
    map(AT, FRAME(0) | P | W);
    run_user(user_read);
    check_trap("ring 3 reads a supervisor page", PF, 5);
    check_eq("CR2 at ring 3", trap_cr2, AT);
    run_user(user_write);
    check_trap("ring 3 writes a supervisor page", PF, 7);
    map(AT, FRAME(0) | P | U);
    run_user(user_read);
    check_trap("ring 3 reads a read-only page", 0x80, 0);
    run_user(user_write);
    check_trap("ring 3 writes a read-only page", PF, 7);
    map(AT, 0);
    run_user(user_read);
    check_trap("ring 3 reads nothing", PF, 4);
    run_user(user_write);
    check_trap("ring 3 writes nothing", PF, 6);
    run_user(user_jump);
    check_trap("ring 3 runs nothing (no NX: no I bit)", PF, 4);
    check_eq("EIP is the target", trap.ip, AT);
    map(AT, FRAME(0) | P | W | U);
    dir[1] &= ~U;
    flush();
    run_user(user_read);
    check_trap("the directory's U counts too", PF, 5);
    dir[1] = (dir[1] | U) & ~W;
    flush();
    run_user(user_write);
    check_trap("the directory's W counts too", PF, 7);
    dir[1] |= W;
    flush();
    check_eq("a failed write does not set dirty", PTE(AT) & D, 0);
}

static void test_wp(void)
{
    map(AT, FRAME(0) | P);
    WRITE_CR(0, READ_CR(0) & ~(word)0x10000);
    wr(AT, 0x77);
    check_no_trap("ring 0 writes a read-only page without WP");
    check_eq("dirty all the same", PTE(AT) & D, D);
    WRITE_CR(0, READ_CR(0) | 0x10000);
    wr(AT, 0x78);
    check_trap("and not with WP", PF, 3);
    check_eq("nothing written", phys[0], 0x77);
    ATTEMPT("lock xaddl %%eax, (%0)", ::"r"(AT) : "eax", "memory");
    check_trap("a read-modify-write faults as a write", PF, 3);
    ATTEMPT("lock cmpxchgl %%ecx, (%0)", ::"r"(AT), "a"(0x12345) : "memory");
    check_trap("a failing cmpxchg writes too", PF, 3);
    WRITE_CR(0, READ_CR(0) & ~(word)0x10000);
}

static void test_large(void)
{
    if (!has_cpuid(1, 0, EDX, 3)) {
        skip("PSE");
        return;
    }
    dir[2] = 0 | P | W | U | PS;
    WRITE_CR(4, READ_CR(4) | 0x10);
    flush();
    check_eq("4 MiB page", rd(0x800000 + FRAME(3)), phys[3 * 1024]);
    wr(0x800000 + FRAME(3), 0xcafe);
    check_eq("4 MiB page: write", phys[3 * 1024], 0xcafe);
    check_eq("4 MiB page: accessed and dirty", dir[2] & (A | D), A | D);
    dir[2] = 0 | P | W | U | PS | 1u << 21;
    flush();
    rd(0x800000);
    check_trap("4 MiB page: reserved bit 21", PF, 9);
    dir[2] = 0;
    flush();
}

static void test_tlb(void)
{
    if (!has_cpuid(1, 0, EDX, 13)) {
        skip("PGE");
        return;
    }
    WRITE_CR(4, READ_CR(4) | 0x80);
    map(AT, FRAME(0) | P | W | U | G);
    uint32_t first = rd(AT);
    PTE(AT) = FRAME(1) | P | W | U | G;
    flush();
    uint32_t v = rd(AT);
    check("a global page may outlive a CR3 load, but is one of the two",
          v == first || v == phys[1024]);
    WRITE_CR(4, READ_CR(4) & ~(word)0x80);
    check_eq("clearing PGE flushes global pages", rd(AT), phys[1024]);
    PTE(AT) = FRAME(2) | P | W | U;
    invlpg(AT + 0xfff);
    check_eq("INVLPG of any byte of the page", rd(AT), phys[2048]);
}

/* A page's entry changed from read-only to writable needs no flush: the fault re-walks. */
static void test_upgrade(void)
{
    WRITE_CR(0, READ_CR(0) | 0x10000);
    map(AT, FRAME(0) | P | U);
    rd(AT);
    PTE(AT) |= W;
    wr(AT, 5);
    if (trap.vector == PF)
        wr(AT, 5); /* one spurious fault is allowed */
    check_no_trap("rights may grow without a flush");
    map(AT + 0x1000, 0);
    rd(AT + 0x1000);
    PTE(AT + 0x1000) = FRAME(1) | P | W | U;
    rd(AT + 0x1000);
    check_no_trap("a page may appear without a flush");
    WRITE_CR(0, READ_CR(0) & ~(word)0x10000);
}

/* Page tables are memory like any other: entries written by way of the mapping itself, and aliased.
 */
static void test_self_map(void)
{
    dir[3] = (uint32_t)dir | P | W; /* the directory as a page table: tables appear at 0xc00000 */
    flush();
    uint32_t *pte = (uint32_t *)(0xc00000 + (AT >> 12) * 4);
    *(volatile uint32_t *)pte = FRAME(6) | P | W | U;
    invlpg(AT);
    check_eq("recursive mapping", rd(AT), phys[6 * 1024]);
    map(AT + 0x1000, FRAME(6) | P | W | U);
    wr(AT + 0x1004, 0x1dea);
    check_eq("two linear addresses of one frame", rd(AT + 4), 0x1dea);
    /* a string across many pages, the last of which is missing */
    for (uint32_t i = 0; i < 4; i++)
        map(AT + i * 0x1000, i < 3 ? FRAME(i) | P | W | U : 0);
    uint32_t di = AT, cx = 0x1000;
    ATTEMPT("rep stosl", : "+D"(di), "+c"(cx) : "a"(0x5a5a5a5a) : "memory");
    check_trap("rep stos runs into nothing", PF, 2);
    check_eq("EDI says how far it got", trap.di, AT + 0x3000);
    check_eq("ECX says what is left", trap.cx, 0x400);
    check_eq("and that much is written", phys[3 * 1024 - 1], 0x5a5a5a5a);
}

void main(void)
{
    tss_setup();
    setup();
    test_translation();
    test_errors();
    test_wp();
    test_large();
    test_tlb();
    test_upgrade();
    test_self_map();
}
