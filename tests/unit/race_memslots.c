/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Readers of memory slots while they change (cpu/mmu_shadow/memslots.h): every kind of change of
 * mail 004 against a vCPU that looks slots up without a lock, in every order of their steps. What
 * it sees is the map of before or that of after, whole, and stays until it acknowledges.
 */
#include "tests/unit/unit.h"

#include "base/bits.h"
#include "base/lock.h"
#include "cpu/mmu_shadow/memslots.h"
#include "cpu/mmu_shadow/page_track.h"
#include "tests/unit/schedule.h"

#define PG    UINT64_C(0x1000)
#define SPACE 64
#define LAST  4 /* ids 1 to LAST are there at first, of two pages, id n at gfn 10 n */

static uint8_t mem[16 * PG] __attribute__((aligned(4096)));

/* ---- the changes, and what they do to who owns a frame ---- */

#define SLOT(n) .id = (n), .size = 2 * PG, .hva = mem + (n)*2 * PG

static const struct change {
    const char *name;
    struct memslots_change c[2];
    unsigned n;
} changes[] = {
    {"create at the front", {{.op = MEMSLOTS_CREATE, SLOT(5), .gpa = 50 * PG}}, 1},
    {"create at the back", {{.op = MEMSLOTS_CREATE, SLOT(5), .gpa = 5 * PG}}, 1},
    {"create between", {{.op = MEMSLOTS_CREATE, SLOT(5), .gpa = 25 * PG}}, 1},
    {"delete the front", {{.op = MEMSLOTS_DELETE, .id = 4}}, 1},
    {"delete the back", {{.op = MEMSLOTS_DELETE, .id = 1}}, 1},
    {"delete between", {{.op = MEMSLOTS_DELETE, .id = 3}}, 1},
    {"move forward", {{.op = MEMSLOTS_MOVE, SLOT(1), .gpa = 50 * PG}}, 1},
    {"move backward", {{.op = MEMSLOTS_MOVE, SLOT(4), .gpa = 15 * PG}}, 1},
    {"move a little", {{.op = MEMSLOTS_MOVE, SLOT(2), .gpa = 21 * PG}}, 1},
    {"change of flags",
     {{.op = MEMSLOTS_FLAGS, SLOT(2), .gpa = 20 * PG, .flags = MEMSLOT_LOG_DIRTY}},
     1},
    {"one for another",
     {{.op = MEMSLOTS_DELETE, .id = 2}, {.op = MEMSLOTS_CREATE, SLOT(5), .gpa = 20 * PG}},
     2},
};

/* A map in the plainest form: the id at each frame, 0 for none. */
struct owners {
    uint8_t id[SPACE];
};

static void own(struct owners *o, int id, gfn_t gfn)
{
    o->id[gfn] = o->id[gfn + 1] = (uint8_t)id;
}

static void disown(struct owners *o, int id)
{
    for (unsigned g = 0; g < SPACE; g++)
        o->id[g] = o->id[g] == id ? 0 : o->id[g];
}

static struct owners owners_first(void)
{
    struct owners o = {0};

    for (int id = 1; id <= LAST; id++)
        own(&o, id, (gfn_t)id * 10);
    return o;
}

static struct owners owners_after(const struct change *change)
{
    struct owners o = owners_first();

    for (unsigned k = 0; k < change->n; k++) {
        disown(&o, change->c[k].id);
        if (change->c[k].op != MEMSLOTS_DELETE)
            own(&o, change->c[k].id, change->c[k].gpa >> PAGE_SHIFT);
    }
    return o;
}

/* ---- the machine: one writer, readers that acknowledge ---- */

static struct rig {
    const struct change *change;
    struct memslots_vm *vm;
    struct owners before, after;
    struct lock lock; /* for the next three */
    struct condition acknowledged;
    unsigned asked, acks;
    bool outside; /* the reader reads no more */
    bool noted;   /* code_written was called */
    uint8_t decoded;
} rig;

/* As the machine does it: asks, and waits until the vCPU acknowledged or is outside guest mode. */
static void synchronize(void *opaque, const struct memslots *was, const struct memslots *now)
{
    unsigned mine;

    (void)opaque;
    schedule_expect(now->generation == was->generation + 1);
    lock_take(&rig.lock);
    mine = ++rig.asked;
    while (rig.acks < mine && !rig.outside)
        condition_wait(&rig.acknowledged, &rig.lock);
    lock_drop(&rig.lock);
}

static void acknowledge(bool leave)
{
    lock_take(&rig.lock);
    rig.acks = rig.asked;
    rig.outside = leave;
    condition_broadcast(&rig.acknowledged);
    lock_drop(&rig.lock);
}

static void code_written(void *opaque, gpa_t gpa, size_t len)
{
    (void)opaque, (void)gpa, (void)len;
    rig.noted = true;
}

static void setup(void *ctx)
{
    const struct change *change = rig.change;

    (void)ctx;
    memset(&rig, 0, sizeof(rig));
    rig.change = change;
    lock_init(&rig.lock);
    condition_init(&rig.acknowledged);
    rig.vm = memslots_new();
    for (int id = 1; id <= LAST; id++) {
        struct memslots_change c = {.op = MEMSLOTS_CREATE, SLOT(id), .gpa = 10 * (gpa_t)id * PG};

        assert_int_equal(memslots_change(rig.vm, &c), MEMSLOTS_OK);
    }
    memslots_set_hooks(rig.vm, NULL, synchronize, code_written);
    rig.before = owners_first();
    if (change)
        rig.after = owners_after(change);
}

