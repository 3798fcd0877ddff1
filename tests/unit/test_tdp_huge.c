/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The direct MMU's iterator, its yields, and huge pages: split for dirty logging, recovered when it
 * ends by the second walk of mail 001, with every case in which a page must stay small.
 */
#include "tests/unit/unit.h"

#include "base/bits.h"
#include "tests/unit/tdp_rig.h"

#define M2  UINT64_C(512)    /* pages in 2M */
#define G1  UINT64_C(262144) /* and in 1G */
#define RAM PT_ALL
#define ROM (PT_READ | PT_EXEC)

static struct rig rig;

static void assert_sound(const char *broken)
{
    if (broken)
        fail_msg("%s, %d levels: %s", rig.mmu.space.format->name, rig.mmu.levels, broken);
}

static void in_variants(void (*test)(struct rig *r))
{
    for (unsigned k = 0; k < 4; k++) {
        rig_init(&rig, k & 1 ? &pt_format_ept : &pt_format_own, k & 2 ? 5 : 4);
        test(&rig);
        assert_sound(rig_end(&rig));
    }
}

static void assert_maps(struct rig *r, gfn_t gfn, int level, unsigned rights)
{
    const struct pt_format *f = r->mmu.space.format;
    int found;
    uint64_t spte = rig_lookup(r, gfn, &found);

    assert_int_equal(spte ? pt_rights(f, spte) : 0, rights);
    if (rights)
        assert_int_equal(found, level);
}

/* Small leaves at these pages, as logging leaves them. */
static void map_small(struct rig *r, gfn_t gfn, unsigned n, unsigned access)
{
    int max_level = r->max_level;

    r->max_level = PT_LEVEL_4K;
    for (unsigned k = 0; k < n; k++)
        assert_int_equal(rig_access(r, 0, gfn + k, access), RIG_DONE);
    r->max_level = max_level;
}

/* ---- the iterator ---- */

static void iterates(struct rig *r)
{
    struct tdp_iter iter;
    gfn_t next = 0;
    unsigned n[PT_MAX_LEVELS + 1] = {0};

    rig_slot(r, 0, 8 * M2, RIG_HVA, RAM);
    map_small(r, 3, 1, PT_READ);
    map_small(r, 2 * M2 + 511, 2, PT_READ);
    tdp_for_each(iter, &r->mmu.space, r->root[0]->table, r->mmu.levels, 1, 2, 3 * M2 + 5)
    {
        n[iter.level]++;
        assert_int_equal(iter.gfn, pt_align(iter.gfn, iter.level));
        assert_true(iter.gfn + pt_pages(iter.level) > 2 && iter.gfn < 3 * M2 + 5);
        assert_ptr_equal(iter.sptep, &iter.table[iter.level][pt_index(iter.gfn, iter.level)]);
        if (iter.level == PT_LEVEL_4K)
            assert_true(iter.gfn >= next); /* each once, in order */
        next = iter.gfn + (iter.level == PT_LEVEL_4K);
    }
    assert_int_equal(n[1], 510 + 512 + 5); /* of the three tables; the second 2M has none */
    assert_int_equal(n[2], 4);
    for (int level = 3; level <= r->mmu.levels; level++)
        assert_int_equal(n[level], 1);
    tdp_for_each(iter, &r->mmu.space, r->root[0]->table, r->mmu.levels, 2, 2, 3 * M2 + 5)
        assert_true(iter.level >= 2);
    tdp_for_each(iter, &r->mmu.space, r->root[0]->table, r->mmu.levels, 1, 7, 7)
        fail_msg("an empty range has entries");
}

static void test_iterator_visits_each_entry_once_before_its_table(void **state)
{
    (void)state;
    in_variants(iterates);
}

/* Rooted at a table within the tree, it never leaves it. */
static void iterates_in_a_table(struct rig *r)
{
    struct tdp_iter iter, inner;
    unsigned n = 0;

    rig_slot(r, 0, 8 * M2, RIG_HVA, RAM);
    map_small(r, 2 * M2 + 7, 1, PT_READ);
    map_small(r, 3 * M2, 1, PT_READ);
    tdp_for_each(iter, &r->mmu.space, r->root[0]->table, r->mmu.levels, 2, 2 * M2, 3 * M2)
    {
        if (iter.level > PT_LEVEL_2M)
            continue;
        tdp_for_each(inner, &r->mmu.space, tdp_iter_child(&iter), 1, 1, iter.gfn, ~UINT64_C(0))
        {
            assert_int_equal(inner.gfn, 2 * M2 + n);
            assert_int_equal(!!inner.old, n == 7);
            n++;
        }
    }
    assert_int_equal(n, 512);
}

