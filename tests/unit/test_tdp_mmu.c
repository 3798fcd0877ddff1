/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The direct MMU, one thing at a time: formats, faults, zapping, roots, dirty logging, splitting;
 * and many things at random against a model. Its recovery of huge pages is in test_tdp_huge.c, its
 * races in race_tdp_mmu.c.
 */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "base/bits.h"
#include "tests/unit/tdp_rig.h"

#define M2  UINT64_C(512)    /* pages in 2M */
#define G1  UINT64_C(262144) /* and in 1G */
#define RAM PT_ALL
#define ROM (PT_READ | PT_EXEC)

static struct rig rig;

/* Every test is run for both formats, with four and with five levels. */
static const struct variant {
    const struct pt_format *format;
    int levels;
} variants[] = {{&pt_format_own, 4}, {&pt_format_own, 5}, {&pt_format_ept, 4}, {&pt_format_ept, 5}};

static void assert_sound(const char *broken)
{
    if (broken)
        fail_msg("%s, %d levels: %s", rig.mmu.space.format->name, rig.mmu.levels, broken);
}

static void in_variants(void (*test)(struct rig *r))
{
    for (unsigned k = 0; k < ARRAY_SIZE(variants); k++) {
        rig_init(&rig, variants[k].format, variants[k].levels);
        test(&rig);
        assert_sound(rig_end(&rig));
    }
}

static unsigned rights_at(struct rig *r, gfn_t gfn, int *level)
{
    uint64_t spte = rig_lookup(r, gfn, level);

    return spte ? pt_rights(r->mmu.space.format, spte) : 0;
}

static void assert_maps(struct rig *r, gfn_t gfn, int level, unsigned rights)
{
    int found;

    assert_int_equal(rights_at(r, gfn, &found), rights);
    if (rights)
        assert_int_equal(found, level);
}

static uint64_t counter(const _Atomic uint64_t *c)
{
    return atomic_load(c);
}

/* ---- formats ---- */

/* SDM volume 3C, tables 28-1 to 28-7: bits 2:0 R, W, X; 5:3 memory type, 6 is write-back; 7 huge;
 * 8 accessed; 9 dirty. */
static void test_ept_entries_are_the_manuals(void **state)
{
    const struct pt_format *f = &pt_format_ept;

    (void)state;
    assert_int_equal(pt_make_table(f, 0x12345), 0x12345007);
    assert_int_equal(pt_make_leaf(f, 0x12345, PT_LEVEL_4K, PT_ALL), 0x12345137);
    assert_int_equal(pt_make_leaf(f, 0x12345, PT_LEVEL_4K, PT_READ), 0x12345131);
    assert_int_equal(pt_make_leaf(f, 0x12200, PT_LEVEL_2M, PT_READ | PT_EXEC), 0x122001b5);
    assert_int_equal(pt_make_leaf(f, 0x40000, PT_LEVEL_1G, PT_READ | PT_WRITE), 0x400001b3);
    assert_int_equal(f->accessed, 0x100);
    assert_int_equal(f->dirty, 0x200);
    /* present is any of R, W and X; what software keeps must be in bits that hardware ignores */
    assert_true(pt_present(f, 4));
    assert_false(pt_present(f, f->frozen));
    assert_int_equal((f->host_mayw | f->mmu_mayw) & ~UINT64_C(0x01f0000000000800), 0);
}

static void test_a_bad_entry_is_named(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 3; k += 2) {
        const struct pt_format *f = variants[k].format;
        uint64_t soft = f->host_mayw | f->mmu_mayw;
        uint64_t leaf = pt_make_leaf(f, 0x40000, PT_LEVEL_4K, PT_ALL) | soft;
        uint64_t huge = pt_make_leaf(f, 0x40000, PT_LEVEL_1G, PT_ALL) | soft;

        assert_null(pt_fault(f, 0, 1));
        assert_null(pt_fault(f, f->frozen, 1));
        assert_null(pt_fault(f, leaf, 1));
        assert_null(pt_fault(f, huge, 2));
        assert_null(pt_fault(f, huge, 3));
        assert_null(pt_fault(f, pt_make_table(f, 7), 4));
        assert_string_equal(pt_fault(f, huge, 4), "a leaf above 1G");
        assert_string_equal(pt_fault(f, huge | 0x1000, 2), "a misaligned huge page");
        assert_string_equal(pt_fault(f, leaf & ~f->host_mayw, 1),
                            "writable though the slot is not");
        assert_string_equal(pt_fault(f, leaf & ~f->mmu_mayw, 1),
                            "writable though write-protected by the MMU");
        assert_string_equal(pt_fault(f, pt_make_table(f, 7) & ~f->write, 2),
                            "an entry that points to a table withholds a right");
        assert_string_equal(pt_fault(f, f->dirty, 1), "bits set in an absent entry");
    }
    /* SDM 28.3.3.1: misconfigurations */
    assert_string_equal(pt_fault(&pt_format_ept, 0x0030000012345136, 1),
                        "a leaf that cannot be read");
    assert_string_equal(pt_fault(&pt_format_ept, 0x0030000012345107, 1),
                        "a memory type other than write-back");
    assert_string_equal(pt_fault(&pt_format_ept, 0x1234500f, 2),
                        "a reserved bit in an entry that points to a table");
}

