/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP as a client sees it: the protocol, its errors, and clients that behave badly. */
#include "tests/unit/monitor_rig.h"

#include "frontends/monitor/json_frame.h"

#define COUNTS 0xf0, 0xff, 0x06, 0x00, 0x05, 0xeb, 0xf9 /* [0x500]++ for ever */

/* ---- framing ---- */

/* What framing makes of a text that comes in pieces of `piece` bytes: the frames and complaints,
 * each in brackets. */
static char *frames(const char *text, size_t len, size_t piece)
{
    struct json_frame f;
    GString *out = g_string_new(NULL);
    size_t taken;
    const char *why;

    json_frame_init(&f);
    for (size_t at = 0; at < len; at += taken) {
        size_t n = MIN(piece, len - at);

        switch (json_frame_feed(&f, (const uint8_t *)text + at, n, &taken, &why)) {
        case JSON_FRAME_WHOLE: g_string_append_printf(out, "<%s>", f.text->str); break;
        case JSON_FRAME_BAD: g_string_append(out, "<!>"); break;
        case JSON_FRAME_MORE: assert_int_equal(taken, n); break;
        }
    }
    json_frame_clear(&f);
    return g_string_free(out, FALSE);
}

static void test_frames(void **state)
{
    static const struct {
        const char *text, *frames;
    } cases[] = {
        {"{}{}[1,2] {\"a\":\"}\"}", "<{}><{}><[1,2]><{\"a\":\"}\"}>"},
        {"{\"a\\\"}\":1}\n{}", "<{\"a\\\"}\":1}><{}>"},
        {"\"x\" 12 true,", "<\"x\"><12><true><!>"},
        {"12{}", "<12><{}>"},
        {"  \r\n\t", ""},
        {"}{}", "<!><{}>"},
        {"{]{}", "<!><{}>"},
        {"[}\n[]", "<!><[]>"},
        {"{\"a\nb\"}\n{}", "<!><{}>"},
        {"@@@@@@\n{}", "<!><{}>"},
        {"{\"a\": [\xff{}", "<{}>"},
        {"{\"a\": \"\xff\n{}", "<{}>"},
    };

    (void)state;
    for (unsigned k = 0; k < G_N_ELEMENTS(cases); k++) {
        for (size_t piece = 1; piece < 9; piece++) {
            char *made = frames(cases[k].text, strlen(cases[k].text), piece);

            assert_string_equal(made, cases[k].frames);
            g_free(made);
        }
    }
}

static void test_frame_bounds(void **state)
{
    GString *s = g_string_new(NULL);
    char *made;

    (void)state;
    for (unsigned k = 0; k < JSON_FRAME_DEPTH; k++)
        g_string_append_c(s, '[');
    for (unsigned k = 0; k < JSON_FRAME_DEPTH; k++)
        g_string_append_c(s, ']');
    made = frames(s->str, s->len, 4096);
    assert_int_equal(strlen(made), s->len + 2);
    g_free(made);
    g_string_assign(s, "");
    for (unsigned k = 0; k < 4 * JSON_FRAME_DEPTH; k++)
        g_string_append_c(s, '[');
    g_string_append(s, "\n{}");
    made = frames(s->str, s->len, 4096);
    assert_string_equal(made, "<!><{}>");
    g_free(made);
    g_string_assign(s, "");
    for (unsigned k = 0; k <= JSON_FRAME_DEPTH; k++)
        g_string_append_c(s, '[');
    for (unsigned k = 0; k <= JSON_FRAME_DEPTH; k++)
        g_string_append_c(s, ']');
    g_string_append(s, "\n{}");
    made = frames(s->str, s->len, 4096);
    assert_string_equal(made, "<!><{}>");
    g_free(made);
    g_string_assign(s, "\"");
    for (unsigned k = 0; k < 2 * JSON_FRAME_MAX; k++)
        g_string_append_c(s, 'x');
    g_string_append(s, "\"\n{}");
    made = frames(s->str, s->len, 4096);
    assert_string_equal(made, "<!><{}>");
    g_free(made);
    g_string_assign(s, "");
    for (unsigned k = 0; k < 2 * JSON_FRAME_MAX; k++)
        g_string_append_c(s, '1');
    g_string_append(s, "\n{}");
    made = frames(s->str, s->len, 4096);
    assert_string_equal(made, "<!><{}>");
    g_free(made);
    g_string_free(s, TRUE);
}

