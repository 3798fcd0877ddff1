/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which schedules the scheduler of schedule.h runs, and in what order: depth first under a bound on
 * preemptions that is raised step by step (a race that needs few is so found first, and by the
 * shortest schedule), then at random. See schedule.c for how one is run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "tests/unit/schedule_run.h"

#define DEFAULT_PREEMPTIONS 2
#define DEFAULT_LIMIT       2000000
#define DEFAULT_STEPS       20000
#define PRINTED_STEPS       100 /* of a schedule without an end: only the last so many */

static unsigned choose_first(struct run *r, const struct decision *d)
{
    (void)r;
    (void)d;
    return 0;
}

/* xorshift64*: any seed but 0 */
static uint64_t next_random(struct run *r)
{
    r->rng ^= r->rng >> 12;
    r->rng ^= r->rng << 25;
    r->rng ^= r->rng >> 27;
    return (r->rng * UINT64_C(2685821657736338717)) >> 32;
}

static unsigned choose_at_random(struct run *r, const struct decision *d)
{
    if (d->n == 1 || (d->preempts && next_random(r) & ((1u << r->shift) - 1)))
        return 0;
    return (unsigned)(next_random(r) % d->n);
}

static unsigned choose_from_text(struct run *r, const struct decision *d)
{
    if (!*r->replay)
        return 0;
    for (unsigned i = 0; i < d->n; i++)
        if (d->options[i] == *r->replay - '0') {
            r->replay++;
            return i;
        }
    fprintf(stderr, "# SCHEDULE does not fit from its \"%.20s\" on: no such thread can go on\n",
            r->replay);
    r->replay = "";
    return 0;
}

/* Makes the next schedule's prefix in place of the one that was run: the deepest decision that has
 * an option left within `bound` preemptions takes it. False when there is none; *cut is set when
 * the bound alone kept one from being taken. */
static bool next_prefix(struct run *r, unsigned bound, bool *cut)
{
    for (unsigned i = r->depth; i-- > 0;) {
        struct decision *d = &r->decisions[i];

        if (d->chosen + 1u >= d->n)
            continue;
        if (d->preempts && d->used + 1 > bound) {
            *cut = true;
            continue;
        }
        d->chosen++;
        r->prefix = i + 1;
        return true;
    }
    return false;
}

/* Every schedule of at most `bound` preemptions. False when one is bad. */
static bool search_bound(struct run *r, unsigned bound, struct schedule_result *result,
                         uint64_t limit)
{
    bool cut = false;

    r->prefix = 0;
    r->choose = choose_first;
    do {
        if (result->schedules == limit)
            return true;
        run_once(r);
        result->schedules++;
        if (r->end != SCHEDULE_GOOD)
            return false;
    } while (next_prefix(r, bound, &cut));
    result->complete = !cut;
    return true;
}

static bool search(struct run *r, struct schedule_result *result)
{
    const struct schedule *s = r->s;
    unsigned most = s->preemptions ? s->preemptions : DEFAULT_PREEMPTIONS;
    uint64_t limit = s->limit ? s->limit : DEFAULT_LIMIT;

    for (unsigned bound = 0; bound <= most && !result->complete; bound++) {
        if (result->schedules == limit)
            break;
        if (!search_bound(r, bound, result, limit))
            return false;
    }
    if (result->complete)
        return true;
    r->prefix = 0;
    r->choose = choose_at_random;
    r->rng = s->seed ? s->seed : 1;
    for (uint64_t i = 0; i < s->random; i++) {
        r->shift = 1 + i % 5;
        run_once(r);
        result->schedules++;
        if (r->end != SCHEDULE_GOOD)
            return false;
    }
    return true;
}

/* The schedule as text for SCHEDULE: a digit, the thread, for each decision. */
static void write_replay(const struct run *r, struct schedule_result *result)
{
    if (r->depth >= sizeof(result->replay))
        return;
    for (unsigned i = 0; i < r->depth; i++) {
        const struct decision *d = &r->decisions[i];

        result->replay[i] = (char)('0' + d->options[d->chosen]);
    }
    result->replay[r->depth] = '\0';
}

static void print_schedule(const struct run *r)
{
    unsigned first = r->depth > PRINTED_STEPS ? r->depth - PRINTED_STEPS : 0;

    if (first)
        fprintf(stderr, "# (%u steps before)\n", first);
    for (unsigned i = first; i < r->depth; i++) {
        const struct decision *d = &r->decisions[i];

        fprintf(stderr, "# %4u %s goes on from %s\n", i, r->s->threads[d->options[d->chosen]].name,
                d->at);
    }
}

static void begin(struct run *r, const struct schedule *s)
{
    *r = (struct run){.s = s, .steps = s->steps ? s->steps : DEFAULT_STEPS};
    run_begin(r);
}

static void end(struct run *r, struct schedule_result *result)
{
    result->end = r->end;
    result->preemptions = r->used;
    memcpy(result->what, r->what, sizeof(result->what));
    write_replay(r, result);
    run_end(r);
}

static void explore(const struct schedule *s, struct schedule_result *result, bool print)
{
    struct run r;

    *result = (struct schedule_result){.schedules = 0};
    begin(&r, s);
    search(&r, result);
    if (print && r.end != SCHEDULE_GOOD) {
        fprintf(stderr, "# %s\n# schedule %llu, with %u preemptions:\n", r.what,
                (unsigned long long)result->schedules, r.used);
        print_schedule(&r);
    }
    end(&r, result);
}

struct schedule_result schedule_search(const struct schedule *s)
{
    struct schedule_result result;

    explore(s, &result, false);
    return result;
}

struct schedule_result schedule_replay(const struct schedule *s, const char *text)
{
    struct schedule_result result = {.schedules = 1};
    struct run r;

    begin(&r, s);
    r.choose = choose_from_text;
    r.replay = text;
    run_once(&r);
    print_schedule(&r);
    fprintf(stderr, "# %s\n", r.end == SCHEDULE_GOOD ? "good" : r.what);
    end(&r, &result);
    return result;
}

/* SCHEDULE=NUMBER:TEXT replays the process's exploration of that number, and skips the others. */
static bool replay_by_environment(const struct schedule *s, const char *which, unsigned number)
{
    char *text;

    if (strtoul(which, &text, 10) != number || *text != ':')
        return true;
    return schedule_replay(s, text + 1).end == SCHEDULE_GOOD;
}

void schedule_explore_at(const struct schedule *s, const char *file, int line)
{
    static unsigned explorations;
    const char *which = getenv("SCHEDULE");
    struct schedule_result result;

    explorations++;
    if (which) {
        if (!replay_by_environment(s, which, explorations))
            _fail(file, line);
        return;
    }
    explore(s, &result, true);
    if (result.end == SCHEDULE_GOOD && result.complete && result.schedules == 1) {
        fprintf(stderr, "# there is only one schedule: the threads have no steps\n");
        _fail(file, line);
    }
    if (result.end == SCHEDULE_GOOD)
        return;
    fprintf(stderr, "# to replay it, run the same with SCHEDULE=%u:%s\n", explorations,
            result.replay);
    _fail(file, line);
}
