/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block requests: told once, in the right place and not too early; errors and what becomes of them;
 * draining and taking back what is under way; flushes; counted time.
 */
#include "tests/unit/unit.h"

#include <errno.h>

#include "base/bits.h"
#include "tests/unit/slow_block.h"

enum { SIZE = 1 << 20, MANY = 64 };

static struct lock devices;
static struct block_engine *engine;
static struct vclock *vclock;
static struct slow_block *slow;
static GThread *main_thread;

/* A request with what a test wants to know of it. */
struct job {
    struct block_request req;
    uint8_t data[4096];
    unsigned told;
    int err;
    bool ours;      /* is to be told by the main thread */
    unsigned again; /* submits itself so often */
};

static struct block_error last_error;
static unsigned errors;

static void on_error(void *opaque, const struct block_error *e)
{
    assert_ptr_equal(opaque, &errors);
    assert_false(lock_try(&devices));
    assert_ptr_equal(g_thread_self(), main_thread);
    last_error = *e;
    errors++;
}

static void told(struct block_request *req, int err)
{
    struct job *j = container_of(req, struct job, req);

    assert_false(lock_try(&devices)); /* it is held */
    assert_true(!j->ours || g_thread_self() == main_thread);
    assert_false(block_busy(req));
    j->told++;
    j->err = err;
    if (j->again) {
        j->again--;
        block_submit(req->block, req);
    }
}

static void set_up(bool counted, unsigned threads)
{
    const struct block_engine_config cfg = {.lock = &devices,
                                            .counted = counted,
                                            .clock = vclock = clock_new_manual(),
                                            .error = on_error,
                                            .opaque = &errors,
                                            .threads = threads};

    lock_init(&devices);
    main_thread = g_thread_self();
    errors = 0;
    engine = block_engine_new(&cfg);
    slow = slow_block_new(SIZE);
    lock_take(&devices);
    block_attach(&slow->block, engine);
    lock_drop(&devices);
}

static int setup(void **state)
{
    (void)state;
    set_up(false, 4);
    return 0;
}

static int setup_one(void **state)
{
    (void)state;
    set_up(false, 1);
    return 0;
}

