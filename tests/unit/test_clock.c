/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual clock and its timers (base/clock.h): order, re-arming and cancelling from callbacks,
 * far deadlines. */
#include "tests/unit/unit.h"

#include <glib.h>

#include "base/clock.h"

#define MAX_LOG 4096

/* What fired, in order. */
static struct {
    int who[MAX_LOG];
    int64_t when[MAX_LOG];
    unsigned n;
} fired;

struct probe {
    struct timer timer;
    struct vclock *clock;
    int id;
    int64_t period;       /* re-arms this much after its deadline; 0: does not */
    int64_t rearm_at;     /* re-arms there, once; 0: does not */
    struct probe *victim; /* is cancelled, or armed at `victim_at` if that is set */
    int64_t victim_at;
    bool was_armed; /* inside the callback */
};

static void probe_fire(void *opaque)
{
    struct probe *p = opaque;

    assert_true(fired.n < MAX_LOG);
    fired.who[fired.n] = p->id;
    fired.when[fired.n++] = clock_now(p->clock);
    p->was_armed |= timer_armed(&p->timer);
    if (p->victim && p->victim_at)
        timer_arm(&p->victim->timer, p->victim_at);
    else if (p->victim)
        timer_cancel(&p->victim->timer);
    if (p->period)
        timer_arm(&p->timer, p->timer.deadline + p->period);
    if (p->rearm_at) {
        timer_arm(&p->timer, p->rearm_at);
        p->rearm_at = 0;
    }
}

static void probe_init(struct probe *p, struct vclock *c, int id)
{
    *p = (struct probe){.clock = c, .id = id};
    timer_init(&p->timer, c, probe_fire, p);
}

static int setup(void **state)
{
    fired.n = 0;
    *state = clock_new_manual();
    return 0;
}

static int teardown(void **state)
{
    clock_free(*state);
    return 0;
}

static void test_fires_at_deadline(void **state)
{
    struct vclock *c = *state;
    struct probe p;

    probe_init(&p, c, 1);
    assert_false(timer_armed(&p.timer));
    assert_int_equal(clock_run_timers(c), -1);
    timer_arm(&p.timer, 100);
    assert_true(timer_armed(&p.timer));
    clock_advance_to(c, 99);
    assert_int_equal(fired.n, 0);
    assert_int_equal(clock_run_timers(c), 100);
    clock_advance_to(c, 100);
    assert_int_equal(fired.n, 1);
    assert_int_equal(fired.when[0], 100);
    assert_false(p.was_armed);
    assert_false(timer_armed(&p.timer));
    clock_advance_to(c, 1000);
    assert_int_equal(fired.n, 1);
    assert_int_equal(clock_now(c), 1000);
}

static void test_each_at_its_own_time(void **state)
{
    struct vclock *c = *state;
    struct probe p[3];
    static const int64_t at[3] = {300, 100, 200};

    for (int k = 0; k < 3; k++) {
        probe_init(&p[k], c, k);
        timer_arm(&p[k].timer, at[k]);
    }
    clock_advance_to(c, 1000);
    assert_int_equal(fired.n, 3);
    assert_int_equal(fired.who[0], 1);
    assert_int_equal(fired.when[0], 100);
    assert_int_equal(fired.who[1], 2);
    assert_int_equal(fired.when[1], 200);
    assert_int_equal(fired.who[2], 0);
    assert_int_equal(fired.when[2], 300);
}

static void test_equal_deadlines_in_order_of_arming(void **state)
{
    struct vclock *c = *state;
    struct probe p[20];

    for (int k = 0; k < 20; k++) {
        probe_init(&p[k], c, k);
        timer_arm(&p[k].timer, 50);
    }
    /* moved to where it was: now the last */
    timer_arm(&p[0].timer, 50);
    timer_cancel(&p[7].timer);
    clock_advance_to(c, 50);
    assert_int_equal(fired.n, 19);
    for (unsigned k = 0; k < 18; k++)
        assert_int_equal(fired.who[k], k < 6 ? (int)k + 1 : (int)k + 2);
    assert_int_equal(fired.who[18], 0);
}

static void test_rearm_from_callback(void **state)
{
    struct vclock *c = *state;
    struct probe p;

    probe_init(&p, c, 0);
    p.period = 10;
    timer_arm(&p.timer, 10);
    clock_advance_to(c, 105);
    assert_int_equal(fired.n, 10);
    for (int k = 0; k < 10; k++)
        assert_int_equal(fired.when[k], 10 * (k + 1));
    assert_int_equal(clock_run_timers(c), 110);
}

