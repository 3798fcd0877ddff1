/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scheduler that tests of races stand on (tests/unit/schedule.h): it tries every order there
 * is, finds the races that are there and none where there is none, and says again what it said. */
#include "tests/unit/unit.h"

#include <stdatomic.h>

#include "base/lock.h"
#include "tests/unit/schedule.h"

/* Threads that write down in which order they ran. */
static struct {
    char order[16];
    unsigned n;
    bool seen[64];
    unsigned distinct, runs;
} orders;

static void orders_setup(void *ctx)
{
    (void)ctx;
    orders.n = 0;
    orders.runs++;
}

static void note(char c)
{
    orders.order[orders.n++] = c;
}

static void run_a(void *ctx)
{
    (void)ctx;
    note('a');
    step("one");
    note('a');
    step("two");
    note('a');
}

static void run_b(void *ctx)
{
    (void)ctx;
    note('b');
    step("one");
    note('b');
    step("two");
    note('b');
}

static void orders_check(void *ctx)
{
    unsigned bits = 0;

    (void)ctx;
    schedule_expect(orders.n == 6);
    for (unsigned i = 0; i < 6; i++)
        bits |= (orders.order[i] == 'b') << i;
    orders.distinct += !orders.seen[bits];
    orders.seen[bits] = true;
}

static const struct schedule every_order = {
    .setup = orders_setup,
    .check = orders_check,
    .threads = {{"a", run_a}, {"b", run_b}},
    .n = 2,
    .preemptions = SCHEDULE_ALL,
};

/* Two threads of three pieces each: 6 over 3 orders. */
static void test_every_order_is_tried(void **state)
{
    struct schedule_result r;

    (void)state;
    memset(&orders, 0, sizeof(orders));
    r = schedule_search(&every_order);
    assert_int_equal(r.end, SCHEDULE_GOOD);
    assert_true(r.complete);
    assert_int_equal(orders.distinct, 20);
    assert_int_equal(orders.runs, r.schedules);
}

/* Of these 20: aaabbb and bbbaaa without preemption; with one, a piece or two of one thread, the
 * other whole, and the rest: 4 more. */
static void test_preemptions_are_bounded(void **state)
{
    struct schedule s = every_order;
    struct schedule_result r;

    (void)state;
    memset(&orders, 0, sizeof(orders));
    s.preemptions = 1;
    r = schedule_search(&s);
    assert_int_equal(r.end, SCHEDULE_GOOD);
    assert_false(r.complete);
    assert_int_equal(orders.distinct, 6);
}

/* Two that add one to what both read before, and with a lock. */
struct counter {
    int n;
    bool locked;
    struct lock lock, other;
    struct condition more;
};

static void counter_setup(void *ctx)
{
    struct counter *c = ctx;

    c->n = 0;
    lock_init(&c->lock);
    lock_init(&c->other);
    condition_init(&c->more);
}

static void add_one(void *ctx)
{
    struct counter *c = ctx;
    int n;

    if (c->locked)
        lock_take(&c->lock);
    n = c->n;
    step("read");
    c->n = n + 1;
    if (c->locked)
        lock_drop(&c->lock);
}

static void expect_all(void *ctx)
{
    schedule_expect(((struct counter *)ctx)->n == 3);
}

static struct counter counter;
static const struct schedule adders = {
    .setup = counter_setup,
    .check = expect_all,
    .ctx = &counter,
    .threads = {{"x", add_one}, {"y", add_one}, {"z", add_one}},
    .n = 3,
    .preemptions = SCHEDULE_ALL,
};

static void test_lost_update_is_found_and_replayed(void **state)
{
    struct schedule_result r, again;

    (void)state;
    counter.locked = false;
    r = schedule_search(&adders);
    assert_int_equal(r.end, SCHEDULE_FAILED);
    assert_int_equal(r.preemptions, 1);
    assert_non_null(strstr(r.what, "n == 3"));
    again = schedule_replay(&adders, r.replay);
    assert_int_equal(again.end, SCHEDULE_FAILED);
    assert_string_equal(again.what, r.what);
    assert_string_equal(again.replay, r.replay);
    assert_int_equal(schedule_replay(&adders, "001122").end, SCHEDULE_GOOD);
}

static void test_lock_excludes(void **state)
{
    (void)state;
    counter.locked = true;
    schedule_explore(&adders);
    assert_true(schedule_search(&adders).complete);
}

/* At random, from one seed always the same. */
static void test_random_is_repeatable(void **state)
{
    struct schedule s = adders;
    struct schedule_result r, again;

    (void)state;
    counter.locked = false;
    s.limit = 1; /* the first order alone, which is good */
    s.random = 1000;
    s.seed = 5;
    r = schedule_search(&s);
    again = schedule_search(&s);
    assert_int_equal(r.end, SCHEDULE_FAILED);
    assert_int_equal(r.schedules, again.schedules);
    assert_string_equal(r.replay, again.replay);
    counter.locked = true;
    r = schedule_search(&s);
    assert_int_equal(r.end, SCHEDULE_GOOD);
    assert_int_equal(r.schedules, 1001);
}

