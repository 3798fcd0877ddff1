// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The local APIC as kvm-unit-tests try it, on two processors or more: switched off and on again by
 * its base MSR, into x2APIC mode and out of it, with #GP for every other way; CPUID's word on it;
 * the others started by broadcast; IPIs by MSR; the TSC deadline. SDM 3A 11.4.3, 11.5.4.1, 11.12.
 */
// guest: 64
#include "multiboot.h"
#include "smp.h"

#define BASE_MSR 0x1bu
#define DEADLINE 0x6e0u
#define X2(r)    (0x800u + (r) / 16)
#define OFF      0u
#define BAD      0x400u
#define ON       0x800u
#define EXTENDED 0xc00u
#define VECTOR   0x50
#define TIMER    0x51
#define PATIENCE 200000000u
#define MOVED    0xfed40000u

static volatile uint32_t up, ran[SMP_CPUS], ids[SMP_CPUS];
static volatile uint32_t hits[256], extended;

static bool interrupt(struct frame *f)
{
    if (f->vector < 0x20)
        return false;
    asm volatile("lock incl %0" : "+m"(hits[f->vector])::"cc");
    if (rdmsr(BASE_MSR) & BAD)
        wrmsr(X2(0xb0), 0);
    else
        LAPIC(0xb0) = 0;
    return true;
}

static bool patient(volatile uint32_t *what, uint32_t want)
{
    for (unsigned k = 0; *what != want && k < PATIENCE; k++)
        asm volatile("pause" ::: "memory");
    return *what == want;
}

/* Each goes into x2APIC mode when told to, and then waits for interrupts. */
void ap_main(void)
{
    unsigned me = self();

    LAPIC(0xf0) = 0x1ff;
    asm volatile("lock incl %0" : "+m"(ran[me])::"cc");
    asm volatile("lock incl %0" : "+m"(up)::"cc");
    while (!extended)
        asm volatile("pause" ::: "memory");
    wrmsr(BASE_MSR, rdmsr(BASE_MSR) | EXTENDED);
    ids[me] = (uint32_t)rdmsr(X2(0x20));
    asm volatile("lock incl %0" : "+m"(up)::"cc");
    for (;;)
        asm volatile("sti; hlt" ::: "memory");
}

static uint64_t base_of(unsigned mode)
{
    return (rdmsr(BASE_MSR) & ~UINT64_C(0xc00)) | mode;
}

static void try(uint32_t msr, uint64_t val)
{
    ATTEMPT("wrmsr", ::"c"(msr), "a"((uint32_t)val), "d"((uint32_t)(val >> 32)));
}

static void refused(const char *what, uint32_t msr, uint64_t val)
{
    try(msr, val);
    check_trap(what, GP, 0);
}

static void unreadable(const char *what, uint32_t msr)
{
    ATTEMPT("rdmsr", ::"c"(msr) : "rax", "rdx");
    check_trap(what, GP, 0);
}

static void go(unsigned mode)
{
    try(BASE_MSR, base_of(mode));
    check_no_trap("a way from mode to mode that there is");
    check_eq("which is then so", rdmsr(BASE_MSR) & EXTENDED, mode);
    check_eq("CPUID has the APIC", has_cpuid(1, 0, EDX, 9), mode != OFF);
}

static void not_by_memory(void)
{
    word cr8;

    check_eq("no register answers by memory", LAPIC(0x30), 0xffffffff);
    LAPIC(0x80) = 0x50;
    asm volatile("mov %%cr8, %0" : "=r"(cr8));
    check_eq("nor is written", cr8, 0);
    asm volatile("mov %0, %%cr8" ::"r"((word)0xf));
    asm volatile("mov %%cr8, %0" : "=r"(cr8));
    check_eq("CR8 is there", cr8, 0xf);
    asm volatile("mov %0, %%cr8" ::"r"((word)0));
}

