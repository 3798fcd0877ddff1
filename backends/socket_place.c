/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See socket_place.h. Names and meanings are QEMU's; a doubled comma in a path stands for one. */
#include "backends/socket_place.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/error.h"
#include "base/pairs.h"
#include "base/suggest.h"

/* One of the parameters behind the place. */
static bool parse_parameter(const char *what, const char *key, const char *value,
                            struct socket_place *a, GError **err)
{
    static const char *const keys[] = {"server",    "wait",   "nowait",
                                       "reconnect", "telnet", "nodelay"};
    char *thing = g_strdup_printf("%s: %s", what, key);
    bool ok, on = false;
    uint64_t n = 0;

    if (!strcmp(key, "server")) {
        ok = pairs_on_off(thing, value, &a->server, err);
    } else if (!strcmp(key, "wait")) {
        ok = pairs_on_off(thing, value, &a->wait, err);
    } else if (!strcmp(key, "nowait") && !value) {
        a->wait = false;
        ok = true;
    } else if (!strcmp(key, "reconnect")) {
        ok = pairs_number(thing, value, 3600, &n, err);
        a->reconnect = (unsigned)n;
    } else if (!strcmp(key, "telnet")) {
        ok = pairs_on_off(thing, value, &on, err) &&
             (!on ||
              error_option(err, "%s: telnet's protocol is not spoken here (telnet=off)", what));
    } else if (!strcmp(key, "nodelay")) { /* which tcp sockets have in any case */
        ok = pairs_on_off(thing, value, &on, err);
    } else {
        g_free(thing);
        thing = g_strdup_printf("parameter of %s", what);
        ok = suggest_error(err, thing, key, keys, G_N_ELEMENTS(keys));
    }
    g_free(thing);
    return ok;
}

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* "HOST:PORT"; an IPv6 address stands in brackets. */
bool socket_place_tcp(const char *what, const char *text, struct socket_place *a, GError **err)
{
    const char *colon = strrchr(text, ':');
    guint64 port;
    size_t len;

    if (!colon || !g_ascii_string_to_unsigned(colon + 1, 10, 0, 65535, &port, NULL))
        return error_option(err, "%s: tcp: needs HOST:PORT, not '%s'", what, text);
    len = (size_t)(colon - text);
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len >= sizeof(a->host))
        return error_option(err, "%s: the name of the host is too long", what);
    memcpy(a->host, text, len);
    a->host[len] = 0;
    if (!len || !strcmp(a->host, "localhost"))
        strcpy(a->host, "127.0.0.1");
    if (!is_loopback(a->host))
        return error_option(
            err, "%s: '%s' is not a loopback address: this host alone may reach the machine", what,
            a->host);
    a->port = (uint16_t)port;
    return true;
}

static bool parse_place(const char *what, const char *place, struct socket_place *a, GError **err)
{
    if (!strcmp(place, "none") || !strcmp(place, "null")) {
        a->type = PLACE_NONE;
    } else if (!strcmp(place, "stdio")) {
        a->type = PLACE_STDIO;
    } else if (g_str_has_prefix(place, "unix:")) {
        a->type = PLACE_UNIX;
        if (!place[5] || strlen(place + 5) >= sizeof(a->path))
            return error_option(err, "%s: unix: needs a path of 1 to %zu bytes", what,
                                sizeof(a->path) - 1);
        strcpy(a->path, place + 5);
    } else if (g_str_has_prefix(place, "tcp:")) {
        a->type = PLACE_TCP;
        return socket_place_tcp(what, place + 4, a, err);
    } else {
        return error_option(
            err, "%s: unknown place '%s' (there are stdio, unix:PATH, tcp:HOST:PORT, none)", what,
            place);
    }
    return true;
}

bool socket_place_parse(const char *what, const char *spec, struct socket_place *out, GError **err)
{
    struct pairs p;
    char *place;
    bool ok;

    *out = (struct socket_place){.wait = true};
    if (!pairs_split(&p, spec, err))
        return false;
    place = !p.n         ? g_strdup("")
            : p.value[0] ? g_strconcat(p.key[0], "=", p.value[0], NULL) /* a path with a = in it */
                         : g_strdup(p.key[0]);
    ok = parse_place(what, place, out, err);
    for (unsigned k = 1; ok && k < p.n; k++) {
        if (out->type != PLACE_UNIX && out->type != PLACE_TCP)
            ok = error_option(err, "%s: unknown parameter '%s'", what, p.key[k]);
        else
            ok = parse_parameter(what, p.key[k], p.value[k], out, err);
    }
    if (ok && out->server && out->reconnect)
        ok = error_option(err, "%s: reconnect is for who connects, not for server=on", what);
    g_free(place);
    pairs_clear(&p);
    return ok;
}
