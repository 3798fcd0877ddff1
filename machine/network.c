/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Backends, adapters and the cables between them; see network.h. */
#include <inttypes.h>
#include <string.h>

#include "backends/net_dump.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/log.h"
#include "machine/board.h"
#include "machine/network_int.h"

#define MAX_NICS MACHINE_MAX_DEVICES

struct nic {
    struct net_port *port; /* the adapter's own */
    const char *kind;
    uint8_t mac[6];
};

/* One of the two. */
struct netdev {
    struct net_user *user;
    struct net_socket *socket;
};

struct board_network {
    struct netdev netdev[MACHINE_MAX_NETDEVS];
    unsigned n_netdevs;
    struct net_dump *dump[MACHINE_MAX_NETDUMPS];
    unsigned n_dumps;
    struct nic nic[MAX_NICS];
    unsigned n_nics;
};

/* ---- backends ---- */

static struct net_port *port_of(const struct netdev *d)
{
    return d->user ? net_user_port(d->user) : net_socket_port(d->socket);
}

static struct net_port *find_netdev(const struct board_network *n, const char *id)
{
    for (unsigned k = 0; k < n->n_netdevs; k++) {
        if (!strcmp(port_of(&n->netdev[k])->name, id))
            return port_of(&n->netdev[k]);
    }
    return NULL;
}

/* The user network of that id, or the first. */
static struct net_user *find_user(const struct board_network *n, const char *id)
{
    for (unsigned k = 0; k < n->n_netdevs; k++) {
        const struct netdev *d = &n->netdev[k];

        if (d->user && (!id || !strcmp(port_of(d)->name, id)))
            return d->user;
    }
    return NULL;
}

static bool open_netdev(struct board *b, const struct netdev_config *c, struct netdev *d,
                        GError **err)
{
    struct net_user_config user = {c->id, c->user, b->lock, b->clock};
    struct net_socket_config socket = {c->id, &c->socket, b->lock};

    if (c->user)
        d->user = net_user_new(&user, err);
    else
        d->socket = net_socket_new(&socket, err);
    return d->user || d->socket;
}

bool board_open_network(struct board *b, GError **err)
{
    struct board_network *n = b->network = g_new0(struct board_network, 1);

    for (unsigned k = 0; k < b->cfg.n_netdevs; k++) {
        const struct netdev_config *c = b->cfg.netdev[k];

        if (find_netdev(n, c->id))
            return error_config(err, "two networks have the id '%s'", c->id);
        if (!open_netdev(b, c, &n->netdev[n->n_netdevs], err))
            return false;
        n->n_netdevs++;
    }
    return true;
}

void board_close_network(struct board *b)
{
    struct board_network *n = b->network;

    if (!n)
        return;
    for (unsigned k = 0; k < n->n_netdevs; k++) {
        net_user_free(n->netdev[k].user);
        net_socket_free(n->netdev[k].socket);
    }
    for (unsigned k = 0; k < n->n_dumps; k++)
        net_dump_free(n->dump[k]);
    g_free(n);
    b->network = NULL;
}

static bool open_dump(struct board *b, const struct netdump_config *c, GError **err)
{
    struct board_network *n = b->network;
    struct net_port *port = find_netdev(n, c->netdev);
    struct net_dump_config cfg = {.file = c->file,
                                  .snap = c->maxlen,
                                  .lock = b->lock,
                                  .clock = b->clock,
                                  .epoch_us = b->cfg.icount ? ICOUNT_RTC_BASE * G_USEC_PER_SEC
                                                            : g_get_real_time()};
    struct net_tap tap;

    if (!port)
        return error_config(err, "filter-dump: there is no network '%s'", c->netdev);
    n->dump[n->n_dumps] = net_dump_new(&cfg, err);
    if (!n->dump[n->n_dumps])
        return false;
    tap = net_dump_tap(n->dump[n->n_dumps++]);
    net_add_tap(port, &tap);
    return true;
}

bool board_finish_network(struct board *b, GError **err)
{
    struct board_network *n = b->network;

    for (unsigned k = 0; k < b->cfg.n_netdumps; k++) {
        if (!open_dump(b, b->cfg.netdump[k], err))
            return false;
    }
    for (unsigned k = 0; k < n->n_netdevs; k++) {
        if (!port_of(&n->netdev[k])->peer)
            log_user("warning: no adapter is on network '%s'", port_of(&n->netdev[k])->name);
    }
    return true;
}

void board_hold_network(struct board *b, bool held)
{
    for (unsigned k = 0; b->network && k < b->network->n_netdevs; k++) {
        struct netdev *d = &b->network->netdev[k];

        if (d->user)
            net_user_hold(d->user, held);
        else
            net_socket_hold(d->socket, held);
    }
}

void board_count_network(const struct board *b, uint64_t *sent, uint64_t *passed)
{
    *sent = *passed = 0;
    for (unsigned k = 0; b->network && k < b->network->n_nics; k++) {
        const struct net_port *port = b->network->nic[k].port;

        *sent += port->stats.frames;
        if (port->peer)
            *passed += port->peer->stats.frames;
    }
}

/* ---- adapters ---- */

char *board_nic_name(struct board *b, const char *kind)
{
    unsigned count = 0;

    for (unsigned k = 0; k < b->network->n_nics; k++)
        count += !strcmp(b->network->nic[k].kind, kind);
    return g_strdup_printf("%s.%u", kind, count);
}

