// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Breaks the rules of strict mode (-lint) about the processor once each, and comes close to it
 * several times: under -lint there is one report a rule (boot_lint_guest). All goes well the same.
 */
// guest: 64
#include "test.h"

#define P  1u
#define W  2u
#define VA 0x40000000u

static uint64_t *const pd = (uint64_t *)0x100000, *const pt = (uint64_t *)0x101000;
static volatile uint64_t *const frames = (uint64_t *)0x200000;

static uint64_t rd(uint64_t va)
{
    uint64_t v = 0;

    ATTEMPT("mov (%1), %0", : "+r"(v) : "r"(va) : "memory");
    return v;
}

/* The entry for VA: a table of our own, two frames that tell which they are. */
static void setup(void)
{
    uint64_t *pml4 = (uint64_t *)(READ_CR(3) & ~UINT64_C(0xfff));
    uint64_t *pdpt = (uint64_t *)(pml4[0] & 0xffffffffff000);

    for (unsigned k = 0; k < 512; k++)
        pd[k] = pt[k] = 0;
    pd[0] = (uint64_t)pt | P | W;
    pdpt[1] = (uint64_t)pd | P | W;
    frames[0] = 1;
    frames[512] = 2;
}

static void stale_translations(void)
{
    uint64_t last;

    pt[0] = 0x200000 | P | W; /* becomes present: nothing to invalidate */
    check_eq("first frame", rd(VA), 1);
    pt[0] = 0x201000 | P | W;
    invlpg(VA);
    check_eq("second frame", rd(VA), 2);
    pt[0] = 0x200000 | P | W;
    WRITE_CR(3, READ_CR(3));
    check_eq("first frame again", rd(VA), 1);
    pt[0] = 0x201000 | P | W;
    last = rd(VA); /* here is the report */
    check("one of the two frames", last == 1 || last == 2);
    invlpg(VA);
}

static void reserved_bits(void)
{
    pt[1] = 0x200000 | P | W | UINT64_C(1) << 51;
    rd(VA + 0x1000);
    check_eq("reserved bit of an entry", trap.vector, 14);
    check_eq("its error code", trap.error, 9);
    ATTEMPT("mov %0, %%cr4", ::"r"(READ_CR(4) | 1u << 15));
    check_eq("reserved bit of CR4", trap.vector, 13);
}

static void flags(void)
{
    uint64_t a = 3, b = 0;

    asm volatile("mul %%rdx; setc %b1" : "+a"(a), "+q"(b) : "d"(5ul) : "cc");
    check_eq("CF of a product", b, 0);
    a = 3;
    asm volatile("mul %%rdx; jmp 1f; 1: setz %b1" : "+a"(a), "+q"(b) : "d"(5ul) : "cc");
    check("ZF of a product", b < 2);
}

static void locks(void)
{
    static uint8_t line[128] __attribute__((aligned(64)));

    asm volatile("lock incl %0" : "+m"(*(uint32_t *)(line + 60)));
    asm volatile("incl %0" : "+m"(*(uint32_t *)(line + 62)));
    asm volatile("lock incl %0" : "+m"(*(uint32_t *)(line + 62)));
    check_eq("added", *(uint32_t *)(line + 62), 2);
}

void main(void)
{
    setup();
    stale_translations();
    reserved_bits();
    flags();
    locks();
}
