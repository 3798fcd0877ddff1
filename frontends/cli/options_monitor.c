/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of the monitors. */
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "frontends/cli/option.h"

static bool add_monitor(struct options *o, const char *what, enum monitor_kind kind,
                        const char *value, GError **err)
{
    struct monitor_address *a = &o->monitor[o->n_monitors];

    if (o->n_monitors == MONITORS_MAX)
        return error_option(err, "%s: there can be %d monitors", what, MONITORS_MAX);
    a->kind = kind;
    if (!address_parse(what, value, a, err))
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

static const struct option options[] = {
    {"monitor", "stdio|unix:PATH[,server][,nowait]|tcp:…|none", "a monitor for people",
     opt_monitor},
    {"qmp", "stdio|unix:PATH[,server][,nowait]|tcp:…", "a monitor for programs (QMP)", opt_qmp},
};

const struct option_group options_monitor = {options, ARRAY_SIZE(options)};
