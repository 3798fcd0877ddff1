/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a monitor is reached: the values of -qmp and -monitor. */
#ifndef FRONTENDS_MONITOR_ADDRESS_H
#define FRONTENDS_MONITOR_ADDRESS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum monitor_kind { MONITOR_QMP, MONITOR_HUMAN };

enum address_type { ADDRESS_NONE, ADDRESS_STDIO, ADDRESS_UNIX, ADDRESS_TCP };

struct monitor_address {
    enum monitor_kind kind;
    enum address_type type;
    bool server; /* waits for clients; else it is one */
    bool wait;   /* the machine does not start before the first client has come */
    bool pretty; /* QMP: replies over several lines */
    char path[108];
    char host[64]; /* "127.0.0.1", "::1" or another loopback address */
    uint16_t port; /* 0: any that is free */
};

/* "stdio", "none", "null", "unix:PATH[,server[=on|off]][,wait[=on|off]][,nowait]",
 * "tcp:HOST:PORT[,…]" (loopback addresses only). False with one clear error that begins with
 * `what`. */
bool address_parse(const char *what, const char *spec, struct monitor_address *out, GError **err);

#endif
