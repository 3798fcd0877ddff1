/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What vCPUs ask of each other (cpu/group.c), in every order of the steps: flushes and protections
 * against vCPUs that use their TLBs, poll, sleep and come back; sections in which one has memory or
 * the devices for itself. vCPUs, their TLBs and the walks that fill them are the real ones; what
 * they run is C that does what an instruction would.
 *
 * Who looks whether `attention` is set, as cpu_run does, and nothing else, must find out in time:
 * vCPUs here go on for ever until what they are asked for is there, and a schedule without an end
 * fails.
 */
#include "base/lock.h"
#include "cpu/access.h"
#include "cpu/cpu.h"
#include "cpu/group.h"
#include "cpu/mmu_shadow/page_track.h"
#include "tests/unit/cpu_fixture.h"
#include "tests/unit/schedule.h"

#define VCPUS  3
#define WINDOW 0x400000u /* linear: by a page table at PT it leads to BEFORE, then to AFTER */
#define PT     0x15000u
#define BEFORE 0x50000u
#define AFTER  0x51000u
#define DATA   0x60000u /* one to one */
#define OTHERS 0x100u   /* frames that nobody uses */

static struct rig {
    struct fx *fx[VCPUS];
    struct mmu_ops mmu;
    struct cpu_group *group;
    struct lock device;
    bool flushed;           /* nobody may use BEFORE any more */
    bool tracked;           /* stores to DATA are told */
    uint32_t known;         /* what stands at DATA, as who tracks it knows */
    unsigned counter, done; /* counted by plain loads and stores; threads that are through */
    unsigned reg;           /* a device's, device lock */
    bool woken;
} rig;

static struct cpu *vcpu(unsigned k)
{
    return rig.fx[k]->cpu;
}

/* ---- what vCPUs do ---- */

/* Between two instructions, as cpu_run. */
static void boundary(struct cpu *cpu)
{
    step("vcpu: boundary");
    if (!atomic_load(&cpu->attention))
        return;
    atomic_store(&cpu->attention, 0);
    step("vcpu: attention");
    cpu_poll_group(cpu);
}

/* An instruction that loads: it has a host address from its TLB, then uses it. */
static void use(struct cpu *cpu)
{
    const uint8_t *at;

    mem_ld32(cpu, NULL, WINDOW);
    at = tlb_hit(cpu, WINDOW, 4, ACC_R);
    schedule_expect(at);
    step("vcpu: has a host address");
    schedule_expect(!rig.flushed || at == rig.fx[0]->ram + AFTER);
}

/* A hook: outside guest mode, with the device lock. */
static bool hook_begin(struct cpu *cpu)
{
    bool inside = cpu_leave_guest(cpu);

    lock_take(&rig.device);
    return inside;
}

static void hook_end(struct cpu *cpu, bool inside)
{
    lock_drop(&rig.device);
    if (inside)
        cpu_enter_guest(cpu);
}

static void set_window(uint32_t page)
{
    fx_wr(rig.fx[0], PT, page | 0x67, 8);
}

static void remap(struct cpu *self)
{
    set_window(AFTER);
    step("remap: stored");
    cpu_group_flush(rig.group, self);
    rig.flushed = true;
    step("remap: flushed");
}

/* ---- schedules ---- */

static void setup(void *ctx)
{
    (void)ctx;
    for (unsigned k = 0; k < VCPUS; k++)
        cpu_group_remove(rig.fx[0]->group, vcpu(k));
    cpu_group_free(rig.fx[0]->group);
    rig.group = rig.fx[0]->group = cpu_group_new();
    memset(&rig.device, 0, sizeof(rig.device));
    lock_init(&rig.device);
    set_window(BEFORE);
    atomic_store(
        page_track_word(memslots_find(rig.fx[0]->slots, DATA >> PAGE_SHIFT), DATA >> PAGE_SHIFT),
        0);
    fx_wr(rig.fx[0], DATA, 0, 4);
    rig.flushed = rig.tracked = rig.woken = false;
    rig.known = rig.counter = rig.done = rig.reg = 0;
    for (unsigned k = 0; k < VCPUS; k++) {
        struct cpu *cpu = vcpu(k);

        cpu->group = rig.group;
        cpu_group_add(rig.group, cpu);
        atomic_store(&cpu->inside, false);
        atomic_store(&cpu->attention, 0);
        atomic_store(&cpu->flush_wanted, 0);
        atomic_store(&cpu->flush_done, 0);
        cpu->flush = (struct cpu_flush){0};
        cpu->locked = CPU_LOCKED_NOT;
        cpu_tlb_flush(cpu, true);
        mem_ld32(cpu, NULL, WINDOW); /* warm TLBs */
        mem_st32(cpu, NULL, DATA, 0);
    }
}