static void test_small_and_huge_leaves_say_the_same(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 3; k += 2) {
        const struct pt_format *f = variants[k].format;

        for (int level = PT_LEVEL_2M; level <= PT_LEVEL_1G; level++) {
            uint64_t huge = pt_make_leaf(f, 0x80000, level, PT_READ | PT_WRITE);

            for (unsigned i = 0; i < PT_ENTRIES; i += 73) {
                uint64_t small = pt_make_small(f, huge, level, i);

                assert_int_equal(pt_frame(f, small), 0x80000 + i * pt_pages(level - 1));
                assert_int_equal(pt_rights(f, small), PT_READ | PT_WRITE);
                assert_true(pt_is_leaf(f, small, level - 1));
                assert_int_equal(!(small & f->huge), level == PT_LEVEL_2M);
                assert_int_equal(
                    pt_make_huge(f, small, 0x123400000 + i * pt_pages(level - 1), level), huge);
            }
        }
    }
}

/* ---- faults ---- */

static void faults(struct rig *r)
{
    gfn_t reach = UINT64_C(1) << (9 * r->mmu.levels);

    rig_slot(r, 3, 100, RIG_HVA, RAM);
    rig_slot(r, 200, 100, RIG_HVA + 0x100000, ROM);
    rig_slot(r, reach - 10, 20, RIG_HVA + 0x200000, RAM);
    assert_int_equal(rig_fault(r, 0, 2, PT_READ), TDP_NO_SLOT);
    assert_int_equal(rig_fault(r, 0, 103, PT_READ), TDP_NO_SLOT);
    assert_int_equal(rig_fault(r, 0, reach, PT_READ), TDP_NO_SLOT);
    assert_int_equal(rig_fault(r, 0, 200, PT_WRITE), TDP_DENIED);
    assert_int_equal(counter(&r->mmu.stats.tables), 1); /* none of these needed one */
    assert_int_equal(rig_fault(r, 0, 3, PT_READ), TDP_MAPPED);
    assert_int_equal(counter(&r->mmu.stats.tables), r->mmu.levels);
    assert_maps(r, 3, PT_LEVEL_4K, RAM);
    assert_int_equal(rig_fault(r, 1, 3, PT_WRITE), TDP_SPURIOUS);
    assert_int_equal(rig_fault(r, 0, 102, PT_EXEC), TDP_MAPPED);
    assert_int_equal(rig_fault(r, 0, 299, PT_EXEC), TDP_MAPPED);
    assert_maps(r, 299, PT_LEVEL_4K, ROM);
    assert_int_equal(rig_fault(r, 0, 299, PT_WRITE), TDP_DENIED);
    assert_int_equal(rig_fault(r, 0, reach - 1, PT_WRITE), TDP_MAPPED);
    assert_maps(r, reach - 1, PT_LEVEL_4K, RAM);
    assert_int_equal(counter(&r->mmu.stats.leafs[1]), 4);
}

static void test_faults_map_what_the_slot_grants(void **state)
{
    (void)state;
    in_variants(faults);
}

