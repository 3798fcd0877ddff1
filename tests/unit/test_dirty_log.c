/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dirty log of a slot (cpu/mmu_shadow/dirty_log.h): what marks, what taking out does and in
 * which order, ranges, the log over changes of the slot; mail 003. And who marks: DMA, the guest's
 * stores through the TLB, A and D bits. Races are in race_dirty_log.c.
 */
#include "tests/unit/cpu_fixture.h"

#include "base/bits.h"
#include "cpu/access.h"
#include "cpu/mmu_shadow/dirty_log.h"
#include "cpu/mmu_shadow/guest_walk.h"

#define PG    UINT64_C(0x1000)
#define SLOT  5
#define BASE  UINT64_C(0x100) /* gfn */
#define NPAGE 200u            /* no multiple of 64 */
#define WORDS 4

static uint8_t *host;
static struct memslots_vm *vm;

/* What taking out asked for, in order. */
static struct {
    uint64_t first[16], mask[16];
    unsigned protects, flushes;
    bool marked_then; /* a bit was still in the log when its page was protected */
    bool protect_after_flush;
} seen;

static const struct memslot *slot(void)
{
    return memslots_by_id(memslots_now(vm), SLOT);
}

static void protect(void *opaque, const struct memslot *s, uint64_t first_page, uint64_t mask)
{
    assert_ptr_equal(opaque, &seen);
    assert_ptr_equal(s, slot());
    assert_in_range(seen.protects, 0, ARRAY_SIZE(seen.mask) - 1);
    seen.first[seen.protects] = first_page;
    seen.mask[seen.protects++] = mask;
    seen.marked_then |= s->arch->dirty[first_page / 64] & mask;
    seen.protect_after_flush |= seen.flushes;
}

static void flush(void *opaque)
{
    assert_ptr_equal(opaque, &seen);
    seen.flushes++;
}

static int setup(void **state)
{
    const struct dirty_protect p = {.opaque = &seen, .protect = protect, .flush = flush};

    (void)state;
    memset(&seen, 0, sizeof(seen));
    host = (uint8_t *)aligned_alloc(4096, NPAGE * PG);
    memset(host, 0, NPAGE * PG);
    vm = memslots_new();
    memslots_set_dirty_protect(vm, &p);
    slots_create(vm, SLOT, BASE * PG, NPAGE * PG, host, MEMSLOT_LOG_DIRTY);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    memslots_free(vm);
    free(host);
    return 0;
}

static void mark(uint64_t page, uint64_t n)
{
    if (n == 1)
        memslot_mark_dirty(slot(), BASE + page);
    else
        memslot_mark_dirty_range(slot(), BASE + page, n);
}

static void set_flags(uint32_t flags)
{
    assert_int_equal(
        slots_try(vm, MEMSLOTS_FLAGS, SLOT, slot()->base_gfn * PG, NPAGE * PG, host, flags),
        MEMSLOTS_OK);
}

/* How many pages are in a bitmap. */
static unsigned count(const uint64_t *bitmap, unsigned words)
{
    unsigned n = 0;

    for (unsigned k = 0; k < words; k++)
        n += (unsigned)__builtin_popcountll(bitmap[k]);
    return n;
}

static bool has(const uint64_t *bitmap, uint64_t page)
{
    return bitmap[page / 64] >> page % 64 & 1;
}

/* Harvests, and demands that exactly the n pages from `page` on were marked. */
static void expect_pages(uint64_t page, unsigned n)
{
    uint64_t bitmap[WORDS];

    seen.protects = 0;
    memset(bitmap, 0xa5, sizeof(bitmap)); /* every word is to be written */
    assert_int_equal(dirty_log_harvest(vm, SLOT, bitmap), n != 0);
    assert_int_equal(count(bitmap, WORDS), n);
    for (unsigned k = 0; k < n; k++)
        assert_true(has(bitmap, page + k));
}

