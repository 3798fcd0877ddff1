/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine behind block requests: a queue, a few worker threads that do what is in it, and the
 * way back to the devices; see block.h.
 *
 * A request goes from the queue to a worker and to the list of those that are done. The worker
 * takes it from there to tell its device, if it gets the device lock without waiting; else the main
 * thread, woken by an eventfd, does. Whoever drains takes it from there himself. A short read of
 * what the host has in memory is done at once by who submits it, since waking a worker takes longer
 * than the read; within a batch he also tells of it. With counted time there are no workers: the
 * request is done within block_submit, and waits for its timer.
 *
 * Locks: the device lock is held by all who submit, cancel, drain and tell. The engine's own lock,
 * taken within it, protects the queue, the list of what is done and the requests' states. Workers
 * never wait for the device lock, so whoever holds it may wait for them.
 */
#include "backends/block_impl.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/error.h"
#include "base/lock.h"

#define MAX_THREADS     64u
#define DEFAULT_THREADS 4u
#define NOW_BYTES       (64u << 10) /* a longer read is better done beside what the guest does */
#define TELL_AT_ONCE    64u         /* so that nobody is held up for ever by what others submit */

enum block_state {
    STATE_IDLE,
    STATE_QUEUED,
    STATE_RUNNING,
    STATE_DONE,
    STATE_KEPT,    /* failed; waits for the machine to go on */
    STATE_COUNTED, /* done; waits for its timer */
};

struct request_list {
    struct block_request *first, *last;
};

struct block_engine {
    struct block_engine_config cfg;
    unsigned under_way; /* device lock */

    struct lock lock; /* of all that follows */
    struct condition work, finished;
    struct request_list queue, done;
    struct request_list kept, counted; /* device lock suffices */
    unsigned batches; /* begun and not ended: whoever ends the last tells; the device lock, too */
    bool stop;
    bool waking; /* the main thread was woken, and has not looked yet */
    unsigned n_threads, n_idle, n_queued;
    GThread *thread[MAX_THREADS];

    int wake_fd;
    guint source;
};

/* ---- lists ---- */

static void append(struct request_list *l, struct block_request *req)
{
    req->next = NULL;
    if (l->last)
        l->last->next = req;
    else
        l->first = req;
    l->last = req;
}

static void unlink_request(struct request_list *l, const struct block_request *req)
{
    struct block_request *prev = NULL, *r;

    for (r = l->first; r && r != req; r = r->next)
        prev = r;
    invariant(r);
    if (prev)
        prev->next = r->next;
    else
        l->first = r->next;
    if (l->last == r)
        l->last = prev;
}

/* Takes out the first one of image b, of any when b is NULL. */
static struct block_request *take(struct request_list *l, const struct block *b)
{
    struct block_request *r;

    for (r = l->first; r && b && r->block != b; r = r->next)
        ;
    if (r)
        unlink_request(l, r);
    return r;
}

/* ---- what is done; the engine's lock is held ---- */

static void wake_main(struct block_engine *e)
{
    const uint64_t one = 1;

    if (e->waking)
        return;
    e->waking = true;
    invariant(write(e->wake_fd, &one, sizeof(one)) == sizeof(one) || errno == EAGAIN);
}

/* Somebody is to tell of it. */
static void finished(struct block_engine *e, struct block_request *req)
{
    req->state = STATE_DONE;
    append(&e->done, req);
    condition_broadcast(&e->finished);
}

/* ---- telling; the device lock is held ---- */

static enum block_error_policy policy_of(const struct block *b, enum block_op op, int err)
{
    enum block_error_policy p = op == BLOCK_READ ? b->on_read_error : b->on_write_error;

    if (p == BLOCK_ERROR_STOP_IF_FULL)
        return err == -ENOSPC ? BLOCK_ERROR_STOP : BLOCK_ERROR_REPORT;
    return p;
}

