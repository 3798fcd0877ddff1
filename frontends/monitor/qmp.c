/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One QMP client: the greeting, negotiation, and commands to replies. The protocol is that of
 * QEMU's docs/interop/qmp-spec: JSON objects one after the other, a reply for each command in
 * order, events in between. "out of band" commands are not offered.
 */
#include <string.h>

#include "frontends/monitor/json_frame.h"
#include "frontends/monitor/session.h"

struct qmp {
    struct monitor *mon;
    struct session *session;
    struct json_frame frame;
    bool negotiated;
};

static void send_json(struct qmp *q, const json_t *j)
{
    char *text = json_dumps(j, JSON_ENSURE_ASCII);
    size_t len = strlen(text);

    text = realloc(text, len + 3);
    memcpy(text + len, "\r\n", 3);
    wire_write(q->session->wire, text, len + 2);
    free(text);
}

/* Takes err. */
static json_t *error_reply(GError *err)
{
    static const char *const classes[] = {
        [MONITOR_GENERIC] = "GenericError",
        [MONITOR_NO_COMMAND] = "CommandNotFound",
        [MONITOR_NO_DEVICE] = "DeviceNotFound",
    };
    int code = err->domain == MONITOR_ERROR ? err->code : MONITOR_GENERIC;
    json_t *reply = json_object(), *e = json_object();

    json_object_set_new(e, "class", json_string(classes[code]));
    json_object_set_new(e, "desc", json_text(err->message));
    json_object_set_new(reply, "error", e);
    g_error_free(err);
    return reply;
}

/* Clients look for what QEMU could do as of a version; the package is us. */
static json_t *version_json(const struct monitor *mon)
{
    int n[3] = {0, 0, 0};
    char **part = g_strsplit(mon->cfg.qemu_version, ".", 3), *package;
    json_t *v = json_object(), *qemu = json_object();

    for (unsigned k = 0; k < 3 && part[k]; k++)
        n[k] = (int)g_ascii_strtoll(part[k], NULL, 10);
    g_strfreev(part);
    package = g_strdup_printf("Penumbra %s", mon->cfg.version);
    json_object_set_new(qemu, "micro", json_integer(n[2]));
    json_object_set_new(qemu, "minor", json_integer(n[1]));
    json_object_set_new(qemu, "major", json_integer(n[0]));
    json_object_set_new(v, "qemu", qemu);
    json_object_set_new(v, "package", json_text(package));
    g_free(package);
    return v;
}

static void greet(void *opaque)
{
    struct qmp *q = opaque;
    json_t *greeting = json_object(), *body = json_object();

    q->session->met = true;
    q->negotiated = false;
    json_frame_reset(&q->frame);
    json_object_set_new(body, "version", version_json(q->mon));
    json_object_set_new(body, "capabilities", json_array());
    json_object_set_new(greeting, "QMP", body);
    send_json(q, greeting);
    json_decref(greeting);
}

static void client_gone(void *opaque)
{
    struct qmp *q = opaque;

    q->negotiated = false;
    json_frame_reset(&q->frame);
}

/* ---- commands ---- */

static bool query_version(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    (void)args;
    (void)err;
    *ret = version_json(mon);
    return true;
}

static bool query_commands(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    (void)mon;
    (void)args;
    (void)err;
    *ret = json_array();
    for (unsigned g = 0; qmp_groups[g]; g++) {
        for (unsigned k = 0; k < qmp_groups[g]->n; k++) {
            json_t *one = json_object();

            json_object_set_new(one, "name", json_string(qmp_groups[g]->command[k].name));
            json_array_append_new(*ret, one);
        }
    }
    return true;
}

/* Where negotiation is over already; the other case is begin(). */
static bool negotiate_again(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    (void)mon;
    (void)args;
    (void)ret;
    return monitor_fail_as(MONITOR_NO_COMMAND, err,
                           "Capabilities negotiation is already complete, command ignored");
}

static const struct mon_command commands[] = {
    {"qmp_capabilities", "enable:a?", "ends the negotiation; first of all commands",
     .qmp = negotiate_again},
    {"query-commands", "", "lists the commands", .qmp = query_commands},
    {"query-version", "", "Penumbra's version", .qmp = query_version},
};
static const struct mon_group qmp_protocol = {commands, G_N_ELEMENTS(commands)};

const struct mon_group *const qmp_groups[] = {
    &qmp_protocol, &qmp_vm,     &qmp_query,   &qmp_block, &qmp_input,
    &qmp_memory,   &qmp_screen, &qmp_balloon, NULL,
};