/* ---- marks and harvest ---- */

static void test_mail003_harvest_takes_what_was_marked(void **state)
{
    static const struct {
        uint64_t page, n;
    } runs[] = {{0, 1},  {63, 1},   {64, 1},  {199, 1},  {0, 64},   {0, 200}, {5, 3},
                {60, 8}, {63, 130}, {64, 64}, {128, 72}, {190, 10}, {7, 0},   {1, 63}};

    (void)state;
    assert_int_equal(memslot_dirty_words(slot()), WORDS);
    assert_true(dirty_log_on(vm, SLOT));
    expect_pages(0, 0);
    for (unsigned k = 0; k < ARRAY_SIZE(runs); k++) {
        mark(runs[k].page, runs[k].n);
        mark(runs[k].page, runs[k].n); /* again: nothing new */
        expect_pages(runs[k].page, (unsigned)runs[k].n);
        expect_pages(0, 0);
    }
}

/* Marks next to others', in words that have some. */
static void test_mail003_marks_add_up(void **state)
{
    uint64_t bitmap[WORDS];

    (void)state;
    mark(3, 1);
    mark(1, 4);
    mark(70, 1);
    mark(60, 8);
    assert_true(dirty_log_harvest(vm, SLOT, bitmap));
    assert_int_equal(bitmap[0], UINT64_C(0xf) << 60 | 0x1e);
    assert_int_equal(bitmap[1], 0x4f);
    assert_int_equal(bitmap[2] | bitmap[3], 0);
}

/* Taken out first, then protected, then one flush; and none of it where nothing was marked. */
static void test_mail003_taken_then_protected_then_flushed(void **state)
{
    uint64_t bitmap[WORDS];

    (void)state;
    assert_false(dirty_log_harvest(vm, SLOT, bitmap));
    assert_int_equal(seen.protects + seen.flushes, 0);
    mark(2, 1);
    mark(66, 2);
    mark(199, 1);
    assert_true(dirty_log_harvest(vm, SLOT, bitmap));
    assert_int_equal(seen.protects, 3);
    assert_int_equal(seen.flushes, 1);
    assert_false(seen.marked_then);
    assert_false(seen.protect_after_flush);
    assert_int_equal(seen.first[0], 0);
    assert_int_equal(seen.mask[0], 4);
    assert_int_equal(seen.first[1], 64);
    assert_int_equal(seen.mask[1], 0xc);
    assert_int_equal(seen.first[2], 192);
    assert_int_equal(seen.mask[2], 0x80);
}

/* An MMU without entries of its own has only TLBs to flush; and before there is any, nothing. */
static void test_mail003_no_entries_to_protect(void **state)
{
    const struct dirty_protect p = {.opaque = &seen, .flush = flush};

    (void)state;
    memslots_set_dirty_protect(vm, &p);
    mark(9, 1);
    expect_pages(9, 1);
    assert_int_equal(seen.flushes, 1);
    memslots_set_dirty_protect(vm, NULL);
    mark(9, 1);
    expect_pages(9, 1);
    assert_int_equal(seen.flushes, 1);
}

static bool all_stopped;

static bool stopped(void *opaque)
{
    assert_ptr_equal(opaque, &seen);
    return all_stopped;
}

/* The final harvest asks whether all is still, and protects like any other: the guest may yet go
 * on. */
static void test_mail003_final_harvest(void **state)
{
    const struct dirty_protect p = {
        .opaque = &seen, .protect = protect, .flush = flush, .stopped = stopped};
    uint64_t bitmap[WORDS];

    (void)state;
    memslots_set_dirty_protect(vm, &p);
    mark(100, 30);
    all_stopped = true;
    assert_true(dirty_log_final(vm, SLOT, bitmap));
    assert_int_equal(count(bitmap, WORDS), 30);
    assert_int_equal(seen.protects, 2);
    assert_int_equal(seen.flushes, 1);
    expect_pages(0, 0);
}