static void huge_faults(struct rig *r)
{
    rig_slot(r, M2 - 3, 3 * M2, RIG_HVA + (M2 - 3) * PAGE_SIZE, RAM);
    rig_slot(r, 6 * M2, M2, RIG_HVA + 5 * PAGE_SIZE, RAM); /* not aligned on the host */
    rig_slot(r, G1 - M2, 2 * G1, RIG_HVA + (8 * G1 - M2) * PAGE_SIZE, ROM);
    assert_int_equal(rig_fault(r, 0, M2 - 1, PT_READ), TDP_MAPPED); /* before the first 2M */
    assert_maps(r, M2 - 1, PT_LEVEL_4K, RAM);
    assert_int_equal(rig_fault(r, 0, M2, PT_READ), TDP_MAPPED);
    assert_maps(r, M2 + 511, PT_LEVEL_2M, RAM);
    assert_int_equal(rig_fault(r, 0, 3 * M2, PT_WRITE), TDP_MAPPED); /* the last is not whole */
    assert_maps(r, 3 * M2, PT_LEVEL_4K, RAM);
    assert_int_equal(rig_fault(r, 0, 6 * M2 + 8, PT_READ), TDP_MAPPED);
    assert_maps(r, 6 * M2 + 8, PT_LEVEL_4K, RAM);
    assert_int_equal(rig_fault(r, 0, G1 - 1, PT_READ), TDP_MAPPED);
    assert_maps(r, G1 - 1, PT_LEVEL_2M, ROM);
    assert_int_equal(rig_fault(r, 0, G1 + 12345, PT_READ), TDP_MAPPED);
    assert_maps(r, G1, PT_LEVEL_1G, ROM);
    r->max_level = PT_LEVEL_4K;
    assert_int_equal(rig_fault(r, 0, 2 * M2, PT_READ), TDP_MAPPED);
    assert_maps(r, 2 * M2, PT_LEVEL_4K, RAM);
}

static void test_faults_map_huge_within_slot_and_alignment(void **state)
{
    (void)state;
    in_variants(huge_faults);
}

static void tracked(struct rig *r)
{
    const struct pt_format *f = r->mmu.space.format;
    int level;

    rig_slot(r, 0, 2 * M2, RIG_HVA, RAM);
    assert_int_equal(rig_access(r, 0, 7, PT_WRITE), RIG_DONE);
    assert_maps(r, 7, PT_LEVEL_2M, RAM);
    rig_track(r, 7);
    assert_sound(rig_check(r));
    assert_maps(r, 7, PT_LEVEL_2M, ROM);
    assert_false(rig_lookup(r, 7, &level) & f->mmu_mayw);
    assert_int_equal(rig_fault(r, 1, 7, PT_WRITE), TDP_TRACKED);
    /* its neighbours are written by a small page each; it is not, whoever splits */
    assert_int_equal(rig_fault(r, 1, 8, PT_WRITE), TDP_MAPPED);
    assert_maps(r, 8, PT_LEVEL_4K, RAM);
    assert_maps(r, 7, PT_LEVEL_4K, ROM);
    assert_int_equal(counter(&r->mmu.stats.splits), 1);
    tdp_mmu_zap_leafs(&r->mmu, 7, 8);
    assert_int_equal(rig_fault(r, 0, 7, PT_READ), TDP_MAPPED);
    assert_maps(r, 7, PT_LEVEL_4K, ROM);
    rig_untrack(r, 7);
    assert_int_equal(rig_fault(r, 0, 7, PT_WRITE), TDP_MAPPED);
    assert_maps(r, 7, PT_LEVEL_4K, RAM);
}

static void test_no_write_access_to_tracked_pages(void **state)
{
    (void)state;
    in_variants(tracked);
}

/* The slot moves on the host after the fault learnt of it. */
static void move_the_slot(struct rig *r)
{
    r->on_slot = NULL;
    rig_remap(r, &r->slots[0], RIG_HVA + 0x40000000);
}

static void retries(struct rig *r)
{
    uint64_t frame;
    int level;

    rig_slot(r, 0, 2 * M2, RIG_HVA, RAM);
    rig_invalidate_begin(r, 9, 10);
    assert_int_equal(rig_fault(r, 0, 9, PT_READ), TDP_RETRY);
    assert_int_equal(rig_fault(r, 0, 8, PT_READ), TDP_RETRY); /* for its 2M reach into it */
    assert_int_equal(rig_fault(r, 0, M2, PT_READ), TDP_MAPPED);
    rig_invalidate_end(r);
    assert_int_equal(rig_fault(r, 0, 9, PT_READ), TDP_MAPPED);
    tdp_mmu_zap_leafs(&r->mmu, 0, M2);
    r->on_slot = move_the_slot;
    assert_int_equal(rig_fault(r, 0, 9, PT_READ), TDP_RETRY);
    assert_int_equal(rig_fault(r, 0, 9, PT_READ), TDP_MAPPED);
    frame = pt_frame(r->mmu.space.format, rig_lookup(r, 0, &level));
    assert_int_equal(frame & 0xffffffff, (RIG_HVA + 0x40000000) >> PAGE_SHIFT & 0xffffffff);
}

