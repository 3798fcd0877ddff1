/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Images behind libnbd: other formats by qemu-nbd and nbdkit, which are started and ended; servers
 * by their URIs; and what the guest's disk says when the server goes, or was never there.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <unistd.h>

#include "backends/block.h"
#include "backends/block_child.h"
#include "base/lock.h"

static char *dir;

static bool has(const char *program)
{
    char *path = g_find_program_in_path(program);

    g_free(path);
    return path != NULL;
}

static void host(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void host(const char *fmt, ...)
{
    char *line, *said = NULL;
    va_list ap;
    int status = -1;

    va_start(ap, fmt);
    line = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    if (!g_spawn_command_line_sync(line, &said, NULL, &status, NULL) || status)
        fail_msg("%s: status %d", line, status);
    g_free(line);
    g_free(said);
}

static struct block *open_image(const struct block_spec *spec)
{
    GError *err = NULL;
    struct block *b = block_open(spec, &err);

    if (!b)
        fail_msg("%s", err->message);
    return b;
}

static void refuses(const struct block_spec *spec, const char *part)
{
    GError *err = NULL;
    struct block *b = block_open(spec, &err);

    assert_null(b);
    if (!strstr(err->message, part) || strchr(err->message, '\n'))
        fail_msg("'%s' is no '%s'", err->message, part);
    g_error_free(err);
}

/* The process that serves an image, our only child. */
static pid_t server(void)
{
    char *path = g_strdup_printf("/proc/self/task/%d/children", (int)getpid()), *text = NULL;
    pid_t pid;

    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    pid = (pid_t)atoi(text);
    g_free(text);
    g_free(path);
    return pid;
}

static void test_formats(void **state)
{
    static const char *const formats[] = {"qcow2", "vmdk", "vdi", "vhdx", "vpc", "qed"};

    (void)state;
    if (!has("qemu-nbd") || !has("qemu-img"))
        skip();
    for (unsigned k = 0; k < G_N_ELEMENTS(formats); k++) {
        char *path = g_strdup_printf("%s/a,b:%u.%s", dir, k, k == 4 ? "vhd" : formats[k]);
        struct block_spec spec = {.file = path};
        char buf[1024], zero[1024] = "";
        struct block *b;

        host("qemu-img create -q -f %s %s 4M", formats[k], path);
        b = open_image(&spec);
        assert_string_equal(block_format(b), formats[k]);
        assert_true(block_size(b) >= 4 << 20);
        assert_int_equal(block_read(b, 1 << 20, buf, 1024), 0);
        assert_memory_equal(buf, zero, 1024);
        memset(buf, (int)k + 1, 1024);
        assert_int_equal(block_write(b, 1 << 20, buf, 1024), 0);
        assert_int_equal(block_flush(b), 0);
        assert_int_equal(block_read(b, block_size(b), buf, 1), -EIO);
        refuses(&spec, k == 5 || k == 0 ? "lock" : "cannot open");
        block_free(b);
        assert_int_equal(server(), 0); /* it has ended, and we know */
        spec.snapshot = true;
        b = open_image(&spec);
        assert_int_equal(block_read(b, (1 << 20) + 512, buf, 1024), 0);
        assert_int_equal(buf[511], k + 1);
        assert_int_equal(buf[512], 0);
        assert_int_equal(block_write(b, 0, buf, 512), 0);
        block_free(b);
        g_unlink(path);
        g_free(path);
    }
}

static void test_packed(void **state)
{
    char *path = g_build_filename(dir, "disk.img", NULL), *data = g_malloc(200000), c[3];
    char *packed = g_strconcat(path, ".xz", NULL);
    struct block_spec spec = {.file = packed};
    struct block *b;

    (void)state;
    if (!has("nbdkit") || !has("xz"))
        skip();
    memset(data, 'p', 200000);
    assert_true(g_file_set_contents(path, data, 200000, NULL));
    host("xz -f %s", path);
    refuses(&spec, "can only be read");
    spec.readonly = true;
    b = open_image(&spec);
    assert_int_equal(block_size(b), 200000);
    assert_int_equal(block_read(b, 199997, c, 3), 0);
    assert_memory_equal(c, "ppp", 3);
    assert_int_equal(block_write(b, 0, c, 1), -EROFS);
    block_free(b);
    assert_int_equal(server(), 0);
    g_unlink(packed);
    g_free(packed);
    g_free(path);
    g_free(data);
}

static void test_bad(void **state)
{
    char *path = g_build_filename(dir, "bad.img", NULL),
         *missing = g_build_filename(dir, "no", NULL);
    struct block_spec spec = {.file = path, .format = "qcow2"};

    (void)state;
    if (!has("qemu-nbd"))
        skip();
    assert_true(g_file_set_contents(path, "nothing", 7, NULL));
    refuses(&spec, "not in qcow2 format");
    spec.file = missing;
    refuses(&spec, "No such file");
    spec.format = "cow";
    refuses(&spec, "unknown format 'cow'");
    assert_int_equal(server(), 0);
    g_unlink(path);
    g_free(path);
    g_free(missing);
}

static void test_no_program(void **state)
{
    char *was = g_strdup(g_getenv("PATH"));
    const struct block_spec qcow2 = {.file = "x", .format = "qcow2"};
    const struct block_spec gzip = {.file = "x", .format = "gzip", .readonly = true};

    (void)state;
    g_setenv("PATH", dir, TRUE);
    refuses(&qcow2, "needs qemu-nbd, which is not installed (Debian: apt install qemu-utils)");
    refuses(&gzip, "needs nbdkit, which is not installed (Debian: apt install nbdkit)");
    g_setenv("PATH", was, TRUE);
    g_free(was);
}

static void test_no_server(void **state)
{
    const struct block_spec missing = {.file = "nbd+unix:///?socket=/nonexistent/socket"};
    const struct block_spec broken = {.file = "nbd://[::1"};
    const struct block_spec other = {.file = "nbd://localhost", .format = "qcow2"};

    (void)state;
    refuses(&missing, "No such file");
    refuses(&broken, "cannot open disk image");
    refuses(&other, "format=raw here");
}

/* A server by its URI: an nbdkit that keeps its disk in memory. */
static void test_uri(void **state)
{
    static const char *const argv[] = {"nbdkit", "--foreground", "memory", "1M", NULL};
    char *path = g_build_filename(dir, "socket", NULL), *uri;
    char *line = g_strdup_printf("nbdkit --unix %s --pidfile %s.pid memory 1M", path, path), *text;
    struct block_spec spec = {0};
    struct block *b;
    char buf[] = "there", back[6];

    (void)state;
    (void)argv;
    if (!has("nbdkit"))
        skip();
    host("%s", line);
    uri = g_strdup_printf("nbd+unix:///?socket=%s", path);
    spec.file = uri;
    spec.discard = true;
    b = open_image(&spec);
    assert_int_equal(block_size(b), 1 << 20);
    assert_true(block_limits(b).discard);
    assert_int_equal(block_write(b, 4096, buf, 6), 0);
    assert_int_equal(block_read(b, 4096, back, 6), 0);
    assert_string_equal(back, "there");
    /* the server dies: errors, at once and for good */
    g_free(line);
    line = g_strconcat(path, ".pid", NULL);
    assert_true(g_file_get_contents(line, &text, NULL, NULL));
    kill((pid_t)atoi(text), SIGKILL);
    while (block_read(b, 0, back, 6) == 0)
        g_usleep(1000);
    assert_int_equal(block_write(b, 0, back, 6), -EIO);
    assert_int_equal(block_flush(b), -EIO);
    block_free(b);
    g_unlink(line);
    g_unlink(path);
    g_free(text);
    g_free(line);
    g_free(uri);
    g_free(path);
}

/* ---- many requests at once, and the program that serves them dies ---- */

enum { MANY = 200 };

static struct lock devices;
static unsigned told, failed;

static void done(struct block_request *req, int err)
{
    (void)req;
    told++;
    failed += err != 0;
}

static bool all_told(void)
{
    bool all;

    lock_take(&devices);
    all = told == MANY;
    lock_drop(&devices);
    return all;
}

static void test_many(void **state)
{
    const struct block_engine_config cfg = {.lock = &devices, .threads = 8};
    char *path = g_build_filename(dir, "many.qcow2", NULL);
    struct block_spec spec = {.file = path};
    struct block_request *req = g_new0(struct block_request, MANY);
    uint8_t *data = g_malloc(MANY * 4096);
    struct block_engine *e;
    struct block *b;

    (void)state;
    if (!has("qemu-nbd") || !has("qemu-img"))
        skip();
    host("qemu-img create -q -f qcow2 %s 4M", path);
    lock_init(&devices);
    e = block_engine_new(&cfg);
    b = open_image(&spec);
    for (unsigned round = 0; round < 3; round++) {
        told = failed = 0;
        lock_take(&devices);
        if (!round)
            block_attach(b, e);
        for (unsigned k = 0; k < MANY; k++) {
            if (!round)
                memset(data + 4096 * k, (int)k, 4096);
            req[k] = (struct block_request){.op = round ? BLOCK_READ : BLOCK_WRITE,
                                            .off = (uint64_t)k * 4096,
                                            .len = 4096,
                                            .buf = data + 4096 * k,
                                            .done = done};
            block_submit(b, &req[k]);
        }
        lock_drop(&devices);
        if (round == 2)
            kill(server(), SIGKILL);
        while (!all_told())
            g_main_context_iteration(NULL, FALSE);
        for (unsigned k = 0; k < MANY && round == 1; k++)
            assert_int_equal(data[4096 * k + 4095], k);
        assert_true(round == 2 || !failed);
    }
    lock_take(&devices);
    block_free(b);
    lock_drop(&devices);
    assert_int_equal(server(), 0);
    block_engine_free(e);
    lock_clear(&devices);
    g_unlink(path);
    g_free(path);
    g_free(req);
    g_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),   cmocka_unit_test(test_packed),
        cmocka_unit_test(test_bad),       cmocka_unit_test(test_no_program),
        cmocka_unit_test(test_no_server), cmocka_unit_test(test_uri),
        cmocka_unit_test(test_many),
    };
    int rc;

    dir = g_dir_make_tmp("penumbra-nbd-XXXXXX", NULL);
    rc = unit_main(tests);
    g_rmdir(dir);
    g_free(dir);
    return rc;
}
