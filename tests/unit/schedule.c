/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The deterministic scheduler of schedule.h: what runs one schedule. Each time that a thread comes
 * to a step there is a decision among the threads that can go on; a schedule is the list of all its
 * decisions. How the lists are chosen is in schedule_explore.c.
 */
#include "tests/unit/schedule.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "tests/unit/schedule_run.h"

/* The schedule that the host's thread is in. */
static _Thread_local struct run *running;

static bool can_go_on(const struct thread *t)
{
    return !t->ended && (!t->ready || t->ready(t->ready_arg));
}

/* Who may be next: the thread that runs now comes first. One that spins waits until every other
 * that can go on has done so; whoever spun first waits for none that spun after it, so that
 * somebody may always be next. */
static void list_options(struct run *r, struct decision *d)
{
    unsigned now = r->current, n = r->s->n, able = 0;

    for (unsigned i = 0; i < n; i++)
        able |= (unsigned)can_go_on(&r->threads[i]) << i;
    d->n = 0;
    d->preempts = now < n && (able >> now & 1) && !(r->threads[now].after & able);
    if (d->preempts)
        d->options[d->n++] = (uint8_t)now;
    for (unsigned i = 0; i < n; i++)
        if ((able >> i & 1) && !(r->threads[i].after & able) && !(d->preempts && i == now))
            d->options[d->n++] = (uint8_t)i;
}

static __attribute__((noreturn)) void leave(struct run *r, enum schedule_end end)
{
    struct coroutine *self = r->current < r->s->n ? &r->threads[r->current].co : &r->check;

    r->end = end;
    r->current = RUN_NOBODY;
    coroutine_leave(self, &r->main);
}

static bool all_ended(const struct run *r)
{
    for (unsigned i = 0; i < r->s->n; i++)
        if (!r->threads[i].ended)
            return false;
    return true;
}

/* What every thread that has not ended stands at, in words. */
static void describe(struct run *r, const char *what)
{
    size_t n = (size_t)snprintf(r->what, sizeof(r->what), "%s:", what);

    for (unsigned i = 0; i < r->s->n && n < sizeof(r->what); i++)
        if (!r->threads[i].ended)
            n += (size_t)snprintf(r->what + n, sizeof(r->what) - n, " %s is at %s",
                                  r->s->threads[i].name, r->threads[i].at);
}

/* Decides who is next; RUN_NOBODY when the schedule is over, which `end` and `what` then tell. */
static unsigned decide(struct run *r)
{
    struct decision *d;
    unsigned next;

    if (r->depth == r->allocated) {
        r->allocated = r->allocated ? r->allocated * 2 : 256;
        r->decisions = g_renew(struct decision, r->decisions, r->allocated);
    }
    d = &r->decisions[r->depth];
    if (r->depth >= r->prefix)
        d->chosen = 0;
    list_options(r, d);
    if (!d->n) {
        r->end = all_ended(r) ? SCHEDULE_GOOD : SCHEDULE_DEADLOCK;
        if (r->end == SCHEDULE_DEADLOCK)
            describe(r, "deadlock");
        return RUN_NOBODY;
    }
    if (r->depth >= r->steps) {
        r->end = SCHEDULE_NO_PROGRESS;
        describe(r, "no progress");
        return RUN_NOBODY;
    }
    d->used = r->used;
    if (r->depth >= r->prefix)
        d->chosen = (uint8_t)r->choose(r, d);
    invariant(d->chosen < d->n); /* otherwise the code under test is not deterministic */
    next = d->options[d->chosen];
    d->at = r->threads[next].at;
    if (d->chosen && d->preempts)
        r->used++;
    r->depth++;
    for (unsigned i = 0; i < r->s->n; i++)
        r->threads[i].after &= ~(1u << next);
    r->threads[next].after = 0;
    return next;
}

