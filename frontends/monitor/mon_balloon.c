/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Both monitors: the memory balloon. */
#include <inttypes.h>

#include "frontends/monitor/hmp.h"
#include "machine/balloon.h"

static bool set(struct machine *m, json_t *args, GError **err, int64_t unit)
{
    int64_t value = args_int(args, "value", 0);

    if (value <= 0 || value > INT64_MAX / unit)
        return monitor_fail(err, "the guest cannot have %" PRId64 " %s of memory", value,
                            unit == 1 ? "bytes" : "MiB");
    return machine_balloon_set(m, (uint64_t)(value * unit), err);
}

static bool qmp_set(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    (void)ret;
    return set(mon->machine, args, err, 1);
}

static bool qmp_query_size(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    uint64_t bytes;

    (void)args;
    if (!machine_balloon_get(mon->machine, &bytes, NULL, err))
        return false;
    *ret = json_object();
    json_object_set_new(*ret, "actual", json_integer((json_int_t)bytes));
    return true;
}

static bool hmp_set(struct hmp *h, json_t *args, GString *out, GError **err)
{
    (void)out;
    return set(h->mon->machine, args, err, 1 << 20);
}

static bool hmp_info_size(struct hmp *h, json_t *args, GString *out, GError **err)
{
    uint64_t bytes;
    char *stats;

    (void)args;
    if (!machine_balloon_get(h->mon->machine, &bytes, &stats, err))
        return false;
    g_string_append_printf(out, "balloon: actual=%" PRIu64 "\n%s", bytes >> 20, stats);
    g_free(stats);
    return true;
}

static const struct mon_command qmp_commands[] = {
    {"balloon", "value:i", "asks the guest to make do with so many bytes of memory",
     .qmp = qmp_set},
    {"query-balloon", "", "how much memory the guest has", .qmp = qmp_query_size},
};
const struct mon_group qmp_balloon = {qmp_commands, G_N_ELEMENTS(qmp_commands)};

static const struct mon_command hmp_commands[] = {
    {"balloon", "value:i", "asks the guest to make do with so many MiB of memory", .hmp = hmp_set},
    {"info balloon", "", "how much memory the guest has, and what it told of it when asked last",
     .hmp = hmp_info_size},
};
const struct mon_group hmp_balloon = {hmp_commands, G_N_ELEMENTS(hmp_commands)};
