// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PAE paging at 32 bits: three levels, the four PDPTEs that a CR3 load reads, 2 MiB pages, NX and
 * the I bit of the error code, reserved bits, SMEP and SMAP where offered, UMIP. SDM 3A 4.4, 4.6,
 * 4.7, 2.5.
 */
// not on: qemu (TCG re-reads the PDPTEs and has no P bit beside RSVD)
#include "test.h"

#define P  1ull
#define W  2ull
#define U  4ull
#define A  0x20ull
#define D  0x40ull
#define PS 0x80ull
#define NX (1ull << 63)
#define AT 0x40000000u /* under the second PDPTE */

static uint64_t *const pdpt = (uint64_t *)0x100000, *const pd0 = (uint64_t *)0x101000,
                       *const pd1 = (uint64_t *)0x102000, *const pt = (uint64_t *)0x103000;
static volatile uint32_t *const phys = (uint32_t *)0x200000;
#define FRAME(n) (0x200000u + (n)*0x1000u)

static void flush(void)
{
    WRITE_CR(3, (word)pdpt);
}
static void map(uint32_t va, uint64_t pte)
{
    pt[(va >> 12) & 511] = pte;
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
    for (unsigned i = 0; i < 512; i++) {
        pdpt[i] = 0;
        pd0[i] = (uint64_t)i << 21 | P | W | U | PS;
        pd1[i] = pt[i] = 0;
    }
    pdpt[0] = (word)pd0 | P;
    pdpt[1] = (word)pd1 | P;
    pd1[0] = (word)pt | P | W | U;
    for (unsigned i = 0; i < 8 * 1024; i++)
        phys[i] = 0x2000000 | i;
    WRITE_CR(4, READ_CR(4) | 0x20);
    flush();
    WRITE_CR(0, READ_CR(0) | 0x80010000);
}

static void test_walk(void)
{
    map(AT, FRAME(0) | P | W | U);
    check_eq("read", rd(AT + 4), 0x2000001);
    check_eq("accessed", pt[0] & (A | D), A);
    wr(AT, 1);
    check_eq("dirty", pt[0] & (A | D), A | D);
    check_eq("the middle level is accessed, never dirty", pd1[0] & (A | D), A);
    pd1[1] = 0x200000 | P | W | U | PS;
    flush();
    check_eq("2 MiB page", rd(AT + 0x200000 + 8), phys[2]);
    wr(AT + 0x200000 + 0x1000, 0xabc);
    check_eq("2 MiB page: dirty", pd1[1] & (A | D), A | D);
    check_eq("2 MiB page: written", phys[1024], 0xabc);
    rd(0x80000000);
    check_trap("PDPTE not present", PF, 0);
    rd(0xc0000000);
    check_trap("the last PDPTE not present", PF, 0);
    /* PDPTEs are read by the CR3 load, not by each walk */
    pdpt[2] = (word)pd1 | P;
    rd(0x80000000);
    check_trap("a PDPTE written after the CR3 load is not seen", PF, 0);
    flush();
    check_eq("and is after the next", rd(0x80000004), 0x2000001);
    pdpt[2] = 0;
    flush();
    pdpt[3] = (word)pd1 | P | W; /* W is reserved in a PDPTE */
    ATTEMPT("mov %0, %%cr3", ::"r"(pdpt) : "memory");
    check_trap("a reserved bit in a PDPTE", GP, 0);
    pdpt[3] = 0;
    flush();
}

static void test_reserved(void)
{
    map(AT, FRAME(0) | P | W | U | 1ull << 62);
    rd(AT);
    check_trap("reserved bit 62: read", PF, 9);
    wr(AT, 0);
    check_trap("reserved bit 62: write", PF, 11);
    map(AT, FRAME(0) | P | W | U | NX);
    rd(AT);
    check_trap("bit 63 is reserved without NXE", PF, 9);
    map(AT, FRAME(0) | 1ull << 62);
    rd(AT);
    check_trap("not present: nothing is reserved", PF, 0);
}

static void user_jump(void)
{
    asm volatile("jmp *%0" ::"r"(AT));
}
static void user_read(void)
{
    asm volatile("mov %0, %%eax; int $0x80" ::"m"(*(uint32_t *)AT) : "eax");
}
static void run_kernel(void)
{
    trap.vector = NO_TRAP;
    trap.error = 0;
    asm volatile("movl $1f, trap_resume; mov %%esp, %%ebx; call *%0; 1: mov %%ebx, %%esp" ::"a"(AT)
                 : "ebx", "memory");
    trap_resume = 0;
}

