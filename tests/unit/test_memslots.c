/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory slots (cpu/mmu_shadow/memslots.h) by the rules of mail 004: how the sorted array and the
 * table of ids are kept by create, delete, move and change of flags; that a search ends at the used
 * count; every transition that is refused, by name; and that a change is one whole generation whose
 * predecessor outlives its readers.
 */
#include "cpu/mmu_shadow/page_track.h"
#include "tests/unit/memslots_check.h"

#include <stdio.h>

#include "base/bits.h"
#include "cpu/mmu_shadow/slot_pages.h"

#define PG UINT64_C(0x1000)

static uint8_t mem[64 * PG] __attribute__((aligned(4096)));

static struct memslots_vm *vm;

static int setup(void **state)
{
    (void)state;
    vm = memslots_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    memslots_free(vm);
    return 0;
}

static const struct memslots *whole_now(void)
{
    return assert_whole_now(vm);
}

/* The ids from front to back, as text. */
static const char *order(void)
{
    static char text[256];
    const struct memslots *g = whole_now();
    size_t n = 0;

    text[0] = 0;
    for (unsigned k = 0; k < g->used; k++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, k ? " %d" : "%d", g->slot[k].id);
    return text;
}

/* A slot of one page that is at gfn, the host page of its id. */
static void put(int id, gfn_t gfn)
{
    slots_create(vm, id, gfn * PG, PG, mem + (unsigned)id * PG, 0);
    whole_now();
}

static void move(int id, gfn_t gfn)
{
    assert_int_equal(slots_try(vm, MEMSLOTS_MOVE, id, gfn * PG, PG, mem + (unsigned)id * PG, 0),
                     MEMSLOTS_OK);
    whole_now();
}

/* ---- the array: mail 004 ---- */

/* A new slot begins at the back and goes forward to its place: whatever the order of coming, the
 * array is the same. */
static void test_mail004_insert_back_then_forward(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 256; way++) {
        unsigned p[4] = {way & 3, way >> 2 & 3, way >> 4 & 3, way >> 6};
        unsigned seen = 1u << p[0] | 1u << p[1] | 1u << p[2] | 1u << p[3];

        if (seen != 15)
            continue;
        for (unsigned k = 0; k < 4; k++)
            put((int)p[k], 10 + p[k]);
        assert_string_equal(order(), "3 2 1 0");
        for (int id = 0; id < 4; id++)
            slots_delete(vm, id);
        assert_int_equal(whole_now()->used, 0);
    }
}

/* Towards a lower gfn: those with a higher one behind it shift to the front, with their index. */
static void test_mail004_move_backward(void **state)
{
    (void)state;
    for (int id = 1; id <= 5; id++)
        put(id, (gfn_t)id * 10);
    assert_string_equal(order(), "5 4 3 2 1");
    move(5, 25);
    assert_string_equal(order(), "4 3 5 2 1");
    move(4, 1);
    assert_string_equal(order(), "3 5 2 1 4");
    move(3, 29); /* passes no one */
    assert_string_equal(order(), "3 5 2 1 4");
}

/* Whose harvest reads the lists holds the device lock, as who moves the slot: nobody else may take
 * them away, nor may they be there under a wrong number. */
static void test_mail004_move_drops_what_goes_by_frame(void **state)
{
    const struct memslot *s;
    struct slot_pages *p;

    (void)state;
    put(1, 10);
    s = memslots_find(vm, 10);
    p = slot_pages_new(10, s->npages);
    atomic_store(&s->arch->shadow, p);
    put(2, 20);
    move(2, 30);
    s = memslots_find(vm, 10);
    assert_ptr_equal(atomic_load(&s->arch->shadow), p);
    move(1, 40);
    s = memslots_find(vm, 40);
    assert_null(atomic_load(&s->arch->shadow));
}

static void test_mail004_move_forward(void **state)
{
    (void)state;
    for (int id = 1; id <= 5; id++)
        put(id, (gfn_t)id * 10);
    move(1, 35);
    assert_string_equal(order(), "5 4 1 3 2");
    move(2, 1000);
    assert_string_equal(order(), "2 5 4 1 3");
    move(5, 51);
    assert_string_equal(order(), "2 5 4 1 3");
}