static void test_mail001_walk_rooted_at_a_table_stays_in_it(void **state)
{
    (void)state;
    in_variants(iterates_in_a_table);
}

/* Asked to yield all the time, each walk ends, and has yielded once a gfn at most. */
static void yields(struct rig *r)
{
    struct tdp_slot *slot = rig_slot(r, 0, 8 * M2, RIG_HVA, RAM);

    map_small(r, 0, 40, PT_WRITE);
    map_small(r, 5 * M2, 40, PT_WRITE);
    r->always_resched = true;
    r->resched_limit = 200 * 1000;
    tdp_mmu_write_protect(&r->mmu, 0, 8 * M2);
    assert_sound(rig_check(r));
    assert_maps(r, 5 * M2 + 39, PT_LEVEL_4K, ROM);
    assert_int_not_equal(atomic_load(&r->mmu.stats.yields), 0);
    assert_true(atomic_load(&r->mmu.stats.yields) <= 8 * M2);
    assert_int_equal(tdp_mmu_split_huge(&r->mmu, 0, 8 * M2, 1), 0);
    tdp_mmu_recover_huge(&r->mmu, slot);
    assert_sound(rig_check(r));
    assert_maps(r, 5 * M2 + 39, PT_LEVEL_2M, RAM);
    map_small(r, M2, 40, PT_WRITE);
    tdp_mmu_zap_leafs(&r->mmu, 0, 8 * M2);
    assert_int_equal(atomic_load(&r->mmu.stats.leafs[1]), 0);
    rig_new_root(r);
    assert_sound(rig_check(r));
    assert_true(r->resched_calls < r->resched_limit);
}

static void test_mail001_a_yielding_walk_makes_progress(void **state)
{
    (void)state;
    in_variants(yields);
}

/* What was taken away is flushed before the lock is let go, not after, whoever waits for it. */
static void flush_first(struct rig *r)
{
    struct tdp_slot *slot = rig_slot(r, 0, 8 * M2, RIG_HVA, RAM);

    map_small(r, 0, 8, PT_WRITE);
    map_small(r, M2, 8, PT_WRITE);
    r->always_resched = true;
    tdp_mmu_write_protect(&r->mmu, 0, 4);
    assert_true(r->flushes >= 3);
    tdp_mmu_recover_huge(&r->mmu, slot);
    tdp_mmu_zap_leafs(&r->mmu, 0, 2 * M2);
    assert_sound(rig_check(r)); /* knows of any flush without the lock */
}

static void test_mail001_flush_comes_before_the_yield(void **state)
{
    (void)state;
    in_variants(flush_first);
}

/* ---- splitting ---- */

static void without_the_lock(struct rig *r)
{
    assert_false(rwlock_is_held(&r->lock));
}

static void splits(struct rig *r)
{
    rig_slot(r, 0, 2 * G1, RIG_HVA, RAM);
    rig_access(r, 0, 0, PT_WRITE);
    rig_track(r, M2 + 1);
    assert_maps(r, 0, PT_LEVEL_1G, ROM);
    r->on_table_new = without_the_lock;
    assert_int_equal(tdp_mmu_split_huge(&r->mmu, 0, G1, PT_LEVEL_2M), 0);
    assert_maps(r, 17 * M2, PT_LEVEL_2M, ROM);
    assert_sound(rig_check(r));
    assert_int_equal(tdp_mmu_split_huge(&r->mmu, 5 * M2 + 1, 6 * M2 + 1, PT_LEVEL_4K), 0);
    assert_maps(r, 4 * M2, PT_LEVEL_2M, ROM);
    assert_maps(r, 5 * M2, PT_LEVEL_4K, ROM);
    assert_maps(r, 6 * M2 + 511, PT_LEVEL_4K, ROM);
    assert_maps(r, 7 * M2, PT_LEVEL_2M, ROM);
    assert_sound(rig_check(r));
    assert_int_equal(r->flushes, 1); /* of the tracking: splitting changes no translation */
    assert_int_equal(atomic_load(&r->mmu.stats.splits), 3);
    r->on_table_new = NULL;
}

