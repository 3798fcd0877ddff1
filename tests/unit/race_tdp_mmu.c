/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The direct MMU's races (mail 001, and the dirty log's of mail 003), in every order that the
 * scheduler finds. After each: all that rig_check() knows, and no table is freed while something is
 * in it.
 */
#include "tests/unit/unit.h"

#include "tests/unit/schedule.h"
#include "tests/unit/tdp_rig.h"

#define M2  UINT64_C(512) /* pages in 2M */
#define RAM PT_ALL

static struct rig rig;

static void sound(const char *broken)
{
    if (broken)
        schedule_fail(__FILE__, __LINE__, "%s", broken);
}

/* Four times 2M of RAM, where all is mapped by small pages before the threads start. */
static void setup_small(void *ctx)
{
    (void)ctx;
    rig_init(&rig, &pt_format_own, 4);
    rig_slot(&rig, 0, 4 * M2, RIG_HVA, RAM);
    rig.max_level = PT_LEVEL_4K;
}

/* The same in EPT's format with tables at the first and second 2M, which may be huge by now. */
static void setup_recoverable(void *ctx)
{
    (void)ctx;
    rig_init(&rig, &pt_format_ept, 4);
    rig_slot(&rig, 0, 4 * M2, RIG_HVA, RAM);
    rig.max_level = PT_LEVEL_4K;
    rig_access(&rig, 0, 2, PT_WRITE);
    rig_access(&rig, 0, M2, PT_READ);
    rig.max_level = PT_LEVEL_2M;
}

static void setup_logging(void *ctx)
{
    setup_small(ctx);
    rig.slots[0].log_dirty = true;
}

static void setup_huge(void *ctx)
{
    setup_small(ctx);
    rig.max_level = PT_LEVEL_2M;
    rig_access(&rig, 0, 2, PT_WRITE);
}

static void check(void *ctx)
{
    (void)ctx;
    sound(rig_end(&rig));
}

/* ---- threads ---- */

static void vcpu0_writes_5(void *ctx)
{
    (void)ctx;
    schedule_expect(rig_access(&rig, 0, 5, PT_WRITE) == RIG_DONE);
}

static void vcpu0_writes_5_twice(void *ctx)
{
    vcpu0_writes_5(ctx);
    step("test: between two writes");
    vcpu0_writes_5(ctx);
}

static void vcpu1_writes_5(void *ctx)
{
    (void)ctx;
    schedule_expect(rig_access(&rig, 1, 5, PT_WRITE) == RIG_DONE);
}

static void vcpu1_reads_6(void *ctx)
{
    (void)ctx;
    schedule_expect(rig_access(&rig, 1, 6, PT_READ) == RIG_DONE);
}

static void owner_remaps(void *ctx)
{
    (void)ctx;
    rig_remap(&rig, &rig.slots[0], RIG_HVA + 0x40000000);
}

static void owner_recovers(void *ctx)
{
    struct tdp_slot slot = rig.slots[0];

    (void)ctx;
    slot.log_dirty = false;
    tdp_mmu_recover_huge(&rig.mmu, &slot);
}

static void owner_harvests(void *ctx)
{
    (void)ctx;
    rig_harvest(&rig, 0);
}

static void owner_ages(void *ctx)
{
    (void)ctx;
    tdp_mmu_age(&rig.mmu, 0, 3);
}

static void owner_ages_more(void *ctx)
{
    (void)ctx;
    tdp_mmu_age(&rig.mmu, 0, M2 + 3);
}

static void owner_recovers_and_frees(void *ctx)
{
    owner_recovers(ctx);
    rig_grace(&rig);
}

static void owner_zaps_invalid_roots(void *ctx)
{
    (void)ctx;
    tdp_mmu_zap_invalid_roots(&rig.mmu);
}

static void owner_zaps(void *ctx)
{
    (void)ctx;
    tdp_mmu_zap_leafs(&rig.mmu, 0, 3);
}

static void owner_protects(void *ctx)
{
    (void)ctx;
    tdp_mmu_write_protect(&rig.mmu, 0, 3);
}

static void owner_splits(void *ctx)
{
    (void)ctx;
    schedule_expect(!tdp_mmu_split_huge(&rig.mmu, 0, M2, PT_LEVEL_4K));
}

static void owner_tracks_5(void *ctx)
{
    (void)ctx;
    rig_track(&rig, 5);
}

static void owner_has_a_new_root(void *ctx)
{
    (void)ctx;
    rig_new_root(&rig);
}

static void vcpu0_tries_5(void *ctx)
{
    (void)ctx;
    rig_access(&rig, 0, 5, PT_WRITE); /* done or, once tracked, refused */
}

/* ---- tests ---- */

static void explore(void (*setup)(void *), void (*a)(void *), void (*b)(void *),
                    unsigned preemptions)
{
    const struct schedule s = {
        .setup = setup,
        .check = check,
        .threads = {{"a", a}, {"b", b}},
        .n = 2,
        .preemptions = preemptions,
        .limit = 20000,
        .random = 500,
        .seed = 1,
    };

    schedule_explore(&s);
}

static void check_two_leafs(void *ctx)
{
    if (atomic_load(&rig.mmu.stats.leafs[1]) != 2 || atomic_load(&rig.mmu.stats.tables) != 4)
        sound("two faults make two leaves in four tables");
    check(ctx);
}

static void test_two_vcpus_fault(void **state)
{
    struct schedule s = {.setup = setup_small,
                         .check = check_two_leafs,
                         .threads = {{"vcpu0", vcpu0_writes_5}, {"vcpu1", vcpu1_reads_6}},
                         .n = 2,
                         .limit = 20000};

    (void)state;
    schedule_explore(&s);
    explore(setup_small, vcpu0_writes_5, vcpu1_writes_5, 2);
}