/* From every place to every other, all in between found where they are. */
static void test_mail004_move_from_anywhere_to_anywhere(void **state)
{
    (void)state;
    for (int id = 0; id < 8; id++)
        put(id, 10 + 10 * (gfn_t)id);
    for (int id = 0; id < 8; id++) {
        for (unsigned to = 0; to < 9; to++) {
            move(id, 5 + 10 * to);
            for (int k = 0; k < 8; k++) {
                gfn_t gfn = k == id ? 5 + 10 * to : 10 + 10 * (gfn_t)k;

                assert_int_equal(memslots_find(vm, gfn)->id, k);
            }
        }
        assert_null(memslots_find(vm, 10 + 10 * (gfn_t)id));
        move(id, 10 + 10 * (gfn_t)id);
    }
}

/* A move may end in part where it began. */
static void test_mail004_move_onto_itself(void **state)
{
    (void)state;
    slots_create(vm, 7, 10 * PG, 8 * PG, mem, 0);
    put(20, 30);
    assert_int_equal(slots_try(vm, MEMSLOTS_MOVE, 7, 13 * PG, 8 * PG, mem, 0), MEMSLOTS_OK);
    assert_null(memslots_find(vm, 12));
    assert_int_equal(memslots_find(vm, 20)->id, 7);
    assert_int_equal(slots_try(vm, MEMSLOTS_MOVE, 7, 8 * PG, 8 * PG, mem, 0), MEMSLOTS_OK);
    assert_ptr_equal(memslots_ptr(vm, 15 * PG + 3), mem + 7 * PG + 3);
    assert_null(memslots_find(vm, 16));
}

static void test_mail004_delete_shifts_the_rest_forward(void **state)
{
    (void)state;
    for (int id = 1; id <= 5; id++)
        put(id, (gfn_t)id * 10);
    slots_delete(vm, 4);
    assert_string_equal(order(), "5 3 2 1");
    slots_delete(vm, 5);
    assert_string_equal(order(), "3 2 1");
    slots_delete(vm, 1);
    assert_string_equal(order(), "3 2");
    for (int id = 1; id <= 5; id++)
        assert_int_equal(memslots_find(vm, (gfn_t)id * 10) != NULL, id == 2 || id == 3);
}

/* The id of a deleted slot is free: it is neither found by it, nor in the way of a new one. */
static void test_mail004_delete_forgets_the_id(void **state)
{
    (void)state;
    put(1, 10);
    put(2, 20);
    slots_delete(vm, 2);
    assert_null(memslots_by_id(memslots_now(vm), 2));
    assert_int_equal(slots_try(vm, MEMSLOTS_DELETE, 2, 0, 0, NULL, 0), MEMSLOTS_NOT_THERE);
    put(2, 5);
    assert_string_equal(order(), "1 2");
}

/* What is behind the used count is no slot, though its bytes are still there. */
static void test_mail004_search_ends_at_used_count(void **state)
{
    (void)state;
    put(1, 10);
    put(2, 20);
    put(3, 30);
    assert_non_null(memslots_find(vm, 30)); /* the hint is the front */
    slots_delete(vm, 1);
    assert_null(memslots_find(vm, 10));
    slots_delete(vm, 2);
    assert_null(memslots_find(vm, 20));
    slots_delete(vm, 3);
    assert_null(memslots_find(vm, 30));
    assert_null(memslots_find(vm, 0));
    assert_null(memslots_find(vm, ~UINT64_C(0)));
}

/* A hint outlives the slot it was made for: the next generation has another there, or nothing. */
static void test_mail004_hint_outlives_its_slot(void **state)
{
    (void)state;
    put(1, 10);
    put(2, 20);
    put(3, 30);
    assert_int_equal(memslots_find(vm, 10)->id, 1); /* the hint is the back */
    slots_delete(vm, 1);
    assert_null(memslots_find(vm, 10));
    assert_int_equal(memslots_find(vm, 20)->id, 2);
    put(4, 25); /* where the hint is now */
    assert_int_equal(memslots_find(vm, 20)->id, 2);
    assert_int_equal(memslots_find(vm, 25)->id, 4);
    move(4, 5);
    assert_null(memslots_find(vm, 25));
    assert_int_equal(memslots_find(vm, 5)->id, 4);
    slots_delete(vm, 4);
    slots_delete(vm, 2);
    slots_delete(vm, 3);
    assert_null(memslots_find(vm, 5));
}

/* Whether a slot is there is a matter of the table of ids: a host address of 0 is one like others.
 */
