/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of the gdb server (frontends/gdb/). */
#include "frontends/cli/option.h"

#include "base/error.h"

#include <string.h>

#include "base/bits.h"

static bool opt_gdb(struct options *o, const char *value, GError **err)
{
    if (!*value)
        return error_option(err, "-gdb: where should it listen?");
    o->gdb = strcmp(value, "none") ? value : NULL;
    return true;
}

static bool opt_s(struct options *o, const char *value, GError **err)
{
    (void)value;
    (void)err;
    o->gdb = "tcp::1234";
    return true;
}

static const struct option options[] = {
    {"gdb", "tcp:HOST:PORT|tcp::PORT|unix:PATH|stdio|none", "wait for gdb there", opt_gdb},
    {"s", NULL, "the same as -gdb tcp::1234", opt_s},
};

const struct option_group options_gdb = {options, ARRAY_SIZE(options)};