const struct mon_command *command_find(const struct mon_group *const *groups, const char *name)
{
    for (; *groups; groups++) {
        for (unsigned k = 0; k < (*groups)->n; k++) {
            if (!strcmp((*groups)->command[k].name, name))
                return &(*groups)->command[k];
        }
    }
    return NULL;
}

/* The end of the negotiation: there are no capabilities to be enabled. */
static bool begin(struct qmp *q, const json_t *args, GError **err)
{
    json_t *enable = json_object_get(args, "enable"), *cap;
    size_t n;

    json_array_foreach(enable, n, cap)
    {
        if (!json_is_string(cap))
            return monitor_fail(err, "Invalid parameter type for 'enable[%zu]', expected: string",
                                n);
        return monitor_fail(err, "Capability '%s' is not available", json_string_value(cap));
    }
    q->negotiated = true;
    return true;
}

static bool dispatch(struct qmp *q, const char *name, json_t *args, json_t **ret, GError **err)
{
    const struct mon_command *c = command_find(qmp_groups, name);

    if (!q->negotiated && strcmp(name, "qmp_capabilities"))
        return monitor_fail_as(MONITOR_NO_COMMAND, err,
                               "Expecting capabilities negotiation with 'qmp_capabilities'");
    if (!c)
        return monitor_fail_as(MONITOR_NO_COMMAND, err, "The command %s has not been found", name);
    if (!args_check(c->args, args, err))
        return false;
    if (!q->negotiated)
        return begin(q, args, err);
    return c->qmp(q->mon, args, ret, err);
}

/* The form of a command: its members and their types. */
static bool check_form(const json_t *j, GError **err)
{
    const json_t *v;
    const char *key;

    if (!json_is_object(j))
        return monitor_fail(err, "QMP input must be a JSON object");
    json_object_foreach((json_t *)j, key, v)
    {
        if (!strcmp(key, "execute")) {
            if (!json_is_string(v))
                return monitor_fail(err, "QMP input member 'execute' must be a string");
        } else if (!strcmp(key, "arguments")) {
            if (!json_is_object(v))
                return monitor_fail(err, "QMP input member 'arguments' must be an object");
        } else if (strcmp(key, "id")) {
            return monitor_fail(err, "QMP input member '%s' is unexpected", key);
        }
    }
    if (!json_object_get(j, "execute"))
        return monitor_fail(err, "QMP input lacks member 'execute'");
    return true;
}

static json_t *answer(struct qmp *q, const json_t *j)
{
    json_t *reply, *ret = NULL, *id = json_object_get(j, "id");
    json_t *args = json_object_get(j, "arguments");
    GError *err = NULL;

    if (check_form(j, &err) &&
        dispatch(q, json_string_value(json_object_get(j, "execute")), args, &ret, &err)) {
        reply = json_object();
        json_object_set_new(reply, "return", ret ? ret : json_object());
    } else {
        reply = error_reply(err);
    }
    if (id)
        json_object_set(reply, "id", id);
    return reply;
}

static void complain(struct qmp *q, const char *why)
{
    GError *err = NULL;
    json_t *reply;

    monitor_fail(&err, "JSON parse error, %s", why);
    reply = error_reply(err);
    send_json(q, reply);
    json_decref(reply);
}

static void obey(struct qmp *q, const GString *text)
{
    json_error_t bad;
    json_t *j = json_loadb(text->str, text->len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &bad);
    json_t *reply;

    if (!j) {
        complain(q, bad.text);
        return;
    }
    reply = answer(q, j);
    send_json(q, reply);
    json_decref(reply);
    json_decref(j);
}

static size_t client_said(void *opaque, const uint8_t *buf, size_t len)
{
    struct qmp *q = opaque;
    size_t done = 0, taken;
    const char *why;

    while (q->mon->ready && done < len && !wire_full(q->session->wire) &&
           wire_open(q->session->wire)) {
        switch (json_frame_feed(&q->frame, buf + done, len - done, &taken, &why)) {
        case JSON_FRAME_WHOLE: obey(q, q->frame.text); break;
        case JSON_FRAME_BAD: complain(q, why); break;
        case JSON_FRAME_MORE: break;
        }
        done += taken;
    }
    return done;
}

void qmp_event(struct qmp *q, const json_t *event)
{
    if (q->negotiated)
        send_json(q, event);
}

struct wire_ops qmp_wire_ops(struct qmp *q)
{
    return (struct wire_ops){q, greet, client_said, client_gone};
}

struct qmp *qmp_new(struct monitor *mon, struct session *s)
{
    struct qmp *q = g_new0(struct qmp, 1);

    q->mon = mon;
    q->session = s;
    json_frame_init(&q->frame);
    return q;
}

void qmp_free(struct qmp *q)
{
    if (!q)
        return;
    json_frame_clear(&q->frame);
    g_free(q);
}
