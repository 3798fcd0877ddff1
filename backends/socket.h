/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stream sockets: made, bound, connected. All are non-blocking and closed on exec. Any thread. */
#ifndef BACKENDS_SOCKET_H
#define BACKENDS_SOCKET_H

#include <sys/types.h>

#include "backends/socket_place.h"

/* The descriptor, or -1 with an error that begins with `what`. A socket that somebody left behind
 * at a unix path is replaced; anything else there is an error. */
int socket_listen(const char *what, const struct socket_place *a, GError **err);

/* Waits a moment for the server, not longer. */
int socket_connect(const char *what, const struct socket_place *a, GError **err);

/* A datagram socket at `local` for datagrams to `remote`, which need not be there yet; by UDP only
 * what comes from there is received. */
int socket_open_dgram(const char *what, const struct socket_place *local,
                      const struct socket_place *remote, GError **err);
ssize_t socket_send_dgram(int fd, const struct socket_place *remote, const void *buf, size_t len);

/* A client that waits, or -1. */
int socket_accept(int fd);

/* Closes a listening socket and removes its path. */
void socket_unlisten(int fd, const struct socket_place *a);

/* The port that a tcp socket is bound to. */
uint16_t socket_port(int fd);

#endif
