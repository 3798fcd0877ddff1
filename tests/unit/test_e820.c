/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory map (machine/e820.h) against a model that knows each page's type, and pointers into
 * guest RAM at its edges. What the maps for firmware and kernels look like is in
 * test_firmware_tables.c. */
#include "tests/unit/unit.h"

#include <glib.h>

#include "machine/e820.h"

#define PAGES 200
#define PAGE  UINT64_C(0x1000)

/* Sorted, not overlapping, joined where neighbours are of one type, and what the model says. */
static void expect_model(const struct e820_map *m, const uint8_t *model)
{
    uint8_t found[PAGES] = {0};

    for (unsigned k = 0; k < m->n; k++) {
        const struct e820_entry *e = &m->e[k];

        assert_true(e->len > 0);
        if (k) {
            uint64_t end = m->e[k - 1].base + m->e[k - 1].len;

            assert_true(end <= e->base);
            assert_true(end < e->base || e->type != m->e[k - 1].type);
        }
        for (uint64_t p = e->base / PAGE; p < (e->base + e->len) / PAGE; p++)
            found[p] = (uint8_t)e->type;
    }
    assert_memory_equal(found, model, PAGES);
}

static unsigned runs(const uint8_t *model)
{
    unsigned n = 0;

    for (unsigned p = 0; p < PAGES; p++)
        n += model[p] && (!p || model[p] != model[p - 1]);
    return n;
}

static void test_set_against_model(void **state)
{
    GRand *rnd = g_rand_new_with_seed(7);

    (void)state;
    for (unsigned round = 0; round < 500; round++) {
        struct e820_map m = {.n = 0};
        uint8_t model[PAGES] = {0};

        for (unsigned k = 0; k < 60; k++) {
            unsigned base = (unsigned)g_rand_int_range(rnd, 0, PAGES);
            unsigned len = (unsigned)g_rand_int_range(rnd, 0, MIN(PAGES - (int)base, 40) + 1);
            enum e820_type type = (enum e820_type)g_rand_int_range(rnd, E820_RAM, E820_NVS + 1);

            memset(model + base, (int)type, len);
            if (runs(model) > E820_MAX)
                break; /* more than the contract allows */
            e820_set(&m, base * PAGE, len * PAGE, type);
            expect_model(&m, model);
            assert_int_equal(m.n, runs(model));
        }
    }
    g_rand_free(rnd);
}

static void test_large_addresses(void **state)
{
    struct e820_map m = {.n = 0};

    (void)state;
    e820_set(&m, 0, UINT64_C(1) << 63, E820_RAM);
    e820_set(&m, UINT64_C(1) << 40, 1, E820_RESERVED);
    assert_int_equal(m.n, 3);
    assert_true(m.e[0].len == UINT64_C(1) << 40);
    assert_true(m.e[1].len == 1 && m.e[1].type == E820_RESERVED);
    assert_true(m.e[2].base == (UINT64_C(1) << 40) + 1);
    assert_true(m.e[2].base + m.e[2].len == UINT64_C(1) << 63);
    e820_set(&m, 5, 0, E820_NVS); /* nothing */
    assert_int_equal(m.n, 3);
}

/* For every RAM size the two maps cover the RAM that there is and not a byte more. */
static void test_maps_match_ram(void **state)
{
    static const uint64_t mib[] = {1, 2, 3, 16, 2048, 3071, 3072, 3073, 4096, 512 << 10};

    (void)state;
    for (unsigned k = 0; k < G_N_ELEMENTS(mib); k++) {
        uint64_t low, high, total = 0, nvs = 0x10000;
        struct e820_map m;

        e820_split(mib[k] << 20, &low, &high);
        assert_true(low + high == mib[k] << 20 && low <= RAM_LOW_MAX);
        e820_for_firmware(&m, low, high);
        for (unsigned n = 0; n < m.n; n++)
            total += m.e[n].type == E820_RAM ? m.e[n].len : 0;
        assert_true(total == mib[k] << 20);
        assert_true(e820_pci_hole(low) >= low);
        if (mib[k] == 1)
            continue; /* no kernel starts there */
        e820_for_kernel(&m, low, high, low - nvs, nvs);
        total = 0;
        for (unsigned n = 0; n < m.n; n++) {
            uint64_t end = m.e[n].base + m.e[n].len;

            if (m.e[n].type == E820_RAM)
                total += m.e[n].len;
            assert_true(end <= low ||
                        (m.e[n].base >= RAM_HIGH_BASE && end <= RAM_HIGH_BASE + high));
            assert_false(m.e[n].base < 0xf0000 && end > 0xa0000); /* the adapters' */
        }
        assert_true(total == (mib[k] << 20) - nvs - (0x100000 - 0x9fc00));
    }
}

static void test_guest_ram_at(void **state)
{
    static uint8_t low[4096], high[4096];
    struct guest_ram r = {.low = low, .low_size = 4096, .high = high, .high_size = 4096};
    const uint64_t h = RAM_HIGH_BASE;

    (void)state;
    assert_ptr_equal(guest_ram_at(&r, 0, 4096), low);
    assert_ptr_equal(guest_ram_at(&r, 4095, 1), low + 4095);
    assert_null(guest_ram_at(&r, 4095, 2));
    assert_null(guest_ram_at(&r, 0, 4097));
    assert_null(guest_ram_at(&r, 1, UINT64_MAX));
    assert_null(guest_ram_at(&r, 4097, 0));
    assert_ptr_equal(guest_ram_at(&r, h, 4096), high);
    assert_ptr_equal(guest_ram_at(&r, h + 4095, 1), high + 4095);
    assert_null(guest_ram_at(&r, h + 4095, 2));
    assert_null(guest_ram_at(&r, h - 1, 2));
    assert_null(guest_ram_at(&r, UINT64_MAX, 1));
    assert_null(guest_ram_at(&r, h + 1, UINT64_MAX));
    r.high = NULL;
    r.high_size = 0;
    assert_null(guest_ram_at(&r, h, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_against_model),
        cmocka_unit_test(test_large_addresses),
        cmocka_unit_test(test_maps_match_ram),
        cmocka_unit_test(test_guest_ram_at),
    };
    return unit_main(tests);
}
