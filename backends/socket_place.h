/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where on the host something is reached: the values of -qmp, -monitor and -serial that name a
 * place, and what -chardev socket says of one. */
#ifndef BACKENDS_SOCKET_PLACE_H
#define BACKENDS_SOCKET_PLACE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum place_type { PLACE_NONE, PLACE_STDIO, PLACE_UNIX, PLACE_TCP };

struct socket_place {
    enum place_type type;
    bool server;        /* waits for clients; else it is one */
    bool wait;          /* nothing starts before the first client has come */
    unsigned reconnect; /* a client that lost its server, or found none, tries again after so many
                         * seconds; 0: never */
    char path[108];
    char host[64]; /* "127.0.0.1", "::1" or another loopback address */
    uint16_t port; /* 0: any that is free */
};

/* "stdio", "none", "null", or a socket: "unix:PATH[,PARAMETER]...", "tcp:HOST:PORT[,PARAMETER]..."
 * (loopback addresses only) with server[=on|off], wait[=on|off], nowait, reconnect=SECONDS,
 * telnet=off and nodelay[=on|off]. False with one clear error that begins with `what`. */
bool socket_place_parse(const char *what, const char *spec, struct socket_place *out, GError **err);

/* Only "HOST:PORT", into host and port. */
bool socket_place_tcp(const char *what, const char *text, struct socket_place *out, GError **err);

#endif