static void test_faults_retry_around_invalidations(void **state)
{
    (void)state;
    in_variants(retries);
}

static void no_memory(struct rig *r)
{
    rig_slot(r, 0, 16, RIG_HVA, RAM);
    for (int n = 1; n < r->mmu.levels; n++) {
        r->tables_left = 1;
        assert_int_equal(rig_fault(r, 0, 3, PT_READ), TDP_NO_MEMORY);
    }
    r->tables_left = 1;
    assert_int_equal(rig_fault(r, 0, 3, PT_READ), TDP_MAPPED);
}

static void test_faults_tell_of_no_memory_and_go_on_later(void **state)
{
    (void)state;
    in_variants(no_memory);
}

/* ---- zapping ---- */

static void zaps(struct rig *r)
{
    rig_slot(r, 0, 4 * M2, RIG_HVA, RAM);
    rig_access(r, 0, 0, PT_READ);
    rig_access(r, 0, M2, PT_READ);
    r->max_level = PT_LEVEL_4K;
    for (gfn_t gfn = 2 * M2; gfn < 2 * M2 + 20; gfn++)
        rig_access(r, 1, gfn, PT_WRITE);
    assert_int_equal(r->flushes, 0);
    tdp_mmu_zap_leafs(&r->mmu, M2 + 100, 2 * M2 + 10); /* the second 2M is only reached into */
    assert_int_equal(r->flushes, 1);
    assert_int_equal(r->flush_lo, M2);
    assert_int_equal(r->flush_hi, 2 * M2 + 10);
    assert_sound(rig_check(r));
    assert_maps(r, 0, PT_LEVEL_2M, RAM);
    assert_maps(r, M2, 0, 0);
    assert_maps(r, 2 * M2 + 9, 0, 0);
    assert_maps(r, 2 * M2 + 10, PT_LEVEL_4K, RAM);
    tdp_mmu_zap_leafs(&r->mmu, 3 * M2, 4 * M2);
    assert_int_equal(r->flushes, 1); /* nothing was there */
}

static void test_zap_takes_the_range_and_flushes_once(void **state)
{
    (void)state;
    in_variants(zaps);
}

static void roots(struct rig *r)
{
    struct tdp_root *old;
    struct tdp_fault fault = {.gfn = 5, .access = PT_READ};
    int level;

    rig_slot(r, 0, 4 * M2, RIG_HVA, RAM);
    rig_access(r, 0, 5, PT_READ);
    r->max_level = PT_LEVEL_4K;
    rig_access(r, 1, M2, PT_READ);
    old = r->root[0];
    assert_ptr_equal(old, r->root[1]);
    rwlock_write(&r->lock);
    tdp_mmu_invalidate_roots(&r->mmu);
    rwlock_drop(&r->lock);
    assert_sound(rig_check(r));
    /* still used until the vCPUs are told; so what is zapped now is zapped there too */
    assert_int_not_equal(tdp_mmu_lookup(&r->mmu, old, M2, &level), 0);
    tdp_mmu_zap_leafs(&r->mmu, M2, 2 * M2);
    assert_int_equal(tdp_mmu_lookup(&r->mmu, old, M2, &level), 0);
    assert_int_not_equal(tdp_mmu_lookup(&r->mmu, old, 5, &level), 0);
    assert_int_equal(tdp_mmu_map(&r->mmu, old, &fault), TDP_STALE_ROOT);
    assert_int_equal(rig_fault(r, 0, 5, PT_READ), TDP_STALE_ROOT);
    assert_int_equal(rig_fault(r, 0, 5, PT_READ), TDP_MAPPED);
    assert_ptr_not_equal(old, r->root[0]);
    tdp_mmu_zap_invalid_roots(&r->mmu);
    assert_int_equal(tdp_mmu_lookup(&r->mmu, old, 5, &level), 0);
    assert_int_equal(counter(&r->mmu.stats.tables), r->mmu.levels + 1); /* vCPU 1 has a root */
    assert_int_equal(rig_fault(r, 1, 5, PT_READ), TDP_STALE_ROOT);
    assert_int_equal(counter(&r->mmu.stats.tables), r->mmu.levels);
    tdp_mmu_zap_invalid_roots(&r->mmu); /* again, for nothing */
    rig_grace(r);
    assert_int_equal(r->tables, r->mmu.levels);
}

