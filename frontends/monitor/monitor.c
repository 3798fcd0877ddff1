/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See monitor.h: the sessions, what the machine does as QMP's events, and what commands share. */
#include "frontends/monitor/monitor.h"

#include <errno.h>

#include "backends/char.h"
#include "base/log.h"
#include "frontends/monitor/keyer.h"
#include "frontends/monitor/session.h"
#include "machine/board.h"
#include "machine/drives.h"

/* ---- events ---- */

void monitor_event(struct monitor *mon, const char *name, json_t *data, int64_t real_us)
{
    json_t *event = json_object(), *stamp = json_object();

    json_object_set_new(stamp, "seconds", json_integer(real_us / G_USEC_PER_SEC));
    json_object_set_new(stamp, "microseconds", json_integer(real_us % G_USEC_PER_SEC));
    json_object_set_new(event, "timestamp", stamp);
    json_object_set_new(event, "event", json_string(name));
    if (data)
        json_object_set_new(event, "data", data);
    for (unsigned k = 0; k < mon->sessions->len; k++) {
        struct session *s = mon->sessions->pdata[k];

        if (s->qmp)
            qmp_event(s->qmp, event);
    }
    json_decref(event);
}

static json_t *cause(bool guest, const char *reason)
{
    json_t *data = json_object();

    json_object_set_new(data, "guest", json_boolean(guest));
    json_object_set_new(data, "reason", json_string(reason));
    return data;
}

/* Why the machine ends, in QMP's words. */
static const char *end_reason(const struct monitor *mon, bool guest)
{
    int status = machine_exit_status(mon->machine);

    if (guest)
        return status == MACHINE_EXIT_RESET || status == MACHINE_EXIT_TRIPLE_FAULT
                   ? "guest-reset"
                   : "guest-shutdown";
    if (mon->quit_asked)
        return "host-qmp-quit";
    return status > 128 ? "host-signal" : "host-ui";
}

static json_t *image_error(const struct monitor *mon, const struct machine_note *note)
{
    static const char *const actions[] = {"report", "ignore", "stop"};
    struct machine_drive_info d;
    json_t *data = json_object();

    machine_drive_info(mon->machine, note->drive, &d);
    g_free(d.file);
    json_object_set_new(data, "device", json_text(d.name));
    json_object_set_new(data, "operation", json_string(note->reading ? "read" : "write"));
    json_object_set_new(data, "action", json_string(actions[note->policy]));
    json_object_set_new(data, "nospace", json_boolean(note->err == -ENOSPC));
    json_object_set_new(data, "reason", json_text(g_strerror(-note->err)));
    return data;
}

static json_t *tray(struct monitor *mon, const struct machine_note *note)
{
    struct machine_drive_info d;
    json_t *data = json_object();

    machine_drive_info(mon->machine, note->drive, &d);
    g_free(d.file);
    json_object_set_new(data, "device", json_string(d.name));
    json_object_set_new(data, "id", json_string(d.name));
    json_object_set_new(data, "tray-open", json_boolean(note->tray_open));
    return data;
}

static void machine_told(void *opaque, const struct machine_note *note)
{
    struct monitor *mon = opaque;
    json_t *data = NULL;

    switch (note->event) {
    case MACHINE_EVENT_PAUSED:
        if (mon->has_run) /* else it is the pause of -S */
            monitor_event(mon, "STOP", NULL, note->real_us);
        break;
    case MACHINE_EVENT_RESUMED:
        mon->has_run = true;
        monitor_event(mon, "RESUME", NULL, note->real_us);
        break;
    case MACHINE_EVENT_RESET:
        keyer_forget(mon->keyer);
        data = cause(note->guest, note->guest ? "guest-reset" : "host-qmp-system-reset");
        monitor_event(mon, "RESET", data, note->real_us);
        break;
    case MACHINE_EVENT_POWERDOWN: monitor_event(mon, "POWERDOWN", NULL, note->real_us); break;
    case MACHINE_EVENT_IMAGE_ERROR:
        monitor_event(mon, "BLOCK_IO_ERROR", image_error(mon, note), note->real_us);
        break;
    case MACHINE_EVENT_SUSPEND: monitor_event(mon, "SUSPEND", NULL, note->real_us); break;
    case MACHINE_EVENT_WAKEUP:
        keyer_forget(mon->keyer);
        monitor_event(mon, "WAKEUP", NULL, note->real_us);
        break;
    case MACHINE_EVENT_TRAY:
        monitor_event(mon, "DEVICE_TRAY_MOVED", tray(mon, note), note->real_us);
        break;
    case MACHINE_EVENT_END:
        data = cause(note->guest, end_reason(mon, note->guest));
        monitor_event(mon, "SHUTDOWN", data, note->real_us);
        break;
    }
}

