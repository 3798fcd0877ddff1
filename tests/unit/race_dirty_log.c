/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes against the harvest of the dirty log (cpu/mmu_shadow/dirty_log.h), in every order of their
 * steps: mail 003. The log, its marks and the rmap are the real ones; the vCPUs are models of what
 * gives write access: a fault under the MMU's lock, which makes an SPTE and puts it into the rmap,
 * and one without it, which makes a protected SPTE writable again. Memory is copied away as a
 * migration does: what a harvest found, then, with the vCPUs stopped, what the final one did. A
 * write that is not in the copy was lost.
 */
#include "tests/unit/unit.h"

#include "base/lock.h"
#include "base/mutant.h"
#include "cpu/mmu_shadow/dirty_log.h"
#include "cpu/mmu_shadow/pte_list.h"
#include "tests/unit/schedule.h"

#define PG     UINT64_C(0x1000)
#define PAGES  2
#define VCPUS  2
#define SLOT   3
#define BASE   UINT64_C(0x40) /* gfn */
#define SPTE_P UINT64_C(1)
#define SPTE_W UINT64_C(2)

struct vcpu {
    bool inside;
    unsigned flush_wanted, flush_done;
    bool writable[PAGES]; /* its TLB */
    _Atomic uint64_t spte[PAGES];
    bool mapped[PAGES]; /* in the rmap; MMU lock */
};

static struct rig {
    unsigned vcpus;       /* that run */
    bool warm;            /* the SPTEs are there at first, read-only */
    bool clear;           /* take out by range */
    unsigned page[VCPUS]; /* that each writes first; then the other, then the first again */
    unsigned writes, harvests;

    struct memslots_vm *vm;
    const struct memslot *slot;
    struct lock mmu, lock; /* lock: for the condition */
    struct condition moved;
    struct pte_list_pool pool;
    struct pte_list rmap[PAGES];
    struct vcpu vcpu[VCPUS];
    unsigned started;
    unsigned memory[PAGES], copy[PAGES]; /* how often each page was written */
} rig;

static uint8_t host[PAGES * PG] __attribute__((aligned(4096)));

/* ---- guest mode ---- */

static void acknowledge(struct vcpu *v)
{
    if (v->flush_done == v->flush_wanted)
        return;
    memset(v->writable, 0, sizeof(v->writable));
    v->flush_done = v->flush_wanted;
    condition_broadcast(&rig.moved);
}

static void enter(struct vcpu *v)
{
    v->inside = true;
    acknowledge(v);
}

static void leave(struct vcpu *v)
{
    v->inside = false;
    condition_broadcast(&rig.moved);
}

static void flush(void *opaque)
{
    (void)opaque;
    lock_take(&rig.lock);
    for (unsigned k = 0; k < rig.vcpus; k++)
        rig.vcpu[k].flush_wanted++;
    for (unsigned k = 0; k < rig.vcpus; k++) {
        struct vcpu *v = &rig.vcpu[k];

        while (v->inside && v->flush_done != v->flush_wanted)
            condition_wait(&rig.moved, &rig.lock);
    }
    lock_drop(&rig.lock);
}

static bool stopped(void *opaque)
{
    (void)opaque;
    return !rig.vcpu[0].inside && !rig.vcpu[1].inside;
}

/* ---- the MMU ---- */

static void take_write_access(_Atomic uint64_t *spte, void *arg)
{
    (void)arg;
    step("protect: an SPTE");
    atomic_fetch_and(spte, ~SPTE_W);
}

static void protect(void *opaque, const struct memslot *s, uint64_t first_page, uint64_t mask)
{
    (void)opaque;
    schedule_expect(s == rig.slot && first_page == 0 && mask);
    for (unsigned page = 0; page < PAGES; page++) {
        if (mask >> page & 1)
            pte_list_walk_lockless(&rig.rmap[page], take_write_access, NULL);
    }
}

static void mark(unsigned page)
{
    memslot_mark_dirty(rig.slot, BASE + page);
}

/* Under the lock: an SPTE is made. Writable, into the rmap, dirty. */
static void make_spte(struct vcpu *v, unsigned page)
{
    lock_take(&rig.mmu);
    if (MUTANT(race_dirty_before_writable))
        mark(page);
    atomic_store(&v->spte[page], SPTE_P | SPTE_W);
    step("fault: writable");
    if (MUTANT(race_dirty_before_rmap))
        mark(page);
    if (!v->mapped[page])
        pte_list_add(&rig.pool, &rig.rmap[page], &v->spte[page]);
    v->mapped[page] = true;
    step("fault: in the rmap");
    if (!MUTANT(race_dirty_before_writable) && !MUTANT(race_dirty_before_rmap))
        mark(page);
    lock_drop(&rig.mmu);
}