static void test_modes(void)
{
    uint32_t version = LAPIC(0x30);

    check("CPUID offers x2APIC", has_cpuid(1, 0, ECX, 21));
    refused("reserved bits", BASE_MSR, base_of(ON) | 1);
    refused("an address beyond what there is", BASE_MSR, base_of(ON) | UINT64_C(1) << 52);
    refused("from xAPIC to extended alone", BASE_MSR, base_of(BAD));
    unreadable("x2APIC's MSRs in xAPIC mode", X2(0x20));
    LAPIC(0x20) = 0x33000000;
    go(OFF);
    not_by_memory();
    refused("from off to x2APIC", BASE_MSR, base_of(EXTENDED));
    refused("from off to extended alone", BASE_MSR, base_of(BAD));
    go(ON);
    check_eq("the same version again", LAPIC(0x30), version);
    check_eq("its first id again", LAPIC(0x20), 0);
    check_eq("the task priority as CR8 has it", LAPIC(0x80), 0);
    go(EXTENDED);
    not_by_memory();
    check_eq("the version by MSR", rdmsr(X2(0x30)), version);
    check_eq("the id by MSR", rdmsr(X2(0x20)), 0);
    check_eq("the logical id", rdmsr(X2(0xd0)), 1);
    refused("the id is not written", X2(0x20), 1);
    refused("EOI takes zero alone", X2(0xb0), 1);
    unreadable("EOI is not read", X2(0xb0));
    unreadable("there is no DFR", X2(0xe0));
    unreadable("nor an upper ICR", X2(0x310));
    refused("reserved bits of the task priority", X2(0x80), 0x100);
    refused("from x2APIC to xAPIC", BASE_MSR, base_of(ON));
    refused("from x2APIC to extended alone", BASE_MSR, base_of(BAD));
    go(OFF);
    go(ON);
    wrmsr(BASE_MSR, (base_of(ON) & 0xfff) | MOVED);
    check_eq("moved", *(volatile uint32_t *)(word)(MOVED + 0x30), version);
    wrmsr(BASE_MSR, (base_of(ON) & 0xfff) | 0xfee00000u);
    check_eq("and back", LAPIC(0x30), version);
    LAPIC(0xf0) = 0x1ff;
}

static void test_start(unsigned others)
{
    ap_start_all();
    check("INIT and start-up by broadcast reach all others", patient(&up, others));
    for (unsigned k = 1; k <= others; k++)
        check_eq("each once", ran[k], 1);
    check_eq("and not the first", ran[0], 0);
    extended = 1;
    check("all go into x2APIC mode", patient(&up, 2 * others));
    for (unsigned k = 1; k <= others; k++)
        check_eq("with its id", ids[k], k);
}

static void test_ipis(unsigned others)
{
    go(EXTENDED);
    wrmsr(X2(0xf0), 0x1ff);
    asm volatile("sti");
    wrmsr(X2(0x300), UINT64_C(1) << 32 | 0x4000 | VECTOR);
    check("to one by its id", patient(&hits[VECTOR], 1));
    wrmsr(X2(0x300), UINT64_C(0xffffffff) << 32 | 0x4000 | VECTOR);
    check("to all by the broadcast id", patient(&hits[VECTOR], 2 + others));
    wrmsr(X2(0x300), 0x84000 | VECTOR);
    check("all with oneself", patient(&hits[VECTOR], 3 + 2 * others));
    wrmsr(X2(0x300), 0xc4000 | VECTOR);
    check("all but oneself", patient(&hits[VECTOR], 3 + 3 * others));
    wrmsr(X2(0x3f0), VECTOR + 2);
    check_eq("the self IPI register", hits[VECTOR + 2], 1);
    asm volatile("cli");
}

static void test_deadline(void)
{
    check("CPUID offers the TSC deadline", has_cpuid(1, 0, ECX, 24));
    wrmsr(X2(0x320), 0x40000 | TIMER);
    asm volatile("sti");
    wrmsr(DEADLINE, rdtsc());
    asm volatile("nop");
    check_eq("one that is now, now", hits[TIMER], 1);
    check_eq("it is done with", rdmsr(DEADLINE), 0);
    wrmsr(DEADLINE, rdtsc() + 3000000);
    check("one to come is armed", rdmsr(DEADLINE) || hits[TIMER] == 2);
    check("and comes", patient(&hits[TIMER], 2));
    check_eq("then it is done with", rdmsr(DEADLINE), 0);
    wrmsr(DEADLINE, rdtsc() + UINT64_C(100000000000));
    wrmsr(DEADLINE, 0);
    check_eq("disarmed", rdmsr(DEADLINE), 0);
    asm volatile("cli");
}

void main(void)
{
    unsigned others = (unsigned)fw_cfg(FW_NB_CPUS, 2) - 1;

    trap_hook = interrupt;
    smp_map_apic();
    apic_directory[0xfec00000u >> 21 & 511] = 0xfec00000u | 0x93; /* where it is moved to */
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
    test_modes();
    test_start(others);
    test_ipis(others);
    test_deadline();
    finish();
}
