// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * 32-bit and PAE paging against a model of the manual, over the combinations of entries, control
 * bits and accesses that lib/paging_matrix.h lists. SDM 3A 4.3, 4.4, 4.6 to 4.8, 4.10.
 */
// not on: qemu bochs (AC opens SMAP for their descriptor reads; TCG has no P bit beside RSVD)
#include "paging_matrix.h"

#define VA    (0x40000000u + WITHIN)
#define ALIAS 0x80000000u
#define RAM   0x2000000u

static void map_narrow(void)
{
    uint32_t dir = new_table(), alias = new_table();

    for (uint32_t at = 0; at < RAM; at += 0x400000) {
        uint32_t low = new_table();

        put_entry((uint8_t *)dir, at >> 22, low | E_P | E_W);
        for (uint32_t i = 0; i < 1024; i++)
            put_entry((uint8_t *)low, i, at + (i << 12) + (E_P | E_W));
    }
    put_entry((uint8_t *)dir, ALIAS >> 22, alias | E_P | E_U);
    for (uint32_t i = 0; i < 16; i++)
        put_entry((uint8_t *)alias, i, i << 12 | E_P | E_U);
    bench_root = dir;
    bench_tables((uint8_t *)dir);
}

static void test_narrow(void)
{
    now.levels = 2;
    now.wide = false;
    place_count = 0;
    add_place(1, 0x1500000, 0x1500000);
    add_place(1, 0x1501000, 0x1501000);
    add_place(2, 0x1800000, 0x1800000 + WITHIN);
    add_place(2, 0x1c00000, 0x1c00000 + WITHIN);
    map_narrow();
    WRITE_CR(3, bench_root);
    WRITE_CR(0, READ_CR(0) | 0x80000000);
    run_matrix("32-bit", 60000);
    WRITE_CR(0, READ_CR(0) & ~(word)0x80000000);
}

static void map_pae(void)
{
    uint32_t pdpt = new_table(), low = new_table(), high = new_table(), pt = new_table();
    uint32_t tested = new_table();

    put_entry((uint8_t *)pdpt, 0, low | E_P);
    put_entry((uint8_t *)pdpt, 1, tested | E_P);
    put_entry((uint8_t *)pdpt, 2, high | E_P);
    for (uint32_t i = 0; i < RAM >> 21; i++)
        put_entry((uint8_t *)low, i, i << 21 | E_P | E_W | E_PS);
    put_entry((uint8_t *)high, 0, pt | E_P | E_U);
    for (uint32_t i = 0; i < 16; i++)
        put_entry((uint8_t *)pt, i, i << 12 | E_P | E_U);
    bench_root = pdpt;
    bench_tables((uint8_t *)tested);
}

static void test_pae(void)
{
    now.levels = 2;
    now.wide = true;
    place_count = 0;
    add_place(1, 0x1500000, 0x1500000);
    add_place(1, 0x1501000, 0x1501000);
    add_place(2, 0x1200000, 0x1200000 + WITHIN);
    add_place(2, 0x1800000, 0x1800000 + WITHIN);
    map_pae();
    WRITE_CR(4, READ_CR(4) | 0x20);
    WRITE_CR(3, bench_root);
    WRITE_CR(0, READ_CR(0) | 0x80000000);
    run_matrix("PAE", 60000);
    WRITE_CR(0, READ_CR(0) & ~(word)0x80000000);
    WRITE_CR(4, READ_CR(4) & ~(word)0x20);
}

void main(void)
{
    bench_va = VA;
    bench_alias = ALIAS;
    bench_cpu();
    bench_gates();
    test_narrow();
    if (have.pae)
        test_pae();
    else
        skip("PAE");
}