/* Without the lock: a protected one is made writable. False if it is another now. */
static bool mend_spte(struct vcpu *v, unsigned page)
{
    uint64_t old = SPTE_P;

    if (MUTANT(race_dirty_before_mending))
        mark(page);
    step("fast fault");
    if (!atomic_compare_exchange_strong(&v->spte[page], &old, SPTE_P | SPTE_W))
        return false;
    step("fast fault: writable");
    if (!MUTANT(race_dirty_before_mending))
        mark(page);
    return true;
}

/* Until the TLB has it writable: as a vCPU's fill goes on. */
static void fill(struct vcpu *v, unsigned page)
{
    while (!v->writable[page]) {
        uint64_t e = atomic_load(&v->spte[page]);

        if (e & SPTE_W) {
            v->writable[page] = true;
        } else if (!(e & SPTE_P) || !mend_spte(v, page)) {
            leave(v);
            make_spte(v, page);
            enter(v);
        }
    }
}

/* ---- the threads ---- */

static void run_vcpu(void *ctx)
{
    unsigned number = rig.started++;
    struct vcpu *v = &rig.vcpu[number];

    (void)ctx;
    enter(v);
    for (unsigned k = 0; k < rig.writes; k++) {
        unsigned page = (rig.page[number] + k) % PAGES;

        fill(v, page);
        step("vcpu: about to write");
        rig.memory[page]++;
        step("vcpu: between instructions");
        acknowledge(v);
    }
    leave(v);
}

static void copy_pages(uint64_t bitmap)
{
    for (unsigned page = 0; page < PAGES; page++) {
        if (bitmap >> page & 1)
            rig.copy[page] = rig.memory[page];
    }
}

static void harvest(void *ctx)
{
    (void)ctx;
    for (unsigned k = 0; k < rig.harvests; k++) {
        uint64_t bitmap = 0;

        if (rig.clear) {
            dirty_log_get(rig.vm, SLOT, &bitmap);
            dirty_log_clear(rig.vm, SLOT, 0, PAGES, &bitmap);
        } else {
            dirty_log_harvest(rig.vm, SLOT, &bitmap);
        }
        copy_pages(bitmap);
        step("harvest: copied");
    }
}

static void setup(void *ctx)
{
    const struct dirty_protect ops = {.protect = protect, .flush = flush, .stopped = stopped};
    struct memslots_change c = {.op = MEMSLOTS_CREATE,
                                .id = SLOT,
                                .gpa = BASE * PG,
                                .size = PAGES * PG,
                                .hva = host,
                                .flags = MEMSLOT_LOG_DIRTY};

    (void)ctx;
    rig.vm = memslots_new();
    assert_int_equal(memslots_change(rig.vm, &c), MEMSLOTS_OK);
    memslots_set_dirty_protect(rig.vm, &ops);
    rig.slot = memslots_find(rig.vm, BASE);
    lock_init(&rig.mmu);
    lock_init(&rig.lock);
    condition_init(&rig.moved);
    memset(rig.vcpu, 0, sizeof(rig.vcpu));
    memset(rig.rmap, 0, sizeof(rig.rmap));
    memset(rig.memory, 0, sizeof(rig.memory));
    memset(rig.copy, 0, sizeof(rig.copy));
    rig.started = 0;
    pte_list_pool_init(&rig.pool);
    for (unsigned k = 0; rig.warm && k < rig.vcpus; k++) {
        for (unsigned page = 0; page < PAGES; page++) {
            rig.vcpu[k].spte[page] = SPTE_P;
            pte_list_add(&rig.pool, &rig.rmap[page], &rig.vcpu[k].spte[page]);
            rig.vcpu[k].mapped[page] = true;
        }
    }
}

/* Nothing is under way: each page is marked, or nobody can write it. And with the final harvest the
 * copy is the memory. */