/* ---- get, and clear by range ---- */

static void test_mail003_get_leaves_the_marks(void **state)
{
    uint64_t bitmap[WORDS] = {0};

    (void)state;
    assert_false(dirty_log_get(vm, SLOT, bitmap));
    mark(64, 2);
    for (unsigned k = 0; k < 2; k++) {
        memset(bitmap, 0xff, sizeof(bitmap));
        assert_true(dirty_log_get(vm, SLOT, bitmap));
        assert_int_equal(count(bitmap, WORDS), 2);
        assert_int_equal(bitmap[1], 3);
    }
    assert_int_equal(seen.protects + seen.flushes, 0);
    expect_pages(64, 2);
}

/* Only what is marked, in the mask and in the range; that alone is protected. */
static void test_mail003_clear_by_range(void **state)
{
    uint64_t all[WORDS], mask[WORDS];

    (void)state;
    memset(mask, 0xff, sizeof(mask));
    mark(0, NPAGE);
    dirty_log_clear(vm, SLOT, 64, 70, mask); /* 64 to 133 */
    dirty_log_get(vm, SLOT, all);
    assert_int_equal(all[0], ~UINT64_C(0));
    assert_int_equal(all[1], 0);
    assert_int_equal(all[2], ~UINT64_C(0) << 6);
    assert_int_equal(all[3], 0xff);
    assert_int_equal(seen.protects, 2);
    assert_int_equal(seen.first[1], 128);
    assert_int_equal(seen.mask[1], 0x3f);
    assert_int_equal(seen.flushes, 1);
    assert_false(seen.marked_then);

    /* nothing there any more: nothing is asked of anybody */
    dirty_log_clear(vm, SLOT, 64, 64, mask);
    dirty_log_clear(vm, SLOT, 0, 0, mask);
    memset(mask, 0, sizeof(mask));
    dirty_log_clear(vm, SLOT, 0, NPAGE, mask);
    assert_int_equal(seen.protects, 2);
    assert_int_equal(seen.flushes, 1);

    mask[0] = 0xf0;
    dirty_log_clear(vm, SLOT, 192, NPAGE - 192, mask); /* the slot's last word */
    assert_int_equal(seen.first[2], 192);
    assert_int_equal(seen.mask[2], 0xf0);
    mask[0] = 5;
    mask[1] = 0;
    dirty_log_clear(vm, SLOT, 0, 128, mask);
    dirty_log_get(vm, SLOT, all);
    assert_int_equal(all[0], ~UINT64_C(5));
    assert_int_equal(all[3], 0x0f);
}

/* ---- the slot changes ---- */

static void test_mail003_log_starts_and_stops(void **state)
{
    (void)state;
    mark(5, 1);
    set_flags(0);
    assert_false(dirty_log_on(vm, SLOT));
    mark(6, 1); /* nobody is told */
    mark(7, 3);
    set_flags(MEMSLOT_LOG_DIRTY);
    assert_true(dirty_log_on(vm, SLOT));
    expect_pages(0, 0); /* it starts empty */
    mark(8, 1);
    expect_pages(8, 1);
    assert_false(dirty_log_on(vm, SLOT + 1));
    assert_false(dirty_log_on(vm, -1));
}

static void test_mail003_marks_move_with_the_slot(void **state)
{
    struct memslot_arch *arch = slot()->arch;

    (void)state;
    mark(11, 2);
    assert_int_equal(
        slots_try(vm, MEMSLOTS_MOVE, SLOT, 0x900 * PG, NPAGE * PG, host, MEMSLOT_LOG_DIRTY),
        MEMSLOTS_OK);
    assert_ptr_equal(slot()->arch, arch);
    memslot_mark_dirty(slot(), 0x900 + 13);
    expect_pages(11, 3);
}

