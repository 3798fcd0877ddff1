/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP: guest memory to files. */
#include "frontends/monitor/command.h"
#include "frontends/monitor/guest_memory.h"
#include "machine/machine.h"

static bool check_size(const json_t *args, GError **err)
{
    return args_int(args, "size", 0) >= 0 || monitor_fail(err, "Parameter 'size' is negative");
}

static bool memsave(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    int64_t n = args_int(args, "cpu-index", 0);

    (void)ret;
    if (n < 0 || n >= machine_cpus(mon->machine))
        return monitor_fail(err, "Parameter 'cpu-index' must be 0 to %u",
                            machine_cpus(mon->machine) - 1);
    return check_size(args, err) &&
           guest_save(mon, machine_cpu(mon->machine, (unsigned)n),
                      (uint64_t)args_int(args, "val", 0), (uint64_t)args_int(args, "size", 0),
                      args_string(args, "filename", ""), err);
}

static bool pmemsave(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    (void)ret;
    return check_size(args, err) &&
           guest_save(mon, NULL, (uint64_t)args_int(args, "val", 0),
                      (uint64_t)args_int(args, "size", 0), args_string(args, "filename", ""), err);
}

static const struct mon_command commands[] = {
    {"memsave", "val:i,size:i,filename:s,cpu-index:i?", "saves memory at a linear address",
     .qmp = memsave},
    {"pmemsave", "val:i,size:i,filename:s", "saves memory at a physical address", .qmp = pmemsave},
};
const struct mon_group qmp_memory = {commands, G_N_ELEMENTS(commands)};