static void test_mail004_hva_zero_is_a_slot(void **state)
{
    (void)state;
    slots_create(vm, 9, 10 * PG, 2 * PG, NULL, 0);
    assert_int_equal(memslots_find(vm, 11)->id, 9);
    assert_int_equal(slots_try(vm, MEMSLOTS_CREATE, 9, 20 * PG, PG, mem, 0), MEMSLOTS_EXISTS);
    assert_int_equal(slots_try(vm, MEMSLOTS_MOVE, 9, 20 * PG, 2 * PG, NULL, 0), MEMSLOTS_OK);
    whole_now();
    slots_delete(vm, 9);
    assert_null(memslots_find(vm, 20));
}

/* ---- refusals: mail 004 ---- */

/* Refused, and nothing has changed: not even a new generation of the same. */
#define REFUSED(why, op, id, gpa, size, hva, flags)                                                \
    do {                                                                                           \
        const struct memslots *before_ = memslots_now(vm);                                         \
        assert_int_equal(slots_try(vm, op, id, gpa, size, hva, flags), why);                       \
        assert_ptr_equal(memslots_now(vm), before_);                                               \
        whole_now();                                                                               \
    } while (0)

static void test_mail004_overlap_is_refused(void **state)
{
    (void)state;
    slots_create(vm, 1, 4 * PG, 4 * PG, mem, 0);
    for (gfn_t from = 0; from < 12; from++) {
        for (uint64_t n = 1; from + n <= 12; n++) {
            if (from < 8 && from + n > 4) {
                REFUSED(MEMSLOTS_OVERLAPS, MEMSLOTS_CREATE, 2, from * PG, n * PG, mem, 0);
                continue;
            }
            slots_create(vm, 2, from * PG, n * PG, mem, 0); /* neighbours are welcome */
            whole_now();
            slots_delete(vm, 2);
        }
    }
}

static void test_mail004_move_onto_another_is_refused(void **state)
{
    (void)state;
    slots_create(vm, 1, 4 * PG, 4 * PG, mem, 0);
    slots_create(vm, 2, 20 * PG, 2 * PG, mem, 0);
    for (gfn_t to = 0; to < 12; to++) {
        if (to + 2 > 4 && to < 8) {
            REFUSED(MEMSLOTS_OVERLAPS, MEMSLOTS_MOVE, 2, to * PG, 2 * PG, mem, 0);
            continue;
        }
        assert_int_equal(slots_try(vm, MEMSLOTS_MOVE, 2, to * PG, 2 * PG, mem, 0), MEMSLOTS_OK);
        assert_int_equal(memslots_find(vm, to + 1)->id, 2);
    }
}

static void test_mail004_size_change_is_refused(void **state)
{
    (void)state;
    slots_create(vm, 1, 4 * PG, 4 * PG, mem, 0);
    for (uint64_t n = 0; n < 9; n++) {
        if (n == 4)
            continue;
        REFUSED(MEMSLOTS_SIZE_CHANGED, MEMSLOTS_MOVE, 1, 40 * PG, n * PG, mem, 0);
        REFUSED(MEMSLOTS_SIZE_CHANGED, MEMSLOTS_FLAGS, 1, 4 * PG, n * PG, mem, MEMSLOT_LOG_DIRTY);
    }
}

static void test_mail004_hva_change_is_refused(void **state)
{
    (void)state;
    slots_create(vm, 1, 4 * PG, 4 * PG, mem, 0);
    REFUSED(MEMSLOTS_HVA_CHANGED, MEMSLOTS_MOVE, 1, 40 * PG, 4 * PG, mem + PG, 0);
    REFUSED(MEMSLOTS_HVA_CHANGED, MEMSLOTS_FLAGS, 1, 4 * PG, 4 * PG, NULL, MEMSLOT_LOG_DIRTY);
}

static void test_mail004_readonly_change_is_refused(void **state)
{
    (void)state;
    slots_create(vm, 1, 4 * PG, 4 * PG, mem, 0);
    slots_create(vm, 2, 20 * PG, PG, mem, MEMSLOT_READONLY);
    REFUSED(MEMSLOTS_READONLY_CHANGED, MEMSLOTS_FLAGS, 1, 4 * PG, 4 * PG, mem, MEMSLOT_READONLY);
    REFUSED(MEMSLOTS_READONLY_CHANGED, MEMSLOTS_FLAGS, 2, 20 * PG, PG, mem, 0);
    REFUSED(MEMSLOTS_READONLY_CHANGED, MEMSLOTS_MOVE, 2, 30 * PG, PG, mem, 0);
    REFUSED(MEMSLOTS_READONLY_CHANGED, MEMSLOTS_FLAGS, 2, 20 * PG, PG, mem,
            MEMSLOT_READONLY | MEMSLOT_FLASH);
    REFUSED(MEMSLOTS_BAD_FLAGS, MEMSLOTS_CREATE, 3, 30 * PG, PG, mem, MEMSLOT_FLASH);
}