static void test_mail003_new_slot_new_log(void **state)
{
    (void)state;
    mark(0, NPAGE);
    slots_delete(vm, SLOT);
    assert_false(dirty_log_on(vm, SLOT));
    slots_create(vm, SLOT, BASE * PG, NPAGE * PG, host, 0);
    mark(1, 1);
    set_flags(MEMSLOT_LOG_DIRTY);
    expect_pages(0, 0);
}

/* ---- who marks ---- */

static void test_mail003_dma_marks_what_it_writes(void **state)
{
    static uint8_t rom[4096] __attribute__((aligned(4096)));
    uint8_t buf[3 * 4096] = {1};

    (void)state;
    slots_create(vm, SLOT + 1, (BASE + NPAGE) * PG, PG, rom, MEMSLOT_READONLY | MEMSLOT_LOG_DIRTY);
    assert_true(memslots_write(vm, (BASE + 4) * PG + 4095, buf, 1));
    expect_pages(4, 1);
    assert_true(memslots_write(vm, (BASE + 62) * PG + 1, buf, sizeof(buf)));
    expect_pages(62, 4);
    assert_true(memslots_write(vm, (BASE + 9) * PG, buf, 0));
    assert_true(memslots_read(vm, (BASE + 9) * PG, buf, sizeof(buf)));
    expect_pages(0, 0);
    assert_false(memslots_write(vm, (BASE + NPAGE - 1) * PG, buf, 2 * PG)); /* and into ROM */
    expect_pages(NPAGE - 1, 1);
    assert_false(dirty_log_harvest(vm, SLOT + 1, (uint64_t[1]){0}));
}

/* A vCPU whose TLBs are all that gives write access. */
static void flush_tlb(void *opaque)
{
    struct fx *fx = (struct fx *)opaque;

    seen.flushes++;
    cpu_tlb_flush(fx->cpu, true);
}

static struct fx *logged_fx(bool long_mode)
{
    struct fx *fx = fx_new("max");
    const struct dirty_protect p = {.opaque = fx, .flush = flush_tlb};

    memset(&seen, 0, sizeof(seen));
    memslots_set_dirty_protect(fx->slots, &p);
    if (long_mode)
        fx_long(fx, 0);
    else
        fx_prot(fx, 0);
    assert_int_equal(
        slots_try(fx->slots, MEMSLOTS_FLAGS, FX_SLOT, 0, FX_RAM, fx->ram, MEMSLOT_LOG_DIRTY),
        MEMSLOTS_OK);
    cpu_tlb_flush(fx->cpu, true);
    return fx;
}

#define FX_WORDS (FX_RAM / 4096 / 64)

/* Runs n instructions from FX_CODE, then harvests; the pages (up to three, the others 0) that must
 * be in the log, and no others. */
static void run_expect(struct fx *fx, unsigned n, uint32_t a, uint32_t b, uint32_t c)
{
    const uint32_t want[] = {a, b, c};
    uint64_t bitmap[FX_WORDS];
    unsigned wanted = 0;

    fx->cpu->gpr[REG_RIP] = FX_CODE;
    fx_run(fx, n);
    dirty_log_harvest(fx->slots, FX_SLOT, bitmap);
    for (unsigned k = 0; k < ARRAY_SIZE(want); k++) {
        if (!want[k])
            continue;
        wanted++;
        if (!has(bitmap, want[k] >> 12))
            fail_msg("page 0x%x was written and is not in the log", want[k]);
    }
    assert_int_equal(count(bitmap, FX_WORDS), wanted);
}