/* A deadline in the past fires at the next chance, and time does not go back for it. */
static void test_past_deadline(void **state)
{
    struct vclock *c = *state;
    struct probe p, q;

    probe_init(&p, c, 0);
    probe_init(&q, c, 1);
    clock_advance_to(c, 1000);
    p.rearm_at = 10;
    timer_arm(&p.timer, 500);
    timer_arm(&q.timer, -1);
    assert_int_equal(clock_run_timers(c), -1);
    assert_int_equal(fired.n, 3);
    assert_int_equal(fired.who[0], 1);
    for (unsigned k = 0; k < 3; k++)
        assert_int_equal(fired.when[k], 1000);
    timer_arm(&p.timer, 5);
    clock_advance_to(c, 500); /* not before now */
    assert_int_equal(fired.when[3], 1000);
    assert_int_equal(clock_now(c), 1000);
}

static void test_cancel_from_callback(void **state)
{
    struct vclock *c = *state;
    struct probe p[3];

    for (int k = 0; k < 3; k++) {
        probe_init(&p[k], c, k);
        timer_arm(&p[k].timer, 20);
    }
    p[0].victim = &p[1];
    clock_advance_to(c, 100);
    assert_int_equal(fired.n, 2);
    assert_int_equal(fired.who[1], 2);
    assert_false(timer_armed(&p[1].timer));
    timer_cancel(&p[1].timer); /* no effect */
    /* itself, while it is not armed */
    p[0].victim = &p[0];
    timer_arm(&p[0].timer, 200);
    clock_advance_to(c, 300);
    assert_int_equal(fired.n, 3);
    assert_false(timer_armed(&p[0].timer));
}

/* A callback arms another timer before the end of the same advance, and moves one that waits. */
static void test_arm_other_from_callback(void **state)
{
    struct vclock *c = *state;
    struct probe p[3];

    for (int k = 0; k < 3; k++)
        probe_init(&p[k], c, k);
    p[0].victim = &p[1];
    p[0].victim_at = 150;
    p[1].victim = &p[2];
    p[1].victim_at = 5000;
    timer_arm(&p[0].timer, 100);
    timer_arm(&p[2].timer, 160);
    clock_advance_to(c, 1000);
    assert_int_equal(fired.n, 2);
    assert_int_equal(fired.who[1], 1);
    assert_int_equal(fired.when[1], 150);
    assert_int_equal(clock_run_timers(c), 5000);
}

static void test_far_deadlines(void **state)
{
    struct vclock *c = *state;
    struct probe p[4];
    static const int64_t at[4] = {INT64_MAX, INT64_MAX - 1, INT64_MIN, 7};

    for (int k = 0; k < 4; k++) {
        probe_init(&p[k], c, k);
        timer_arm(&p[k].timer, at[k]);
    }
    clock_advance_to(c, 0);
    assert_int_equal(fired.n, 1);
    assert_int_equal(fired.who[0], 2);
    assert_int_equal(fired.when[0], 0);
    assert_int_equal(clock_run_timers(c), 7);
    timer_cancel(&p[3].timer);
    assert_true(clock_run_timers(c) == INT64_MAX - 1);
    clock_advance_to(c, INT64_MAX);
    assert_int_equal(fired.n, 3);
    assert_int_equal(fired.who[1], 1);
    assert_int_equal(fired.who[2], 0);
}

/* Against a list that is searched from end to end, with arming, moving and cancelling at random. */
static void test_heap_against_a_list(void **state)
{
    struct vclock *c = *state;
    struct probe p[64];
    int64_t deadline[64];
    uint64_t order[64], orders = 0;
    GRand *rnd = g_rand_new_with_seed(20260101);

    for (int k = 0; k < 64; k++) {
        probe_init(&p[k], c, k);
        deadline[k] = -1;
    }
    for (unsigned round = 0; round < 3000; round++) {
        int k = g_rand_int_range(rnd, 0, 64), best;
        int64_t now = clock_now(c) + g_rand_int_range(rnd, 0, 12);

        if (g_rand_int_range(rnd, 0, 4)) {
            deadline[k] = clock_now(c) + g_rand_int_range(rnd, 0, 100);
            order[k] = orders++;
            timer_arm(&p[k].timer, deadline[k]);
        } else {
            deadline[k] = -1;
            timer_cancel(&p[k].timer);
        }
        fired.n = 0;
        clock_advance_to(c, now);
        for (unsigned n = 0;; n++) {
            best = -1;
            for (int j = 0; j < 64; j++) {
                if (deadline[j] >= 0 && deadline[j] <= now &&
                    (best < 0 || deadline[j] < deadline[best] ||
                     (deadline[j] == deadline[best] && order[j] < order[best])))
                    best = j;
            }
            if (best < 0) {
                assert_int_equal(fired.n, n);
                break;
            }
            assert_true(n < fired.n);
            assert_int_equal(fired.who[n], best);
            assert_int_equal(fired.when[n], deadline[best]);
            deadline[best] = -1;
        }
        for (int j = 0; j < 64; j++)
            assert_int_equal(timer_armed(&p[j].timer), deadline[j] >= 0);
    }
    g_rand_free(rnd);
}

