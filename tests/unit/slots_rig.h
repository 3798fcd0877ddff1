/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes of memory slots in one line each, for tests that need a map rather than test it. */
#ifndef TESTS_UNIT_SLOTS_RIG_H
#define TESTS_UNIT_SLOTS_RIG_H

#include "cpu/mmu_shadow/memslots.h"
#include "tests/unit/unit.h"

static inline enum memslots_refusal slots_try(struct memslots_vm *vm, enum memslots_op op, int id,
                                              gpa_t gpa, uint64_t size, void *hva, uint32_t flags)
{
    struct memslots_change c = {
        .op = op, .id = id, .gpa = gpa, .size = size, .hva = (uint8_t *)hva, .flags = flags};

    return memslots_change(vm, &c);
}

static inline void slots_create(struct memslots_vm *vm, int id, gpa_t gpa, uint64_t size, void *hva,
                                uint32_t flags)
{
    assert_int_equal(slots_try(vm, MEMSLOTS_CREATE, id, gpa, size, hva, flags), MEMSLOTS_OK);
}

static inline void slots_delete(struct memslots_vm *vm, int id)
{
    assert_int_equal(slots_try(vm, MEMSLOTS_DELETE, id, 0, 0, NULL, 0), MEMSLOTS_OK);
}

#endif
