/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program that serves an image to us alone: started with a listening socket as systemd would hand
 * it one (sd_listen_fds(3)), to which we are connected before it runs. The socket's name is in a
 * directory of our own and gone again at once, so that nobody else can connect, and nothing is left
 * behind. The program is told to end when we do, however we do.
 */
#ifndef BACKENDS_BLOCK_CHILD_H
#define BACKENDS_BLOCK_CHILD_H

#include <glib.h>
#include <stdbool.h>

struct block_child;

/* Runs argv (found in PATH; NULL at its end). *socket is our side of the connection, the caller's
 * to close. NULL with an error. Main thread, which the program does not outlive. */
struct block_child *block_child_start(const char *const *argv, int *socket, GError **err);

/* The first line that it has printed, "" for none; g_free. */
char *block_child_words(const struct block_child *c);

/* The connection has been closed, by which the program knows that it should end: waits for that,
 * with patience, since it may have to write to its image; with `now`, it is told so. NULL: no
 * effect. */
void block_child_end(struct block_child *c, bool now);

#endif
