/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's memory map; see e820.h. */
#include "machine/e820.h"

#include <string.h>

#include "base/error.h"

#define EBDA_BASE UINT64_C(0x9fc00)
#define ROM_BASE  UINT64_C(0xf0000)
#define MIB       UINT64_C(0x100000)

void e820_split(uint64_t total, uint64_t *low, uint64_t *high)
{
    *low = total < RAM_LOW_MAX ? total : RAM_LOW_MAX;
    *high = total - *low;
}

uint32_t e820_pci_hole(uint64_t low_size)
{
    return low_size <= UINT64_C(0x80000000) ? 0x80000000u : (uint32_t)RAM_LOW_MAX;
}

static void append(struct e820_map *m, uint64_t base, uint64_t end, uint32_t type)
{
    struct e820_entry *last = m->n ? &m->e[m->n - 1] : NULL;

    if (base >= end)
        return;
    if (last && last->type == type && last->base + last->len == base) {
        last->len = end - last->base;
        return;
    }
    invariant(m->n < E820_MAX);
    m->e[m->n++] = (struct e820_entry){base, end - base, type};
}

void e820_set(struct e820_map *m, uint64_t base, uint64_t len, enum e820_type type)
{
    struct e820_map old = *m;
    uint64_t end = base + len;
    bool placed = false;

    if (!len)
        return;
    invariant(end > base);
    m->n = 0;
    for (unsigned k = 0; k < old.n; k++) {
        uint64_t b = old.e[k].base, e = b + old.e[k].len;

        append(m, b, e < base ? e : base, old.e[k].type);
        if (!placed && e > base) {
            append(m, base, end, (uint32_t)type);
            placed = true;
        }
        append(m, b > end ? b : end, e, old.e[k].type);
    }
    if (!placed)
        append(m, base, end, (uint32_t)type);
}

void e820_for_firmware(struct e820_map *m, uint64_t low_size, uint64_t high_size)
{
    m->n = 0;
    e820_set(m, 0, low_size, E820_RAM);
    e820_set(m, RAM_HIGH_BASE, high_size, E820_RAM);
}

void e820_for_kernel(struct e820_map *m, uint64_t low_size, uint64_t high_size, uint64_t nvs_base,
                     uint64_t nvs_len)
{
    e820_for_firmware(m, low_size, high_size);
    e820_set(m, EBDA_BASE, 0xa0000 - EBDA_BASE, E820_RESERVED);
    e820_set(m, ROM_BASE, MIB - ROM_BASE, E820_RESERVED);
    /* the adapter area between them is neither RAM nor reserved: the map says nothing about it */
    for (unsigned k = 0; k < m->n; k++) {
        if (m->e[k].base == 0xa0000 && m->e[k].type == E820_RAM) {
            memmove(&m->e[k], &m->e[k + 1], (m->n - k - 1) * sizeof(m->e[0]));
            m->n--;
        }
    }
    e820_set(m, nvs_base, nvs_len, E820_NVS);
}

void *guest_ram_at(const struct guest_ram *ram, uint64_t gpa, uint64_t len)
{
    if (gpa <= ram->low_size && len <= ram->low_size - gpa)
        return ram->low + gpa;
    if (ram->high && gpa >= RAM_HIGH_BASE) {
        uint64_t off = gpa - RAM_HIGH_BASE;

        if (off <= ram->high_size && len <= ram->high_size - off)
            return ram->high + off;
    }
    return NULL;
}