static void test_mail003_guest_stores_mark(void **state)
{
    struct fx *fx = logged_fx(false);
    struct cpu *cpu = fx->cpu;

    (void)state;
    cpu->gpr[REG_RBX] = 0x20000;
    FX_PUT(fx, FX_CODE, 0x8a, 0x03); /* mov al, [ebx]: no write, and no right to write */
    run_expect(fx, 1, 0, 0, 0);
    FX_PUT(fx, FX_CODE, 0x8a, 0x03, 0x88, 0x03); /* mov al, [ebx]; mov [ebx], al */
    cpu_note_code_write(cpu, FX_CODE, 16);
    run_expect(fx, 2, 0x20000, 0, 0);
    run_expect(fx, 1, 0, 0, 0);
    for (unsigned k = 0; k < 3; k++) /* each time anew */
        run_expect(fx, 2, 0x20000, 0, 0);
    FX_PUT(fx, FX_CODE, 0x01, 0x03, 0xf0, 0x01, 0x03); /* add [ebx], eax; lock add [ebx], eax */
    cpu_note_code_write(cpu, FX_CODE, 16);
    run_expect(fx, 1, 0x20000, 0, 0);
    run_expect(fx, 2, 0x20000, 0, 0);
    cpu->gpr[REG_RBX] = 0x20ffe; /* over the end of its page */
    run_expect(fx, 2, 0x20000, 0x21000, 0);
    FX_PUT(fx, FX_CODE, 0x50, 0xf3, 0xaa, 0x0f, 0x11, 0x03); /* push; rep stosb; movups [ebx] */
    cpu_note_code_write(cpu, FX_CODE, 16);
    cpu->gpr[REG_RDI] = 0x30800;
    cpu->gpr[REG_RCX] = 0x1000;
    cpu->cr4 |= CR4_OSFXSR;
    cpu_sync_mode(cpu);
    run_expect(fx, 1, FX_STACK - 0x1000, 0, 0);
    FX_PUT(fx, FX_CODE, 0xf3, 0xaa);
    cpu_note_code_write(cpu, FX_CODE, 16);
    run_expect(fx, 0x1001, 0x30000, 0x31000, 0);
    fx_free(fx);
}

/* Stores over decoded code go by the slow way; so does what the processor itself writes. */
static void test_mail003_slow_stores_mark(void **state)
{
    struct fx *fx = logged_fx(false);
    struct cpu *cpu = fx->cpu;

    (void)state;
    cpu->gpr[REG_RBX] = FX_CODE + 0x100;
    FX_PUT(fx, FX_CODE, 0x88, 0x03); /* mov [ebx], al: within the page that runs */
    for (unsigned k = 0; k < 2; k++)
        run_expect(fx, 1, FX_CODE, 0, 0);
    FX_PUT(fx, FX_CODE, 0x8e, 0xd8); /* mov ds, eax: sets the descriptor's accessed bit */
    cpu_note_code_write(cpu, FX_CODE, 16);
    cpu->gpr[REG_RAX] = FX_ROM;
    run_expect(fx, 1, FX_GDT, 0, 0);
    assert_true(fx_rd(fx, FX_GDT + FX_ROM + 5, 1) & 1);
    run_expect(fx, 1, 0, 0, 0);      /* it is set: nothing to write */
    FX_PUT(fx, FX_CODE, 0xcd, 0x30); /* int 0x30 */
    cpu_note_code_write(cpu, FX_CODE, 16);
    run_expect(fx, 1, FX_STACK - 0x1000, FX_GDT, 0); /* the frame; the code segment's bit */
    run_expect(fx, 1, FX_STACK - 0x1000, 0, 0);
    fx_free(fx);
}