static void test_mail004_one_change_at_a_time(void **state)
{
    (void)state;
    slots_create(vm, 1, 4 * PG, 4 * PG, mem, 0);
    REFUSED(MEMSLOTS_FLAGS_CHANGED, MEMSLOTS_MOVE, 1, 40 * PG, 4 * PG, mem, MEMSLOT_LOG_DIRTY);
    REFUSED(MEMSLOTS_PLACE_CHANGED, MEMSLOTS_FLAGS, 1, 40 * PG, 4 * PG, mem, MEMSLOT_LOG_DIRTY);
}

static void test_mail004_what_is_not_there_is_refused(void **state)
{
    (void)state;
    put(1, 10);
    for (int id = 0; id < MEMSLOT_IDS; id++) {
        if (id == 1)
            continue;
        REFUSED(MEMSLOTS_NOT_THERE, MEMSLOTS_DELETE, id, 10 * PG, PG, mem, 0);
        REFUSED(MEMSLOTS_NOT_THERE, MEMSLOTS_MOVE, id, 20 * PG, PG, mem, 0);
        REFUSED(MEMSLOTS_NOT_THERE, MEMSLOTS_FLAGS, id, 10 * PG, PG, mem, MEMSLOT_LOG_DIRTY);
    }
    REFUSED(MEMSLOTS_EXISTS, MEMSLOTS_CREATE, 1, 20 * PG, PG, mem, 0);
}

static void test_mail004_ids_out_of_range_are_refused(void **state)
{
    static const int ids[] = {-1, MEMSLOT_IDS, MEMSLOT_IDS + 1, INT32_MIN, INT32_MAX, -65536};

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(ids); k++) {
        for (unsigned op = MEMSLOTS_CREATE; op <= MEMSLOTS_FLAGS; op++)
            REFUSED(MEMSLOTS_BAD_ID, (enum memslots_op)op, ids[k], 0, PG, mem, 0);
        assert_null(memslots_by_id(memslots_now(vm), ids[k]));
    }
    put(0, 1);
    slots_create(vm, MEMSLOT_IDS - 1, 0, PG, mem, 0);
    assert_string_equal(order(), "0 127");
}

static void test_mail004_bad_shapes_are_refused(void **state)
{
    const uint64_t end = UINT64_C(1) << MEMSLOT_GPA_BITS;
    const uint64_t most = MEMSLOT_MAX_PAGES << PAGE_SHIFT;

    (void)state;
    REFUSED(MEMSLOTS_NO_PAGES, MEMSLOTS_CREATE, 1, 4 * PG, 0, mem, 0);
    for (unsigned bit = 0; bit < PAGE_SHIFT; bit++) {
        uint64_t odd = UINT64_C(1) << bit;

        REFUSED(MEMSLOTS_MISALIGNED, MEMSLOTS_CREATE, 1, 4 * PG + odd, PG, mem, 0);
        REFUSED(MEMSLOTS_MISALIGNED, MEMSLOTS_CREATE, 1, 4 * PG, PG + odd, mem, 0);
        REFUSED(MEMSLOTS_MISALIGNED, MEMSLOTS_CREATE, 1, 4 * PG, PG, mem + odd, 0);
    }
    for (unsigned bit = 2; bit < 32; bit++)
        REFUSED(MEMSLOTS_BAD_FLAGS, MEMSLOTS_CREATE, 1, 4 * PG, PG, mem, 1u << bit);
    REFUSED(MEMSLOTS_TOO_LARGE, MEMSLOTS_CREATE, 1, 0, most + PG, mem, 0);
    /* past the last address, of the processor and of the type */
    REFUSED(MEMSLOTS_WRAPS, MEMSLOTS_CREATE, 1, end - PG, 2 * PG, mem, 0);
    REFUSED(MEMSLOTS_WRAPS, MEMSLOTS_CREATE, 1, end, PG, mem, 0);
    REFUSED(MEMSLOTS_WRAPS, MEMSLOTS_CREATE, 1, -PG, PG, mem, 0);
    REFUSED(MEMSLOTS_WRAPS, MEMSLOTS_CREATE, 1, -PG, 2 * PG, mem, 0);
    REFUSED(MEMSLOTS_WRAPS, MEMSLOTS_CREATE, 1, -most, most, mem, 0);
    slots_create(vm, 1, end - PG, PG, mem, 0);
    REFUSED(MEMSLOTS_MISALIGNED, MEMSLOTS_MOVE, 1, 12, PG, mem, 0);
    REFUSED(MEMSLOTS_WRAPS, MEMSLOTS_MOVE, 1, end, PG, mem, 0);
    assert_int_equal(memslots_find(vm, (end >> PAGE_SHIFT) - 1)->id, 1);
    assert_null(memslots_find(vm, end >> PAGE_SHIFT));
}

