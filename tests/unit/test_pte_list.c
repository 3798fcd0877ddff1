/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rmap under its lock (cpu/mmu_shadow/pte_list.h): counts, shapes of the chain, order, against
 * a model of what mail 000 describes, and that corruption stops the VM. What walks without the lock
 * meet is in race_pte_list.c.
 */
#include "tests/unit/unit.h"

#include <glib.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/lock.h"
#include "cpu/mmu_shadow/pte_list.h"

#define N    PTE_LIST_ENTRIES
#define MANY (5 * N + 3)

static struct pte_list_pool pool;
static struct pte_list list, other;
static _Atomic uint64_t sptes[512];

/* An invariant that breaks is a failed case, not the end of all: once, that is. */
static void fail_case(void)
{
    fail_msg("an invariant is broken (see above)");
}

static int setup(void **state)
{
    (void)state;
    invariant_dump = fail_case;
    memset(&list, 0, sizeof(list));
    memset(&other, 0, sizeof(other));
    pte_list_pool_init(&pool);
    return 0;
}

/* Every descriptor must have come back. */
static int teardown(void **state)
{
    struct pte_list_iter iter;
    _Atomic uint64_t *spte;

    (void)state;
    while ((spte = pte_list_first(&list, &iter)))
        pte_list_remove(&pool, &list, spte);
    while ((spte = pte_list_first(&other, &iter)))
        pte_list_remove(&pool, &other, spte);
    assert_int_equal(pte_list_pool_used(&pool), 0);
    pte_list_pool_destroy(&pool);
    return 0;
}

/* Adds SPTEs 0 to n - 1. */
static void fill(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        pte_list_add(&pool, &list, &sptes[i]);
}

/* The list, in the order of walks, as indices. */
static unsigned contents(const struct pte_list *l, unsigned *out)
{
    struct pte_list_iter iter;
    _Atomic uint64_t *spte;
    unsigned n = 0;

    pte_list_for_each(l, &iter, spte) out[n++] = (unsigned)(spte - sptes);
    return n;
}

static void expect_contents(const struct pte_list *l, const unsigned *expected, unsigned n)
{
    unsigned found[512];

    assert_int_equal(contents(l, found), n);
    assert_memory_equal(found, expected, n * sizeof(*found));
}

static void test_mail000_add_returns_count_before(void **state)
{
    (void)state;
    /* at each size: empty, single, within a descriptor, when a descriptor is full and one more is
     * made (where counting after the add is easily off by one) */
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(pte_list_count(&list), i);
        assert_int_equal(pte_list_add(&pool, &list, &sptes[i]), i);
        pte_list_check(&list);
    }
    for (unsigned i = 0; i < MANY; i++) {
        pte_list_remove(&pool, &list, &sptes[i]);
        assert_int_equal(pte_list_count(&list), MANY - 1 - i);
        pte_list_check(&list);
    }
}

static unsigned descs_for(unsigned entries)
{
    return entries < 2 ? 0 : (entries + N - 1) / N;
}

static void test_mail000_descriptors_are_as_few_as_can_be(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(pte_list_pool_used(&pool), descs_for(i));
        pte_list_add(&pool, &list, &sptes[i]);
    }
    /* wherever entries go from: from the ends and the middle in turn */
    for (unsigned left = MANY; left > 0; left--) {
        unsigned found[512];

        contents(&list, found);
        pte_list_remove(&pool, &list, &sptes[found[left % 3 * (left - 1) / 2]]);
        assert_int_equal(pte_list_pool_used(&pool), descs_for(left - 1));
        pte_list_check(&list);
    }
}

/* The head first, from high to low in each. */
static void test_mail000_order_of_iteration(void **state)
{
    unsigned expected[512];

    (void)state;
    for (unsigned n = 0; n <= MANY; n++) {
        unsigned at = 0;

        for (unsigned i = n; i-- > 0;)
            expected[at++] = i;
        expect_contents(&list, expected, n);
        pte_list_add(&pool, &list, &sptes[n]);
    }
}