/* A store was told: who tracks the page reads it again. */
static void told(struct cpu *cpu, gpa_t gpa, unsigned len)
{
    schedule_expect(gpa == DATA && len == 4);
    step("tracker: told");
    rig.known = (uint32_t)fx_rd(rig.fx[cpu->id], DATA, 4);
}

static int rig_new(void **state)
{
    (void)state;
    memset(&rig, 0, sizeof(rig));
    for (unsigned k = 0; k < VCPUS; k++) {
        rig.fx[k] = fx_new_with("max", k ? rig.fx[0] : NULL, k);
        fx_long(rig.fx[k], 0);
        rig.mmu = *vcpu(k)->mmu;
    }
    rig.mmu.written = told;
    for (unsigned k = 0; k < VCPUS; k++)
        vcpu(k)->mmu = &rig.mmu;
    fx_wr(rig.fx[0], FX_PML4 + 0x2000 + 2 * 8, PT | 0x67, 8);
    return 0;
}

static int rig_free(void **state)
{
    (void)state;
    for (unsigned k = VCPUS; k-- > 1;)
        fx_free_with(rig.fx[k]);
    fx_free(rig.fx[0]);
    return 0;
}

static void explore(const struct schedule_thread *threads, unsigned n, void (*check)(void *),
                    unsigned preemptions)
{
    struct schedule s = {
        .setup = setup, .check = check, .ctx = &rig, .n = n, .preemptions = preemptions};

    memcpy(s.threads, threads, n * sizeof(*threads));
    schedule_explore(&s);
}

/* ---- flushes ---- */

/* In and out of guest mode, with instructions inside. */
static void come_and_go(struct cpu *cpu)
{
    for (unsigned k = 0; k < 2; k++) {
        cpu_enter_guest(cpu);
        use(cpu);
        boundary(cpu);
        use(cpu);
        cpu_leave_guest(cpu);
    }
}

static void come_and_go_0(void *ctx)
{
    (void)ctx;
    come_and_go(vcpu(0));
}

static void come_and_go_1(void *ctx)
{
    (void)ctx;
    come_and_go(vcpu(1));
}

/* Inside guest mode until it has been flushed. */
static void busy(void *ctx)
{
    struct cpu *cpu = vcpu(0);

    (void)ctx;
    cpu_enter_guest(cpu);
    while (!rig.flushed) {
        use(cpu);
        boundary(cpu);
        step_spin("vcpu: again");
    }
    use(cpu);
    cpu_leave_guest(cpu);
}

static void board_remaps(void *ctx)
{
    (void)ctx;
    lock_take(&rig.device);
    remap(NULL);
    lock_drop(&rig.device);
}

static void test_flush_against_use(void **state)
{
    const struct schedule_thread t[] = {
        {"vcpu 0", come_and_go_0}, {"vcpu 1", come_and_go_1}, {"board", board_remaps}};

    (void)state;
    explore(t, 3, NULL, 2);
    explore(t + 1, 2, NULL, 4);
}

static void test_flush_of_one_that_never_leaves(void **state)
{
    const struct schedule_thread t[] = {{"vcpu 0", busy}, {"board", board_remaps}};

    (void)state;
    explore(t, 2, NULL, 4);
}

/* ---- flushes by vCPUs, in their hooks ---- */

static void remap_in_hook(struct cpu *cpu)
{
    bool inside;

    cpu_enter_guest(cpu);
    use(cpu);
    boundary(cpu);
    inside = hook_begin(cpu);
    remap(cpu);
    hook_end(cpu, inside);
    use(cpu);
    cpu_leave_guest(cpu);
    rig.done++;
}

static void remap_in_hook_0(void *ctx)
{
    (void)ctx;
    remap_in_hook(vcpu(0));
}

static void remap_in_hook_1(void *ctx)
{
    (void)ctx;
    remap_in_hook(vcpu(1));
}

/* The device lock is not all that flushes are asked for under: here without. */
static void remap_outside_0(void *ctx)
{
    (void)ctx;
    cpu_enter_guest(vcpu(0));
    use(vcpu(0));
    cpu_leave_guest(vcpu(0));
    remap(vcpu(0));
    come_and_go(vcpu(0));
    rig.done++;
}

static void both_done(void *ctx)
{
    (void)ctx;
    schedule_expect(rig.done == 2);
}

static void test_two_vcpus_flush(void **state)
{
    const struct schedule_thread t[] = {{"vcpu 0", remap_in_hook_0}, {"vcpu 1", remap_in_hook_1}};
    const struct schedule_thread u[] = {{"vcpu 0", remap_outside_0}, {"vcpu 1", remap_in_hook_1}};

    (void)state;
    explore(t, 2, both_done, 4);
    explore(u, 2, both_done, 4);
}

