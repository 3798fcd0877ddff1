/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For guests with several processors: the local APIC, IPIs, and the start of the others by
 * INIT-SIPI-SIPI (SDM 3A 9.4.4). Included by the guest's one file, which defines ap_main. The
 * others start as the first did: 32-bit with paging off, or 64-bit on the first page tables, where
 * smp_map_apic() adds the local APIC.
 */
#ifndef SMP_H
#define SMP_H

#include "test.h"

#define LAPIC(r) (*(volatile uint32_t *)(word)(0xfee00000u + (r)))
#define AP_PAGE  0x8000u /* where they start; beyond the guest's own code */
#define SMP_CPUS 8

/* What each started processor runs, with interrupts off, on a stack of its own. Does not return. */
void ap_main(void);

static uint8_t stacks[SMP_CPUS][4096] __attribute__((aligned(4096), used));

/* The APIC id of the processor that asks, by the stack that it is on. */
static inline unsigned self(void)
{
    word sp = (word)__builtin_frame_address(0) - (word)stacks;

    return sp < sizeof(stacks) ? (unsigned)(sp / 4096) : 0;
}

/* The APIC id of the processor that asks. */
static inline unsigned me(void)
{
    return LAPIC(0x20) >> 24;
}

static void ipi(uint32_t high, uint32_t low)
{
    LAPIC(0x310) = high << 24;
    LAPIC(0x300) = low;
    while (LAPIC(0x300) & 1u << 12)
        asm volatile("pause");
}

/* From real mode at AP_PAGE to ap_main: the tables are the bootstrap processor's own. */
extern char trampoline[], trampoline_end[];
asm(".pushsection .text\n"
    ".code16\n"
    "trampoline:\n"
    "    cli\n"
    "    xor %ax, %ax\n"
    "    mov %ax, %ds\n"
    "    lgdtl ap_gdt\n"
    "    lidtl ap_idt\n"
    "    mov %cr0, %eax\n"
    "    and $~0x60000000, %eax\n"
    "    or $1, %eax\n"
    "    mov %eax, %cr0\n"
    "    ljmpl $0x48, $ap_start\n" /* SEL_KCODE32 */
    "trampoline_end:\n"
    ".code32\n"
    "ap_start:\n"
    "    mov $16, %eax\n"
    "    mov %eax, %ds\n"
    "    mov %eax, %es\n"
    "    mov %eax, %fs\n"
    "    mov %eax, %gs\n"
    "    mov %eax, %ss\n"
#ifdef __x86_64__
    "    mov %cr4, %eax\n"
    "    or $0x20, %eax\n" /* as in enter.S */
    "    mov %eax, %cr4\n"
    "    mov $0x70000, %eax\n"
    "    mov %eax, %cr3\n"
    "    mov $0xc0000080, %ecx\n"
    "    rdmsr\n"
    "    or $0x901, %eax\n"
    "    wrmsr\n"
    "    mov %cr0, %eax\n"
    "    or $0x80000000, %eax\n"
    "    mov %eax, %cr0\n"
    "    ljmp $8, $ap_start64\n"
    ".code64\n"
    "ap_start64:\n"
#else
    "    ljmp $8, $1f\n"
    "1:\n"
#endif
    "    mov $0xfee00020, %eax\n" /* the id: a stack each */
    "    mov (%eax), %eax\n"
    "    shr $24, %eax\n"
    "    inc %eax\n"
    "    shl $12, %eax\n"
    "    add $stacks, %eax\n"
    "    mov %eax, %esp\n"
    "    call ap_main\n"
    "ap_gdt: .word 0\n .quad 0\n"
    "ap_idt: .word 0\n .quad 0\n"
    ".popsection\n");
extern struct {
    uint16_t limit;
    word base;
} __attribute__((packed)) ap_gdt, ap_idt;

#ifdef __x86_64__
static uint64_t apic_directory[512] __attribute__((aligned(4096)));

static inline void smp_map_apic(void)
{
    uint64_t *pdpt = (uint64_t *)0x71000; /* enter.S has one gigabyte mapped */

    apic_directory[0xfee00000u >> 21 & 511] = 0xfee00000u | 0x93;
    pdpt[3] = (word)apic_directory | 7;
}
#endif

static inline void ap_start_all(void)
{
    for (unsigned i = 0; i < (unsigned)(trampoline_end - trampoline); i++)
        ((volatile uint8_t *)AP_PAGE)[i] = (uint8_t)trampoline[i];
    asm volatile("sgdt %0" : "=m"(ap_gdt));
    asm volatile("sidt %0" : "=m"(ap_idt));
    LAPIC(0xf0) = 0x1ff;
    ipi(0, 0x000c4500); /* INIT, all but self */
    ipi(0, 0x000c4600 | AP_PAGE >> 12);
    ipi(0, 0x000c4600 | AP_PAGE >> 12);
}

#endif
