/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine of the headless runner over a guest that the test plays. Specs are
 * test_headless_spec.c's, results test_headless_report.c's.
 */
#include "tests/unit/unit.h"

#include "base/error.h"

#include <glib.h>

#include "base/bits.h"
#include "frontends/headless/engine.h"
#include "frontends/headless/key_names.h"
#include "machine/machine.h"

static struct {
    struct engine e;
    GArray *steps;
    uint64_t instructions;
    int64_t ns;
    int status;
    bool ends_at_key; /* the machine, while the step is being looked at */
    unsigned resets, pressed_reset, pressed_power;
    const char *screen;
    GString *keys, *sent;
    gsize room; /* of the serial line */
    bool keys_held;
    int picture;
} rig;

static uint64_t instructions(void *o)
{
    (void)o;
    return rig.instructions;
}
static int64_t time_ns(void *o)
{
    (void)o;
    return rig.ns;
}
static int status(void *o)
{
    (void)o;
    return rig.status;
}
static unsigned resets(void *o)
{
    (void)o;
    return rig.resets;
}
static char *screen(void *o)
{
    (void)o;
    return g_strdup(rig.screen);
}
static void key(void *o, enum pkey k, bool down)
{
    (void)o;
    g_string_append_printf(rig.keys, "%c%d ", down ? '+' : '-', k);
    if (rig.ends_at_key)
        rig.status = 0;
}
static bool keys_taken(void *o)
{
    (void)o;
    return !rig.keys_held;
}
static gsize send(void *o, unsigned line, const char *bytes, gsize len)
{
    (void)o;
    assert_int_equal(line, 0);
    len = MIN(len, rig.room);
    g_string_append_len(rig.sent, bytes, (gssize)len);
    return len;
}
static void press_reset(void *o)
{
    (void)o;
    rig.pressed_reset++;
}
static void press_power(void *o)
{
    (void)o;
    rig.pressed_power++;
}
static bool medium(void *o, const struct step *s, GError **err)
{
    (void)o;
    (void)s;
    return error_option(err, "the tray is stuck");
}
static int take_screenshot(void *o, const struct step *s, char **why, GError **err)
{
    (void)o;
    (void)s;
    (void)err;
    if (!rig.picture)
        *why = g_strdup("7 pixels differ");
    return rig.picture;
}

static const struct engine_ops ops = {
    .instructions = instructions,
    .time_ns = time_ns,
    .status = status,
    .resets = resets,
    .screen = screen,
    .key = key,
    .keys_taken = keys_taken,
    .send = send,
    .reset = press_reset,
    .power_button = press_power,
    .medium = medium,
    .screenshot = take_screenshot,
};

static void follow(const char *script)
{
    char **lines = g_strsplit(script, "\n", -1);

    memset(&rig, 0, sizeof(rig));
    rig.status = -1;
    rig.screen = "";
    rig.keys = g_string_new(NULL);
    rig.sent = g_string_new(NULL);
    rig.steps = g_array_new(FALSE, FALSE, sizeof(struct step));
    g_array_set_clear_func(rig.steps, (GDestroyNotify)step_clear);
    for (unsigned k = 0; lines[k]; k++) {
        struct step s;
        GError *err = NULL;

        if (!step_parse(&s, lines[k], &err))
            fail_msg("%s: %s", lines[k], err->message);
        s.line = k + 1;
        g_array_append_val(rig.steps, s);
    }
    g_strfreev(lines);
    engine_init(&rig.e, rig.steps, &ops, NULL);
}

static void done(void)
{
    engine_clear(&rig.e);
    g_array_free(rig.steps, TRUE);
    g_string_free(rig.keys, TRUE);
    g_string_free(rig.sent, TRUE);
}

static void says(const char *text)
{
    engine_said(&rig.e, SOURCE_SERIAL, text, strlen(text), rig.instructions);
}

static void runs(void)
{
    enum engine_state s = engine_poll(&rig.e);

    if (s != ENGINE_RUNS)
        fail_msg("ended early: %s", rig.e.why ? rig.e.why : "passed");
}

static void passes(void)
{
    if (engine_poll(&rig.e) != ENGINE_PASSED)
        fail_msg("not passed: %s", rig.e.why ? rig.e.why : engine_doing(&rig.e));
    done();
}

