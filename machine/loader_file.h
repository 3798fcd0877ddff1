/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a whole file that a loader wants, with errors that name it and say what it was wanted as.
 */
#ifndef MACHINE_LOADER_FILE_H
#define MACHINE_LOADER_FILE_H

#include <glib.h>
#include <stdint.h>

/* Reads regular files and pipes. `what` stands before the name in messages ("kernel"). NULL with an
 * error when it cannot be read or has more than `max` bytes. */
GByteArray *loader_read_file(const char *what, const char *path, uint64_t max, GError **err);

#endif
