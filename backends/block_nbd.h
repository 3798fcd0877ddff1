/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Images behind a server of the Network Block Device protocol: one that is there, or a program that
 * we start to serve an image of another format than raw. */
#ifndef BACKENDS_BLOCK_NBD_H
#define BACKENDS_BLOCK_NBD_H

#include "backends/block.h"

/* Does `file` name a server? */
bool block_nbd_is_uri(const char *file);

/* Connects to the server that spec->file names. NULL with an error. Main thread. */
struct block *block_nbd_connect(const struct block_spec *spec, GError **err);

/* Has qemu-nbd or nbdkit serve spec->file, whose format is given and is not raw. NULL with an
 * error. Main thread. */
struct block *block_nbd_serve(const struct block_spec *spec, GError **err);

/* The program's arguments for this image, NULL at their end, g_strfreev; NULL with an error when
 * none does it. */
char **block_nbd_program(const struct block_spec *spec, GError **err);

/* The connection's part: a struct block of one that `socket` (then owned; or by `uri` with socket
 * < 0) leads to. `child` (or NULL) serves it, and is ended with it, and when NULL is returned with
 * an error. */
struct block_child;
struct block *block_nbd_new(const struct block_spec *spec, const char *uri, int socket,
                            struct block_child *child, GError **err);

#endif