static void fails(const char *word)
{
    assert_int_equal(engine_poll(&rig.e), ENGINE_FAILED);
    if (!strstr(rig.e.why, word))
        fail_msg("not \"%s\" but \"%s\"", word, rig.e.why);
    done();
}

static void test_waits_go_forward(void **state)
{
    (void)state;
    follow("wait serial \"one\"\nwait serial /^two$/\nwait serial \"one\"");
    runs();
    says("o");
    runs();
    says("ne\r\ntwo");
    runs();
    says("\r\n");
    runs(); /* the first "one" was before */
    says("one");
    passes();
}

static void test_escape_sequences_are_no_text(void **state)
{
    (void)state;
    follow("wait serial /# $/\nwait serial /^red blue$/\nwait serial /^end$/");
    says("# \033[6");
    runs();
    says("n\n\033[1;31mred\033[0m \033(Bblue\033=\n");
    says("\033]0;title\007e\033]2;x\033\\nd\033[?25l\n");
    passes();
}

static void test_a_long_line_does_not_hide_a_match(void **state)
{
    (void)state;
    follow("wait serial \"needle\"");
    for (unsigned k = 0; k < 300; k++) {
        char straw[1001];

        memset(straw, 'x', 1000);
        straw[1000] = 0;
        says(straw);
        runs();
    }
    says("nee");
    runs();
    says("dle");
    passes();
}

static void test_what_is_forgotten_does_no_harm(void **state)
{
    char *much = g_strnfill(1 << 20, 'y');

    (void)state;
    follow("never serial \"bad\"\nwait serial \"good\"");
    for (unsigned k = 0; k < 40; k++) {
        says(much);
        runs();
    }
    assert_true(rig.e.stream[0].text->len <= TEXT_STREAM_MAX);
    says("go");
    runs();
    says("od ba");
    says("d");
    fails("it came");
    follow("never serial \"bad\"\nwait serial \"good\"");
    for (unsigned k = 0; k < 40; k++)
        says(much);
    runs();
    says("good");
    passes();
    g_free(much);
}

static void test_the_screen(void **state)
{
    (void)state;
    follow("wait screen /Pass: *[1-9]/\nexpect screen \"Errors: 0\"");
    assert_true(engine_watches_screen(&rig.e));
    rig.screen = "Pass: 0 Errors: 0";
    runs();
    rig.screen = "Pass:   2 Errors: 0";
    passes();
    follow("wait screen \"a\"\nexpect screen \"b\"");
    rig.screen = "a";
    fails("it is not there");
}

static void test_what_must_not_come(void **state)
{
    (void)state;
    follow("wait serial \"up\"\nnever serial \"panic\"\nwait serial \"end\"");
    says("panic\nup\n");
    runs(); /* before it was forbidden */
    says("pa");
    runs();
    says("nic\n");
    fails("line 2: never serial \"panic\": it came");
    follow("never screen \"Errors: 1\"\nexpect powered off");
    runs();
    rig.screen = "Errors: 1";
    fails("it came");
    follow("never serial \"panic\"\nwait serial \"end\"");
    runs();
    says("end panic"); /* together */
    fails("it came");
    follow("wait serial \"x\"\nnever screen \"y\""); /* is there when it is forbidden */
    rig.screen = "y";
    says("x");
    fails("line 2: never screen \"y\": it came");
}

static void test_counting(void **state)
{
    (void)state;
    follow("expect serial \"up\" 2 times");
    says("up up");
    passes();
    follow("expect serial \"up\" 2 times");
    says("up");
    fails("1 times");
    follow("expect serial \"up\" 2 times");
    says("up up up");
    fails("more than 2 times");
}

static void test_limits(void **state)
{
    (void)state;
    follow("limit 100 instructions\nwait serial \"x\"\nwait serial \"y\" within 10 instructions");
    runs();
    rig.instructions = 99;
    runs();
    rig.instructions = 100;
    says("x"); /* looked at late, and yet in time */
    runs();
    rig.instructions = 109;
    runs();
    rig.instructions = 110;
    fails("line 3: wait serial \"y\" within 10 instructions: not within");
    follow("wait serial \"x\" within 2 seconds");
    rig.instructions = STEP_LIMIT_INSTRUCTIONS * 2; /* seconds stand alone */
    runs();
    rig.ns = 2 * INT64_C(1000000000);
    fails("not within");
    follow("wait serial \"x\" within 50 instructions"); /* the guest has halted for good */
    runs();
    rig.ns = STEP_LIMIT_NS;
    fails("not within");
    follow("wait 3 seconds");
    runs();
    rig.ns = 3 * INT64_C(1000000000);
    passes();
}