static void test_roots_are_invalidated_at_one_blow(void **state)
{
    (void)state;
    in_variants(roots);
}

/* ---- dirty logging ---- */

static void writable_by_now(struct rig *r, gfn_t gfn)
{
    int level;

    assert_true(rights_at(r, gfn, &level) & PT_WRITE);
}

static void logging(struct rig *r)
{
    struct tdp_slot *slot = rig_slot(r, 0, 2 * M2, RIG_HVA, RAM);

    rig_access(r, 0, 3, PT_WRITE);
    rig_log(r, slot, true);
    tdp_mmu_write_protect(&r->mmu, 0, 2 * M2);
    assert_int_equal(r->flushes, 1);
    assert_sound(rig_check(r));
    assert_maps(r, 3, PT_LEVEL_2M, ROM);
    r->on_dirty = writable_by_now; /* mail 003: writable first, then dirty */
    assert_int_equal(rig_access(r, 0, 3, PT_WRITE), RIG_DONE);
    assert_maps(r, 3, PT_LEVEL_4K, RAM);
    assert_maps(r, 4, PT_LEVEL_4K, ROM);
    rig_access(r, 0, 60, PT_WRITE);
    rig_access(r, 0, 61, PT_READ); /* reading grants no writing */
    rig_access(r, 0, M2 + 1, PT_READ);
    assert_maps(r, M2 + 1, PT_LEVEL_4K, ROM);
    assert_int_equal(rig_harvest(r, 0), UINT64_C(1) << 60 | 1 << 3);
    assert_sound(rig_check(r));
    assert_maps(r, 3, PT_LEVEL_4K, ROM);
    assert_int_equal(rig_harvest(r, 0), 0);
    rig_access(r, 1, 3, PT_WRITE);
    assert_int_equal(rig_harvest(r, 0), 1 << 3);
    r->on_dirty = NULL;
}

static void test_mail003_writable_then_dirty_then_harvest(void **state)
{
    (void)state;
    in_variants(logging);
}

static void masks(struct rig *r)
{
    static const uint64_t of[] = {1, 0x8000000000000001, ~UINT64_C(0), 0xff00ff0000000f0f};

    rig_slot(r, 0, 200, RIG_HVA, RAM);
    for (unsigned k = 0; k < ARRAY_SIZE(of); k++) {
        for (gfn_t gfn = 0; gfn < 200; gfn++)
            rig_access(r, 0, gfn, PT_WRITE);
        tdp_mmu_write_protect_mask(&r->mmu, 70, of[k]);
        assert_sound(rig_check(r));
        for (gfn_t gfn = 0; gfn < 200; gfn++) {
            bool hit = gfn >= 70 && gfn < 134 && (of[k] >> (gfn - 70) & 1);

            assert_maps(r, gfn, PT_LEVEL_4K, hit ? ROM : RAM);
        }
    }
    assert_int_equal(r->flushes, ARRAY_SIZE(of));
}

static void test_a_mask_protects_its_pages_only(void **state)
{
    (void)state;
    in_variants(masks);
}

/* Logging by the entries' dirty bits, which a processor would set. */
static void dirty_bits(struct rig *r)
{
    const struct pt_format *f = r->mmu.space.format;
    int level;

    rig_slot(r, 0, 200, RIG_HVA, RAM);
    rig_access(r, 0, 5, PT_WRITE);
    rig_access(r, 0, 6, PT_READ);
    assert_true(rig_lookup(r, 5, &level) & f->dirty);
    assert_false(rig_lookup(r, 6, &level) & f->dirty);
    tdp_mmu_clear_dirty(&r->mmu, 0, 200, true);
    assert_int_equal(r->dirties, 1);
    assert_int_equal(r->dirty[5], 1);
    assert_false(rig_lookup(r, 5, &level) & f->dirty);
    assert_maps(r, 5, PT_LEVEL_4K, RAM);
    assert_int_equal(r->flushes, 1);
    rig_access(r, 0, 7, PT_WRITE);
    tdp_mmu_clear_dirty_mask(&r->mmu, 0, 0x80);
    assert_false(rig_lookup(r, 7, &level) & f->dirty);
    assert_int_equal(r->dirties, 1);
    rig_access(r, 0, 8, PT_WRITE);
    tdp_mmu_zap_leafs(&r->mmu, 0, 200); /* nor is a bit lost with its leaf */
    assert_int_equal(r->dirties, 2);
    assert_int_equal(r->dirty[8], 1);
}

