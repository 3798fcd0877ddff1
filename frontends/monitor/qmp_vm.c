/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP: what happens to the machine as a whole. */
#include "frontends/monitor/command.h"
#include "machine/machine.h"

static bool stop(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    (void)args;
    (void)ret;
    (void)err;
    machine_pause(mon->machine);
    return true;
}

static bool cont(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    (void)args;
    (void)ret;
    (void)err;
    mon->has_run = true;
    machine_resume(mon->machine);
    return true;
}

static bool system_reset(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    (void)args;
    (void)ret;
    (void)err;
    machine_reset(mon->machine);
    return true;
}

static bool system_powerdown(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    (void)args;
    (void)ret;
    (void)err;
    machine_power_button(mon->machine);
    return true;
}

static bool system_wakeup(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    (void)args;
    (void)ret;
    return machine_wake(mon->machine) ||
           monitor_fail(err, "Unable to wake up: guest is not in suspended state");
}

static bool quit(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    (void)args;
    (void)ret;
    (void)err;
    mon->quit_asked = true;
    machine_quit(mon->machine, MACHINE_EXIT_OFF);
    return true;
}

static bool inject_nmi(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    (void)args;
    (void)ret;
    (void)err;
    machine_nmi(mon->machine);
    return true;
}

static bool human(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    int64_t n = args_int(args, "cpu-index", 0);
    char *text;

    if (n < 0 || n >= machine_cpus(mon->machine))
        return monitor_fail(err, "Parameter 'cpu-index' must be 0 to %u",
                            machine_cpus(mon->machine) - 1);
    text = monitor_human_line(mon, args_string(args, "command-line", ""), (unsigned)n);
    *ret = json_text(text);
    g_free(text);
    return true;
}

static const struct mon_command commands[] = {
    {"stop", "", "pauses the machine", .qmp = stop},
    {"cont", "", "lets it go on", .qmp = cont},
    {"system_reset", "", "resets it, as its button would", .qmp = system_reset},
    {"system_powerdown", "", "presses the power button", .qmp = system_powerdown},
    {"system_wakeup", "", "wakes a guest that sleeps (ACPI S3)", .qmp = system_wakeup},
    {"quit", "", "ends Penumbra with status 0", .qmp = quit},
    {"human-monitor-command", "command-line:s,cpu-index:i?", "runs a line of the human monitor",
     .qmp = human},
    {"inject-nmi", "", "sends an NMI to every processor", .qmp = inject_nmi},
};
const struct mon_group qmp_vm = {commands, G_N_ELEMENTS(commands)};
