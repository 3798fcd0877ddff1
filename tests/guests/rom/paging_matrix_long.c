// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * 4-level paging, and 5-level where CPUID offers it, against a model of the manual, over the
 * combinations of entries, control bits and accesses that lib/paging_matrix.h lists, protection
 * keys among them. SDM 3A 4.5 to 4.8, 4.10.
 */
// guest: 64
// not on: qemu bochs (AC opens SMAP for their descriptor reads; TCG has no P bit beside RSVD)
#include "paging_matrix.h"

#define VA4   (0xffff900000000000ull + (3ull << 30) + WITHIN)
#define VA5   (0xff10000000000000ull + (5ull << 39) + (7ull << 30) + WITHIN)
#define RAM   0x2000000u
#define LINK  (E_P | E_W | E_U)
#define ALIAS 0x0000008000000000ull /* under the second PML4E */

static uint8_t *at(uint32_t table)
{
    return (uint8_t *)(word)table;
}

/* A PML4 with the guest's memory, for ring 0, and its code once more, for ring 3. */
static uint32_t kernel_tables(void)
{
    uint32_t pml4 = new_table(), pdpt = new_table(), pd = new_table();
    uint32_t pdpt2 = new_table(), pd2 = new_table(), pt2 = new_table();

    put_entry(at(pml4), 0, pdpt | E_P | E_W);
    put_entry(at(pdpt), 0, pd | E_P | E_W);
    for (uint32_t i = 0; i < RAM >> 21; i++)
        put_entry(at(pd), i, i << 21 | E_P | E_W | E_PS);
    put_entry(at(pml4), 1, pdpt2 | LINK);
    put_entry(at(pdpt2), 0, pd2 | LINK);
    put_entry(at(pd2), 0, pt2 | LINK);
    for (uint32_t i = 0; i < 16; i++)
        put_entry(at(pt2), i, i << 12 | E_P | E_U);
    return pml4;
}

static void set_places(void)
{
    place_count = 0;
    add_place(1, 0x1500000, 0x1500000);
    add_place(1, 0x1501000, 0x1501000);
    add_place(2, 0x1200000, 0x1200000 + WITHIN);
    add_place(2, 0x1800000, 0x1800000 + WITHIN);
    if (now.gbyte)
        add_place(3, 0, WITHIN + 0x1000000);
}

/* Out of long mode, to another CR3 and CR4, and back. */
volatile uint32_t switch_cr3 __attribute__((used)), switch_cr4 __attribute__((used));
void switch_paging(void);
asm(".pushsection .text\n"
    "switch_paging: push %rbx; push %rbp\n"
    "mov $0x10, %eax; mov %eax, %ss\n"
    "ljmp *far_32\n"
    ".code32\n"
    "1: mov %cr0, %eax; and $0x7fffffff, %eax; mov %eax, %cr0\n"
    "mov switch_cr4, %eax; mov %eax, %cr4\n"
    "mov switch_cr3, %eax; mov %eax, %cr3\n"
    "mov %cr0, %eax; or $0x80000000, %eax; mov %eax, %cr0\n"
    "ljmp *far_64\n"
    ".code64\n"
    "2: pop %rbp; pop %rbx; ret\n"
    "far_32: .long 1b; .word 0x48\n"
    "far_64: .long 2b; .word 0x08\n"
    ".popsection\n");

void main(void)
{
    uint32_t pml4, pml5;

    bench_cpu();
    bench_gates();
    bench_alias = ALIAS;
    now.lng = now.wide = true;
    set_places();
    bench_root = pml4 = kernel_tables();
    now.levels = 4;
    bench_va = VA4 + 0x1000000;
    bench_tables(at(pml4));
    WRITE_CR(3, bench_root);
    run_matrix("4-level", 100000);
    if (!have.la57) {
        skip("5-level paging");
        return;
    }
    pml5 = new_table();
    put_entry(at(pml5), 0, pml4 | LINK);
    bench_root = switch_cr3 = pml5;
    switch_cr4 = (uint32_t)READ_CR(4) | 1u << 12;
    switch_paging();
    now.levels = 5;
    bench_va = VA5 + 0x1000000;
    bench_tables(at(pml5));
    was_global = true;
    run_matrix("5-level", 100000);
}