/* ---- addresses ---- */

static void test_addresses(void **state)
{
    static const char *const wrong[] = {
        "",
        "unix:",
        "unix:/x,sever",
        "tcp:1.2.3.4:5",
        "tcp:localhost",
        "tcp::70000",
        "stdio,server=on",
        "unix:/x,server=mayb",
        "tcp:example.org:1",
        "vc",
    };
    struct socket_place a = {0};

    (void)state;
    assert_true(socket_place_parse("-qmp", "unix:/tmp/a,,b,server=on,wait=off", &a, NULL));
    assert_string_equal(a.path, "/tmp/a,b");
    assert_true(a.type == PLACE_UNIX && a.server && !a.wait);
    assert_true(socket_place_parse("-qmp", "unix:x,server", &a, NULL));
    assert_true(a.server && a.wait);
    assert_true(socket_place_parse("-qmp", "tcp::4444,server,nowait", &a, NULL));
    assert_string_equal(a.host, "127.0.0.1");
    assert_int_equal(a.port, 4444);
    assert_true(a.server && !a.wait);
    assert_true(socket_place_parse("-qmp", "tcp:[::1]:0", &a, NULL));
    assert_string_equal(a.host, "::1");
    assert_true(socket_place_parse("-qmp", "stdio", &a, NULL));
    assert_true(socket_place_parse("-qmp", "none", &a, NULL));
    for (unsigned k = 0; k < G_N_ELEMENTS(wrong); k++) {
        GError *err = NULL;

        if (socket_place_parse("-qmp", wrong[k], &a, &err))
            fail_msg("took %s", wrong[k]);
        assert_non_null(strstr(err->message, "-qmp"));
        g_error_free(err);
    }
}

/* ---- the protocol ---- */

static void test_negotiation(void **state)
{
    json_t *j;
    int fd;

    (void)state;
    BEGIN(MONITOR_QMP, COUNTS);
    fd = client_new();
    j = read_json(fd);
    assert_int_equal(json_array_size(json_object_get(json_object_get(j, "QMP"), "capabilities")),
                     0);
    json_decref(j);
    refused(fd, "{\"execute\": \"query-status\"}", "CommandNotFound", "qmp_capabilities");
    refused(fd, "{\"execute\": \"qmp_capabilities\", \"arguments\": {\"enable\": [\"oob\"]}}",
            "GenericError", "'oob'");
    refused(fd, "{\"execute\": \"query-status\"}", "CommandNotFound", "qmp_capabilities");
    execute_ok(fd, "{\"execute\": \"qmp_capabilities\", \"arguments\": {\"enable\": []}}");
    refused(fd, "{\"execute\": \"qmp_capabilities\"}", "CommandNotFound", "already");
    close(fd);
    fd = client_new(); /* which has to negotiate anew */
    j = read_json(fd);
    assert_non_null(json_object_get(j, "QMP"));
    json_decref(j);
    refused(fd, "{\"execute\": \"stop\"}", "CommandNotFound", "qmp_capabilities");
    assert_false(machine_paused(machine));
    close(fd);
}

static void test_form(void **state)
{
    int fd;

    (void)state;
    BEGIN(MONITOR_QMP, COUNTS);
    fd = qmp_client();
    refused(fd, "[]", "GenericError", "must be a JSON object");
    refused(fd, "12", "GenericError", "must be a JSON object");
    refused(fd, "{}", "GenericError", "lacks member 'execute'");
    refused(fd, "{\"execute\": 1}", "GenericError", "'execute' must be a string");
    refused(fd, "{\"execute\": \"stop\", \"arguments\": []}", "GenericError",
            "'arguments' must be an object");
    refused(fd, "{\"execute\": \"stop\", \"argument\": {}}", "GenericError",
            "'argument' is unexpected");
    refused(fd, "{\"execute\": \"frobnicate\"}", "CommandNotFound", "frobnicate");
    refused(fd, "{\"execute\" \"stop\"}", "GenericError", "JSON parse error");
    refused(fd, "{\"execute\": \"stop\", \"execute\": \"cont\"}", "GenericError",
            "JSON parse error");
    refused(fd, "{\"execute\": \"pmemsave\", \"arguments\": {\"val\": 99999999999999999999999}}",
            "GenericError", "JSON parse error");
    refused(fd, "{\"execute\": \"stop\\u0000\"}", "GenericError", "JSON parse error");
    refused(fd, "{\"execute\": \"\xc3\x28\"}", "GenericError", "JSON parse error");
    close(fd);
}

