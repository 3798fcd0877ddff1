/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the headless runner's specs and their steps say, and how bad ones are refused. */
#include "tests/unit/unit.h"

#include "base/error.h"

#include <glib.h>
#include <glib/gstdio.h>

#include "base/bits.h"
#include "frontends/headless/spec.h"
#include "machine/drives.h"

/* ---- specs ---- */

#define GUEST   "[guest]\ndescription = a guest\n"
#define MACHINE "[machine]\noptions = -m 1M\n"
#define SCRIPT  "[script]\nexpect powered off\n"

static struct spec *good(const char *text)
{
    GError *err = NULL;
    struct spec *s = spec_parse("some/where/name.ini", text, &err);

    if (!s)
        fail_msg("refused: %s", err->message);
    return s;
}

static void test_a_whole_spec(void **state)
{
    struct spec *s = good("# a comment\n"
                          "[guest]\n"
                          "name = other-name\n"
                          "description = a = b [c]\n"
                          "tags = ci slow,  big\n"
                          "guard = 60\n"
                          "\n"
                          "[image]\n"
                          "one = package pkg usr/file\n"
                          "two = run make it \"a b\" ${image.one}\n"
                          "[machine]\n"
                          "; another\n"
                          "options = -m 64M\n"
                          "    -append \"x y\"\n"
                          "    # and one\n"
                          "    -kernel ${image.two}\n"
                          "[script]\n"
                          "  wait serial /a\\/b/   # why\n"
                          "expect exit 33\n");
    const struct spec_image *two = g_ptr_array_index(s->images, 1);

    (void)state;
    assert_string_equal(s->name, "other-name");
    assert_string_equal(s->description, "a = b [c]");
    assert_true(spec_has_tag(s, "slow") && spec_has_tag(s, "big") && !spec_has_tag(s, "small"));
    assert_int_equal(s->guard_s, 60);
    assert_int_equal(s->images->len, 2);
    assert_int_equal(two->how, IMAGE_RUN);
    assert_string_equal(two->argv[3], "a b");
    assert_int_equal(g_strv_length(s->options), 6);
    assert_string_equal(s->options[3], "x y");
    assert_string_equal(s->options[5], "${image.two}");
    assert_int_equal(s->steps->len, 2);
    assert_int_equal(g_array_index(s->steps, struct step, 0).line, 18);
    assert_string_equal(g_regex_get_pattern(g_array_index(s->steps, struct step, 0).regex), "a/b");
    assert_int_equal(g_array_index(s->steps, struct step, 1).status, 33);
    spec_free(s);
}

static void test_the_file_names_the_guest(void **state)
{
    struct spec *s = good(GUEST MACHINE SCRIPT);

    (void)state;
    assert_string_equal(s->name, "name");
    assert_int_equal(s->guard_s, SPEC_GUARD_S);
    spec_free(s);
}

/* Refused with that place and some word. */
static void bad(const char *text, unsigned line, const char *word)
{
    GError *err = NULL;
    struct spec *s = spec_parse("x.ini", text, &err);
    char *place = g_strdup_printf("x.ini:%u: ", line);

    if (s)
        fail_msg("taken: %s", text);
    if (!g_str_has_prefix(err->message, place) || !strstr(err->message, word) ||
        strchr(err->message, '\n'))
        fail_msg("not \"%s...%s\" but \"%s\"", place, word, err->message);
    g_error_free(err);
    g_free(place);
}

static void test_bad_specs(void **state)
{
    (void)state;
    bad("", 1, "no description");
    bad("\n\n", 3, "no description");
    bad(GUEST MACHINE, 5, "no step");
    bad(GUEST SCRIPT, 5, "no options");
    bad("name = x\n", 1, "[section]");
    bad("[geust]\n", 1, "did you mean 'guest'?");
    bad("[guest] x\n", 1, "alone");
    bad(GUEST "[guest]\n", 3, "twice");
    bad("[guest]\nfrobnicate\n", 2, "key = value");
    bad("[guest]\ndescripton = x\n", 2, "did you mean 'description'?");
    bad("[guest]\nname =\n", 2, "no value");
    bad("[guest]\nname = ../../etc\n", 2, "a-z");
    bad("[guest]\nname = a\nname = b\n", 3, "twice");
    bad("[guest]\ntags = a $b\n", 2, "tag");
    bad("[guest]\nguard = 0\n", 2, "guard");
    bad("[guest]\nguard = 99999999999999999999\n", 2, "guard");
    bad("[image]\nx = steal this\n", 2, "way to an image");
    bad("[image]\nx = file\n", 2, "one file");
    bad("[image]\nx = package y\n", 2, "path");
    bad("[image]\nx = run\n", 2, "program");
    bad("[image]\nx = file 'y\n", 2, "");
    bad("[image]\nx = file ${image.x}\n", 2, "${image.x}");
    bad("[image]\nx = file a\nx = file b\n", 3, "twice");
    bad("[machine]\noptions = -kernel ${image.none}\n", 2, "${image.none}");
    bad("[machine]\noptions = -kernel ${dir\n", 2, "never closed");
    bad("[machine]\noptions = -m '1\n", 2, "");
    bad("[machine]\nram = 1\n", 2, "ram");
    bad("[script]\n\nwiat serial \"x\"\n", 3, "did you mean 'wait'?");
    bad("[script]\ninsert cd ${image.gone}\n", 2, "${image.gone}");
}

static void test_an_unreadable_file(void **state)
{
    GError *err = NULL;
    char *path = NULL;
    int fd = g_file_open_tmp("specXXXXXX", &path, NULL);

    (void)state;
    assert_null(spec_load("/nowhere/at/all.ini", &err));
    assert_non_null(strstr(err->message, "/nowhere/at/all.ini"));
    g_clear_error(&err);
    assert_true(g_file_set_contents(path, "[guest]\0\n", 9, NULL));
    assert_null(spec_load(path, &err));
    assert_non_null(strstr(err->message, "no spec"));
    g_clear_error(&err);
    g_unlink(path);
    g_free(path);
    g_close(fd, NULL);
}

