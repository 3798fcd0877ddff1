/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine under mmu=shadow whose four vCPUs change page tables all the time (churn_guest.S, which
 * checks what they then see), while threads of the host
 *
 *   - log the writes to RAM and keep a copy of it by what the log says (mail 003): whenever all
 *     stand still and the last marks are taken out, the copy is RAM, byte for byte; when the log
 *     ends, huge pages come back (mail 001);
 *   - make, move and delete memory slots (mail 004), which zaps everything; one of them is in use
 *     and logged through its moves;
 *   - audit the shadow pages whenever the vCPUs have made some hundred steps.
 *
 * How much each does is fixed; how it falls together in time is not, and nothing depends on that.
 * The variant tsan of this test is what watches for races of memory.
 */
#include "tests/unit/unit.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <inttypes.h>
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

#include "base/lock.h"
#include "cpu/access.h"
#include "cpu/mmu_shadow/dirty_log.h"
#include "cpu/mmu_shadow/shadow_mmu.h"
#include "cpu/mmu_shadowed.h"
#include "machine/board.h"
#include "machine/device_kind.h"

#define ROM_SIZE  0x10000
#define CPUS      4u
#define RAM       (24u << 20)
#define MAIN      0x100000u /* where the slot of RAM begins that is logged */
#define STEPS     0x600u    /* in low memory: steps of each vCPU, as the guest counts them */
#define MOVES     UINT64_C(0x40000000) /* one place of the slot that moves, and ... */
#define MOVES_TO  UINT64_C(0x40200000)
#define MOVING    0x200000u
#define MOVE_SIGN 0xa5000000u
#define SPARE     UINT64_C(0x50000000) /* where slots come and go that the guest does not use */
#define SPARE_LEN 0x40000u
#define LIMIT_S   240 /* a guard against hangs */

#define ID_MOVING  100
#define ID_SPARE   3 /* sorts and numbers differently */
#define ID_SPARE_2 101

#define PERIODS  4 /* of logging */
#define HARVESTS 24
#define CHANGES  100
#define AUDITS   30
#define LOOKS    500 /* for huge pages */

extern const uint8_t churn_guest[], churn_guest_end[];

/* A slot that is logged, and the copy that is kept of it. */
struct kept {
    int id;
    uint8_t *memory, *copy;
    uint64_t len;
    uint64_t *bitmap;
    uint64_t pages; /* copied */
};

static struct {
    struct lock lock;
    struct machine *machine;
    struct board *board;
    struct kept ram, moving;
    uint8_t *spare;
    time_t until;
    bool large_seen, evicted;
    const char *_Atomic bad; /* what is wrong, once something is */
} rig;

/* ---- the guest ---- */

static uint32_t steps_of(unsigned cpu)
{
    uint32_t v;

    ram_copy(&v, rig.board->mem.ram.low + STEPS + 4 * cpu, sizeof(v));
    return v;
}

/* Until each vCPU has made so many steps more; false when it never will. */
static bool let_run(uint32_t steps)
{
    const struct timespec nap = {.tv_nsec = 100000};
    uint32_t from[CPUS];

    for (unsigned k = 0; k < CPUS; k++)
        from[k] = steps_of(k);
    for (unsigned k = 0; k < CPUS; k++) {
        while (steps_of(k) - from[k] < steps) {
            if (machine_exit_status(rig.machine) != -1)
                atomic_store(&rig.bad, "the guest found something wrong");
            else if (time(NULL) > rig.until)
                atomic_store(&rig.bad, "the guest stands still");
            if (atomic_load(&rig.bad))
                return false;
            nanosleep(&nap, NULL);
        }
    }
    return true;
}

static struct shadow_mmu *shadow(void)
{
    return rig.board->cpu[0].cpu->shadow->mmu;
}

/* Leaves of more than 4 KiB over RAM; all vCPUs stand still. */
static unsigned large_leaves(void)
{
    unsigned n = 0;

    for (const struct shadow_page *sp = shadow()->oldest; sp; sp = sp->next) {
        for (unsigned k = 0; k < SPTES && sp->role.level > 1; k++)
            n += spte_is_leaf(spte_get(&sp->spt[k])) && sp->leaf_gfn[k] >= MAIN >> PAGE_SHIFT &&
                 sp->leaf_gfn[k] < RAM >> PAGE_SHIFT;
    }
    return n;
}

