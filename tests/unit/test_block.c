/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Block backends: raw files and their errors, locks, the memory image, the throw-away overlay. */
#include "tests/unit/unit.h"

#include "backends/block_impl.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
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

/* Only larger, what is new is zeros, and only where it can be. */
static void test_resize(void **state)
{
    char *path = make_file("disk.img", 4096, 'a'), buf[600];
    struct block *b = block_open_raw(path, false, NULL), *m = block_new_memory(1024);

    (void)state;
    assert_int_equal(block_resize(b, 2048), -EINVAL);
    assert_int_equal(block_resize(b, 4097), -EINVAL);
    assert_int_equal(block_resize(b, UINT64_MAX - 511), -EINVAL);
    assert_int_equal(block_size(b), 4096);
    assert_int_equal(block_resize(b, 16384), 0);
    assert_int_equal(block_size(b), 16384);
    assert_int_equal(block_read(b, 4000, buf, 600), 0);
    for (unsigned k = 0; k < 600; k++)
        assert_int_equal(buf[k], k < 96 ? 'a' : 0);
    assert_int_equal(block_write(b, 16384 - 600, buf, 600), 0);
    assert_int_equal(block_write(b, 16384 - 599, buf, 600), -EIO);
    block_free(b);
    b = block_open_raw(path, true, NULL);
    assert_int_equal(block_size(b), 16384);
    assert_int_equal(block_resize(b, 32768), -EROFS);
    assert_int_equal(block_resize(m, 2048), -ENOTSUP);
    block_free(b);
    block_free(m);
    g_unlink(path);
    g_free(path);
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

/* What is in the page cache is read without waiting, if the host's file system can tell. */
static void test_read_now(void **state)
{
    char *path = make_file("now.img", 8192, 'n'), buf[4096];
    struct block *b = block_open_raw(path, false, NULL);
    struct iovec two[] = {{buf, 100}, {buf + 100, 3996}};
    struct block_request req = {.op = BLOCK_READ, .off = 4096, .len = 4096, .buf = buf};
    int rc;

    (void)state;
    memset(buf, 'w', sizeof(buf));
    assert_int_equal(block_write(b, 4096, buf, 2048), 0);
    memset(buf, 0, sizeof(buf));
    rc = block_fd_read_now(-1, 0, two, 2, 4096);
    assert_int_equal(rc, -EAGAIN);
    for (unsigned k = 0; k < 2; k++) {
        if (block_perform_now(b, &req)) {
            assert_int_equal(buf[2047], 'w');
            assert_int_equal(buf[2048], 'n');
            assert_int_equal(buf[4095], 'n');
        } else {
            print_message("nothing was read at once\n");
        }
        memset(buf, 0, sizeof(buf));
        req.buf = NULL;
        req.iov = two;
        req.n_iov = 2;
    }
    /* what is wrong is somebody else's to find */
    req.off = 4097;
    assert_false(block_perform_now(b, &req));
    req.off = 0;
    req.op = BLOCK_WRITE;
    assert_false(block_perform_now(b, &req));
    req.op = BLOCK_READ;
    assert_int_equal(truncate(path, 1000), 0);
    assert_false(block_perform_now(b, &req));
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

/* ---- flushes: the C library's fdatasync is this one here ---- */

static unsigned syncs;
static int sync_errno;

int fdatasync(int fd)
{
    assert_true(fcntl(fd, F_GETFL) >= 0);
    syncs++;
    errno = sync_errno;
    return sync_errno ? -1 : 0;
}

static struct block *open_with(const char *path, enum block_cache cache, bool discard)
{
    const struct block_spec spec = {.file = path, .cache = cache, .discard = discard};
    GError *err = NULL;
    struct block *b = block_open(&spec, &err);

    if (!b)
        fail_msg("%s", err->message);
    return b;
}

/* Data is made durable when that was promised, and what failed once is never called durable. */
static void test_flushes(void **state)
{
    char *path = make_file("flush.img", 8192, 'x'), c = 'y';
    struct block *b = open_with(path, BLOCK_CACHE_WRITEBACK, false);

    (void)state;
    syncs = 0;
    assert_int_equal(block_write(b, 0, &c, 1), 0);
    assert_int_equal(syncs, 0);
    assert_int_equal(block_flush(b), 0);
    assert_int_equal(syncs, 1);
    assert_int_equal(block_stats(b).syncs, 1);
    sync_errno = EIO;
    assert_int_equal(block_flush(b), -EIO);
    sync_errno = 0;
    assert_int_equal(block_flush(b), -EIO);
    block_free(b);
    b = open_with(path, BLOCK_CACHE_WRITETHROUGH, false);
    syncs = 0;
    assert_int_equal(block_write(b, 0, &c, 1), 0);
    assert_int_equal(block_write(b, 1, &c, 1), 0);
    assert_int_equal(syncs, 2);
    assert_false(block_write_cache(b));
    block_free(b);
    b = open_with(path, BLOCK_CACHE_UNSAFE, false);
    assert_int_equal(block_write(b, 0, &c, 1), 0);
    assert_int_equal(block_flush(b), 0);
    assert_int_equal(syncs, 2);
    block_free(b);
    g_free(path);
}

/* Past the page cache: any offset, length and address; against a plain array. */
static void test_direct(void **state)
{
    enum { SIZE = 5 * 65536 };
    char *path = make_file("direct.img", SIZE, 'd');
    const struct block_spec spec = {.file = path, .cache = BLOCK_CACHE_NONE};
    GError *err = NULL;
    struct block *b = block_open(&spec, &err);
    uint8_t *model = g_malloc(SIZE), *buf = g_malloc(SIZE + 4096);
    GRand *r = g_rand_new_with_seed(9);

    (void)state;
    if (!b && strstr(err->message, "without O_DIRECT")) {
        print_message("no O_DIRECT in %s\n", dir);
        g_error_free(err);
        goto out;
    }
    assert_non_null(b);
    memset(model, 'd', SIZE);
    for (unsigned k = 0; k < 600; k++) {
        unsigned unit = k % 3 ? 512 : 1, at = (unsigned)g_rand_int_range(r, 0, 3) * 256;
        uint32_t off = (uint32_t)g_rand_int_range(r, 0, SIZE / (int)unit) * unit;
        uint32_t len = (uint32_t)g_rand_int_range(r, 0, (int)((SIZE - off) / unit) + 1) * unit;

        if (k % 2) {
            memset(buf + at, (int)k, len);
            memcpy(model + off, buf + at, len);
            assert_int_equal(block_write(b, off, buf + at, len), 0);
        } else {
            assert_int_equal(block_read(b, off, buf + at, len), 0);
            assert_memory_equal(buf + at, model + off, len);
        }
    }
    block_free(b);
out:
    g_rand_free(r);
    g_free(model);
    g_free(buf);
    g_free(path);
}

static uint64_t blocks_on_host(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return (uint64_t)st.st_blocks;
}

static int request(struct block *b, enum block_op op, uint64_t off, uint64_t len, uint8_t flags)
{
    const struct block_request req = {.op = op, .flags = flags, .off = off, .len = len};

    return block_perform(b, &req);
}

static void test_holes(void **state)
{
    enum { SIZE = 1 << 20 };
    char *path = make_file("holes.img", SIZE, 'x'), c[2];
    struct block *b = open_with(path, BLOCK_CACHE_WRITEBACK, false);
    uint64_t full = blocks_on_host(path);

    (void)state;
    assert_false(block_limits(b).discard);
    assert_int_equal(request(b, BLOCK_DISCARD, 0, SIZE / 2, 0), 0); /* and nothing happens */
    assert_int_equal(block_read(b, 0, c, 1), 0);
    assert_int_equal(c[0], 'x');
    block_free(b);
    b = open_with(path, BLOCK_CACHE_WRITEBACK, true);
    assert_true(block_limits(b).discard);
    assert_int_equal(request(b, BLOCK_DISCARD, 65536, SIZE / 2, 0), 0);
    assert_true(blocks_on_host(path) <= full - SIZE / 4 / 512);
    assert_int_equal(request(b, BLOCK_WRITE_ZEROES, SIZE - 999, 998, BLOCK_UNMAP), 0);
    assert_int_equal(block_read(b, SIZE - 999, c, 1), 0);
    assert_int_equal(c[0], 0);
    assert_int_equal(block_read(b, SIZE - 2, c, 2), 0);
    assert_int_equal(c[0], 0);
    assert_int_equal(c[1], 'x');
    assert_int_equal(request(b, BLOCK_DISCARD, 1, SIZE, 0), -EIO);
    block_free(b);
    g_free(path);
}

/* Zeroing and discarding in the overlay, again against an array. */
static void test_snapshot_zeroes(void **state)
{
    enum { SIZE = 9 * 4096 + 700 };
    char *path = make_file("zero.img", SIZE, 'q');
    struct block *s = block_open_snapshot(block_open_raw(path, true, NULL), NULL);
    uint8_t model[SIZE], buf[SIZE];
    GRand *r = g_rand_new_with_seed(5);

    (void)state;
    memset(model, 'q', SIZE);
    for (unsigned k = 0; k < 2000; k++) {
        uint32_t off = (uint32_t)g_rand_int_range(r, 0, SIZE);
        uint32_t len = (uint32_t)g_rand_int_range(r, 0, (int)(SIZE - off) + 1);

        if (k % 4 == 0) {
            memset(model + off, 0, len);
            assert_int_equal(request(s, BLOCK_WRITE_ZEROES, off, len, BLOCK_UNMAP), 0);
        } else if (k % 4 == 1) {
            memset(buf, (int)k, len);
            memcpy(model + off, buf, len);
            assert_int_equal(block_write(s, off, buf, len), 0);
        } else {
            assert_int_equal(block_read(s, off, buf, len), 0);
            assert_memory_equal(buf, model + off, len);
        }
    }
    block_free(s);
    g_rand_free(r);
    g_free(path);
}

/* ---- what an image is taken for ---- */

static void expect_no_guess(const char *name, const char *content, const char *format,
                            const char *part)
{
    char *path = g_build_filename(dir, name, NULL);
    struct block_spec spec = {.file = path, .format = format, .readonly = true};
    GError *err = NULL;

    assert_true(g_file_set_contents(path, content, 512, NULL));
    assert_null(block_open(&spec, &err));
    if (!strstr(err->message, part) || !strstr(err->message, path))
        fail_msg("'%s' is no '%s'", err->message, part);
    g_error_free(err);
    g_free(path);
}

/* A guest that writes another format's header into its raw disk does not change what it is. */
static void test_formats(void **state)
{
    char qcow2[512] = "QFI\xfb", vdi[512] = "", plain[512] = "plain";
    char *path = g_build_filename(dir, "trap.img", NULL);
    struct block_spec spec = {.file = path, .format = "raw"};
    struct block *b;

    (void)state;
    memcpy(vdi + 64, "\x7f\x10\xda\xbe", 4);
    expect_no_guess("trap.img", qcow2, NULL, "say format=qcow2, or format=raw");
    expect_no_guess("trap", vdi, NULL, "begins as a vdi image");
    expect_no_guess("trap.vmdk", vdi, NULL, "begins as a vdi image");
    expect_no_guess("plain.qcow2", plain, NULL, "does not begin as one");
    expect_no_guess("plain.VMDK", plain, NULL, "does not begin as one");
    b = block_open(&spec, NULL); /* who says so gets it raw */
    assert_non_null(b);
    assert_string_equal(block_format(b), "raw");
    block_free(b);
    g_free(path);
    path = make_file("plain.img", 512, 'p');
    b = open_with(path, BLOCK_CACHE_WRITEBACK, false);
    assert_string_equal(block_format(b), "raw");
    block_free(b);
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
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_raw_errors),
        cmocka_unit_test(test_readonly_and_locks),
        cmocka_unit_test(test_file_cut_short),
        cmocka_unit_test(test_read_now),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_snapshot),
        cmocka_unit_test(test_flushes),
        cmocka_unit_test(test_direct),
        cmocka_unit_test(test_holes),
        cmocka_unit_test(test_snapshot_zeroes),
        cmocka_unit_test(test_formats),
    };
    int rc;

    dir = g_dir_make_tmp("penumbra-block-XXXXXX", NULL);
    rc = unit_main(tests);
    remove_dir();
    return rc;
}
