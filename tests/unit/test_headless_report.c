/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the headless runner says of its guests: pictures held against each other, the lines between
 * processes, text, TAP and JUnit. */
#include "tests/unit/unit.h"

#include <glib.h>
#include <glib/gstdio.h>

#include "base/bits.h"
#include "frontends/headless/picture.h"
#include "frontends/headless/report.h"
#include "frontends/screenshot.h"

/* ---- pictures ---- */

static void test_pictures(void **state)
{
    uint32_t pixels[12] = {0x102030, 0x405060, 0xffffff, 0};
    struct vga_surface s = {.width = 3, .height = 2, .stride = 4, .pixels = pixels}, m = s;
    char *dir = g_dir_make_tmp("pictureXXXXXX", NULL), *why = NULL, *sum, *other;
    char *file = g_build_filename(dir, "a.png", NULL), *mask = g_build_filename(dir, "m.png", NULL);
    uint32_t mask_pixels[12] = {0, 1, 1, 1, 1, 1, 1, 1};
    struct picture_like like = {.file = file};
    GError *err = NULL;

    (void)state;
    m.pixels = mask_pixels;
    assert_true(screenshot_write_png(file, &s, NULL) && screenshot_write_png(mask, &m, NULL));
    sum = picture_sum(&s);
    assert_int_equal(picture_compare(&s, &like, &why, &err), 1);
    pixels[0] = 0x102034;
    other = picture_sum(&s);
    assert_string_not_equal(sum, other);
    assert_int_equal(picture_compare(&s, &like, &why, &err), 0);
    assert_string_equal(why, "1 pixels differ");
    like.tolerance = 3;
    assert_int_equal(picture_compare(&s, &like, &why, &err), 0);
    like.tolerance = 4;
    assert_int_equal(picture_compare(&s, &like, &why, &err), 1);
    like = (struct picture_like){.file = file, .pixels = 1};
    assert_int_equal(picture_compare(&s, &like, &why, &err), 1);
    like = (struct picture_like){.file = file, .mask = mask};
    assert_int_equal(picture_compare(&s, &like, &why, &err), 1);
    pixels[1] ^= 0x10; /* where the mask looks */
    assert_int_equal(picture_compare(&s, &like, &why, &err), 0);
    s.height = 1;
    assert_int_equal(picture_compare(&s, &like, &why, &err), 0);
    like.mask = dir;
    assert_int_equal(picture_compare(&s, &like, &why, &err), -1);
    assert_non_null(strstr(err->message, dir));
    g_error_free(err);
    g_unlink(file);
    g_unlink(mask);
    g_rmdir(dir);
    g_free(dir);
    g_free(file);
    g_free(mask);
    g_free(sum);
    g_free(other);
}

/* ---- results and reports ---- */

#define SUM   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeF"

static void test_result_lines(void **state)
{
    struct result r = {.verdict = VERDICT_FAILED,
                       .text = "a\tb\nc \303\251",
                       .started = true,
                       .instructions = 123,
                       .time_ns = 456,
                       .serial = SUM,
                       .state = SUM},
                  back = {0};
    static const char *const rubbish[] = {"",
                                          "passed",
                                          "passed\t1\t2\t3\t\t",
                                          "sung\t1\t2\t3\t\t\tx",
                                          "passed\t2\t2\t3\t\t\tx",
                                          "passed\t1\t-2\t3\t\t\tx",
                                          "passed\t1\t99999999999999999999\t3\t\t\tx",
                                          "passed\t1\t2\t3\ta\t\tx",
                                          "passed\t1\t2\t3\t" SUM "\t" SUM "0\tx",
                                          "passed\t1\t2\t3\t" SUM "\t" OTHER "\tx",
                                          "passed\t1\t2\t3\t\t\tx\ty"};
    char *line = result_line(&r);

    (void)state;
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    g_strchomp(line);
    assert_true(result_parse(&back, line));
    assert_int_equal(back.verdict, VERDICT_FAILED);
    assert_string_equal(back.text, r.text);
    assert_int_equal(back.instructions, 123);
    assert_int_equal(back.time_ns, 456);
    assert_string_equal(back.serial, SUM);
    assert_string_equal(back.state, SUM);
    for (unsigned k = 0; k < ARRAY_SIZE(rubbish); k++)
        assert_false(result_parse(&back, rubbish[k]));
    assert_string_equal(back.text, r.text);
    result_clear(&back);
    g_free(line);
}