static void lock_this_then_other(void *ctx)
{
    struct counter *c = ctx;

    lock_take(&c->lock);
    lock_take(&c->other);
    lock_drop(&c->other);
    lock_drop(&c->lock);
}

static void lock_other_then_this(void *ctx)
{
    struct counter *c = ctx;

    lock_take(&c->other);
    lock_take(&c->lock);
    lock_drop(&c->lock);
    lock_drop(&c->other);
}

static void test_deadlock_is_found(void **state)
{
    struct schedule s = {
        .setup = counter_setup,
        .ctx = &counter,
        .threads = {{"this", lock_this_then_other}, {"other", lock_other_then_this}},
        .n = 2,
    };
    struct schedule_result r = schedule_search(&s);

    (void)state;
    assert_int_equal(r.end, SCHEDULE_DEADLOCK);
    assert_non_null(strstr(r.what, "this is at lock_take"));
    assert_non_null(strstr(r.what, "other is at lock_take"));
    s.threads[1].run = lock_this_then_other;
    schedule_explore(&s);
}

static void await_one(void *ctx)
{
    struct counter *c = ctx;

    lock_take(&c->lock);
    while (!c->n)
        condition_wait(&c->more, &c->lock);
    c->n++;
    lock_drop(&c->lock);
}

/* Looks before it has the lock, and sleeps through the broadcast. */
static void await_one_badly(void *ctx)
{
    struct counter *c = ctx;
    int n = c->n;

    step("looked");
    lock_take(&c->lock);
    if (!n)
        condition_wait(&c->more, &c->lock);
    c->n++;
    lock_drop(&c->lock);
}

static void give_one(void *ctx)
{
    struct counter *c = ctx;

    lock_take(&c->lock);
    c->n++;
    condition_broadcast(&c->more);
    lock_drop(&c->lock);
}

static void test_conditions_wake(void **state)
{
    struct schedule s = {
        .setup = counter_setup,
        .check = expect_all,
        .ctx = &counter,
        .threads = {{"first", await_one}, {"second", await_one}, {"giver", give_one}},
        .n = 3,
    };
    struct schedule_result r;

    (void)state;
    schedule_explore(&s);
    s.threads[1].run = await_one_badly;
    r = schedule_search(&s);
    assert_int_equal(r.end, SCHEDULE_DEADLOCK);
    assert_non_null(strstr(r.what, "second is at condition_wait"));
}

/* Spinning for what another does is progress; for what nobody does it is none. */
static _Atomic int flag;

static void flag_setup(void *ctx)
{
    (void)ctx;
    flag = 0;
}

static void spin_for_flag(void *ctx)
{
    (void)ctx;
    while (!flag)
        step_spin("no flag");
}

static void raise_flag(void *ctx)
{
    (void)ctx;
    step("before");
    flag = 1;
    step("after");
}

static void test_spinning(void **state)
{
    struct schedule s = {
        .setup = flag_setup,
        .threads = {{"first", spin_for_flag}, {"second", spin_for_flag}, {"raiser", raise_flag}},
        .n = 3,
        .preemptions = 3,
    };
    struct schedule_result r;

    (void)state;
    schedule_explore(&s);
    s.n = 2;
    r = schedule_search(&s);
    assert_int_equal(r.end, SCHEDULE_NO_PROGRESS);
    assert_non_null(strstr(r.what, "first is at no flag"));
}

static void break_invariant(void *ctx)
{
    (void)ctx;
    step("before");
    invariant(flag);
}

/* An invariant that breaks in a thread is a failed schedule, and the process lives. */
static void test_broken_invariant_is_found(void **state)
{
    const struct schedule s = {
        .setup = flag_setup,
        .threads = {{"raiser", raise_flag}, {"breaker", break_invariant}},
        .n = 2,
    };
    struct schedule_result r = schedule_search(&s);

    (void)state;
    assert_int_equal(r.end, SCHEDULE_FAILED);
    assert_non_null(strstr(r.what, "invariant"));
    assert_null(invariant_dump);
}

/* Steps outside of schedules do nothing, and locks are the host's. */
static void test_outside_of_schedules(void **state)
{
    (void)state;
    step("nobody");
    step_spin("nobody");
    assert_false(step_scheduled());
    counter_setup(&counter);
    lock_take(&counter.lock);
    assert_int_not_equal(pthread_mutex_trylock(&counter.lock.mutex), 0);
    lock_drop(&counter.lock);
    assert_int_equal(pthread_mutex_trylock(&counter.lock.mutex), 0);
    lock_drop(&counter.lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_order_is_tried),
        cmocka_unit_test(test_preemptions_are_bounded),
        cmocka_unit_test(test_lost_update_is_found_and_replayed),
        cmocka_unit_test(test_lock_excludes),
        cmocka_unit_test(test_random_is_repeatable),
        cmocka_unit_test(test_deadlock_is_found),
        cmocka_unit_test(test_conditions_wake),
        cmocka_unit_test(test_spinning),
        cmocka_unit_test(test_broken_invariant_is_found),
        cmocka_unit_test(test_outside_of_schedules),
    };

    return unit_main(tests);
}