static void check(void *ctx)
{
    (void)ctx;
    for (gfn_t g = 0; g < SPACE; g++) {
        const struct memslot *s = memslots_find(rig.vm, g);

        schedule_expect((s ? s->id : 0) == rig.after.id[g]);
    }
    memslots_free(rig.vm);
}

static void write_change(void *ctx)
{
    (void)ctx;
    schedule_expect(memslots_change_all(rig.vm, rig.change->c, rig.change->n) == MEMSLOTS_OK);
}

/* ---- readers ---- */

/* Is g exactly the map `o`, in order and with a right table of ids? */
static bool is_map(const struct memslots *g, const struct owners *o)
{
    struct owners found = {0};
    unsigned ids = 0;

    for (unsigned k = 0; k < g->used; k++) {
        const struct memslot *s = &g->slot[k];

        if (g->id_to_index[s->id] != (int)k || (k && s->base_gfn >= s[-1].base_gfn))
            return false;
        own(&found, s->id, s->base_gfn);
    }
    for (int id = 0; id < MEMSLOT_IDS; id++)
        ids += g->id_to_index[id] != -1;
    return ids == g->used && !memcmp(&found, o, sizeof(found));
}

/* Looks at one generation as a whole, at its leisure. */
static void read_generation(void *ctx)
{
    (void)ctx;
    for (unsigned round = 0; round < 2; round++) {
        const struct memslots *g = memslots_now(rig.vm);
        uint64_t generation = g->generation;

        for (unsigned look = 0; look < 3; look++) {
            step("reader: holds a generation");
            schedule_expect(g->generation == generation);
            schedule_expect(
                is_map(g, generation == LAST ? &rig.before : &rig.after)); /* one each to set up */
        }
        acknowledge(round == 1);
    }
}

/* Looks frames up one by one, from the back to the front of the array; what it found stays. */
static void read_slots(void *ctx)
{
    static const gfn_t gfns[] = {5, 10, 11, 20, 21, 25, 30, 41, 51};
    bool after = false;

    (void)ctx;
    for (unsigned k = 0; k < ARRAY_SIZE(gfns); k++) {
        const struct memslot *s = memslots_find(rig.vm, gfns[k]);
        int id = s ? s->id : 0;
        bool fits_before = id == rig.before.id[gfns[k]], fits_after = id == rig.after.id[gfns[k]];

        schedule_expect(after ? fits_after : fits_before || fits_after);
        after |= !fits_before;
        step("reader: holds a slot");
        schedule_expect(!s || (s->id == id && memslot_holds(s, gfns[k])));
        if (k % 3 == 2)
            acknowledge(k == ARRAY_SIZE(gfns) - 1);
    }
}

static void explore_all(void (*reader)(void *))
{
    for (unsigned k = 0; k < ARRAY_SIZE(changes); k++) {
        const struct schedule s = {.setup = setup,
                                   .check = check,
                                   .threads = {{"writer", write_change}, {"reader", reader}},
                                   .n = 2,
                                   .preemptions = 4};

        rig.change = &changes[k];
        print_message("# %s\n", changes[k].name);
        schedule_explore(&s);
    }
}

static void test_mail004_readers_see_a_whole_generation(void **state)
{
    (void)state;
    explore_all(read_generation);
}

static void test_mail004_look_ups_stay_in_one_generation(void **state)
{
    (void)state;
    explore_all(read_slots);
}

/* ---- DMA over code that is being decoded ---- */

static void dma_write(void *ctx)
{
    const uint8_t byte = 2;

    (void)ctx;
    schedule_expect(memslots_write(rig.vm, 20 * PG, &byte, 1));
}

/* As a block is built: the mark first, then the bytes. */
static void decode(void *ctx)
{
    const struct memslot *s = memslots_find(rig.vm, 20);

    (void)ctx;
    page_track_begin(page_track_word(s, 20), TRACK_CODE);
    step("decoder: marked");
    rig.decoded = *memslot_hva(s, 20 * PG);
}

static void check_decoded(void *ctx)
{
    (void)ctx;
    schedule_expect(rig.decoded == 2 || rig.noted);
    memslots_free(rig.vm);
}

static void setup_decode(void *ctx)
{
    rig.change = NULL;
    setup(ctx);
    mem[4 * PG] = 1;
}

/* Old bytes that were decoded are told of: one of the two sees the other. */
static void test_dma_meets_the_decoder(void **state)
{
    const struct schedule s = {.setup = setup_decode,
                               .check = check_decoded,
                               .threads = {{"dma", dma_write}, {"decoder", decode}},
                               .n = 2,
                               .preemptions = SCHEDULE_ALL};

    (void)state;
    schedule_explore(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mail004_readers_see_a_whole_generation),
        cmocka_unit_test(test_mail004_look_ups_stay_in_one_generation),
        cmocka_unit_test(test_dma_meets_the_decoder),
    };

    return unit_main(tests);
}
