/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual clock: a binary heap of timers over host or hand-moved time; see clock.h. */
#include "base/clock.h"

#include "base/error.h"

#include <stdatomic.h>
#include <time.h>

struct vclock {
    bool manual;
    _Atomic int64_t manual_now; /* manual clocks: the time */
    _Atomic int64_t offset;     /* host clocks: added to CLOCK_MONOTONIC while running */
    _Atomic int64_t stopped_at; /* host clocks: the frozen time, or -1 while running */
    GPtrArray *heap;            /* struct timer *, the first to fire on top; device lock */
    uint64_t armed;             /* timers armed so far; device lock */
    void (*rearm)(void *opaque);
    void *rearm_opaque;
};

static int64_t host_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
}

static struct vclock *clock_new(bool manual)
{
    struct vclock *c = g_new0(struct vclock, 1);

    c->manual = manual;
    c->heap = g_ptr_array_new();
    atomic_store(&c->stopped_at, -1);
    if (!manual)
        atomic_store(&c->offset, -host_ns());
    return c;
}

struct vclock *clock_new_host(void)
{
    return clock_new(false);
}

struct vclock *clock_new_manual(void)
{
    return clock_new(true);
}

void clock_free(struct vclock *c)
{
    if (!c)
        return;
    g_ptr_array_free(c->heap, TRUE);
    g_free(c);
}

int64_t clock_now(struct vclock *c)
{
    int64_t frozen;

    if (c->manual)
        return atomic_load_explicit(&c->manual_now, memory_order_relaxed);
    frozen = atomic_load_explicit(&c->stopped_at, memory_order_relaxed);
    if (frozen >= 0)
        return frozen;
    return host_ns() + atomic_load_explicit(&c->offset, memory_order_relaxed);
}

void clock_stop(struct vclock *c)
{
    if (!c->manual && atomic_load(&c->stopped_at) < 0)
        atomic_store(&c->stopped_at, clock_now(c));
}

bool clock_stopped(const struct vclock *c)
{
    return atomic_load(&c->stopped_at) >= 0;
}

void clock_cont(struct vclock *c)
{
    int64_t frozen = atomic_load(&c->stopped_at);

    if (c->manual || frozen < 0)
        return;
    atomic_store(&c->offset, frozen - host_ns());
    atomic_store(&c->stopped_at, -1);
    if (c->rearm)
        c->rearm(c->rearm_opaque);
}

void clock_set_rearm_hook(struct vclock *c, void (*hook)(void *opaque), void *opaque)
{
    c->rearm = hook;
    c->rearm_opaque = opaque;
}

static struct timer *heap_at(struct vclock *c, unsigned k)
{
    return g_ptr_array_index(c->heap, k);
}

static void heap_put(struct vclock *c, unsigned k, struct timer *t)
{
    c->heap->pdata[k] = t;
    t->heap_index = (int)k;
}

static bool before(const struct timer *a, const struct timer *b)
{
    return a->deadline < b->deadline || (a->deadline == b->deadline && a->order < b->order);
}

static void sift_up(struct vclock *c, unsigned k)
{
    struct timer *t = heap_at(c, k);

    while (k > 0 && before(t, heap_at(c, (k - 1) / 2))) {
        heap_put(c, k, heap_at(c, (k - 1) / 2));
        k = (k - 1) / 2;
    }
    heap_put(c, k, t);
}

static void sift_down(struct vclock *c, unsigned k)
{
    struct timer *t = heap_at(c, k);

    for (;;) {
        unsigned child = 2 * k + 1;

        if (child >= c->heap->len)
            break;
        if (child + 1 < c->heap->len && before(heap_at(c, child + 1), heap_at(c, child)))
            child++;
        if (!before(heap_at(c, child), t))
            break;
        heap_put(c, k, heap_at(c, child));
        k = child;
    }
    heap_put(c, k, t);
}

void timer_init(struct timer *t, struct vclock *c, void (*fire)(void *opaque), void *opaque)
{
    *t = (struct timer){.clock = c, .fire = fire, .opaque = opaque, .heap_index = -1};
}

static void heap_remove(struct timer *t)
{
    struct vclock *c = t->clock;
    unsigned k = (unsigned)t->heap_index;
    struct timer *last = heap_at(c, c->heap->len - 1);

    g_ptr_array_set_size(c->heap, (int)c->heap->len - 1);
    t->heap_index = -1;
    if (last != t) {
        heap_put(c, k, last);
        sift_up(c, k);
        sift_down(c, (unsigned)last->heap_index);
    }
}

void timer_arm(struct timer *t, int64_t deadline)
{
    struct vclock *c = t->clock;

    if (timer_armed(t))
        heap_remove(t);
    t->deadline = deadline;
    t->order = c->armed++;
    g_ptr_array_add(c->heap, t);
    t->heap_index = (int)c->heap->len - 1;
    sift_up(c, c->heap->len - 1);
    if (t->heap_index == 0 && c->rearm)
        c->rearm(c->rearm_opaque);
}

void timer_cancel(struct timer *t)
{
    if (timer_armed(t))
        heap_remove(t);
}

int64_t clock_run_timers(struct vclock *c)
{
    while (c->heap->len && heap_at(c, 0)->deadline <= clock_now(c)) {
        struct timer *t = heap_at(c, 0);

        heap_remove(t);
        t->fire(t->opaque);
    }
    return c->heap->len ? heap_at(c, 0)->deadline : -1; /* not negative: it is after now */
}

int64_t clock_next(const struct vclock *c)
{
    return c->heap->len ? ((const struct timer *)g_ptr_array_index(c->heap, 0))->deadline : -1;
}

void clock_move_to(struct vclock *c, int64_t ns)
{
    invariant(c->manual);
    if (ns > atomic_load_explicit(&c->manual_now, memory_order_relaxed))
        atomic_store_explicit(&c->manual_now, ns, memory_order_relaxed);
}

void clock_advance_to(struct vclock *c, int64_t ns)
{
    invariant(c->manual);
    while (c->heap->len && heap_at(c, 0)->deadline <= ns) {
        struct timer *t = heap_at(c, 0);

        if (t->deadline > atomic_load(&c->manual_now))
            atomic_store(&c->manual_now, t->deadline);
        heap_remove(t);
        t->fire(t->opaque);
    }
    if (ns > atomic_load(&c->manual_now))
        atomic_store(&c->manual_now, ns);
}