static void audit(void *opaque)
{
    (void)opaque;
    mmu_shadow_audit(rig.board->shadow);
}

/* ---- slots ---- */

static struct memslots_change slot_change(enum memslots_op op, int id, gpa_t gpa, uint64_t len,
                                          uint8_t *hva, bool logged)
{
    return (struct memslots_change){.op = op,
                                    .id = id,
                                    .gpa = gpa,
                                    .size = len,
                                    .hva = hva,
                                    .flags = logged ? MEMSLOT_LOG_DIRTY : 0};
}

static void change_all(const struct memslots_change *c, unsigned n)
{
    if (memslots_change_all(rig.board->mem.slots, c, n) != MEMSLOTS_OK)
        atomic_store(&rig.bad, "a change of slots was refused");
}

static void change(struct memslots_change c)
{
    change_all(&c, 1);
}

static void spare_slots(unsigned round)
{
    struct memslots_change c[2];

    switch (round % 4) {
    case 0:
        change(slot_change(MEMSLOTS_CREATE, ID_SPARE, SPARE, SPARE_LEN, rig.spare, round & 4));
        break;
    case 1:
        change(slot_change(MEMSLOTS_MOVE, ID_SPARE, SPARE + 4 * SPARE_LEN, SPARE_LEN, rig.spare,
                           round & 4));
        break;
    case 2:
        c[0] = slot_change(MEMSLOTS_DELETE, ID_SPARE, 0, 0, NULL, false);
        c[1] = slot_change(MEMSLOTS_CREATE, ID_SPARE_2, SPARE, SPARE_LEN, rig.spare, false);
        change_all(c, 2);
        break;
    default: change(slot_change(MEMSLOTS_DELETE, ID_SPARE_2, 0, 0, NULL, false)); break;
    }
}

static void *change_slots(void *opaque)
{
    (void)opaque;
    for (unsigned round = 0; round < CHANGES && let_run(10); round++) {
        lock_take(&rig.lock);
        spare_slots(round);
        change(slot_change(MEMSLOTS_MOVE, ID_MOVING, round & 1 ? MOVES : MOVES_TO, MOVING,
                           rig.moving.memory, true));
        lock_drop(&rig.lock);
    }
    return NULL;
}

/* ---- copies by the log (mail 003) ---- */

static void copy_pages(struct kept *k)
{
    for (uint64_t page = 0; page < k->len >> PAGE_SHIFT; page++) {
        if (!(k->bitmap[page / 64] >> (page % 64) & 1))
            continue;
        ram_copy(k->copy + (page << PAGE_SHIFT), k->memory + (page << PAGE_SHIFT), PAGE_SIZE);
        k->pages++;
    }
}

/* Part of what is marked is taken out: other parts each time. */
static void clear_some(struct kept *k, unsigned round)
{
    uint64_t pages = k->len >> PAGE_SHIFT, words = (pages + 63) / 64;
    uint64_t first = round * 37 % words * 64, n = pages - first;

    if (round & 1 && n > 1000)
        n = 1000;
    dirty_log_get(rig.board->mem.slots, k->id, k->bitmap);
    for (uint64_t w = 0; w < words; w++) {
        if (round & 2)
            k->bitmap[w] &= UINT64_C(0x5555aaaaffff0001) << round % 3;
        if (w * 64 < first || w * 64 >= first + n)
            k->bitmap[w] = 0;
    }
    if (n % 64 && (first + n) / 64 < words)
        k->bitmap[(first + n) / 64] &= (UINT64_C(1) << n % 64) - 1;
    dirty_log_clear(rig.board->mem.slots, k->id, first, n, k->bitmap + first / 64);
    copy_pages(k);
}

static void harvest(struct kept *k, unsigned round)
{
    lock_take(&rig.lock);
    if (round % 3 == 2) {
        clear_some(k, round);
    } else {
        dirty_log_harvest(rig.board->mem.slots, k->id, k->bitmap);
        copy_pages(k);
    }
    lock_drop(&rig.lock);
}