/* ---- what commands share ---- */

bool monitor_visit(struct monitor *mon, void (*fn)(void *opaque), void *opaque, GError **err)
{
    return machine_while_stopped(mon->machine, fn, opaque) ||
           monitor_fail(err, "the machine is ending");
}

/* ---- life ---- */

static void session_free(gpointer opaque)
{
    struct session *s = opaque;

    wire_free(s->wire);
    qmp_free(s->qmp);
    hmp_free(s->hmp);
    g_free(s);
}

static bool open_session(struct monitor *mon, const struct monitor_address *a, GError **err)
{
    struct session *s = g_new0(struct session, 1);
    struct wire_ops ops;

    g_ptr_array_add(mon->sessions, s);
    s->kind = a->kind;
    s->wait = a->place.server && a->place.wait;
    if (a->kind == MONITOR_QMP) {
        s->qmp = qmp_new(mon, s);
        ops = qmp_wire_ops(s->qmp);
    } else {
        s->hmp = hmp_new(mon, s);
        ops = hmp_wire_ops(s->hmp);
    }
    s->wire = wire_new(a->kind == MONITOR_QMP ? "-qmp" : "-monitor", a, &ops, err);
    return s->wire != NULL;
}

/* The first clients of those who are to be waited for. */
static void await_clients(struct monitor *mon)
{
    for (unsigned k = 0; k < mon->sessions->len; k++) {
        const struct session *s = mon->sessions->pdata[k];

        if (s->wait && !s->met)
            log_user("waits for a client of monitor %u", k + 1);
        while (s->wait && !s->met && machine_exit_status(mon->machine) < 0)
            g_main_context_iteration(NULL, TRUE);
    }
}

void monitor_share(struct monitor *mon, struct chardev *c, struct lock *lock)
{
    struct session *s = g_new0(struct session, 1);
    struct wire_ops ops;

    g_ptr_array_add(mon->sessions, s);
    s->kind = MONITOR_HUMAN;
    s->hmp = hmp_new(mon, s);
    ops = hmp_wire_ops(s->hmp);
    s->wire = wire_new_shared(c, lock, &ops);
    mon->shared = s;
    mon->terminal = c;
}

static void typed(void *opaque, const uint8_t *buf, size_t len)
{
    wire_type(opaque, buf, len);
}

void monitor_toggle(struct monitor *mon)
{
    if (!mon || !mon->shared)
        return;
    mon->has_keys = !mon->has_keys;
    char_set_focus(mon->terminal, mon->has_keys ? typed : NULL, mon->shared->wire);
    if (mon->has_keys)
        hmp_wire_ops(mon->shared->hmp).opened(mon->shared->hmp);
    else
        wire_write(mon->shared->wire, "\r\n", 2);
}

/* The main loop runs, and so does the machine. */
static gboolean get_ready(gpointer opaque)
{
    struct monitor *mon = opaque;

    if (mon->cfg.start_paused && !mon->has_run)
        machine_pause(mon->machine); /* which was asked for, and is to be seen as done */
    mon->ready = true;
    mon->ready_source = 0;
    for (unsigned k = 0; k < mon->sessions->len; k++)
        wire_offer(((struct session *)mon->sessions->pdata[k])->wire);
    return G_SOURCE_REMOVE;
}

struct monitor *monitor_new(const struct monitor_config *cfg, GError **err)
{
    struct monitor *mon = g_new0(struct monitor, 1);

    mon->cfg = *cfg;
    mon->machine = cfg->machine;
    mon->board = machine_board(cfg->machine);
    mon->has_run = !cfg->start_paused;
    mon->cfg.chardev = g_memdup2(cfg->chardev, cfg->n_chardevs * sizeof(*cfg->chardev));
    mon->sessions = g_ptr_array_new_with_free_func(session_free);
    mon->keyer = keyer_new(mon->board);
    for (unsigned k = 0; k < cfg->n_addresses; k++) {
        if (!open_session(mon, &cfg->address[k], err)) {
            monitor_free(mon);
            return NULL;
        }
    }
    machine_listen(mon->machine, machine_told, mon);
    await_clients(mon);
    mon->ready_source = g_idle_add(get_ready, mon);
    return mon;
}

void monitor_free(struct monitor *mon)
{
    if (!mon)
        return;
    if (mon->ready_source)
        g_source_remove(mon->ready_source);
    if (mon->has_keys)
        monitor_toggle(mon);
    g_ptr_array_free(mon->sessions, TRUE);
    keyer_free(mon->keyer);
    g_free((void *)mon->cfg.chardev);
    g_free(mon);
}
