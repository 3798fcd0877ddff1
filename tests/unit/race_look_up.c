/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Look-ups in the shadow tables, which take no lock, and the dirty log over shadow pages, whose
 * harvest takes none: against what others do to the tables under it, in every order of their steps.
 */
#include "tests/unit/shadow_race.h"

#include "cpu/mmu_shadow/dirty_log.h"

#define OTHER_VA (VA + (1u << 22))
#define THIRD_VA (VA + (2u << 22))

/* ---- tables that are used again ---- */

/* A translation may be the one before, or none; never one that VA never had. */
static bool sound(struct race *r)
{
    struct shadow_xlat x;
    uint32_t error;

    return !shadow_translate(r->vcpu[0], VA, 0, &x, &error) || x.gpa == BEFORE << PAGE_SHIFT;
}

static void look_up(void *ctx)
{
    for (unsigned k = 0; k < 2; k++) {
        schedule_expect(sound(ctx));
        step("look-up: next");
    }
}

static void guest_puts(struct race *r, gpa_t at, uint32_t e)
{
    put(r, at, e);
    shadow_written(r->mmu, r->vcpu[1], at, 4);
}

/* The guest unlinks the table and writes it as data, so that its shadow is free; the memory is used
 * again at once, for the other table. */
static void reuse(void *ctx)
{
    struct race *r = ctx;
    struct shadow_xlat x;
    uint32_t error;

    guest_puts(r, PD * PAGE_SIZE, 0);
    step("reuse: unlinked");
    guest_puts(r, PT * PAGE_SIZE + 0x800, 0x12345678);
    schedule_expect(r->mmu->free);
    step("reuse: free");
    schedule_expect(shadow_translate(r->vcpu[1], OTHER_VA, 0, &x, &error) &&
                    x.gpa == ELSE << PAGE_SHIFT);
}

static void setup_reuse(void *ctx)
{
    struct race *r = ctx;
    struct shadow_xlat x;
    uint32_t error;

    race_setup(ctx);
    put(r, PD2 * PAGE_SIZE + 8, GPTE_P | GPTE_W | GPTE_A | GPTE_D | GPTE_PS);
    put(r, PD2 * PAGE_SIZE + 4, PT2 * PAGE_SIZE | GPTE_P | GPTE_W | GPTE_A);
    /* the other vCPU has its root already: the next table that is made is of level 1 */
    if (!shadow_translate(r->vcpu[0], VA, 0, &x, &error) ||
        !shadow_translate(r->vcpu[1], THIRD_VA, 0, &x, &error))
        abort();
}

static void check_reuse(void *ctx)
{
    struct race *r = ctx;
    struct shadow_xlat x;
    uint32_t error;

    shadow_audit(r->mmu);
    load_cr3(r, 0);
    schedule_expect(!shadow_translate(r->vcpu[0], VA, 0, &x, &error));
}

static void test_look_up_while_tables_are_used_again(void **state)
{
    struct race r = {.at = 0};
    const struct schedule s = {.setup = setup_reuse,
                               .check = check_reuse,
                               .ctx = &r,
                               .threads = {{"look-up", look_up}, {"reuse", reuse}},
                               .n = 2,
                               .preemptions = 3};

    (void)state;
    race_explore(&r, &s);
}

/* What was noted of a table is void when its memory is used again. */
static void test_notes_of_tables_that_are_used_again(void **state)
{
    struct race r = {.at = 0};

    (void)state;
    race_new(&r);
    setup_reuse(&r);
    reuse(&r);
    assert_true(sound(&r));
    race_free(&r);
}

/* ---- roots ---- */

static gpa_t leads(struct race *r, gva_t va)
{
    struct shadow_xlat x;
    uint32_t error;

    assert_true(shadow_translate(r->vcpu[1], va, 0, &x, &error));
    return x.gpa;
}

/* A 32-bit guest has four roots. When all are dead the first fault lets go of all of them, and the
 * memory of another one is the table below the new root. */
static void test_roots_of_other_quarters(void **state)
{
    struct race r = {.at = 0};

    (void)state;
    race_new(&r);
    race_setup(&r);
    put(&r, PD2 * PAGE_SIZE, PT * PAGE_SIZE | GPTE_P | GPTE_W | GPTE_A);
    put(&r, PT * PAGE_SIZE, BEFORE * PAGE_SIZE | GPTE_P | GPTE_W | GPTE_A);
    for (unsigned k = 0; k < 2; k++) {
        assert_int_equal(leads(&r, 0), BEFORE * PAGE_SIZE);
        assert_int_equal(leads(&r, WINDOW), 0);
        shadow_begin_change(r.mmu);
        shadow_end_change(r.mmu);
    }
    race_free(&r);
}

/* ---- tables that are brought up to date ---- */

/* Two vCPUs load CR3 after a store to a leaf table that is left alone: each sees it, whoever of
 * them brings the table up to date. */
static void reload(struct race *r, unsigned n)
{
    struct shadow_xlat x;
    uint32_t error;

    r->vcpu[n]->paging.cr3 = PD * PAGE_SIZE;
    shadow_new_paging(r->vcpu[n]);
    schedule_expect(shadow_translate(r->vcpu[n], VA, 0, &x, &error) && x.gpa == AFTER
                                                                                    << PAGE_SHIFT);
}

