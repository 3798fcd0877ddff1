/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mail 002: the page fault path (cpu/mmu_shadow/fetch.c) against a guest that changes its tables
 * meanwhile, in every order of their steps. One vCPU faults on an address; another stores a new
 * entry, at one level or the other, through its own window on memory. Once the first has loaded CR3
 * again it must see what the tables say, whatever the order was.
 */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "base/bits.h"
#include "cpu/mmu_shadow/memslots.h"
#include "cpu/mmu_shadow/shadow_mmu.h"
#include "cpu/mmu_shadow/slot_pages.h"
#include "tests/unit/schedule.h"

#define FRAMES 1024u /* 4 MiB: one large page of the window */
#define PD     1u
#define PT     2u /* the table in use, and the one that is put in its place */
#define PT2    3u
#define PD2    4u   /* the writer's address space, with the window */
#define BEFORE 100u /* the frames that the address leads to */
#define AFTER  101u
#define ELSE   102u /* and by the other table */
#define VA     0x00001000u
#define WINDOW 0xc0000000u

struct race {
    gpa_t at;       /* the entry that the guest changes */
    uint32_t value; /* to what */
    gfn_t leads;    /* where the address leads then */
    bool warm;      /* the writer has the entry's page in its TLB before */
    bool slots;     /* it is not the guest that changes, but the slot: to other memory */

    uint8_t *ram, *other;
    struct memslots_vm *vm;
    struct slot_pages *pages;
    struct shadow_mmu *mmu;
    struct shadow_vcpu *vcpu[2];
    struct shadow_xlat tlb; /* the writer's */
    bool tlb_valid, storing;
    unsigned flushed;
};

static bool not_storing(const void *arg)
{
    return !((const struct race *)arg)->storing;
}

/* A flush returns when nobody is between using a translation and forgetting it. */
static void flush(void *opaque)
{
    struct race *r = opaque;

    r->tlb_valid = false;
    r->flushed++;
    if (step_scheduled())
        step_wait("flush", not_storing, r);
}

static struct slot_pages *pages_of(void *opaque, const struct memslot *slot)
{
    struct race *r = opaque;

    (void)slot;
    return r->pages;
}

static void load_cr3(struct race *r, unsigned n)
{
    r->vcpu[n]->paging.cr3 = (n ? PD2 : PD) * PAGE_SIZE;
    shadow_new_paging(r->vcpu[n]);
}

static void put(struct race *r, gpa_t at, uint32_t e)
{
    st_le32(r->ram + at, e);
}

static void clean(struct race *r)
{
    if (!r->mmu)
        return;
    shadow_vcpu_free(r->vcpu[0]);
    shadow_vcpu_free(r->vcpu[1]);
    shadow_mmu_free(r->mmu);
    slot_pages_free(r->pages);
    memslots_free(r->vm);
    r->mmu = NULL;
}

static void setup(void *ctx)
{
    struct race *r = ctx;
    const struct shadow_world world = {.opaque = r, .flush = flush, .pages = pages_of};
    const struct memslots_change c = {
        .op = MEMSLOTS_CREATE, .size = FRAMES * PAGE_SIZE, .hva = r->ram};
    union paging_role role = {.levels = 2, .phys_bits = 32, .has_pat = 1, .pse = 1, .wp = 1};

    clean(r);
    memset(r->ram, 0, 8 * PAGE_SIZE);
    put(r, PD * PAGE_SIZE, PT * PAGE_SIZE | GPTE_P | GPTE_W | GPTE_A);
    put(r, PD2 * PAGE_SIZE + (WINDOW >> 22) * 4, GPTE_P | GPTE_W | GPTE_A | GPTE_D | GPTE_PS);
    put(r, PT * PAGE_SIZE + 4, BEFORE * PAGE_SIZE | GPTE_P | GPTE_W | GPTE_A);
    put(r, PT2 * PAGE_SIZE + 4, ELSE * PAGE_SIZE | GPTE_P | GPTE_W | GPTE_A);
    r->vm = memslots_new();
    if (memslots_change(r->vm, &c) != MEMSLOTS_OK)
        abort();
    r->pages = slot_pages_new(0, FRAMES);
    r->mmu = shadow_mmu_new(r->vm, &world, role, 100);
    r->storing = r->tlb_valid = false;
    for (unsigned n = 0; n < 2; n++) {
        r->vcpu[n] = shadow_vcpu_new(r->mmu, NULL);
        guest_paging_set_role(&r->vcpu[n]->paging, role);
        load_cr3(r, n);
    }
    if (r->warm) {
        uint32_t error;

        if (!shadow_translate(r->vcpu[1], WINDOW + r->at, WALK_WRITE, &r->tlb, &error))
            abort();
        r->tlb_valid = true;
    }
}