static int setup_counted(void **state)
{
    (void)state;
    set_up(true, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    lock_take(&devices);
    if (slow)
        block_free(&slow->block);
    slow = NULL;
    lock_drop(&devices);
    block_engine_free(engine);
    clock_free(vclock);
    lock_clear(&devices);
    return 0;
}

static struct job *job_new(enum block_op op, uint64_t off, uint64_t len)
{
    struct job *j = g_new0(struct job, 1);

    j->req = (struct block_request){
        .op = op, .off = off, .len = len, .buf = j->data, .done = told, .opaque = j};
    return j;
}

static void submit(struct job *j)
{
    unsigned was = j->told;

    lock_take(&devices);
    block_submit(&slow->block, &j->req);
    assert_int_equal(j->told, was); /* never before it returns */
    assert_true(block_busy(&j->req));
    lock_drop(&devices);
}

static unsigned told_so_far(const struct job *j)
{
    unsigned n;

    lock_take(&devices);
    n = j->told;
    lock_drop(&devices);
    return n;
}

/* The main loop until the job was told, by it or by a worker. */
static void await(struct job *j)
{
    while (!told_so_far(j)) {
        if (!g_main_context_iteration(NULL, FALSE))
            g_usleep(50);
    }
}

static void drain(void)
{
    lock_take(&devices);
    block_drain(&slow->block);
    lock_drop(&devices);
}

static void cancel(struct job *j)
{
    lock_take(&devices);
    block_cancel(&j->req);
    assert_false(block_busy(&j->req));
    lock_drop(&devices);
}

static void test_round_trip(void **state)
{
    struct job *w = job_new(BLOCK_WRITE, 5000, 4096), *r = job_new(BLOCK_READ, 4990, 20);
    struct block_stats s;

    (void)state;
    memset(w->data, 'w', 4096);
    submit(w);
    await(w);
    assert_int_equal(w->err, 0);
    submit(r);
    await(r);
    assert_memory_equal(r->data, "\0\0\0\0\0\0\0\0\0\0wwwwwwwwww", 20);
    assert_int_equal(w->told + r->told, 2);
    s = block_stats(&slow->block);
    assert_int_equal(s.reads, 1);
    assert_int_equal(s.read_bytes, 20);
    assert_int_equal(s.writes, 1);
    assert_int_equal(s.write_bytes, 4096);
    g_free(w);
    g_free(r);
}

static void test_several_buffers(void **state)
{
    struct job *w = job_new(BLOCK_WRITE, 7, 10), *r = job_new(BLOCK_READ, 7, 10);
    char a[] = "abc", b[] = "defghij", c[5], d[5];
    const struct iovec out[] = {{a, 3}, {b, 7}}, in[] = {{c, 4}, {NULL, 0}, {d, 5}, {c + 4, 1}};

    (void)state;
    w->req.buf = r->req.buf = NULL;
    w->req.iov = out;
    w->req.n_iov = 2;
    r->req.iov = in;
    r->req.n_iov = 4;
    submit(w);
    await(w);
    submit(r);
    await(r);
    assert_memory_equal(c, "abcdj", 5);
    assert_memory_equal(d, "efghi", 5);
    g_free(w);
    g_free(r);
}

/* The guest's own mistakes are not errors of the host. */
static void test_bad_requests(void **state)
{
    struct job *past = job_new(BLOCK_READ, SIZE - 10, 11),
               *far = job_new(BLOCK_WRITE, UINT64_MAX, 2);
    struct job *flush = job_new(BLOCK_FLUSH, 0, 0), *late = job_new(BLOCK_WRITE, 0, 1);

    (void)state;
    block_set_error_policy(&slow->block, BLOCK_ERROR_STOP, BLOCK_ERROR_STOP);
    submit(past);
    submit(far);
    submit(flush);
    await(past);
    await(far);
    await(flush);
    assert_int_equal(past->err, -EIO);
    assert_int_equal(far->err, -EIO);
    assert_int_equal(flush->err, 0);
    slow->block.readonly = true;
    submit(late);
    await(late);
    assert_int_equal(late->err, -EROFS);
    assert_int_equal(errors, 0);
    assert_int_equal(block_stats(&slow->block).read_errors, 0);
    g_free(past);
    g_free(far);
    g_free(flush);
    g_free(late);
}

static void test_report_and_ignore(void **state)
{
    struct job *j = job_new(BLOCK_READ, 512, 512);

    (void)state;
    slow_block_fail(slow, -EIO, 1);
    submit(j);
    await(j);
    assert_int_equal(j->err, -EIO);
    assert_int_equal(errors, 1);
    assert_int_equal(last_error.policy, BLOCK_ERROR_REPORT);
    assert_int_equal(last_error.off, 512);
    assert_int_equal(last_error.op, BLOCK_READ);
    block_set_error_policy(&slow->block, BLOCK_ERROR_IGNORE, BLOCK_ERROR_STOP_IF_FULL);
    slow_block_fail(slow, -EIO, 2);
    j->told = 0;
    submit(j);
    await(j);
    assert_int_equal(j->err, 0);
    assert_int_equal(last_error.policy, BLOCK_ERROR_IGNORE);
    j->told = 0;
    j->req.op = BLOCK_WRITE;
    submit(j);
    await(j);
    assert_int_equal(j->err, -EIO); /* the disk is not full */
    assert_int_equal(errors, 3);
    assert_int_equal(block_stats(&slow->block).read_errors, 2);
    assert_int_equal(block_stats(&slow->block).write_errors, 1);
    g_free(j);
}

static void await_errors(unsigned n)
{
    while (errors < n)
        g_main_context_iteration(NULL, TRUE);
}

static void test_stop_and_retry(void **state)
{
    struct job *j = job_new(BLOCK_WRITE, 512, 512);

    (void)state;
    block_set_error_policy(&slow->block, BLOCK_ERROR_STOP, BLOCK_ERROR_STOP_IF_FULL);
    slow_block_fail(slow, -ENOSPC, 2);
    memset(j->data, 'k', 512);
    submit(j);
    await_errors(1);
    assert_int_equal(last_error.policy, BLOCK_ERROR_STOP);
    drain(); /* does not wait for it */
    assert_int_equal(j->told, 0);
    lock_take(&devices);
    block_engine_retry(engine); /* still full */
    lock_drop(&devices);
    await_errors(2);
    assert_int_equal(j->told, 0);
    lock_take(&devices);
    block_engine_retry(engine);
    lock_drop(&devices);
    await(j);
    assert_int_equal(j->err, 0);
    assert_int_equal(slow->data[1000], 'k');
    /* one that is kept can be taken back; and the end gives it up */
    slow_block_fail(slow, -EIO, 2);
    j->told = 0;
    j->req.op = BLOCK_READ;
    submit(j);
    await_errors(3);
    cancel(j);
    submit(j);
    await_errors(4);
    lock_take(&devices);
    block_detach(&slow->block);
    lock_drop(&devices);
    assert_int_equal(j->told, 1);
    assert_int_equal(j->err, -EIO);
    g_free(j);
}

static void test_drain(void **state)
{
    struct job *j[8];

    (void)state;
    slow_block_close(slow);
    for (unsigned k = 0; k < 8; k++) {
        j[k] = job_new(k % 2 ? BLOCK_WRITE : BLOCK_READ, k * 512, 512);
        j[k]->again = k;
        submit(j[k]);
    }
    slow_block_await(slow, 4);
    slow_block_open(slow);
    drain();
    for (unsigned k = 0; k < 8; k++) {
        assert_int_equal(j[k]->told, k + 1);
        assert_false(block_busy(&j[k]->req));
        g_free(j[k]);
    }
    /* the eventfd may still be ready: nothing is told twice, nor to what is freed */
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

static gpointer drain_elsewhere(gpointer opaque)
{
    (void)opaque;
    lock_take(&devices);
    block_engine_pause(engine);
    lock_drop(&devices);
    return NULL;
}

/* A vCPU's thread pauses the machine: it tells the devices itself. */
static void test_drain_elsewhere(void **state)
{
    struct job *j = job_new(BLOCK_READ, 0, 512);
    GThread *t;

    (void)state;
    slow_block_close(slow);
    submit(j);
    slow_block_await(slow, 1);
    t = g_thread_new("pause", drain_elsewhere, NULL);
    slow_block_open(slow);
    g_thread_join(t);
    assert_int_equal(j->told, 1);
    g_free(j);
}

static void await_first_read(void)
{
    bool read;

    do {
        g_thread_yield();
        lock_take(&slow->lock);
        read = slow->reads;
        lock_drop(&slow->lock);
    } while (!read);
}

/* With one worker: one is running, one waits, one is done and not told, as it failed. */
static void test_cancel(void **state)
{
    struct job *done = job_new(BLOCK_READ, 0, 512), *runs = job_new(BLOCK_WRITE, 0, 512);
    struct job *waits = job_new(BLOCK_WRITE, 512, 512), *last = job_new(BLOCK_READ, 512, 512);

    (void)state;
    memset(runs->data, 'r', 512);
    memset(waits->data, 'q', 512);
    slow_block_fail(slow, -EIO, 1);
    submit(done);
    await_first_read();
    slow_block_close(slow);
    submit(runs);
    slow_block_await(slow, 1);
    submit(waits);
    submit(last);
    cancel(waits);
    cancel(done);
    lock_take(&devices);
    slow_block_open(slow);
    block_cancel(&runs->req); /* waits for its end, which nobody else can tell of now */
    lock_drop(&devices);
    await(last);
    cancel(last); /* nothing to take back */
    assert_int_equal(done->told + runs->told + waits->told, 0);
    assert_int_equal(errors, 0);
    assert_int_equal(slow->data[0], 'r');
    assert_int_equal(last->data[0], 0); /* the one that waited was never done */
    /* and all can be used again */
    submit(waits);
    await(waits);
    assert_int_equal(slow->data[512], 'q');
    g_free(done);
    g_free(runs);
    g_free(waits);
    g_free(last);
}

/* Nobody looks after the main loop: the worker tells, if it gets the device lock. */
static void test_worker_tells(void **state)
{
    struct job *j = job_new(BLOCK_WRITE, 0, 512);

    (void)state;
    submit(j);
    while (!told_so_far(j))
        g_usleep(50);
    assert_false(g_main_context_pending(NULL));
    g_free(j);
}

/* It never waits for the lock: whoever has it may be waiting for the worker. */
static void test_worker_leaves_it(void **state)
{
    struct job *j = job_new(BLOCK_READ, 0, 512);

    (void)state;
    j->ours = true;
    lock_take(&devices);
    block_submit(&slow->block, &j->req);
    while (!g_main_context_pending(NULL))
        g_usleep(50);
    assert_int_equal(j->told, 0);
    lock_drop(&devices);
    await(j);
    g_free(j);
}

/* An error is the main thread's, whoever tells of what goes well beside it. */
static void test_errors_are_ours(void **state)
{
    struct job *bad = job_new(BLOCK_READ, 0, 512), *good = job_new(BLOCK_READ, 512, 512);

    (void)state;
    bad->ours = true;
    slow_block_fail(slow, -EIO, 1);
    submit(bad);
    await_first_read();
    submit(good);
    await(bad);
    await(good);
    assert_int_equal(bad->err, -EIO);
    assert_int_equal(good->err, 0);
    g_free(bad);
    g_free(good);
}

/* ---- what the host has in memory ---- */

static void set_in_memory(bool on)
{
    lock_take(&slow->lock);
    slow->in_memory = on;
    lock_drop(&slow->lock);
}

/* Without a batch: read at once, and told by the main loop. Long reads, writes, and what is not in
 * memory are a worker's, which stands at the gate. */
static void test_read_now(void **state)
{
    struct job *j = job_new(BLOCK_READ, 512, 512), *w = job_new(BLOCK_WRITE, 0, 512);
    struct job *cold = job_new(BLOCK_READ, 0, 512), *big = job_new(BLOCK_READ, 0, 1 << 17);
    struct job *past = job_new(BLOCK_READ, SIZE - 10, 11);

    (void)state;
    slow_block_close(slow);
    set_in_memory(true);
    memset(slow->data, 'n', 2048);
    j->ours = true;
    submit(j);
    assert_int_equal(j->data[511], 'n');
    await(j);
    assert_int_equal(j->err, 0);
    assert_int_equal(block_stats(&slow->block).read_bytes, 512);
    submit(past);
    await(past);
    assert_int_equal(past->err, -EIO);
    big->req.buf = g_malloc(1 << 17);
    submit(big);
    submit(w);
    set_in_memory(false);
    submit(cold);
    slow_block_await(slow, 3);
    j->told = 0;
    submit(j);
    cancel(j);
    slow_block_open(slow);
    await(big);
    await(w);
    await(cold);
    assert_int_equal(j->told, 0);
    g_free(big->req.buf);
    g_free(j);
    g_free(w);
    g_free(cold);
    g_free(big);
    g_free(past);
}

/* In a batch: told by who ends the outermost one, and what that submits with it; not without end.
 */
static void test_batch(void **state)
{
    struct job *a = job_new(BLOCK_READ, 0, 512), *b = job_new(BLOCK_READ, 512, 512);
    struct block_engine *outer, *inner;

    (void)state;
    set_in_memory(true);
    a->again = 3;
    b->again = 1000;
    b->ours = true;
    lock_take(&devices);
    assert_null(block_batch_begin(NULL));
    block_batch_end(NULL);
    outer = block_batch_begin(&slow->block);
    inner = block_batch_begin(&slow->block);
    assert_ptr_equal(outer, engine);
    block_submit(&slow->block, &a->req);
    block_batch_end(inner);
    assert_int_equal(a->told, 0);
    block_batch_end(outer);
    assert_int_equal(a->told, 4);
    lock_drop(&devices);
    assert_false(g_main_context_pending(NULL));
    lock_take(&devices);
    outer = block_batch_begin(&slow->block);
    block_submit(&slow->block, &b->req);
    block_batch_end(outer);
    assert_in_range(b->told, 1, 200);
    lock_drop(&devices);
    while (told_so_far(b) < 1001)
        g_main_context_iteration(NULL, TRUE);
    g_free(a);
    g_free(b);
}

/* What a worker does meanwhile is told by who ends the batch, too, or after it. */
static void test_batch_and_workers(void **state)
{
    struct job *w[MANY];

    (void)state;
    for (unsigned round = 0; round < 50; round++) {
        struct block_engine *batch;

        lock_take(&devices);
        batch = block_batch_begin(&slow->block);
        for (unsigned k = 0; k < MANY; k++) {
            w[k] = job_new(k % 2 ? BLOCK_WRITE : BLOCK_READ, k * 512, 512);
            block_submit(&slow->block, &w[k]->req);
        }
        block_batch_end(batch);
        lock_drop(&devices);
        for (unsigned k = 0; k < MANY; k++) {
            await(w[k]);
            g_free(w[k]);
        }
    }
}

static void test_free_under_way(void **state)
{
    struct job *a = job_new(BLOCK_WRITE, 0, 512), *b = job_new(BLOCK_FLUSH, 0, 0);

    (void)state;
    submit(a);
    submit(b);
    lock_take(&devices);
    block_free(&slow->block);
    lock_drop(&devices);
    slow = NULL;
    assert_int_equal(a->told, 1);
    assert_int_equal(b->told, 1);
    g_free(a);
    g_free(b);
}

/* A flush begins after each write that was told before it was submitted has returned. */
static void test_flush_covers(void **state)
{
    struct job *w[MANY], *f = job_new(BLOCK_FLUSH, 0, 0);

    (void)state;
    for (unsigned round = 1; round <= 20; round++) {
        for (unsigned k = 0; k < MANY; k++)
            submit(w[k] = job_new(BLOCK_WRITE, k * 512, 512));
        for (unsigned k = 0; k < MANY; k++)
            await(w[k]);
        f->told = 0;
        submit(f);
        await(f);
        assert_int_equal(slow->flushed_writes, round * MANY);
        assert_int_equal(slow->flushes, round);
        assert_int_equal(block_stats(&slow->block).syncs, round);
        for (unsigned k = 0; k < MANY; k++)
            g_free(w[k]);
    }
    g_free(f);
}

/* What is told to be durable was flushed before, and not only then. */
static void test_durable_writes(void **state)
{
    struct job *j = job_new(BLOCK_WRITE, 0, 512);

    (void)state;
    submit(j);
    await(j);
    assert_int_equal(slow->flushes, 0);
    assert_true(block_write_cache(&slow->block));
    j->told = 0;
    j->req.flags = BLOCK_FUA;
    submit(j);
    await(j);
    assert_int_equal(slow->flushes, 1);
    j->told = 0;
    j->req.flags = 0;
    slow->block.writethrough = true;
    assert_false(block_write_cache(&slow->block));
    submit(j);
    await(j);
    assert_int_equal(slow->flushes, 2);
    j->told = 0;
    j->req.op = BLOCK_WRITE_ZEROES;
    submit(j);
    await(j);
    assert_int_equal(slow->flushes, 3);
    assert_int_equal(slow->flushed_writes, slow->writes);
    /* a flush that fails is a write that failed */
    j->told = 0;
    slow_block_close(slow);
    submit(j);
    slow_block_await(slow, 1);
    slow_block_fail(slow, -EIO, 1);
    slow_block_open(slow);
    await(j);
    assert_int_equal(j->err, -EIO);
    slow->block.unsafe = true;
    j->told = 0;
    submit(j);
    await(j);
    assert_int_equal(slow->flushes, 3);
    g_free(j);
}

static void test_zeroes_and_discard(void **state)
{
    struct job *j = job_new(BLOCK_WRITE_ZEROES, 100, 200000);
    struct block_limits l = block_limits(&slow->block);

    (void)state;
    assert_true(l.write_zeroes);
    assert_false(l.discard);
    memset(slow->data, 'x', SIZE);
    submit(j);
    await(j);
    for (unsigned k = 100; k < 200100; k++)
        assert_int_equal(slow->data[k], 0);
    assert_int_equal(slow->data[99], 'x');
    assert_int_equal(slow->data[200100], 'x');
    j->told = 0;
    j->req.op = BLOCK_DISCARD;
    submit(j);
    await(j);
    assert_int_equal(j->err, 0); /* a hint */
    g_free(j);
}

/* Two threads submit, drain and cancel, while the main loop tells. */
static gpointer churn(gpointer opaque)
{
    GRand *rand = g_rand_new_with_seed(GPOINTER_TO_UINT(opaque));
    struct job *j[MANY];

    for (unsigned k = 0; k < MANY; k++) {
        j[k] = job_new(k % 5 ? BLOCK_WRITE : BLOCK_READ, k * 4096, 4096);
    }
    for (unsigned n = 0; n < 4000; n++) {
        struct job *one = j[g_rand_int_range(rand, 0, MANY)];

        lock_take(&devices);
        if (!block_busy(&one->req))
            block_submit(&slow->block, &one->req);
        else if (n % 3 == 0)
            block_cancel(&one->req);
        else if (n % 500 == 1)
            block_drain(&slow->block);
        lock_drop(&devices);
    }
    lock_take(&devices);
    block_engine_drain(engine);
    for (unsigned k = 0; k < MANY; k++)
        assert_false(block_busy(&j[k]->req));
    lock_drop(&devices);
    for (unsigned k = 0; k < MANY; k++)
        g_free(j[k]);
    g_rand_free(rand);
    return NULL;
}

static gpointer churn_both(gpointer opaque)
{
    GThread *a = g_thread_new("a", churn, GUINT_TO_POINTER(1));
    GThread *b = g_thread_new("b", churn, GUINT_TO_POINTER(2));

    g_thread_join(a);
    g_thread_join(b);
    __atomic_store_n((bool *)opaque, true, __ATOMIC_SEQ_CST);
    g_main_context_wakeup(NULL);
    return NULL;
}

static void test_churn(void **state)
{
    bool over = false;
    GThread *t = g_thread_new("both", churn_both, &over);

    (void)state;
    while (!__atomic_load_n(&over, __ATOMIC_SEQ_CST))
        g_main_context_iteration(NULL, TRUE);
    g_thread_join(t);
}

/* ---- counted time ---- */

static void advance(int64_t ns)
{
    lock_take(&devices);
    clock_advance_to(vclock, clock_now(vclock) + ns);
    lock_drop(&devices);
}

static void test_counted(void **state)
{
    struct job *w = job_new(BLOCK_WRITE, 0, 512), *r = job_new(BLOCK_READ, 0, 4096);
    struct job *f = job_new(BLOCK_FLUSH, 0, 0);

    (void)state;
    w->data[0] = 1;
    submit(w);
    submit(r);
    submit(f);
    assert_int_equal(slow->data[0], 1); /* done already, and not told */
    advance(20511);
    assert_int_equal(w->told, 0);
    advance(1);
    assert_int_equal(w->told, 1);
    assert_int_equal(r->told, 0);
    advance(24096 - 20512);
    assert_int_equal(r->told, 1);
    assert_int_equal(r->data[0], 1);
    assert_int_equal(f->told, 0);
    lock_take(&devices);
    block_engine_pause(engine); /* time stands still, and so does it */
    lock_drop(&devices);
    assert_int_equal(f->told, 0);
    drain();
    assert_int_equal(f->told, 1);
    submit(f);
    cancel(f);
    f->again = 1;
    submit(f);
    advance(1000000);
    assert_int_equal(f->told, 3);
    assert_int_equal(slow->flushes, 4);
    g_free(w);
    g_free(r);
    g_free(f);
}

static void test_counted_errors(void **state)
{
    struct job *j = job_new(BLOCK_WRITE, 0, 512);

    (void)state;
    block_set_error_policy(&slow->block, BLOCK_ERROR_STOP, BLOCK_ERROR_STOP);
    slow_block_fail(slow, -ENOSPC, 1);
    submit(j);
    advance(1000000);
    assert_int_equal(errors, 1);
    assert_int_equal(j->told, 0);
    lock_take(&devices);
    block_engine_retry(engine);
    lock_drop(&devices);
    advance(1000000);
    assert_int_equal(j->told, 1);
    assert_int_equal(j->err, 0);
    g_free(j);
}

#define TEST(fn, start) cmocka_unit_test_setup_teardown(fn, start, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_round_trip, setup),
        TEST(test_several_buffers, setup),
        TEST(test_bad_requests, setup),
        TEST(test_report_and_ignore, setup),
        TEST(test_stop_and_retry, setup),
        TEST(test_drain, setup),
        TEST(test_drain_elsewhere, setup),
        TEST(test_cancel, setup_one),
        TEST(test_worker_tells, setup),
        TEST(test_worker_leaves_it, setup),
        TEST(test_errors_are_ours, setup),
        TEST(test_read_now, setup),
        TEST(test_batch, setup),
        TEST(test_batch_and_workers, setup),
        TEST(test_free_under_way, setup),
        TEST(test_flush_covers, setup),
        TEST(test_durable_writes, setup),
        TEST(test_zeroes_and_discard, setup),
        TEST(test_churn, setup),
        TEST(test_counted, setup_counted),
        TEST(test_counted_errors, setup_counted),
    };

    return unit_main(tests);
}
