/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log (base/log.h): categories, where lines go and that they stay whole; and how a broken
 * invariant ends the process (base/error.h). What goes to stderr is watched from outside: each case
 * runs in a child process. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"

static char *dir, *log_path;

static int setup(void **state)
{
    (void)state;
    dir = g_dir_make_tmp("penumbra-log-XXXXXX", NULL);
    log_path = g_build_filename(dir, "log", NULL);
    log_mask = 0;
    return dir ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    g_unlink(log_path);
    g_rmdir(dir);
    g_free(log_path);
    g_free(dir);
    return 0;
}

/* Runs fn in a child; its stderr in *text (g_free it), its wait status as the result. */
static int in_child(void (*fn)(void), char **text)
{
    GString *s = g_string_new(NULL);
    char buf[65536];
    int fds[2], status;
    ssize_t n;
    pid_t pid;

    fflush(stdout);
    assert_int_equal(pipe(fds), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        close(fds[1]);
        fn();
        _exit(77);
    }
    close(fds[1]);
    while ((n = read(fds[0], buf, sizeof(buf))) > 0)
        g_string_append_len(s, buf, n);
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    *text = g_string_free(s, FALSE);
    return status;
}

static void test_mask(void **state)
{
    const char *bad = NULL, *list = "guest,bogus,int";

    (void)state;
    assert_true(log_set_mask("guest,int", &bad));
    assert_int_equal(log_mask, LOG_GUEST | LOG_INT);
    assert_true(log_on(LOG_INT));
    assert_true(log_on(LOG_INT | LOG_IO));
    assert_false(log_on(LOG_IO));
    assert_false(log_set_mask(list, &bad));
    assert_ptr_equal(bad, list + 6);
    assert_int_equal(log_mask, LOG_GUEST | LOG_INT); /* as it was */
    assert_false(log_set_mask("gues", &bad));        /* no abbreviations, nothing longer */
    assert_false(log_set_mask("guests", &bad));
    assert_false(log_set_mask(",", &bad));
    assert_false(log_set_mask("int,,io", &bad));
    assert_string_equal(bad, ",io");
    assert_true(log_set_mask("boot,", &bad));
    assert_int_equal(log_mask, LOG_BOOT);
    assert_true(log_set_mask("", &bad));
    assert_int_equal(log_mask, 0);
}

/* Every category has a name, a meaning and a bit of its own. */
static void test_categories(void **state)
{
    static const char *const known[] = {"guest", "int", "exec", "insn", "io",
                                        "reset", "mmu", "boot", "dev"};
    unsigned seen = 0, n = 0;
    const char *bad;

    (void)state;
    for (; log_category_name(n); n++) {
        assert_true(n < G_N_ELEMENTS(known));
        assert_string_equal(log_category_name(n), known[n]);
        assert_true(strlen(log_category_what(n)) > 5);
        assert_true(log_set_mask(log_category_name(n), &bad));
        assert_int_equal(log_mask & (log_mask - 1), 0);
        assert_int_equal(seen & log_mask, 0);
        seen |= log_mask;
    }
    assert_int_equal(n, G_N_ELEMENTS(known));
    assert_int_equal(seen, (LOG_DEV << 1) - 1); /* the last of the enum, and all below it */
    assert_null(log_category_what(n));
    assert_null(log_category_name(UINT32_MAX));
}

static void say_some(void)
{
    log_mask = LOG_GUEST;
    log_msg(LOG_GUEST, "port %x", 0x80);
    log_msg(LOG_IO, "not wanted");
    log_guest("%s", "by macro");
    log_mask = 0;
    log_guest("off");
    log_user("%d drives", 5);
}

static void test_voices(void **state)
{
    char *text;

    (void)state;
    assert_int_equal(WEXITSTATUS(in_child(say_some, &text)), 77);
    assert_string_equal(text, "port 80\nby macro\npenumbra: 5 drives\n");
    g_free(text);
}

static void say_to_file(void)
{
    if (log_set_file(log_path))
        _exit(1);
    say_some();
}

/* -D moves the log alone: what concerns the person stays on stderr. */
static void test_file(void **state)
{
    char *text, *logged;

    (void)state;
    assert_int_equal(WEXITSTATUS(in_child(say_to_file, &text)), 77);
    assert_string_equal(text, "penumbra: 5 drives\n");
    assert_true(g_file_get_contents(log_path, &logged, NULL, NULL));
    assert_string_equal(logged, "port 80\nby macro\n"); /* though the child left without flushing */
    g_free(text);
    g_free(logged);
}

static unsigned open_files(void)
{
    GDir *d = g_dir_open("/proc/self/fd", 0, NULL);
    unsigned n = 0;

    while (d && g_dir_read_name(d))
        n++;
    if (d)
        g_dir_close(d);
    return n;
}