static void test_fault_against_remap(void **state)
{
    (void)state;
    explore(setup_small, vcpu0_writes_5, owner_remaps, 2);
    explore(setup_huge, vcpu1_reads_6, owner_remaps, 2);
}

/* A leaf that lands in a table that is being replaced would never be found again. */
static void test_mail001_fault_against_recovery(void **state)
{
    (void)state;
    explore(setup_recoverable, vcpu0_writes_5, owner_recovers, 2);
}

static void test_mail001_recovery_against_remap(void **state)
{
    (void)state;
    explore(setup_recoverable, owner_recovers, owner_remaps, 2);
}

static void test_mail001_recovery_against_recovery(void **state)
{
    (void)state;
    explore(setup_recoverable, owner_recovers, owner_recovers, 2);
}

static void setup_yielding(void *ctx)
{
    setup_recoverable(ctx);
    tdp_mmu_zap_leafs(&rig.mmu, 0, M2); /* there is nothing to recover before the first yield */
    rig.always_resched = true;
    rig.resched_for = 16;
}

/* Having yielded, recovery goes on in a root that is invalid and under the zapper's hands: what it
 * would replace may be gone when its huge leaf is made. */
static void test_mail001_recovery_replaces_what_it_walked(void **state)
{
    (void)state;
    explore(setup_yielding, owner_recovers, owner_has_a_new_root, 3);
}

static void test_mail001_yielding_walks_end(void **state)
{
    const struct schedule s = {.setup = setup_yielding,
                               .check = check,
                               .threads = {{"recovers", owner_recovers},
                                           {"remaps", owner_remaps},
                                           {"vcpu", vcpu1_reads_6}},
                               .n = 3,
                               .preemptions = 1,
                               .limit = 20000,
                               .random = 500,
                               .seed = 1};

    (void)state;
    schedule_explore(&s);
}

static void setup_yielding_in_tables(void *ctx)
{
    setup_recoverable(ctx);
    rig.always_resched = true;
    rig.resched_for = 16;
}

/* Having yielded, no walk goes on in a table that may be freed by now; nor is any freed under a
 * walk that has not. */
static void test_mail001_walks_restart_at_the_root_after_a_yield(void **state)
{
    (void)state;
    explore(setup_yielding_in_tables, owner_ages_more, owner_recovers_and_frees, 2);
    explore(setup_recoverable, owner_ages_more, owner_recovers_and_frees, 2);
}

static void setup_invalid_root(void *ctx)
{
    setup_recoverable(ctx);
    rwlock_write(&rig.lock);
    tdp_mmu_invalidate_roots(&rig.mmu);
    rwlock_drop(&rig.lock);
}

static void test_two_zap_one_root(void **state)
{
    (void)state;
    explore(setup_invalid_root, owner_zaps_invalid_roots, owner_zaps_invalid_roots, 3);
    explore(setup_invalid_root, owner_zaps_invalid_roots, owner_recovers, 2);
}

static void test_fault_against_new_root(void **state)
{
    (void)state;
    explore(setup_recoverable, vcpu0_writes_5, owner_has_a_new_root, 2);
}

static void test_mail003_write_against_harvest(void **state)
{
    (void)state;
    explore(setup_logging, vcpu0_writes_5_twice, owner_harvests, 2);
}

static void check_zapped(void *ctx)
{
    if (atomic_load(&rig.mmu.stats.leafs[1]) != 1)
        sound("a zapped leaf came back");
    check(ctx);
}

/* What was read before another's change is not written back after it. */
static void test_zap_against_other_changes(void **state)
{
    static const struct schedule_thread others[] = {
        {"ages", owner_ages}, {"protects", owner_protects}, {"zaps too", owner_zaps}};

    (void)state;
    for (unsigned k = 0; k < 3; k++) {
        const struct schedule s = {.setup = setup_recoverable,
                                   .check = check_zapped,
                                   .threads = {{"zaps", owner_zaps}, others[k]},
                                   .n = 2,
                                   .limit = 20000};

        schedule_explore(&s);
    }
}

static void test_split_against_other_changes(void **state)
{
    (void)state;
    explore(setup_huge, owner_splits, owner_remaps, 2);
    explore(setup_huge, owner_splits, owner_protects, 2);
    explore(setup_huge, owner_splits, vcpu1_writes_5, 2);
    explore(setup_huge, owner_splits, owner_splits, 2);
}

static void test_fault_against_tracking(void **state)
{
    (void)state;
    explore(setup_small, vcpu0_tries_5, owner_tracks_5, 2);
    explore(setup_huge, vcpu0_tries_5, owner_tracks_5, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_vcpus_fault),
        cmocka_unit_test(test_fault_against_remap),
        cmocka_unit_test(test_mail001_fault_against_recovery),
        cmocka_unit_test(test_mail001_recovery_against_remap),
        cmocka_unit_test(test_mail001_recovery_against_recovery),
        cmocka_unit_test(test_mail001_recovery_replaces_what_it_walked),
        cmocka_unit_test(test_mail001_yielding_walks_end),
        cmocka_unit_test(test_mail001_walks_restart_at_the_root_after_a_yield),
        cmocka_unit_test(test_two_zap_one_root),
        cmocka_unit_test(test_fault_against_new_root),
        cmocka_unit_test(test_mail003_write_against_harvest),
        cmocka_unit_test(test_zap_against_other_changes),
        cmocka_unit_test(test_split_against_other_changes),
        cmocka_unit_test(test_fault_against_tracking),
    };

    return unit_main(tests);
}