static void test_id(void **state)
{
    static const char *const ids[] = {"1", "\"x\"", "null", "{\"a\": [1, 2.5]}", "[true]"};
    int fd;

    (void)state;
    BEGIN(MONITOR_QMP, COUNTS);
    fd = qmp_client();
    for (unsigned k = 0; k < G_N_ELEMENTS(ids); k++) {
        json_t *want = json_loads(ids[k], JSON_DECODE_ANY, NULL), *j;

        for (unsigned n = 0; n < 2; n++) {
            char *text = g_strdup_printf("{\"execute\": \"%s\", \"id\": %s}",
                                         n ? "query-name" : "nothing", ids[k]);

            say_line(fd, text);
            j = read_reply(fd);
            assert_true(json_equal(json_object_get(j, "id"), want));
            assert_non_null(json_object_get(j, n ? "return" : "error"));
            json_decref(j);
            g_free(text);
        }
        json_decref(want);
    }
    close(fd);
}

static void test_arguments(void **state)
{
    int fd;

    (void)state;
    BEGIN(MONITOR_QMP, COUNTS);
    fd = qmp_client();
    refused(fd, "{\"execute\": \"pmemsave\"}", "GenericError", "Parameter 'val' is missing");
    refused(fd,
            "{\"execute\": \"pmemsave\", \"arguments\": {\"val\": \"0\", \"size\": 1, "
            "\"filename\": \"x\"}}",
            "GenericError", "Invalid parameter type for 'val', expected: integer");
    refused(fd,
            "{\"execute\": \"pmemsave\", \"arguments\": {\"val\": 0.5, \"size\": 1, "
            "\"filename\": \"x\"}}",
            "GenericError", "'val', expected: integer");
    refused(fd, "{\"execute\": \"stop\", \"arguments\": {\"hard\": true}}", "GenericError",
            "Parameter 'hard' is unexpected");
    refused(fd, "{\"execute\": \"eject\", \"arguments\": {\"device\": 1}}", "GenericError",
            "'device', expected: string");
    refused(fd, "{\"execute\": \"eject\", \"arguments\": {\"device\": \"x\", \"force\": 1}}",
            "GenericError", "'force', expected: boolean");
    refused(fd, "{\"execute\": \"send-key\", \"arguments\": {\"keys\": {}}}", "GenericError",
            "'keys', expected: array");
    close(fd);
}

/* ---- clients that behave badly ---- */

/* The server still answers. */
static void expect_well(int fd)
{
    static const char text[] = "\xff\n{\"execute\": \"query-name\", \"id\": \"well\"}\n";
    char *junk;

    say(fd, text, sizeof(text) - 1);
    junk = read_until(fd, "\"id\": \"well\"}\r\n");
    g_free(junk);
}

static void test_garbage(void **state)
{
    GRand *r = g_rand_new_with_seed(5);
    uint8_t buf[1000];
    int fd;

    (void)state;
    BEGIN(MONITOR_QMP, COUNTS);
    fd = qmp_client();
    for (unsigned round = 0; round < 300; round++) {
        static const char likely[] = "{}[]\",:\\ 0truenull\n";

        for (unsigned k = 0; k < sizeof(buf); k++)
            buf[k] = round % 2 ? (uint8_t)g_rand_int(r)
                               : (uint8_t)likely[g_rand_int_range(r, 0, sizeof(likely) - 1)];
        say(fd, buf, sizeof(buf));
        if (round % 16 == 0)
            expect_well(fd);
        g_string_truncate(got, 0);
    }
    expect_well(fd);
    for (unsigned k = 0; k < 100000; k++)
        say(fd, "[{\"a\":", 6);
    expect_well(fd);
    g_rand_free(r);
    close(fd);
}

