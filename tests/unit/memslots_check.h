/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must hold of every generation of memory slots, for the tests that change them. */
#ifndef TESTS_UNIT_MEMSLOTS_CHECK_H
#define TESTS_UNIT_MEMSLOTS_CHECK_H

#include "tests/unit/slots_rig.h"

/* Sorted, apart from each other, and the table of ids right in both directions. */
static inline void assert_whole(const struct memslots *g)
{
    unsigned ids = 0;

    assert_in_range(g->used, 0, MEMSLOTS_MAX);
    for (unsigned k = 0; k < g->used; k++) {
        const struct memslot *s = &g->slot[k];

        assert_in_range(s->id, 0, MEMSLOT_IDS - 1);
        assert_int_equal(g->id_to_index[s->id], k);
        assert_true(s->npages > 0);
        assert_int_equal(s->arch->npages, s->npages);
        assert_true(!k || s->base_gfn + s->npages <= s[-1].base_gfn);
    }
    for (int id = 0; id < MEMSLOT_IDS; id++) {
        if (g->id_to_index[id] == -1)
            continue;
        assert_in_range(g->id_to_index[id], 0, g->used - 1);
        assert_int_equal(g->slot[g->id_to_index[id]].id, id);
        ids++;
    }
    assert_int_equal(ids, g->used);
}

/* The same of what is current; nobody but it has references. */
static inline const struct memslots *assert_whole_now(struct memslots_vm *vm)
{
    const struct memslots *g = memslots_now(vm);

    assert_whole(g);
    for (unsigned k = 0; k < g->used; k++)
        assert_int_equal(g->slot[k].arch->refs, 1);
    return g;
}

#endif
