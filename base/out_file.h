/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that are written for whoever asked: memory, pictures. The name may be a pipe's, and a
 * machine may stand meanwhile: nobody waits for a reader to come, and only so long for one that
 * does not read.
 */
#ifndef BASE_OUT_FILE_H
#define BASE_OUT_FILE_H

#include <stdbool.h>
#include <stddef.h>

#define OUT_FILE_STALL_MS 5000 /* how long a reader may take nothing at all */

/* Creates the file, or empties the one that is there. The descriptor, for out_file_write and
 * close(); -1 with errno, ENXIO for a pipe that nobody reads. */
int out_file_open(const char *path);

/* Writes all of it. False with errno, ETIMEDOUT when the reader of a pipe stopped reading. Any
 * thread. */
bool out_file_write(int fd, const void *buf, size_t len);

#endif