/* It asks and asks and reads nothing. */
static void test_never_reads(void **state)
{
    static const char ask[] = "{\"execute\": \"query-commands\"}";
    const struct session *s;
    uint64_t ran;
    unsigned stuck = 0;
    int fd;

    (void)state;
    BEGIN(MONITOR_QMP, COUNTS);
    fd = qmp_client();
    s = monitor->sessions->pdata[0];
    for (unsigned k = 0; k < 1000000 && stuck < 200; k++) {
        if (send(fd, ask, strlen(ask), MSG_NOSIGNAL) > 0)
            stuck = 0;
        else
            stuck++;
        turn();
        assert_true(wire_queued(s->wire) < WIRE_FULL + 65536);
    }
    assert_true(stuck >= 200);
    ran = machine_instructions(machine);
    for (unsigned k = 0; k < LIMIT_S * 1000 && machine_instructions(machine) == ran; k++)
        g_usleep(1000);
    assert_true(machine_instructions(machine) != ran);
    /* events come all the same, until it is too much: then the client goes */
    for (unsigned k = 0; k < 1000000 && wire_open(s->wire); k++)
        monitor_event(monitor, "STOP", NULL, 1);
    assert_false(wire_open(s->wire));
    assert_int_equal(wire_queued(s->wire), 0);
    close(fd);
    fd = qmp_client();
    execute_ok(fd, "{\"execute\": \"query-status\"}");
    close(fd);
}

/* Input that was not taken at first is obeyed once the client reads. */
static void test_reads_late(void **state)
{
    static const char ask[] = "{\"execute\": \"query-commands\"}";
    unsigned sent = 0, stuck = 0;
    int fd;

    (void)state;
    BEGIN(MONITOR_QMP, COUNTS);
    fd = qmp_client();
    while (stuck < 200) {
        ssize_t n = send(fd, ask, strlen(ask), MSG_NOSIGNAL);

        assert_true(n < 0 || n == (ssize_t)strlen(ask));
        sent += n > 0;
        stuck = n > 0 ? 0 : stuck + 1;
        turn();
    }
    assert_true(sent > 100);
    while (sent--)
        json_decref(read_reply(fd));
    assert_int_equal(got->len, 0);
    execute_ok(fd, "{\"execute\": \"query-status\"}");
    close(fd);
}

static void test_half_closed(void **state)
{
    json_t *j;
    int fd;

    (void)state;
    BEGIN(MONITOR_QMP, COUNTS);
    fd = qmp_client();
    say(fd, "{\"execute\": \"query-name\"}{\"execute\"", 34);
    shutdown(fd, SHUT_WR);
    j = read_reply(fd);
    assert_string_equal(args_string(json_object_get(j, "return"), "name", ""), "guest");
    json_decref(j);
    read_end(fd);
    close(fd);
    fd = qmp_client();
    execute_ok(fd, "{\"execute\": \"query-status\"}");
    close(fd);
}

/* A second client waits until the first has gone. */
static void test_two_clients(void **state)
{
    json_t *j;
    int first, second;

    (void)state;
    BEGIN(MONITOR_QMP, COUNTS);
    first = qmp_client();
    second = client_new();
    execute_ok(first, "{\"execute\": \"query-status\"}");
    assert_true(take(second));
    assert_int_equal(got->len, 0);
    close(first);
    j = read_json(second);
    assert_non_null(json_object_get(j, "QMP"));
    json_decref(j);
    close(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames),    cmocka_unit_test(test_frame_bounds),
        cmocka_unit_test(test_addresses), MONITOR_TEST(test_negotiation),
        MONITOR_TEST(test_form),          MONITOR_TEST(test_id),
        MONITOR_TEST(test_arguments),     MONITOR_TEST(test_garbage),
        MONITOR_TEST(test_never_reads),   MONITOR_TEST(test_reads_late),
        MONITOR_TEST(test_half_closed),   MONITOR_TEST(test_two_clients),
    };

    return unit_main(tests);
}
