// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Protection keys: RDPKRU and WRPKRU, what the keys of user pages stop at ring 0 and ring 3, error
 * codes, and that no flush is needed. SDM 3A 2.7, 4.6.2, 4.7; SDM 2 RDPKRU, WRPKRU.
 */
// guest: 64
// options: -cpu max,+pku
// not on: bochs (the CPU that it models has no keys)
#include "test.h"

#define PKE  0x400000ull
#define WP   0x10000ull
#define KEY  5u
#define AT   0x800000ull /* a 2 MiB user page */
#define DIR  ((volatile uint64_t *)0x72000)
#define AD   1u
#define WD   2u
#define LOAD "mov (%0), %%eax"
#define PUT  "mov %%eax, (%0)"

static void wrpkru(uint32_t bits)
{
    asm volatile("wrpkru" ::"a"(bits << 2 * KEY), "c"(0), "d"(0) : "memory");
}

static void load(void)
{
    ATTEMPT(LOAD, ::"D"(AT) : "rax", "memory");
}

static void store(void)
{
    ATTEMPT(PUT, ::"D"(AT) : "memory");
}

static void user_load(void)
{
    asm volatile(LOAD "; ud2" ::"D"(AT) : "rax", "memory");
}

static void user_store(void)
{
    asm volatile(PUT "; ud2" ::"D"(AT) : "memory");
}

static void user_code(void)
{
    asm volatile("jmp *%0" ::"D"(AT + 16));
}

static void test_instructions(void)
{
    uint64_t a, d;

    ATTEMPT("rdpkru", ::"c"(0) : "rax", "rdx");
    check_trap("rdpkru without CR4.PKE", UD, 0);
    ATTEMPT("wrpkru", ::"a"(0), "c"(0), "d"(0));
    check_trap("wrpkru without CR4.PKE", UD, 0);
    check("OSPKE follows CR4.PKE: clear", !has_cpuid(7, 0, ECX, 4));
    WRITE_CR(4, READ_CR(4) | PKE);
    check("OSPKE follows CR4.PKE: set", has_cpuid(7, 0, ECX, 4));
    asm volatile("wrpkru" ::"a"(0xffffffff12345678), "c"(0xffffffff00000000), "d"(1ull << 32));
    asm volatile("rdpkru" : "=a"(a), "=d"(d) : "a"(~0ull), "c"(1ull << 40), "d"(~0ull));
    check_eq("what wrpkru wrote", a, 0x12345678);
    check_eq("rdpkru clears RDX", d, 0);
    ATTEMPT("rdpkru", ::"c"(1) : "rax", "rdx");
    check_trap("rdpkru with ECX set", GP, 0);
    ATTEMPT("wrpkru", ::"a"(0), "c"(1), "d"(0));
    check_trap("wrpkru with ECX set", GP, 0);
    ATTEMPT("wrpkru", ::"a"(0), "c"(0), "d"(1));
    check_trap("wrpkru with EDX set", GP, 0);
    wrpkru(0);
}

static void test_ring0(void)
{
    WRITE_CR(0, READ_CR(0) | WP);
    wrpkru(AD);
    load();
    check_trap("AD: load", PF, 0x21);
    check_eq("CR2", trap_cr2, AT);
    store();
    check_trap("AD: store", PF, 0x23);
    wrpkru(WD);
    load();
    check_no_trap("WD: load");
    store();
    check_trap("WD: store", PF, 0x23);
    WRITE_CR(0, READ_CR(0) & ~WP);
    store();
    check_no_trap("WD without CR0.WP: store");
    wrpkru(AD | WD);
    store();
    check_trap("AD without CR0.WP: store", PF, 0x23);
    WRITE_CR(0, READ_CR(0) | WP);
    wrpkru(0);
    store();
    check_no_trap("no bits: store");
    /* all bits but its own: the stack has key 0, so nothing else is touched until they go again */
    uint32_t seen, bits = ~(3u << 2 * KEY);
    asm volatile("wrpkru; mov (%2), %%ebx; xor %%eax, %%eax; wrpkru"
                 : "=&b"(seen), "+a"(bits)
                 : "D"(AT), "c"(0), "d"(0)
                 : "memory");
    check_eq("the other keys' bits are not its", seen, *(volatile uint32_t *)AT);
}

static void test_ring3(void)
{
    wrpkru(0);
    run_user(user_store);
    check_trap("ring 3, no bits: store", UD, 0);
    wrpkru(WD);
    run_user(user_load);
    check_trap("ring 3, WD: load", UD, 0);
    run_user(user_store);
    check_trap("ring 3, WD: store", PF, 0x27);
    WRITE_CR(0, READ_CR(0) & ~WP);
    run_user(user_store);
    check_trap("ring 3, WD without CR0.WP: store", PF, 0x27);
    WRITE_CR(0, READ_CR(0) | WP);
    wrpkru(AD);
    run_user(user_load);
    check_trap("ring 3, AD: load", PF, 0x25);
    run_user(user_code);
    check_trap("ring 3, AD: code runs", UD, 0);
    wrpkru(0);
}

/* Where rights stop the access as well, both are told. */
static void test_rights_too(void)
{
    uint64_t old = DIR[4];

    wrpkru(WD);
    DIR[4] = old & ~2ull;
    invlpg(AT);
    store();
    check_trap("read-only and WD: store", PF, 0x23);
    wrpkru(0);
    store();
    check_trap("read-only: store", PF, 0x03);
    DIR[4] = old & ~4ull;
    invlpg(AT);
    wrpkru(AD | WD);
    store();
    check_no_trap("supervisor pages have no key");
    wrpkru(0);
    DIR[4] = old;
    invlpg(AT);
}

void main(void)
{
    if (!has_cpuid(7, 0, ECX, 3)) {
        skip("protection keys");
        return;
    }
    tss_setup();
    *(volatile uint16_t *)(AT + 16) = 0x0b0f; /* ud2 */
    DIR[4] |= (uint64_t)KEY << 59;
    invlpg(AT);
    test_instructions();
    test_ring0();
    test_ring3();
    test_rights_too();
    WRITE_CR(4, READ_CR(4) & ~PKE);
    DIR[4] &= ~(15ull << 59);
}
