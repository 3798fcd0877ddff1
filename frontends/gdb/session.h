/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One gdb at a machine: its packets in, answers and reports of stops out (gdb manual, appendix E).
 * vCPU n is thread n + 1. No sockets here: server.c has them. All on the main thread, without
 * locks.
 */
#ifndef FRONTENDS_GDB_SESSION_H
#define FRONTENDS_GDB_SESSION_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct machine;
struct debugger;
struct gdb_session;

/* Pauses the machine, whose vCPUs have `set` for their debugger. */
struct gdb_session *gdb_session_new(struct machine *m, struct debugger *set);

/* gdb has gone: its points are taken away, and the machine goes on. */
void gdb_session_free(struct gdb_session *s);

/* Bytes from gdb. False when the session is over (but what is in the output is to be sent). */
bool gdb_session_input(struct gdb_session *s, const uint8_t *bytes, size_t n);

/* The machine is paused: tells gdb why, if it waits for that. It ends: the same. */
void gdb_session_paused(struct gdb_session *s);
void gdb_session_ended(struct gdb_session *s, int status);

/* What is to be sent; the caller takes from it what it has sent. */
GString *gdb_session_output(struct gdb_session *s);

#endif