/* The thread that runs now has come to where others may go on. */
static void turn(struct run *r)
{
    struct thread *self = &r->threads[r->current];
    unsigned next = decide(r);

    if (next == RUN_NOBODY)
        leave(r, r->end);
    if (next == r->current)
        return;
    r->current = next;
    if (self->ended)
        coroutine_leave(&self->co, &r->threads[next].co);
    coroutine_switch(&self->co, &r->threads[next].co);
}

static bool op_scheduled(void)
{
    return running && running->current < running->s->n;
}

static void op_step(const char *name)
{
    if (!op_scheduled())
        return;
    running->threads[running->current].at = name;
    turn(running);
}

static void op_spin(const char *name)
{
    if (!op_scheduled())
        return;
    running->threads[running->current].after =
        ((1u << running->s->n) - 1) & ~(1u << running->current);
    op_step(name);
}

static void op_wait(const char *name, bool (*ready)(const void *arg), const void *arg)
{
    struct thread *self;

    if (!op_scheduled())
        return;
    self = &running->threads[running->current];
    self->at = name;
    self->ready = ready;
    self->ready_arg = arg;
    turn(running);
    self->ready = NULL;
}

static void run_thread(void *arg)
{
    struct run *r = running;
    unsigned self = (unsigned)((struct thread *)arg - r->threads);

    r->s->threads[self].run(r->s->ctx);
    r->threads[self].ended = true;
    r->threads[self].at = "its end";
    turn(r);
    abort(); /* nobody chooses a thread that has ended */
}

static void run_check(void *arg)
{
    struct run *r = arg;

    r->s->check(r->s->ctx);
    leave(r, SCHEDULE_GOOD);
}

void schedule_fail(const char *file, int line, const char *fmt, ...)
{
    struct run *r = running;
    va_list ap;
    int n;

    invariant(r && r->current != RUN_NOBODY); /* in a thread or in `check` */
    n = snprintf(r->what, sizeof(r->what), "%s:%d: ", file, line);
    va_start(ap, fmt);
    if (n > 0 && (size_t)n < sizeof(r->what))
        vsnprintf(r->what + n, sizeof(r->what) - (size_t)n, fmt, ap);
    va_end(ap);
    leave(r, SCHEDULE_FAILED);
}

/* A broken invariant has been told on stderr: it ends the schedule instead of the process. Outside
 * of one it is as deadly as ever. */
static void invariant_broke(void)
{
    struct run *r = running;

    if (!r || r->current == RUN_NOBODY)
        return;
    snprintf(r->what, sizeof(r->what), "an invariant is broken (see above)");
    leave(r, SCHEDULE_FAILED);
}

static const struct step_ops ops = {
    .step = op_step,
    .spin = op_spin,
    .scheduled = op_scheduled,
    .wait = op_wait,
};

void run_begin(struct run *r)
{
    invariant(!running && r->s->n >= 1 && r->s->n <= SCHEDULE_THREADS);
    running = r;
    step_ops = &ops;
    r->saved_dump = invariant_dump;
    invariant_dump = invariant_broke;
    r->current = RUN_NOBODY;
}

void run_once(struct run *r)
{
    r->depth = 0;
    r->used = 0;
    r->what[0] = '\0';
    r->current = RUN_NOBODY;
    if (r->s->setup)
        r->s->setup(r->s->ctx);
    for (unsigned i = 0; i < r->s->n; i++) {
        struct thread *t = &r->threads[i];

        t->at = "its start";
        t->ended = false;
        t->after = 0;
        t->ready = NULL;
        coroutine_start(&t->co, run_thread, t);
    }
    r->current = decide(r);
    coroutine_switch(&r->main, &r->threads[r->current].co);
    if (r->end != SCHEDULE_GOOD || !r->s->check)
        return;
    coroutine_start(&r->check, run_check, r);
    r->current = RUN_CHECK;
    coroutine_switch(&r->main, &r->check);
}

void run_end(struct run *r)
{
    running = NULL;
    step_ops = NULL;
    invariant_dump = r->saved_dump;
    for (unsigned i = 0; i < SCHEDULE_THREADS; i++)
        coroutine_free(&r->threads[i].co);
    coroutine_free(&r->check);
    g_free(r->decisions);
}
