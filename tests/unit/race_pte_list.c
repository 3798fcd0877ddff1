/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rmap's walk without the lock (cpu/mmu_shadow/pte_list.h) against changes under the lock, in
 * every order of their steps: mail 000. What changes is a script: "0-b" takes entry b from list 0,
 * "1+x" adds x to list 1. Each walk of list 0 must visit every entry that is in list 0 before and
 * that the script never takes out.
 */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "base/error.h"
#include "base/lock.h"
#include "cpu/mmu_shadow/pte_list.h"
#include "tests/unit/schedule.h"

#define LISTS   3
#define ENTRIES 52
#define WALKERS 2

struct race {
    const char *before;    /* script that is run before the threads */
    const char *script[2]; /* of the threads that change */
    const char *stays;     /* entries that every walk must find */

    struct lock lock;
    struct pte_list_pool pool;
    struct pte_list lists[LISTS];
    _Atomic uint64_t sptes[ENTRIES];
    uint8_t list_of[ENTRIES]; /* 1 + where each is; under the lock */
    bool visited[WALKERS][ENTRIES];
    unsigned n_scripts, n_walkers; /* that have begun */
    unsigned restarts;             /* of all walks, all schedules */
};

/* a…z, A…Z */
static unsigned entry_of(char c)
{
    return c >= 'a' ? (unsigned)(c - 'a') : 26 + (unsigned)(c - 'A');
}

static void run_script(struct race *r, const char *script)
{
    for (const char *p = script; *p; p += 3) {
        unsigned list = (unsigned)(p[0] - '0'), e = entry_of(p[2]);

        lock_take(&r->lock);
        if (p[1] == '+') {
            pte_list_add(&r->pool, &r->lists[list], &r->sptes[e]);
            r->list_of[e] = (uint8_t)(list + 1);
        } else {
            pte_list_remove(&r->pool, &r->lists[list], &r->sptes[e]);
            r->list_of[e] = 0;
        }
        lock_drop(&r->lock);
        if (p[3] == ' ')
            p++;
        else if (!p[3])
            break;
    }
}

static void setup(void *ctx)
{
    struct race *r = ctx;

    lock_init(&r->lock);
    memset(r->lists, 0, sizeof(r->lists));
    memset(r->list_of, 0, sizeof(r->list_of));
    memset(r->visited, 0, sizeof(r->visited));
    r->n_scripts = r->n_walkers = 0;
    pte_list_pool_init(&r->pool);
    run_script(r, r->before);
}

static void change(void *ctx)
{
    struct race *r = ctx;

    run_script(r, r->script[r->n_scripts++]);
}

struct walker {
    struct race *r;
    unsigned number;
};

static void visit(_Atomic uint64_t *spte, void *arg)
{
    struct walker *w = arg;

    schedule_expect(spte >= w->r->sptes && spte < w->r->sptes + ENTRIES);
    w->r->visited[w->number][spte - w->r->sptes] = true;
}

static void walk(void *ctx)
{
    struct race *r = ctx;
    struct walker w = {.r = r, .number = r->n_walkers++};

    r->restarts += pte_list_walk_lockless(&r->lists[0], visit, &w);
    for (const char *p = r->stays; *p; p++)
        if (!r->visited[w.number][entry_of(*p)])
            schedule_fail(__FILE__, __LINE__, "the walk has missed entry %c", *p);
}

/* Whatever the order: the lists hold what the scripts left in them, and are whole. */
static void check(void *ctx)
{
    struct race *r = ctx;
    struct pte_list_iter iter;
    _Atomic uint64_t *spte;

    for (unsigned i = 0; i < LISTS; i++) {
        unsigned n = 0;

        pte_list_check(&r->lists[i]);
        pte_list_for_each(&r->lists[i], &iter, spte)
        {
            schedule_expect(r->list_of[spte - r->sptes] == i + 1);
            n++;
        }
        for (unsigned e = 0; e < ENTRIES; e++)
            n -= r->list_of[e] == i + 1;
        schedule_expect(n == 0);
        while ((spte = pte_list_first(&r->lists[i], &iter)))
            pte_list_remove(&r->pool, &r->lists[i], spte);
    }
    pte_list_pool_destroy(&r->pool);
}

static struct race race;

/* One walk against one script, under at most so many preemptions. */
static void explore(const char *before, const char *script, const char *stays, unsigned preemptions)
{
    const struct schedule s = {
        .setup = setup,
        .check = check,
        .ctx = &race,
        .threads = {{"walk", walk}, {"change", change}},
        .n = 2,
        .preemptions = preemptions,
        .steps = 1000,
    };

    memset(&race, 0, sizeof(race));
    race.before = before;
    race.script[0] = script;
    race.stays = stays;
    schedule_explore(&s);
}

/* One descriptor is full and one more has some: 13 and 3. */
#define SIXTEEN "0+a 0+b 0+c 0+d 0+e 0+f 0+g 0+h 0+i 0+j 0+k 0+l 0+m 0+n 0+o 0+p"

static void test_mail000_walk_goes_from_high_to_low(void **state)
{
    (void)state;
    /* the last fills the hole below it, in the same descriptor */
    explore("0+a 0+b 0+c 0+d", "0-a 0-b", "cd", 3);
    explore("0+a 0+b 0+c 0+d 0+e", "0-c 0-a", "bde", 3);
}

static void test_mail000_entry_is_moved_before_it_is_cleared(void **state)
{
    (void)state;
    explore("0+a 0+b 0+c", "0-a", "bc", 3);
    explore(SIXTEEN, "0-a 0-b", "cdefghijklmnop", 2);
}

