/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mmu=shadow with paging off (cpu/mmu_direct.h): frames are mapped as large as slots allow; what is
 * a guest table for another vCPU is told of; the dirty log splits, marks and lets grow together
 * again; and the tree goes with the last vCPU that uses it.
 */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "cpu/access.h"
#include "cpu/mmu_direct.h"
#include "cpu/mmu_shadow/dirty_log.h"
#include "cpu/mmu_shadow/page_track.h"
#include "cpu/mmu_shadow/shadow_mmu.h"
#include "cpu/mmu_shadowed.h"

#define MB       (UINT64_C(1) << 20)
#define RAM_SIZE (8 * MB)
#define ROM      UINT64_C(0x10000000)
#define HOLE     UINT64_C(0x20000000)
#define PD       UINT64_C(0x400000) /* 32-bit tables of the vCPU with paging on */
#define PT       UINT64_C(0x401000)
#define VA       0x80000000u

enum { SLOT_RAM, SLOT_ROM };

static uint8_t *ram, *rom;
static struct cpu_group *group;
static struct memslots_vm *slots;
static struct mmu_shadow *mmu;
static struct cpu *cpu[2]; /* the first with paging off, the second with paging on */

static void protect(void *opaque, const struct memslot *s, uint64_t first, uint64_t mask)
{
    (void)opaque;
    mmu_shadow_write_protect(mmu, s, first, mask);
}

static void flush(void *opaque)
{
    (void)opaque;
    cpu_group_flush(group, NULL);
}

static void changed(void *opaque, const struct memslots *was, const struct memslots *now)
{
    (void)opaque, (void)was, (void)now;
    cpu_group_flush(group, NULL);
    mmu_shadow_synchronize(mmu);
}

static void change(enum memslots_op op, int id, gpa_t gpa, uint64_t size, uint8_t *hva,
                   uint32_t flags)
{
    const struct memslots_change c = {
        .op = op, .id = id, .gpa = gpa, .size = size, .hva = hva, .flags = flags};

    assert_int_equal(memslots_change(slots, &c), MEMSLOTS_OK);
}

static int setup(void **state)
{
    const struct dirty_protect p = {.protect = protect, .flush = flush};

    (void)state;
    ram = aligned_alloc(2 * MB, RAM_SIZE);
    rom = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
    memset(ram, 0, RAM_SIZE);
    memset(rom, 0xee, PAGE_SIZE);
    slots = memslots_new();
    group = cpu_group_new();
    mmu = mmu_shadow_new(group, slots);
    for (unsigned k = 0; k < 2; k++) {
        const struct cpu_config cfg = {
            .id = k, .model = "max", .slots = slots, .mmu = &mmu_walk_ops, .group = group};

        cpu[k] = cpu_new(&cfg);
        assert_non_null(cpu[k]);
        mmu_shadow_attach(cpu[k], mmu);
    }
    memslots_set_hooks(slots, NULL, changed, NULL);
    memslots_set_dirty_protect(slots, &p);
    change(MEMSLOTS_CREATE, SLOT_RAM, 0, RAM_SIZE, ram, 0);
    change(MEMSLOTS_CREATE, SLOT_ROM, ROM, PAGE_SIZE, rom, MEMSLOT_READONLY);
    st_le32(ram + PD + (VA >> 22) * 4, PT | 3);
    st_le32(ram + PT, 0x123000 | 3);
    cpu[1]->cr3 = PD;
    cpu[1]->cr0 |= CR0_PE | CR0_PG;
    cpu_tlb_flush(cpu[1], true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 2; k++)
        mmu_shadow_detach(cpu[k]);
    mmu_shadow_free(mmu);
    for (unsigned k = 0; k < 2; k++)
        cpu_free(cpu[k]);
    cpu_group_free(group);
    memslots_free(slots);
    free(ram);
    free(rom);
    return 0;
}

static struct mmu_xlat translate(unsigned k, gva_t va, unsigned acc)
{
    struct mmu_xlat x;
    uint32_t error;

    cpu_enter_guest(cpu[k]);
    assert_int_equal(cpu[k]->mmu->translate(cpu[k], va, acc, false, false, &x, &error), 0);
    cpu_leave_guest(cpu[k]);
    return x;
}

/* The first vCPU's, by its TLB. */
static void store(gva_t va, uint32_t v)
{
    cpu_enter_guest(cpu[0]);
    mem_write_slow(cpu[0], NULL, va, v, 4);
    cpu_leave_guest(cpu[0]);
}

static uint32_t load(gva_t va)
{
    uint32_t v;

    cpu_enter_guest(cpu[0]);
    v = (uint32_t)mem_read_slow(cpu[0], NULL, va, 4);
    cpu_leave_guest(cpu[0]);
    return v;
}

static struct mmu_direct_counts counts(void)
{
    mmu_shadow_audit(mmu);
    return mmu_direct_count(cpu[0]->direct);
}