static void count(void *opaque)
{
    ++*(unsigned *)opaque;
}

static void test_rearm_hook(void **state)
{
    struct vclock *c = *state;
    struct probe p, q;
    unsigned calls = 0;

    probe_init(&p, c, 0);
    probe_init(&q, c, 1);
    clock_set_rearm_hook(c, count, &calls);
    timer_arm(&p.timer, 100);
    assert_int_equal(calls, 1);
    timer_arm(&q.timer, 200); /* nobody needs to wake earlier */
    assert_int_equal(calls, 1);
    timer_arm(&q.timer, 50);
    assert_int_equal(calls, 2);
    clock_set_rearm_hook(c, NULL, NULL);
    timer_arm(&p.timer, 1);
    assert_int_equal(calls, 2);
}

static void test_host_clock(void **state)
{
    struct vclock *c = clock_new_host();
    unsigned calls = 0;
    int64_t a = clock_now(c), b;

    (void)state;
    assert_in_range(a, 0, 10 * NS_PER_SEC);
    g_usleep(2000);
    b = clock_now(c);
    assert_true(b - a >= 2000000);
    clock_stop(c);
    a = clock_now(c);
    assert_true(a >= b);
    g_usleep(2000);
    assert_int_equal(clock_now(c), a);
    clock_stop(c); /* again: no effect */
    assert_int_equal(clock_now(c), a);
    clock_set_rearm_hook(c, count, &calls);
    g_usleep(50000);
    clock_cont(c);
    assert_int_equal(calls, 1); /* who slept until a deadline needs to count again */
    b = clock_now(c);
    assert_true(b >= a);
    assert_true(b - a < 50000000); /* the time that stood still is not made up for */
    clock_cont(c);
    assert_int_equal(calls, 1);
    clock_free(c);
}

static void test_host_timers(void **state)
{
    struct vclock *c = clock_new_host();
    struct probe p, q;
    int64_t next;

    (void)state;
    probe_init(&p, c, 0);
    probe_init(&q, c, 1);
    timer_arm(&p.timer, clock_now(c) + 3000000);
    timer_arm(&q.timer, INT64_MAX);
    while ((next = clock_run_timers(c)) != INT64_MAX)
        g_usleep(500);
    assert_int_equal(fired.n, 1);
    assert_int_equal(fired.who[0], 0);
    assert_true(fired.when[0] >= p.timer.deadline);
    timer_cancel(&q.timer);
    assert_int_equal(clock_run_timers(c), -1);
    clock_free(c);
}

static void test_muldiv(void **state)
{
    (void)state;
    assert_true(muldiv64(UINT64_MAX, UINT64_MAX, UINT64_MAX) == UINT64_MAX);
    assert_true(muldiv64(UINT64_C(1) << 63, 1000000000, 1193182) ==
                UINT64_C(9223372036854775808) / 1193182 * 1000000000 +
                    UINT64_C(9223372036854775808) % 1193182 * 1000000000 / 1193182);
    assert_int_equal(muldiv64(7, 3, 2), 10);
    assert_int_equal(muldiv64(0, 5, 9), 0);
    clock_free(NULL);
}

#define CLOCK_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOCK_TEST(test_fires_at_deadline),
        CLOCK_TEST(test_each_at_its_own_time),
        CLOCK_TEST(test_equal_deadlines_in_order_of_arming),
        CLOCK_TEST(test_rearm_from_callback),
        CLOCK_TEST(test_past_deadline),
        CLOCK_TEST(test_cancel_from_callback),
        CLOCK_TEST(test_arm_other_from_callback),
        CLOCK_TEST(test_far_deadlines),
        CLOCK_TEST(test_heap_against_a_list),
        CLOCK_TEST(test_rearm_hook),
        CLOCK_TEST(test_host_clock),
        CLOCK_TEST(test_host_timers),
        CLOCK_TEST(test_muldiv),
    };
    return unit_main(tests);
}
