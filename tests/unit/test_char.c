/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Character backends over real descriptors (backends/char.h). */
#include "tests/unit/unit.h"

#include "backends/char.h"
#include "base/lock.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

static struct lock device_lock;

/* A receiver with little room. */
struct sink {
    GString *got;
    size_t room;
};

static size_t sink_room(void *opaque)
{
    const struct sink *s = opaque;

    return s->room;
}

static void sink_receive(void *opaque, const uint8_t *buf, size_t len)
{
    struct sink *s = opaque;

    assert_true(len > 0 && len <= s->room);
    assert_false(!pthread_mutex_trylock(&device_lock.mutex)); /* held by whoever calls */
    g_string_append_len(s->got, (const char *)buf, (gssize)len);
    s->room -= len;
}

/* Runs the main loop until nothing has happened for 20 ms. Returns how often something did. */
static unsigned settle(void)
{
    unsigned n = 0;

    for (unsigned idle = 0; idle < 20; idle++) {
        while (g_main_context_iteration(NULL, FALSE)) {
            n++;
            assert_true(n < 100000);
        }
        g_usleep(1000);
    }
    return n;
}

static void write_locked(struct chardev *c, const char *s)
{
    lock_take(&device_lock);
    char_write(c, (const uint8_t *)s, strlen(s));
    lock_drop(&device_lock);
}

static void test_names(void **state)
{
    GError *err = NULL;
    struct chardev *c;

    (void)state;
    assert_null(char_open("telnet", &device_lock, &err));
    assert_non_null(strstr(err->message, "'telnet'"));
    g_clear_error(&err);
    assert_null(char_open("file:", &device_lock, &err));
    g_clear_error(&err);
    assert_null(char_open("file:/nonexistent/dir/x", &device_lock, &err));
    assert_non_null(strstr(err->message, "/nonexistent/dir/x"));
    g_clear_error(&err);
    c = char_open("null", &device_lock, &err);
    assert_non_null(c);
    write_locked(c, "nowhere");
    char_free(c);
    write_locked(NULL, "nowhere");
    char_free(NULL);
}

static void test_file(void **state)
{
    char *dir = g_dir_make_tmp(NULL, NULL), *path, *spec, *text;
    struct chardev *c;

    (void)state;
    assert_non_null(dir);
    path = g_build_filename(dir, "out", NULL);
    spec = g_strdup_printf("file:%s", path);
    c = char_open(spec, &device_lock, NULL);
    assert_non_null(c);
    for (unsigned k = 0; k < 3000; k++)
        write_locked(c, "line\n");
    char_free(c);
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    assert_int_equal(strlen(text), 15000);
    g_unlink(path);
    g_rmdir(dir);
    g_free(dir);
    g_free(text);
    g_free(spec);
    g_free(path);
}

static void test_full_disk(void **state)
{
    struct chardev *c = char_open("file:/dev/full", &device_lock, NULL);

    (void)state;
    assert_non_null(c);
    write_locked(c, "lost"); /* says so once, and goes on */
    write_locked(c, "lost");
    char_free(c);
}