static void test_mail004_too_many_are_refused(void **state)
{
    (void)state;
    for (int k = 0; k < MEMSLOTS_MAX; k++)
        slots_create(vm, 2 * k, 2 * (gpa_t)k * PG, PG, mem, 0);
    REFUSED(MEMSLOTS_TOO_MANY, MEMSLOTS_CREATE, 1, 1000 * PG, PG, mem, 0);
    for (gfn_t gfn = 0; gfn < 2 * MEMSLOTS_MAX + 2; gfn++)
        assert_int_equal(memslots_find(vm, gfn) != NULL, gfn < 2 * MEMSLOTS_MAX && !(gfn & 1));
    /* the full table moves as any other */
    assert_int_equal(slots_try(vm, MEMSLOTS_MOVE, 0, 1000 * PG, PG, mem, 0), MEMSLOTS_OK);
    assert_int_equal(whole_now()->slot[0].id, 0);
    slots_delete(vm, 6);
    slots_create(vm, 1, 1 * PG, PG, mem, 0);
    assert_int_equal(whole_now()->slot[MEMSLOTS_MAX - 1].id, 1);
    assert_null(memslots_find(vm, 6));
}

static void test_refusals_have_words(void **state)
{
    (void)state;
    for (unsigned r = MEMSLOTS_OK; r <= MEMSLOTS_PLACE_CHANGED; r++) {
        const char *text = memslots_refusal_text((enum memslots_refusal)r);

        assert_non_null(text);
        for (unsigned k = 0; k < r; k++)
            assert_string_not_equal(text, memslots_refusal_text((enum memslots_refusal)k));
    }
}

/* ---- generations ---- */

static struct {
    unsigned calls, codes;
    const struct memslots *was, *now;
    uint64_t was_generation; /* what it must be while readers may have it */
    unsigned was_used;
    gpa_t gpa[8];
    size_t len[8];
} seen;

/* While readers leave, both are there and whole, and the new one is what they find. */
static void synchronize(void *opaque, const struct memslots *was, const struct memslots *now)
{
    assert_ptr_equal(opaque, &seen);
    seen.calls++;
    assert_ptr_equal(memslots_now(vm), now);
    assert_ptr_equal(was, seen.was);
    assert_true(was->generation == seen.was_generation);
    assert_int_equal(was->used, seen.was_used);
    assert_true(now->generation == was->generation + 1);
    assert_whole(was);
    assert_whole(now);
}

static void code_written(void *opaque, gpa_t gpa, size_t len)
{
    assert_ptr_equal(opaque, &seen);
    assert_in_range(seen.codes, 0, 7);
    seen.gpa[seen.codes] = gpa;
    seen.len[seen.codes++] = len;
}

static void watch(void)
{
    seen.calls = seen.codes = 0;
    seen.was = memslots_now(vm);
    seen.was_generation = seen.was->generation;
    seen.was_used = seen.was->used;
    memslots_set_hooks(vm, &seen, synchronize, code_written);
}

static void test_mail004_old_generation_outlives_its_readers(void **state)
{
    (void)state;
    watch();
    put(1, 10);
    assert_int_equal(seen.calls, 1);
    watch();
    put(2, 20);
    watch();
    move(1, 30);
    watch();
    assert_int_equal(slots_try(vm, MEMSLOTS_FLAGS, 2, 20 * PG, PG, mem + 2 * PG, MEMSLOT_LOG_DIRTY),
                     MEMSLOTS_OK);
    assert_int_equal(seen.calls, 1);
    watch();
    slots_delete(vm, 1);
    assert_int_equal(seen.calls, 1);
}