/* All vCPUs stand still: nothing that was ever written may be missing. */
static void compare(struct kept *k)
{
    dirty_log_final(rig.board->mem.slots, k->id, k->bitmap);
    copy_pages(k);
    if (memcmp(k->copy, k->memory, k->len))
        atomic_store(&rig.bad, "the copy by the dirty log is another than the memory");
}

static void compare_both(void *opaque)
{
    (void)opaque;
    compare(&rig.ram);
    compare(&rig.moving);
}

static void log_ram(bool on)
{
    change(slot_change(MEMSLOTS_FLAGS, MEMORY_SLOT_MAIN, MAIN, rig.ram.len, rig.ram.memory, on));
}

static void end_of_log(void *opaque)
{
    compare_both(opaque);
    audit(opaque);
    if (large_leaves())
        atomic_store(&rig.bad, "a huge page of memory that is logged");
    log_ram(false);
}

static void look_for_large(void *opaque)
{
    audit(opaque);
    rig.large_seen = large_leaves() > 0;
}

/* At some moment there may be none, between two zaps; but they come. */
static bool wait_for_large(void)
{
    for (unsigned k = 0; k < LOOKS; k++) {
        if (!let_run(50) || !machine_while_stopped(rig.machine, look_for_large, NULL))
            return false;
        if (rig.large_seen)
            return true;
    }
    atomic_store(&rig.bad, "huge pages do not come back when the log ends");
    return false;
}

static void *log_writes(void *opaque)
{
    (void)opaque;
    for (unsigned period = 0; period < PERIODS && wait_for_large(); period++) {
        lock_take(&rig.lock);
        log_ram(true);
        lock_drop(&rig.lock);
        ram_copy(rig.ram.copy, rig.ram.memory, rig.ram.len);
        for (unsigned k = 0; k < HARVESTS; k++) {
            if (!let_run(20))
                return NULL;
            harvest(&rig.ram, period * HARVESTS + k);
            harvest(&rig.moving, k);
            if (!machine_while_stopped(rig.machine, compare_both, NULL))
                return NULL;
        }
        if (!machine_while_stopped(rig.machine, end_of_log, NULL))
            return NULL;
    }
    wait_for_large();
    return NULL;
}

/* ---- audits ---- */

static void *audit_on_and_on(void *opaque)
{
    (void)opaque;
    for (unsigned k = 0; k < AUDITS; k++) {
        if (!let_run(100) || !machine_while_stopped(rig.machine, audit, NULL))
            break;
    }
    return NULL;
}

/* ---- the whole ---- */

static uint8_t *pages(uint64_t len)
{
    uint8_t *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(p != MAP_FAILED);
    return p;
}

static void keep(struct kept *k, int id, uint8_t *memory, uint64_t len)
{
    *k = (struct kept){.id = id, .memory = memory, .copy = pages(len), .len = len};
    k->bitmap = g_new0(uint64_t, len >> PAGE_SHIFT);
}

static void forget(struct kept *k)
{
    munmap(k->copy, k->len);
    g_free(k->bitmap);
}

static void write_rom(const char *path)
{
    uint8_t *image = g_malloc0(ROM_SIZE);

    memcpy(image, churn_guest, (size_t)(churn_guest_end - churn_guest));
    memcpy(image + 0xfff0, (uint8_t[]){0xe9, 0x0d, 0x00}, 3); /* jmp to the first byte */
    assert_true(g_file_set_contents(path, (char *)image, ROM_SIZE, NULL));
    g_free(image);
}

