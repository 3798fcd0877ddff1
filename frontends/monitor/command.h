/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registry of commands: one struct a command, in groups by kind, from which come dispatch, the
 * checks of arguments, completion, `help`, query-commands, and docs/monitor.md's tables (which
 * tests/check-docs holds against these).
 *
 * Arguments are described by a string, "name:type,name:type?": `?` may be left out. The types of
 * QMP: s string, i integer, b boolean, o object, a array. The human monitor's are s, one word; S,
 * the rest of the line; i, an expression; f, a format as `x` takes it ("/8xg"); b, a flag, "-n"
 * for one named n. A handler finds what was given, checked, in a JSON object, whichever monitor the
 * command came from.
 */
#ifndef FRONTENDS_MONITOR_COMMAND_H
#define FRONTENDS_MONITOR_COMMAND_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "frontends/monitor/monitor.h"

struct board;
struct hmp;
struct keyer;
struct lock;

struct mon_command {
    const char *name;
    const char *args;
    const char *what; /* one line for help */
    /* One of the two. False with an error; `ret` stays NULL for an empty object, else is given
     * away. */
    bool (*qmp)(struct monitor *mon, json_t *args, json_t **ret, GError **err);
    /* Lines of text go to `out`. */
    bool (*hmp)(struct hmp *h, json_t *args, GString *out, GError **err);
};

struct mon_group {
    const struct mon_command *command;
    unsigned n;
};

/* QMP's, and the human monitor's: those named "info X" are one. NULL behind the last. */
extern const struct mon_group *const qmp_groups[], *const hmp_groups[];
extern const struct mon_group qmp_vm, qmp_query, qmp_block, qmp_input, qmp_memory, qmp_screen,
    qmp_balloon;

const struct mon_command *command_find(const struct mon_group *const *groups, const char *name);

/* What a QMP error's class is: GError codes of this domain; other domains' are generic. */
enum monitor_error { MONITOR_GENERIC, MONITOR_NO_COMMAND, MONITOR_NO_DEVICE };
#define MONITOR_ERROR (monitor_error_quark())
GQuark monitor_error_quark(void);

/* Sets *err; false, to be returned. */
bool monitor_fail(GError **err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool monitor_fail_as(enum monitor_error code, GError **err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- arguments (args.c) ---- */

/* Are these arguments (an object or NULL) what `spec` describes? Else an error that names one. */
bool args_check(const char *spec, const json_t *args, GError **err);

/* Steps through a description: the next argument; false behind the last. */
struct arg_spec {
    char name[32];
    char type;
    bool optional;
};
bool args_next(const char **spec, struct arg_spec *out);

/* What was given, or the default. Strings live as long as `args`. */
const char *args_string(const json_t *args, const char *name, const char *otherwise);
int64_t args_int(const json_t *args, const char *name, int64_t otherwise);
bool args_bool(const json_t *args, const char *name, bool otherwise);

/* A string of the host's, which may be no UTF-8, as JSON. */
json_t *json_text(const char *s);

/* ---- what the commands share (monitor.c) ---- */

struct monitor {
    struct monitor_config cfg;
    struct machine *machine;
    struct board *board;
    GPtrArray *sessions;
    struct session *shared;   /* with a serial port; one of them, or NULL */
    struct chardev *terminal; /* its backend */
    bool has_keys;            /* the shared one, not the serial port */
    struct keyer *keyer;
    int pointer_at[2]; /* by input-send-event: a place has two axes, an event one */
    bool ready;        /* the machine has been started: commands are taken */
    guint ready_source;
    bool has_run;    /* not merely waiting for its first cont */
    bool quit_asked; /* by a monitor's command */
};

/* Tells every QMP client that is past its greeting; takes `data` (NULL: none). `real_us` since
 * 1970. */
void monitor_event(struct monitor *mon, const char *name, json_t *data, int64_t real_us);

/* Calls fn while the machine stands. An error when it is ending. */
bool monitor_visit(struct monitor *mon, void (*fn)(void *opaque), void *opaque, GError **err);

/* Runs a line of the human monitor for QMP, as if typed at CPU `cpu`: what it printed (g_free). */
char *monitor_human_line(struct monitor *mon, const char *line, unsigned cpu);

#endif