/* To be where one is, is no change, and disturbs no one. */
static void test_no_change_is_no_generation(void **state)
{
    const struct memslots *g;

    (void)state;
    put(1, 10);
    watch();
    g = memslots_now(vm);
    move(1, 10);
    assert_int_equal(slots_try(vm, MEMSLOTS_FLAGS, 1, 10 * PG, PG, mem + PG, 0), MEMSLOTS_OK);
    REFUSED(MEMSLOTS_EXISTS, MEMSLOTS_CREATE, 1, 20 * PG, PG, mem, 0);
    assert_int_equal(seen.calls, 0);
    assert_ptr_equal(memslots_now(vm), g);
}

/* Several changes are one generation; where one of them cannot be, none is made. */
static void test_changes_are_all_or_none(void **state)
{
    struct memslots_change c[] = {
        {.op = MEMSLOTS_DELETE, .id = 1},
        {.op = MEMSLOTS_CREATE, .id = 1, .gpa = 10 * PG, .size = PG, .hva = mem + 5 * PG},
        {.op = MEMSLOTS_MOVE, .id = 2, .gpa = 11 * PG, .size = PG, .hva = mem + 2 * PG},
        {.op = MEMSLOTS_CREATE, .id = 3, .gpa = 11 * PG, .size = PG, .hva = mem},
    };
    const struct memslots *g;

    (void)state;
    put(1, 10);
    put(2, 20);
    watch();
    g = memslots_now(vm);
    assert_int_equal(memslots_change_all(vm, c, 4), MEMSLOTS_OVERLAPS);
    assert_ptr_equal(memslots_now(vm), g);
    assert_int_equal(seen.calls, 0);
    whole_now();
    assert_ptr_equal(memslots_ptr(vm, 10 * PG), mem + PG);
    assert_int_equal(memslots_change_all(vm, c, 3), MEMSLOTS_OK);
    assert_int_equal(seen.calls, 1);
    assert_string_equal(order(), "2 1");
    assert_ptr_equal(memslots_ptr(vm, 10 * PG), mem + 5 * PG);
    assert_ptr_equal(memslots_ptr(vm, 11 * PG), mem + 2 * PG);
    assert_int_equal(memslots_change_all(vm, c, 0), MEMSLOTS_OK);
    assert_int_equal(seen.calls, 1);
}

/* What is known about pages goes with them, and lives as long as someone has a mark to take away.
 */
static void test_mail004_side_arrays_survive_a_change(void **state)
{
    struct memslot_arch *a;

    (void)state;
    slots_create(vm, 1, 4 * PG, 4 * PG, mem, 0);
    a = memslots_find(vm, 4)->arch;
    page_track_begin(&a->track[3], TRACK_CODE);
    assert_true(page_tracked(memslots_find(vm, 7), 7));
    assert_false(page_tracked(memslots_find(vm, 6), 6));
    put(20, 100);
    assert_int_equal(slots_try(vm, MEMSLOTS_MOVE, 1, 200 * PG, 4 * PG, mem, 0), MEMSLOTS_OK);
    assert_ptr_equal(memslots_find(vm, 203)->arch, a);
    assert_true(page_tracked(memslots_find(vm, 203), 203));
    assert_int_equal(slots_try(vm, MEMSLOTS_FLAGS, 1, 200 * PG, 4 * PG, mem, MEMSLOT_LOG_DIRTY),
                     MEMSLOTS_OK);
    assert_ptr_equal(memslots_find(vm, 203)->arch, a);
    assert_int_equal(memslots_find(vm, 203)->flags, MEMSLOT_LOG_DIRTY);
    memslot_arch_get(a);
    slots_delete(vm, 1);
    assert_int_equal(a->refs, 1);
    assert_int_equal(a->track[3], TRACK_CODE);
    slots_create(vm, 1, 4 * PG, 4 * PG, mem, 0); /* anew: nothing is known about it */
    assert_ptr_not_equal(memslots_find(vm, 4)->arch, a);
    assert_false(page_tracked(memslots_find(vm, 7), 7));
    memslot_arch_put(a);
}

/* ---- look-up and DMA ---- */

static void fill_mem(void)
{
    for (unsigned k = 0; k < sizeof(mem); k++)
        mem[k] = (uint8_t)(k >> 12);
}