static void test_split_keeps_what_is_mapped_and_allocates_unlocked(void **state)
{
    (void)state;
    in_variants(splits);
}

static void splits_without_memory(struct rig *r)
{
    rig_slot(r, 0, 4 * M2, RIG_HVA, RAM);
    for (gfn_t gfn = 0; gfn < 4 * M2; gfn += M2)
        rig_access(r, 0, gfn, PT_WRITE);
    r->tables_left = 2;
    assert_int_equal(tdp_mmu_split_huge(&r->mmu, 0, 4 * M2, PT_LEVEL_4K), -12 /* ENOMEM */);
    assert_maps(r, M2, PT_LEVEL_4K, RAM);
    assert_maps(r, 2 * M2, PT_LEVEL_2M, RAM);
}

static void test_split_without_memory_leaves_all_sound(void **state)
{
    (void)state;
    in_variants(splits_without_memory);
}

/* ---- recovery ---- */

static void recovers(struct rig *r)
{
    struct tdp_slot *slot = rig_slot(r, 0, 8 * M2, RIG_HVA, RAM);
    uint64_t tables;

    rig_log(r, slot, true);
    rig_access(r, 0, 7, PT_READ); /* not the first entry, and not writable */
    rig_access(r, 1, 3 * M2, PT_WRITE);
    rig_log(r, slot, false);
    tables = atomic_load(&r->mmu.stats.tables);
    tdp_mmu_recover_huge(&r->mmu, slot);
    assert_sound(rig_check(r));
    assert_int_equal(r->flushes, 1); /* gathered */
    assert_int_equal(r->flush_lo, 0);
    assert_int_equal(r->flush_hi, 4 * M2);
    assert_maps(r, 0, PT_LEVEL_2M, RAM); /* the protection was logging's */
    assert_maps(r, M2, 0, 0);
    assert_maps(r, 4 * M2 - 1, PT_LEVEL_2M, RAM);
    assert_int_equal(atomic_load(&r->mmu.stats.tables), tables - 2);
    assert_int_equal(atomic_load(&r->mmu.stats.recovered), 2);
    assert_int_equal(r->n_retired, 2); /* freed after the grace period, not before */
    rig_grace(r);
}

static void test_mail001_recovery_from_the_first_leaf_found(void **state)
{
    (void)state;
    in_variants(recovers);
}

/* A processor sets accessed bits in the entries above the leaves too (SDM 28.3.5). */
static void recovers_accessed(struct rig *r)
{
    const struct pt_format *f = r->mmu.space.format;
    struct tdp_slot *slot = rig_slot(r, 0, 2 * M2, RIG_HVA, RAM);
    struct tdp_iter iter;

    if (f != &pt_format_ept)
        return;
    map_small(r, 5, 2, PT_WRITE);
    tdp_for_each(iter, &r->mmu.space, r->root[0]->table, r->mmu.levels, 2, 0, 1)
        atomic_fetch_or(iter.sptep, f->accessed);
    assert_sound(rig_check(r));
    tdp_mmu_recover_huge(&r->mmu, slot);
    assert_maps(r, 5, PT_LEVEL_2M, RAM);
}

static void test_recovery_of_tables_marked_accessed(void **state)
{
    (void)state;
    in_variants(recovers_accessed);
}

static void recovers_1g(struct rig *r)
{
    struct tdp_slot *slot = rig_slot(r, 0, 3 * G1, RIG_HVA, ROM);

    map_small(r, G1 + 77, 1, PT_READ);
    r->max_level = PT_LEVEL_2M;
    rig_access(r, 0, 2 * G1 - M2, PT_READ);
    tdp_mmu_recover_huge(&r->mmu, slot);
    assert_maps(r, G1, PT_LEVEL_2M, ROM);
    r->max_level = PT_LEVEL_1G;
    tdp_mmu_recover_huge(&r->mmu, slot);
    assert_maps(r, G1, PT_LEVEL_1G, ROM);
    assert_sound(rig_check(r));
}

static void test_mail001_recovery_to_1g(void **state)
{
    (void)state;
    in_variants(recovers_1g);
}