static void count(struct block *b, const struct block_request *req)
{
    switch (req->op) {
    case BLOCK_READ:
        b->stats.reads++;
        b->stats.read_bytes += req->len;
        break;
    case BLOCK_WRITE:
    case BLOCK_WRITE_ZEROES:
        b->stats.writes++;
        b->stats.write_bytes += req->len;
        break;
    case BLOCK_FLUSH: b->stats.flushes++; break;
    case BLOCK_DISCARD: b->stats.discards++; break;
    }
}

/* What the device hears of a failure; true when it hears nothing yet. */
static bool keep_failed(struct block_engine *e, struct block_request *req, int *err)
{
    struct block *b = req->block;
    const struct block_error tell = {
        .block = b,
        .op = req->op,
        .off = req->off,
        .err = *err,
        .policy = policy_of(b, req->op, *err),
    };

    if (req->op == BLOCK_READ)
        b->stats.read_errors++;
    else
        b->stats.write_errors++;
    if (e->cfg.error)
        e->cfg.error(e->cfg.opaque, &tell);
    if (tell.policy == BLOCK_ERROR_IGNORE)
        *err = 0;
    if (tell.policy != BLOCK_ERROR_STOP)
        return false;
    req->state = STATE_KEPT;
    append(&e->kept, req);
    return true;
}

/* req is in no list any more. */
static void tell(struct block_engine *e, struct block_request *req)
{
    struct block *b = req->block;
    int err = req->err;

    b->under_way--;
    e->under_way--;
    if (!err)
        count(b, req);
    else if (!block_check(b, req) && keep_failed(e, req, &err))
        return;
    req->state = STATE_IDLE;
    req->engine = NULL;
    req->done(req, err);
}

/* Tells of one that is done, waiting for it, of image b or of any. There is one under way. */
static void tell_next(struct block_engine *e, const struct block *b)
{
    struct block_request *req;

    if (e->cfg.counted) {
        req = take(&e->counted, b);
        timer_cancel(&req->timer);
    } else {
        lock_take(&e->lock);
        while (!(req = take(&e->done, b)))
            condition_wait(&e->finished, &e->lock);
        lock_drop(&e->lock);
    }
    tell(e, req);
}

static void lock_devices(struct block_engine *e)
{
    if (e->cfg.lock)
        lock_take(e->cfg.lock);
}

static void unlock_devices(struct block_engine *e)
{
    if (e->cfg.lock)
        lock_drop(e->cfg.lock);
}

/* Tells of some that are done and did not fail; the rest is the main thread's, as an error may stop
 * the machine. Device lock held. */
static void tell_some(struct block_engine *e)
{
    struct block_request *req = NULL;

    for (unsigned n = 0;; n++) {
        lock_take(&e->lock);
        req = e->done.first;
        if (req && (n == TELL_AT_ONCE || req->err)) {
            wake_main(e);
            req = NULL;
        }
        if (req)
            unlink_request(&e->done, req);
        lock_drop(&e->lock);
        if (!req)
            return;
        tell(e, req);
    }
}

/* On the main thread. */
static gboolean woken(gint fd, GIOCondition condition, gpointer opaque)
{
    struct block_engine *e = opaque;
    struct block_request *req;
    uint64_t times;

    (void)condition;
    if (read(fd, &times, sizeof(times)) < 0)
        return G_SOURCE_CONTINUE;
    lock_devices(e);
    do {
        lock_take(&e->lock);
        req = take(&e->done, NULL);
        e->waking = req; /* while it is at it, nobody need wake it */
        lock_drop(&e->lock);
        if (req)
            tell(e, req);
    } while (req);
    unlock_devices(e);
    return G_SOURCE_CONTINUE;
}

/* ---- workers ---- */

/* Somebody who has put what he did on the list sees to it that it is told; no lock is held. */
void block_engine_pass_on(struct block_engine *e)
{
    bool batch;

    lock_take(&e->lock);
    batch = e->batches;
    lock_drop(&e->lock);
    if (batch)
        return;
    if (e->cfg.lock && lock_try(e->cfg.lock)) {
        tell_some(e);
        lock_drop(e->cfg.lock);
        return;
    }
    lock_take(&e->lock);
    if (e->done.first) /* whoever has the lock may have told of it meanwhile */
        wake_main(e);
    lock_drop(&e->lock);
}