static void test_mail000_hole_is_filled_from_head(void **state)
{
    unsigned expected[512], at = 0;

    (void)state;
    fill(2 * N + 2);                          /* 13, 13, 2 */
    pte_list_remove(&pool, &list, &sptes[4]); /* in the tail */
    pte_list_check(&list);
    assert_int_equal(pte_list_count(&list), 2 * N + 1);
    expected[at++] = 2 * N;
    for (unsigned i = 2 * N; i-- > 0;)
        expected[at++] = i == 4 ? 2 * N + 1 : i;
    expect_contents(&list, expected, at);
    /* the head's last itself, which leaves no hole; with it goes the head */
    pte_list_remove(&pool, &list, &sptes[2 * N]);
    expect_contents(&list, expected + 1, at - 1);
    assert_int_equal(pte_list_pool_used(&pool), 2);
    /* within what is the head now: its last comes down */
    pte_list_remove(&pool, &list, &sptes[N]);
    assert_int_equal(expected[1], 2 * N - 1);
    expected[N] = 2 * N - 1;
    expect_contents(&list, expected + 2, at - 2);
    assert_int_equal(pte_list_add(&pool, &list, &sptes[N]), 2 * N - 1);
}

static void test_mail000_emptied_head_is_freed(void **state)
{
    (void)state;
    for (unsigned full = 1; full < 4; full++) {
        setup(state);
        fill(full * N + 1);
        assert_int_equal(pte_list_pool_used(&pool), full + 1);
        pte_list_remove(&pool, &list, &sptes[0]); /* far from the head, which fills the hole */
        assert_int_equal(pte_list_pool_used(&pool), full);
        pte_list_check(&list);
        assert_int_equal(pte_list_add(&pool, &list, &sptes[0]), full * N);
        assert_int_equal(pte_list_pool_used(&pool), full + 1);
        teardown(state);
    }
    setup(state);
}

static void test_mail000_collapses_to_single_form(void **state)
{
    (void)state;
    for (unsigned stays = 0; stays < 3; stays++) {
        fill(3);
        for (unsigned i = 0; i < 3; i++)
            if (i != stays)
                pte_list_remove(&pool, &list, &sptes[i]);
        assert_int_equal(pte_list_pool_used(&pool), 0);
        assert_true(atomic_load(&list.head) == (uintptr_t)&sptes[stays]);
        assert_int_equal(pte_list_count(&list), 1);
        pte_list_remove(&pool, &list, &sptes[stays]);
        assert_true(atomic_load(&list.head) == 0);
    }
}

static void mark(_Atomic uint64_t *spte, void *arg)
{
    ((uint8_t *)arg)[spte - sptes]++;
}

/* With nobody changing the list, the walk without the lock visits each entry once. */
static void test_mail000_quiet_walk_visits_each_once(void **state)
{
    (void)state;
    for (unsigned n = 0; n <= MANY; n++) {
        uint8_t visits[512] = {0};

        assert_int_equal(pte_list_walk_lockless(&list, mark, visits), 0);
        for (unsigned i = 0; i < 512; i++)
            assert_int_equal(visits[i], i < n);
        pte_list_add(&pool, &list, &sptes[n]);
    }
}

/* A model that is nothing but the rules: an array per list; the hole is filled from its end, since
 * the entries from the tail's first to the head's last stand in an array just so. */
struct model {
    unsigned e[512], n;
};

static void expect_model(const struct pte_list *l, const struct model *m)
{
    unsigned expected[512];

    for (unsigned i = 0; i < m->n; i++)
        expected[i] = m->e[m->n - 1 - i];
    expect_contents(l, expected, m->n);
    assert_int_equal(pte_list_count(l), m->n);
    pte_list_check(l);
}

static void step_of_model(GRand *rnd, struct pte_list *l, struct model *m, struct model *unused,
                          bool grow)
{
    if (unused->n && (!m->n || (unsigned)g_rand_int_range(rnd, 0, 100) < (grow ? 60 : 40))) {
        unsigned e = unused->e[--unused->n];

        assert_int_equal(pte_list_add(&pool, l, &sptes[e]), m->n);
        m->e[m->n++] = e;
    } else if (m->n) {
        unsigned i = (unsigned)g_rand_int_range(rnd, 0, (int)m->n);

        unused->e[unused->n++] = m->e[i];
        pte_list_remove(&pool, l, &sptes[m->e[i]]);
        m->e[i] = m->e[--m->n];
    }
}

