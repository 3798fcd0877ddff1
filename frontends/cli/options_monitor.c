/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of the monitors. */
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "base/suggest.h"
#include "frontends/cli/option.h"

static bool add_monitor(struct options *o, const char *what, enum monitor_kind kind,
                        const char *value, GError **err)
{
    struct monitor_address *a = &o->monitor[o->n_monitors];

    if (o->n_monitors == MONITORS_MAX)
        return error_option(err, "%s: there can be %d monitors", what, MONITORS_MAX);
    a->kind = kind;
    o->monitor_chardev[o->n_monitors] = option_chardev_id(value);
    if (!option_chardev_id(value) && !socket_place_parse(what, value, &a->place, err))
        return false;
    o->n_monitors++;
    return true;
}

static bool opt_qmp(struct options *o, const char *value, GError **err)
{
    return add_monitor(o, "-qmp", MONITOR_QMP, value, err);
}

static bool opt_monitor(struct options *o, const char *value, GError **err)
{
    return add_monitor(o, "-monitor", MONITOR_HUMAN, value, err);
}

/* "[chardev=]ID[,mode=readline|control][,pretty=off]" */
static bool opt_mon(struct options *o, const char *value, GError **err)
{
    static const char *const keys[] = {"chardev", "mode", "pretty"};
    static const char *const modes[] = {"readline", "control"};
    const char *id = NULL, *mode = modes[0];
    struct option_pairs p;
    bool pretty = false;

    if (!option_pairs(o, value, &p, err))
        return false;
    for (unsigned k = 0; k < p.n; k++) {
        if (!p.value[k] && !k)
            id = p.key[k];
        else if (!strcmp(p.key[k], "chardev"))
            id = p.value[k];
        else if (!strcmp(p.key[k], "mode"))
            mode = p.value[k] ? p.value[k] : "";
        else if (strcmp(p.key[k], "pretty"))
            return suggest_error(err, "-mon parameter", p.key[k], keys, ARRAY_SIZE(keys));
        else if (!option_on_off("-mon: pretty", p.value[k], &pretty, err))
            return false;
    }
    if (pretty)
        return error_option(err, "-mon: replies stand on one line each (pretty=off)");
    if (!id)
        return error_option(err, "-mon: needs chardev=ID");
    if (strcmp(mode, modes[0]) && strcmp(mode, modes[1]))
        return suggest_error(err, "-mon mode", mode, modes, ARRAY_SIZE(modes));
    return add_monitor(o, "-mon", strcmp(mode, modes[0]) ? MONITOR_QMP : MONITOR_HUMAN,
                       option_own(o, g_strconcat("chardev:", id, NULL)), err);
}

static const struct option options[] = {
    {"monitor", "stdio|unix:PATH[,server][,nowait]|tcp:…|none", "a monitor for people",
     opt_monitor},
    {"qmp", "stdio|unix:PATH[,server][,nowait]|tcp:…", "a monitor for programs (QMP)", opt_qmp},
    {"mon", "[chardev=]ID[,mode=readline|control]", "a monitor on a -chardev", opt_mon},
};

const struct option_group options_monitor = {options, ARRAY_SIZE(options)};