static void test_no_dirty_bit_is_lost(void **state)
{
    (void)state;
    in_variants(dirty_bits);
}

static void age(struct rig *r)
{
    rig_slot(r, 0, 200, RIG_HVA, RAM);
    assert_false(tdp_mmu_test_young(&r->mmu, 0, 200));
    rig_access(r, 0, 5, PT_READ);
    assert_true(tdp_mmu_test_young(&r->mmu, 0, 200));
    assert_true(tdp_mmu_test_young(&r->mmu, 5, 6));
    assert_false(tdp_mmu_test_young(&r->mmu, 6, 200));
    assert_true(tdp_mmu_age(&r->mmu, 0, 200));
    assert_false(tdp_mmu_age(&r->mmu, 0, 200));
    assert_int_equal(r->flushes, 0);
}

static void test_age(void **state)
{
    (void)state;
    in_variants(age);
}

/* ---- the audit ---- */

static void expect_broken(struct rig *r, const char *what)
{
    char buf[200] = "nothing", got[200];

    rwlock_write(&r->lock);
    tdp_mmu_audit(&r->mmu, buf, sizeof(buf));
    rwlock_drop(&r->lock);
    snprintf(got, sizeof(got), "%.*s", (int)strlen(what), buf);
    assert_string_equal(got, what);
}

/* Breaks one thing after the other; it tells each. */
static void audit(struct rig *r)
{
    const struct pt_format *f = r->mmu.space.format;
    struct tdp_slot *slot = rig_slot(r, 0, 2 * M2, RIG_HVA, RAM);
    struct tdp_iter iter;
    pt_entry *sptep;
    uint64_t good;

    rig_access(r, 0, 5, PT_WRITE);
    tdp_for_each(iter, &r->mmu.space, r->root[0]->table, r->mmu.levels, 2, 0, 1) sptep = iter.sptep;
    good = atomic_load(sptep);
    expect_broken(r, "nothing");
    slot->npages = M2 - 1;
    expect_broken(r, "gfn 0 level 2: not within a slot");
    slot->npages = 2 * M2;
    slot->hva = RIG_HVA + M2 * PAGE_SIZE;
    expect_broken(r, "gfn 0 level 2: maps what its slot does not");
    slot->hva = RIG_HVA;
    slot->rights = ROM;
    expect_broken(r, "gfn 0 level 2: grants what its slot does not");
    slot->rights = RAM;
    slot->log_dirty = true;
    expect_broken(r, "gfn 0 level 2: huge and writable though logged");
    slot->log_dirty = false;
    r->tracked[r->n_tracked++] = 511;
    expect_broken(r, "gfn 0 level 2: writable though tracked");
    atomic_store(sptep, good & ~f->write);
    expect_broken(r, "gfn 0 level 2: writable though tracked"); /* could be, unasked */
    r->n_tracked = 0;
    atomic_store(sptep, good & ~f->mmu_mayw);
    expect_broken(r, "gfn 0 level 2: writable though write-protected by the MMU");
    atomic_store(sptep, f->frozen);
    expect_broken(r, "gfn 0 level 2: left frozen");
    atomic_store(sptep, 0);
    expect_broken(r, "level 2: 1 leaves counted, 0 found");
    atomic_store(sptep, good);
    atomic_fetch_add(&r->mmu.stats.tables, 1);
    expect_broken(r, r->mmu.levels == 4 ? "4 tables counted, 3 found" : "5 tables counted, 4");
    atomic_fetch_sub(&r->mmu.stats.tables, 1);
    expect_broken(r, "nothing");
}

static void test_audit_tells_what_is_broken(void **state)
{
    (void)state;
    in_variants(audit);
}

/* ---- many things at random ---- */

static uint64_t seed;