static void test_mail000_random_against_model(void **state)
{
    GRand *rnd = g_rand_new_with_seed(28082013);
    struct model mine = {.n = 0}, theirs = {.n = 0}, unused = {.n = 0};

    (void)state;
    for (unsigned i = 0; i < 400; i++)
        unused.e[unused.n++] = i;
    for (unsigned round = 0; round < 60000; round++) {
        bool grow = round / 500 % 2;

        step_of_model(rnd, &list, &mine, &unused, grow);
        step_of_model(rnd, &other, &theirs, &unused, !grow);
        if (round % 16 == 0 || mine.n < 4) {
            expect_model(&list, &mine);
            expect_model(&other, &theirs);
        }
        assert_int_equal(pte_list_pool_used(&pool), descs_for(mine.n) + descs_for(theirs.n));
    }
    g_rand_free(rnd);
}

/* Runs `f` in a child: it must end by a broken invariant whose line has `what` in it. */
static void expect_stop(void (*f)(void), const char *what)
{
    char said[4096] = "";
    size_t n = 0;
    ssize_t got;
    int fd[2], status;
    pid_t child;

    assert_int_equal(pipe(fd), 0);
    child = fork();
    assert_true(child >= 0);
    if (!child) {
        dup2(fd[1], STDERR_FILENO);
        invariant_dump = NULL;
        f();
        _exit(0);
    }
    close(fd[1]);
    while (n + 1 < sizeof(said) && (got = read(fd[0], said + n, sizeof(said) - 1 - n)) > 0)
        n += (size_t)got;
    said[n] = '\0';
    close(fd[0]);
    assert_true(waitpid(child, &status, 0) == child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_INTERNAL_ERROR);
    assert_non_null(strstr(said, "internal error"));
    if (!strstr(said, what))
        fail_msg("\"%s\" does not say \"%s\"", said, what);
}

static void remove_absent(void)
{
    pte_list_remove(&pool, &list, &sptes[500]);
}

static void add_null(void)
{
    pte_list_add(&pool, &list, NULL);
}

static void add_single_again(void)
{
    pte_list_add(&pool, &list, &sptes[0]);
}

static void destroy_in_use(void)
{
    pte_list_pool_destroy(&pool);
}

static struct pte_list_desc *head(void)
{
    return (struct pte_list_desc *)(atomic_load(&list.head) & ~PTE_LIST_TAG);
}

static void remove_through_lost_chain(void)
{
    atomic_store(&head()->more, 0);
    pte_list_remove(&pool, &list, &sptes[0]);
}

static void iterate_over_lost_chain(void)
{
    unsigned found[512];

    atomic_store(&head()->more, 0);
    contents(&list, found);
}

static void remove_where_used_is_wrong(void)
{
    head()->used = N + 1;
    pte_list_remove(&pool, &list, &sptes[0]);
}

static void remove_beside_a_gap(void)
{
    atomic_store(&head()->sptes[0], NULL);
    pte_list_remove(&pool, &list, &sptes[0]);
}

static void remove_from_gapped_tail(void)
{
    struct pte_list_desc *tail = (struct pte_list_desc *)atomic_load(&head()->more);

    tail->used--;
    pte_list_remove(&pool, &list, &sptes[0]);
}

static void check_wrong_count(void)
{
    head()->below++;
    pte_list_check(&list);
}

static void check_foreign_marker(void)
{
    struct pte_list_desc *tail = (struct pte_list_desc *)atomic_load(&head()->more);

    atomic_store(&tail->more, (uintptr_t)&other | PTE_LIST_TAG);
    pte_list_check(&list);
}

static void check_entry_beyond_used(void)
{
    atomic_store(&head()->sptes[N - 1], &sptes[500]);
    pte_list_check(&list);
}

