/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where gdb connects: a TCP port, a unix socket, or the standard streams; one gdb at a time, which
 * may go and come again. While none is there the machine runs as if there were no server.
 */
#ifndef FRONTENDS_GDB_SERVER_H
#define FRONTENDS_GDB_SERVER_H

#include <glib.h>

struct gdb_server;
struct machine;

/* Listens at `spec`: "tcp:HOST:PORT" ("tcp::PORT" is the loopback address), "unix:PATH", or
 * "stdio". NULL with one clear error. The machine has not been started. Main thread, as all
 * here. */
struct gdb_server *gdb_server_new(struct machine *m, const char *spec, GError **err);

/* The machine runs no more, or is gone. */
void gdb_server_free(struct gdb_server *g);

/* The port that it listens at, which the system chose if 0 was given; 0: none. */
unsigned gdb_server_port(const struct gdb_server *g);

#endif
