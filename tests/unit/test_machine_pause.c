/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pausing (machine/machine.h): nothing of the guest moves while it lasts, what is asked meanwhile
 * is done, and listeners are told in order.
 */
#include "tests/unit/machine_rig.h"

#include "machine/board.h"

/* Every processor counts in [0x500] as fast as it can. */
static const uint8_t counts[] = {0xf0, 0xff, 0x06, 0x00, 0x05, 0xeb, 0xf9};

static uint16_t count(void)
{
    const uint8_t *ram = machine_board(machine)->mem.ram.low;

    return __atomic_load_n((const uint16_t *)(ram + 0x500), __ATOMIC_RELAXED);
}

/* It counts on: within the guard's time. */
static bool moves(void)
{
    uint16_t was = count();
    int64_t end = g_get_monotonic_time() + LIMIT_S * G_USEC_PER_SEC;

    while (count() == was && g_get_monotonic_time() < end)
        g_usleep(100);
    return count() != was;
}

static bool stands(void)
{
    uint16_t was = count();
    int64_t then = clock_now(machine_board(machine)->clock);
    uint64_t n = machine_instructions(machine);

    g_usleep(2000);
    return count() == was && clock_now(machine_board(machine)->clock) == then &&
           machine_instructions(machine) == n;
}

static GArray *told;

static void listen(void *opaque, const struct machine_note *note)
{
    (void)opaque;
    assert_true(note->real_us > 0);
    assert_ptr_equal(g_thread_self(), main_thread);
    g_array_append_val(told, *note);
}