static struct result failed = {.verdict = VERDICT_FAILED, .text = "a \"b\"\n#1 <c> & \001\377"};
static struct result passed = {
    .verdict = VERDICT_PASSED, .instructions = 5000000, .time_ns = 1500000000};
static struct result counted = {
    .verdict = VERDICT_PASSED, .instructions = 7, .time_ns = 1000000, .serial = SUM, .state = SUM};
static struct result skipped = {.verdict = VERDICT_SKIPPED, .text = "no # package"};
static struct result host = {.verdict = VERDICT_HOST, .text = "full"};

static const struct report_guest guests[] = {
    {"one", "d", &passed, 2, "/f/one", "run one"},
    {"two", "d", &failed, 1, "/f/two", "run 'two'"},
    {"three", "d", &skipped, 0, "/f/three", "run three"},
    {"four", "d", &host, 0, "/f/four", "run four"},
    {"five", "d", &counted, 1, "/f/five", "run five"},
};

static void test_tap(void **state)
{
    GString *s = g_string_new(NULL);

    (void)state;
    report_tap_plan(s, 3);
    for (unsigned k = 0; k < 3; k++)
        report_tap(s, k + 1, &guests[k]);
    assert_string_equal(s->str, "TAP version 13\n1..3\n"
                                "ok 1 - one\n"
                                "not ok 2 - two\n"
                                "  ---\n"
                                "  message: \"a \\\"b\\\"\\x0a#1 <c> & \\x01\377\"\n"
                                "  severity: \"fail\"\n"
                                "  artefacts: \"/f/two\"\n"
                                "  repeat: \"run 'two'\"\n"
                                "  instructions: 0\n"
                                "  guest_seconds: 0.000\n"
                                "  ...\n"
                                "ok 3 - three # SKIP no \\# package\n");
    g_string_truncate(s, 0);
    report_tap(s, 5, &guests[4]);
    assert_string_equal(s->str, "ok 5 - five\n"
                                "  ---\n"
                                "  instructions: 7\n"
                                "  guest_seconds: 0.001\n"
                                "  serial_sha256: \"" SUM "\"\n"
                                "  state_sha256: \"" SUM "\"\n"
                                "  ...\n");
    g_string_free(s, TRUE);
}

static void test_plain(void **state)
{
    GString *s = g_string_new(NULL);

    (void)state;
    report_plain(s, &guests[0]);
    assert_string_equal(s->str, "ok one (2.0 s, 5M instructions, 2 MIPS)\n");
    g_string_truncate(s, 0);
    report_plain(s, &guests[4]);
    assert_non_null(strstr(s->str, "\n  run: 7 instructions, serial " SUM ", state " SUM "\n"));
    g_string_free(s, TRUE);
}

static void test_junit(void **state)
{
    GString *s = g_string_new(NULL);
    GMarkupParser nothing = {0};
    GMarkupParseContext *c = g_markup_parse_context_new(&nothing, 0, NULL, NULL);

    (void)state;
    report_junit(s, guests, ARRAY_SIZE(guests));
    assert_true(g_utf8_validate(s->str, -1, NULL));
    assert_true(g_markup_parse_context_parse(c, s->str, (gssize)s->len, NULL));
    assert_true(g_markup_parse_context_end_parse(c, NULL));
    assert_non_null(strstr(s->str, "tests=\"5\" failures=\"1\" errors=\"1\" skipped=\"1\""));
    assert_non_null(strstr(s->str, "message=\"a &quot;b&quot;\n#1 &lt;c&gt; &amp; ?"));
    assert_non_null(strstr(s->str, "<skipped message=\"no # package\"/>"));
    assert_non_null(strstr(s->str, "<error message=\"full\">"));
    assert_non_null(strstr(s->str, "<property name=\"instructions\" value=\"5000000\"/>"));
    assert_non_null(strstr(s->str, "<property name=\"state_sha256\" value=\"" SUM "\"/>"));
    assert_null(strchr(s->str, 1));
    g_markup_parse_context_free(c);
    g_string_free(s, TRUE);
}

static void test_the_summary(void **state)
{
    struct report_counts c = {0};
    GString *s = g_string_new(NULL);

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(guests); k++)
        report_count(&c, guests[k].result);
    report_summary(s, &c);
    assert_string_equal(s->str, "2 passed, 2 failed, 1 skipped\n");
    g_string_free(s, TRUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pictures), cmocka_unit_test(test_result_lines),
        cmocka_unit_test(test_plain),    cmocka_unit_test(test_tap),
        cmocka_unit_test(test_junit),    cmocka_unit_test(test_the_summary),
    };

    return unit_main(tests);
}