void block_engine_ended(struct block_request *req, int err)
{
    struct block_engine *e = req->engine;

    lock_take(&e->lock);
    req->err = err;
    finished(e, req);
    lock_drop(&e->lock);
}

/* The engine's lock is held, but not while the request is done. */
static void work_on(struct block_engine *e, struct block_request *req)
{
    e->n_queued--;
    req->state = STATE_RUNNING;
    lock_drop(&e->lock);
    block_engine_ended(req, block_perform(req->block, req));
    block_engine_pass_on(e);
    lock_take(&e->lock);
}

static gpointer worker(gpointer opaque)
{
    struct block_engine *e = opaque;

    lock_take(&e->lock);
    while (!e->stop) {
        struct block_request *req = take(&e->queue, NULL);

        if (req) {
            work_on(e, req);
            continue;
        }
        e->n_idle++;
        condition_wait(&e->work, &e->lock);
        e->n_idle--;
    }
    lock_drop(&e->lock);
    return NULL;
}

static void enqueue(struct block_engine *e, struct block_request *req)
{
    lock_take(&e->lock);
    req->state = STATE_QUEUED;
    append(&e->queue, req);
    e->n_queued++;
    if (e->n_queued > e->n_idle && e->n_threads < e->cfg.threads)
        e->thread[e->n_threads++] = g_thread_new("disk", worker, e);
    condition_signal(&e->work);
    lock_drop(&e->lock);
}

/* True when the image has begun it by itself. */
static bool begun(struct block_engine *e, struct block_request *req)
{
    struct block *b = req->block;
    bool simple = req->op == BLOCK_READ ||
                  (req->op == BLOCK_WRITE && !(req->flags & BLOCK_FUA) && !b->writethrough);

    if (!simple || !b->ops->begin || !req->buf || !req->len || block_check(b, req))
        return false;
    lock_take(&e->lock);
    req->state = STATE_RUNNING;
    lock_drop(&e->lock);
    return b->ops->begin(b, req);
}

/* True when that was a short read of what the host has in memory. */
static bool done_now(struct block_engine *e, struct block_request *req)
{
    if (req->len > NOW_BYTES || !block_perform_now(req->block, req))
        return false;
    req->err = 0;
    lock_take(&e->lock);
    finished(e, req);
    if (!e->batches)
        wake_main(e);
    lock_drop(&e->lock);
    return true;
}

/* ---- counted time ---- */

/* When the guest hears of it: about what a good disk takes, and the same each time. */
static int64_t duration(const struct block_request *req)
{
    int64_t ns = 20000;

    if (req->op == BLOCK_READ || req->op == BLOCK_WRITE)
        ns += (int64_t)req->len; /* a byte a nanosecond */
    if (req->op == BLOCK_FLUSH || (req->flags & BLOCK_FUA))
        ns += 80000;
    return ns;
}

static void due(void *opaque)
{
    struct block_request *req = opaque;
    struct block_engine *e = req->block->engine;

    unlink_request(&e->counted, req);
    tell(e, req);
}

static void perform_counted(struct block_engine *e, struct block_request *req)
{
    req->err = block_perform(req->block, req);
    req->state = STATE_COUNTED;
    append(&e->counted, req);
    timer_init(&req->timer, e->cfg.clock, due, req);
    timer_arm(&req->timer, clock_now(e->cfg.clock) + duration(req));
}

/* ---- for devices ---- */

static void start(struct block_engine *e, struct block_request *req)
{
    req->block->under_way++;
    e->under_way++;
    if (e->cfg.counted)
        perform_counted(e, req);
    else if (!done_now(e, req) && !begun(e, req))
        enqueue(e, req);
}

void block_submit(struct block *b, struct block_request *req)
{
    invariant(b->engine);
    invariant(!req->state); /* nobody else knows of it yet */
    req->block = b;
    req->engine = b->engine;
    start(b->engine, req);
}

struct block_engine *block_batch_begin(struct block *b)
{
    struct block_engine *e = b ? b->engine : NULL;