/* ---- steps ---- */

static struct step step(const char *line)
{
    struct step s;
    GError *err = NULL;

    if (!step_parse(&s, line, &err))
        fail_msg("%s: %s", line, err->message);
    return s;
}

static void test_steps(void **state)
{
    struct step s = step("wait screen \"a.b\" within 3G instructions");

    (void)state;
    assert_int_equal(s.kind, STEP_WAIT_TEXT);
    assert_int_equal(s.source, SOURCE_SCREEN);
    assert_int_equal(s.within.instructions, 3000000000);
    assert_true(g_regex_match(s.regex, "a.b", 0, NULL));
    assert_false(g_regex_match(s.regex, "axb", 0, NULL)); /* fixed text */
    step_clear(&s);
    s = step("wait 1.5 seconds");
    assert_int_equal(s.kind, STEP_WAIT_TIME);
    assert_int_equal(s.within.ns, 1500000000);
    step_clear(&s);
    s = step("type \"aB\\n\"");
    assert_int_equal(s.chords->len, 3);
    assert_int_equal(g_array_index(s.chords, struct chord, 0).n, 1);
    assert_int_equal(g_array_index(s.chords, struct chord, 1).n, 2);
    assert_int_equal(g_array_index(s.chords, struct chord, 1).key[0], PKEY_LEFTSHIFT);
    assert_int_equal(g_array_index(s.chords, struct chord, 2).key[0], PKEY_ENTER);
    step_clear(&s);
    s = step("type serial3 \"x\\ty\\\"\"");
    assert_int_equal(s.source, 2);
    assert_string_equal(s.bytes, "x\ty\"");
    step_clear(&s);
    s = step("keys ctrl-alt-delete f2 a");
    assert_int_equal(s.chords->len, 3);
    assert_int_equal(g_array_index(s.chords, struct chord, 0).n, 3);
    assert_int_equal(g_array_index(s.chords, struct chord, 0).key[2], PKEY_DELETE);
    step_clear(&s);
    s = step("screenshot boot like ${dir}/x.png mask m.png tolerance 4 pixels 20 within 5 seconds");
    assert_string_equal(s.mask, "m.png");
    assert_int_equal(s.tolerance, 4);
    assert_int_equal(s.pixels, 20);
    assert_int_equal(s.within.ns, 5000000000);
    step_clear(&s);
    s = step("eject cd");
    assert_int_equal(s.drive, MACHINE_FIRST_CD);
    assert_null(s.file);
    step_clear(&s);
    s = step("insert 2 a.iso");
    assert_int_equal(s.drive, 2);
    step_clear(&s);
}

static void test_bad_steps(void **state)
{
    static const struct {
        const char *line, *word;
    } lines[] = {
        {"\"text\"", "a step"},
        {"wait", "source of text is missing"},
        {"wait serail \"x\"", "did you mean 'serial'?"},
        {"wait serial", "look for"},
        {"wait serial x", "look for"},
        {"wait serial \"\"", "look for"},
        {"wait serial \"x", "never closed"},
        {"wait serial /x/y", "right behind"},
        {"wait serial /(/", "missing"},
        {"wait serial \"x\" within", "a number is missing"},
        {"wait serial \"x\" within 5", "'instructions' or 'seconds'"},
        {"wait serial \"x\" within 0 instructions", "no number"},
        {"wait serial \"x\" within 5T instructions", "no number"},
        {"wait serial \"x\" within 99999999999999999999 instructions", "no number"},
        {"wait serial \"x\" within -1 seconds", "no number"},
        {"wait serial \"x\" within nan seconds", "no number"},
        {"wait 5 seconds within 5 seconds", "too much"},
        {"wait serial \"x\" please", "too much"},
        {"expect exit 256", "0 to 255"},
        {"expect powered on", "'off'"},
        {"expect serial \"x\" 0 times", "never"},
        {"expect serial \"x\" 2", "'times'"},
        {"expect screen \"x\" 2 times", "nothing is counted"},
        {"type \"\\001\"", "code 1"},
        {"type debugcon \"x\"", "debug console"},
        {"type serial", "is missing"},
        {"keys ctrl-alt-delet", "did you mean 'delete'?"},
        {"keys a-b-c-d-e-f-g", "more than"},
        {"keys", "a key is missing"},
        {"screenshot A/B", "a-z"},
        {"screenshot a sha256 12", "64"},
        {"screenshot a tolerance 3", "like"},
        {"screenshot a like x.png tolerance 256", "0 to 255"},
        {"screenshot a shinier", "shinier"},
        {"insert 4 x", "0 to 3"},
        {"eject floppy", "drive"},
        {"limit 5", "'instructions' or 'seconds'"},
        {"power switch", "'button'"},
        {"reset now", "too much"},
    };

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(lines); k++) {
        GError *err = NULL;
        struct step s;

        if (step_parse(&s, lines[k].line, &err))
            fail_msg("taken: %s", lines[k].line);
        if (!strstr(err->message, lines[k].word))
            fail_msg("%s: not \"%s\" but \"%s\"", lines[k].line, lines[k].word, err->message);
        g_error_free(err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_spec), cmocka_unit_test(test_the_file_names_the_guest),
        cmocka_unit_test(test_bad_specs),    cmocka_unit_test(test_an_unreadable_file),
        cmocka_unit_test(test_steps),        cmocka_unit_test(test_bad_steps),
    };

    return unit_main(tests);
}
