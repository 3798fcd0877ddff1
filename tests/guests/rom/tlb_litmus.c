// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TLB litmus tests over four processors under 4-level paging: a stale translation may live until
 * the flush, never after. SDM 3A 4.10, APM 2 5.5.
 */
// guest: 64
// options: -smp 4
// not on: bochs (its configuration has one processor) qemu (gives no way while waiting: minutes)
#include "tlb_contexts.h"
#include "tlb_versions.h"

#define CPUS 4u

static uint64_t root[512] __attribute__((aligned(4096)));

void ap_main(void)
{
    LAPIC(0xf0) = 0x1ff;
    WRITE_CR(3, root);
    WRITE_CR(0, READ_CR(0) | 0x10000);
    if (self() == 3) /* one that may write everywhere */
        WRITE_CR(0, READ_CR(0) & ~(word)0x10000);
    obey();
}

void main(void)
{
    cpus = CPUS;
    flush_features();
    smp_map_apic();
    root[0] = 0x71000 | LINK;
    WRITE_CR(3, root);
    WRITE_CR(0, READ_CR(0) | 0x10000);
    trap_hook = probe_trap;
    ap_start_all();
    while (up != cpus - 1)
        relax();
    test_versions((word)root, 5ull << 39, 6ull << 39, 5000);
    trap_hook = probe_trap;
    alias_root = (word)root;
    test_marks(3000);
    test_counters(5000);
    test_self_map(5000);
    test_contexts(20000);
}
