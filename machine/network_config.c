/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What -netdev and -object filter-dump say; see network.h. */
#include <string.h>

#include "backends/net_dump.h"
#include "base/error.h"
#include "base/pairs.h"
#include "base/suggest.h"
#include "machine/network_int.h"

/* ---- netdev ---- */

static bool unknown_key(const char *key, GError **err)
{
    GPtrArray *known = g_ptr_array_new();

    for (unsigned k = 0; net_user_keys[k]; k++)
        g_ptr_array_add(known, (void *)(uintptr_t)net_user_keys[k]);
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
    rc = net_user_option(c->user, key, value ? value : "on", err);
    return rc ? rc > 0 : unknown_key(key, err);
}

struct netdev_config *netdev_config_new(const char *text, const char *id, GError **err)
{
    static const char *const kinds[] = {"user"};
    struct netdev_config *c;
    const char *kind;
    struct pairs p;
    bool ok;

    if (!pairs_split(&p, text, err))
        return NULL;
    c = g_new0(struct netdev_config, 1);
    c->id = g_strdup(id);
    c->user = net_user_options_new();
    kind = p.n && !p.value[0] ? p.key[0] : "";
    ok = !strcmp(kind, "user") || suggest_error(err, "network", kind, kinds, G_N_ELEMENTS(kinds));
    for (unsigned k = 1; ok && k < p.n; k++)
        ok = netdev_pair(c, p.key[k], p.value[k], err);
    pairs_clear(&p);
    if (ok && !c->id)
        ok = error_option(err, "-netdev wants an id, by which an adapter can name it");
    if (ok && net_user_options_finish(c->user, err))
        return c;
    netdev_config_free(c);
    return NULL;
}

void netdev_config_free(struct netdev_config *c)
{
    if (!c)
        return;
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
    static const char *const kinds[] = {"filter-dump"};
    struct netdump_config *c;
    const char *kind;
    struct pairs p;
    bool ok;

    if (!pairs_split(&p, text, err))
        return NULL;
    c = g_new0(struct netdump_config, 1);
    kind = p.n && !p.value[0] ? p.key[0] : "";
    ok = !strcmp(kind, kinds[0]) || suggest_error(err, "object", kind, kinds, 1);
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