/* ---- a sleeper ---- */

static bool is_woken(const void *ctx)
{
    return ((const struct rig *)ctx)->woken;
}

static void sleeper(void *ctx)
{
    struct cpu *cpu = vcpu(0);

    cpu_enter_guest(cpu);
    use(cpu);
    boundary(cpu);
    use(cpu); /* when it is too late for the boundary */
    cpu_leave_guest(cpu);
    step_wait("vcpu: sleeps", is_woken, ctx);
    cpu_enter_guest(cpu);
    use(cpu);
    cpu_leave_guest(cpu);
}

/* It is not waited for: only behind the flush it is waked. */
static void remap_and_wake(void *ctx)
{
    (void)ctx;
    remap(NULL);
    rig.woken = true;
}

static void test_flush_of_a_sleeper(void **state)
{
    const struct schedule_thread t[] = {{"vcpu 0", sleeper}, {"board", remap_and_wake}};

    (void)state;
    explore(t, 2, NULL, 4);
}

/* ---- several requests at once ---- */

static void protect_others(void *ctx)
{
    gfn_t gfn[CPU_FLUSH_FRAMES];

    (void)ctx;
    for (unsigned k = 0; k < CPU_FLUSH_FRAMES; k++)
        gfn[k] = OTHERS + k;
    cpu_group_protect(rig.group, NULL, gfn, CPU_FLUSH_FRAMES);
    rig.done++;
}

static void test_flush_beside_a_protection(void **state)
{
    const struct schedule_thread t[] = {
        {"vcpu 0", busy}, {"protect", protect_others}, {"board", board_remaps}};

    (void)state;
    explore(t, 3, NULL, 3);
}

/* ---- protections ---- */

/* Stores from before the page is tracked until behind it, each another value. */
static void store(void *ctx)
{
    struct cpu *cpu = vcpu(0);
    uint32_t v = 0;

    (void)ctx;
    cpu_enter_guest(cpu);
    for (bool last = false; !last;) {
        last = rig.tracked;
        mem_st32(cpu, NULL, DATA, ++v);
        boundary(cpu);
        step_spin("vcpu: again");
    }
    cpu_leave_guest(cpu);
}

static void store_and_go(void *ctx)
{
    struct cpu *cpu = vcpu(1);

    (void)ctx;
    for (uint32_t v = 0x100; v < 0x102; v++) {
        cpu_enter_guest(cpu);
        mem_st32(cpu, NULL, DATA, v);
        cpu_leave_guest(cpu);
    }
}

static void track(void *ctx)
{
    const gfn_t gfn = DATA >> PAGE_SHIFT;
    _Atomic uint32_t *word = page_track_word(memslots_find(rig.fx[0]->slots, gfn), gfn);

    (void)ctx;
    schedule_expect(page_track_begin(word, TRACK_TABLE));
    step("tracker: counted");
    cpu_group_protect(rig.group, NULL, &gfn, 1);
    page_track_seal(word);
    step("tracker: protected");
    rig.known = (uint32_t)fx_rd(rig.fx[0], DATA, 4);
    rig.tracked = true;
}

static void all_known(void *ctx)
{
    (void)ctx;
    schedule_expect(rig.known == fx_rd(rig.fx[0], DATA, 4));
}

static void test_protection_against_stores(void **state)
{
    const struct schedule_thread t[] = {
        {"vcpu 0", store}, {"tracker", track}, {"vcpu 1", store_and_go}};

    (void)state;
    explore(t, 2, all_known, 4);
    explore(t + 1, 2, all_known, 4);
    explore(t, 3, all_known, 2);
}

/* More frames are asked for than a request has room for. */
static void test_protections_of_many(void **state)
{
    const struct schedule_thread t[] = {
        {"vcpu 0", store}, {"tracker", track}, {"protect", protect_others}};

    (void)state;
    explore(t, 3, all_known, 3);
}

/* ---- memory for oneself ---- */

static void count(struct cpu *cpu)
{
    unsigned was = rig.counter;

    step("counter: read");
    rig.counter = was + 1;
    boundary(cpu);
}

static void count_locked(struct cpu *cpu)
{
    unsigned was;

    cpu_enter_guest(cpu);
    boundary(cpu);
    cpu_lock_all(cpu);
    was = rig.counter;
    step("counter: read by the owner");
    rig.counter = was + 1;
    cpu_unlock(cpu);
    boundary(cpu);
    cpu_leave_guest(cpu);
    rig.done++;
}

static void count_locked_0(void *ctx)
{
    (void)ctx;
    count_locked(vcpu(0));
}

static void count_locked_1(void *ctx)
{
    (void)ctx;
    count_locked(vcpu(1));
}

