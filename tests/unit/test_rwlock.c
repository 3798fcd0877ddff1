/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader-writer lock (base/rwlock.h): who may hold it together, who goes first, what it hints.
 */
#include "tests/unit/unit.h"

#include <sched.h>

#include "base/rwlock.h"

static struct rwlock lock;
static atomic_int order; /* who had the lock so far */
static int writer_was, reader_was;

static void *writes(void *arg)
{
    (void)arg;
    rwlock_write(&lock);
    writer_was = atomic_fetch_add(&order, 1);
    rwlock_drop(&lock);
    return NULL;
}

static void *reads(void *arg)
{
    (void)arg;
    rwlock_read(&lock);
    reader_was = atomic_fetch_add(&order, 1);
    rwlock_drop(&lock);
    return NULL;
}

static void start(void)
{
    rwlock_init(&lock);
    atomic_store(&order, 0);
    assert_false(rwlock_is_held(&lock));
}

static void wait_until(bool (*is)(struct rwlock *))
{
    while (!is(&lock))
        sched_yield();
}

static void test_readers_share(void **state)
{
    pthread_t reader;

    (void)state;
    start();
    rwlock_read(&lock);
    assert_true(rwlock_is_held(&lock));
    assert_int_equal(pthread_create(&reader, NULL, reads, NULL), 0);
    assert_int_equal(pthread_join(reader, NULL), 0); /* it did not wait for us */
    assert_false(rwlock_read_contended(&lock));
    rwlock_drop(&lock);
    assert_false(rwlock_is_held(&lock));
    rwlock_clear(&lock);
}

/* A reader that comes while a writer waits lets it go first: else writers might wait for ever. */
static void test_waiting_writer_goes_first(void **state)
{
    pthread_t reader, writer;

    (void)state;
    start();
    rwlock_read(&lock);
    assert_int_equal(pthread_create(&writer, NULL, writes, NULL), 0);
    wait_until(rwlock_read_contended);
    g_usleep(20000); /* from "about to wait" to waiting */
    assert_int_equal(pthread_create(&reader, NULL, reads, NULL), 0);
    while (!atomic_load(&lock.readers_waiting))
        sched_yield();
    g_usleep(20000);
    assert_int_equal(atomic_load(&order), 0);
    rwlock_drop(&lock);
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_int_equal(writer_was, 0);
    assert_int_equal(reader_was, 1);
    rwlock_clear(&lock);
}

static void test_writer_is_alone_and_told_of_readers(void **state)
{
    pthread_t reader;

    (void)state;
    start();
    rwlock_write(&lock);
    assert_true(rwlock_is_held(&lock));
    assert_false(rwlock_write_contended(&lock));
    assert_int_equal(pthread_create(&reader, NULL, reads, NULL), 0);
    wait_until(rwlock_write_contended);
    assert_false(rwlock_read_contended(&lock));
    g_usleep(20000);
    assert_int_equal(atomic_load(&order), 0);
    rwlock_drop(&lock);
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_int_equal(reader_was, 0);
    assert_false(rwlock_write_contended(&lock));
    rwlock_clear(&lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readers_share),
        cmocka_unit_test(test_waiting_writer_goes_first),
        cmocka_unit_test(test_writer_is_alone_and_told_of_readers),
    };

    return unit_main(tests);
}
