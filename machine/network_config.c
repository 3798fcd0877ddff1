/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What -netdev and -object filter-dump say; see network.h. */
#include <string.h>

#include "backends/net_dump.h"
#include "base/error.h"
#include "base/pairs.h"
#include "base/suggest.h"
#include "machine/network_int.h"

/* ---- netdev ---- */

static const char *const kinds[] = {[NET_SOCKET_SOCKET] = "socket",
                                    [NET_SOCKET_STREAM] = "stream",
                                    [NET_SOCKET_DGRAM] = "dgram",
                                    [NET_SOCKET_DGRAM + 1] = "user"};

static bool unknown_key(const struct netdev_config *c, const char *key, GError **err)
{
    const char *const *keys = c->user ? net_user_keys : net_socket_keys(c->socket.kind);
    GPtrArray *known = g_ptr_array_new();

    for (unsigned k = 0; keys[k]; k++)
        g_ptr_array_add(known, (void *)(uintptr_t)keys[k]);
    g_ptr_array_add(known, (void *)(uintptr_t) "id");
    suggest_error(err, "network parameter", key, (const char *const *)known->pdata, known->len);
    g_ptr_array_free(known, TRUE);
    return false;
}

static bool netdev_pair(struct netdev_config *c, const char *key, const char *value, GError **err)
{
    int rc;

    if (!strcmp(key, "id")) {
        if (!value || !*value)
            return error_option(err, "a network wants an id with a name");
        g_free(c->id);
        c->id = g_strdup(value);
        return true;
    }
    /* a bare word is a switch that is on */
    rc = c->user ? net_user_option(c->user, key, value ? value : "on", err)
                 : net_socket_option(&c->socket, key, value, err);
    return rc ? rc > 0 : unknown_key(c, key, err);
}

static bool set_kind(struct netdev_config *c, const char *kind, GError **err)
{
    for (unsigned k = 0; k <= NET_SOCKET_DGRAM; k++) {
        if (!strcmp(kind, kinds[k])) {
            c->socket.kind = (enum net_socket_kind)k;
            return true;
        }
    }
    if (strcmp(kind, "user"))
        return suggest_error(err, "network", kind, kinds, G_N_ELEMENTS(kinds));
    c->user = net_user_options_new();
    return true;
}

static bool finish(struct netdev_config *c, GError **err)
{
    if (!c->id)
        return error_option(err, "-netdev wants an id, by which an adapter can name it");
    return c->user ? net_user_options_finish(c->user, err)
                   : net_socket_options_finish(&c->socket, err);
}

struct netdev_config *netdev_config_new(const char *text, const char *id, GError **err)
{
    struct netdev_config *c;
    struct pairs p;
    bool ok;

    if (!pairs_split(&p, text, err))
        return NULL;
    c = g_new0(struct netdev_config, 1);
    c->id = g_strdup(id);
    ok = set_kind(c, p.n && !p.value[0] ? p.key[0] : "", err);
    for (unsigned k = 1; ok && k < p.n; k++)
        ok = netdev_pair(c, p.key[k], p.value[k], err);
    pairs_clear(&p);
    if (ok && finish(c, err))
        return c;
    netdev_config_free(c);
    return NULL;
}

void netdev_config_free(struct netdev_config *c)
{
    if (!c)
        return;
    if (c->user)
        net_user_options_free(c->user);
    g_free(c->id);
    g_free(c);
}

const char *netdev_config_id(const struct netdev_config *c)
{
    return c->id;
}

/* ---- captures ---- */

static bool netdump_pair(struct netdump_config *c, const char *key, const char *value, GError **err)
{
    static const char *const keys[] = {"id", "netdev", "file", "maxlen"};
    char **text[] = {&c->id, &c->netdev, &c->file};
    uint64_t n;

    for (unsigned k = 0; k < G_N_ELEMENTS(text); k++) {
        if (!strcmp(key, keys[k])) {
            if (!value || !*value)
                return error_option(err, "filter-dump: %s wants a value", key);
            g_free(*text[k]);
            *text[k] = g_strdup(value);
            return true;
        }
    }
    if (strcmp(key, "maxlen"))
        return suggest_error(err, "filter-dump parameter", key, keys, G_N_ELEMENTS(keys));
    if (!pairs_number("filter-dump: maxlen", value, NET_DUMP_SNAP_MAX, &n, err))
        return false;
    c->maxlen = (unsigned)n;
    return true;
}

struct netdump_config *netdump_config_new(const char *text, GError **err)
{
    static const char *const objects[] = {"filter-dump"};
    struct netdump_config *c;
    const char *kind;
    struct pairs p;
    bool ok;

    if (!pairs_split(&p, text, err))
        return NULL;
    c = g_new0(struct netdump_config, 1);
    kind = p.n && !p.value[0] ? p.key[0] : "";
    ok = !strcmp(kind, objects[0]) || suggest_error(err, "object", kind, objects, 1);
    for (unsigned k = 1; ok && k < p.n; k++)
        ok = netdump_pair(c, p.key[k], p.value[k], err);
    pairs_clear(&p);
    if (ok && (!c->id || !c->netdev || !c->file))
        ok = error_option(err, "filter-dump wants id, netdev and file");
    if (ok)
        return c;
    netdump_config_free(c);
    return NULL;
}

void netdump_config_free(struct netdump_config *c)
{
    if (!c)
        return;
    g_free(c->id);
    g_free(c->netdev);
    g_free(c->file);
    g_free(c);
}