static void test_what_there_is(void **state)
{
    static const unsigned kinds[] = {ACC_R, ACC_W, ACC_X};

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
        assert_int_equal(translate(0, 0x345678, kinds[k]).gpa, 0x345678);
        assert_true(translate(0, 0x345678, kinds[k]).writable);
        assert_int_equal(translate(0, ROM + 4, kinds[k]).gpa, ROM + 4);
        assert_false(translate(0, ROM + 4, kinds[k]).writable);
        assert_int_equal(translate(0, HOLE, kinds[k]).gpa, HOLE);
    }
    cpu_set_a20(cpu[0], false);
    assert_int_equal(translate(0, 0x100010, ACC_R).gpa, 0x10);
    /* two megabytes at once, but for the page of ROM */
    assert_int_equal(counts().leafs[2], 2);
    assert_int_equal(counts().leafs[1], 1);
}

static void test_a_table_of_another_vcpu(void **state)
{
    (void)state;
    assert_true(translate(0, PT, ACC_W).writable);
    assert_int_equal(translate(1, VA, ACC_R).gpa, 0x123000);
    /* protected since: small pages around it, and no direct way to store to it */
    assert_false(translate(0, PT, ACC_W).writable);
    assert_true(translate(0, PT + 0x10000, ACC_W).writable);
    assert_int_equal(counts().leafs[2], 0);
    /* told, the other sees it without a flush: the entry was used by nobody's TLB */
    store(PT, 0x234000 | 3 | 0x20);
    assert_int_equal(translate(1, VA, ACC_R).gpa, 0x234000);
    counts();
}

static bool dirty(uint64_t gpa)
{
    uint64_t bitmap[RAM_SIZE / PAGE_SIZE / 64];

    dirty_log_harvest(slots, SLOT_RAM, bitmap);
    return bitmap[gpa / PAGE_SIZE / 64] >> (gpa / PAGE_SIZE % 64) & 1;
}

static void test_mail003_log_of_direct_pages(void **state)
{
    (void)state;
    translate(0, 0x200000, ACC_W);
    translate(0, 0x600000, ACC_W);
    assert_int_equal(counts().leafs[2], 2);
    change(MEMSLOTS_FLAGS, SLOT_RAM, 0, RAM_SIZE, ram, MEMSLOT_LOG_DIRTY);
    /* split at once, and protected */
    assert_int_equal(counts().leafs[2], 0);
    assert_int_equal(counts().leafs[1], 1024);
    assert_false(translate(0, 0x200000, ACC_R).writable);
    assert_false(dirty(0x200000));
    store(0x201000, 1);
    assert_true(dirty(0x201000));
    assert_false(dirty(0x201000));
    store(0x201000, 2); /* its TLB was flushed by the harvest */
    assert_true(dirty(0x201000));
    assert_false(dirty(0x202000));
    counts();
}

static void test_mail001_large_again_when_the_log_ends(void **state)
{
    (void)state;
    translate(0, 0x200000, ACC_W);
    change(MEMSLOTS_FLAGS, SLOT_RAM, 0, RAM_SIZE, ram, MEMSLOT_LOG_DIRTY);
    store(0x201000, 1);
    assert_int_equal(counts().leafs[2], 0);
    change(MEMSLOTS_FLAGS, SLOT_RAM, 0, RAM_SIZE, ram, 0);
    assert_int_equal(counts().leafs[2], 1);
    assert_int_equal(counts().leafs[1], 0);
    assert_int_equal(counts().recovered, 1);
    assert_true(translate(0, 0x203000, ACC_R).writable);
}

/* A change of the map: everything is anew. */
static void test_slots_change(void **state)
{
    (void)state;
    store(0x200000, 0x55);
    assert_int_equal(counts().leafs[2], 1);
    change(MEMSLOTS_DELETE, SLOT_ROM, 0, 0, NULL, 0);
    assert_int_equal(counts().leafs[2], 0);
    assert_int_equal(load(0x200000), 0x55);
    change(MEMSLOTS_MOVE, SLOT_RAM, 0x40000000, RAM_SIZE, ram, 0);
    assert_int_equal(translate(0, 0x200000, ACC_R).gpa, 0x200000); /* no memory there */
    assert_int_equal(counts().leafs[2], 0);
    assert_int_equal(load(0x40200000), 0x55);
}

static void test_the_tree_goes_with_the_last_user(void **state)
{
    (void)state;
    translate(0, 0x200000, ACC_W);
    translate(1, VA, ACC_R); /* has paging on: no user */
    assert_true(counts().tables > 0);
    cpu[0]->cr3 = PD;
    cpu[0]->cr0 |= CR0_PE | CR0_PG;
    cpu_tlb_flush(cpu[0], true);
    assert_int_equal(translate(0, VA, ACC_R).gpa, 0x123000);
    assert_int_equal(counts().tables, 0);
    cpu[0]->cr0 &= ~(uint64_t)CR0_PG;
    cpu_tlb_flush(cpu[0], true);
    assert_true(translate(0, 0x200000, ACC_W).writable);
    assert_true(counts().tables > 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_what_there_is),
        CASE(test_a_table_of_another_vcpu),
        CASE(test_mail003_log_of_direct_pages),
        CASE(test_mail001_large_again_when_the_log_ends),
        CASE(test_slots_change),
        CASE(test_the_tree_goes_with_the_last_user),
    };
    return unit_main(tests);
}