static void test_mail000_moved_to_a_later_descriptor(void **state)
{
    (void)state;
    /* the head's three go one after the other to where the walk comes later; the head is freed */
    explore(SIXTEEN, "0-d 0-h 0-m", "abcefgijklnop", 2);
    /* and is made again */
    explore(SIXTEEN, "0-d 0-h 0-m 0+q", "abcefgijklnop", 2);
}

static void test_mail000_restarts_on_half_made(void **state)
{
    (void)state;
    /* back to the single form: the descriptor is free when the walk comes to it */
    explore("0+a 0+b", "0-b", "a", 3);
    explore("0+a 0+b", "0-a", "b", 3);
    explore("0+a 0+b 1+x", "0-b 1+y", "a", 3);
    assert_int_not_equal(race.restarts, 0);
}

static void test_mail000_restarts_on_foreign_nulls(void **state)
{
    (void)state;
    /* the descriptor that the walk is about to enter becomes list 1's */
    explore("0+a 0+b 1+x", "0-b 1+y", "a", 3);
    assert_int_not_equal(race.restarts, 0);
    /* the second of a chain does, so that the walk comes by way of its own list */
    explore("0+a 0+b 0+c 0+d 0+e 0+f 0+g 0+h 0+i 0+j 0+k 0+l 0+m 0+n 1+x", "0-n 1+y 0+o 2+z",
            "abcdefghijklm", 2);
}

static void test_mail000_restarts_on_reuse_by_the_same_list(void **state)
{
    (void)state;
    explore("0+a 0+b", "0-b 0+c", "a", 3);
    explore("0+a 0+b", "0-a 0+c", "b", 3);
    assert_int_not_equal(race.restarts, 0);
}

/* A changer may be stopped anywhere, for ever: the walk ends all the same (with more steps than any
 * walk here needs, the schedule has no progress). */
static void test_mail000_walk_never_waits_for_the_lock(void **state)
{
    (void)state;
    explore("0+a", "0+b 0-b 0+c 0-a", "", 3);
    explore("0+a 0+b 0+c 0+d 0+e 0+f 0+g 0+h 0+i 0+j 0+k 0+l 0+m", "0+n 0-a 0+o 0-n 0-b 0+p",
            "cdefghijklm", 2);
}

/* The walk has been through the head and is at its `more` when all that follows is let go but one
 * entry, and the head's memory becomes that entry's. */
static void test_mail000_head_becomes_tail(void **state)
{
    (void)state;
    explore(SIXTEEN " 1+X", "0-p 0-o 0-n 0-m 0-l 0-k 0-j 0-i 0-h 0-g 0-f 0-e 0-d 0-c 0-b 1+Y 0+q",
            "a", 1);
}

static void test_mail000_two_walks_two_changers(void **state)
{
    const struct schedule s = {
        .setup = setup,
        .check = check,
        .ctx = &race,
        .threads = {{"walk", walk}, {"change", change}, {"walk2", walk}, {"change2", change}},
        .n = 4,
        .preemptions = 1,
        .random = 30000,
        .seed = 20130828,
    };

    (void)state;
    memset(&race, 0, sizeof(race));
    race.before = "0+a 0+b 0+c 0+d 0+e 0+f 0+g 0+h 0+i 0+j 0+k 0+l 0+m 0+n 1+A 1+B 2+M";
    race.script[0] = "0-n 2+N 0+o 0-c 1-A 0-d 2-M 0-e 0+p 0-f 2+O";
    race.script[1] = "1+C 0-g 1-C 0-h 0+q 0-i 0-j 0-k 1+D 0+r 0-l 0-m 2+P 0-b";
    race.stays = "a";
    schedule_explore(&s);
    assert_int_not_equal(race.restarts, 0);
}

/* Small lists whose descriptor is let go and taken in turn by three lists. */
static void test_mail000_walks_survive_recycling(void **state)
{
    const struct schedule s = {
        .setup = setup,
        .check = check,
        .ctx = &race,
        .threads = {{"walk", walk}, {"change", change}, {"walk2", walk}, {"change2", change}},
        .n = 4,
        .preemptions = 1,
        .random = 50000,
        .seed = 1301,
    };

    (void)state;
    memset(&race, 0, sizeof(race));
    race.before = "0+a 0+b 1+A 2+M";
    race.script[0] = "0-b 0+c 0-c 1+B 1-B 0+d 0-d 0+e";
    race.script[1] = "2+N 2-N 1+C 0+f 1-C 2+O 0-f 2-O 0+g";
    race.stays = "a";
    schedule_explore(&s);
    assert_int_not_equal(race.restarts, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mail000_walk_goes_from_high_to_low),
        cmocka_unit_test(test_mail000_entry_is_moved_before_it_is_cleared),
        cmocka_unit_test(test_mail000_moved_to_a_later_descriptor),
        cmocka_unit_test(test_mail000_restarts_on_half_made),
        cmocka_unit_test(test_mail000_restarts_on_foreign_nulls),
        cmocka_unit_test(test_mail000_restarts_on_reuse_by_the_same_list),
        cmocka_unit_test(test_mail000_walk_never_waits_for_the_lock),
        cmocka_unit_test(test_mail000_head_becomes_tail),
        cmocka_unit_test(test_mail000_two_walks_two_changers),
        cmocka_unit_test(test_mail000_walks_survive_recycling),
    };

    return unit_main(tests);
}
