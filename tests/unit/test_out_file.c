/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files for whoever asked (base/out_file.h), pipes with all kinds of readers above all. */
#include "base/out_file.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define BYTES (1u << 20) /* more than a pipe holds */

static char *dir, *path;
static uint8_t *data;

static int setup(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    dir = g_dir_make_tmp("penumbra-out-XXXXXX", NULL);
    path = g_build_filename(dir, "file", NULL);
    data = g_malloc(BYTES);
    for (unsigned k = 0; k < BYTES; k++)
        data[k] = (uint8_t)(k * 2654435761u >> 24);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    g_unlink(path);
    g_rmdir(dir);
    g_free(dir);
    g_free(path);
    g_free(data);
    return 0;
}

static void test_plain(void **state)
{
    gchar *got;
    gsize len;
    int fd;

    (void)state;
    for (unsigned k = 2; k; k--) { /* the second, shorter one replaces the first */
        fd = out_file_open(path);
        assert_true(fd >= 0);
        assert_true(out_file_write(fd, data, BYTES / 2 * k));
        assert_true(out_file_write(fd, data, 0));
        close(fd);
        assert_true(g_file_get_contents(path, &got, &len, NULL));
        assert_int_equal(len, BYTES / 2 * k);
        assert_memory_equal(got, data, len);
        g_free(got);
    }
    g_unlink(path);
    assert_int_equal(out_file_open(dir), -1);
    assert_int_equal(errno, EISDIR);
    fd = out_file_open("/dev/full");
    assert_false(out_file_write(fd, data, 1));
    assert_int_equal(errno, ENOSPC);
    close(fd);
}

/* Takes what comes as slowly as can be, until the end. */
static gpointer slow_reader(gpointer opaque)
{
    int fd = GPOINTER_TO_INT(opaque);
    uint8_t buf[3000];
    size_t got = 0;
    ssize_t n;

    while ((n = read(fd, buf, sizeof(buf))) > 0) {
        if (got + (size_t)n > BYTES || memcmp(buf, data + got, (size_t)n))
            return NULL;
        got += (size_t)n;
        g_usleep(100);
    }
    close(fd);
    return GSIZE_TO_POINTER(got);
}

static int fifo(void)
{
    int fd;

    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(out_file_open(path), -1);
    assert_int_equal(errno, ENXIO);
    fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0);
    fcntl(fd, F_SETFL, 0);
    return fd;
}

static void test_slow_reader(void **state)
{
    int in = fifo(), out = out_file_open(path);
    GThread *t;

    (void)state;
    assert_true(out >= 0);
    t = g_thread_new("reader", slow_reader, GINT_TO_POINTER(in));
    assert_true(out_file_write(out, data, BYTES));
    close(out);
    assert_int_equal(GPOINTER_TO_SIZE(g_thread_join(t)), BYTES);
    g_unlink(path);
}

static void test_no_reader(void **state)
{
    int in = fifo(), out = out_file_open(path);
    gint64 began = g_get_monotonic_time();

    (void)state;
    assert_true(out >= 0);
    assert_false(out_file_write(out, data, BYTES)); /* who is there, and does not read */
    assert_int_equal(errno, ETIMEDOUT);
    assert_true(g_get_monotonic_time() - began >= OUT_FILE_STALL_MS * 990);
    close(in);
    assert_false(out_file_write(out, data, 1)); /* who has gone */
    assert_int_equal(errno, EPIPE);
    close(out);
    g_unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plain, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slow_reader, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_reader, setup, teardown),
    };

    return unit_main(tests);
}