static void test_mail000_corruption_stops_the_vm(void **state)
{
    static const char absent[] = "the SPTE is in its list";

    (void)state;
    expect_stop(remove_absent, absent); /* from nothing */
    expect_stop(add_null, "spte");
    fill(1);
    expect_stop(remove_absent, absent); /* from the single form */
    expect_stop(add_single_again, "head != ");
    pte_list_add(&pool, &list, &sptes[1]);
    expect_stop(remove_absent, absent); /* from a descriptor */
    expect_stop(destroy_in_use, "pte_list_pool_used(pool) == 0");
    for (unsigned i = 2; i < N + 3; i++)
        pte_list_add(&pool, &list, &sptes[i]);
    expect_stop(remove_absent, absent); /* from a chain */
    expect_stop(remove_through_lost_chain, "more");
    expect_stop(iterate_over_lost_chain, "more");
    expect_stop(remove_where_used_is_wrong, "used <= ");
    expect_stop(remove_beside_a_gap, "entry(d, i)");
    expect_stop(remove_from_gapped_tail, "used == ");
    expect_stop(check_wrong_count, "left");
    expect_stop(check_foreign_marker, "more");
    expect_stop(check_entry_beyond_used, "used");
    pte_list_check(&list);
}

/* Threads of the host, with what order of memory it has: walks while lists shrink to the single
 * form and grow again, and take each other's descriptors. SPTEs 0 to 3 stay in the list. */
#define STAY 4
static struct lock lock;
static _Atomic bool changed;
static _Atomic unsigned missed, walks, restarts;

static void *walk_until_changed(void *arg)
{
    do {
        uint8_t visits[512] = {0};

        restarts += pte_list_walk_lockless(&list, mark, visits);
        for (unsigned i = 0; i < *(unsigned *)arg; i++)
            missed += !visits[i];
        walks++;
    } while (!changed);
    return NULL;
}

static void *change_lists(void *arg)
{
    unsigned first = *(unsigned *)arg, most = first < 200 ? 3 : 30;

    for (unsigned round = 0; round < 4000; round++) {
        struct pte_list *l = round % 3 ? &list : &other;

        for (unsigned i = 0; i < most; i++) {
            lock_take(&lock);
            pte_list_add(&pool, l, &sptes[first + i]);
            lock_drop(&lock);
        }
        for (unsigned i = 0; i < most; i++) {
            lock_take(&lock);
            pte_list_remove(&pool, l, &sptes[first + (i * 7 + round) % most]);
            lock_drop(&lock);
        }
    }
    return NULL;
}

static void walk_against_changes(unsigned stay)
{
    unsigned firsts[2] = {100, stay == 1 ? 150 : 200};
    pthread_t walker[2], changer[2];

    fill(stay);
    lock_init(&lock);
    changed = false;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&walker[i], NULL, walk_until_changed, &stay), 0);
        assert_int_equal(pthread_create(&changer[i], NULL, change_lists, &firsts[i]), 0);
    }
    for (unsigned i = 0; i < 2; i++)
        pthread_join(changer[i], NULL);
    changed = true;
    for (unsigned i = 0; i < 2; i++)
        pthread_join(walker[i], NULL);
    lock_clear(&lock);
    pte_list_check(&list);
    assert_int_equal(pte_list_count(&list), stay);
    assert_int_equal(missed, 0);
    assert_true(walks >= 2);
}

static void test_mail000_walks_on_real_threads(void **state)
{
    (void)state;
    walk_against_changes(STAY);
    teardown(state);
    setup(state);
    walk_against_changes(1);
}

#define with_lists(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_lists(test_mail000_add_returns_count_before),
        with_lists(test_mail000_descriptors_are_as_few_as_can_be),
        with_lists(test_mail000_order_of_iteration),
        with_lists(test_mail000_hole_is_filled_from_head),
        with_lists(test_mail000_emptied_head_is_freed),
        with_lists(test_mail000_collapses_to_single_form),
        with_lists(test_mail000_quiet_walk_visits_each_once),
        with_lists(test_mail000_random_against_model),
        with_lists(test_mail000_corruption_stops_the_vm),
        with_lists(test_mail000_walks_on_real_threads),
    };

    return unit_main(tests);
}