/* Two slots share each of the huge pages at the first one's ends. */
static void keeps_to_the_slot(struct rig *r)
{
    struct tdp_slot *slot = rig_slot(r, M2 + 9, 3 * M2, RIG_HVA + (M2 + 9) * PAGE_SIZE, RAM);

    rig_slot(r, M2, 9, RIG_HVA + 0x10000000, RAM);
    map_small(r, M2, 12, PT_READ);
    map_small(r, 2 * M2, 1, PT_READ);
    map_small(r, 4 * M2, 2, PT_READ);
    r->asked_level = 0;
    tdp_mmu_recover_huge(&r->mmu, slot);
    assert_sound(rig_check(r)); /* max_level was not asked about a gfn outside the slot */
    assert_maps(r, M2, PT_LEVEL_4K, RAM);
    assert_maps(r, M2 + 10, PT_LEVEL_4K, RAM);
    assert_maps(r, 2 * M2, PT_LEVEL_2M, RAM);
    assert_maps(r, 4 * M2, PT_LEVEL_4K, RAM);
    assert_int_equal(r->asked_level, 1);
}

static void test_mail001_recovery_keeps_to_the_slots_bounds(void **state)
{
    (void)state;
    in_variants(keeps_to_the_slot);
}

static void obeys_max_level(struct rig *r)
{
    struct tdp_slot *slot = rig_slot(r, 0, 2 * M2, RIG_HVA + 3 * PAGE_SIZE, RAM);

    map_small(r, 5, 2, PT_READ);
    slot->hva = RIG_HVA; /* could be huge, were it not for max_level */
    rig_remap(r, slot, RIG_HVA);
    map_small(r, 5, 2, PT_READ);
    r->max_level = PT_LEVEL_4K;
    tdp_mmu_recover_huge(&r->mmu, slot);
    assert_maps(r, 5, PT_LEVEL_4K, RAM);
    assert_int_equal(r->flushes, 1); /* of the move only */
    r->max_level = PT_LEVEL_2M;
    tdp_mmu_recover_huge(&r->mmu, slot);
    assert_maps(r, 5, PT_LEVEL_2M, RAM);
}

static void test_mail001_recovery_obeys_max_mapping_level(void **state)
{
    (void)state;
    in_variants(obeys_max_level);
}

/* Even where max_level knows nothing of write tracking. */
static void obeys_tracking(struct rig *r)
{
    struct tdp_slot *slot = rig_slot(r, 0, 2 * M2, RIG_HVA, RAM);

    map_small(r, 5, 1, PT_READ);
    map_small(r, M2, 1, PT_READ);
    rig_track(r, 300);
    r->max_level_knows_tracking = false;
    tdp_mmu_recover_huge(&r->mmu, slot);
    assert_sound(rig_check(r));
    assert_maps(r, 5, PT_LEVEL_4K, RAM);
    assert_maps(r, M2, PT_LEVEL_2M, RAM);
}

static void test_mail001_recovery_leaves_tracked_pages_small(void **state)
{
    (void)state;
    in_variants(obeys_tracking);
}

static void obeys_invalidation(struct rig *r)
{
    struct tdp_slot *slot = rig_slot(r, 0, 3 * M2, RIG_HVA, RAM);

    map_small(r, 5, 1, PT_READ);
    map_small(r, M2 + 4, 2, PT_READ);
    rig_invalidate_begin(r, M2 + 5, M2 + 6);
    tdp_mmu_zap_leafs(&r->mmu, M2 + 5, M2 + 6); /* the page at M2 + 5 is on its way out */
    tdp_mmu_recover_huge(&r->mmu, slot);
    assert_maps(r, 5, PT_LEVEL_2M, RAM);
    assert_maps(r, M2 + 4, PT_LEVEL_4K, RAM);
    assert_maps(r, M2 + 5, 0, 0);
    rig_invalidate_end(r);
    tdp_mmu_recover_huge(&r->mmu, slot); /* one that has ended does not matter */
    assert_maps(r, M2 + 5, PT_LEVEL_2M, RAM);
}

static void test_mail001_recovery_skips_what_is_being_invalidated(void **state)
{
    (void)state;
    in_variants(obeys_invalidation);
}

/* The lock is let go: logging begins once more. */
static void logs_again(struct rig *r)
{
    if (!rwlock_is_held(&r->lock) || r->resched_calls < 4 || r->slots[0].log_dirty)
        return;
    lock_take(&r->world);
    r->slots[0].log_dirty = true;
    lock_drop(&r->world);
}