void board_nic_mac(struct board *b, uint8_t mac[6])
{
    static const uint8_t first[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};

    memcpy(mac, first, sizeof(first));
    mac[5] = (uint8_t)(mac[5] + b->network->n_nics);
}

bool board_connect_nic(struct board *b, struct net_port *port, const char *kind,
                       const uint8_t mac[6], const char *netdev, GError **err)
{
    struct board_network *n = b->network;
    struct net_port *behind = netdev ? find_netdev(n, netdev) : NULL;
    struct nic *nic = &n->nic[n->n_nics];

    invariant(n->n_nics < MAX_NICS);
    if (netdev && !behind)
        return error_config(err, "%s: there is no network '%s' (-netdev user,id=%s makes one)",
                            kind, netdev, netdev);
    if (behind && behind->peer)
        return error_config(err, "%s: network '%s' has an adapter already", kind, netdev);
    *nic = (struct nic){.port = port, .kind = kind};
    memcpy(nic->mac, mac, sizeof(nic->mac));
    n->n_nics++;
    if (behind)
        net_connect(port, behind);
    return true;
}

/* ---- front ends ---- */

static const char *kind_of(const struct board_network *n, const struct net_port *p)
{
    for (unsigned k = 0; k < n->n_netdevs; k++) {
        if (port_of(&n->netdev[k]) == p)
            return n->netdev[k].user ? "user" : "socket";
    }
    return "none";
}

static void describe_nic(GString *s, const struct board_network *n, const struct nic *nic)
{
    const struct net_port *p = nic->port, *peer = p->peer;
    const uint8_t *m = nic->mac;

    g_string_append_printf(s, "%s: model=%s,macaddr=%02x:%02x:%02x:%02x:%02x:%02x, link %s\n",
                           p->name, nic->kind, m[0], m[1], m[2], m[3], m[4], m[5],
                           net_link_up(p) ? "up"
                           : peer         ? "down"
                                          : "down: there is no network behind it");
    g_string_append_printf(
        s, " sent %" PRIu64 " frames, %" PRIu64 " bytes, %" PRIu64 " more were lost\n",
        p->stats.frames, p->stats.bytes, p->stats.dropped);
    if (peer)
        g_string_append_printf(s,
                               " \\ %s: type=%s, sent %" PRIu64 " frames, %" PRIu64
                               " bytes, %" PRIu64 " more were lost\n",
                               peer->name, kind_of(n, peer), peer->stats.frames, peer->stats.bytes,
                               peer->stats.dropped);
}

char *machine_network_text(struct machine *m)
{
    struct board *b = machine_board(m);
    struct board_network *n = b->network;
    GString *s = g_string_new(NULL);

    lock_take(b->lock);
    for (unsigned k = 0; k < n->n_nics; k++)
        describe_nic(s, n, &n->nic[k]);
    for (unsigned k = 0; k < n->n_netdevs; k++) {
        const struct net_port *p = port_of(&n->netdev[k]);

        if (!p->peer)
            g_string_append_printf(s, "%s: type=%s, no adapter\n", p->name, kind_of(n, p));
    }
    lock_drop(b->lock);
    if (!s->len)
        g_string_append(s, "there is no network adapter\n");
    return g_string_free(s, FALSE);
}

char *machine_usernet_text(struct machine *m)
{
    struct board_network *n = machine_board(m)->network;
    GString *s = g_string_new(NULL);

    for (unsigned k = 0; k < n->n_netdevs; k++) {
        const struct netdev *d = &n->netdev[k];
        char *text = d->user ? net_user_connections(d->user) : NULL;

        if (text)
            g_string_append_printf(s, "%s:\n%s", port_of(d)->name, text);
        g_free(text);
    }
    if (!s->len)
        g_string_append(s, "there is no user network\n");
    return g_string_free(s, FALSE);
}

static struct net_port *find_port(const struct board_network *n, const char *name)
{
    for (unsigned k = 0; k < n->n_nics; k++) {
        if (!strcmp(n->nic[k].port->name, name))
            return n->nic[k].port;
    }
    return find_netdev(n, name);
}

bool machine_set_link(struct machine *m, const char *name, bool up, GError **err)
{
    struct board *b = machine_board(m);
    struct net_port *p;

    lock_take(b->lock);
    p = find_port(b->network, name);
    if (p)
        net_set_link(p, up);
    lock_drop(b->lock);
    return p || error_config(err, "there is no adapter or network '%s'", name);
}

static bool change_hostfwd(struct machine *m, const char *netdev, const char *text, bool removal,
                           GError **err)
{
    struct net_user *u = find_user(machine_board(m)->network, netdev);
    struct net_hostfwd f;

    if (!u && netdev)
        return error_config(err, "there is no user network '%s'", netdev);
    if (!u)
        return error_config(err, "there is no user network");
    if (!net_hostfwd_parse(text, removal, &f, err))
        return false;
    return removal ? net_user_remove_hostfwd(u, &f, err) : net_user_add_hostfwd(u, &f, err);
}

bool machine_hostfwd_add(struct machine *m, const char *netdev, const char *text, GError **err)
{
    return change_hostfwd(m, netdev, text, false, err);
}

bool machine_hostfwd_remove(struct machine *m, const char *netdev, const char *text, GError **err)
{
    return change_hostfwd(m, netdev, text, true, err);
}