/* Whoever looks late sees what one who looks in time does. */
static void test_a_slow_looker(void **state)
{
    (void)state;
    follow("wait serial \"x\" within 100 instructions\nwait serial \"y\" within 10 instructions");
    rig.instructions = 100;
    says("..x");
    rig.instructions = 110;
    says("y");
    rig.instructions = 5000;
    passes();
    follow("wait serial \"x\" within 100 instructions\nwait serial \"y\" within 10 instructions");
    rig.instructions = 100;
    says("x");
    rig.instructions = 111;
    says("y");
    rig.instructions = 5000;
    fails("line 2: wait serial \"y\" within 10 instructions: not within 0.0M instructions: after "
          "0.000011M");
    follow("wait serial \"x\" within 100 instructions"); /* the first look comes late */
    rig.instructions = 101;
    says("x");
    fails("after 0.000101M");
    follow("wait serial \"x\"\nnever serial \"z\"\nexpect serial \"x\"\nlimit 10 instructions\n"
           "wait serial \"y\"");
    rig.instructions = 100;
    says("x");
    rig.instructions = 111;
    says("y");
    fails("line 5");
    follow("expect exit 33 within 10 instructions");
    rig.instructions = 11;
    rig.status = 33;
    fails("after 0.000011M");
}

/* While the guest goes on nobody says that its limit is over: it may have said something since. */
static void test_limits_of_a_moving_guest(void **state)
{
    (void)state;
    follow("wait serial \"x\" within 100 instructions\nwait 50 instructions");
    assert_int_equal(engine_limit_at(&rig.e), 100);
    rig.e.moving = true;
    rig.instructions = 90;
    says("x");
    rig.instructions = 130;
    runs();
    assert_int_equal(engine_limit_at(&rig.e), 140); /* since it came */
    rig.instructions = 140;
    passes();
    assert_true(engine_limit_at(&rig.e) == UINT64_MAX);
    follow("wait serial \"x\" within 100 instructions");
    rig.e.moving = true;
    rig.instructions = 101;
    runs();
    rig.e.moving = false;
    fails("not within");
}

/* Who looks only now and then is told when a limit will be over. */
static void test_what_is_left(void **state)
{
    struct step_limit left;

    (void)state;
    follow("wait serial \"x\" within 100 instructions\nwait 3 seconds\nwait 50 instructions");
    runs();
    rig.instructions = 60;
    rig.ns = 7;
    runs();
    left = engine_left(&rig.e);
    assert_int_equal(left.instructions, 40);
    assert_int_equal(left.ns, STEP_LIMIT_NS - 7);
    says("x");
    runs();
    rig.ns += 1000;
    left = engine_left(&rig.e);
    assert_int_equal(left.instructions, 0);
    assert_int_equal(left.ns, 3 * INT64_C(1000000000) - 1000);
    rig.ns += 3 * INT64_C(1000000000);
    runs();
    left = engine_left(&rig.e);
    assert_int_equal(left.instructions, 50);
    assert_int_equal(left.ns, 0);
    rig.instructions += 50;
    passes();
    left = engine_left(&rig.e);
    assert_int_equal(left.instructions, 0);
    assert_int_equal(left.ns, 0);
}

static void test_the_end(void **state)
{
    (void)state;
    follow("expect exit 33");
    runs();
    rig.status = 33;
    passes();
    follow("expect powered off");
    runs();
    rig.status = 3;
    fails("triple fault");
    follow("wait serial \"up\"\nexpect powered off");
    runs();
    says("up");
    rig.status = 0; /* both at once */
    passes();
    follow("wait serial \"up\"");
    runs();
    rig.status = 0;
    fails("the machine powered off before that");
    follow("wait 3 seconds");
    runs();
    rig.status = 5;
    fails("ended with status 5");
}