static void obeys_logging(struct rig *r)
{
    struct tdp_slot *slot = rig_slot(r, 0, 8 * M2, RIG_HVA, RAM), was;

    for (gfn_t gfn = 0; gfn < 8 * M2; gfn += M2)
        map_small(r, gfn, 1, PT_READ);
    was = *slot;
    r->always_resched = true;
    r->on_resched = logs_again;
    tdp_mmu_recover_huge(&r->mmu, &was);
    assert_maps(r, 0, PT_LEVEL_2M, RAM);
    assert_maps(r, 7 * M2, PT_LEVEL_4K, RAM);
    r->on_resched = NULL;
    slot->log_dirty = false;
}

static void test_mail001_recovery_stops_when_logging_is_on_again(void **state)
{
    (void)state;
    in_variants(obeys_logging);
}

/* The second walk gives way to who waits for the lock only if the first has got further. */
static void gives_way(struct rig *r)
{
    struct tdp_slot *slot = rig_slot(r, 0, 8 * M2, RIG_HVA, RAM);

    for (gfn_t gfn = 0; gfn < 8 * M2; gfn += M2)
        map_small(r, gfn + 500, 1, PT_READ);
    r->always_resched = true;
    r->resched_limit = 10000;
    tdp_mmu_recover_huge(&r->mmu, slot);
    assert_sound(rig_check(r));
    assert_int_equal(atomic_load(&r->mmu.stats.recovered), 8);
    assert_in_range(atomic_load(&r->mmu.stats.yields), 1, 8);
}

static void test_mail001_progress_is_the_outer_walks(void **state)
{
    (void)state;
    in_variants(gives_way);
}

/* Someone wants the lock, or the processor, from the call of this number on, until he gets it. */
static unsigned wanted_from;

static void is_wanted(struct rig *r)
{
    r->always_resched = r->resched_calls >= wanted_from && !atomic_load(&r->mmu.stats.yields);
}

/* Whenever the lock is wanted, and be it in the midst of the second walk, the very next thing is
 * that it is let go; and all is recovered nevertheless. */
static void gives_way_at_once(struct rig *r)
{
    const struct pt_format *format = r->mmu.space.format;
    int levels = r->mmu.levels;
    struct tdp_slot *slot;

    for (wanted_from = 0;; wanted_from++) {
        slot = rig_slot(r, 0, 4 * M2, RIG_HVA, RAM);
        for (gfn_t gfn = 0; gfn < 4 * M2; gfn += M2)
            map_small(r, gfn + 10, 1, PT_READ);
        r->on_resched = is_wanted;
        tdp_mmu_recover_huge(&r->mmu, slot);
        assert_int_equal(atomic_load(&r->mmu.stats.recovered), 4);
        if (r->resched_calls <= wanted_from)
            break;
        assert_int_equal(atomic_load(&r->mmu.stats.yields), 1);
        assert_sound(rig_end(r));
        rig_init(r, format, levels);
    }
    assert_true(wanted_from > 20); /* the second walks were asked, too */
}

static void test_mail001_second_walk_gives_way(void **state)
{
    (void)state;
    in_variants(gives_way_at_once);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_iterator_visits_each_entry_once_before_its_table),
        cmocka_unit_test(test_mail001_walk_rooted_at_a_table_stays_in_it),
        cmocka_unit_test(test_mail001_a_yielding_walk_makes_progress),
        cmocka_unit_test(test_mail001_flush_comes_before_the_yield),
        cmocka_unit_test(test_split_keeps_what_is_mapped_and_allocates_unlocked),
        cmocka_unit_test(test_split_without_memory_leaves_all_sound),
        cmocka_unit_test(test_mail001_recovery_from_the_first_leaf_found),
        cmocka_unit_test(test_recovery_of_tables_marked_accessed),
        cmocka_unit_test(test_mail001_recovery_to_1g),
        cmocka_unit_test(test_mail001_recovery_keeps_to_the_slots_bounds),
        cmocka_unit_test(test_mail001_recovery_obeys_max_mapping_level),
        cmocka_unit_test(test_mail001_recovery_leaves_tracked_pages_small),
        cmocka_unit_test(test_mail001_recovery_skips_what_is_being_invalidated),
        cmocka_unit_test(test_mail001_recovery_stops_when_logging_is_on_again),
        cmocka_unit_test(test_mail001_progress_is_the_outer_walks),
        cmocka_unit_test(test_mail001_second_walk_gives_way),
    };

    return unit_main(tests);
}