    if (e) {
        lock_take(&e->lock);
        e->batches++;
        lock_drop(&e->lock);
    }
    return e;
}

void block_batch_end(struct block_engine *e)
{
    if (!e)
        return;
    /* what `done` submits still belongs to the batch */
    if (e->batches == 1)
        tell_some(e);
    lock_take(&e->lock);
    e->batches--;
    if (!e->batches && e->done.first)
        wake_main(e);
    lock_drop(&e->lock);
}

bool block_busy(const struct block_request *req)
{
    struct block_engine *e = req->engine;
    bool busy;

    if (!e)
        return false;
    lock_take(&e->lock);
    busy = req->state != STATE_IDLE;
    lock_drop(&e->lock);
    return busy;
}

void block_cancel(struct block_request *req)
{
    struct block_engine *e = req->engine;
    bool kept;

    if (!e)
        return;
    lock_take(&e->lock);
    while (req->state == STATE_RUNNING)
        condition_wait(&e->finished, &e->lock);
    kept = req->state == STATE_KEPT;
    switch (req->state) {
    case STATE_IDLE: lock_drop(&e->lock); return;
    case STATE_QUEUED:
        unlink_request(&e->queue, req);
        e->n_queued--;
        break;
    case STATE_DONE: unlink_request(&e->done, req); break;
    case STATE_KEPT: unlink_request(&e->kept, req); break;
    case STATE_COUNTED:
        unlink_request(&e->counted, req);
        timer_cancel(&req->timer);
        break;
    }
    req->state = STATE_IDLE;
    req->engine = NULL;
    lock_drop(&e->lock);
    if (!kept) {
        req->block->under_way--;
        e->under_way--;
    }
}

void block_drain(struct block *b)
{
    while (b->under_way)
        tell_next(b->engine, b);
}

/* ---- the engine ---- */

struct block_engine *block_engine_new(const struct block_engine_config *cfg)
{
    struct block_engine *e = g_new0(struct block_engine, 1);

    e->cfg = *cfg;
    e->cfg.threads = CLAMP(cfg->threads ? cfg->threads : DEFAULT_THREADS, 1, MAX_THREADS);
    lock_init(&e->lock);
    condition_init(&e->work);
    condition_init(&e->finished);
    e->wake_fd = -1;
    if (cfg->counted)
        return e;
    e->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    invariant(e->wake_fd >= 0);
    e->source = g_unix_fd_add_full(G_PRIORITY_HIGH, e->wake_fd, G_IO_IN, woken, e, NULL);
    return e;
}

void block_engine_free(struct block_engine *e)
{
    if (!e)
        return;
    invariant(!e->under_way && !e->kept.first);
    lock_take(&e->lock);
    e->stop = true;
    condition_broadcast(&e->work);
    lock_drop(&e->lock);
    for (unsigned k = 0; k < e->n_threads; k++)
        g_thread_join(e->thread[k]);
    if (e->source)
        g_source_remove(e->source);
    if (e->wake_fd >= 0)
        close(e->wake_fd);
    condition_clear(&e->work);
    condition_clear(&e->finished);
    lock_clear(&e->lock);
    g_free(e);
}

void block_attach(struct block *b, struct block_engine *e)
{
    invariant(!b->engine);
    b->engine = e;
}

void block_detach(struct block *b)
{
    struct block_engine *e = b->engine;
    struct block_request *req;

    if (!e)
        return;
    block_drain(b);
    while ((req = take(&e->kept, b))) {
        req->state = STATE_IDLE;
        req->engine = NULL;
        req->done(req, req->err);
        block_drain(b);
    }
    b->engine = NULL;
}

void block_engine_drain(struct block_engine *e)
{
    while (e->under_way)
        tell_next(e, NULL);
}

void block_engine_pause(struct block_engine *e)
{
    if (!e->cfg.counted)
        block_engine_drain(e);
}

void block_engine_retry(struct block_engine *e)
{
    struct request_list again = e->kept;
    struct block_request *req;

    e->kept = (struct request_list){NULL, NULL};
    while ((req = take(&again, NULL)))
        start(e, req);
}