static void dispatch(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

static void expect_told(unsigned n, const enum machine_event *events)
{
    dispatch();
    assert_int_equal(told->len, n);
    for (unsigned k = 0; k < n; k++)
        assert_int_equal(g_array_index(told, struct machine_note, k).event, events[k]);
    g_array_set_size(told, 0);
}
#define EXPECT_TOLD(...)                                                                           \
    expect_told(sizeof((enum machine_event[]){__VA_ARGS__}) / sizeof(enum machine_event),          \
                (enum machine_event[]){__VA_ARGS__})

static int setup_pause(void **state)
{
    told = g_array_new(FALSE, FALSE, sizeof(struct machine_note));
    return setup(state);
}

static int setup_pause_smp(void **state)
{
    told = g_array_new(FALSE, FALSE, sizeof(struct machine_note));
    return setup_smp(state);
}

static int teardown_pause(void **state)
{
    g_array_free(told, TRUE);
    return teardown(state);
}

static void begin(void)
{
    build(counts, sizeof(counts));
    machine_listen(machine, listen, NULL);
    start();
}

static void test_pause(void **state)
{
    (void)state;
    begin();
    for (unsigned k = 0; k < 20; k++) {
        assert_false(machine_paused(machine));
        assert_true(moves());
        machine_pause(machine);
        assert_true(machine_paused(machine));
        assert_true(stands());
        machine_pause(machine); /* a second one adds nothing */
        EXPECT_TOLD(MACHINE_EVENT_PAUSED);
        machine_resume(machine);
        machine_resume(machine);
        EXPECT_TOLD(MACHINE_EVENT_RESUMED);
    }
}

static void test_ask_pause(void **state)
{
    (void)state;
    begin();
    machine_ask_pause(machine);
    for (unsigned k = 0; k < LIMIT_S * 1000 && !machine_paused(machine); k++)
        g_usleep(1000);
    assert_true(machine_paused(machine));
    machine_resume(machine);
    assert_true(moves());
}

static void test_starts_paused(void **state)
{
    (void)state;
    cfg.start_paused = true;
    begin();
    machine_pause(machine);
    assert_int_equal(machine_instructions(machine), 0);
    assert_int_equal(machine_cpu(machine, 0)->gpr[REG_RIP], 0xfff0);
    assert_true(stands());
    machine_resume(machine);
    assert_true(moves());
}

static void note_visit(void *opaque)
{
    ++*(unsigned *)opaque;
}

static void test_requests_while_paused(void **state)
{
    unsigned visits = 0;

    (void)state;
    begin();
    assert_true(moves());
    machine_pause(machine);
    for (unsigned k = 1; k <= 3; k++) {
        assert_true(machine_while_stopped(machine, note_visit, &visits));
        assert_int_equal(visits, k);
        assert_true(stands());
    }
    machine_reset(machine);
    assert_true(machine_while_stopped(machine, note_visit, &visits)); /* behind the reset */
    assert_int_equal(machine_cpu(machine, 0)->gpr[REG_RIP], 0xfff0);
    assert_true(stands());
    EXPECT_TOLD(MACHINE_EVENT_PAUSED, MACHINE_EVENT_RESET);
    machine_resume(machine);
    assert_true(moves());
    machine_pause(machine);
    machine_power_button(machine);
    machine_quit(machine, 9);
    wait_end();
    assert_int_equal(machine_exit_status(machine), 9);
    machine_pause(machine); /* neither hangs nor matters any more */
    machine_resume(machine);
    EXPECT_TOLD(MACHINE_EVENT_RESUMED, MACHINE_EVENT_PAUSED, MACHINE_EVENT_POWERDOWN,
                MACHINE_EVENT_END);
}

/* Who did it is told, too. */
static void test_whose_doing(void **state)
{
    static const uint8_t resets_then_leaves[] = {
        0xfe,         0x06, 0x00, 0x05,       /* inc byte [0x500] */
        0x80,         0x3e, 0x00, 0x05, 0x02, /* cmp byte [0x500], 2 */
        0x74,         0x04,                   /* je over the reset */
        OUT(0x92, 1),                         /* reset */
        EXIT(1),
    };

    (void)state;
    build(resets_then_leaves, sizeof(resets_then_leaves));
    machine_listen(machine, listen, NULL);
    start();
    wait_end();
    dispatch();
    assert_int_equal(told->len, 2);
    assert_true(g_array_index(told, struct machine_note, 0).guest);
    assert_true(g_array_index(told, struct machine_note, 1).guest);
    EXPECT_TOLD(MACHINE_EVENT_RESET, MACHINE_EVENT_END);
    machine_free(machine);
    ends = 0;
    begin();
    machine_quit(machine, 0);
    wait_end();
    dispatch();
    assert_false(g_array_index(told, struct machine_note, 0).guest);
    EXPECT_TOLD(MACHINE_EVENT_END);
}

static void test_free_while_paused(void **state)
{
    (void)state;
    begin();
    machine_pause(machine);
    machine_free(machine);
    machine = NULL;
}

static gpointer pauses(gpointer opaque)
{
    (void)opaque;
    for (unsigned k = 0; k < 200; k++) {
        machine_pause(machine);
        machine_resume(machine);
    }
    return NULL;
}

/* From several threads at once. */
static void test_pauses_cross(void **state)
{
    GThread *t[3];
    unsigned visits = 0;

    (void)state;
    begin();
    for (unsigned k = 0; k < 3; k++)
        t[k] = g_thread_new("pauses", pauses, NULL);
    for (unsigned k = 0; k < 100; k++)
        assert_true(machine_while_stopped(machine, note_visit, &visits));
    for (unsigned k = 0; k < 3; k++)
        g_thread_join(t[k]);
    machine_resume(machine);
    assert_true(moves());
}

#define PAUSE_TEST(fn)     cmocka_unit_test_setup_teardown(fn, setup_pause, teardown_pause)
#define PAUSE_TEST_SMP(fn) cmocka_unit_test_setup_teardown(fn, setup_pause_smp, teardown_pause)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAUSE_TEST(test_pause),
        PAUSE_TEST_SMP(test_pause),
        PAUSE_TEST_SMP(test_ask_pause),
        PAUSE_TEST_SMP(test_starts_paused),
        PAUSE_TEST(test_requests_while_paused),
        PAUSE_TEST_SMP(test_requests_while_paused),
        PAUSE_TEST(test_whose_doing),
        PAUSE_TEST_SMP(test_free_while_paused),
        PAUSE_TEST_SMP(test_pauses_cross),
    };

    return unit_main(tests);
}
