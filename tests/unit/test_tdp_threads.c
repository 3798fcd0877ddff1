/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The direct MMU under real threads: two vCPUs that access memory as fast as they can, an owner who
 * changes everything under them, another who zaps, ages and recovers next to him. Its use is under
 * ThreadSanitizer, which sees what deterministic schedules cannot: accesses without an order. What
 * must hold afterwards is checked in every build.
 */
#include "tests/unit/unit.h"

#include <sched.h>

#include "tests/unit/tdp_rig.h"

#define M2 UINT64_C(512) /* pages in 2M */

static struct rig rig;
static atomic_bool done;

struct vcpu {
    unsigned cpu;
    uint64_t seed;
    atomic_uint served, refused;
};

static struct vcpu vcpus[RIG_VCPUS] = {{.cpu = 0, .seed = 1}, {.cpu = 1, .seed = 2}};

static unsigned at_random(uint64_t *seed, unsigned n)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*seed >> 33) % n;
}

static void *run_vcpu(void *arg)
{
    struct vcpu *v = arg;

    while (!atomic_load(&done)) {
        gfn_t gfn = at_random(&v->seed, 4 * M2);

        if (rig_access(&rig, v->cpu, gfn, 1u << at_random(&v->seed, 3)) == RIG_DONE)
            atomic_fetch_add(&v->served, 1);
        else
            atomic_fetch_add(&v->refused, 1);
    }
    return NULL;
}

/* Changes that anybody may make at any time, next to those of the owner. */
static void *run_helper(void *arg)
{
    uint64_t seed = 3;

    (void)arg;
    while (!atomic_load(&done)) {
        gfn_t gfn = at_random(&seed, 4 * M2);

        switch (at_random(&seed, 3)) {
        case 0: tdp_mmu_zap_leafs(&rig.mmu, gfn, gfn + 100); break;
        case 1: tdp_mmu_age(&rig.mmu, gfn, gfn + 300); break;
        default: tdp_mmu_split_huge(&rig.mmu, gfn, gfn + 1, PT_LEVEL_4K);
        }
    }
    return NULL;
}

/* From here on nothing that is written escapes the log; what was written before need not be there.
 */
static void start_logging(struct tdp_slot *slot)
{
    rig_log(&rig, slot, true);
    tdp_mmu_write_protect(&rig.mmu, slot->base, slot->base + slot->npages);
    lock_take(&rig.world);
    for (gfn_t gfn = 0; gfn < 4 * M2; gfn++)
        rig.written[gfn] = rig.written[gfn] && rig.dirty[gfn];
    lock_drop(&rig.world);
}

/* Each vCPU has done something since. */
static void wait_for_vcpus(void)
{
    for (unsigned k = 0; k < RIG_VCPUS; k++) {
        unsigned until = atomic_load(&vcpus[k].served) + 30;

        while ((int)(atomic_load(&vcpus[k].served) - until) < 0)
            sched_yield();
    }
}

static void own(unsigned rounds)
{
    struct tdp_slot *slot = &rig.slots[0];
    uint64_t seed = 4;

    for (unsigned n = 0; n < rounds; n++) {
        struct tdp_slot copy;

        start_logging(slot);
        for (unsigned k = 0; k < 4; k++) {
            wait_for_vcpus();
            rig_harvest(&rig, at_random(&seed, 4 * M2) & ~63u);
        }
        rig_track(&rig, n % 100);
        rig_log(&rig, slot, false);
        copy = *slot;
        tdp_mmu_recover_huge(&rig.mmu, &copy);
        wait_for_vcpus();
        rig_untrack(&rig, n % 100);
        if (n % 4 == 0)
            rig_remap(&rig, slot, slot->hva ^ 0x40000000);
        if (n % 8 == 0)
            rig_new_root(&rig);
        tdp_mmu_recover_huge(&rig.mmu, &copy);
        rig_grace(&rig);
    }
}

static void test_threads_change_everything_at_once(void **state)
{
    pthread_t threads[RIG_VCPUS + 1];
    const char *broken;

    (void)state;
    rig_init(&rig, &pt_format_ept, 4);
    rig.resched_limit = ~0u; /* many walks, not a long one */
    rig_slot(&rig, 0, 4 * M2, RIG_HVA, PT_ALL);
    for (unsigned k = 0; k < RIG_VCPUS; k++)
        assert_int_equal(pthread_create(&threads[k], NULL, run_vcpu, &vcpus[k]), 0);
    assert_int_equal(pthread_create(&threads[RIG_VCPUS], NULL, run_helper, NULL), 0);
    own(25);
    start_logging(&rig.slots[0]);
    for (gfn_t gfn = 0; gfn < 4 * M2; gfn += 64)
        rig_harvest(&rig, gfn);
    atomic_store(&done, true);
    for (unsigned k = 0; k <= RIG_VCPUS; k++)
        assert_int_equal(pthread_join(threads[k], NULL), 0);
    assert_int_not_equal(atomic_load(&rig.mmu.stats.splits), 0);
    assert_int_not_equal(atomic_load(&rig.mmu.stats.recovered), 0);
    broken = rig_end(&rig);
    if (broken)
        fail_msg("%s", broken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_change_everything_at_once),
    };

    return unit_main(tests);
}
