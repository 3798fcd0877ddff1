/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of networks: adapters with what is behind them, and captures. */
#include "frontends/cli/option.h"

#include "base/error.h"

#include <string.h>

#include "base/bits.h"
#include "base/suggest.h"
#include "machine/device_kind.h"
#include "machine/network.h"

#define DEFAULT_MODEL "e1000"

static bool add_netdev(struct options *o, const char *text, const char *id, GError **err)
{
    struct netdev_config *c;

    if (o->machine.n_netdevs == MACHINE_MAX_NETDEVS)
        return error_option(err, "more than %d networks", MACHINE_MAX_NETDEVS);
    c = netdev_config_new(text, id, err);
    if (!c)
        return false;
    g_ptr_array_add(o->netdevs, c);
    o->machine.netdev[o->machine.n_netdevs++] = c;
    return true;
}

/* Adapters of -nic come before what -device adds, as the board's own. */
static bool add_nic(struct options *o, const char *text, GError **err)
{
    if (!option_add_device(o, o->n_nics, text, err))
        return false;
    o->n_nics++;
    return true;
}

/* ---- models ---- */

static char *models_help(void)
{
    GString *s = g_string_new("Available NIC models:\n");
    const struct device_kind *k;

    for (unsigned n = 0; (k = device_kind(n)); n++) {
        if (k->family == FAMILY_NETWORK)
            g_string_append_printf(s, "%s\n", k->name);
    }
    return g_string_free(s, FALSE);
}

static bool check_model(const char *model, GError **err)
{
    GPtrArray *names = g_ptr_array_new();
    const struct device_kind *k;
    bool found = false;

    for (unsigned n = 0; (k = device_kind(n)); n++) {
        if (k->family == FAMILY_NETWORK)
            g_ptr_array_add(names, (void *)(uintptr_t)k->name);
    }
    for (guint n = 0; n < names->len; n++)
        found |= !strcmp(names->pdata[n], model);
    if (!found)
        suggest_error(err, "model of network adapter", model, (const char *const *)names->pdata,
                      names->len);
    g_ptr_array_free(names, TRUE);
    return found;
}

/* ---- options ---- */

/* Does the parameter of -nic belong to the adapter, not to the network? */
static bool is_nic_key(const char *key)
{
    static const char *const keys[] = {"mac",        "addr",     "romfile",        "bootindex",
                                       "iobase",     "irq",      "disable-legacy", "disable-modern",
                                       "queue-size", "host_mtu", "mrg_rxbuf",      "csum",
                                       "host_tso",   "mq",       "queues"};

    for (unsigned k = 0; k < ARRAY_SIZE(keys); k++) {
        if (!strcmp(key, keys[k]))
            return true;
    }
    return false;
}

static bool split_nic(struct options *o, const struct option_pairs *p, GString *netdev,
                      GString *nic, GError **err)
{
    char *own = option_own(o, g_strdup_printf("#net%u", o->machine.n_netdevs));
    const char *model = DEFAULT_MODEL, *id = own;

    for (unsigned k = 1; k < p->n; k++) {
        if (!strcmp(p->key[k], "model") && p->value[k])
            model = p->value[k];
        else if (!strcmp(p->key[k], "id") && p->value[k])
            id = p->value[k];
        else
            option_append(is_nic_key(p->key[k]) ? nic : netdev, p->key[k], p->value[k]);
    }
    if (!strcmp(model, "help") || !strcmp(model, "?")) {
        o->help_text = option_own(o, models_help());
        return true;
    }
    option_append(nic, "netdev", id);
    if (!strcmp(model, "virtio")) /* its short name */
        model = "virtio-net-pci";
    g_string_prepend_c(nic, ',');
    g_string_prepend(nic, model);
    return check_model(model, err) && add_netdev(o, netdev->str, id, err) &&
           add_nic(o, nic->str, err);
}

static bool opt_nic(struct options *o, const char *value, GError **err)
{
    static const char *const kinds[] = {"user", "socket", "stream", "dgram", "none"};
    struct option_pairs p;
    GString *netdev, *nic;
    bool ok = false;

    o->net_given = true;
    if (!option_pairs(o, value, &p, err))
        return false;
    for (unsigned k = 0; p.n && !p.value[0] && k < ARRAY_SIZE(kinds); k++)
        ok |= !strcmp(p.key[0], kinds[k]);
    if (!ok)
        return suggest_error(err, "network", p.n ? p.key[0] : value, kinds, ARRAY_SIZE(kinds));
    if (!strcmp(p.key[0], "none"))
        return p.n == 1 || error_option(err, "-nic none has no parameters");
    netdev = g_string_new(p.key[0]);
    nic = g_string_new(NULL);
    ok = split_nic(o, &p, netdev, nic, err);
    g_string_free(netdev, TRUE);
    g_string_free(nic, TRUE);
    return ok;
}

static bool opt_netdev(struct options *o, const char *value, GError **err)
{
    o->net_given = true;
    return add_netdev(o, value, NULL, err);
}

static bool opt_object(struct options *o, const char *value, GError **err)
{
    struct netdump_config *c;

    if (o->machine.n_netdumps == MACHINE_MAX_NETDUMPS)
        return error_option(err, "more than %d objects", MACHINE_MAX_NETDUMPS);
    c = netdump_config_new(value, err);
    if (!c)
        return false;
    g_ptr_array_add(o->netdumps, c);
    o->machine.netdump[o->machine.n_netdumps++] = c;
    return true;
}

/* A PC has an adapter, unless something was said of networks; but not where each run must be the
 * same, and answers from outside would come when they like. */
bool options_net_default(struct options *o, GError **err)
{
    for (unsigned k = 0; k < o->machine.n_devices; k++) {
        if (device_config_kind(o->machine.device[k])->family == FAMILY_NETWORK)
            return true;
    }
    if (o->net_given || o->nodefaults || o->machine.icount)
        return true;
    return opt_nic(o, "user", err);
}

static const struct option options[] = {
    {"nic", "user|socket|stream|dgram|none[,model=M][,mac=A]…",
     "a network adapter with a network behind it; -nic user,model=help lists models", opt_nic},
    {"netdev", "user|socket|stream|dgram,id=ID[,hostfwd=…]…",
     "a network, for -device e1000,netdev=ID", opt_netdev},
    {"object", "filter-dump,id=ID,netdev=ID,file=F", "captures what goes through a network",
     opt_object},
};

const struct option_group options_net = {options, ARRAY_SIZE(options)};
