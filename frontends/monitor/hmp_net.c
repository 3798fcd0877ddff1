/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The human monitor: networks. */
#include <string.h>

#include "frontends/monitor/hmp.h"
#include "machine/network.h"

static bool network(struct hmp *h, json_t *args, GString *out, GError **err)
{
    char *text = machine_network_text(h->mon->machine);

    (void)args;
    (void)err;
    g_string_append(out, text);
    g_free(text);
    return true;
}

static bool usernet(struct hmp *h, json_t *args, GString *out, GError **err)
{
    char *text = machine_usernet_text(h->mon->machine);

    (void)args;
    (void)err;
    g_string_append(out, text);
    g_free(text);
    return true;
}

static bool set_link(struct hmp *h, json_t *args, GString *out, GError **err)
{
    const char *state = args_string(args, "state", "");

    (void)out;
    if (strcmp(state, "on") && strcmp(state, "off"))
        return monitor_fail(err, "a cable is on or off, not '%s'", state);
    return machine_set_link(h->mon->machine, args_string(args, "name", ""), !strcmp(state, "on"),
                            err);
}

/* "[NETWORK] FORWARD": the first word is a network's name when there are two. */
static bool hostfwd(struct hmp *h, json_t *args, GError **err,
                    bool (*change)(struct machine *m, const char *netdev, const char *text,
                                   GError **err))
{
    const char *first = args_string(args, "what", ""), *second = args_string(args, "forward", NULL);

    return change(h->mon->machine, second ? first : NULL, second ? second : first, err);
}

static bool hostfwd_add(struct hmp *h, json_t *args, GString *out, GError **err)
{
    (void)out;
    return hostfwd(h, args, err, machine_hostfwd_add);
}

static bool hostfwd_remove(struct hmp *h, json_t *args, GString *out, GError **err)
{
    (void)out;
    return hostfwd(h, args, err, machine_hostfwd_remove);
}

static const struct mon_command commands[] = {
    {"info network", "", "network adapters, and what is behind them", .hmp = network},
    {"info usernet", "", "the connections of user networks", .hmp = usernet},
    {"set_link", "name:s,state:s", "pulls the cable of an adapter or network (off), or puts it in",
     .hmp = set_link},
    {"hostfwd_add", "what:s,forward:s?",
     "forwards a port of the host to the guest, as in tcp:127.0.0.1:2222-:22", .hmp = hostfwd_add},
    {"hostfwd_remove", "what:s,forward:s?", "does so no more, as in tcp:127.0.0.1:2222",
     .hmp = hostfwd_remove},
};
const struct mon_group hmp_net = {commands, G_N_ELEMENTS(commands)};