static void test_look_up(void **state)
{
    (void)state;
    slots_create(vm, 0, 40 * PG, 2 * PG, mem + 8 * PG, 0);
    slots_create(vm, 1, 10 * PG, 2 * PG, mem, 0);
    slots_create(vm, 2, 20 * PG, 2 * PG, mem + 4 * PG, MEMSLOT_READONLY);
    assert_null(memslots_ptr(vm, 10 * PG - 1));
    assert_ptr_equal(memslots_ptr(vm, 10 * PG), mem);
    assert_ptr_equal(memslots_ptr(vm, 12 * PG - 1), mem + 2 * PG - 1);
    assert_null(memslots_ptr(vm, 12 * PG));
    assert_ptr_equal(memslots_ptr(vm, 21 * PG + 7), mem + 5 * PG + 7);
    assert_true(memslot_readonly(memslots_find(vm, 20)));
    assert_false(memslot_readonly(memslots_find(vm, 41)));
    assert_null(memslots_ptr(vm, UINT64_MAX));
}

static void test_dma_over_borders(void **state)
{
    uint8_t buf[5 * PG], rom[PG];

    (void)state;
    fill_mem();
    /* 10 RAM, 11 hole, 12 RAM from elsewhere, 13 ROM */
    slots_create(vm, 5, 10 * PG, PG, mem + PG, 0);
    slots_create(vm, 6, 12 * PG, PG, mem + 3 * PG, 0);
    slots_create(vm, 7, 13 * PG, PG, mem + 2 * PG, MEMSLOT_READONLY);
    assert_true(memslots_read(vm, 10 * PG + 1, buf, PG - 1));
    assert_true(memslots_read(vm, 12 * PG + 5, buf, PG + 100)); /* ROM can be read, too */
    assert_int_equal(buf[PG - 6], 3);
    assert_int_equal(buf[PG - 5], 2);
    memset(buf, 0x55, sizeof(buf));
    assert_false(memslots_read(vm, 10 * PG - 2, buf, 2 * PG + 4));
    assert_int_equal(ld_le32(buf), 0x0101ffff);
    assert_int_equal(ld_le32(buf + PG), 0xffff0101);
    assert_int_equal(ld_le32(buf + 2 * PG), 0x0303ffff);
    assert_int_equal(buf[2 * PG + 4], 0x55); /* no byte too many */

    memset(buf, 0x77, sizeof(buf));
    memcpy(rom, mem + 2 * PG, PG);
    assert_false(memslots_write(vm, 10 * PG + 8, buf, 4 * PG));
    assert_int_equal(mem[PG + 7], 1);
    assert_int_equal(mem[PG + 8], 0x77);
    assert_int_equal(mem[2 * PG - 1], 0x77);
    assert_int_equal(mem[3 * PG], 0x77);
    assert_int_equal(mem[4 * PG - 1], 0x77);
    assert_memory_equal(rom, mem + 2 * PG, PG); /* ROM as it was */
    assert_int_equal(mem[4 * PG], 4);
    assert_true(memslots_write(vm, 12 * PG, buf, PG));
    assert_true(memslots_read(vm, 0, buf, 0));
}

/* Past the last address of all there is no first one. */
static void test_dma_does_not_wrap(void **state)
{
    uint8_t buf[2 * PG];

    (void)state;
    fill_mem();
    slots_create(vm, 0, 0, 2 * PG, mem + PG, 0);
    memset(buf, 0x11, sizeof(buf));
    assert_false(memslots_write(vm, -PG, buf, sizeof(buf)));
    assert_int_equal(mem[PG], 1);
    assert_false(memslots_read(vm, UINT64_MAX - 3, buf, 12));
    for (unsigned k = 0; k < 12; k++)
        assert_int_equal(buf[k], 0xff);
    assert_int_equal(buf[12], 0x11);
}

