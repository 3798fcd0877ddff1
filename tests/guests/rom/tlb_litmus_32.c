// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TLB litmus tests over four processors under 32-bit paging: a stale translation may live until the
 * flush, never after. SDM 3A 4.10.
 */
// options: -smp 4
// not on: bochs (its configuration has one processor) qemu (gives no way while waiting: minutes)
#include "tlb_aliases.h"
#include "tlb_versions.h"

#define CPUS 4u

static uint32_t root[1024] __attribute__((aligned(4096)));

static void enter_paging(void)
{
    WRITE_CR(4, READ_CR(4) | 0x10);
    WRITE_CR(3, root);
    WRITE_CR(0, READ_CR(0) | 0x80010000);
}

void ap_main(void)
{
    LAPIC(0xf0) = 0x1ff;
    enter_paging();
    if (self() == 3) /* one that may write everywhere */
        WRITE_CR(0, READ_CR(0) & ~(word)0x10000);
    obey();
}

void main(void)
{
    cpus = CPUS;
    flush_features();
    for (uint32_t i = 0; i < 8; i++)
        root[i] = i << 22 | LINK | E_PS;
    for (uint32_t i = 0xfec00000 >> 22; i < 1024; i++)
        root[i] = i << 22 | LINK | E_PS;
    enter_paging();
    trap_hook = probe_trap;
    ap_start_all();
    while (up != cpus - 1)
        relax();
    test_versions((word)root, 0x80000000, 0x80400000, 5000);
    trap_hook = probe_trap;
    alias_root = (word)root;
    test_marks(3000);
    test_counters(5000);
    test_self_map(5000);
}