static void test_nx(void)
{
    if (!has_cpuid(0x80000001, 0, EDX, 20)) {
        skip("NX");
        return;
    }
    wrmsr(0xc0000080, rdmsr(0xc0000080) | 0x800);
    flush();
    phys[0] = 0xc3c3c3c3; /* ret */
    map(AT, FRAME(0) | P | W | U | NX);
    check_eq("NX allows reads", rd(AT), 0xc3c3c3c3);
    run_kernel();
    check_trap("NX: fetch at ring 0", PF, 0x11);
    check_eq("NX: CR2", trap_cr2, AT);
    check_eq("NX: EIP", trap.ip, AT);
    run_user(user_jump);
    check_trap("NX: fetch at ring 3", PF, 0x15);
    map(AT, FRAME(0) | P | W | U);
    run_kernel();
    check_no_trap("without NX it runs");
    pd1[0] |= NX;
    flush();
    run_kernel();
    check_trap("NX in the directory counts", PF, 0x11);
    pd1[0] &= ~NX;
    flush();
    map(AT, 0);
    run_kernel();
    check_trap("fetch of nothing has the I bit", PF, 0x10);
}

static void test_smep_smap(void)
{
    word cr4 = READ_CR(4);

    phys[0] = 0xc3c3c3c3;
    map(AT, FRAME(0) | P | W | U);
    if (has_cpuid(7, 0, EBX, 7)) {
        pd0[0] &= ~U; /* the guest's own memory becomes the supervisor's */
        flush();
        WRITE_CR(4, cr4 | 1u << 20);
        run_kernel();
        check_trap("SMEP", PF, 0x11);
        check_eq("SMEP leaves reads alone", rd(AT), 0xc3c3c3c3);
        phys[0] = 0x80cd80cd; /* int 80h */
        run_user_at(AT, SEL_UCODE32, 2, 0, SEL_UDATA);
        check_trap("SMEP does not bind ring 3", 0x80, 0);
        phys[0] = 0xc3c3c3c3;
        map(AT, FRAME(0) | P | W);
        run_kernel();
        check_no_trap("SMEP: a supervisor page");
        map(AT, FRAME(0) | P | W | U);
        WRITE_CR(4, cr4);
        pd0[0] |= U;
        flush();
    } else {
        skip("SMEP");
    }
    if (has_cpuid(7, 0, EBX, 20)) {
        pd0[0] &= ~U;
        flush();
        WRITE_CR(4, cr4 | 1u << 21);
        asm volatile(".byte 0x0f, 0x01, 0xca"); /* clac */
        rd(AT);
        check_trap("SMAP: read", PF, 1);
        wr(AT, 0);
        check_trap("SMAP: write", PF, 3);
        asm volatile(".byte 0x0f, 0x01, 0xcb"); /* stac */
        rd(AT);
        check_no_trap("SMAP: EFLAGS.AC opens it");
        asm volatile(".byte 0x0f, 0x01, 0xca");
        rd(AT);
        check_trap("SMAP: clac closes it", PF, 1);
        WRITE_CR(4, cr4);
        pd0[0] |= U;
        flush();
    } else {
        skip("SMAP");
    }
}

static void user_sgdt(void)
{
    static uint8_t p[8];
    asm volatile("sgdt %0; int $0x80" : "=m"(p));
}
static void user_smsw(void)
{
    asm volatile("smsw %%ax; int $0x80" ::: "eax");
}
static void test_umip(void)
{
    run_user(user_smsw);
    check_trap("smsw at ring 3", 0x80, 0);
    if (!has_cpuid(7, 0, ECX, 2)) {
        skip("UMIP");
        return;
    }
    WRITE_CR(4, READ_CR(4) | 0x800);
    run_user(user_smsw);
    check_trap("UMIP: smsw", GP, 0);
    run_user(user_sgdt);
    check_trap("UMIP: sgdt", GP, 0);
    WRITE_CR(4, READ_CR(4) & ~(word)0x800);
}

void main(void)
{
    tss_setup();
    setup();
    test_walk();
    test_reserved();
    test_nx();
    test_smep_smap();
    test_umip();
    map(AT, FRAME(0) | P | W | U);
    run_user(user_read);
    check_trap("ring 3 reads", 0x80, 0);
}