/* A reader slower than the guest loses nothing; one that goes away does not end us. */
static void test_slow_reader(void **state)
{
    int fd[2];
    char *spec, buf[4096];
    struct chardev *c;
    uint32_t want = 0, sent = 0;

    (void)state;
    assert_int_equal(pipe(fd), 0);
    assert_int_equal(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
    spec = g_strdup_printf("file:/proc/self/fd/%d", fd[1]);
    c = char_open(spec, &device_lock, NULL);
    assert_non_null(c);
    close(fd[1]);
    for (; sent < 50000; sent++) {
        lock_take(&device_lock);
        char_write(c, (const uint8_t *)&sent, 4);
        lock_drop(&device_lock);
    }
    while (want < sent * 4) {
        ssize_t n;

        g_main_context_iteration(NULL, FALSE);
        n = read(fd[0], buf, sizeof(buf));
        for (ssize_t k = 0; k < n; k++, want++)
            assert_int_equal((uint8_t)buf[k], want / 4 >> 8 * (want % 4) & 0xff);
    }
    assert_in_range(settle(), 0, 2); /* nothing left to wait for */
    close(fd[0]);
    write_locked(c, "x");
    write_locked(c, "y");
    settle();
    char_free(c);
    g_free(spec);
}

static void test_pty(void **state)
{
    struct sink s = {.got = g_string_new(NULL), .room = 3};
    const struct char_receiver r = {&s, sink_room, sink_receive};
    struct chardev *c = char_open("pty", &device_lock, NULL);
    char buf[64];
    int fd;

    (void)state;
    assert_non_null(c);
    lock_take(&device_lock);
    char_set_receiver(c, &r);
    lock_drop(&device_lock);
    settle(); /* nobody connected yet: must not spin */
    fd = open(char_pty_path(c), O_RDWR | O_NOCTTY | O_NONBLOCK);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "abc\003defgh", 9), 9);
    settle();
    assert_string_equal(s.got->str, "abc");
    lock_take(&device_lock);
    s.room = 100;
    char_accept_input(c);
    lock_drop(&device_lock);
    assert_string_equal(s.got->str, "abc\003defgh");
    write_locked(c, "reply\n");
    settle();
    assert_int_equal(read(fd, buf, sizeof(buf)), 6);
    assert_memory_equal(buf, "reply\n", 6);
    close(fd);
    for (unsigned k = 0; k < 50000; k++)
        write_locked(c, "nobody reads this any more");
    char_free(c);
    g_string_free(s.got, TRUE);
}

static void test_stdin_eof(void **state)
{
    struct sink s = {.got = g_string_new(NULL), .room = 4};
    const struct char_receiver r = {&s, sink_room, sink_receive};
    GError *err = NULL;
    struct chardev *c;
    int fd[2];

    (void)state;
    assert_int_equal(pipe(fd), 0);
    assert_int_equal(dup2(fd[0], STDIN_FILENO), STDIN_FILENO);
    close(fd[0]);
    c = char_open("stdio", &device_lock, NULL);
    assert_non_null(c);
    assert_null(char_open("stdio", &device_lock, &err)); /* there is only one */
    g_clear_error(&err);
    lock_take(&device_lock);
    char_set_receiver(c, &r);
    lock_drop(&device_lock);
    assert_int_equal(write(fd[1], "12\0013456", 7), 7); /* no terminal: Ctrl-A is a byte */
    close(fd[1]);
    assert_in_range(settle(), 1, 3);
    assert_memory_equal(s.got->str, "12\0013", 4);
    lock_take(&device_lock);
    s.room = 10;
    char_accept_input(c); /* what came before the end is still there */
    lock_drop(&device_lock);
    assert_int_equal(s.got->len, 7);
    assert_int_equal(settle(), 0);
    char_free(c);
    g_string_free(s.got, TRUE);
}

static void test_memory(void **state)
{
    struct chardev *c = char_new_memory();
    struct sink s = {.got = g_string_new(NULL), .room = 5};
    const struct char_receiver r = {&s, sink_room, sink_receive};

    (void)state;
    write_locked(c, "out");
    assert_string_equal(char_written(c)->str, "out");
    lock_take(&device_lock);
    assert_int_equal(char_feed(c, (const uint8_t *)"123", 3), 0); /* nobody there */
    char_set_receiver(c, &r);
    assert_int_equal(char_feed(c, (const uint8_t *)"1234567", 7), 5);
    lock_drop(&device_lock);
    assert_string_equal(s.got->str, "12345");
    char_free(c);
    g_string_free(s.got, TRUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),     cmocka_unit_test(test_file),
        cmocka_unit_test(test_full_disk), cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_pty),       cmocka_unit_test(test_stdin_eof),
        cmocka_unit_test(test_memory),
    };
    return unit_main(tests);
}
