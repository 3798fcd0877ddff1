/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What -netdev socket, stream and dgram say; see net_socket.h. Names and meanings are QEMU's. */
#include <string.h>

#include "backends/net_socket.h"
#include "base/error.h"
#include "base/pairs.h"
#include "base/suggest.h"

static const char *const socket_keys[] = {"listen", "connect", "udp", "localaddr", NULL};
static const char *const stream_keys[] = {"server",    "addr.type", "addr.path", "addr.host",
                                          "addr.port", "reconnect", NULL};
static const char *const dgram_keys[] = {"local.type",  "local.path",  "local.host",
                                         "local.port",  "remote.type", "remote.path",
                                         "remote.host", "remote.port", NULL};

const char *const *net_socket_keys(enum net_socket_kind kind)
{
    switch (kind) {
    case NET_SOCKET_SOCKET: return socket_keys;
    case NET_SOCKET_STREAM: return stream_keys;
    default: return dgram_keys;
    }
}

/* "type", "path", "host" or "port" of a place. */
static bool place_part(struct socket_place *p, const char *key, const char *part, const char *value,
                       GError **err)
{
    static const char *const types[] = {"inet", "unix"};
    char *address;
    bool ok;

    if (!strcmp(part, "type")) {
        if (strcmp(value, "inet") && strcmp(value, "unix"))
            return suggest_error(err, key, value, types, G_N_ELEMENTS(types));
        p->type = *value == 'i' ? PLACE_TCP : PLACE_UNIX;
        return true;
    }
    if (!strcmp(part, "path")) {
        if (!*value || strlen(value) >= sizeof(p->path))
            return error_option(err, "%s: wants a path of 1 to %zu bytes", key,
                                sizeof(p->path) - 1);
        g_strlcpy(p->path, value, sizeof(p->path));
        return true;
    }
    if (!strcmp(part, "host"))
        address = g_strdup_printf(strchr(value, ':') ? "[%s]:%u" : "%s:%u", value, p->port);
    else
        address = g_strdup_printf(strchr(p->host, ':') ? "[%s]:%s" : "%s:%s", p->host, value);
    ok = socket_place_tcp(key, address, p, err);
    g_free(address);
    return ok;
}

static bool dgram_or_stream(struct net_socket_options *o, const char *key, const char *value,
                            GError **err)
{
    uint64_t n;

    if (!strcmp(key, "server"))
        return pairs_on_off("server", value, &o->local.server, err);
    if (!strcmp(key, "reconnect")) {
        if (!pairs_number("reconnect", value, 3600, &n, err))
            return false;
        o->local.reconnect = (unsigned)n;
        return true;
    }
    return place_part(*key == 'r' ? &o->remote : &o->local, key, strchr(key, '.') + 1, value, err);
}

static bool old_style(struct net_socket_options *o, const char *key, const char *value,
                      GError **err)
{
    bool udp = !strcmp(key, "udp") || !strcmp(key, "localaddr");
    struct socket_place *p = !strcmp(key, "udp") ? &o->remote : &o->local;

    if (p->type != PLACE_NONE || (o->dgram && !udp) || (udp && o->local.type && !o->dgram))
        return error_option(err, "socket: '%s' does not go with what was said before", key);
    o->dgram = udp;
    p->server = !strcmp(key, "listen");
    p->type = PLACE_TCP;
    return socket_place_tcp(key, value, p, err);
}

int net_socket_option(struct net_socket_options *o, const char *key, const char *value,
                      GError **err)
{
    const char *const *keys = net_socket_keys(o->kind);

    if (!g_strv_contains(keys, key))
        return 0;
    if (!value && strcmp(key, "server")) {
        error_option(err, "%s: wants a value", key);
        return -1;
    }
    if (o->kind == NET_SOCKET_SOCKET)
        return old_style(o, key, value, err) ? 1 : -1;
    o->dgram = o->kind == NET_SOCKET_DGRAM;
    return dgram_or_stream(o, key, value, err) ? 1 : -1;
}

static bool whole(const struct socket_place *p, const char *what, GError **err)
{
    if (p->type == PLACE_UNIX && *p->path)
        return true;
    if (p->type == PLACE_TCP && *p->host)
        return true;
    return error_option(err, "%s wants type=unix with a path, or type=inet with host and port",
                        what);
}

bool net_socket_options_finish(struct net_socket_options *o, GError **err)
{
    if (o->kind == NET_SOCKET_SOCKET) {
        if (o->local.type == PLACE_NONE || (o->dgram && o->remote.type == PLACE_NONE))
            return error_option(err, "socket: wants listen=[HOST]:PORT, connect=HOST:PORT, or "
                                     "udp=HOST:PORT,localaddr=HOST:PORT");
    } else if (!whole(&o->local, o->dgram ? "dgram: local" : "stream: addr", err) ||
               (o->dgram && !whole(&o->remote, "dgram: remote", err))) {
        return false;
    }
    if (o->local.server && o->local.reconnect)
        return error_option(err, "reconnect is for who connects, not for server=on");
    if (o->dgram && o->local.type != o->remote.type)
        return error_option(err, "local and remote are of different types");
    if (o->dgram && o->local.type == PLACE_TCP && !o->remote.port)
        return error_option(err, "remote wants a port");
    return true;
}
