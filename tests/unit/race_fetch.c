/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mail 002: the page fault path (cpu/mmu_shadow/fetch.c) against a guest that changes its tables
 * meanwhile, in every order of their steps. One vCPU faults on an address; another stores a new
 * entry, at one level or the other, through its own window on memory. Once the first has loaded CR3
 * again it must see what the tables say, whatever the order was.
 */
#include "tests/unit/shadow_race.h"

static void fault(void *ctx)
{
    struct race *r = ctx;
    struct shadow_xlat x;
    uint32_t error;

    r->inside = true;
    schedule_expect(shadow_translate(r->vcpu[0], VA, 0, &x, &error));
    /* until it leaves guest mode it may use what it has got; the tables of before it may not */
    schedule_expect(!r->changed || x.gpa == r->leads << PAGE_SHIFT);
    step("fault: used");
    r->inside = false;
}

static void change_slots(void *ctx)
{
    struct race *r = ctx;
    const struct memslots_change c[2] = {
        {.op = MEMSLOTS_DELETE},
        {.op = MEMSLOTS_CREATE, .size = FRAMES * PAGE_SIZE, .hva = r->other}};

    memcpy(r->other, r->ram, FRAMES * PAGE_SIZE);
    st_le32(r->other + PT * PAGE_SIZE + 4, AFTER * PAGE_SIZE | GPTE_P | GPTE_W | GPTE_A);
    shadow_begin_change(r->mmu);
    step("slots: between");
    schedule_expect(memslots_change_all(r->vm, c, 2) == MEMSLOTS_OK);
    step("slots: published");
    race_flush(r);
    r->changed = true;
    shadow_end_change(r->mmu);
}

/* The first table comes back: its shadow has nothing of what the other said. */
static void check_way_back(struct race *r)
{
    struct shadow_xlat x;
    uint32_t error;

    put(r, r->at, PT * PAGE_SIZE | GPTE_P | GPTE_W | GPTE_A);
    shadow_written(r->mmu, r->vcpu[1], r->at, 4);
    load_cr3(r, 0);
    for (unsigned k = 0; k < 2; k++) { /* the first has the table linked again */
        schedule_expect(shadow_translate(r->vcpu[0], k ? VA : NEIGHBOUR, 0, &x, &error));
        schedule_expect(x.gpa == BEFORE << PAGE_SHIFT);
    }
}

static void check(void *ctx)
{
    struct race *r = ctx;
    struct shadow_xlat x;
    uint32_t error;

    if (r->linked)
        check_way_back(r);
    shadow_audit(r->mmu);
    if (r->linked)
        return;
    if (!r->slots) {
        load_cr3(r, 0);
        schedule_expect(shadow_translate(r->vcpu[0], VA, 0, &x, &error));
        schedule_expect(x.gpa == r->leads << PAGE_SHIFT);
    }
    shadow_audit(r->mmu);
}

static void explore(struct race *r, void (*changer)(void *ctx))
{
    const struct schedule s = {.setup = race_setup,
                               .check = check,
                               .ctx = r,
                               .threads = {{"fault", fault}, {"change", changer}},
                               .n = 2,
                               .preemptions = 3};

    race_explore(r, &s);
}

static const uint32_t full = GPTE_P | GPTE_W | GPTE_A;

static void test_mail002_middle_level_changes(void **state)
{
    struct race r = {.at = PD * PAGE_SIZE, .value = PT2 * PAGE_SIZE | full, .leads = ELSE};

    (void)state;
    explore(&r, race_store);
}

static void test_mail002_middle_level_changes_by_a_warm_tlb(void **state)
{
    struct race r = {
        .at = PD * PAGE_SIZE, .value = PT2 * PAGE_SIZE | full, .leads = ELSE, .warm = true};

    (void)state;
    explore(&r, race_store);
}

/* The entry's store is seen before it is told: a walk leads to the new table while the old one is
 * still linked. */
static void test_mail002_linked_table_is_another(void **state)
{
    struct race r = {.at = PD * PAGE_SIZE,
                     .value = PT2 * PAGE_SIZE | GPTE_P | GPTE_W | GPTE_A,
                     .leads = ELSE,
                     .linked = true};

    (void)state;
    explore(&r, race_store);
}

static void test_mail002_last_level_changes(void **state)
{
    struct race r = {.at = PT * PAGE_SIZE + 4, .value = AFTER * PAGE_SIZE | full, .leads = AFTER};

    (void)state;
    explore(&r, race_store);
}

static void test_mail002_last_level_changes_by_a_warm_tlb(void **state)
{
    struct race r = {
        .at = PT * PAGE_SIZE + 4, .value = AFTER * PAGE_SIZE | full, .leads = AFTER, .warm = true};

    (void)state;
    explore(&r, race_store);
}

static void test_slots_change(void **state)
{
    struct race r = {.slots = true, .before = BEFORE, .leads = AFTER};

    (void)state;
    explore(&r, change_slots);
}

/* What is no memory is in no table: there only the walk tells where it is. */
static void test_slots_change_under_a_walk_to_nowhere(void **state)
{
    struct race r = {.slots = true, .before = FRAMES + 5, .leads = AFTER, .warm = true};

    (void)state;
    explore(&r, change_slots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mail002_middle_level_changes),
        cmocka_unit_test(test_mail002_middle_level_changes_by_a_warm_tlb),
        cmocka_unit_test(test_mail002_linked_table_is_another),
        cmocka_unit_test(test_mail002_last_level_changes),
        cmocka_unit_test(test_mail002_last_level_changes_by_a_warm_tlb),
        cmocka_unit_test(test_slots_change),
        cmocka_unit_test(test_slots_change_under_a_walk_to_nowhere),
    };
    return unit_main(tests);
}
