/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Character backends over real descriptors (backends/char.h). */
#include "tests/unit/unit.h"

#include "backends/char.h"
#include "backends/socket.h"
#include "base/lock.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/un.h>
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

/* ---- sockets ---- */

static int dial(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_strlcpy(name.sun_path, path, sizeof(name.sun_path));
    assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    return fd;
}

static void expect_read(int fd, const char *want)
{
    char buf[256];
    size_t got = 0, len = strlen(want);

    while (got < len) {
        ssize_t n = read(fd, buf + got, len - got);

        assert_true(n > 0);
        got += (size_t)n;
    }
    assert_memory_equal(buf, want, len);
}

static struct chardev *open_spec(const char *fmt, const char *path)
{
    char *spec = g_strdup_printf(fmt, path);
    struct chardev *c = char_open(spec, &device_lock, NULL);

    assert_non_null(c);
    g_free(spec);
    return c;
}

/* One client after the other, each with a line of its own; what is written while nobody is there is
 * lost, what came in is not, though its sender has gone. */
static void test_socket_server(void **state)
{
    char *dir = g_dir_make_tmp(NULL, NULL), *path = g_build_filename(dir, "sock", NULL);
    struct chardev *c = open_spec("unix:%s,server=on,wait=off", path);
    struct sink sink = {g_string_new(NULL), 3};
    struct char_receiver r = {&sink, sink_room, sink_receive};
    int a, b;

    (void)state;
    lock_take(&device_lock);
    char_set_receiver(c, &r);
    lock_drop(&device_lock);
    write_locked(c, "to nobody");
    a = dial(path);
    settle();
    write_locked(c, "hello a");
    expect_read(a, "hello a");
    b = dial(path); /* has to wait */
    assert_int_equal(write(a, "abcdef", 6), 6);
    assert_int_equal(write(b, "xyz", 3), 3);
    settle();
    assert_string_equal(sink.got->str, "abc");
    close(a);
    settle();
    write_locked(c, "hello b");
    expect_read(b, "hello b");
    lock_take(&device_lock);
    sink.room = 100;
    char_accept_input(c);
    lock_drop(&device_lock);
    settle();
    assert_string_equal(sink.got->str, "abcdefxyz");
    close(b);
    settle();
    write_locked(c, "to nobody");
    settle();
    a = dial(path);
    settle();
    write_locked(c, "again");
    expect_read(a, "again");
    char_free(c);
    assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    close(a);
    g_string_free(sink.got, TRUE);
    g_rmdir(dir);
    g_free(path);
    g_free(dir);
}

/* A client whose other end vanishes while it has much to read, over and over; the writer never
 * hangs. */
static void test_socket_vanishes(void **state)
{
    char *dir = g_dir_make_tmp(NULL, NULL), *path = g_build_filename(dir, "sock", NULL);
    struct chardev *c = open_spec("unix:%s,server=on,wait=off", path);
    char *much = g_strnfill(60000, 'x');

    (void)state;
    for (unsigned k = 0; k < 50; k++) {
        int fd = dial(path);

        settle();
        for (unsigned n = 0; n < 8; n++)
            write_locked(c, much);
        if (k % 2)
            assert_int_equal(write(fd, "unread", 6), 6);
        close(fd);
        write_locked(c, much);
        settle();
    }
    char_free(c);
    g_free(much);
    g_rmdir(dir);
    g_free(path);
    g_free(dir);
}

/* A server that is not there yet, comes, goes and comes again. */
static void test_socket_reconnect(void **state)
{
    char *dir = g_dir_make_tmp(NULL, NULL), *path = g_build_filename(dir, "sock", NULL);
    struct socket_place place = {.type = PLACE_UNIX, .server = true};
    struct chardev *c = open_spec("unix:%s,reconnect=1", path);

    (void)state;
    g_strlcpy(place.path, path, sizeof(place.path));
    for (unsigned k = 0; k < 2; k++) {
        int fd, listener = socket_listen("test", &place, NULL);

        assert_true(listener >= 0);
        while ((fd = socket_accept(listener)) < 0)
            g_main_context_iteration(NULL, TRUE);
        g_unix_set_fd_nonblocking(fd, FALSE, NULL);
        write_locked(c, "here");
        expect_read(fd, "here");
        close(fd);
        socket_unlisten(listener, &place);
        settle();
    }
    char_free(c);
    g_rmdir(dir);
    g_free(path);
    g_free(dir);
}

static void test_socket_tcp(void **state)
{
    struct chardev *c = char_open("tcp:127.0.0.1:0,server,nowait", &device_lock, NULL), *client;
    char *spec;

    (void)state;
    assert_non_null(c);
    assert_true(char_socket_port(c) != 0);
    spec = g_strdup_printf("tcp:localhost:%u", char_socket_port(c));
    client = char_open(spec, &device_lock, NULL);
    assert_non_null(client);
    settle();
    write_locked(client, "one line");
    char_free(client);
    settle();
    char_free(c);
    assert_null(char_open(spec, &device_lock, NULL)); /* nobody listens now */
    g_free(spec);
}

static void test_socket_names(void **state)
{
    static const char *const wrong[] = {
        "unix:",
        "unix:/nowhere/sock",
        "tcp:10.0.0.1:5,server",
        "tcp:localhost:x",
        "unix:/x,telnet",
        "unix:/x,sever",
        "unix:/x,reconnect=-1",
        "unix:/x,server,reconnect=1",
        "unix:/x,wait=or",
        "tcp:[::1",
    };

    (void)state;
    for (unsigned k = 0; k < G_N_ELEMENTS(wrong); k++) {
        GError *err = NULL;

        if (char_open(wrong[k], &device_lock, &err))
            fail_msg("took %s", wrong[k]);
        assert_non_null(err);
        assert_null(strchr(err->message, '\n'));
        g_error_free(err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_pty),
        cmocka_unit_test(test_stdin_eof),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_socket_names),
        cmocka_unit_test(test_socket_server),
        cmocka_unit_test(test_socket_vanishes),
        cmocka_unit_test(test_socket_reconnect),
        cmocka_unit_test(test_socket_tcp),
    };
    return unit_main(tests);
}