static void start(const struct machine_config *cfg, unsigned limit)
{
    GError *err = NULL;

    memset(&rig, 0, sizeof(rig));
    lock_init(&rig.lock);
    rig.until = time(NULL) + LIMIT_S;
    rig.machine = machine_new(cfg, &err);
    if (!rig.machine)
        fail_msg("%s", err->message);
    rig.board = machine_board(rig.machine);
    if (limit)
        shadow()->limit = limit;
    rig.spare = pages(SPARE_LEN);
    keep(&rig.ram, MEMORY_SLOT_MAIN, rig.board->mem.ram.low + MAIN, RAM - MAIN);
    keep(&rig.moving, ID_MOVING, pages(MOVING), MOVING);
    for (uint32_t page = 0; page < MOVING >> PAGE_SHIFT; page++)
        st_le32(rig.moving.memory + (page << PAGE_SHIFT), MOVE_SIGN + page);
    memcpy(rig.moving.copy, rig.moving.memory, MOVING);
    lock_take(&rig.lock);
    change(slot_change(MEMSLOTS_CREATE, ID_MOVING, MOVES, MOVING, rig.moving.memory, true));
    lock_drop(&rig.lock);
    if (!machine_start(rig.machine, &err))
        fail_msg("%s", err->message);
}

static void report(unsigned limit)
{
    const struct shadow_stats *s = &shadow()->stats;

    print_message("# %u shadow pages: %u %u %u %u steps; %" PRIu64 " walks, %" PRIu64
                  " fills, %" PRIu64 " zapped, %" PRIu64 " evicted, %" PRIu64
                  " tracked writes, %" PRIu64 " floods, %" PRIu64 " syncs, %" PRIu64
                  " retries; %" PRIu64 " and %" PRIu64 " pages copied\n",
                  limit, steps_of(0), steps_of(1), steps_of(2), steps_of(3), s->walks, s->fills,
                  s->pages_zapped, s->pages_evicted, s->tracked_writes, s->floods, s->syncs,
                  s->retries, rig.ram.pages, rig.moving.pages);
}

static void last_look(void *opaque)
{
    compare(&rig.moving);
    audit(opaque);
    rig.evicted = shadow()->stats.pages_evicted > 0;
    report(*(const unsigned *)opaque);
}

static void churn(unsigned limit)
{
    static void *(*const mains[])(void *) = {log_writes, change_slots, audit_on_and_on};
    char *dir = g_dir_make_tmp("penumbra-churn-XXXXXX", NULL);
    char *rom = g_build_filename(dir, "rom", NULL);
    struct device_config *exit_port =
        device_config_new("isa-debug-exit,iobase=0x501,iosize=1", NULL);
    const struct machine_config cfg = {.name = "test",
                                       .lock = &rig.lock,
                                       .ram_size = RAM,
                                       .cpu_model = "max",
                                       .accel = "interp",
                                       .mmu = "shadow",
                                       .cpus = CPUS,
                                       .bios = rom,
                                       .no_reboot = true,
                                       .no_vga = true,
                                       .device = {exit_port},
                                       .n_devices = 1};
    pthread_t thread[ARRAY_SIZE(mains)];

    write_rom(rom);
    start(&cfg, limit);
    for (unsigned k = 0; k < ARRAY_SIZE(mains); k++)
        assert_int_equal(pthread_create(&thread[k], NULL, mains[k], NULL), 0);
    for (unsigned k = 0; k < ARRAY_SIZE(mains); k++)
        pthread_join(thread[k], NULL);
    if (!atomic_load(&rig.bad))
        assert_true(machine_while_stopped(rig.machine, last_look, &limit));
    if (atomic_load(&rig.bad))
        fail_msg("%s (status %d)", rig.bad, machine_exit_status(rig.machine));
    assert_true(rig.large_seen);
    assert_true(rig.ram.pages > 0 && rig.moving.pages > 0);
    assert_true(!limit || rig.evicted);
    machine_free(rig.machine);
    munmap(rig.moving.memory, MOVING);
    munmap(rig.spare, SPARE_LEN);
    forget(&rig.ram);
    forget(&rig.moving);
    lock_clear(&rig.lock);
    g_unlink(rom);
    g_rmdir(dir);
    g_free(rom);
    g_free(dir);
    device_config_free(exit_port);
}

static void test_mail003_churn(void **state)
{
    (void)state;
    churn(0);
}

/* With so few shadow pages that they are evicted all the time. */
static void test_churn_with_few_pages(void **state)
{
    (void)state;
    churn(24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mail003_churn),
        cmocka_unit_test(test_churn_with_few_pages),
    };

    return unit_main(tests);
}
