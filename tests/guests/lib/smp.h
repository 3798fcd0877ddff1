/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For 32-bit guests with several processors: the local APIC, IPIs, and the start of the others by
 * INIT-SIPI-SIPI (SDM 3A 9.4.4). Included by the guest's one file, which defines ap_main.
 */
#ifndef SMP_H
#define SMP_H

#include "test.h"

#define LAPIC(r) (*(volatile uint32_t *)(0xfee00000u + (r)))
#define AP_PAGE  0x8000u /* where they start; beyond the guest's own code */
#define SMP_CPUS 8

/* What each started processor runs, with interrupts off, on a stack of its own. Does not return. */
void ap_main(void);

static uint8_t stacks[SMP_CPUS][4096] __attribute__((aligned(16), used));

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
    "    ljmpl $8, $ap_start\n"
    "trampoline_end:\n"
    ".code32\n"
    "ap_start:\n"
    "    mov $16, %eax\n"
    "    mov %eax, %ds\n"
    "    mov %eax, %es\n"
    "    mov %eax, %fs\n"
    "    mov %eax, %gs\n"
    "    mov %eax, %ss\n"
    "    mov 0xfee00020, %eax\n" /* the id: a stack each */
    "    shr $24, %eax\n"
    "    inc %eax\n"
    "    shl $12, %eax\n"
    "    add $stacks, %eax\n"
    "    mov %eax, %esp\n"
    "    call ap_main\n"
    "ap_gdt: .word 0\n .long 0\n"
    "ap_idt: .word 0\n .long 0\n"
    ".popsection\n");
extern struct {
    uint16_t limit;
    uint32_t base;
} __attribute__((packed)) ap_gdt, ap_idt;

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