static void fault(void *ctx)
{
    struct race *r = ctx;
    struct shadow_xlat x;
    uint32_t error;

    schedule_expect(shadow_translate(r->vcpu[0], VA, 0, &x, &error));
}

/* As the interpreter stores: a translation is used only while no flush can come between. */
static void store(void *ctx)
{
    struct race *r = ctx;
    bool tracked;

    for (;;) {
        unsigned flushed = r->flushed;
        uint32_t error;

        if (!r->tlb_valid || !r->tlb.writable) {
            struct shadow_xlat x;

            schedule_expect(shadow_translate(r->vcpu[1], WINDOW + r->at, WALK_WRITE, &x, &error));
            if (r->flushed != flushed) /* by another, or for this very translation */
                continue;
            r->tlb = x;
            r->tlb_valid = true;
        }
        r->storing = true;
        break;
    }
    tracked = r->tlb.tracked;
    step("store: before");
    put(r, r->at, r->value);
    r->storing = false;
    step("store: after");
    if (tracked)
        shadow_written(r->mmu, r->at, 4);
}

static void change_slots(void *ctx)
{
    struct race *r = ctx;
    const struct memslots_change c[2] = {
        {.op = MEMSLOTS_DELETE},
        {.op = MEMSLOTS_CREATE, .size = FRAMES * PAGE_SIZE, .hva = r->other}};

    memcpy(r->other, r->ram, FRAMES * PAGE_SIZE);
    shadow_begin_change(r->mmu);
    step("slots: between");
    schedule_expect(memslots_change_all(r->vm, c, 2) == MEMSLOTS_OK);
    step("slots: published");
    flush(r);
    shadow_end_change(r->mmu);
}

static void check(void *ctx)
{
    struct race *r = ctx;
    struct shadow_xlat x;
    uint32_t error;

    shadow_audit(r->mmu);
    if (!r->slots) {
        load_cr3(r, 0);
        schedule_expect(shadow_translate(r->vcpu[0], VA, 0, &x, &error));
        schedule_expect(x.gpa == r->leads << PAGE_SHIFT);
    }
    shadow_audit(r->mmu);
}

static void explore(struct race *r, void (*changer)(void *ctx))
{
    const struct schedule s = {.setup = setup,
                               .check = check,
                               .ctx = r,
                               .threads = {{"fault", fault}, {"change", changer}},
                               .n = 2,
                               .preemptions = 3};

    r->ram = aligned_alloc(PAGE_SIZE, FRAMES * PAGE_SIZE);
    r->other = aligned_alloc(PAGE_SIZE, FRAMES * PAGE_SIZE);
    assert_true(r->ram && r->other);
    memset(r->ram, 0, FRAMES * PAGE_SIZE);
    schedule_explore(&s);
    clean(r);
    free(r->ram);
    free(r->other);
}

static const uint32_t full = GPTE_P | GPTE_W | GPTE_A;

static void test_mail002_middle_level_changes(void **state)
{
    struct race r = {.at = PD * PAGE_SIZE, .value = PT2 * PAGE_SIZE | full, .leads = ELSE};

    (void)state;
    explore(&r, store);
}

static void test_mail002_middle_level_changes_by_a_warm_tlb(void **state)
{
    struct race r = {
        .at = PD * PAGE_SIZE, .value = PT2 * PAGE_SIZE | full, .leads = ELSE, .warm = true};

    (void)state;
    explore(&r, store);
}

static void test_mail002_last_level_changes(void **state)
{
    struct race r = {.at = PT * PAGE_SIZE + 4, .value = AFTER * PAGE_SIZE | full, .leads = AFTER};

    (void)state;
    explore(&r, store);
}

static void test_mail002_last_level_changes_by_a_warm_tlb(void **state)
{
    struct race r = {
        .at = PT * PAGE_SIZE + 4, .value = AFTER * PAGE_SIZE | full, .leads = AFTER, .warm = true};

    (void)state;
    explore(&r, store);
}

static void test_slots_change(void **state)
{
    struct race r = {.slots = true};

    (void)state;
    explore(&r, change_slots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mail002_middle_level_changes),
        cmocka_unit_test(test_mail002_middle_level_changes_by_a_warm_tlb),
        cmocka_unit_test(test_mail002_last_level_changes),
        cmocka_unit_test(test_mail002_last_level_changes_by_a_warm_tlb),
        cmocka_unit_test(test_slots_change),
    };
    return unit_main(tests);
}