static void test_resets(void **state)
{
    (void)state;
    follow("wait reset\nwait reset\nreset\npower button\neject cd");
    runs();
    rig.resets = 1;
    runs();
    rig.resets = 2;
    fails("line 5: eject cd: the tray is stuck");
    assert_int_equal(rig.pressed_reset, 1);
    assert_int_equal(rig.pressed_power, 1);
}

static void test_typing(void **state)
{
    char *want;

    (void)state;
    follow("keys ctrl-alt-c\ntype \"aB\"");
    while (engine_poll(&rig.e) == ENGINE_RUNS) {
        gsize moves = rig.keys->len;

        engine_poll(&rig.e); /* too early for the next */
        assert_int_equal(rig.keys->len, moves);
        rig.ns += 20000000;
    }
    want = g_strdup_printf("+%d +%d +%d -%d -%d -%d +%d -%d +%d +%d -%d -%d ", PKEY_LEFTCTRL,
                           PKEY_LEFTALT, PKEY_C, PKEY_C, PKEY_LEFTALT, PKEY_LEFTCTRL, PKEY_A,
                           PKEY_A, PKEY_LEFTSHIFT, PKEY_B, PKEY_B, PKEY_LEFTSHIFT);
    assert_string_equal(rig.keys->str, want);
    g_free(want);
    assert_int_equal(rig.e.state, ENGINE_PASSED);
    done();
    follow("type \"ab\"");
    runs();
    rig.keys_held = true; /* the guest is busy */
    rig.ns += 1000000000;
    runs();
    want = g_strdup_printf("+%d -%d ", PKEY_A, PKEY_A);
    assert_string_equal(rig.keys->str, want);
    g_free(want);
    rig.keys_held = false;
    runs();
    rig.ns += 20000000;
    passes();
    follow("type serial \"hello\\n\"");
    runs();
    rig.room = 4;
    runs();
    assert_string_equal(rig.sent->str, "hell");
    assert_int_equal(engine_poll(&rig.e), ENGINE_PASSED);
    assert_string_equal(rig.sent->str, "hello\n");
    done();
}

static void test_the_last_press_may_end_it(void **state)
{
    (void)state;
    follow("type \"x\"\nexpect powered off");
    runs();
    rig.status = 0;
    passes();
    follow("keys a ctrl-alt-b\nexpect powered off");
    runs();
    rig.ns += INT64_C(1000000000);
    rig.ends_at_key = true;
    runs(); /* it is down, and not up */
    passes();
}

static void test_screenshots_are_waited_for(void **state)
{
    (void)state;
    follow("screenshot a like x.png");
    runs();
    rig.picture = 1;
    passes();
    follow("screenshot a like x.png within 5 instructions");
    runs();
    rig.instructions = 5;
    fails("7 pixels differ");
}

static void test_a_pattern_that_explodes(void **state)
{
    char *bait = g_strnfill(5000, 'a');

    (void)state;
    follow("wait serial /^(a|aa|a?)*b$/ within 5 instructions");
    says(bait);
    rig.instructions = 0;
    engine_poll(&rig.e); /* an error or nothing found, but no hang and no crash */
    rig.instructions = 5;
    engine_poll(&rig.e);
    assert_int_equal(rig.e.state, ENGINE_FAILED);
    done();
    g_free(bait);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_go_forward),
        cmocka_unit_test(test_escape_sequences_are_no_text),
        cmocka_unit_test(test_a_long_line_does_not_hide_a_match),
        cmocka_unit_test(test_what_is_forgotten_does_no_harm),
        cmocka_unit_test(test_the_screen),
        cmocka_unit_test(test_what_must_not_come),
        cmocka_unit_test(test_counting),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_a_slow_looker),
        cmocka_unit_test(test_limits_of_a_moving_guest),
        cmocka_unit_test(test_what_is_left),
        cmocka_unit_test(test_the_end),
        cmocka_unit_test(test_resets),
        cmocka_unit_test(test_typing),
        cmocka_unit_test(test_the_last_press_may_end_it),
        cmocka_unit_test(test_screenshots_are_waited_for),
        cmocka_unit_test(test_a_pattern_that_explodes),
    };

    return unit_main(tests);
}
