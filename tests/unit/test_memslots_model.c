/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random changes of memory slots (cpu/mmu_shadow/memslots.h), possible and impossible ones, against
 * a model that only knows who owns each frame; with all that must hold of the array checked behind
 * each.
 */
#include "tests/unit/memslots_check.h"

#define PG UINT64_C(0x1000)

static uint8_t mem[32 * PG] __attribute__((aligned(4096)));

static struct memslots_vm *vm;

#define SPACE 600

static struct model {
    int owner[SPACE]; /* -1: nobody */
    struct {
        bool there;
        gfn_t base;
        uint64_t n;
        uint32_t flags;
    } id[MEMSLOT_IDS];
    unsigned used;
} model;

static uint64_t seed;

static unsigned rnd(unsigned below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % below;
}

static bool model_free(int id, gfn_t base, uint64_t n)
{
    for (gfn_t g = base; g < base + n; g++) {
        if (model.owner[g] >= 0 && model.owner[g] != id)
            return false;
    }
    return true;
}

static void model_own(int id, gfn_t base, uint64_t n, bool own)
{
    for (gfn_t g = base; g < base + n; g++)
        model.owner[g] = own ? id : -1;
}

/* What the model says to a change; carried out there if it may be. */
static enum memslots_refusal model_change(const struct memslots_change *c)
{
    gfn_t base = c->gpa >> PAGE_SHIFT;
    uint64_t n = c->size >> PAGE_SHIFT;
    bool there = model.id[c->id].there;

    if (c->op != MEMSLOTS_CREATE && !there)
        return MEMSLOTS_NOT_THERE;
    switch (c->op) {
    case MEMSLOTS_CREATE:
        if (there)
            return MEMSLOTS_EXISTS;
        if (model.used == MEMSLOTS_MAX)
            return MEMSLOTS_TOO_MANY;
        if (!model_free(c->id, base, n))
            return MEMSLOTS_OVERLAPS;
        model.id[c->id].n = n;
        model.used++;
        break;
    case MEMSLOTS_MOVE:
    case MEMSLOTS_FLAGS:
        if (!model_free(c->id, base, n))
            return MEMSLOTS_OVERLAPS;
        model_own(c->id, model.id[c->id].base, n, false);
        break;
    case MEMSLOTS_DELETE:
        model_own(c->id, model.id[c->id].base, model.id[c->id].n, false);
        model.id[c->id].there = false;
        model.used--;
        return MEMSLOTS_OK;
    }
    model.id[c->id].there = true;
    model.id[c->id].base = base;
    model.id[c->id].flags = c->flags;
    model_own(c->id, base, n, true);
    return MEMSLOTS_OK;
}

static uint8_t *host_of(int id)
{
    return mem + (unsigned)(id % 32) * PG;
}

/* Any change that is well-formed, whether it can be or not. */
static struct memslots_change some_change(unsigned op)
{
    int id = (int)rnd(MEMSLOT_IDS);
    struct memslots_change c = {.op = (enum memslots_op)op,
                                .id = id,
                                .gpa = rnd(SPACE - 16) * PG,
                                .size = (1 + rnd(rnd(4) ? 3 : 12)) * PG,
                                .hva = host_of(id)};

    if (op != MEMSLOTS_CREATE && model.id[id].there) {
        c.size = model.id[id].n * PG;
        c.flags = model.id[id].flags;
    }
    if (op == MEMSLOTS_FLAGS) {
        c.gpa = model.id[id].base * PG;
        c.flags ^= MEMSLOT_LOG_DIRTY;
    }
    return c;
}

static void compare_with_model(void)
{
    const struct memslots *g = assert_whole_now(vm);

    assert_int_equal(g->used, model.used);
    for (unsigned k = 0; k < 40; k++) {
        gfn_t gfn = rnd(SPACE);
        const struct memslot *s = memslots_find(vm, gfn);

        assert_int_equal(s ? s->id : -1, model.owner[gfn]);
        if (!s)
            continue;
        assert_int_equal(s->base_gfn, model.id[s->id].base);
        assert_int_equal(s->npages, model.id[s->id].n);
        assert_int_equal(s->flags, model.id[s->id].flags);
        assert_ptr_equal(memslots_ptr(vm, gfn * PG + 5),
                         host_of(s->id) + (gfn - s->base_gfn) * PG + 5);
    }
}

static void test_mail004_random_changes_as_the_model_says(void **state)
{
    unsigned outcome[MEMSLOTS_PLACE_CHANGED + 1] = {0};

    (void)state;
    vm = memslots_new();
    memset(&model, 0, sizeof(model));
    memset(model.owner, 0xff, sizeof(model.owner));
    seed = 4;
    for (unsigned round = 0; round < 60000; round++) {
        /* few and many by turns, so that the table is empty, full, and everything between */
        unsigned more = round / 1000 & 1 ? MEMSLOTS_CREATE : MEMSLOTS_DELETE, op = rnd(6);
        struct memslots_change c = some_change(op < 4 ? op : more);
        enum memslots_refusal want = model_change(&c);

        outcome[want]++;
        assert_int_equal(memslots_change(vm, &c), want);
        compare_with_model();
    }
    /* it all happened */
    assert_true(outcome[MEMSLOTS_OK] > 10000 && outcome[MEMSLOTS_OVERLAPS] > 1000 &&
                outcome[MEMSLOTS_EXISTS] > 1000 && outcome[MEMSLOTS_NOT_THERE] > 1000 &&
                outcome[MEMSLOTS_TOO_MANY] > 100);
    memslots_free(vm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mail004_random_changes_as_the_model_says),
    };

    return unit_main(tests);
}
