/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Block backends: raw files and their errors, locks, the memory image, the throw-away overlay. */
#include "tests/unit/unit.h"

#include "backends/block.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char *dir;

static char *make_file(const char *name, size_t size, char fill)
{
    char *path = g_build_filename(dir, name, NULL), *data = g_malloc(size + 1);

    memset(data, fill, size);
    assert_true(g_file_set_contents(path, data, (gssize)size, NULL));
    g_free(data);
    return path;
}

static void expect_refusal(const char *path, bool readonly, const char *part)
{
    GError *err = NULL;
    struct block *b = block_open_raw(path, readonly, &err);

    assert_null(b);
    assert_non_null(err);
    assert_true(g_error_matches(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE));
    assert_non_null(strstr(err->message, part));
    assert_non_null(strstr(err->message, path));
    g_error_free(err);
}

static void test_raw(void **state)
{
    char *path = make_file("disk.img", 4096, 'a'), *back, buf[600];
    struct block *b = block_open_raw(path, false, NULL);
    gsize n;

    (void)state;
    assert_non_null(b);
    assert_int_equal(block_size(b), 4096);
    assert_false(block_readonly(b));
    assert_string_equal(block_name(b), path);
    memset(buf, 'b', sizeof(buf));
    assert_int_equal(block_write(b, 1000, buf, 600), 0);
    assert_int_equal(block_read(b, 900, buf, 200), 0);
    assert_int_equal(buf[99], 'a');
    assert_int_equal(buf[100], 'b');
    assert_int_equal(block_flush(b), 0);
    /* nothing passes the end, not even an offset that overflows */
    assert_int_equal(block_write(b, 4095, buf, 2), -EIO);
    assert_int_equal(block_read(b, 4097, buf, 0), -EIO);
    assert_int_equal(block_read(b, UINT64_MAX, buf, 2), -EIO);
    assert_int_equal(block_read(b, 4096, buf, 0), 0);
    block_free(b);
    assert_true(g_file_get_contents(path, &back, &n, NULL));
    assert_int_equal(n, 4096);
    assert_int_equal(back[999], 'a');
    assert_int_equal(back[1000], 'b');
    assert_int_equal(back[1599], 'b');
    assert_int_equal(back[1600], 'a');
    g_free(back);
    g_free(path);
}

static void test_raw_errors(void **state)
{
    char *missing = g_build_filename(dir, "missing", NULL), *empty = make_file("empty", 0, 0);
    char *fifo = g_build_filename(dir, "fifo", NULL), *closed = make_file("closed", 512, 0);

    (void)state;
    expect_refusal(missing, true, "No such file");
    expect_refusal(missing, false, "No such file");
    expect_refusal(dir, true, "is a directory");
    expect_refusal(dir, false, "is a directory");
    expect_refusal(empty, false, "empty");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    expect_refusal(fifo, true, "neither a regular file");
    expect_refusal("/dev/null", true, "neither a regular file");
    if (geteuid() != 0) {
        assert_int_equal(chmod(closed, 0), 0);
        expect_refusal(closed, true, "Permission denied");
    }
    g_free(missing);
    g_free(empty);
    g_free(fifo);
    g_free(closed);
}

static void test_readonly_and_locks(void **state)
{
    char *path = make_file("locked.img", 1024, 'x'), c = 0;
    struct block *a, *b;

    (void)state;
    a = block_open_raw(path, false, NULL);
    assert_non_null(a);
    expect_refusal(path, false, "in use");
    expect_refusal(path, true, "in use");
    block_free(a);
    a = block_open_raw(path, true, NULL);
    b = block_open_raw(path, true, NULL); /* readers share */
    assert_non_null(a);
    assert_non_null(b);
    expect_refusal(path, false, "in use");
    assert_int_equal(block_write(a, 0, &c, 1), -EROFS);
    assert_int_equal(block_flush(a), 0);
    block_free(a);
    block_free(b);
    a = block_open_raw(path, false, NULL);
    assert_non_null(a);
    block_free(a);
    block_free(NULL);
    g_free(path);
}

static void test_file_cut_short(void **state)
{
    char *path = make_file("cut.img", 8192, 'x'), buf[512];
    struct block *b = block_open_raw(path, true, NULL);

    (void)state;
    assert_int_equal(truncate(path, 4100), 0);
    assert_int_equal(block_read(b, 4096, buf, 512), -EIO);
    assert_int_equal(block_read(b, 0, buf, 512), 0);
    block_free(b);
    g_free(path);
}

static void test_memory(void **state)
{
    struct block *b = block_new_memory(1000);
    char c = 'z', out[3];

    (void)state;
    assert_int_equal(block_write(b, 998, &c, 1), 0);
    assert_int_equal(block_read(b, 997, out, 3), 0);
    assert_memory_equal(out, "\0z\0", 3);
    assert_int_equal(block_read(b, 998, out, 3), -EIO);
    block_free(b);
}

/* The overlay against a plain array, by many random reads and writes. */
static void test_snapshot(void **state)
{
    enum { SIZE = 5 * 4096 + 700 };
    char *path = make_file("base.img", SIZE, 'q'), *back;
    struct block *s = block_open_snapshot(block_open_raw(path, true, NULL), NULL);
    uint8_t model[SIZE], buf[SIZE];
    GRand *r = g_rand_new_with_seed(4);
    gsize n;

    (void)state;
    assert_non_null(s);
    assert_false(block_readonly(s));
    assert_int_equal(block_size(s), SIZE);
    memset(model, 'q', SIZE);
    for (unsigned k = 0; k < 3000; k++) {
        uint32_t off = (uint32_t)g_rand_int_range(r, 0, SIZE);
        uint32_t max = k % 2 ? 900 : SIZE;
        uint32_t len = (uint32_t)g_rand_int_range(r, 0, (int)MIN(max, SIZE - off) + 1);

        if (k % 3 == 0) {
            memset(buf, (int)k, len);
            memcpy(model + off, buf, len);
            assert_int_equal(block_write(s, off, buf, len), 0);
        } else {
            assert_int_equal(block_read(s, off, buf, len), 0);
            assert_memory_equal(buf, model + off, len);
        }
        if (k == 1500)
            assert_int_equal(block_flush(s), 0);
    }
    assert_int_equal(block_write(s, SIZE - 1, buf, 2), -EIO);
    block_free(s);
    /* the base never saw any of it, and is unlocked again */
    assert_true(g_file_get_contents(path, &back, &n, NULL));
    assert_int_equal(n, SIZE);
    for (gsize k = 0; k < n; k++)
        assert_int_equal(back[k], 'q');
    g_free(back);
    s = block_open_raw(path, false, NULL);
    assert_non_null(s);
    block_free(s);
    g_rand_free(r);
    g_free(path);
}

static void remove_dir(void)
{
    GDir *d = g_dir_open(dir, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(d))) {
        char *path = g_build_filename(dir, name, NULL);

        unlink(path);
        g_free(path);
    }
    g_dir_close(d);
    rmdir(dir);
    g_free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_raw),
        cmocka_unit_test(test_raw_errors),
        cmocka_unit_test(test_readonly_and_locks),
        cmocka_unit_test(test_file_cut_short),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_snapshot),
    };
    int rc;

    dir = g_dir_make_tmp("penumbra-block-XXXXXX", NULL);
    rc = unit_main(tests);
    remove_dir();
    return rc;
}