/* The one that takes no lock, in and out. */
static void count_plainly(void *ctx)
{
    struct cpu *cpu = vcpu(2);

    (void)ctx;
    for (unsigned k = 0; k < 2; k++) {
        cpu_enter_guest(cpu);
        count(cpu);
        cpu_leave_guest(cpu);
    }
}

/* Inside until the others have had their turn. */
static void wait_inside(void *ctx)
{
    struct cpu *cpu = vcpu(2);

    (void)ctx;
    cpu_enter_guest(cpu);
    while (!rig.done) {
        boundary(cpu);
        step_spin("vcpu: again");
    }
    cpu_leave_guest(cpu);
}

static void counted_two(void *ctx)
{
    (void)ctx;
    schedule_expect(rig.counter == 2);
}

static void counted_three(void *ctx)
{
    (void)ctx;
    schedule_expect(rig.counter == 3);
}

static void counted_four(void *ctx)
{
    (void)ctx;
    schedule_expect(rig.counter == 4);
}

static void test_locked_all_against_all(void **state)
{
    const struct schedule_thread t[] = {
        {"vcpu 0", count_locked_0}, {"vcpu 1", count_locked_1}, {"vcpu 2", count_plainly}};
    const struct schedule_thread one[] = {t[0], t[2]};

    (void)state;
    explore(one, 2, counted_three, 4);
    explore(t, 2, counted_two, 4);
    explore(t, 3, counted_four, 3);
}

static void test_locked_all_while_one_never_leaves(void **state)
{
    const struct schedule_thread t[] = {{"vcpu 0", count_locked_0}, {"vcpu 2", wait_inside}};

    (void)state;
    explore(t, 2, NULL, 4);
}

/* Locked accesses and flushes wait for each other's vCPUs. */
static void test_locked_all_against_flush(void **state)
{
    const struct schedule_thread t[] = {{"vcpu 0", count_locked_0},
                                        {"vcpu 1", remap_in_hook_1},
                                        {"vcpu 2", count_plainly},
                                        {"board", board_remaps}};

    (void)state;
    explore(t, 2, both_done, 3);
    explore(t, 4, counted_three, 2);
}

/* A hook within the section ends it. */
static void hook_when_locked(void *ctx)
{
    struct cpu *cpu = vcpu(0);
    bool inside;

    (void)ctx;
    cpu_enter_guest(cpu);
    cpu_lock_all(cpu);
    inside = hook_begin(cpu);
    schedule_expect(inside && cpu->locked == CPU_LOCKED_NOT);
    remap(cpu);
    hook_end(cpu, inside);
    use(cpu);
    cpu_leave_guest(cpu);
    rig.done++;
}

static void test_hook_when_locked(void **state)
{
    const struct schedule_thread t[] = {{"vcpu 0", hook_when_locked}, {"vcpu 1", remap_in_hook_1}};

    (void)state;
    explore(t, 2, both_done, 4);
}

/* ---- devices for oneself ---- */

/* A locked access to a device: two hooks. */
static void count_in_device(struct cpu *cpu)
{
    unsigned was;
    bool inside;

    cpu_enter_guest(cpu);
    cpu_lock_bus(cpu);
    inside = hook_begin(cpu);
    was = rig.reg;
    hook_end(cpu, inside);
    step("device: read");
    inside = hook_begin(cpu);
    rig.reg = was + 1;
    hook_end(cpu, inside);
    cpu_unlock(cpu);
    cpu_leave_guest(cpu);
}

static void count_in_device_0(void *ctx)
{
    (void)ctx;
    count_in_device(vcpu(0));
}

static void count_in_device_1(void *ctx)
{
    (void)ctx;
    count_in_device(vcpu(1));
}

static void device_counted(void *ctx)
{
    (void)ctx;
    schedule_expect(rig.reg == 2);
}

static void test_locked_bus(void **state)
{
    const struct schedule_thread t[] = {
        {"vcpu 0", count_in_device_0}, {"vcpu 1", count_in_device_1}, {"board", board_remaps}};

    (void)state;
    explore(t, 2, device_counted, 4);
    explore(t, 3, device_counted, 2);
}

int main(void)
{
#define RACE(name) cmocka_unit_test_setup_teardown(name, rig_new, rig_free)
    const struct CMUnitTest tests[] = {
        RACE(test_flush_against_use),
        RACE(test_flush_of_one_that_never_leaves),
        RACE(test_two_vcpus_flush),
        RACE(test_flush_of_a_sleeper),
        RACE(test_flush_beside_a_protection),
        RACE(test_protection_against_stores),
        RACE(test_protections_of_many),
        RACE(test_locked_all_against_all),
        RACE(test_locked_all_while_one_never_leaves),
        RACE(test_locked_all_against_flush),
        RACE(test_hook_when_locked),
        RACE(test_locked_bus),
    };

    return unit_main(tests);
}
