/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See address.h. Names and meanings are QEMU's; a doubled comma in a path stands for one. */
#include "frontends/monitor/address.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <string.h>

#include "base/error.h"

static bool on_off(const char *value, bool *out)
{
    *out = !strcmp(value, "on");
    return *out || !strcmp(value, "off");
}

/* One of the words behind the address. */
static bool parse_word(const char *what, const char *word, struct monitor_address *a, GError **err)
{
    if (!strcmp(word, "server"))
        a->server = true;
    else if (!strcmp(word, "nowait"))
        a->wait = false;
    else if (!strcmp(word, "wait"))
        a->wait = true;
    else if (g_str_has_prefix(word, "server=") && on_off(word + 7, &a->server))
        ;
    else if (g_str_has_prefix(word, "wait=") && on_off(word + 5, &a->wait))
        ;
    else
        return error_option(err,
                            "%s: unknown parameter '%s' (there are server[=on|off], wait[=on|off], "
                            "nowait)",
                            what, word);
    return true;
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
static bool parse_tcp(const char *what, const char *text, struct monitor_address *a, GError **err)
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
            err,
            "%s: '%s' is not a loopback address: whoever reaches a monitor owns the "
            "machine",
            what, a->host);
    a->port = (uint16_t)port;
    return true;
}

static bool parse_place(const char *what, const char *place, struct monitor_address *a,
                        GError **err)
{
    if (!strcmp(place, "none") || !strcmp(place, "null")) {
        a->type = ADDRESS_NONE;
    } else if (!strcmp(place, "stdio")) {
        a->type = ADDRESS_STDIO;
    } else if (g_str_has_prefix(place, "unix:")) {
        a->type = ADDRESS_UNIX;
        if (!place[5] || strlen(place + 5) >= sizeof(a->path))
            return error_option(err, "%s: unix: needs a path of 1 to %zu bytes", what,
                                sizeof(a->path) - 1);
        strcpy(a->path, place + 5);
    } else if (g_str_has_prefix(place, "tcp:")) {
        a->type = ADDRESS_TCP;
        return parse_tcp(what, place + 4, a, err);
    } else {
        return error_option(
            err, "%s: unknown place '%s' (there are stdio, unix:PATH, tcp:HOST:PORT, none)", what,
            place);
    }
    return true;
}

/* Cuts the next piece off *at, at a single comma; NULL behind the last. */
static char *next_piece(const char **at)
{
    GString *s;

    if (!*at)
        return NULL;
    s = g_string_new(NULL);
    for (; **at && (**at != ',' || (*at)[1] == ','); ++*at) {
        if (**at == ',')
            ++*at;
        g_string_append_c(s, **at);
    }
    *at = **at ? *at + 1 : NULL;
    return g_string_free(s, FALSE);
}

bool address_parse(const char *what, const char *spec, struct monitor_address *out, GError **err)
{
    enum monitor_kind kind = out->kind;
    char *piece = next_piece(&spec);
    bool ok;

    *out = (struct monitor_address){.kind = kind, .wait = true};
    ok = parse_place(what, piece, out, err);
    g_free(piece);
    while (ok && (piece = next_piece(&spec))) {
        if (*piece && out->type != ADDRESS_UNIX && out->type != ADDRESS_TCP)
            ok = error_option(err, "%s: unknown parameter '%s'", what, piece);
        else if (*piece)
            ok = parse_word(what, piece, out, err);
        g_free(piece);
    }
    return ok;
}