/* The A and D bits that a walk sets are writes to the guest's tables. */
static void test_mail003_accessed_and_dirty_bits_mark(void **state)
{
    struct fx *fx = logged_fx(true);
    struct cpu *cpu = fx->cpu;

    (void)state;
    cpu->gpr[REG_RBX] = 0x220000; /* under the second large page */
    FX_PUT(fx, FX_CODE, 0x8a, 0x03, 0x88, 0x03);
    fx_wr(fx, FX_PML4 + 0x2000, 0xe7, 8); /* the first has A and D; the tables above A */
    fx_wr(fx, FX_PML4, fx_rd(fx, FX_PML4, 8) | 0x20, 8);
    fx_wr(fx, FX_PML4 + 0x1000, fx_rd(fx, FX_PML4 + 0x1000, 8) | 0x20, 8);
    fx_wr(fx, FX_PML4 + 0x2008, 2 << 20 | 0x87, 8);
    run_expect(fx, 1, FX_PML4 + 0x2000, 0, 0); /* A */
    assert_int_equal(fx_rd(fx, FX_PML4 + 0x2008, 1), 0xa7);
    run_expect(fx, 1, 0, 0, 0);
    run_expect(fx, 2, FX_PML4 + 0x2000, 0x220000, 0); /* D */
    assert_int_equal(fx_rd(fx, FX_PML4 + 0x2008, 1), 0xe7);
    run_expect(fx, 2, 0x220000, 0, 0);
    fx_wr(fx, FX_PML4, fx_rd(fx, FX_PML4, 8) & ~0x20u, 8);
    cpu_tlb_flush(cpu, true);
    run_expect(fx, 1, FX_PML4, 0, 0);
    fx_free(fx);
}

/* ---- the guest walk tells ---- */

static uint8_t tables[4 * 4096] __attribute__((aligned(4096)));
static gpa_t told[4];
static unsigned n_told;

static void *entry(void *opaque, gpa_t gpa, bool *writable)
{
    (void)opaque;
    *writable = true;
    return gpa < sizeof(tables) ? tables + gpa : NULL;
}

static void dirtied(void *opaque, gpa_t gpa)
{
    (void)opaque;
    assert_in_range(n_told, 0, ARRAY_SIZE(told) - 1);
    told[n_told++] = gpa;
}

static void test_mail003_guest_walk_tells_of_its_bits(void **state)
{
    const struct walk_memory mem = {.entry = entry, .dirtied = dirtied};
    struct guest_paging p = {.a20_mask = ~UINT64_C(0)};
    struct guest_walk w;

    (void)state;
    guest_paging_set_role(&p, (union paging_role){.levels = 4, .phys_bits = 40, .has_pat = 1});
    for (unsigned k = 0; k < 4; k++)
        st_le64(tables + k * 4096, (k + 1) * 4096 | 7);
    assert_true(guest_walk(&p, &mem, 0x123, WALK_PROBE, &w));
    assert_int_equal(n_told, 0);
    assert_true(guest_walk(&p, &mem, 0x123, 0, &w));
    assert_int_equal(n_told, 4);
    for (unsigned k = 0; k < 4; k++)
        assert_int_equal(told[k], k * 4096);
    assert_true(guest_walk(&p, &mem, 0x123, 0, &w));
    assert_int_equal(n_told, 4);
    n_told = 0;
    assert_true(guest_walk(&p, &mem, 0x123, WALK_WRITE, &w)); /* D, in the last alone */
    assert_int_equal(n_told, 1);
    assert_int_equal(told[0], 3 * 4096);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_mail003_harvest_takes_what_was_marked),
        CASE(test_mail003_marks_add_up),
        CASE(test_mail003_taken_then_protected_then_flushed),
        CASE(test_mail003_no_entries_to_protect),
        CASE(test_mail003_final_harvest),
        CASE(test_mail003_get_leaves_the_marks),
        CASE(test_mail003_clear_by_range),
        CASE(test_mail003_log_starts_and_stops),
        CASE(test_mail003_marks_move_with_the_slot),
        CASE(test_mail003_new_slot_new_log),
        CASE(test_mail003_dma_marks_what_it_writes),
        cmocka_unit_test(test_mail003_guest_stores_mark),
        cmocka_unit_test(test_mail003_slow_stores_mark),
        cmocka_unit_test(test_mail003_accessed_and_dirty_bits_mark),
        cmocka_unit_test(test_mail003_guest_walk_tells_of_its_bits),
    };

    return unit_main(tests);
}
