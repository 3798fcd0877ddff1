/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See slot_pages.h. */
#include "cpu/mmu_shadow/slot_pages.h"

#include <glib.h>
#include <stdatomic.h>

#include "base/error.h"

static uint64_t entries(const struct slot_pages *p, unsigned level)
{
    return slot_index(p, p->base + p->npages - 1, level) + 1;
}

struct slot_pages *slot_pages_new(gfn_t base, uint64_t npages)
{
    struct slot_pages *p = g_new0(struct slot_pages, 1);

    p->base = base;
    p->npages = npages;
    for (unsigned level = 1; level <= SLOT_LEVELS; level++)
        p->rmap[level - 1] = g_new0(struct pte_list, entries(p, level));
    for (unsigned level = 2; level <= SLOT_LEVELS; level++)
        p->shadowed[level - 2] = g_new0(uint32_t, entries(p, level));
    return p;
}

void slot_pages_free(struct slot_pages *p)
{
    if (!p)
        return;
    for (unsigned level = 1; level <= SLOT_LEVELS; level++) {
        for (uint64_t k = 0; k < entries(p, level); k++)
            invariant(!atomic_load_explicit(&p->rmap[level - 1][k].head, memory_order_relaxed));
        g_free(p->rmap[level - 1]);
    }
    for (unsigned level = 2; level <= SLOT_LEVELS; level++)
        g_free(p->shadowed[level - 2]);
    g_free(p);
}

unsigned slot_max_level(const struct slot_pages *p, gfn_t gfn, unsigned most)
{
    unsigned level = 1;

    while (level < most && level < SLOT_LEVELS) {
        uint64_t pages = UINT64_C(1) << (9 * level);
        gfn_t first = gfn & ~(pages - 1);

        if (first < p->base || first + pages > p->base + p->npages ||
            p->shadowed[level - 1][slot_index(p, gfn, level + 1)])
            break;
        level++;
    }
    return level;
}

void slot_count_shadowed(struct slot_pages *p, gfn_t gfn, int n)
{
    for (unsigned level = 2; level <= SLOT_LEVELS; level++) {
        uint32_t *count = &p->shadowed[level - 2][slot_index(p, gfn, level)];

        invariant(n > 0 || *count);
        *count += (uint32_t)n;
    }
}