static void say_after_bad_file(void)
{
    char *missing = g_build_filename(dir, "none", "log", NULL), *other = NULL;
    unsigned before;
    int r;

    if (log_set_file(log_path) || log_set_file(missing) != -ENOENT)
        _exit(1);
    log_mask = LOG_GUEST;
    log_msg(LOG_GUEST, "still there");
    before = open_files();
    other = g_strconcat(log_path, "2", NULL);
    r = log_set_file(other);
    log_msg(LOG_GUEST, "elsewhere");
    g_unlink(other);
    _exit(r || !before || open_files() != before ? 2 : 77); /* the one before was closed */
}

static void test_file_errors(void **state)
{
    char *text, *logged;

    (void)state;
    assert_int_equal(WEXITSTATUS(in_child(say_after_bad_file, &text)), 77);
    assert_true(g_file_get_contents(log_path, &logged, NULL, NULL));
    assert_string_equal(logged, "still there\n");
    g_free(text);
    g_free(logged);
}

#define LONG_NAME 20000

static void say_long(void)
{
    char *name = g_strnfill(LONG_NAME, 'n');

    log_user("cannot open '%s': %s", name, "it does not exist");
}

/* A file name as long as a command line may hold does not cut off what is wrong with it. */
static void test_long_line(void **state)
{
    char *text;

    (void)state;
    assert_int_equal(WEXITSTATUS(in_child(say_long, &text)), 77);
    assert_int_equal(strlen(text),
                     LONG_NAME + strlen("penumbra: cannot open '': it does not exist\n"));
    assert_true(g_str_has_suffix(text, "n': it does not exist\n"));
    g_free(text);
}

static gpointer say_often(gpointer letter)
{
    char line[201];

    memset(line, GPOINTER_TO_INT(letter), 200);
    line[200] = 0;
    for (unsigned k = 0; k < 500; k++)
        log_msg(LOG_GUEST, "%s", line);
    return NULL;
}

static void say_in_threads(void)
{
    GThread *t[4];

    log_mask = LOG_GUEST;
    for (int k = 0; k < 4; k++)
        t[k] = g_thread_new("say", say_often, GINT_TO_POINTER('a' + k));
    for (int k = 0; k < 4; k++)
        g_thread_join(t[k]);
}

static void test_lines_stay_whole(void **state)
{
    char *text;

    (void)state;
    assert_int_equal(WEXITSTATUS(in_child(say_in_threads, &text)), 77);
    assert_int_equal(strlen(text), 4 * 500 * 201);
    for (size_t k = 0; k < 2000; k++) {
        for (size_t j = 1; j < 200; j++)
            assert_int_equal(text[k * 201 + j], text[k * 201]);
        assert_int_equal(text[k * 201 + 200], '\n');
    }
    g_free(text);
}

static int one = 1;

static void break_invariant(void)
{
    invariant(one == 1);
    invariant(one == 2);
    _exit(1);
}

static void dump(void)
{
    fputs("the state\n", stderr);
}

static void dump_badly(void)
{
    fputs("half of the state\n", stderr);
    invariant(one == 3);
}

static void break_with_dump(void)
{
    invariant_dump = dump;
    break_invariant();
}

static void break_with_bad_dump(void)
{
    invariant_dump = dump_badly;
    break_invariant();
}

static void expect_broken(void (*fn)(void), const char *first, const char *then)
{
    char *text;
    int status = in_child(fn, &text);

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_INTERNAL_ERROR);
    assert_true(g_str_has_prefix(text, "penumbra: internal error: "));
    assert_non_null(strstr(text, "test_log_error.c:"));
    assert_non_null(strstr(text, first));
    if (then)
        assert_non_null(strstr(strstr(text, first), then));
    g_free(text);
}

/* docs/exit-status.md: status 2, and the state is dumped; once, even if dumping it fails. */
static void test_broken_invariant(void **state)
{
    (void)state;
    assert_int_equal(EXIT_INTERNAL_ERROR, 2);
    expect_broken(break_invariant, "one == 2 does not hold\n", NULL);
    expect_broken(break_with_dump, "one == 2 does not hold\n", "the state\n");
    expect_broken(break_with_bad_dump, "half of the state\n", "one == 3 does not hold\n");
}

static void test_error_domain(void **state)
{
    GError *err = NULL;

    (void)state;
    g_set_error(&err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "no '%s'", "x");
    assert_true(g_error_matches(err, penumbra_error_quark(), PENUMBRA_ERROR_FILE));
    assert_false(g_error_matches(err, PENUMBRA_ERROR, PENUMBRA_ERROR_HOST));
    assert_string_equal(g_quark_to_string(err->domain), "penumbra-error");
    g_error_free(err);
}

#define LOG_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(test_mask),
        LOG_TEST(test_categories),
        LOG_TEST(test_voices),
        LOG_TEST(test_file),
        LOG_TEST(test_file_errors),
        LOG_TEST(test_long_line),
        LOG_TEST(test_lines_stay_whole),
        LOG_TEST(test_broken_invariant),
        LOG_TEST(test_error_domain),
    };
    return unit_main(tests);
}