static unsigned at_random(unsigned n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

static bool logged_already(struct rig *r, struct tdp_slot *slot)
{
    if (!slot->log_dirty)
        return false;
    rig_log(r, slot, false);
    tdp_mmu_recover_huge(&r->mmu, slot);
    return true;
}

static void change_at_random(struct rig *r)
{
    struct tdp_slot *slot = &r->slots[at_random(r->n_slots)];
    gfn_t start = slot->base + at_random((unsigned)slot->npages);
    gfn_t end = start + 1 + at_random(700);

    switch (at_random(12)) {
    case 0: tdp_mmu_zap_leafs(&r->mmu, start, end); break;
    case 1: rig_remap(r, slot, slot->hva ^ (M2 * 8 * PAGE_SIZE)); break;
    case 2:
        if (logged_already(r, slot))
            break;
        rig_log(r, slot, true);
        if (at_random(2))
            assert_int_equal(tdp_mmu_split_huge(&r->mmu, slot->base, slot->base + slot->npages, 1),
                             0);
        tdp_mmu_write_protect(&r->mmu, slot->base, slot->base + slot->npages);
        break;
    case 3: rig_harvest(r, start & ~UINT64_C(63)); break;
    case 4:
        if (r->n_tracked < 8)
            rig_track(r, start);
        break;
    case 5:
        if (r->n_tracked)
            rig_untrack(r, r->tracked[at_random(r->n_tracked)]);
        break;
    case 6:
        if (!at_random(8))
            rig_new_root(r);
        break;
    case 7: tdp_mmu_age(&r->mmu, start, end); break;
    case 8: r->always_resched = !r->always_resched; break;
    case 9:
        if (!slot->log_dirty)
            tdp_mmu_recover_huge(&r->mmu, slot);
        break;
    case 10: rig_grace(r); break;
    default:
        if (!slot->log_dirty)
            tdp_mmu_split_huge(&r->mmu, start, end, PT_LEVEL_4K + (int)at_random(2));
    }
}

/* What the vCPU is told must be what slots and trackers say. */
static void access_at_random(struct rig *r)
{
    gfn_t gfn = at_random(RIG_PAGES);
    unsigned right = 1u << at_random(3), grants = 0;
    bool is_tracked = false;

    for (unsigned k = 0; k < r->n_slots; k++)
        if (gfn - r->slots[k].base < r->slots[k].npages)
            grants = r->slots[k].rights;
    for (unsigned k = 0; k < r->n_tracked; k++)
        is_tracked |= r->tracked[k] == gfn;
    if (is_tracked)
        grants &= ~(unsigned)PT_WRITE;
    assert_int_equal(rig_access(r, at_random(RIG_VCPUS), gfn, right),
                     grants & right ? RIG_DONE : RIG_REFUSED);
}

static void at_random_all(struct rig *r)
{
    rig_slot(r, 0x200 - 5, 3 * M2, RIG_HVA + (0x200 - 5) * PAGE_SIZE, RAM);
    rig_slot(r, 0x800, M2, RIG_HVA + 0x3000000, ROM);
    rig_slot(r, 0xa00, 700, RIG_HVA + 0x3803000, RAM); /* not aligned on the host */
    rig_slot(r, 0xd00, 0x300, RIG_HVA + 0x5100000, RAM);
    for (unsigned n = 0; n < 1500; n++) {
        for (unsigned k = at_random(24); k; k--)
            access_at_random(r);
        change_at_random(r);
        assert_sound(rig_check(r));
    }
    assert_true(counter(&r->mmu.stats.splits) > 10 && counter(&r->mmu.stats.recovered) > 10);
}

static void test_random_operations_keep_every_invariant(void **state)
{
    (void)state;
    seed = 1;
    in_variants(at_random_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ept_entries_are_the_manuals),
        cmocka_unit_test(test_a_bad_entry_is_named),
        cmocka_unit_test(test_small_and_huge_leaves_say_the_same),
        cmocka_unit_test(test_faults_map_what_the_slot_grants),
        cmocka_unit_test(test_faults_map_huge_within_slot_and_alignment),
        cmocka_unit_test(test_no_write_access_to_tracked_pages),
        cmocka_unit_test(test_faults_retry_around_invalidations),
        cmocka_unit_test(test_faults_tell_of_no_memory_and_go_on_later),
        cmocka_unit_test(test_zap_takes_the_range_and_flushes_once),
        cmocka_unit_test(test_roots_are_invalidated_at_one_blow),
        cmocka_unit_test(test_mail003_writable_then_dirty_then_harvest),
        cmocka_unit_test(test_a_mask_protects_its_pages_only),
        cmocka_unit_test(test_no_dirty_bit_is_lost),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_audit_tells_what_is_broken),
        cmocka_unit_test(test_random_operations_keep_every_invariant),
    };

    return unit_main(tests);
}