static void check(void *ctx)
{
    uint64_t bitmap = 0;

    (void)ctx;
    dirty_log_get(rig.vm, SLOT, &bitmap);
    for (unsigned page = 0; page < PAGES; page++) {
        for (unsigned k = 0; k < rig.vcpus; k++) {
            const struct vcpu *v = &rig.vcpu[k];

            schedule_expect((bitmap >> page & 1) || !(v->spte[page] & SPTE_W));
            schedule_expect((bitmap >> page & 1) || !v->writable[page] ||
                            v->flush_done != v->flush_wanted);
        }
    }
    dirty_log_final(rig.vm, SLOT, &bitmap);
    copy_pages(bitmap);
    for (unsigned page = 0; page < PAGES; page++)
        schedule_expect(rig.copy[page] == rig.memory[page]);
    for (unsigned k = 0; k < rig.vcpus; k++) {
        for (unsigned page = 0; page < PAGES; page++) {
            if (rig.vcpu[k].mapped[page])
                pte_list_remove(&rig.pool, &rig.rmap[page], &rig.vcpu[k].spte[page]);
        }
    }
    pte_list_pool_destroy(&rig.pool);
    memslots_free(rig.vm);
}

static void explore(unsigned preemptions)
{
    struct schedule s = {.setup = setup,
                         .check = check,
                         .threads = {{"harvest", harvest}, {"vcpu 0", run_vcpu}},
                         .n = 2,
                         .preemptions = preemptions};

    if (rig.vcpus == 2)
        s.threads[s.n++] = (struct schedule_thread){"vcpu 1", run_vcpu};
    schedule_explore(&s);
}

/* ---- the cases ---- */

/* A page that nobody has mapped yet. */
static void test_mail003_first_writes_against_harvest(void **state)
{
    (void)state;
    rig = (struct rig){.vcpus = 1, .writes = 3, .harvests = 2};
    explore(6);
}

/* Mail 003's first example: no lock on the way to write access. */
static void test_mail003_fast_faults_against_harvest(void **state)
{
    (void)state;
    rig = (struct rig){.vcpus = 1, .writes = 3, .harvests = 2, .warm = true};
    explore(6);
}

/* Two pages of one word, marked at the same time by two vCPUs. */
static void test_mail003_two_mark_in_one_word(void **state)
{
    (void)state;
    rig = (struct rig){.vcpus = 2, .writes = 1, .harvests = 1, .warm = true, .page = {0, 1}};
    explore(4);
}

/* One page, two SPTEs: an rmap of more than one. */
static void test_mail003_two_write_one_page(void **state)
{
    (void)state;
    rig = (struct rig){.vcpus = 2, .writes = 1, .harvests = 2, .page = {0, 0}};
    explore(4);
}

static void test_mail003_clear_by_range_against_writes(void **state)
{
    (void)state;
    rig = (struct rig){.vcpus = 1, .writes = 3, .harvests = 2, .clear = true};
    explore(6);
    rig.warm = true;
    explore(6);
}

static void harvest_finally(void *ctx)
{
    uint64_t bitmap;

    (void)ctx;
    dirty_log_final(rig.vm, SLOT, &bitmap);
}

/* Of a schedule that may have ended anywhere; one vCPU, so that no list is more than one entry. */
static void throw_away(void *ctx)
{
    (void)ctx;
    if (!rig.vm)
        return;
    pte_list_pool_destroy(&rig.pool);
    memslots_free(rig.vm);
    rig.vm = NULL;
}

static void setup_again(void *ctx)
{
    throw_away(ctx);
    setup(ctx);
}

/* With a vCPU in guest mode the final harvest could miss a write: it refuses. */
static void test_mail003_final_harvest_wants_stopped_vcpus(void **state)
{
    const struct schedule s = {.setup = setup_again,
                               .check = throw_away,
                               .threads = {{"final", harvest_finally}, {"vcpu 0", run_vcpu}},
                               .n = 2,
                               .preemptions = 2};
    struct schedule_result found;

    (void)state;
    rig = (struct rig){.vcpus = 1, .writes = 1};
    found = schedule_search(&s);
    assert_int_equal(found.end, SCHEDULE_FAILED);
    assert_non_null(strstr(found.what, "invariant"));
    throw_away(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mail003_first_writes_against_harvest),
        cmocka_unit_test(test_mail003_fast_faults_against_harvest),
        cmocka_unit_test(test_mail003_two_mark_in_one_word),
        cmocka_unit_test(test_mail003_two_write_one_page),
        cmocka_unit_test(test_mail003_clear_by_range_against_writes),
        cmocka_unit_test(test_mail003_final_harvest_wants_stopped_vcpus),
    };

    return unit_main(tests);
}