static void reload_first(void *ctx)
{
    reload(ctx, 0);
}

static void reload_second(void *ctx)
{
    reload(ctx, 1);
}

static void setup_sync(void *ctx)
{
    struct race *r = ctx;
    struct shadow_xlat x;
    uint32_t error;

    race_setup(ctx);
    for (unsigned n = 0; n < 2; n++) {
        r->vcpu[n]->paging.cr3 = PD * PAGE_SIZE;
        shadow_new_paging(r->vcpu[n]);
        if (!shadow_translate(r->vcpu[n], VA, 0, &x, &error))
            abort();
    }
    for (unsigned k = 0; k < 16; k++)
        guest_puts(r, PT * PAGE_SIZE + 0x800 + k * 4, AFTER * PAGE_SIZE);
    if (!r->mmu->stats.unsyncs)
        abort();
    put(r, PT * PAGE_SIZE + 4, AFTER * PAGE_SIZE | GPTE_P | GPTE_W | GPTE_A);
}

static void check_sync(void *ctx)
{
    struct race *r = ctx;

    schedule_expect(r->mmu->stats.syncs);
    shadow_audit(r->mmu);
}

static void test_two_load_cr3_at_once(void **state)
{
    struct race r = {.at = 0};
    const struct schedule s = {.setup = setup_sync,
                               .check = check_sync,
                               .ctx = &r,
                               .threads = {{"first", reload_first}, {"second", reload_second}},
                               .n = 2,
                               .preemptions = 3};

    (void)state;
    race_explore(&r, &s);
}

/* ---- the dirty log (mail 003) ---- */

#define LOG_FRAME BEFORE

static uint32_t seen;
static bool harvested;

static void write_protect(void *opaque, const struct memslot *s, uint64_t first, uint64_t mask)
{
    struct race *r = opaque;

    (void)s;
    shadow_write_protect(r->pages, first, mask);
}

static void flush_all(void *opaque)
{
    race_flush(opaque);
}

/* Two stores, so that the second may go by the TLB. */
static void write_twice(void *ctx)
{
    struct race *r = ctx;

    for (unsigned k = 1; k <= 2; k++) {
        r->value = k;
        race_store(r);
    }
}

static bool in_log(struct race *r, bool final)
{
    uint64_t bitmap[FRAMES / 64];

    if (final)
        dirty_log_final(r->vm, 0, bitmap);
    else
        dirty_log_harvest(r->vm, 0, bitmap);
    return bitmap[LOG_FRAME / 64] >> (LOG_FRAME % 64) & 1;
}

static void harvest(void *ctx)
{
    struct race *r = ctx;

    for (unsigned k = 0; k < 2; k++) {
        if (in_log(r, false)) {
            harvested = true;
            seen = ld_le32(r->ram + r->at);
        }
    }
}

static void setup_log(void *ctx)
{
    struct race *r = ctx;
    const struct dirty_protect p = {.opaque = r, .protect = write_protect, .flush = flush_all};
    const struct memslots_change c = {.op = MEMSLOTS_FLAGS,
                                      .size = FRAMES * PAGE_SIZE,
                                      .hva = r->ram,
                                      .flags = MEMSLOT_LOG_DIRTY};

    race_setup(ctx);
    seen = 0;
    r->tlb_valid = false;
    harvested = false;
    st_le32(r->ram + r->at, 0);
    memslots_set_dirty_protect(r->vm, &p);
    shadow_begin_change(r->mmu);
    if (memslots_change(r->vm, &c) != MEMSLOTS_OK)
        abort();
    shadow_end_change(r->mmu);
    if (r->warm) { /* an SPTE that has been there, and was protected */
        uint32_t error;
        uint64_t bitmap[FRAMES / 64];

        if (!shadow_translate(r->vcpu[1], WINDOW + r->at, WALK_WRITE, &r->tlb, &error))
            abort();
        dirty_log_harvest(r->vm, 0, bitmap);
    }
}

/* What was written after a harvest's copy is in a later one. */
static void check_log(void *ctx)
{
    struct race *r = ctx;
    uint32_t now = ld_le32(r->ram + r->at);

    schedule_expect(now == 2);
    schedule_expect(in_log(r, true) || (harvested && seen == now));
    shadow_audit(r->mmu);
}

static void explore_log(bool warm)
{
    struct race r = {.at = LOG_FRAME * PAGE_SIZE, .warm = warm};
    const struct schedule s = {.setup = setup_log,
                               .check = check_log,
                               .ctx = &r,
                               .threads = {{"write", write_twice}, {"harvest", harvest}},
                               .n = 2,
                               .preemptions = 3};

    race_explore(&r, &s);
}

static void test_mail003_first_write_against_harvest(void **state)
{
    (void)state;
    explore_log(false);
}

static void test_mail003_write_again_against_harvest(void **state)
{
    (void)state;
    explore_log(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_look_up_while_tables_are_used_again),
        cmocka_unit_test(test_notes_of_tables_that_are_used_again),
        cmocka_unit_test(test_roots_of_other_quarters),
        cmocka_unit_test(test_two_load_cr3_at_once),
        cmocka_unit_test(test_mail003_first_write_against_harvest),
        cmocka_unit_test(test_mail003_write_again_against_harvest),
    };
    return unit_main(tests);
}
