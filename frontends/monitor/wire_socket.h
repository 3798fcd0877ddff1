/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets for wire.c: made, bound, connected. All are non-blocking and closed on exec. */
#ifndef FRONTENDS_MONITOR_WIRE_SOCKET_H
#define FRONTENDS_MONITOR_WIRE_SOCKET_H

#include "frontends/monitor/address.h"

/* The descriptor, or -1 with an error that begins with `what`. A socket that somebody left behind
 * at a unix path is replaced; anything else there is an error. */
int wire_socket_listen(const char *what, const struct monitor_address *a, GError **err);
int wire_socket_connect(const char *what, const struct monitor_address *a, GError **err);

/* A client that waits, or -1. */
int wire_socket_accept(int fd);

/* Closes a listening socket and removes its path. */
void wire_socket_unlisten(int fd, const struct monitor_address *a);

/* The port that a tcp socket is bound to. */
uint16_t wire_socket_port(int fd);

#endif
