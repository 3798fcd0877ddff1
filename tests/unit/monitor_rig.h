/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests of monitors: a machine of machine_rig.h with a monitor on a unix socket, and a client
 * of it, while the main loop is turned by hand.
 */
#ifndef TESTS_UNIT_MONITOR_RIG_H
#define TESTS_UNIT_MONITOR_RIG_H

#include "tests/unit/machine_rig.h"

#include <errno.h>
#include <jansson.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "frontends/monitor/command.h"
#include "frontends/monitor/session.h"
#include "machine/board.h"

static struct monitor *monitor;
static char *place;
static GString *got; /* what the client has read and nobody has looked at */

static inline void open_monitor(enum monitor_kind kind)
{
    static const struct monitor_chardev chr = {"serial0", "null"};
    struct monitor_address address = {.kind = kind, .place = {.type = PLACE_UNIX, .server = true}};
    struct monitor_config m = {.machine = machine,
                               .name = "guest",
                               .version = "1.2.3",
                               .qemu_version = "4.5.6",
                               .start_paused = cfg.start_paused,
                               .address = &address,
                               .n_addresses = 1,
                               .chardev = &chr,
                               .n_chardevs = 1};
    GError *err = NULL;

    place = g_build_filename(dir, "monitor", NULL);
    g_strlcpy(address.place.path, place, sizeof(address.place.path));
    monitor = monitor_new(&m, &err);
    if (!monitor)
        fail_msg("%s", err->message);
}

/* A machine that runs this code, with a monitor. */
static inline void begin(const uint8_t *code, size_t len, enum monitor_kind kind)
{
    build(code, len);
    open_monitor(kind);
    start();
    got = g_string_new(NULL);
}

#define BEGIN(kind, ...)                                                                           \
    begin((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), kind)

static inline int teardown_monitor(void **state)
{
    monitor_free(monitor);
    monitor = NULL;
    g_free(place);
    place = NULL;
    if (got)
        g_string_free(got, TRUE);
    got = NULL;
    return teardown(state);
}

#define MONITOR_TEST(fn)     cmocka_unit_test_setup_teardown(fn, setup, teardown_monitor)
#define MONITOR_TEST_SMP(fn) cmocka_unit_test_setup_teardown(fn, setup_smp, teardown_monitor)

/* ---- the client ---- */

static inline int client_new(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    g_strlcpy(name.sun_path, place, sizeof(name.sun_path));
    assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    return fd;
}

static inline void turn(void)
{
    if (!g_main_context_iteration(NULL, FALSE))
        g_usleep(200);
}

/* Reads what there is; false at the end of the stream. */
static inline bool take(int fd)
{
    char buf[4096];
    ssize_t n;

    while ((n = read(fd, buf, sizeof(buf))) > 0)
        g_string_append_len(got, buf, n);
    return n < 0;
}

/* Sends all of it; what comes back meanwhile is read. */
static inline void say(int fd, const void *text, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = send(fd, (const char *)text + done, len - done, MSG_NOSIGNAL);

        if (n > 0)
            done += (size_t)n;
        else
            assert_int_equal(errno, EAGAIN);
        take(fd);
        turn();
    }
}

static inline void say_line(int fd, const char *text)
{
    say(fd, text, strlen(text));
    say(fd, "\n", 1);
}

/* The text up to `end`, which is cut off, once it is there (g_free). */
static inline char *read_until(int fd, const char *end)
{
    int64_t limit = g_get_monotonic_time() + LIMIT_S * G_USEC_PER_SEC;
    char *at, *text;

    while (!(at = strstr(got->str, end))) {
        take(fd);
        turn();
        if (g_get_monotonic_time() > limit)
            fail_msg("no \"%s\" came, only \"%s\"", end, got->str);
    }
    text = g_strndup(got->str, (gsize)(at - got->str));
    g_string_erase(got, 0, at - got->str + (gssize)strlen(end));
    return text;
}

/* The stream ends. */
static inline void read_end(int fd)
{
    int64_t limit = g_get_monotonic_time() + LIMIT_S * G_USEC_PER_SEC;

    while (take(fd)) {
        turn();
        assert_true(g_get_monotonic_time() < limit);
    }
}

/* As wait_end, which the end must not have come before. */
static inline void wait_over(void)
{
    int64_t limit = g_get_monotonic_time() + LIMIT_S * G_USEC_PER_SEC;

    while (!ends) {
        turn();
        assert_true(g_get_monotonic_time() < limit);
    }
}

/* The next JSON text from the server. */
static inline json_t *read_json(int fd)
{
    char *line = read_until(fd, "\r\n");
    json_t *j = json_loads(line, 0, NULL);

    if (!j)
        fail_msg("not JSON: %s", line);
    g_free(line);
    return j;
}

/* Events that came in front of replies, in their order. */
static json_t *events[64];
static unsigned n_events;

static inline json_t *read_reply(int fd)
{
    json_t *j = read_json(fd);

    while (json_object_get(j, "event")) {
        assert_true(n_events < 64);
        events[n_events++] = j;
        j = read_json(fd);
    }
    return j;
}

/* The next event of this name. */
static inline json_t *expect_event(int fd, const char *name)
{
    json_t *j = NULL;

    for (unsigned k = 0; k < n_events; k++) {
        if (!strcmp(json_string_value(json_object_get(events[k], "event")), name)) {
            j = events[k];
            memmove(&events[k], &events[k + 1], (--n_events - k) * sizeof(events[0]));
            return j;
        }
    }
    j = read_json(fd);
    if (strcmp(args_string(j, "event", "no event"), name))
        fail_msg("%s came, not %s", json_dumps(j, 0), name);
    return j;
}

static inline void forget_events(void)
{
    while (n_events)
        json_decref(events[--n_events]);
}

/* A QMP client past the negotiation. */
static inline int qmp_client(void)
{
    int fd = client_new();
    json_t *j = read_json(fd);

    if (!json_object_get(j, "QMP"))
        fail_msg("%s is no greeting", json_dumps(j, 0));
    json_decref(j);
    say_line(fd, "{\"execute\": \"qmp_capabilities\"}");
    j = read_json(fd);
    assert_non_null(json_object_get(j, "return"));
    json_decref(j);
    return fd;
}

/* What a command returns (the caller's). */
static inline json_t *execute(int fd, const char *command)
{
    json_t *j, *r;

    say_line(fd, command);
    j = read_reply(fd);
    r = json_object_get(j, "return");
    if (!r)
        fail_msg("%s: %s", command, json_dumps(j, 0));
    json_incref(r);
    json_decref(j);
    return r;
}

static inline void execute_ok(int fd, const char *command)
{
    json_decref(execute(fd, command));
}

static inline void refused(int fd, const char *command, const char *error_class, const char *part)
{
    json_t *j, *e;

    say_line(fd, command);
    j = read_reply(fd);
    e = json_object_get(j, "error");
    if (!e)
        fail_msg("%s: %s", command, json_dumps(j, 0));
    assert_string_equal(args_string(e, "class", ""), error_class);
    if (!strstr(args_string(e, "desc", ""), part))
        fail_msg("%s: \"%s\", without \"%s\"", command, args_string(e, "desc", ""), part);
    json_decref(j);
}

#endif