static void test_dma_tells_of_tracked_pages(void **state)
{
    uint8_t buf[3 * PG] = {0};

    (void)state;
    slots_create(vm, 0, 10 * PG, 4 * PG, mem, 0);
    slots_create(vm, 1, 20 * PG, PG, mem, MEMSLOT_READONLY);
    watch();
    memslots_find(vm, 10)->arch->track[1] = TRACK_CODE;
    memslots_find(vm, 10)->arch->track[2] = TRACK_TABLE;
    memslots_find(vm, 20)->arch->track[0] = TRACK_CODE;
    assert_true(memslots_write(vm, 10 * PG + 16, buf, 3 * PG));
    assert_int_equal(seen.codes, 2);
    assert_int_equal(seen.gpa[0], 11 * PG);
    assert_int_equal(seen.len[0], PG);
    assert_int_equal(seen.gpa[1], 12 * PG);
    assert_int_equal(seen.len[1], PG);
    assert_true(memslots_read(vm, 11 * PG, buf, PG));   /* reading is no one's business */
    assert_false(memslots_write(vm, 20 * PG, buf, PG)); /* nothing was written */
    assert_int_equal(seen.codes, 2);
}

/* The balloon's step: gone, zeros when touched again, and told to who tracks the page. */
static void test_dropped_pages(void **state)
{
    (void)state;
    slots_create(vm, 0, 10 * PG, 4 * PG, mem, MEMSLOT_LOG_DIRTY);
    slots_create(vm, 1, 20 * PG, PG, mem + 4 * PG, MEMSLOT_READONLY);
    memset(mem, 0x5a, 5 * PG);
    watch();
    memslots_find(vm, 11)->arch->track[1] = TRACK_TABLE;
    assert_true(memslots_drop(vm, 11));
    assert_int_equal(seen.codes, 1);
    assert_int_equal(seen.gpa[0], 11 * PG);
    assert_int_equal(seen.len[0], PG);
    assert_int_equal(atomic_load(&memslots_find(vm, 11)->arch->dirty[0]), 2);
    assert_int_equal(mem[PG - 1], 0x5a);
    assert_int_equal(mem[PG], 0);
    assert_int_equal(mem[2 * PG - 1], 0);
    assert_int_equal(mem[2 * PG], 0x5a);
    assert_true(memslots_drop(vm, 12));
    assert_int_equal(seen.codes, 1);
    assert_false(memslots_drop(vm, 20));
    assert_int_equal(mem[4 * PG], 0x5a);
    assert_false(memslots_drop(vm, 30));
    assert_false(memslots_drop(vm, ~UINT64_C(0)));
    assert_false(memslots_drop(vm, UINT64_C(1) << 40));
}

#define SLOTS_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SLOTS_TEST(test_mail004_insert_back_then_forward),
        SLOTS_TEST(test_mail004_move_backward),
        SLOTS_TEST(test_mail004_move_drops_what_goes_by_frame),
        SLOTS_TEST(test_mail004_move_forward),
        SLOTS_TEST(test_mail004_move_from_anywhere_to_anywhere),
        SLOTS_TEST(test_mail004_move_onto_itself),
        SLOTS_TEST(test_mail004_delete_shifts_the_rest_forward),
        SLOTS_TEST(test_mail004_delete_forgets_the_id),
        SLOTS_TEST(test_mail004_search_ends_at_used_count),
        SLOTS_TEST(test_mail004_hint_outlives_its_slot),
        SLOTS_TEST(test_mail004_hva_zero_is_a_slot),
        SLOTS_TEST(test_mail004_overlap_is_refused),
        SLOTS_TEST(test_mail004_move_onto_another_is_refused),
        SLOTS_TEST(test_mail004_size_change_is_refused),
        SLOTS_TEST(test_mail004_hva_change_is_refused),
        SLOTS_TEST(test_mail004_readonly_change_is_refused),
        SLOTS_TEST(test_mail004_one_change_at_a_time),
        SLOTS_TEST(test_mail004_what_is_not_there_is_refused),
        SLOTS_TEST(test_mail004_ids_out_of_range_are_refused),
        SLOTS_TEST(test_mail004_bad_shapes_are_refused),
        SLOTS_TEST(test_mail004_too_many_are_refused),
        SLOTS_TEST(test_refusals_have_words),
        SLOTS_TEST(test_mail004_old_generation_outlives_its_readers),
        SLOTS_TEST(test_no_change_is_no_generation),
        SLOTS_TEST(test_changes_are_all_or_none),
        SLOTS_TEST(test_mail004_side_arrays_survive_a_change),
        SLOTS_TEST(test_look_up),
        SLOTS_TEST(test_dma_over_borders),
        SLOTS_TEST(test_dma_does_not_wrap),
        SLOTS_TEST(test_dma_tells_of_tracked_pages),
        SLOTS_TEST(test_dropped_pages),
    };

    return unit_main(tests);
}
